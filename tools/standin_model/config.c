#include "tools/standin_model/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SESSION_SECONDS = 3600 };

static const char server_vad_default[] =
    "{\"type\":\"server_vad\",\"threshold\":0.5,\"prefix_padding_ms\":300,\"silence_duration_ms\":200,"
    "\"idle_timeout_ms\":null,\"create_response\":true,\"interrupt_response\":true}";
static const char semantic_vad_default[] =
    "{\"type\":\"semantic_vad\",\"eagerness\":\"auto\",\"create_response\":true,\"interrupt_response\":true}";

enum sound_format config_format(const cJSON *format)
{
	const cJSON *type = member(format, "type");

	for (int i = 0; type && i < FORMATS; i++)
		if (strcmp(type->valuestring, format_name((enum sound_format)i)) == 0)
			return (enum sound_format)i;
	return FORMAT_PCM24;
}

/* Semantic detection would wait for a thought to be finished; this one only
 * waits a shorter or longer silence. */
static int eagerness_ms(const cJSON *detection)
{
	const char *word = member_text(detection, "eagerness", "auto");

	return strcmp(word, "high") == 0 ? 300 : strcmp(word, "low") == 0 ? 1000 : 600;
}

static void settle(struct session *s)
{
	struct settings *t = &s->settings;
	const cJSON *audio = member(s->config, "audio"), *input = member(audio, "input"),
		    *detection = member(input, "turn_detection");
	const char *kind = member_text(detection, "type", "");
	const cJSON *modality = cJSON_GetArrayItem(member(s->config, "output_modalities"), 0);
	const cJSON *max = member(s->config, "max_output_tokens");
	enum sound_format before = t->input;

	t->input = config_format(member(input, "format"));
	t->output = config_format(member(member(audio, "output"), "format"));
	t->turn_detection = cJSON_IsObject(detection);
	t->semantic = strcmp(kind, "semantic_vad") == 0;
	t->create_response = !cJSON_IsFalse(member(detection, "create_response"));
	t->interrupt_response = !cJSON_IsFalse(member(detection, "interrupt_response"));
	t->vad.threshold = member_number(detection, "threshold", 0.5);
	t->vad.prefix_padding_ms = (int)member_number(detection, "prefix_padding_ms", 300);
	t->vad.silence_ms =
	    t->semantic ? eagerness_ms(detection) : (int)member_number(detection, "silence_duration_ms", 200);
	t->idle_timeout_ms = (int)member_number(detection, "idle_timeout_ms", 0);
	t->transcription = cJSON_IsObject(member(input, "transcription"));
	t->text_only = modality && strcmp(modality->valuestring, "text") == 0;
	t->max_tokens = cJSON_IsNumber(max) ? max->valueint : 0;
	if (before != t->input || !s->record->input_format[0])
		vad_set_rate(&s->vad, format_rate(t->input));
	snprintf(s->record->input_format, sizeof s->record->input_format, "%s", format_name(t->input));
	snprintf(s->record->output_format, sizeof s->record->output_format, "%s", format_name(t->output));
}

void config_init(struct session *s, const char *model)
{
	const struct fault_state *expires = &s->faults->f[FAULT_EXPIRES];
	struct text json = { 0 };

	text_printf(&json, "{\"object\":\"realtime.session\",\"id\":\"%s\",\"type\":\"realtime\",\"model\":", s->id);
	text_json(&json, model);
	text_printf(&json,
	    ",\"output_modalities\":[\"audio\"],\"instructions\":\"Default server instructions.\",\"tools\":[],"
	    "\"tool_choice\":\"auto\",\"max_output_tokens\":\"inf\",\"tracing\":null,\"truncation\":\"auto\","
	    "\"prompt\":null,\"expires_at\":%ld,\"audio\":{\"input\":{\"format\":{\"type\":\"audio/pcm\",\"rate\":24000},"
	    "\"transcription\":null,\"noise_reduction\":null,\"turn_detection\":%s},"
	    "\"output\":{\"format\":{\"type\":\"audio/pcm\",\"rate\":24000},\"voice\":\"alloy\",\"speed\":1}},"
	    "\"include\":null}",
	    (long)time(NULL) + (expires->on ? expires->number : SESSION_SECONDS), server_vad_default);
	s->config = cJSON_Parse(json.data);
	text_free(&json);
	if (!s->config)
		abort();
	settle(s);
}

static void put(cJSON *object, const char *key, cJSON *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	cJSON_AddItemToObject(object, key, value);
}

/* Only the fields present change; objects that have parts of their own are
 * merged part by part, all else is replaced. */
static void merge(cJSON *into, const cJSON *from)
{
	static const char *const merged[] = { "audio", "input", "output", "noise_reduction" };

	for (const cJSON *child = from->child; child; child = child->next) {
		const cJSON *old = member(into, child->string);
		bool whole = true;

		for (size_t i = 0; i < sizeof merged / sizeof merged[0]; i++)
			if (strcmp(child->string, merged[i]) == 0 && cJSON_IsObject(old) && cJSON_IsObject(child))
				whole = false;
		if (strcmp(child->string, "turn_detection") == 0 && cJSON_IsObject(child)) {
			const char *kind = member(child, "type")->valuestring;

			if (!cJSON_IsObject(old) || strcmp(member(old, "type")->valuestring, kind) != 0)
				put(into, child->string,
				    cJSON_Parse(
					strcmp(kind, "server_vad") == 0 ? server_vad_default : semantic_vad_default));
			whole = false;
		}
		if (whole)
			put(into, child->string, cJSON_Duplicate(child, 1));
		else
			merge(member(into, child->string), child);
	}
}

/* Paths like "session.reasoning" or "session.audio.input.noise_reduction". */
static bool has_path(const cJSON *session, const char *path)
{
	char copy[64], *rest = copy, *name;
	const cJSON *at = session;

	snprintf(copy, sizeof copy, "%s", strncmp(path, "session.", 8) == 0 ? path + 8 : path);
	while (at && (name = strsep(&rest, ".")))
		at = member(at, name);
	return at != NULL;
}

static void drop_path(cJSON *session, const char *path)
{
	char copy[64], *rest = copy, *name;
	cJSON *at = session;

	snprintf(copy, sizeof copy, "%s", strncmp(path, "session.", 8) == 0 ? path + 8 : path);
	while (at && (name = strsep(&rest, ".")) && rest)
		at = member(at, name);
	if (at && name)
		cJSON_DeleteItemFromObjectCaseSensitive(at, name);
}

/* Rules that are about values together, or about what happened before. */
static bool allowed(struct session *s, const cJSON *session, struct session_error *e)
{
	const cJSON *model = member(session, "model"),
		    *voice = member(member(member(session, "audio"), "output"), "voice");
	const cJSON *old_voice = member(member(member(s->config, "audio"), "output"), "voice");
	const cJSON *transcription = member(member(member(session, "audio"), "input"), "transcription");
	const cJSON *tracing = member(session, "tracing"), *heard_by = member(transcription, "model");
	const char *name = heard_by ? heard_by->valuestring : "";
	bool lists = strcmp(name, "gpt-transcribe") == 0 || strcmp(name, "gpt-live-transcribe") == 0;

	e->code = "invalid_value";
	if (strcmp(member(session, "type")->valuestring, member(s->config, "type")->valuestring) != 0) {
		e->param = "session.type";
		e->message = "The type of a session cannot be changed.";
		return false;
	}
	if (model && strcmp(model->valuestring, member(s->config, "model")->valuestring) != 0) {
		e->param = "session.model";
		e->message = "The model of a session cannot be changed.";
		return false;
	}
	if (voice && s->voice_fixed && !cJSON_Compare(voice, old_voice, 1)) {
		e->code = "cannot_update_voice";
		e->param = "session.audio.output.voice";
		e->message = "Cannot update a conversation's voice if assistant audio is present.";
		return false;
	}
	if (tracing && !cJSON_IsNull(member(s->config, "tracing")) &&
	    !cJSON_Compare(tracing, member(s->config, "tracing"), 1)) {
		e->param = "session.tracing";
		e->message = "Tracing cannot be changed once it is on.";
		return false;
	}
	if ((member(transcription, "languages") || member(transcription, "keywords")) && !lists) {
		e->param = "session.audio.input.transcription";
		e->message = "'languages' and 'keywords' need gpt-transcribe or gpt-live-transcribe.";
		return false;
	}
	if (member(transcription, "delay") && strcmp(name, "gpt-realtime-whisper") != 0) {
		e->param = "session.audio.input.transcription.delay";
		e->message = "'delay' needs gpt-realtime-whisper.";
		return false;
	}
	if ((member(session, "reasoning") || member(session, "parallel_tool_calls")) &&
	    strncmp(member(s->config, "model")->valuestring, "gpt-realtime", 12) == 0 &&
	    strncmp(member(s->config, "model")->valuestring, "gpt-realtime-2", 14) != 0) {
		e->param = member(session, "reasoning") ? "session.reasoning" : "session.parallel_tool_calls";
		e->message = "Only reasoning models take this.";
		return false;
	}
	return true;
}

void config_update(struct session *s, const cJSON *session, const char *event_id, uint64_t now)
{
	const struct fault_state *reject = &s->faults->f[FAULT_REJECT_FIELD],
				 *ignore = &s->faults->f[FAULT_IGNORE_FIELD],
				 *delay = &s->faults->f[FAULT_UPDATED_DELAY];
	struct session_error e = { .event_id = event_id };
	char message[120], *config;

	if (reject->on && has_path(session, reject->what)) {
		snprintf(message, sizeof message, "Unknown parameter: '%s'.", reject->what);
		e.code = "unknown_parameter";
		e.param = reject->what;
		e.message = message;
		session_send_error(s, &e);
		return;
	}
	if (s->faults->f[FAULT_REFUSE_UPDATE].on) {
		e.type = "server_error";
		e.message = "The server had an error while processing your request.";
		session_send_error(s, &e);
		return;
	}
	if (!allowed(s, session, &e)) {
		record_violation(s->record, "session.update: %s", e.message);
		session_send_error(s, &e);
		return;
	}
	merge(s->config, session);
	if (!options.load)
		record_add(s->record->asked, cJSON_Duplicate(session, 1));
	if (s->faults->f[FAULT_WRONG_FORMAT].on) {
		put(member(member(s->config, "audio"), "input"), "format",
		    cJSON_Parse("{\"type\":\"audio/pcm\",\"rate\":24000}"));
		put(member(member(s->config, "audio"), "output"), "format",
		    cJSON_Parse("{\"type\":\"audio/pcm\",\"rate\":24000}"));
	}
	settle(s);
	if (ignore->on)
		drop_path(s->config, ignore->what);
	if (s->faults->f[FAULT_NO_UPDATED].on)
		return;
	config = cJSON_PrintUnformatted(s->config);
	text_printf(event_open(s, "session.updated"), ",\"session\":%s", config);
	free(config);
	event_send_later(s, now + (delay->on ? (uint64_t)delay->number * NS_PER_MS : 0));
	/* Before anything that is answered to what the client sent next. */
	session_send_due(s, now);
}
