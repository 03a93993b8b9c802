#include "tools/text_model/stream_inside.h"

#include "tools/kit/clock.h"
#include "tools/kit/member.h"
#include "tools/kit/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stands where half an emoji is to be, which a tree cannot hold. */
#define HALF_1 "@half-1@"
#define HALF_2 "@half-2@"

enum { PIECE_LETTERS = 12, INPUT_TOKENS = 321, CACHED_TOKENS = 128, LETTERS_PER_TOKEN = 4 };

/* --- sending --- */

void stream_put(struct stream *s, const struct text *t)
{
	if (!s->over && !s->to->write(s->to->to, text_str(t), t->len)) {
		s->over = true;
		s->end = STREAM_GONE;
	}
}

static bool is_now(const struct stream *s, const char *name)
{
	return (int)member_number(s->answer, name, -1) == s->events;
}

/* What is wrong on purpose comes in place of the n-th event. */
static void misbehave(struct stream *s)
{
	struct text t = { 0 };

	if (is_now(s, "cut_after")) {
		s->over = true;
		s->end = STREAM_CUT;
	} else if (is_now(s, "halt_after")) {
		s->to->wait(s->to->to, -1);
		s->over = true;
		s->end = STREAM_GONE;
	} else if (is_now(s, "garbage_after")) {
		text_puts(&t, ": a comment\nid: 7\nretry: 10\ndata: {nonsense\n\n");
	} else if (is_now(s, "error_after") && s->chat) {
		text_puts(&t,
		    "data: {\"error\":{\"message\":\"Rate limit reached.\",\"type\":\"requests\",\"param\":null,"
		    "\"code\":\"rate_limit_exceeded\"}}\n\n");
	} else if (is_now(s, "error_after")) {
		text_printf(&t,
		    "event: error\ndata: {\"type\":\"error\",\"sequence_number\":%d,\"code\":\"rate_limit_exceeded\","
		    "\"message\":\"Rate limit reached.\",\"param\":null}\n\n",
		    s->events);
	}
	stream_put(s, &t);
	if (is_now(s, "error_after"))
		s->over = true;
	text_free(&t);
}

static void put_json(struct text *t, const char *json)
{
	for (const char *p = json; *p;) {
		bool first = strncmp(p, HALF_1, sizeof HALF_1 - 1) == 0;

		if (!first && strncmp(p, HALF_2, sizeof HALF_2 - 1) != 0) {
			text_add(t, p++, 1);
			continue;
		}
		text_puts(t, first ? "\\ud83d" : "\\ude00");
		p += sizeof HALF_1 - 1;
	}
}

void stream_emit(struct stream *s, cJSON *event)
{
	struct text t = { 0 };
	const char *line = member_true(s->answer, "crlf") ? "\r\n" : "\n";
	char *json;

	misbehave(s);
	if (!s->chat)
		cJSON_AddNumberToObject(event, "sequence_number", s->events);
	json = cJSON_PrintUnformatted(event);
	if (!s->chat)
		text_printf(&t, "event: %s%s", member_text(event, "type", ""), line);
	text_puts(&t, "data: ");
	put_json(&t, json);
	text_printf(&t, "%s%s", line, line);
	stream_put(s, &t);
	s->events += !s->over;
	text_free(&t);
	free(json);
	cJSON_Delete(event);
}

size_t stream_piece_end(const struct stream *s, const char *text, size_t from)
{
	size_t all = strlen(text), n = from + (size_t)member_number(s->answer, "piece", PIECE_LETTERS);

	while (n < all && text[n - 1] != ' ')
		n++;
	return n < all ? n : all;
}

void stream_pause(struct stream *s)
{
	long ms = (long)member_number(s->answer, "gap_ms", 0);

	if (ms > 0 && !s->over && !s->to->wait(s->to->to, ms)) {
		s->over = true;
		s->end = STREAM_GONE;
	}
}

cJSON *stream_usage(const struct stream *s)
{
	cJSON *usage = cJSON_CreateObject(), *part;
	double out = (double)(strlen(s->words) / LETTERS_PER_TOKEN + 1);

	cJSON_AddNumberToObject(usage, s->chat ? "prompt_tokens" : "input_tokens", INPUT_TOKENS);
	part = cJSON_AddObjectToObject(usage, s->chat ? "prompt_tokens_details" : "input_tokens_details");
	cJSON_AddNumberToObject(part, "cached_tokens", CACHED_TOKENS);
	cJSON_AddNumberToObject(usage, s->chat ? "completion_tokens" : "output_tokens", out);
	part = cJSON_AddObjectToObject(usage, s->chat ? "completion_tokens_details" : "output_tokens_details");
	cJSON_AddNumberToObject(part, "reasoning_tokens", 0);
	cJSON_AddNumberToObject(usage, "total_tokens", INPUT_TOKENS + out);
	return usage;
}

char *stream_arguments(const cJSON *call)
{
	const cJSON *given = member(call, "arguments");

	return cJSON_IsString(given) ? need_copy(given->valuestring)
	       : given               ? cJSON_PrintUnformatted(given)
				     : need_copy("{}");
}

void stream_call_id(const cJSON *call, char id[64])
{
	static _Atomic unsigned long calls;

	snprintf(id, 64, "%.60s", member_text(call, "call_id", ""));
	if (!*id)
		snprintf(id, 64, "call_%08lx", ++calls);
}

/* What is said: words, or the object that was asked for, as text. */
static char *words_of(const cJSON *answer)
{
	const char *words = member_text(answer, "refusal", member_text(answer, "text", ""));
	const cJSON *json = member(answer, "json");
	struct text t = { 0 };
	char *printed = json ? cJSON_PrintUnformatted(json) : NULL, *copy;

	if (member_true(answer, "stamp"))
		text_printf(&t, "stamp %llu ", (unsigned long long)mono_ns());
	text_puts(&t, printed ? printed : words);
	if (member_true(answer, "half_emoji"))
		text_puts(&t, " " HALF_1 " " HALF_2);
	for (long left = (long)member_number(answer, "long_word", 0); left > 0; left--)
		text_puts(&t, "o");
	copy = need_copy(text_str(&t));
	text_free(&t);
	free(printed);
	return copy;
}

enum stream_end stream_answer(
    const cJSON *answer, const cJSON *request, bool in_chat, const struct stream_to *to, int *events)
{
	struct stream s = { .answer = answer,
		.request = request,
		.chat = in_chat,
		.to = to,
		.words = words_of(answer),
		.output = cJSON_CreateArray() };

	if (in_chat)
		stream_chat(&s);
	else
		stream_response(&s);
	*events = s.events;
	free(s.words);
	cJSON_Delete(s.output);
	return s.end;
}
