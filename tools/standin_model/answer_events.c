/* The events an answer consists of, put into words; when they are sent and
 * with what audio is for answers.c to decide.
 */
#include "tools/standin_model/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_STEP = 64 /* cached tokens come in such steps */ };

static void put_response(struct session *s, struct text *out, const struct answer *a, const char *status)
{
	const cJSON *voice = member(member(member(s->config, "audio"), "output"), "voice");
	char *voice_json = cJSON_PrintUnformatted(voice);

	text_printf(out, ",\"response\":{\"object\":\"realtime.response\",\"id\":\"%s\",\"conversation_id\":", a->id);
	if (a->out_of_band)
		text_puts(out, "null");
	else
		text_printf(out, "\"conv_%s\"", s->id + 5);
	text_printf(out, ",\"output_modalities\":[\"%s\"],\"max_output_tokens\":", a->text_only ? "text" : "audio");
	if (a->max_tokens)
		text_printf(out, "%ld", a->max_tokens);
	else
		text_puts(out, "\"inf\"");
	text_printf(out, ",\"audio\":{\"output\":{\"format\":{\"type\":\"%s\"%s},\"voice\":%s}}",
	    format_name(a->format), a->format == FORMAT_PCM24 ? ",\"rate\":24000" : "", voice_json);
	text_printf(out, ",\"metadata\":%s,\"status\":\"%s\"", a->metadata ? a->metadata : "null", status);
	free(voice_json);
}

struct text *answer_open_part(struct session *s, const struct answer *a, const char *type)
{
	struct text *out = event_open(s, type);

	text_printf(out, ",\"response_id\":\"%s\",\"item_id\":\"%s\",\"output_index\":0,\"content_index\":0", a->id,
	    a->item->id);
	return out;
}

static void send_output_item(
    struct session *s, const struct answer *a, const char *type, const struct item *item, int index)
{
	struct text *out = event_open(s, type);

	text_printf(out, ",\"response_id\":\"%s\",\"output_index\":%d,\"item\":", a->id, index);
	items_put_json(out, item, false);
	event_send(s);
}

static void put_part(struct text *out, const struct answer *a, const char *words)
{
	text_printf(out, ",\"part\":{\"type\":\"%s\",\"%s\":", a->text_only ? "text" : "audio",
	    a->text_only ? "text" : "transcript");
	text_json(out, words);
	text_puts(out, "}");
}

void answer_send_created(struct session *s, const struct answer *a)
{
	put_response(s, event_open(s, "response.created"), a, "in_progress");
	text_puts(&s->event, ",\"status_details\":null,\"output\":[],\"usage\":null}");
	event_send(s);
}

void answer_send_begun(struct session *s, const struct answer *a)
{
	send_output_item(s, a, "response.output_item.added", a->item, 0);
	if (!a->out_of_band)
		items_send(s, "conversation.item.added", a->item, true);
	put_part(answer_open_part(s, a, "response.content_part.added"), a, "");
	event_send(s);
}

static bool wants_call(const struct session *s, const struct answer *a, const struct line_call *call)
{
	const cJSON *choice = member(s->config, "tool_choice"), *tool;

	if (a->status != COMPLETED || a->no_tools || a->out_of_band)
		return false;
	if (call->force || strchr(call->name, '/'))
		return true;
	if (cJSON_IsString(choice) && strcmp(choice->valuestring, "none") == 0)
		return false;
	cJSON_ArrayForEach(tool, member(s->config, "tools"))
	{
		const cJSON *name = member(tool, "name");

		if (cJSON_IsString(name) && strcmp(name->valuestring, call->name) == 0)
			return true;
	}
	return false;
}

static void send_arguments(struct session *s, const struct answer *a, const struct item *call, int index)
{
	bool there = strchr(call->call_name, '/');

	for (int done = 0; done < 2; done++) {
		char type[64];
		struct text *out;

		snprintf(type, sizeof type, "response.%s_call_arguments.%s", there ? "mcp" : "function",
		    done ? "done" : "delta");
		out = event_open(s, type);
		text_printf(
		    out, ",\"response_id\":\"%s\",\"item_id\":\"%s\",\"output_index\":%d", a->id, call->id, index);
		if (!there)
			text_field(out, "call_id", call->call_id);
		if (done && !there)
			text_field(out, "name", call->call_name);
		text_field(out, done ? "arguments" : "delta", call->words);
		event_send(s);
	}
}

/* With its output the model can go on. */
static void call_there(struct session *s, struct item *call, int index)
{
	static const char *const types[] = { "response.mcp_call.in_progress", "response.mcp_call.completed" };

	for (int i = 0; i < 2; i++) {
		text_printf(event_open(s, types[i]), ",\"item_id\":\"%s\",\"output_index\":%d", call->id, index);
		event_send(s);
	}
	call->has_output = true;
	s->then = call->then;
}

static void send_call(struct session *s, struct answer *a, const struct line *line, const struct line_call *wanted)
{
	struct item *call = a->calls[a->call_count++] = items_new(s, ITEM_CALL, "in_progress");
	int index = a->call_count - (a->begun ? 0 : 1);
	char id[ID_SIZE];

	call->words = need_copy(wanted->arguments);
	call->then = line->then;
	snprintf(call->answer_id, sizeof call->answer_id, "%s", a->id);
	snprintf(call->call_name, sizeof call->call_name, "%s", wanted->name);
	session_new_id(s, "call", id);
	call->call_id = need_copy(wanted->call_id ? wanted->call_id : id);
	send_output_item(s, a, "response.output_item.added", call, index);
	items_add(s, call, s->item_count);
	items_send(s, "conversation.item.added", call, true);
	if (!wanted->incomplete)
		send_arguments(s, a, call, index);
	if (strchr(call->call_name, '/'))
		call_there(s, call, index);
	call->status = wanted->incomplete ? "incomplete" : "completed";
	items_send(s, "conversation.item.done", call, true);
	send_output_item(s, a, "response.output_item.done", call, index);
}

static void send_calls(struct session *s, struct answer *a)
{
	const struct line *line = a->calls_of ? a->calls_of : a->line;

	for (int i = 0; i < line->call_count; i++)
		if (wants_call(s, a, &line->calls[i]))
			send_call(s, a, line, &line->calls[i]);
}

static void end_parts(struct session *s, struct answer *a)
{
	struct text *out, said = { 0 };

	text_add(&said, a->line->say, a->words_sent);
	a->item->status = a->status == COMPLETED ? "completed" : "incomplete";
	a->item->words = need_copy(said.data);
	a->item->known = need_copy(said.data);
	if (a->text_only) {
		out = answer_open_part(s, a, "response.output_text.done");
		text_field(out, "text", said.data);
		event_send(s);
	} else {
		answer_open_part(s, a, "response.output_audio.done");
		event_send(s);
		out = answer_open_part(s, a, "response.output_audio_transcript.done");
		text_field(out, "transcript", said.data);
		event_send(s);
	}
	put_part(answer_open_part(s, a, "response.content_part.done"), a, said.data);
	event_send(s);
	if (!a->out_of_band)
		items_send(s, "conversation.item.done", a->item, true);
	send_output_item(s, a, "response.output_item.done", a->item, 0);
	text_free(&said);
}

/* Four letters a token; the cache holds what the last answer read, in steps. */
static void put_usage(struct session *s, struct text *out, const struct answer *a)
{
	const cJSON *instructions = member(s->config, "instructions");
	long text_in = s->text_tokens +
		       (cJSON_IsString(instructions) ? (long)strlen(instructions->valuestring) / LETTERS_PER_TOKEN : 0);
	long audio_in = s->audio_tokens, in = text_in + audio_in,
	     cached = s->cached_tokens < in ? s->cached_tokens : in;
	long cached_text = cached < text_in ? cached : text_in;
	long text_out = a->begun ? (long)a->words_sent / LETTERS_PER_TOKEN + 1 : 0;
	long audio_out = a->begun && !a->text_only ? (long)items_audio_ms(a->item) / AUDIO_TOKEN_MS : 0;

	if (a->status == FAILED)
		text_in = audio_in = in = cached = cached_text = 0;
	text_printf(out,
	    ",\"usage\":{\"total_tokens\":%ld,\"input_tokens\":%ld,\"output_tokens\":%ld,\"input_token_details\":"
	    "{\"text_tokens\":%ld,\"audio_tokens\":%ld,\"image_tokens\":0,\"cached_tokens\":%ld,"
	    "\"cached_tokens_details\":{\"text_tokens\":%ld,\"audio_tokens\":%ld,\"image_tokens\":0}},"
	    "\"output_token_details\":{\"text_tokens\":%ld,\"audio_tokens\":%ld}}",
	    in + text_out + audio_out, in, text_out + audio_out, text_in, audio_in, cached, cached_text,
	    cached - cached_text, text_out, audio_out);
	s->cached_tokens = in / CACHE_STEP * CACHE_STEP;
	if (!a->out_of_band) {
		s->text_tokens += text_out;
		s->audio_tokens += audio_out;
	}
}

static const struct {
	const char *name, *type, *code, *message;
} failures[] = {
	{ "rate_limit", "server_error", "rate_limit_exceeded", "Rate limit reached." },
	{ "inference", "server_error", "inference_rate_limit_exceeded", "Rate limit reached." },
	{ "quota", "insufficient_quota", "insufficient_quota", "You exceeded your current quota." },
	{ "model_not_found", "invalid_request_error", "model_not_found",
	    "The model does not exist or you do not have access to it." },
	{ "server", "server_error", "server_error", "The server had an error while processing your request." },
};

static void put_details(struct text *out, const struct answer *a)
{
	size_t i = 0, count = sizeof failures / sizeof failures[0];

	if (a->status == COMPLETED) {
		text_puts(out, ",\"status_details\":null");
	} else if (a->status != FAILED) {
		text_printf(
		    out, ",\"status_details\":{\"type\":\"%s\",\"reason\":\"%s\"}", status_names[a->status], a->reason);
	} else {
		while (i < count - 1 && strcmp(failures[i].name, a->reason) != 0)
			i++;
		text_printf(out,
		    ",\"status_details\":{\"type\":\"failed\",\"error\":{\"type\":\"%s\",\"code\":\"%s\",\"message\":\"%s\"}}",
		    failures[i].type, failures[i].code, failures[i].message);
	}
}

void answer_send_end(struct session *s, struct answer *a)
{
	struct text *out;

	if (a->begun)
		end_parts(s, a);
	send_calls(s, a);
	if (a->line->cancelled && a->status == COMPLETED)
		a->status = CANCELLED;
	out = event_open(s, "response.done");
	put_response(s, out, a, status_names[a->status]);
	put_details(out, a);
	text_puts(out, ",\"output\":[");
	if (a->item)
		items_put_json(out, a->item, false);
	for (int i = 0; i < a->call_count; i++) {
		text_puts(out, a->item || i ? "," : "");
		items_put_json(out, a->calls[i], false);
	}
	text_puts(out, "]");
	put_usage(s, out, a);
	text_puts(out, "}");
	event_send(s);
	out = event_open(s, "rate_limits.updated");
	text_printf(out,
	    ",\"rate_limits\":[{\"name\":\"tokens\",\"limit\":40000,\"remaining\":%u,\"reset_seconds\":2.265}]",
	    35000 + session_random(s, 4000));
	event_send(s);
}
