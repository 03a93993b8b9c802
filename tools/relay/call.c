#include "tools/relay/relay.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/ws_client.h"
#include "common/ws_frame.h"
#include "common/ws_upgrade.h"
#include "tools/kit/http.h"
#include "tools/relay/faults.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 16 << 10, MESSAGE_MAX = 4 << 20, STEP_MS = 10000, SID_SIZE = 64 };
enum way { TO_MODEL, TO_PHONE };

struct call {
	struct relay *relay;
	struct call *next, **link;
	struct endpoint phone, model;
	bool over;
	int put_off; /* messages of ours that still wait to be sent */

	/* The phone. */
	struct text in;           /* the request, then frames that came with it */
	struct ws_reader *reader; /* from the upgrade on */
	struct buf out;
	size_t out_sent;
	bool drained, answered;
	char stream_sid[SID_SIZE];

	/* The model. */
	struct ws_client *client;
	bool dialling, ready;

	struct buf text;
	char *held;
};

static const char session_update[] =
    "{\"type\":\"session.update\",\"session\":{\"type\":\"realtime\",\"output_modalities\":[\"audio\"],"
    "\"audio\":{\"input\":{\"format\":{\"type\":\"audio/pcmu\"},\"turn_detection\":{\"type\":\"server_vad\"}},"
    "\"output\":{\"format\":{\"type\":\"audio/pcmu\"},\"voice\":\"marin\"}}}}";

static void end(struct call *c)
{
	c->over = c->relay->any_over = true;
}

static void watch(struct call *c, struct endpoint *e, int fd, uint32_t events)
{
	struct epoll_event want = { .events = events, .data.ptr = e };

	if (fd < 0 || (e->fd == fd && e->events == events))
		return;
	/* A socket dialled anew may have the number of the one before. */
	if ((e->fd != fd || epoll_ctl(c->relay->epoll, EPOLL_CTL_MOD, fd, &want)) &&
	    epoll_ctl(c->relay->epoll, EPOLL_CTL_ADD, fd, &want))
		end(c);
	e->fd = fd;
	e->events = events;
}

/* --- going out --- */

static void flush_phone(struct call *c)
{
	while (c->out_sent < c->out.len) {
		ssize_t n =
		    send(c->phone.fd, c->out.data + c->out_sent, c->out.len - c->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			watch(c, &c->phone, c->phone.fd, EPOLLIN | EPOLLOUT);
			return;
		}
		if (n < 0) {
			end(c);
			return;
		}
		c->out_sent += (size_t)n;
	}
	c->out_sent = 0;
	buf_reset(&c->out);
	watch(c, &c->phone, c->phone.fd, EPOLLIN);
}

static void flush_model(struct call *c)
{
	int err = ws_client_flush(c->client);

	if (err && err != -EAGAIN)
		end(c);
	else
		watch(c, &c->model, ws_client_fd(c->client), err ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void call_send(void *call, int way, const char *text, size_t len)
{
	struct call *c = call;

	if (faults.delay_ms)
		c->put_off--;
	if (c->over)
		return;
	if (way == TO_PHONE) {
		ws_put_frame(&c->out, WS_TEXT, text, len, NULL);
		flush_phone(c);
	} else if (ws_client_send_text(c->client, text, len)) {
		end(c);
	} else {
		flush_model(c);
	}
}

static void pass(struct call *c, enum way way)
{
	if (buf_error(&c->text)) {
		end(c);
	} else if (faults.delay_ms) {
		c->put_off++;
		faults_put_off(c, way, c->text.data, c->text.len, clock_now_us());
	} else {
		call_send(c, way, c->text.data, c->text.len);
	}
	buf_reset(&c->text);
}

/* --- from the model --- */

static void on_delta(struct call *c, const char *text, size_t len)
{
	struct span audio;

	if (!json_scan(text, len, "delta", &audio) || faults_drop(&c->relay->deltas))
		return;
	buf_puts(&c->text, "{\"event\":\"media\",\"streamSid\":\"");
	buf_puts(&c->text, c->stream_sid);
	buf_puts(&c->text, "\",\"media\":{\"payload\":\"");
	buf_put(&c->text, audio.p, audio.n);
	buf_puts(&c->text, "\"}}");
	pass(c, TO_PHONE);
}

static void on_speech(struct call *c)
{
	if (faults.no_clear)
		return;
	buf_printf(&c->text, "{\"event\":\"clear\",\"streamSid\":\"%s\"}", c->stream_sid);
	pass(c, TO_PHONE);
}

static void on_model_event(struct call *c, const char *text, size_t len)
{
	struct span type;

	if (!json_scan(text, len, "type", &type))
		return;
	if (span_is(type, "response.output_audio.delta"))
		on_delta(c, text, len);
	else if (span_is(type, "input_audio_buffer.speech_started"))
		on_speech(c);
	else if (span_is(type, "session.updated"))
		c->ready = true;
	else if (span_is(type, "error"))
		fprintf(stderr, "relay: %.*s\n", (int)len, text);
}

static void read_model(struct call *c)
{
	struct ws_message m;
	bool wants_flush = false;
	int got;

	while (!c->over && (got = ws_client_read(c->client, &m, &wants_flush)) != 0) {
		if (got < 0)
			end(c);
		else if (m.opcode == WS_TEXT)
			on_model_event(c, m.data, m.len);
	}
	if (wants_flush && !c->over)
		flush_model(c);
}

static void dial(struct call *c, int64_t now_us)
{
	int done = ws_client_step(c->client, now_us);

	if (done < 0) {
		fprintf(stderr, "relay: %s\n", ws_client_failure(c->client)->text);
		end(c);
	} else if (done) {
		c->dialling = false;
		c->relay->dialling--;
		ws_client_send_text(c->client, session_update, strlen(session_update));
		flush_model(c);
		read_model(c);
	} else {
		/* The number alone does not tell a new socket. */
		c->model.events = 0;
		watch(
		    c, &c->model, ws_client_fd(c->client), ws_client_events(c->client) == POLLOUT ? EPOLLOUT : EPOLLIN);
	}
}

void calls_dial(struct relay *r, int64_t now_us)
{
	for (struct call *c = r->calls; c; c = c->next)
		if (c->dialling && !c->over)
			dial(c, now_us);
}

static void begin_dialling(struct call *c)
{
	struct relay *r = c->relay;
	char headers[200];
	const struct ws_target target = {
		.host = r->model_host,
		.port = r->model_port,
		.path = "/v1/realtime?model=gpt-realtime",
		.headers = headers,
		.resolver = r->resolver,
		.trust = r->trust,
		.sessions = r->sessions,
		.step_ms = STEP_MS,
		.max_message = MESSAGE_MAX,
	};

	snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", r->key);
	if (ws_client_dial(&c->client, &target, &r->bell)) {
		end(c);
		return;
	}
	c->dialling = true;
	r->dialling++;
	dial(c, clock_now_us());
}

/* --- from the phone --- */

static void on_media(struct call *c, const char *text, size_t len)
{
	struct span media, payload;

	if (!c->ready || !json_scan(text, len, "media", &media) || !json_scan(media.p, media.n, "payload", &payload) ||
	    faults_drop(&c->relay->frames))
		return;
	faults_burn();
	buf_puts(&c->text, "{\"type\":\"input_audio_buffer.append\",\"audio\":\"");
	buf_put(&c->text, payload.p, payload.n);
	buf_puts(&c->text, "\"}");
	pass(c, TO_MODEL);
}

static void on_phone_message(struct call *c, const char *text, size_t len)
{
	struct span event, sid;

	if (!json_scan(text, len, "event", &event))
		return;
	if (span_is(event, "media"))
		on_media(c, text, len);
	else if (span_is(event, "start") && json_scan(text, len, "streamSid", &sid) && sid.n < SID_SIZE)
		snprintf(c->stream_sid, SID_SIZE, "%.*s", (int)sid.n, sid.p);
}

static ssize_t read_socket(void *arg, uint8_t *out, size_t size)
{
	struct call *c = arg;
	ssize_t n;

	if (c->in.len) {
		n = (ssize_t)(size < c->in.len ? size : c->in.len);
		memcpy(out, c->in.data, (size_t)n);
		text_drop(&c->in, (size_t)n);
		return n;
	}
	/* A short read has emptied the socket. */
	if (c->drained)
		return -EAGAIN;
	n = recv(c->phone.fd, out, size, MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	c->drained = n > 0 && (size_t)n < size;
	return n;
}

static void read_phone(struct call *c)
{
	struct ws_message m;
	int got = 0;

	c->drained = false;
	while (!c->over && (got = ws_reader_next(c->reader, &m)) > 0) {
		if (m.opcode == WS_TEXT) {
			on_phone_message(c, m.data, m.len);
		} else if (m.opcode == WS_CLOSE) {
			ws_put_close(&c->out, m.close_code, "", NULL);
			flush_phone(c);
			end(c);
		}
	}
	if (got < 0)
		end(c);
}

/* --- the phone's HTTP --- */

static void answer(struct call *c, const struct http_request *q)
{
	char host[256], body[400] = "<Response/>";

	http_header(text_str(&q->head), "Host", host, sizeof host);
	if (strcmp(q->path, "/twilio/voice") == 0)
		snprintf(body, sizeof body,
		    "<Response><Connect><Stream url=\"wss://%s/twilio/stream/relay\"/></Connect></Response>", host);
	buf_printf(&c->out,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
	    strlen(body), body);
	c->answered = true;
	flush_phone(c);
}

static void upgrade(struct call *c, const char *key)
{
	char accept[WS_ACCEPT_SIZE];

	ws_upgrade_accept(key, accept);
	if (ws_reader_open(&c->reader, true, MESSAGE_MAX, read_socket, c)) {
		end(c);
		return;
	}
	if (faults.hold_kb && (c->held = malloc((size_t)faults.hold_kb << 10)))
		memset(c->held, 1, (size_t)faults.hold_kb << 10);
	buf_printf(&c->out,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n\r\n",
	    accept);
	flush_phone(c);
	begin_dialling(c);
	read_phone(c);
}

static void read_request(struct call *c)
{
	struct http_request q = { 0 };
	char piece[4096], key[WS_KEY_SIZE];
	ssize_t n = recv(c->phone.fd, piece, sizeof piece, MSG_DONTWAIT);
	int got;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || c->answered) {
		end(c);
		return;
	}
	text_add(&c->in, piece, (size_t)n);
	got = http_request_take(&q, &c->in, REQUEST_MAX);
	if (got < 0)
		end(c);
	else if (got && http_header(text_str(&q.head), "Sec-WebSocket-Key", key, sizeof key))
		upgrade(c, key);
	else if (got)
		answer(c, &q);
	http_request_free(&q);
}

/* --- both --- */

void call_ready(struct endpoint *e, uint32_t events, int64_t now_us)
{
	struct call *c = e->call;

	if (c->over)
		return;
	if (e == &c->model) {
		if (c->dialling) {
			dial(c, now_us);
			return;
		}
		if (events & EPOLLOUT)
			flush_model(c);
		if (!c->over && events & ~(uint32_t)EPOLLOUT)
			read_model(c);
		return;
	}
	if (events & EPOLLOUT)
		flush_phone(c);
	if (c->over || !(events & ~(uint32_t)EPOLLOUT))
		return;
	if (c->reader)
		read_phone(c);
	else
		read_request(c);
}

void call_open(struct relay *r, int fd)
{
	struct call *c = need(sizeof *c);

	c->relay = r;
	c->phone = (struct endpoint){ .call = c, .fd = -1 };
	c->model = (struct endpoint){ .call = c, .fd = -1 };
	buf_init(&c->out, 0);
	buf_init(&c->text, 0);
	c->next = r->calls;
	c->link = &r->calls;
	if (c->next)
		c->next->link = &c->next;
	r->calls = c;
	watch(c, &c->phone, fd, EPOLLIN);
}

static void call_free(struct call *c)
{
	if (c->dialling)
		c->relay->dialling--;
	ws_client_free(c->client);
	ws_reader_close(c->reader);
	if (c->phone.fd >= 0)
		close(c->phone.fd);
	text_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->text);
	free(c->held);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	free(c);
}

void calls_sweep(struct relay *r)
{
	if (!r->any_over)
		return;
	r->any_over = false;
	for (struct call *c = r->calls, *next; c; c = next) {
		next = c->next;
		if (c->over && c->put_off)
			r->any_over = true; /* the queue still speaks of it */
		else if (c->over)
			call_free(c);
	}
}
