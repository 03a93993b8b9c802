#include "tools/standin_model/conn.h"

#include "tools/kit/http.h"
#include "tools/kit/ws.h"
#include "tools/standin_model/upgrade.h"
#include "tools/standin_model/options.h"
#include "tools/standin_model/session.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_CHUNK = 16384,
	READ_TURN = 1 << 20, /* then the others have their turn */
	OUT_MAX = 64 << 20,  /* a client that reads nothing is given up */
	CLOSE_WAIT_MS = 2000,
	HANDSHAKE_MS = 30000,
	DRIP_MS = 5,
	FRAME_MAX = 17 << 20,
	RATE_MS = 50 /* how often a slow reader reads */
};

enum state {
	WAITING, /* not yet allowed to start TLS */
	SHAKING,
	ASKING,    /* reading the upgrade request */
	ANSWERING, /* the answer is delayed on purpose */
	OPEN,
	CLOSING, /* everything was said; waiting for the client to go */
	OVER
};

struct conn {
	const struct service *service;
	struct record *record;
	struct faults faults;
	struct session *session;
	SSL *ssl;
	int fd;
	enum state state;
	uint64_t state_until; /* when this state's time is up */
	struct upgrade upgrade;

	struct text in, out, message;
	unsigned message_opcode;
	bool fragments;    /* a fragmented message is under way */
	bool want_write;   /* the socket was full */
	bool more_to_read; /* decrypted bytes may be waiting */
	bool close_sent, peer_closed;
	uint64_t next_write, next_read, stop_reading_at;
};

static struct fault_state *fault(struct conn *c, enum fault f)
{
	return &c->faults.f[f];
}

static void over(struct conn *c, const char *why)
{
	if (c->state == OVER)
		return;
	c->state = OVER;
	if (!*c->record->end)
		snprintf(c->record->end, sizeof c->record->end, "%s", why);
}

struct conn *conn_new(const struct service *service, int fd, unsigned long number, struct record *record, uint64_t now)
{
	struct conn *c = need(sizeof *c);
	int certificate;

	c->service = service;
	c->record = record;
	c->fd = fd;
	faults_for(&c->faults, number);
	certificate = certificate_index(
	    fault(c, FAULT_CERTIFICATE)->on ? fault(c, FAULT_CERTIFICATE)->what : options.certificate);
	c->ssl = SSL_new(service->contexts[certificate < 0 ? 0 : certificate]);
	SSL_set_fd(c->ssl, fd);
	SSL_set_accept_state(c->ssl);
	if (fault(c, FAULT_READ_RATE)->on || fault(c, FAULT_STOP_READING)->on) {
		int small = 4096; /* or the kernel would do the reading for us */

		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	}
	c->state_until =
	    now + (fault(c, FAULT_TLS_DELAY)->on ? (uint64_t)fault(c, FAULT_TLS_DELAY)->number * NS_PER_MS : 0);
	return c;
}

void conn_free(struct conn *c)
{
	session_free(c->session);
	/* However it ended: else OpenSSL forgets the session, and nobody could resume it. */
	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	if (c->fd >= 0)
		close(c->fd);
	text_free(&c->in);
	text_free(&c->out);
	text_free(&c->message);
	c->record->open = false;
	c->record->closed_ns = mono_ns();
	free(c);
}

int conn_fd(const struct conn *c)
{
	return c->fd;
}

/* Going out. */

void conn_send_raw(struct conn *c, const void *bytes, size_t len)
{
	if (c->state != OVER && !c->close_sent)
		text_add(&c->out, bytes, len);
}

void conn_send_text(struct conn *c, const char *message, size_t len)
{
	size_t piece = fault(c, FAULT_FRAGMENT)->on ? (size_t)fault(c, FAULT_FRAGMENT)->number : len;
	int opcode = WS_TEXT;

	if (c->state == OVER || c->close_sent)
		return;
	if (c->out.len > OUT_MAX) {
		over(c, "the client reads nothing");
		return;
	}
	for (piece = piece ? piece : len; len > piece; message += piece, len -= piece) {
		ws_write(&c->out, opcode, message, piece, NULL);
		opcode = WS_CONTINUATION;
	}
	ws_write(&c->out, WS_FIN | opcode, message, len, NULL);
}

void conn_close(struct conn *c, int code, const char *reason)
{
	char payload[125] = { (char)(code >> 8), (char)code };
	size_t len = strnlen(reason, sizeof payload - 2);

	if (c->state == OVER || c->close_sent)
		return;
	memcpy(payload + 2, reason, len);
	ws_write(&c->out, WS_FIN | WS_CLOSE, payload, len + 2, NULL);
	c->close_sent = true;
	c->state = CLOSING;
	c->state_until = mono_ns() + CLOSE_WAIT_MS * NS_PER_MS;
	if (!*c->record->end)
		snprintf(c->record->end, sizeof c->record->end, "we closed: %d %s", code, reason);
}

static void flush(struct conn *c, uint64_t now)
{
	size_t sent = 0;
	bool drips = fault(c, FAULT_DRIP)->on;

	c->want_write = false;
	while (sent < c->out.len && c->state != OVER) {
		size_t len = c->out.len - sent;
		int n;

		if (drips) {
			if (now < c->next_write)
				break;
			len = len < (size_t)fault(c, FAULT_DRIP)->number ? len : (size_t)fault(c, FAULT_DRIP)->number;
			c->next_write = now + DRIP_MS * NS_PER_MS;
		}
		n = SSL_write(c->ssl, c->out.data + sent, len > 1 << 24 ? 1 << 24 : (int)len);
		if (n <= 0) {
			if (SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_WRITE)
				c->want_write = true;
			else
				over(c, "write failed");
			ERR_clear_error();
			break;
		}
		sent += (size_t)n;
	}
	text_drop(&c->out, sent);
	if (c->out.cap > 1 << 20 && !c->out.len)
		text_free(&c->out);
}

void conn_drop(struct conn *c, const char *how)
{
	struct linger hard = { .l_onoff = 1 };
	char *reason;
	long code = strtol(how, &reason, 10);

	if (code > 0) {
		conn_close(c, (int)code, *reason ? reason + 1 : "");
		return;
	}
	if (c->record->upgraded)
		flush(c, mono_ns()); /* what was said before is to arrive */
	if (strcmp(how, "notify") == 0)
		SSL_shutdown(c->ssl);
	else
		SSL_set_quiet_shutdown(c->ssl, 1);
	if (strcmp(how, "rst") == 0)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	else
		shutdown(c->fd, SHUT_WR);
	over(c, how);
}

static bool drop_due(struct conn *c, enum point at)
{
	if (!fault_due(&c->faults, FAULT_DROP, at))
		return false;
	conn_drop(c, fault(c, FAULT_DROP)->what);
	return c->state == OVER;
}

/* Coming in. */

static void got_close(struct conn *c, const struct ws_frame *f)
{
	int code = f->len >= 2 ? f->payload[0] << 8 | f->payload[1] : 1005;

	c->peer_closed = true;
	if (!*c->record->end)
		snprintf(c->record->end, sizeof c->record->end, "client closed: %d", code);
	if (f->len == 1 || (f->len >= 2 && !ws_close_code_ok(code)))
		record_violation(c->record, "close code %d", code);
	if (fault(c, FAULT_NO_CLOSE)->on)
		return;
	if (!c->close_sent) {
		ws_write(&c->out, WS_FIN | WS_CLOSE, f->payload, f->len >= 2 ? 2 : 0, NULL);
		c->close_sent = true;
	}
	c->state = CLOSING;
	c->state_until = mono_ns() + CLOSE_WAIT_MS * NS_PER_MS;
}

static void got_message(struct conn *c, char *data, size_t len, uint64_t now)
{
	if (c->state == OPEN && !c->peer_closed)
		session_message(c->session, data, len, now);
}

static void got_frame(struct conn *c, struct ws_frame *f, uint64_t now)
{
	const char *wrong = ws_fault(f, WS_OF_CLIENT, c->fragments);

	if (!wrong && f->opcode == WS_BINARY)
		wrong = "a binary message";
	if (wrong) {
		record_violation(c->record, "WebSocket: %s", wrong);
		conn_close(c, f->opcode == WS_BINARY ? 1003 : 1002, wrong);
		return;
	}
	if (c->peer_closed) {
		record_violation(c->record, "WebSocket: frame after Close");
		return;
	}
	switch (f->opcode) {
	case WS_CLOSE:
		got_close(c, f);
		return;
	case WS_PING:
		c->record->pings++;
		if (!fault(c, FAULT_NO_PONG)->on && !c->close_sent)
			ws_write(&c->out, WS_FIN | WS_PONG, f->payload, f->len, NULL);
		return;
	case WS_PONG:
		c->record->pongs++;
		return;
	default:
		break;
	}
	if (f->fin && !c->fragments) {
		got_message(c, (char *)f->payload, f->len, now);
		return;
	}
	text_add(&c->message, f->payload, f->len);
	c->fragments = !f->fin;
	if (f->fin) {
		got_message(c, c->message.data, c->message.len, now);
		text_clear(&c->message);
	} else if (c->message.len > FRAME_MAX) {
		conn_close(c, 1009, "message too big");
	}
}

static void start_session(struct conn *c, uint64_t now)
{
	snprintf(c->record->path, sizeof c->record->path, "%s", c->upgrade.path);
	snprintf(c->record->model, sizeof c->record->model, "%s", c->upgrade.model);
	snprintf(c->record->auth, sizeof c->record->auth, "%s", c->upgrade.auth);
	if (c->upgrade.status == 101 && fault(c, FAULT_BAD_ACCEPT)->on)
		c->upgrade.accept[0] = c->upgrade.accept[0] == 'A' ? 'B' : 'A';
	upgrade_answer(&c->out, &c->upgrade);
	if (c->upgrade.status != 101) {
		c->record->refused = c->upgrade.status;
		snprintf(c->record->end, sizeof c->record->end, "refused: %d %s", c->upgrade.status, c->upgrade.reason);
		c->close_sent = true;
		c->state = CLOSING;
		c->state_until = now + CLOSE_WAIT_MS * NS_PER_MS;
		return;
	}
	c->record->upgraded = true;
	c->state = OPEN;
	if (fault(c, FAULT_STOP_READING)->on)
		c->stop_reading_at = now + (uint64_t)fault(c, FAULT_STOP_READING)->number * 1000 * NS_PER_MS;
	if (fault(c, FAULT_CLOSE_3000)->on) {
		conn_close(c, 3000, "invalid_request_error.invalid_api_key");
		return;
	}
	if (drop_due(c, AT_OPEN))
		return;
	c->session = session_new(c, c->service, &c->faults, c->record, c->upgrade.model, now);
}

/* The request's head, once all of it is there. */
static void take_request(struct conn *c, uint64_t now)
{
	char *end = c->in.len ? memmem(c->in.data, c->in.len, "\r\n\r\n", 4) : NULL;
	size_t len = end ? (size_t)(end - c->in.data) + 4 : 0;
	char *head, fault_text[128];

	if (!end) {
		if (c->in.len > HEAD_MAX)
			over(c, "request too long");
		return;
	}
	head = need(len + 1);
	memcpy(head, c->in.data, len);
	upgrade_judge(&c->upgrade, head, len, options.key);
	free(head);
	text_drop(&c->in, len);
	for (int i = 0; query_value(c->upgrade.query, "fault", i, fault_text, sizeof fault_text); i++)
		faults_add(&c->faults, fault_text);
	if (drop_due(c, AT_UPGRADE))
		return;
	if (c->upgrade.status != 101)
		record_violation(c->record, "upgrade: %s", c->upgrade.reason);
	if (fault(c, FAULT_REFUSE)->on) {
		c->upgrade.status = (int)fault(c, FAULT_REFUSE)->number;
		c->upgrade.reason = "refused on purpose";
	}
	c->state = ANSWERING;
	c->state_until =
	    now + (fault(c, FAULT_UPGRADE_DELAY)->on ? (uint64_t)fault(c, FAULT_UPGRADE_DELAY)->number * NS_PER_MS : 0);
}

static void take_frames(struct conn *c, uint64_t now)
{
	size_t at = 0;

	while (c->state == OPEN || c->state == CLOSING) {
		struct ws_frame f;
		long used = ws_read((uint8_t *)c->in.data + at, c->in.len - at, FRAME_MAX, &f);

		if (used < 0) {
			record_violation(c->record, "WebSocket: frame too big");
			conn_close(c, 1009, "frame too big");
			at = c->in.len;
			break;
		}
		if (used == 0)
			break;
		at += (size_t)used;
		got_frame(c, &f, now);
	}
	text_drop(&c->in, at);
}

static bool stopped_reading(const struct conn *c, uint64_t now)
{
	return c->stop_reading_at && now >= c->stop_reading_at;
}

static bool may_read(const struct conn *c, uint64_t now)
{
	return now >= c->next_read && !stopped_reading(c, now);
}

static void read_some(struct conn *c, uint64_t now)
{
	size_t room = READ_TURN;
	const struct fault_state *rate = fault(c, FAULT_READ_RATE);

	if (rate->on && c->state == OPEN) {
		room = (size_t)rate->number * RATE_MS / 1000 + 1;
		c->next_read = now + RATE_MS * NS_PER_MS;
	}
	c->more_to_read = false;
	while (c->state != OVER) {
		size_t chunk = room < READ_CHUNK ? room : READ_CHUNK;
		int n;

		if (!chunk) {
			c->more_to_read = true;
			break;
		}
		text_reserve(&c->in, chunk);
		n = SSL_read(c->ssl, c->in.data + c->in.len, (int)chunk);
		if (n <= 0) {
			int why = SSL_get_error(c->ssl, n);

			/* TCP's end counts as TLS's end too, but is told apart. */
			if (why == SSL_ERROR_ZERO_RETURN && !BIO_eof(SSL_get_rbio(c->ssl)))
				over(c, "client ended TLS");
			else if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
				over(c, "client went without a word");
			ERR_clear_error();
			break;
		}
		c->in.len += (size_t)n;
		c->in.data[c->in.len] = '\0';
		room -= (size_t)n;
		if (c->state == ASKING)
			take_request(c, now);
		if ((c->state == OPEN || c->state == CLOSING) && c->record->upgraded)
			take_frames(c, now);
		else if (c->state == CLOSING)
			text_clear(&c->in);
		/* Epoll tells when there is more; asking the socket again for each
		 * frame would double the system calls. */
		if (c->state == ANSWERING || !SSL_has_pending(c->ssl))
			break;
	}
}

static void note_tls(struct conn *c)
{
	struct record *r = c->record;
	const unsigned char *alpn;
	const char *name = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
	unsigned len;

	snprintf(r->tls, sizeof r->tls, "%s", SSL_get_version(c->ssl));
	snprintf(r->sni, sizeof r->sni, "%s", name ? name : "");
	SSL_get0_alpn_selected(c->ssl, &alpn, &len);
	snprintf(r->alpn, sizeof r->alpn, "%.*s", (int)len, len ? (const char *)alpn : "");
	r->resumed = SSL_session_reused(c->ssl);
}

static void shake(struct conn *c, uint64_t now)
{
	int n = SSL_do_handshake(c->ssl);
	int why = SSL_get_error(c->ssl, n);
	char reason[64] = "went";

	if (drop_due(c, AT_TLS))
		return;
	c->want_write = why == SSL_ERROR_WANT_WRITE;
	if (n == 1) {
		note_tls(c);
		c->state = ASKING;
		c->state_until = now + HANDSHAKE_MS * NS_PER_MS;
	} else if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
		char end[80];

		if (ERR_peek_error())
			snprintf(reason, sizeof reason, "%s", ERR_reason_error_string(ERR_peek_error()));
		snprintf(end, sizeof end, "TLS: %s", reason);
		over(c, end);
	}
	ERR_clear_error();
}

/* States whose time is up. */
static void check_time(struct conn *c, uint64_t now)
{
	if (c->state == OPEN || now < c->state_until)
		return;
	switch (c->state) {
	case WAITING:
		if (drop_due(c, AT_ACCEPT))
			return;
		c->state = SHAKING;
		c->state_until = now + HANDSHAKE_MS * NS_PER_MS;
		return;
	case ANSWERING:
		start_session(c, now);
		/* What came behind the request, and what lies in the TLS engine. */
		if (c->in.len)
			take_frames(c, now);
		c->more_to_read = true;
		return;
	case CLOSING:
		over(c, "client did not answer our Close");
		return;
	default:
		over(c, "the client took too long");
	}
}

bool conn_work(struct conn *c, uint64_t now)
{
	check_time(c, now);
	if (c->state == SHAKING)
		shake(c, now);
	if ((c->state == ASKING || c->state == OPEN || c->state == CLOSING) && may_read(c, now))
		read_some(c, now);
	/* An upgrade that is not delayed is answered in the same breath. */
	if (c->state == ANSWERING)
		check_time(c, now);
	if (c->state == OPEN && c->session && !c->peer_closed)
		session_tick(c->session, now);
	flush(c, now);
	if (c->state == CLOSING && !c->out.len && (c->peer_closed || !c->record->upgraded)) {
		SSL_shutdown(c->ssl);
		shutdown(c->fd, SHUT_WR);
		if (c->peer_closed)
			over(c, "closed");
	}
	return c->state != OVER;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t conn_wake_ns(const struct conn *c)
{
	uint64_t wake = c->state == OPEN ? UINT64_MAX : c->state_until;

	if ((c->more_to_read || c->next_read) && c->state != ANSWERING && !stopped_reading(c, mono_ns()))
		wake = earlier(wake, c->next_read);
	if (c->out.len && c->next_write)
		wake = earlier(wake, c->next_write);
	if (c->state == OPEN && c->session && !c->peer_closed)
		wake = earlier(wake, session_wake_ns(c->session));
	return wake;
}

uint32_t conn_events(const struct conn *c)
{
	bool reading = c->state != WAITING && c->state != ANSWERING && may_read(c, mono_ns());

	return (reading ? EPOLLIN : 0u) | (c->want_write ? EPOLLOUT : 0u);
}
