/* Bytes of the Realtime API into events. Audio comes often and large: it is
 * found by a scan. Everything else is looked up by its type, and only a type
 * with a handler costs a cJSON tree.
 *
 * A handler returns false if the event lacks what its type promises. The
 * event is then MODEL_INVALID and counted, and the call goes on.
 */
#include "server/model/realtime_parse.h"

#include "server/model/errors.h"
#include "server/model/realtime_say.h"
#include "server/model/realtime_tools.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ formats */

static bool one_format_ok(const cJSON *side, enum audio_format wanted, const char *name, char *what, size_t size)
{
	const cJSON *format = json_get(side, "format");
	const char *type = json_str(format, "type");
	double rate = 24000;

	json_num(format, "rate", &rate);
	if (type && !strcmp(type, realtime_format_type(wanted)) && (wanted != AUDIO_PCM || rate == 24000))
		return true;
	snprintf(
	    what, size, "its %s format is %s, not %s", name, type ? type : "not told", realtime_format_type(wanted));
	return false;
}

/* Says in words how the session differs from the format asked for. Mu-law in
 * a PCM session would be noise. */
static void compare_format(struct model_event *e, enum audio_format format)
{
	const cJSON *audio = json_get(json_get(e->kept, "session"), "audio");

	if (one_format_ok(json_get(audio, "input"), format, "input", e->mismatch, sizeof e->mismatch))
		one_format_ok(json_get(audio, "output"), format, "output", e->mismatch, sizeof e->mismatch);
}

/* ------------------------------------------------------------------- events */

static bool take_id(char out[FOREIGN_ID_SIZE], const cJSON *object, const char *key)
{
	const char *id = json_str(object, key);

	return foreign_id_take(out, id, id ? strlen(id) : 0);
}

static bool need_response(struct model_event *e)
{
	return take_id(e->response_id, e->kept, "response_id");
}

static bool need_item(struct model_event *e)
{
	return take_id(e->item_id, e->kept, "item_id");
}

/* Numbers may come as integers or floats. */
static bool need_ms(struct model_event *e, const char *key)
{
	double value;

	if (!json_num(e->kept, key, &value) || !(value >= 0 && value < 1e12))
		return false;
	e->ms = (int64_t)value;
	return true;
}

static bool need_text(struct model_event *e, const char *key)
{
	e->text = json_str(e->kept, key);
	return e->text != NULL;
}

static int64_t least(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

/* Tokens by price; "input_tokens" includes the cached ones. Details may be
 * missing or not add up to the total: the rest is booked as text, the
 * cheapest kind, so that no bill is nothing. A transcription by time has
 * "seconds" instead. */
void realtime_take_usage(struct model_usage *out, const cJSON *usage)
{
	const cJSON *in = json_get(usage, "input_token_details"), *made = json_get(usage, "output_token_details");
	const cJSON *cached = json_get(in, "cached_tokens_details");
	int64_t *n = out->n, all;
	double seconds;

	n[USAGE_AUDIO_IN] = json_count(in, "audio_tokens");
	n[USAGE_IMAGE_IN] = json_count(in, "image_tokens");
	n[USAGE_TEXT_IN] = json_count(in, "text_tokens");
	all = n[USAGE_AUDIO_IN] + n[USAGE_IMAGE_IN] + n[USAGE_TEXT_IN];
	if (json_count(usage, "input_tokens") > all)
		n[USAGE_TEXT_IN] += json_count(usage, "input_tokens") - all;
	n[USAGE_AUDIO_CACHED] = least(json_count(cached, "audio_tokens"), n[USAGE_AUDIO_IN]);
	n[USAGE_IMAGE_CACHED] = least(json_count(cached, "image_tokens"), n[USAGE_IMAGE_IN]);
	n[USAGE_TEXT_CACHED] = least(json_count(cached, "text_tokens"), n[USAGE_TEXT_IN]);
	all = n[USAGE_AUDIO_CACHED] + n[USAGE_IMAGE_CACHED] + n[USAGE_TEXT_CACHED];
	if (json_count(in, "cached_tokens") > all)
		n[USAGE_TEXT_CACHED] =
		    least(n[USAGE_TEXT_CACHED] + json_count(in, "cached_tokens") - all, n[USAGE_TEXT_IN]);
	n[USAGE_AUDIO_OUT] = json_count(made, "audio_tokens");
	n[USAGE_TEXT_OUT] = json_count(made, "text_tokens");
	all = n[USAGE_AUDIO_OUT] + n[USAGE_TEXT_OUT];
	if (json_count(usage, "output_tokens") > all)
		n[USAGE_TEXT_OUT] += json_count(usage, "output_tokens") - all;
	if (json_num(usage, "seconds", &seconds) && seconds > 0 && seconds < 1e6)
		n[USAGE_MS] = (int64_t)(seconds * 1000);
}

static bool on_session(struct model_event *e)
{
	const cJSON *session = json_get(e->kept, "session");
	double expires;

	take_id(e->session_id, session, "id");
	if (json_num(session, "expires_at", &expires) && expires > 0 && expires < 1e11)
		e->expires_s = (int64_t)expires;
	return cJSON_IsObject(session);
}

/* The start of speech interrupts; the details only place it in time. Both
 * may be missing or null, but nothing else than an id and a number. */
static bool take_speech(struct model_event *e, const char *key)
{
	const cJSON *item = json_get(e->kept, "item_id"), *ms = json_get(e->kept, key);

	e->ms = -1;
	return (!item || cJSON_IsNull(item) || need_item(e)) && (!ms || cJSON_IsNull(ms) || need_ms(e, key));
}

static bool on_speech_started(struct model_event *e)
{
	return take_speech(e, "audio_start_ms");
}

static bool on_speech_stopped(struct model_event *e)
{
	return take_speech(e, "audio_end_ms");
}

static bool on_item_delta(struct model_event *e)
{
	return need_item(e) && need_text(e, "delta");
}

static bool on_item_transcript(struct model_event *e)
{
	if (!need_item(e) || !need_text(e, "transcript"))
		return false;
	realtime_take_usage(&e->usage, json_get(e->kept, "usage"));
	return true;
}

/* Events about MCP calls are signs of life of a response, but do not always
 * say of which. */
static bool on_nameless_sign(struct model_event *e)
{
	const cJSON *id = json_get(e->kept, "response_id");

	return !id || cJSON_IsNull(id) || need_response(e);
}

/* Function calls are taken here, before the response ends, so that a tool
 * can start early. response.done lists them again. */
static bool on_item_done(struct model_event *e)
{
	const cJSON *item = json_get(e->kept, "item");

	take_id(e->item_id, item, "id");
	realtime_take_mcp(e, item);
	return need_response(e) && cJSON_IsObject(item) && realtime_take_calls(e, item);
}

/* What it asks comes whole, with its end. */
static bool on_item_added(struct model_event *e)
{
	realtime_take_mcp(e, json_get(e->kept, "item"));
	e->mcp.what = e->mcp.what == MODEL_MCP_CALLED ? MODEL_MCP_BEGINS : MODEL_MCP_NONE;
	return need_response(e);
}

static bool on_answer_part(struct model_event *e)
{
	return need_response(e) && need_item(e);
}

static bool on_answer_delta(struct model_event *e)
{
	return on_answer_part(e) && need_text(e, "delta");
}

static bool on_answer_transcript(struct model_event *e)
{
	return on_answer_part(e) && need_text(e, "transcript");
}

static bool on_answer_text(struct model_event *e)
{
	return on_answer_part(e) && need_text(e, "text");
}

static bool is_aside(const cJSON *response)
{
	const char *purpose = json_str(json_get(response, "metadata"), "purpose");

	return purpose && !strcmp(purpose, "filler"); /* as realtime_aside wrote it */
}

static bool on_response_created(struct model_event *e)
{
	const cJSON *response = json_get(e->kept, "response");

	e->aside = is_aside(response);
	return take_id(e->response_id, response, "id");
}

static void take_error(
    struct model_event *e, const cJSON *error, enum model_error (*class_of)(const char *type, const char *code))
{
	const char *type = json_str(error, "type"), *code = json_str(error, "code");
	const char *message = json_str(error, "message");

	snprintf(e->code, sizeof e->code, "%s", code ? code : type ? type : "unknown");
	e->error = class_of(type ? type : "", code ? code : "");
	if (!strcmp(e->code, "conversation_already_has_active_response"))
		e->reason = MODEL_BUSY;
	e->text = message ? message : "";
	e->extras = realtime_extras_at_fault(json_str(error, "param"));
}

/* A status we do not know counts as failed. One that the service's filter cut off is an error, too, for all
 * that came of it. The usage is taken before anything is checked, since it is billed anyway. */
static bool on_response_done(struct model_event *e)
{
	const cJSON *response = json_get(e->kept, "response");
	const char *status = json_str(response, "status");
	const cJSON *details = json_get(response, "status_details");
	const char *reason = json_str(details, "reason");

	realtime_take_usage(&e->usage, json_get(response, "usage"));
	e->aside = is_aside(response);
	e->status = MODEL_FAILED;
	for (int i = 0; status && i < MODEL_FAILED; i++)
		if (!strcmp(status, model_status_name((enum model_status)i)))
			e->status = (enum model_status)i;
	if (e->status == MODEL_FAILED)
		take_error(e, json_get(details, "error"), model_error_of_failed);
	else
		snprintf(e->code, sizeof e->code, "%s", reason ? reason : "");
	if (e->status == MODEL_INCOMPLETE)
		e->error = model_error_of("", e->code);
	if (e->status == MODEL_CANCELLED && !strcmp(e->code, "turn_detected"))
		e->reason = MODEL_TURN_DETECTED;
	return take_id(e->response_id, response, "id") && realtime_take_calls(e, json_get(response, "output"));
}

/* The inner `event_id` is ours; the one of the envelope is the service's. */
static bool on_error(struct model_event *e)
{
	const cJSON *error = json_get(e->kept, "error");

	if (!cJSON_IsObject(error))
		return false;
	take_error(e, error, model_error_of);
	take_id(e->refused_id, error, "event_id");
	e->refused = model_request_of(e->refused_id);
	return true;
}

static const struct {
	const char *type;
	enum model_event_type event;
	bool (*take)(struct model_event *); /* false: it lacks what the type promises */
} kinds[] = {
	{ "conversation.created", MODEL_IGNORED, NULL },
	{ "conversation.item.added", MODEL_IGNORED, NULL },
	{ "conversation.item.created", MODEL_IGNORED, NULL },
	{ "conversation.item.deleted", MODEL_IGNORED, NULL },
	{ "conversation.item.done", MODEL_IGNORED, NULL },
	{ "conversation.item.input_audio_transcription.completed", MODEL_TRANSCRIPT, on_item_transcript },
	{ "conversation.item.input_audio_transcription.delta", MODEL_TRANSCRIPT_DELTA, on_item_delta },
	{ "conversation.item.input_audio_transcription.failed", MODEL_TRANSCRIPT_FAILED, need_item },
	{ "conversation.item.input_audio_transcription.segment", MODEL_IGNORED, NULL },
	{ "conversation.item.retrieved", MODEL_IGNORED, NULL },
	{ "conversation.item.truncated", MODEL_IGNORED, NULL },
	{ "error", MODEL_ERROR, on_error },
	{ "input_audio_buffer.cleared", MODEL_IGNORED, NULL },
	{ "input_audio_buffer.committed", MODEL_COMMITTED, need_item },
	{ "input_audio_buffer.speech_started", MODEL_SPEECH_STARTED, on_speech_started },
	{ "input_audio_buffer.speech_stopped", MODEL_SPEECH_STOPPED, on_speech_stopped },
	{ "input_audio_buffer.timeout_triggered", MODEL_IGNORED, NULL },
	{ "mcp_list_tools.completed", MODEL_IGNORED, NULL },
	{ "mcp_list_tools.failed", MODEL_MCP_LIST_FAILED, need_item },
	{ "mcp_list_tools.in_progress", MODEL_IGNORED, NULL },
	{ "rate_limits.updated", MODEL_IGNORED, NULL },
	{ "response.content_part.added", MODEL_RESPONSE_SIGN, need_response },
	{ "response.content_part.done", MODEL_RESPONSE_SIGN, need_response },
	{ "response.created", MODEL_RESPONSE_CREATED, on_response_created },
	{ "response.done", MODEL_RESPONSE_DONE, on_response_done },
	{ "response.function_call_arguments.delta", MODEL_RESPONSE_SIGN, need_response },
	{ "response.function_call_arguments.done", MODEL_RESPONSE_SIGN, need_response },
	{ "response.mcp_call.completed", MODEL_RESPONSE_SIGN, on_nameless_sign },
	{ "response.mcp_call.failed", MODEL_RESPONSE_SIGN, on_nameless_sign },
	{ "response.mcp_call.in_progress", MODEL_RESPONSE_SIGN, on_nameless_sign },
	{ "response.mcp_call_arguments.delta", MODEL_RESPONSE_SIGN, on_nameless_sign },
	{ "response.mcp_call_arguments.done", MODEL_RESPONSE_SIGN, on_nameless_sign },
	{ "response.output_audio.done", MODEL_AUDIO_DONE, on_answer_part },
	{ "response.output_audio_transcript.delta", MODEL_TEXT_DELTA, on_answer_delta },
	{ "response.output_audio_transcript.done", MODEL_TEXT_DONE, on_answer_transcript },
	{ "response.output_item.added", MODEL_ITEM_ADDED, on_item_added },
	{ "response.output_item.done", MODEL_ITEM_DONE, on_item_done },
	{ "response.output_text.delta", MODEL_TEXT_DELTA, on_answer_delta },
	{ "response.output_text.done", MODEL_TEXT_DONE, on_answer_text },
	{ "session.created", MODEL_SESSION_CREATED, on_session },
	{ "session.updated", MODEL_SESSION_UPDATED, on_session },
}; /* any other type is normal: the service gains events over time */

/* ------------------------------------------------------------------ reading */

/* True if it is what it means: a string of ASCII, without escapes. */
static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~' || s.p[i] == '\\')
			return false;
	return span_quoted(s);
}

/* The one event that comes often and large: no tree is made of it, and the
 * base64 text stays in the message. False: it cannot be read. */
static bool read_audio(const char *text, size_t len, struct model_event *e)
{
	struct span response, item;
	bool taken;

	if (!json_scan(text, len, "response_id", &response) || !json_scan(text, len, "item_id", &item) ||
	    !json_scan(text, len, "delta", &e->audio) || !span_quoted(e->audio))
		return false;
	if (is_plain(response) && is_plain(item)) {
		taken = foreign_id_take(e->response_id, response.p, response.n) &&
			foreign_id_take(e->item_id, item.p, item.n);
	} else {
		e->kept = json_parse(text, len);
		taken = e->kept && on_answer_part(e);
	}
	if (taken)
		e->type = MODEL_AUDIO;
	return taken || e->kept;
}

static void read_with(
    enum model_event_type type, bool (*take)(struct model_event *), enum audio_format format, struct model_event *e)
{
	if (take(e))
		e->type = type;
	if (e->type == MODEL_SESSION_CREATED || e->type == MODEL_SESSION_UPDATED)
		compare_format(e, format);
	if (!e->text)
		e->text = "";
}

/* False: it cannot be read as it is. An event that lacks something was read. */
static bool read_event(const char *text, size_t len, enum audio_format format, struct span *type, struct model_event *e)
{
	if (!json_scan(text, len, "type", type) || !span_quoted(*type)) {
		type->n = 0;
		return false;
	}
	if (span_is(*type, "response.output_audio.delta"))
		return read_audio(text, len, e);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!span_is(*type, kinds[i].type))
			continue;
		if (!kinds[i].take)
			e->type = kinds[i].event;
		else if ((e->kept = json_parse(text, len)))
			read_with(kinds[i].event, kinds[i].take, format, e);
		return !kinds[i].take || e->kept;
	}
	e->type = MODEL_UNKNOWN;
	return true;
}

/* The mended text, if one was needed, lives as long as the event. */
void realtime_parse(const char *text, size_t len, enum audio_format format, struct model_event *out)
{
	struct span type;
	size_t mended_len;

	memset(out, 0, sizeof *out);
	out->text = "";
	out->type = MODEL_INVALID;
	if (!read_event(text, len, format, &type, out) && (out->mended = foreign_mended(text, len, &mended_len)))
		read_event(out->mended, mended_len, format, &type, out);
	if (out->type == MODEL_UNKNOWN || out->type == MODEL_INVALID)
		snprintf(out->code, sizeof out->code, "%.*s", (int)(type.n < sizeof out->code ? type.n : 0), type.p);
}

/* An answer in audio would be heard by nobody. */
void realtime_parse_text(const char *text, size_t len, enum audio_format format, struct model_event *out)
{
	const cJSON *forms;
	const char *form;

	realtime_parse(text, len, format, out);
	out->mismatch[0] = '\0';
	if (out->type != MODEL_SESSION_UPDATED)
		return;
	forms = json_get(json_get(out->kept, "session"), "output_modalities");
	form = cJSON_GetStringValue(cJSON_GetArrayItem(forms, 0));
	if (cJSON_GetArraySize(forms) != 1 || !form || strcmp(form, "text") != 0)
		snprintf(out->mismatch, sizeof out->mismatch, "it answers in %s, not in text",
		    form ? form : "a form not told");
}

enum model_error realtime_close_class(const char *reason)
{
	return model_error_of("", reason);
}

void realtime_release(struct model_event *event)
{
	free(event->calls);
	cJSON_Delete(event->kept);
	free(event->mended);
	event->calls = NULL;
	event->kept = event->mended = NULL;
}
