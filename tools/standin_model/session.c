#include "tools/standin_model/inside.h"

#include "tools/kit/base64.h"
#include "tools/kit/utf8.h"
#include "tools/standin_model/shapes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPEND_MAX = 15 << 20 };

/* Names and chance. */

unsigned session_random(struct session *s, unsigned below)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return below ? (unsigned)((s->random >> 20) % below) : 0;
}

void session_new_id(struct session *s, const char *prefix, char id[ID_SIZE])
{
	const struct fault_state *longer = &s->faults->f[FAULT_LONG_IDS];
	char tail[32];
	int len = snprintf(tail, sizeof tail, "%04lx%07x%04lx", s->record->number & 0xffff, session_random(s, 1u << 28),
	    ++s->names & 0xffff);
	int fill = longer->on ? (int)longer->number - (int)strlen(prefix) - 1 - len : 0;

	/* They differ at their end only. */
	snprintf(id, ID_SIZE, "%s_%0*d%s", prefix, fill > 0 ? fill : 0, 0, tail);
	if (fill <= 0)
		snprintf(id, ID_SIZE, "%s_%s", prefix, tail);
}

void session_say(struct session *s, const char *format, ...)
{
	char line[600];
	va_list args;

	if (!options.verbose)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	fprintf(stderr, "standin-model: %lu: %9.3f %s\n", s->record->number, (double)(mono_ns() - s->started_ns) / 1e9,
	    line);
}

/* Events out. */

struct text *event_open(struct session *s, const char *type)
{
	text_clear(&s->event);
	text_printf(&s->event, "{\"type\":\"%s\",\"event_id\":\"event_%lx_%lu\"", type, s->record->number, ++s->events);
	return &s->event;
}

static bool suffers(struct session *s, enum fault fault)
{
	static const size_t before = sizeof "{\"type\":\"" - 1;
	const char *type = s->faults->f[fault].what;
	size_t len = strlen(type);

	return !strncmp(s->event.data + before, type, len) && s->event.data[before + len] == '"' &&
	       fault_again(s->faults, fault);
}

void event_send(struct session *s)
{
	if (suffers(s, FAULT_LOSE))
		return;
	if (!suffers(s, FAULT_SPOIL))
		text_puts(&s->event, "}");
	conn_send_text(s->conn, s->event.data, s->event.len);
	if (suffers(s, FAULT_TWICE))
		conn_send_text(s->conn, s->event.data, s->event.len);
}

void event_send_later(struct session *s, uint64_t due_ns)
{
	struct later *l = need(sizeof *l), **at = &s->later;

	text_puts(&s->event, "}");
	l->due_ns = due_ns;
	l->message = need_copy(s->event.data);
	while (*at && (*at)->due_ns <= due_ns)
		at = &(*at)->next;
	l->next = *at;
	*at = l;
}

void session_send_due(struct session *s, uint64_t now)
{
	while (s->later && s->later->due_ns <= now) {
		struct later *l = s->later;

		s->later = l->next;
		conn_send_text(s->conn, l->message, strlen(l->message));
		if (!s->updated && strstr(l->message, "\"session.updated\"")) {
			s->updated = true;
			load_ready(s, now);
			mischief_at(s, AT_UPDATED);
		}
		free(l->message);
		free(l);
	}
}

void session_send_error(struct session *s, const struct session_error *e)
{
	struct text *out = event_open(s, "error");

	text_puts(out, ",\"error\":{");
	text_field(out, "type", e->type ? e->type : "invalid_request_error");
	text_field(out, "code", e->code);
	text_field(out, "message", e->message);
	text_field(out, "param", e->param);
	text_field(out, "event_id", e->event_id);
	text_puts(out, "}");
	event_send(s);
	s->record->errors_sent++;
	session_say(s, "error sent: %s: %s", e->code ? e->code : "-", e->message);
}

/* Events in. */

static void on_update(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	config_update(s, member(event, "session"), event_id, now);
}

static void append(struct session *s, const char *base64, size_t len, uint64_t now)
{
	uint8_t fixed[4096], *audio = len / 4 * 3 + 3 <= sizeof fixed ? fixed : need(len / 4 * 3 + 3);
	long n = len <= APPEND_MAX ? base64_get(audio, base64, len) : -1;

	if (n < 0) {
		record_violation(s->record, "input_audio_buffer.append: %s",
		    len > APPEND_MAX ? "more than 15 MiB" : "audio is not base64");
		session_send_error(s, &(struct session_error){ .code = "invalid_value",
					  .param = "audio",
					  .message = "Invalid 'audio'. Expected base64-encoded audio bytes." });
	} else {
		hearing_append(s, audio, (size_t)n, now);
	}
	if (audio != fixed)
		free(audio);
}

static void on_append(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	const char *base64 = member(event, "audio")->valuestring;

	(void)event_id;
	append(s, base64, strlen(base64), now);
}

static void on_commit(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	(void)event;
	hearing_commit(s, event_id, now);
}

static void on_clear(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	(void)event, (void)event_id, (void)now;
	hearing_clear(s);
}

static void on_output_clear(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	(void)event, (void)now;
	record_violation(s->record, "output_audio_buffer.clear is for WebRTC and SIP only");
	session_send_error(s, &(struct session_error){ .code = "invalid_value",
				  .event_id = event_id,
				  .message = "output_audio_buffer.clear is not supported over WebSocket." });
}

static void on_truncate(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	(void)now;
	items_truncate(s, event, event_id);
}

static void on_delete(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	(void)now;
	items_delete(s, event, event_id);
}

static void on_retrieve(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	(void)now;
	items_retrieve(s, event, event_id);
}

static void on_create(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	const cJSON *request = member(event, "response");
	bool out_of_band = strcmp(member_text(request, "conversation", ""), "none") == 0;
	struct answer *active = answers_active(s);
	char message[ID_SIZE + 160];

	if (active && !out_of_band) {
		snprintf(message, sizeof message,
		    "Conversation already has an active response in progress: %s. Wait until the response is finished "
		    "before creating a new one.",
		    active->id);
		session_send_error(s,
		    &(struct session_error){
			.code = "conversation_already_has_active_response", .message = message, .event_id = event_id });
		return;
	}
	if (!out_of_band && fault_again(s->faults, FAULT_REFUSE_CREATE)) {
		session_send_error(
		    s, &(struct session_error){ .type = "server_error",
			   .message = "The server had an error while processing your request.",
			   .event_id = strcmp(s->faults->f[FAULT_REFUSE_CREATE].what, "unnamed") ? event_id : NULL });
		return;
	}
	if (request && !options.load)
		record_add(s->record->requests, cJSON_Duplicate(request, 1));
	answers_start(s, request, now);
}

static void on_cancel(struct session *s, const cJSON *event, const char *event_id, uint64_t now)
{
	const char *id = member_text(event, "response_id", NULL);
	struct answer *a = answers_active(s);
	cJSON *note = cJSON_CreateObject();

	if (id)
		for (a = s->answers; a && (a->over || a->ending || strcmp(a->id, id) != 0);)
			a = a->next;
	cJSON_AddStringToObject(note, "response_id", id ? id : "");
	cJSON_AddBoolToObject(note, "active", a != NULL);
	record_add(s->record->cancels, note);
	if (a)
		answers_cancel(s, a, "client_cancelled", now);
	else
		session_send_error(s, &(struct session_error){ .code = "response_cancel_not_active",
					  .event_id = event_id,
					  .message = "Cancellation failed: no active response found" });
}

static void (*const handlers[EVENT_OTHER])(struct session *, const cJSON *, const char *, uint64_t) = {
	[EVENT_SESSION_UPDATE] = on_update,
	[EVENT_APPEND] = on_append,
	[EVENT_COMMIT] = on_commit,
	[EVENT_CLEAR] = on_clear,
	[EVENT_OUTPUT_CLEAR] = on_output_clear,
	[EVENT_ITEM_CREATE] = items_create,
	[EVENT_ITEM_TRUNCATE] = on_truncate,
	[EVENT_ITEM_DELETE] = on_delete,
	[EVENT_ITEM_RETRIEVE] = on_retrieve,
	[EVENT_RESPONSE_CREATE] = on_create,
	[EVENT_RESPONSE_CANCEL] = on_cancel,
};

static void refuse(struct session *s, const struct shape_error *e, const char *type, const char *event_id)
{
	record_violation(s->record, "%s: %s: %s", type, e->code, e->message);
	session_send_error(s,
	    &(struct session_error){
		.code = e->code, .param = *e->param ? e->param : NULL, .message = e->message, .event_id = event_id });
}

static void handle(struct session *s, const cJSON *event, uint64_t now)
{
	const char *type = member_text(event, "type", "event"), *event_id = member_text(event, "event_id", NULL);
	struct shape_error error;
	int n = 0;

	while (n < EVENT_OTHER && strcmp(type, client_event_names[n]) != 0)
		n++;
	s->record->events[n]++;
	if (!shapes_check(event, &error)) {
		refuse(s, &error, type, event_id);
		return;
	}
	if (n != EVENT_APPEND)
		session_say(s, "got %s", client_event_names[n]);
	handlers[n](s, event, event_id, now);
}

/* The message that comes fifty times a second, without building a tree: an
 * object of plain strings named type, audio and event_id, each at most once.
 * Anything else is left to the slow way. */
static bool scan_append(const char *data, size_t len, const char **audio, size_t *audio_len)
{
	const char *p = data, *end = data + len;
	bool type = false;

	*audio = NULL;
	while (p < end && (*p == '{' || *p == ',' || *p == ' ')) {
		const char *key = memchr(p, '"', (size_t)(end - p));
		const char *key_end = key ? memchr(key + 1, '"', (size_t)(end - key - 1)) : NULL;

		if (!key_end || end - key_end < 4)
			return false;
		p = key_end + 1;
		p += *p == ':';
		p += *p == ' ';
		const char *value = p + 1, *value_end = memchr(value, '"', (size_t)(end - value));

		if (*p != '"' || !value_end)
			return false;
		size_t key_len = (size_t)(key_end - key - 1), value_len = (size_t)(value_end - value);

		if (key_len == 4 && memcmp(key + 1, "type", 4) == 0 && !type) {
			if (value_len != 25 || memcmp(value, "input_audio_buffer.append", 25) != 0)
				return false;
			type = true;
		} else if (key_len == 5 && memcmp(key + 1, "audio", 5) == 0 && !*audio) {
			*audio = value;
			*audio_len = value_len;
		} else if (key_len != 8 || memcmp(key + 1, "event_id", 8) != 0 || !value_len || value_len > 64 ||
			   memchr(value, '\\', value_len)) {
			return false;
		}
		p = value_end + 1;
	}
	return type && *audio && end - p == 1 && *p == '}';
}

void session_message(struct session *s, char *data, size_t len, uint64_t now)
{
	const char *audio, *end;
	size_t audio_len = 0;
	cJSON *event;

	if (scan_append(data, len, &audio, &audio_len)) {
		s->record->events[EVENT_APPEND]++;
		append(s, audio, audio_len, now);
		return;
	}
	event = utf8_ok(data, len) && !memchr(data, 0, len) ? cJSON_ParseWithLengthOpts(data, len, &end, 0) : NULL;
	while (event && end < data + len && strchr(" \t\r\n", *end))
		end++;
	if (!event || end != data + len) {
		record_violation(s->record, "not JSON: '%.*s'", (int)(len < 100 ? len : 100), data);
		session_send_error(s, &(struct session_error){ .message = "Invalid JSON." });
	} else {
		handle(s, event, now);
	}
	cJSON_Delete(event);
}

/* The session itself. */

static void send_created(struct session *s, uint64_t now)
{
	const struct fault_state *delay = &s->faults->f[FAULT_CREATED_DELAY];
	char *config = cJSON_PrintUnformatted(s->config);

	if (!s->faults->f[FAULT_NO_CREATED].on) {
		text_printf(event_open(s, "session.created"), ",\"session\":%s", config);
		if (delay->on)
			event_send_later(s, now + (uint64_t)delay->number * NS_PER_MS);
		else
			event_send(s);
	}
	free(config);
}

struct session *session_new(struct conn *conn, const struct service *service, struct faults *faults,
    struct record *record, const char *model, uint64_t now)
{
	struct session *s = need(sizeof *s);

	s->conn = conn;
	s->service = service;
	s->faults = faults;
	s->record = record;
	s->started_ns = now;
	s->random = ((uint64_t)options.seed * 0x9e3779b97f4a7c15ULL) ^ (record->number * 0xbf58476d1ce4e5b9ULL) ^ 1;
	for (int i = 0; i < 8; i++)
		session_random(s, 2);
	session_new_id(s, "sess", s->id);
	snprintf(record->session_id, sizeof record->session_id, "%s", s->id);
	vad_init(&s->vad, 24000);
	config_init(s, model);
	session_say(s, "session %s, model %s", s->id, model);
	send_created(s, now);
	mischief_at(s, AT_CREATED);
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	hearing_save(s);
	items_record(s);
	answers_free(s);
	items_free(s);
	while (s->later) {
		struct later *l = s->later;

		s->later = l->next;
		free(l->message);
		free(l);
	}
	cJSON_Delete(s->config);
	text_free(&s->event);
	text_free(&s->turn_audio);
	text_free(&s->typed_words);
	text_free(&s->load.rest);
	sound_free(&s->recorded);
	chirp_ear_free(&s->ear);
	free(s);
}

void session_tick(struct session *s, uint64_t now)
{
	session_send_due(s, now);
	answers_tick(s, now);
	if (options.load)
		load_tick(s, now);
	mischief_tick(s, now);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t session_wake_ns(const struct session *s)
{
	uint64_t wake = s->later ? s->later->due_ns : UINT64_MAX;

	wake = earlier(wake, answers_wake_ns(s));
	wake = earlier(wake, mischief_wake_ns(s));
	return options.load ? earlier(wake, load_wake_ns(s)) : wake;
}
