/* Faults that are a matter of what is sent and when; the others are where the
 * thing they spoil is done.
 */
#include "tools/standin_model/inside.h"

#include "tools/kit/ws.h"

#include <stdlib.h>
#include <string.h>

enum { GIANT = 17 << 20, DEPTH = 100000 };

static const struct {
	const char *name;
	struct session_error error;
} errors[] = {
	{ "unknown-parameter", { .code = "unknown_parameter",
				   .param = "session.temperature",
				   .message = "Unknown parameter: 'session.temperature'." } },
	{ "session-expired",
	    { .code = "session_expired", .message = "Your session hit the maximum duration of 60 minutes." } },
	{ "active-response",
	    { .code = "conversation_already_has_active_response",
		.message =
		    "Conversation already has an active response in progress: resp_0001. Wait until the response is "
		    "finished before creating a new one." } },
	{ "cancel-not-active",
	    { .code = "response_cancel_not_active", .message = "Cancellation failed: no active response found" } },
	{ "commit-empty",
	    { .code = "input_audio_buffer_commit_empty",
		.message =
		    "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but "
		    "buffer only has 0.00ms of audio." } },
	{ "truncate-too-long",
	    { .code = "invalid_value", .message = "Audio content of 1200ms is already shorter than 1340ms" } },
	{ "server", { .type = "server_error", .message = "The server had an error while processing your request." } },
	{ "invalid-api-key", { .code = "invalid_api_key", .message = "Incorrect API key provided." } },
	{ "rate-limit", { .code = "rate_limit_exceeded", .message = "Rate limit reached." } },
	{ "quota", { .type = "insufficient_quota",
		       .code = "insufficient_quota",
		       .message = "You exceeded your current quota." } },
};

static void send_error(struct session *s, const char *name)
{
	/* The least an error may hold. */
	if (strcmp(name, "minimal") == 0) {
		text_puts(event_open(s, "error"),
		    ",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Invalid JSON.\"}");
		event_send(s);
		return;
	}
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (strcmp(errors[i].name, name) == 0)
			session_send_error(s, &errors[i].error);
}

/* One message of each kind; those that are whole text messages are in the table. */
static const struct {
	const char *name, *message;
} messages[] = {
	{ "text", "Internal error, sorry." },
	{ "json", "{\"type\":\"response.done\",\"response\":{\"status\":" },
	{ "unknown", "{\"type\":\"response.weather.delta\",\"event_id\":\"event_x\",\"weather\":{\"sun\":true}}" },
	{ "no-type", "{\"event_id\":\"event_x\",\"response\":{}}" },
	{ "array", "[{\"type\":\"error\"},1,null]" },
	{ "empty", "" },
	{ "base64",
	    "{\"type\":\"response.output_audio.delta\",\"event_id\":\"event_x\",\"response_id\":\"r\",\"item_id\":\"i\","
	    "\"output_index\":0,\"content_index\":0,\"delta\":\"@@@ not base64 ===\"}" },
};
static const char *const wrong_types[] = {
	"{\"type\":7,\"event_id\":false}",
	"{\"type\":\"session.updated\",\"session\":\"none\"}",
	"{\"type\":\"response.output_audio.delta\",\"response_id\":1,\"item_id\":[],\"output_index\":\"0\",\"delta\":{}}",
	"{\"type\":\"response.done\",\"response\":[]}",
	"{\"type\":\"response.created\",\"response\":{\"id\":null,\"status\":3}}",
	"{\"type\":\"input_audio_buffer.speech_started\",\"audio_start_ms\":\"now\",\"item_id\":{}}",
	"{\"type\":\"error\",\"error\":\"bad\"}",
	"{\"type\":\"error\",\"error\":{\"type\":[],\"code\":{},\"message\":1e999}}",
	"{\"type\":\"conversation.item.input_audio_transcription.completed\",\"item_id\":3,\"transcript\":[1,2]}",
	"{\"type\":\"conversation.item.truncated\",\"audio_end_ms\":-1e300}",
	"{\"type\":\"rate_limits.updated\",\"rate_limits\":{\"tokens\":\"many\"}}",
};

static void send_frame(struct session *s, int first, const char *payload, size_t len, const uint8_t *mask)
{
	struct text frame = { 0 };

	ws_write(&frame, first, payload, len, mask);
	conn_send_raw(s->conn, frame.data, frame.len);
	text_free(&frame);
}

static void send_filled(struct session *s, const char *before, char fill, size_t len, const char *after)
{
	struct text message = { 0 };

	text_puts(&message, before);
	text_reserve(&message, len);
	memset(message.data + message.len, fill, len);
	message.len += len;
	text_puts(&message, after);
	conn_send_text(s->conn, message.data, message.len);
	text_free(&message);
}

static void send_garbage(struct session *s, const char *what)
{
	static const char nul[] = "{\"type\":\"error\",\"error\":{\"message\":\"a\0b\"}}";
	static const char harmless[] = "{\"type\":\"rate_limits.updated\",\"event_id\":\"event_x\",\"rate_limits\":[]}";
	const struct {
		const char *name;
		int first;
		const char *payload;
		size_t len;
	} frames[] = {
		{ "binary", WS_FIN | WS_BINARY, "\1\2\3\4", 4 },
		{ "rsv", WS_FIN | WS_RSV1 | WS_TEXT, "{}", 2 },
		{ "opcode", WS_FIN | 11, "{}", 2 },
		{ "long-ping", WS_FIN | WS_PING, errors[2].error.message, 126 },
		{ "ping", WS_FIN | WS_PING, "are you there", 13 },
		{ "torn", WS_FIN | WS_CONTINUATION, "{}", 2 },
	};

	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
		if (strcmp(messages[i].name, what) == 0)
			conn_send_text(s->conn, messages[i].message, strlen(messages[i].message));
	for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
		if (strcmp(frames[i].name, what) == 0)
			send_frame(s, frames[i].first, frames[i].payload, frames[i].len, NULL);
	for (size_t i = 0; strcmp(what, "types") == 0 && i < sizeof wrong_types / sizeof wrong_types[0]; i++)
		conn_send_text(s->conn, wrong_types[i], strlen(wrong_types[i]));
	if (strcmp(what, "deep") == 0)
		send_filled(s, "{\"type\":\"error\",\"error\":", '[', DEPTH, "");
	else if (strcmp(what, "giant") == 0)
		send_filled(s, "{\"type\":\"error\",\"error\":{\"message\":\"", 'x', GIANT, "\"}}");
	else if (strcmp(what, "nul") == 0)
		conn_send_text(s->conn, nul, sizeof nul - 1);
	else if (strcmp(what, "utf8") == 0)
		conn_send_text(s->conn, "{\"type\":\"\xff\xfe\xc0\x80\"}", 15);
	else if (strcmp(what, "masked") == 0)
		send_frame(s, WS_FIN | WS_TEXT, harmless, strlen(harmless), (const uint8_t *)"\1\2\3\4");
	else if (strcmp(what, "cut-frame") == 0)
		conn_send_raw(s->conn, "\x81\x7e\x10\x00{\"type\":", 12);
}

static void happen(struct session *s, enum fault fault)
{
	const char *what = s->faults->f[fault].what;

	session_say(s, "fault: %s", what);
	if (fault == FAULT_ERROR) {
		send_error(s, what);
		return;
	}
	if (fault == FAULT_GARBAGE) {
		send_garbage(s, what);
		return;
	}
	conn_drop(s->conn, what);
}

static const enum fault timed[] = { FAULT_ERROR, FAULT_GARBAGE, FAULT_DROP, FAULT_EXPIRE, FAULT_EXPIRES };
enum { TIMED = sizeof timed / sizeof timed[0] };

static bool is_expiry(enum fault fault)
{
	return fault == FAULT_EXPIRE || fault == FAULT_EXPIRES;
}

void mischief_at(struct session *s, enum point at)
{
	for (int i = 0; i < TIMED; i++)
		if (!is_expiry(timed[i]) && fault_due(s->faults, timed[i], at))
			happen(s, timed[i]);
}

static uint64_t due_ns(const struct session *s, enum fault fault)
{
	const struct fault_state *f = &s->faults->f[fault];

	if (!f->on || f->happened || (!is_expiry(fault) && f->at != AT_SECONDS))
		return UINT64_MAX;
	return s->started_ns + (uint64_t)(is_expiry(fault) ? f->number : f->at_seconds) * 1000 * NS_PER_MS;
}

void mischief_tick(struct session *s, uint64_t now)
{
	for (int i = 0; i < TIMED; i++) {
		if (now < due_ns(s, timed[i]))
			continue;
		s->faults->f[timed[i]].happened = true;
		if (is_expiry(timed[i])) {
			send_error(s, "session-expired");
			conn_close(s->conn, 1001, "session_expired");
		} else {
			happen(s, timed[i]);
		}
	}
}

uint64_t mischief_wake_ns(const struct session *s)
{
	uint64_t wake = UINT64_MAX;

	for (int i = 0; i < TIMED; i++)
		if (due_ns(s, timed[i]) < wake)
			wake = due_ns(s, timed[i]);
	return wake;
}
