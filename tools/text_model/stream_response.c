/* A stream of the Responses API: items, their parts, their deltas. */
#include "tools/text_model/stream_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static cJSON *event_of(const char *type)
{
	cJSON *event = cJSON_CreateObject();

	cJSON_AddStringToObject(event, "type", type);
	return event;
}

static cJSON *response_of(const struct stream *s, const char *status)
{
	cJSON *r = cJSON_CreateObject(), *why;
	const char *failed = member_text(s->answer, "failed", NULL);
	bool over = strcmp(status, "in_progress") != 0, fails = strcmp(status, "failed") == 0;

	cJSON_AddStringToObject(r, "id", "resp_standin");
	cJSON_AddStringToObject(r, "object", "response");
	cJSON_AddNumberToObject(r, "created_at", (double)time(NULL));
	cJSON_AddStringToObject(r, "status", status);
	why = fails ? cJSON_AddObjectToObject(r, "error") : cJSON_AddNullToObject(r, "error");
	if (fails) {
		cJSON_AddStringToObject(why, "code", failed ? failed : "server_error");
		cJSON_AddStringToObject(why, "message", "The model failed to generate a response.");
	}
	if (strcmp(status, "incomplete") == 0)
		cJSON_AddStringToObject(cJSON_AddObjectToObject(r, "incomplete_details"), "reason",
		    member_text(s->answer, "incomplete", "max_output_tokens"));
	else
		cJSON_AddNullToObject(r, "incomplete_details");
	cJSON_AddStringToObject(r, "instructions", member_text(s->request, "instructions", ""));
	cJSON_AddNullToObject(r, "max_output_tokens");
	cJSON_AddObjectToObject(r, "metadata");
	cJSON_AddStringToObject(r, "model", member_text(s->request, "model", ""));
	cJSON_AddItemToObject(r, "output", cJSON_Duplicate(s->output, 1));
	cJSON_AddTrueToObject(r, "parallel_tool_calls");
	cJSON_AddNumberToObject(r, "temperature", 1);
	cJSON_AddStringToObject(r, "tool_choice", "auto");
	cJSON_AddArrayToObject(r, "tools");
	cJSON_AddNumberToObject(r, "top_p", 1);
	if (over && !fails)
		cJSON_AddItemToObject(r, "usage", stream_usage(s));
	else
		cJSON_AddNullToObject(r, "usage");
	return r;
}

static void emit_response(struct stream *s, const char *type, const char *status)
{
	cJSON *event = event_of(type);

	cJSON_AddItemToObject(event, "response", response_of(s, status));
	stream_emit(s, event);
}

static cJSON *part_of(bool refusal, const char *words)
{
	cJSON *part = cJSON_CreateObject();

	cJSON_AddStringToObject(part, "type", refusal ? "refusal" : "output_text");
	if (!refusal)
		cJSON_AddArrayToObject(part, "annotations");
	cJSON_AddStringToObject(part, refusal ? "refusal" : "text", words);
	return part;
}

static cJSON *item_event(struct stream *s, const char *type, const char *item_id, bool content)
{
	cJSON *event = event_of(type);

	cJSON_AddStringToObject(event, "item_id", item_id);
	cJSON_AddNumberToObject(event, "output_index", s->index);
	if (content)
		cJSON_AddNumberToObject(event, "content_index", 0);
	return event;
}

static void emit_item(struct stream *s, const char *type, cJSON *item)
{
	cJSON *event = event_of(type);

	cJSON_AddNumberToObject(event, "output_index", s->index);
	cJSON_AddItemToObject(event, "item", item);
	stream_emit(s, event);
}

static cJSON *message_of(const char *status, cJSON *part)
{
	cJSON *item = cJSON_CreateObject(), *content;

	cJSON_AddStringToObject(item, "id", "msg_standin");
	cJSON_AddStringToObject(item, "type", "message");
	cJSON_AddStringToObject(item, "status", status);
	cJSON_AddStringToObject(item, "role", "assistant");
	content = cJSON_AddArrayToObject(item, "content");
	if (part)
		cJSON_AddItemToArray(content, part);
	return item;
}

static void emit_delta(struct stream *s, bool refusal, const char *words, size_t len)
{
	char *piece = need_copy_n(words, len);
	cJSON *event =
	    item_event(s, refusal ? "response.refusal.delta" : "response.output_text.delta", "msg_standin", true);

	cJSON_AddStringToObject(event, "delta", piece);
	if (!refusal)
		cJSON_AddArrayToObject(event, "logprobs");
	stream_emit(s, event);
	free(piece);
}

static void respond_words(struct stream *s, bool refusal)
{
	bool whole = !member_text(s->answer, "incomplete", NULL);
	cJSON *event;

	emit_item(s, "response.output_item.added", message_of("in_progress", NULL));
	event = item_event(s, "response.content_part.added", "msg_standin", true);
	cJSON_AddItemToObject(event, "part", part_of(refusal, ""));
	stream_emit(s, event);
	for (size_t from = 0, to; s->words[from] && !s->over; from = to) {
		to = stream_piece_end(s, s->words, from);
		emit_delta(s, refusal, s->words + from, to - from);
		stream_pause(s);
	}
	event = item_event(s, refusal ? "response.refusal.done" : "response.output_text.done", "msg_standin", true);
	cJSON_AddStringToObject(event, refusal ? "refusal" : "text", s->words);
	if (!refusal)
		cJSON_AddArrayToObject(event, "logprobs");
	stream_emit(s, event);
	event = item_event(s, "response.content_part.done", "msg_standin", true);
	cJSON_AddItemToObject(event, "part", part_of(refusal, s->words));
	stream_emit(s, event);
	cJSON_AddItemToArray(s->output, message_of(whole ? "completed" : "incomplete", part_of(refusal, s->words)));
	emit_item(
	    s, "response.output_item.done", message_of(whole ? "completed" : "incomplete", part_of(refusal, s->words)));
	s->index++;
}

static cJSON *call_item(
    const char *status, const char *item_id, const char *call_id, const char *name, const char *arguments)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "id", item_id);
	cJSON_AddStringToObject(item, "type", "function_call");
	cJSON_AddStringToObject(item, "status", status);
	cJSON_AddStringToObject(item, "call_id", call_id);
	cJSON_AddStringToObject(item, "name", name);
	cJSON_AddStringToObject(item, "arguments", arguments);
	return item;
}

static void respond_call(struct stream *s, const cJSON *call)
{
	const char *name = member_text(call, "name", "");
	char *arguments = stream_arguments(call), item_id[24], call_id[64];
	cJSON *event;

	stream_call_id(call, call_id);
	snprintf(item_id, sizeof item_id, "fc_%d", s->index);
	emit_item(s, "response.output_item.added", call_item("in_progress", item_id, call_id, name, ""));
	for (size_t from = 0, to; arguments[from] && !s->over; from = to) {
		char *piece;

		to = stream_piece_end(s, arguments, from);
		piece = need_copy_n(arguments + from, to - from);
		event = item_event(s, "response.function_call_arguments.delta", item_id, false);
		cJSON_AddStringToObject(event, "delta", piece);
		stream_emit(s, event);
		free(piece);
	}
	event = item_event(s, "response.function_call_arguments.done", item_id, false);
	cJSON_AddStringToObject(event, "name", name);
	cJSON_AddStringToObject(event, "arguments", arguments);
	stream_emit(s, event);
	cJSON_AddItemToArray(s->output, call_item("completed", item_id, call_id, name, arguments));
	emit_item(s, "response.output_item.done", call_item("completed", item_id, call_id, name, arguments));
	s->index++;
	free(arguments);
}

void stream_response(struct stream *s)
{
	const cJSON *call;
	bool failed = member_text(s->answer, "failed", NULL), incomplete = member_text(s->answer, "incomplete", NULL);
	const char *how = failed ? "failed" : incomplete ? "incomplete" : "completed";
	char type[40];

	emit_response(s, "response.created", "in_progress");
	emit_response(s, "response.in_progress", "in_progress");
	if (*s->words)
		respond_words(s, member_text(s->answer, "refusal", NULL));
	cJSON_ArrayForEach(call, member(s->answer, "calls"))
	{
		respond_call(s, call);
	}
	snprintf(type, sizeof type, "response.%s", how);
	emit_response(s, type, how);
}
