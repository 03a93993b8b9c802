/* What goes out on the media stream: frames, and the messages Twilio sends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tools/kit/base64.h"
#include "tools/phone/call.h"
#include "tools/phone/clock.h"
#include "tools/kit/ws.h"

enum {
	OUT_MAX = 512 * 1024, /* Twilio's send buffer overflows at some size (31930) */
	FIRST_TIMESTAMP = 5,
};

void stream_random(struct call *c, void *out, size_t len)
{
	uint8_t *at = out;

	while (len--) {
		c->rng ^= c->rng << 13;
		c->rng ^= c->rng >> 7;
		c->rng ^= c->rng << 17;
		*at++ = (uint8_t)(c->rng >> 32);
	}
}

void stream_want_events(struct call *c)
{
	struct stream *s = &c->stream;
	uint32_t events = s->deaf ? 0 : EPOLLIN;

	if (s->out.len && !s->hold_until_ns)
		events |= EPOLLOUT;
	if (s->source.fd >= 0)
		loop_change(c->loop, &s->source, events);
}

void stream_flush(struct call *c)
{
	struct stream *s = &c->stream;
	size_t sent = 0, most = (size_t)c->options->fault[FAULT_SPLIT].value + !c->options->fault[FAULT_SPLIT].value;

	if (s->hold_until_ns || s->source.fd < 0)
		return;
	while (sent < s->out.len) {
		size_t want = s->out.len - sent;
		ssize_t n;

		if (has_fault(c->options, FAULT_SPLIT) && want > most) {
			uint8_t any;

			stream_random(c, &any, 1);
			want = 1 + any % most;
		}
		n = send(s->source.fd, s->out.data + sent, want, MSG_NOSIGNAL);
		if (n < 0)
			break; /* EAGAIN, or an end that reading will tell */
		sent += (size_t)n;
	}
	text_drop(&s->out, sent);
	stream_want_events(c);
}

void stream_send_raw(struct call *c, const void *bytes, size_t len)
{
	struct stream *s = &c->stream;
	ssize_t n = 0;

	if (s->mute || s->source.fd < 0)
		return;
	if (!s->out.len && !s->hold_until_ns && !has_fault(c->options, FAULT_SPLIT)) {
		n = send(s->source.fd, bytes, len, MSG_NOSIGNAL);
		if (n == (ssize_t)len)
			return;
		if (n < 0)
			n = 0;
	}
	text_add(&s->out, (const char *)bytes + n, len - (size_t)n);
	stream_flush(c);
}

void stream_send(struct call *c, int opcode, const char *payload, size_t len)
{
	struct text frame = { 0 };
	uint8_t mask[4];

	stream_random(c, mask, 4);
	if (has_fault(c->options, FAULT_FRAGMENTED) && opcode == WS_TEXT && len > 3) {
		size_t third = len / 3;

		ws_write(&frame, WS_TEXT, payload, third, mask);
		ws_write(&frame, WS_FIN | WS_PING, "between", 7, mask);
		c->pings++;
		ws_write(&frame, WS_CONTINUATION, payload + third, third, mask);
		ws_write(&frame, WS_FIN | WS_CONTINUATION, payload + 2 * third, len - 2 * third, mask);
	} else {
		ws_write(&frame, WS_FIN | opcode, payload, len, mask);
	}
	stream_send_raw(c, frame.data, frame.len);
	text_free(&frame);
}

static char *put_str(char *at, const char *s, size_t len)
{
	memcpy(at, s, len);
	return at + len;
}

#define PUT(at, literal) put_str(at, literal, sizeof literal - 1)

static char *put_number(char *at, uint64_t v)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		*at++ = digits[--n];
	return at;
}

/* The message a call sends fifty times a second: written, masked and sent from
 * the stack. */
void stream_media(struct call *c, const uint8_t *bytes, size_t len)
{
	struct stream *s = &c->stream;
	uint8_t frame[8 + 1024], mask[4];
	char *body = (char *)frame + 8, *at = body;
	size_t n;

	at = PUT(at, "{\"event\":\"media\",\"sequenceNumber\":\"");
	at = put_number(at, ++s->sequence);
	at = PUT(at, "\",\"media\":{\"track\":\"inbound\",\"chunk\":\"");
	at = put_number(at, ++s->chunk);
	at = PUT(at, "\",\"timestamp\":\"");
	at = put_number(at, (uint64_t)s->ticks * TICK_MS + FIRST_TIMESTAMP);
	at = PUT(at, "\",\"payload\":\"");
	at += base64_put(at, bytes, len <= TICK_BYTES ? len : TICK_BYTES);
	at = PUT(at, "\"},\"streamSid\":\"");
	at = put_str(at, s->sid, SID_SIZE - 1);
	at = PUT(at, "\"}");
	n = (size_t)(at - body);
	if (s->out.len > OUT_MAX) {
		c->overflow_frames++;
		c->stats->overflow_frames++;
		note_warning(c, "31930 the server reads too slowly, frames are lost");
		return;
	}
	c->frames_sent++;
	c->stats->frames_sent++;
	if (has_fault(c->options, FAULT_FRAGMENTED)) {
		stream_send(c, WS_TEXT, body, n);
		return;
	}
	stream_random(c, mask, 4);
	frame[0] = WS_FIN | WS_TEXT;
	frame[1] = 0x80 | 126;
	frame[2] = (uint8_t)(n >> 8);
	frame[3] = (uint8_t)n;
	memcpy(frame + 4, mask, 4);
	ws_mask((uint8_t *)body, n, mask);
	stream_send_raw(c, frame, 8 + n);
}

void stream_start_message(struct call *c, struct text *out)
{
	struct stream *s = &c->stream;
	const struct verb *v = s->verb;

	text_printf(out,
	    "{\"event\":\"start\",\"sequenceNumber\":\"%llu\",\"start\":{\"accountSid\":\"%s\",\"streamSid\":\"%s\","
	    "\"callSid\":\"%s\",\"tracks\":[\"inbound\"],\"mediaFormat\":{\"encoding\":\"audio/x-mulaw\","
	    "\"sampleRate\":8000,\"channels\":1},\"customParameters\":{",
	    (unsigned long long)++s->sequence, c->options->account, s->sid, c->sid);
	for (size_t i = 0; i < v->parameter_count; i++) {
		text_puts(out, i ? "," : "");
		text_json(out, v->parameter[i].name);
		text_puts(out, ":");
		text_json(out, v->parameter[i].value);
	}
	text_printf(out, "}},\"streamSid\":\"%s\"}", s->sid);
}

void stream_key(struct call *c, char key)
{
	struct stream *s = &c->stream;
	char message[256];
	int n = snprintf(message, sizeof message,
	    "{\"event\":\"dtmf\",\"streamSid\":\"%s\",\"sequenceNumber\":\"%llu\",\"dtmf\":{\"track\":\"inbound_track\","
	    "\"digit\":\"%c\"}}",
	    s->sid, (unsigned long long)++s->sequence, key);

	stream_send(c, WS_TEXT, message, (size_t)n);
	c->keys_sent++;
	note_event(c, "the caller presses %c", key);
}

static void send_mark(struct call *c, const char *name)
{
	struct stream *s = &c->stream;
	struct text m = { 0 };

	text_printf(&m, "{\"event\":\"mark\",\"sequenceNumber\":\"%llu\",\"streamSid\":\"%s\",\"mark\":{\"name\":",
	    (unsigned long long)++s->sequence, s->sid);
	text_json(&m, name);
	text_puts(&m, "}}");
	stream_send(c, WS_TEXT, m.data, m.len);
	text_free(&m);
}

void stream_echo_marks(struct call *c, uint64_t now_ns)
{
	struct mark m;

	while (playout_next_echo(&c->stream.play, &m)) {
		if (m.flushed)
			c->marks_flushed++;
		else
			c->marks_played++;
		if (c->marks_echoed < c->mark_count) {
			c->marks[c->marks_echoed].echoed_ns = now_ns;
			c->marks[c->marks_echoed++].flushed = m.flushed;
		}
		if (!has_fault(c->options, FAULT_NO_ECHO))
			send_mark(c, m.name);
		if (has_fault(c->options, FAULT_ECHO_TWICE))
			send_mark(c, m.name);
		free(m.name);
	}
}
