#include "tools/standin_model/conn_private.h"

#include "tools/kit/http.h"
#include "tools/standin_model/options.h"
#include "tools/standin_model/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	OUT_MAX = 64 << 20, /* a client that reads nothing is given up */
	FRAME_MAX = 17 << 20,
	LONG = 32 << 10
};

/* Going out. */

void conn_send_raw(struct conn *c, const void *bytes, size_t len)
{
	if (c->state < LEAVING && !c->close_sent)
		text_add(&c->out, bytes, len);
}

void conn_send_text(struct conn *c, const char *message, size_t len)
{
	size_t piece = conn_fault(c, FAULT_FRAGMENT)->on ? (size_t)conn_fault(c, FAULT_FRAGMENT)->number : len;
	int opcode = WS_TEXT;

	if (c->state >= LEAVING || c->close_sent)
		return;
	if (c->out.len > OUT_MAX) {
		conn_over(c, "the client reads nothing");
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

	if (c->state >= LEAVING || c->close_sent)
		return;
	memcpy(payload + 2, reason, len);
	ws_write(&c->out, WS_FIN | WS_CLOSE, payload, len + 2, NULL);
	c->close_sent = true;
	c->state = CLOSING;
	c->state_until = mono_ns() + CLOSE_WAIT_MS * NS_PER_MS;
	if (!*c->record->end)
		snprintf(c->record->end, sizeof c->record->end, "we closed: %d %s", code, reason);
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
		conn_flush(c, mono_ns()); /* what was said before is to arrive */
	if (strcmp(how, "stall") == 0) {
		snprintf(c->record->end, sizeof c->record->end, "%s", how);
		c->state = STALLED;
		c->state_until = mono_ns();
		return;
	}
	if (strcmp(how, "notify") == 0)
		SSL_shutdown(c->ssl);
	else
		SSL_set_quiet_shutdown(c->ssl, 1);
	if (strcmp(how, "rst") == 0) {
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		conn_over(c, how);
		return;
	}
	shutdown(c->fd, SHUT_WR);
	if (!*c->record->end)
		snprintf(c->record->end, sizeof c->record->end, "%s", how);
	text_clear(&c->out);
	c->state = LEAVING;
	c->state_until = mono_ns() + CLOSE_WAIT_MS * NS_PER_MS;
}

bool conn_drop_due(struct conn *c, enum point at)
{
	if (!fault_due(&c->faults, FAULT_DROP, at))
		return false;
	conn_drop(c, conn_fault(c, FAULT_DROP)->what);
	return c->state >= LEAVING;
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
	if (conn_fault(c, FAULT_NO_CLOSE)->on)
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
		if (!conn_fault(c, FAULT_NO_PONG)->on && !c->close_sent)
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

void conn_start_session(struct conn *c, uint64_t now)
{
	snprintf(c->record->path, sizeof c->record->path, "%s", c->upgrade.path);
	snprintf(c->record->model, sizeof c->record->model, "%s", c->upgrade.model);
	snprintf(c->record->auth, sizeof c->record->auth, "%s", c->upgrade.auth);
	if (c->upgrade.status == 101 && conn_fault(c, FAULT_BAD_ACCEPT)->on)
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
	if (conn_fault(c, FAULT_STOP_READING)->on)
		c->stop_reading_at = now + (uint64_t)conn_fault(c, FAULT_STOP_READING)->number * 1000 * NS_PER_MS;
	if (conn_fault(c, FAULT_CLOSE_3000)->on) {
		conn_close(c, 3000, "invalid_request_error.invalid_api_key");
		return;
	}
	if (conn_drop_due(c, AT_OPEN))
		return;
	c->session = session_new(c, c->service, &c->faults, c->record, c->upgrade.model, now);
}

/* The request's head, once all of it is there. */
void conn_take_request(struct conn *c, uint64_t now)
{
	char *end = c->in.len ? memmem(c->in.data, c->in.len, "\r\n\r\n", 4) : NULL;
	size_t len = end ? (size_t)(end - c->in.data) + 4 : 0;
	char *head, fault_text[128];

	if (!end) {
		if (c->in.len > HEAD_MAX)
			conn_over(c, "request too long");
		return;
	}
	head = need(len + 1);
	memcpy(head, c->in.data, len);
	upgrade_judge(&c->upgrade, head, len, options.key);
	free(head);
	text_drop(&c->in, len);
	for (int i = 0; query_value(c->upgrade.query, "fault", i, fault_text, sizeof fault_text); i++)
		faults_add(&c->faults, fault_text);
	if (conn_drop_due(c, AT_UPGRADE))
		return;
	if (c->upgrade.status != 101)
		record_violation(c->record, "upgrade: %s", c->upgrade.reason);
	if (conn_fault(c, FAULT_REFUSE)->on) {
		c->upgrade.status = (int)conn_fault(c, FAULT_REFUSE)->number;
		c->upgrade.reason = "refused on purpose";
	}
	c->state = ANSWERING;
	c->state_until = now + (conn_fault(c, FAULT_UPGRADE_DELAY)->on
				       ? (uint64_t)conn_fault(c, FAULT_UPGRADE_DELAY)->number * NS_PER_MS
				       : 0);
}

void conn_take_frames(struct conn *c, uint64_t now)
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
	if (c->state == OPEN && c->in.len > LONG)
		conn_drop_due(c, AT_LONG);
}
