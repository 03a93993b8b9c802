/* What --fault does: every way of being a bad Twilio is in this file, or is one
 * `if` at the place it spoils. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/phone/call.h"
#include "tools/phone/clock.h"
#include "tools/phone/request.h"
#include "tools/kit/ws.h"

static long value_of(const struct call *c, enum fault_id id)
{
	return c->options->fault[id].value;
}

/* --- the webhook --- */

/* Writes the request's body and length anew. */
static void replace_body(struct text *request, const struct text *body, size_t promised)
{
	char *head_end = memmem(request->data, request->len, "\r\n\r\n", 4);
	char *length = strstr(request->data, "Content-Length: ");
	struct text fresh = { 0 };

	if (!head_end || !length)
		return;
	text_add(&fresh, request->data, (size_t)(length - request->data));
	text_printf(&fresh, "Content-Length: %zu\r\n\r\n", promised);
	text_add(&fresh, text_str(body), body->len);
	text_free(request);
	*request = fresh;
}

static void add_header(struct text *request, const char *line, size_t len)
{
	char *first_end = memmem(request->data, request->len, "\r\n", 2);
	size_t at = (size_t)(first_end - request->data) + 2;
	struct text fresh = { 0 };

	text_add(&fresh, request->data, at);
	text_add(&fresh, line, len);
	text_puts(&fresh, "\r\n");
	text_add(&fresh, request->data + at, request->len - at);
	text_free(request);
	*request = fresh;
}

static void fill(struct text *t, size_t len)
{
	char piece[1000];

	memset(piece, 'x', sizeof piece);
	for (; len > sizeof piece; len -= sizeof piece)
		text_add(t, piece, sizeof piece);
	text_add(t, piece, len);
}

void mischief_webhook(struct call *c, struct text *request, const struct form *form)
{
	static const char bad_form[] = "&A=%zz&B=%&C=\0&D=\xff\xfe&=&&E=%00";
	static const char no_http[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 nonsense\r\n\r\n\0\0\0";
	const struct options *o = c->options;
	struct text t = { 0 };
	char line[64];
	int n;

	if (has_fault(o, FAULT_HUGE_HEADERS)) {
		text_puts(&t, "X-Huge: ");
		fill(&t, (size_t)value_of(c, FAULT_HUGE_HEADERS));
		add_header(request, t.data, t.len);
	}
	for (long i = 0; has_fault(o, FAULT_MANY_HEADERS) && i < value_of(c, FAULT_MANY_HEADERS); i++) {
		n = snprintf(line, sizeof line, "X-Many-%ld: %ld", i, i);
		add_header(request, line, (size_t)n);
	}
	if (has_fault(o, FAULT_TWO_LENGTHS))
		add_header(request, "Content-Length: 7", 17);
	if (has_fault(o, FAULT_LENGTH_AND_CHUNKS))
		add_header(request, "Transfer-Encoding: chunked", 26);
	text_free(&t);
	if (has_fault(o, FAULT_SHORT_BODY)) {
		form_encode(form, &t);
		replace_body(request, &t, t.len + 100);
	} else if (has_fault(o, FAULT_BIG_BODY)) {
		form_encode(form, &t);
		text_puts(&t, "&Big=");
		fill(&t, (size_t)value_of(c, FAULT_BIG_BODY));
		replace_body(request, &t, t.len);
	} else if (has_fault(o, FAULT_BAD_FORM)) {
		form_encode(form, &t);
		text_add(&t, bad_form, sizeof bad_form - 1);
		replace_body(request, &t, t.len);
	} else if (has_fault(o, FAULT_GARBAGE_HTTP)) {
		text_free(request);
		text_add(request, no_http, sizeof no_http - 1);
	}
	text_free(&t);
}

/* --- the stream's url --- */

/* It is signed as it is asked for: the token is what has to be looked at. */
void mischief_url(struct call *c, char *url)
{
	char *last = strrchr(url, '/');

	if (has_fault(c->options, FAULT_NO_TOKEN) && last)
		*last = '\0';
	else if (has_fault(c->options, FAULT_WRONG_TOKEN) && last && last[1])
		last[1] = last[1] == 'a' ? 'b' : 'a';
}

struct other {
	struct call *call;
	void (*then)(struct call *c);
};

static void on_other_answer(struct request *r, const char *error)
{
	struct other *other = r->note;
	struct call *c = other->call;

	c->requests--;
	c->second_status = error ? 0 : r->in.status;
	note_event(c, "another stream with the same token was answered %d %s", r->in.status, error ? error : "");
	if (c->finishing && !c->requests)
		c->over(c);
	else if (!c->finishing && other->then)
		other->then(c);
	free(other);
}

void mischief_other_stream(struct call *c, void (*then)(struct call *c))
{
	struct other *other = need(sizeof *other);
	const struct verb *v = c->stream.verb;
	char *url = webhook_resolve(c, v->url);
	const char *path = webhook_path(c, url);
	const char *rest = strstr(url, "://");
	struct text out = { 0 }, wss = { 0 };
	char signature[SIGNATURE_MAX];

	*other = (struct other){ c, then };
	text_printf(&wss, "wss%s", rest ? rest : "");
	text_printf(&out, "GET %s HTTP/1.1\r\n", path ? path : "/");
	webhook_headers(c, &out);
	text_puts(&out, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
			"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");
	if (c->options->token) {
		sign(signature, c->options->token, wss.data, NULL);
		text_printf(&out, "X-Twilio-Signature: %s\r\n", signature);
	}
	text_puts(&out, "\r\n");
	c->requests++;
	request_begin(c->loop, &c->options->address, &out, REQUEST_LIMIT_MS, 0, on_other_answer, c, other);
	text_free(&wss);
	free(url);
}

/* --- messages at a time --- */

static void send_text(struct call *c, const char *s)
{
	stream_send(c, WS_TEXT, s, strlen(s));
}

/* A frame with a first byte of our choosing. */
static void send_frame(struct call *c, int first, const void *payload, size_t len, bool masked)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	struct text frame = { 0 };

	ws_write(&frame, first, payload, len, masked ? mask : NULL);
	stream_send_raw(c, frame.data, frame.len);
	text_free(&frame);
}

static void start_again(struct call *c)
{
	struct text m = { 0 };

	stream_start_message(c, &m);
	stream_send(c, WS_TEXT, m.data, m.len);
	text_free(&m);
}

static void unknown_stream(struct call *c)
{
	send_text(c,
	    "{\"event\":\"media\",\"sequenceNumber\":\"9\",\"media\":{\"track\":\"inbound\",\"chunk\":\"9\",\"timestamp\":"
	    "\"9\",\"payload\":\"f39/fw==\"},\"streamSid\":\"MZ99999999999999999999999999999999\"}");
	send_text(c,
	    "{\"event\":\"dtmf\",\"streamSid\":\"MZ99999999999999999999999999999999\",\"sequenceNumber\":\"10\","
	    "\"dtmf\":{\"track\":\"inbound_track\",\"digit\":\"1\"}}");
	send_text(c,
	    "{\"event\":\"mark\",\"sequenceNumber\":\"11\",\"streamSid\":\"MZ99999999999999999999999999999999\","
	    "\"mark\":{\"name\":\"x\"}}");
	send_text(c,
	    "{\"event\":\"stop\",\"sequenceNumber\":\"12\",\"stop\":{\"accountSid\":\"AC\",\"callSid\":\"CA\"},"
	    "\"streamSid\":\"MZ99999999999999999999999999999999\"}");
}

static void huge(struct call *c)
{
	struct text m = { 0 };

	text_printf(&m,
	    "{\"event\":\"media\",\"sequenceNumber\":\"%llu\",\"media\":{\"track\":\"inbound\",\"chunk\":\"1\",\"timestamp\":"
	    "\"1\",\"payload\":\"",
	    (unsigned long long)++c->stream.sequence);
	for (long i = 0; i < value_of(c, FAULT_HUGE); i += 3)
		text_puts(&m, "////");
	text_printf(&m, "\"},\"streamSid\":\"%s\"}", c->stream.sid);
	stream_send(c, WS_TEXT, m.data, m.len);
	text_free(&m);
}

static void giant(struct call *c)
{
	uint8_t head[14] = { WS_FIN | WS_TEXT, 0x80 | 127 };
	uint64_t size = (uint64_t)value_of(c, FAULT_GIANT);

	for (int i = 0; i < 8; i++)
		head[2 + i] = (uint8_t)(size >> (56 - 8 * i));
	stream_send_raw(c, head, sizeof head);
}

static void malformed(struct call *c)
{
	send_text(c, "");
	send_text(c, "{");
	send_text(c, "{\"event\":\"media\"");
	send_text(c, "nonsense");
	send_text(c, "[1,2,3]");
	send_text(c, "\"media\"");
	send_text(c, "{\"event\":\"media\",}");
	send_text(c, "{\"event\":\"media\"}{\"event\":\"stop\"}");
	send_text(c, "{\"event\":\"an-event-of-tomorrow\",\"streamSid\":\"x\"}");
}

static void deep(struct call *c)
{
	struct text m = { 0 };

	text_puts(&m, "{\"event\":");
	for (long i = 0; i < value_of(c, FAULT_DEEP); i++)
		text_puts(&m, "[");
	stream_send(c, WS_TEXT, m.data, m.len);
	text_free(&m);
}

static void wrong_types(struct call *c)
{
	static const char *const messages[] = {
		"{\"event\":7}",
		"{\"event\":null,\"streamSid\":\"%s\"}",
		"{\"event\":\"media\",\"streamSid\":\"%s\"}",
		"{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":\"payload\"}",
		"{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":[]}",
		"{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"payload\":5}}",
		"{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"payload\":null,\"timestamp\":{}}}",
		"{\"event\":\"media\",\"streamSid\":\"%s\",\"sequenceNumber\":-1,\"media\":{\"timestamp\":\"99999999999999999999\","
		"\"chunk\":\"x\",\"payload\":\"/w==\"}}",
		"{\"event\":\"media\",\"streamSid\":[\"%s\"],\"media\":{\"payload\":\"/w==\"}}",
		"{\"event\":\"mark\",\"streamSid\":\"%s\",\"mark\":7}",
		"{\"event\":\"mark\",\"streamSid\":\"%s\",\"mark\":{\"name\":{\"name\":1}}}",
		"{\"event\":\"dtmf\",\"streamSid\":\"%s\",\"dtmf\":null}",
		"{\"event\":\"stop\",\"streamSid\":7,\"stop\":[]}",
	};
	char m[400];

	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(m, sizeof m, messages[i], c->stream.sid);
#pragma GCC diagnostic pop
		send_text(c, m);
	}
}

static void nul_bytes(struct call *c)
{
	char m[200];
	int n = snprintf(
	    m, sizeof m, "{\"event\":\"mark\",\"streamSid\":\"%s\",\"mark\":{\"name\":\"a\\u0000b\"}}", c->stream.sid);

	stream_send(c, WS_TEXT, m, (size_t)n);
	n = snprintf(
	    m, sizeof m, "{\"event\":\"mark\",\"streamSid\":\"%s\",\"mark\":{\"name\":\"a?b\"}}", c->stream.sid);
	*strchr(m, '?') = '\0';
	stream_send(c, WS_TEXT, m, (size_t)n);
	stream_send(c, WS_TEXT, "\0\0\0\0", 4);
}

static void bad_utf8(struct call *c)
{
	send_text(c, "{\"event\":\"mark\",\"mark\":{\"name\":\"\xff\xfe\xc0\x80\xed\xa0\x80\"}}");
}

static void bad_base64(struct call *c)
{
	static const char *const payloads[] = { "!!!!", "AAA", "A===", "AA=A", "////\\n////", "" };
	char m[300];

	for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
		snprintf(m, sizeof m,
		    "{\"event\":\"media\",\"sequenceNumber\":\"%llu\",\"media\":{\"track\":\"inbound\",\"chunk\":\"1\",\"timestamp\":"
		    "\"1\",\"payload\":\"%s\"},\"streamSid\":\"%s\"}",
		    (unsigned long long)++c->stream.sequence, payloads[i], c->stream.sid);
		send_text(c, m);
	}
}

static void binary(struct call *c)
{
	stream_send(c, WS_BINARY, "\xff\xff\xff\xff", 4);
}

static void unmasked(struct call *c)
{
	send_frame(c, WS_FIN | WS_TEXT, "{\"event\":\"x\"}", 13, false);
}

static void reserved_bits(struct call *c)
{
	send_frame(c, WS_FIN | WS_RSV1 | WS_TEXT, "{\"event\":\"x\"}", 13, true);
}

static void bad_opcode(struct call *c)
{
	send_frame(c, WS_FIN | 3, "?", 1, true);
}

static void long_ping(struct call *c)
{
	char body[126];

	memset(body, 'p', sizeof body);
	send_frame(c, WS_FIN | WS_PING, body, sizeof body, true);
}

static void half_frame(struct call *c)
{
	uint8_t half[60] = { WS_FIN | WS_TEXT, 0x80 | 126, 1, 120, 1, 2, 3, 4 };

	stream_send_raw(c, half, sizeof half);
	c->stream.mute = true;
}

static void second_stream(struct call *c)
{
	mischief_other_stream(c, NULL);
}

static void withhold(struct call *c)
{
	c->stream.mute = true;
}

static void hold_back(struct call *c)
{
	c->stream.hold_until_ns = mono_ns() + (uint64_t)value_of(c, FAULT_LATE) * NS_PER_MS;
}

static void cut(struct call *c)
{
	struct linger now = { 1, 0 };

	if (value_of(c, FAULT_CUT) == 0)
		setsockopt(c->stream.source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	stream_end(c, END_CUT);
}

static void echo_unknown(struct call *c)
{
	char m[200];

	for (int i = 0; i < 3; i++) {
		snprintf(m, sizeof m,
		    "{\"event\":\"mark\",\"sequenceNumber\":\"%llu\",\"streamSid\":\"%s\",\"mark\":{\"name\":\"%s\"}}",
		    (unsigned long long)++c->stream.sequence, c->stream.sid,
		    i == 0   ? "never sent"
		    : i == 1 ? ""
			     : "999999:999999");
		send_text(c, m);
	}
}

static void status_completed(struct call *c)
{
	webhook_call_status(c, "completed");
	c->told_completed = true;
}

static void status_stopped(struct call *c)
{
	webhook_stream_status(c, "stream-stopped", NULL);
}

static void bad_dtmf(struct call *c)
{
	static const char *const bodies[] = { "{}", "{\"digit\":\"\"}", "{\"digit\":\"x\"}", "{\"digit\":\"12345\"}",
		"{\"digit\":5}" };
	char m[200];

	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		snprintf(m, sizeof m,
		    "{\"event\":\"dtmf\",\"streamSid\":\"%s\",\"sequenceNumber\":\"%llu\",\"dtmf\":%s}", c->stream.sid,
		    (unsigned long long)++c->stream.sequence, bodies[i]);
		send_text(c, m);
	}
}

static const struct {
	enum fault_id id;
	void (*happen)(struct call *c);
} at_a_time[] = {
	{ FAULT_START_TWICE, start_again },
	{ FAULT_UNKNOWN_STREAM, unknown_stream },
	{ FAULT_LATE, hold_back },
	{ FAULT_WITHHOLD, withhold },
	{ FAULT_HUGE, huge },
	{ FAULT_GIANT, giant },
	{ FAULT_MALFORMED, malformed },
	{ FAULT_DEEP, deep },
	{ FAULT_WRONG_TYPES, wrong_types },
	{ FAULT_NUL_BYTES, nul_bytes },
	{ FAULT_BAD_UTF8, bad_utf8 },
	{ FAULT_BAD_BASE64, bad_base64 },
	{ FAULT_BINARY, binary },
	{ FAULT_UNMASKED, unmasked },
	{ FAULT_RESERVED_BITS, reserved_bits },
	{ FAULT_BAD_OPCODE, bad_opcode },
	{ FAULT_LONG_PING, long_ping },
	{ FAULT_HALF_FRAME, half_frame },
	{ FAULT_SECOND_STREAM, second_stream },
	{ FAULT_CUT, cut },
	{ FAULT_ECHO_UNKNOWN, echo_unknown },
	{ FAULT_STATUS_COMPLETED, status_completed },
	{ FAULT_STATUS_STOPPED, status_stopped },
	{ FAULT_BAD_DTMF, bad_dtmf },
};

void mischief_tick(struct call *c)
{
	struct stream *s = &c->stream;
	const struct fault *gap = &c->options->fault[FAULT_GAP];
	long ms = (long)s->ticks * TICK_MS;

	if (s->hold_until_ns && mono_ns() >= s->hold_until_ns) {
		s->hold_until_ns = 0;
		stream_flush(c);
	}
	if (gap->on && ms >= gap->at_ms && ms < gap->at_ms + gap->value + TICK_MS)
		s->mute = ms < gap->at_ms + gap->value;
	if (has_fault(c->options, FAULT_SLOW_READ))
		stream_read_slowly(c, (size_t)value_of(c, FAULT_SLOW_READ) / (1000 / TICK_MS));
	for (size_t i = 0; i < sizeof at_a_time / sizeof at_a_time[0]; i++) {
		enum fault_id id = at_a_time[i].id;

		if (s->state != STREAM_OPEN)
			return;
		if (!has_fault(c->options, id) || s->done_fault[id] || ms < c->options->fault[id].at_ms)
			continue;
		s->done_fault[id] = true;
		note_event(c, "fault: %s", fault_name(id));
		at_a_time[i].happen(c);
	}
}

void mischief_after_stop(struct call *c)
{
	uint8_t silence[TICK_BYTES];

	memset(silence, 0xFF, sizeof silence);
	for (long i = 0; has_fault(c->options, FAULT_AFTER_STOP) && i < value_of(c, FAULT_AFTER_STOP); i++)
		stream_media(c, silence, sizeof silence);
}
