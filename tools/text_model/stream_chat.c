/* A stream of Chat Completions: chunks, and [DONE]. */
#include "tools/text_model/stream_inside.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static cJSON *chunk_of(const struct stream *s, cJSON *delta, const char *reason, cJSON *usage)
{
	cJSON *chunk = cJSON_CreateObject(), *choices, *choice = cJSON_CreateObject();

	cJSON_AddStringToObject(chunk, "id", "chatcmpl-standin");
	cJSON_AddStringToObject(chunk, "object", "chat.completion.chunk");
	cJSON_AddNumberToObject(chunk, "created", (double)time(NULL));
	cJSON_AddStringToObject(chunk, "model", member_text(s->request, "model", ""));
	cJSON_AddStringToObject(chunk, "service_tier", "default");
	cJSON_AddNullToObject(chunk, "system_fingerprint");
	choices = cJSON_AddArrayToObject(chunk, "choices");
	if (!delta) {
		cJSON_Delete(choice);
		cJSON_AddItemToObject(chunk, "usage", usage);
		return chunk;
	}
	cJSON_AddNumberToObject(choice, "index", 0);
	cJSON_AddItemToObject(choice, "delta", delta);
	cJSON_AddNullToObject(choice, "logprobs");
	if (reason)
		cJSON_AddStringToObject(choice, "finish_reason", reason);
	else
		cJSON_AddNullToObject(choice, "finish_reason");
	cJSON_AddItemToArray(choices, choice);
	cJSON_AddNullToObject(chunk, "usage");
	return chunk;
}

static void emit_content(struct stream *s, const char *field, const char *words, size_t len)
{
	char *piece = need_copy_n(words, len);
	cJSON *delta = cJSON_CreateObject();

	cJSON_AddStringToObject(delta, field, piece);
	stream_emit(s, chunk_of(s, delta, NULL, NULL));
	free(piece);
}

/* `name` NULL: arguments only. */
static void emit_call(struct stream *s, int index, const char *id, const char *name, const char *arguments)
{
	cJSON *delta = cJSON_CreateObject(), *call = cJSON_CreateObject(), *function;

	cJSON_AddItemToArray(cJSON_AddArrayToObject(delta, "tool_calls"), call);
	cJSON_AddNumberToObject(call, "index", index);
	if (name) {
		cJSON_AddStringToObject(call, "id", id);
		cJSON_AddStringToObject(call, "type", "function");
	}
	function = cJSON_AddObjectToObject(call, "function");
	if (name)
		cJSON_AddStringToObject(function, "name", name);
	cJSON_AddStringToObject(function, "arguments", arguments);
	stream_emit(s, chunk_of(s, delta, NULL, NULL));
}

static void chat_call(struct stream *s, const cJSON *call, int index)
{
	char *arguments = stream_arguments(call), id[64];

	stream_call_id(call, id);
	emit_call(s, index, id, member_text(call, "name", ""), "");
	for (size_t from = 0, to; arguments[from] && !s->over; from = to) {
		char *piece;

		to = stream_piece_end(s, arguments, from);
		piece = need_copy_n(arguments + from, to - from);
		emit_call(s, index, NULL, NULL, piece);
		free(piece);
	}
	free(arguments);
}

void stream_chat(struct stream *s)
{
	cJSON *first = cJSON_CreateObject();
	const cJSON *call;
	const char *incomplete = member_text(s->answer, "incomplete", NULL);
	struct text done = { 0 };
	int index = 0;

	cJSON_AddStringToObject(first, "role", "assistant");
	cJSON_AddStringToObject(first, "content", "");
	cJSON_AddNullToObject(first, "refusal");
	stream_emit(s, chunk_of(s, first, NULL, NULL));
	for (size_t from = 0, to; s->words[from] && !s->over; from = to) {
		to = stream_piece_end(s, s->words, from);
		emit_content(
		    s, member_text(s->answer, "refusal", NULL) ? "refusal" : "content", s->words + from, to - from);
		stream_pause(s);
	}
	cJSON_ArrayForEach(call, member(s->answer, "calls"))
	{
		chat_call(s, call, index++);
	}
	stream_emit(s, chunk_of(s, cJSON_CreateObject(),
			   index                  ? "tool_calls"
			   : !incomplete          ? "stop"
			   : incomplete[0] == 'c' ? "content_filter"
						  : "length",
			   NULL));
	if (member_true(member(s->request, "stream_options"), "include_usage"))
		stream_emit(s, chunk_of(s, NULL, NULL, stream_usage(s)));
	text_puts(&done, "data: [DONE]\n\n");
	stream_put(s, &done);
	text_free(&done);
}
