/* What --fault does: every way of being a bad Twilio is in this file, or is one
 * `if` at the place it spoils. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/kit/ws.h"
#include "tools/phone/call.h"
#include "tools/phone/clock.h"

/* --- texts that nobody should send --- */

#define OTHER "MZ99999999999999999999999999999999"

/* $S is the stream's name, $N the next number. */
static const struct {
	enum fault_id id;
	const char *text;
} texts[] = {
	{ FAULT_UNKNOWN_STREAM,
	    "{\"event\":\"media\",\"sequenceNumber\":\"9\",\"media\":{\"track\":\"inbound\",\"chunk\":\"9\","
	    "\"timestamp\":\"9\",\"payload\":\"f39/fw==\"},\"streamSid\":\"" OTHER "\"}" },
	{ FAULT_UNKNOWN_STREAM, "{\"event\":\"dtmf\",\"streamSid\":\"" OTHER "\",\"sequenceNumber\":\"10\","
				"\"dtmf\":{\"track\":\"inbound_track\",\"digit\":\"1\"}}" },
	{ FAULT_UNKNOWN_STREAM, "{\"event\":\"mark\",\"sequenceNumber\":\"11\",\"streamSid\":\"" OTHER "\","
				"\"mark\":{\"name\":\"x\"}}" },
	{ FAULT_UNKNOWN_STREAM,
	    "{\"event\":\"stop\",\"sequenceNumber\":\"12\",\"stop\":{\"accountSid\":\"AC\",\"callSid\":\"CA\"},"
	    "\"streamSid\":\"" OTHER "\"}" },
	{ FAULT_MALFORMED, "" },
	{ FAULT_MALFORMED, "{" },
	{ FAULT_MALFORMED, "{\"event\":\"media\"" },
	{ FAULT_MALFORMED, "nonsense" },
	{ FAULT_MALFORMED, "[1,2,3]" },
	{ FAULT_MALFORMED, "\"media\"" },
	{ FAULT_MALFORMED, "{\"event\":\"media\",}" },
	{ FAULT_MALFORMED, "{\"event\":\"media\"}{\"event\":\"stop\"}" },
	{ FAULT_MALFORMED, "{\"event\":\"an-event-of-tomorrow\",\"streamSid\":\"x\"}" },
	{ FAULT_WRONG_TYPES, "{\"event\":7}" },
	{ FAULT_WRONG_TYPES, "{\"event\":null,\"streamSid\":\"$S\"}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"media\",\"streamSid\":\"$S\"}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"media\",\"streamSid\":\"$S\",\"media\":\"payload\"}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"media\",\"streamSid\":\"$S\",\"media\":[]}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"media\",\"streamSid\":\"$S\",\"media\":{\"payload\":5}}" },
	{ FAULT_WRONG_TYPES,
	    "{\"event\":\"media\",\"streamSid\":\"$S\",\"media\":{\"payload\":null,\"timestamp\":{}}}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"media\",\"streamSid\":\"$S\",\"sequenceNumber\":-1,\"media\":{\"timestamp\":"
			     "\"99999999999999999999\",\"chunk\":\"x\",\"payload\":\"/w==\"}}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"media\",\"streamSid\":[\"$S\"],\"media\":{\"payload\":\"/w==\"}}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"mark\",\"streamSid\":\"$S\",\"mark\":7}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"mark\",\"streamSid\":\"$S\",\"mark\":{\"name\":{\"name\":1}}}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"dtmf\",\"streamSid\":\"$S\",\"dtmf\":null}" },
	{ FAULT_WRONG_TYPES, "{\"event\":\"stop\",\"streamSid\":7,\"stop\":[]}" },
	{ FAULT_NUL_BYTES, "{\"event\":\"mark\",\"streamSid\":\"$S\",\"mark\":{\"name\":\"a\\u0000b\"}}" },
	{ FAULT_BAD_UTF8, "{\"event\":\"mark\",\"mark\":{\"name\":\"\xff\xfe\xc0\x80\xed\xa0\x80\"}}" },
#define PAYLOAD(text) \
	{ \
		FAULT_BAD_BASE64, \
		    "{\"event\":\"media\",\"sequenceNumber\":\"$N\",\"media\":{\"track\":\"inbound\",\"chunk\":\"1\"," \
		    "\"timestamp\":\"1\",\"payload\":\"" text "\"},\"streamSid\":\"$S\"}" \
	}
	PAYLOAD("!!!!"),
	PAYLOAD("AAA"),
	PAYLOAD("A==="),
	PAYLOAD("AA=A"),
	PAYLOAD("////\\n////"),
	PAYLOAD(""),
#define ECHO(name) \
	{ \
		FAULT_ECHO_UNKNOWN, \
		    "{\"event\":\"mark\",\"sequenceNumber\":\"$N\",\"streamSid\":\"$S\",\"mark\":{\"name\":\"" name \
		    "\"}}" \
	}
	ECHO("never sent"),
	ECHO(""),
	ECHO("999999:999999"),
#define KEY(body) \
	{ \
		FAULT_BAD_DTMF, \
		    "{\"event\":\"dtmf\",\"streamSid\":\"$S\",\"sequenceNumber\":\"$N\",\"dtmf\":" body "}" \
	}
	KEY("{}"),
	KEY("{\"digit\":\"\"}"),
	KEY("{\"digit\":\"x\"}"),
	KEY("{\"digit\":\"12345\"}"),
	KEY("{\"digit\":5}"),
};

static void send_texts(struct call *c, enum fault_id id)
{
	if (c->stream.verb->relay) {
		relay_send_texts(c, id);
		return;
	}
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct text m = { 0 };

		if (texts[i].id != id)
			continue;
		for (const char *p = texts[i].text; *p; p++) {
			if (p[0] == '$' && p[1] == 'S')
				text_puts(&m, c->stream.sid), p++;
			else if (p[0] == '$' && p[1] == 'N')
				text_printf(&m, "%llu", (unsigned long long)++c->stream.sequence), p++;
			else
				text_add(&m, p, 1);
		}
		stream_send(c, WS_TEXT, text_str(&m), m.len);
		text_free(&m);
	}
}

/* --- what happens at a time --- */

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

	if (c->stream.verb->relay)
		relay_setup_message(c, &m);
	else
		stream_start_message(c, &m);
	stream_send(c, WS_TEXT, m.data, m.len);
	text_free(&m);
}

static void huge(struct call *c)
{
	struct text m = { 0 };

	if (c->stream.verb->relay) {
		relay_huge(c);
		return;
	}
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

static void deep(struct call *c)
{
	struct text m = { 0 };

	text_puts(&m, "{\"event\":");
	for (long i = 0; i < fault_value(c->options, FAULT_DEEP); i++)
		text_puts(&m, "[");
	stream_send(c, WS_TEXT, m.data, m.len);
	text_free(&m);
}

static void nul_bytes(struct call *c)
{
	char m[200];
	int n = snprintf(
	    m, sizeof m, "{\"event\":\"mark\",\"streamSid\":\"%s\",\"mark\":{\"name\":\"a?b\"}}", c->stream.sid);

	*strchr(m, '?') = '\0';
	stream_send(c, WS_TEXT, m, (size_t)n);
	stream_send(c, WS_TEXT, "\0\0\0\0", 4);
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

void mischief_cut(struct call *c)
{
	struct linger now = { 1, 0 };

	if (fault_value(c->options, FAULT_CUT) == 0)
		setsockopt(c->stream.source.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	stream_end(c, END_CUT);
}

static void storm(struct call *c)
{
	if (c->stream.verb->relay)
		relay_storm(c);
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

static const struct {
	enum fault_id id;
	void (*happen)(struct call *c); /* after its texts; NULL: they are all */
} at_a_time[] = { { FAULT_START_TWICE, start_again }, { FAULT_UNKNOWN_STREAM, NULL }, { FAULT_LATE, hold_back },
	{ FAULT_WITHHOLD, withhold }, { FAULT_HUGE, huge }, { FAULT_GIANT, giant }, { FAULT_MALFORMED, NULL },
	{ FAULT_DEEP, deep }, { FAULT_WRONG_TYPES, NULL }, { FAULT_NUL_BYTES, nul_bytes }, { FAULT_BAD_UTF8, NULL },
	{ FAULT_BAD_BASE64, NULL }, { FAULT_BINARY, binary }, { FAULT_UNMASKED, unmasked },
	{ FAULT_RESERVED_BITS, reserved_bits }, { FAULT_BAD_OPCODE, bad_opcode }, { FAULT_LONG_PING, long_ping },
	{ FAULT_HALF_FRAME, half_frame }, { FAULT_SECOND_STREAM, second_stream }, { FAULT_CUT, mischief_cut },
	{ FAULT_ECHO_UNKNOWN, NULL }, { FAULT_STATUS_COMPLETED, status_completed },
	{ FAULT_STATUS_STOPPED, status_stopped }, { FAULT_BAD_DTMF, NULL }, { FAULT_HALF_EMOJI, NULL },
	{ FAULT_ODD_PROMPTS, NULL }, { FAULT_PLAYED_UNKNOWN, NULL }, { FAULT_INTERRUPTS, storm },
	{ FAULT_SESSION_ERROR, relay_fail } };

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
		char name[WORD_SIZE];

		if (s->state != STREAM_OPEN)
			return;
		if (!has_fault(c->options, id) || s->done_fault[id] || ms < c->options->fault[id].at_ms)
			continue;
		s->done_fault[id] = true;
		note_event(c, "fault: %s", fault_name(id, name));
		send_texts(c, id);
		if (at_a_time[i].happen)
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
