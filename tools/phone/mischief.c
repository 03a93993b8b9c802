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
	for (long i = 0; i < fault_value(c->options, FAULT_HUGE); i += 3)
		text_puts(&m, "////");
	text_printf(&m, "\"},\"streamSid\":\"%s\"}", c->stream.sid);
	stream_send(c, WS_TEXT, m.data, m.len);
	text_free(&m);
}

static void giant(struct call *c)
{
	uint8_t head[14] = { WS_FIN | WS_TEXT, 0x80 | 127 };
	uint64_t size = (uint64_t)fault_value(c->options, FAULT_GIANT);

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
	for (long i = 0; i < fault_value(c->options, FAULT_DEEP); i++)
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
	c->stream.hold_until_ns = mono_ns() + (uint64_t)fault_value(c->options, FAULT_LATE) * NS_PER_MS;
}

static void cut(struct call *c)
{
	struct linger now = { 1, 0 };

	if (fault_value(c->options, FAULT_CUT) == 0)
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
		stream_read_slowly(c, (size_t)fault_value(c->options, FAULT_SLOW_READ) / (1000 / TICK_MS));
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
	for (long i = 0; has_fault(c->options, FAULT_AFTER_STOP) && i < fault_value(c->options, FAULT_AFTER_STOP); i++)
		stream_media(c, silence, sizeof silence);
}
