/* The stand-in for the text APIs: its events are those of the fixtures, its judgement of
 * requests takes what they hold and refuses what the service would. */
#include "tools/kit/file.h"
#include "tools/kit/member.h"
#include "tools/kit/text.h"
#include "tools/text_model/judge.h"
#include "tools/text_model/stream.h"
#include "tests/unit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static cJSON *fixture(const char *name)
{
	char path[120];
	struct text t = { 0 };
	cJSON *tree;

	snprintf(path, sizeof path, "tests/fixtures/%s.json", name);
	if (file_read(path, &t))
		fail_msg("%s cannot be read", path);
	tree = cJSON_Parse(text_str(&t));
	assert_non_null(tree);
	text_free(&t);
	return tree;
}

/* The same fields of the same types; null and a value are both fine, and so are lists of other lengths. */
static bool same_shape(const cJSON *is, const cJSON *wanted)
{
	const cJSON *child;

	if (cJSON_IsNull(is) || cJSON_IsNull(wanted))
		return true;
	if ((is->type & 0xff) != (wanted->type & 0xff))
		return cJSON_IsBool(is) && cJSON_IsBool(wanted);
	if (cJSON_IsArray(is))
		return !is->child || !wanted->child || same_shape(is->child, wanted->child);
	cJSON_ArrayForEach(child, wanted)
	{
		if (!member(is, child->string) && !cJSON_IsNull(child) && !strstr(child->string, "_details") &&
		    strcmp(child->string, "audio_tokens") != 0 && !strstr(child->string, "prediction_tokens"))
			return false;
	}
	cJSON_ArrayForEach(child, is)
	{
		if (!member(wanted, child->string) || !same_shape(child, member(wanted, child->string)))
			return false;
	}
	return true;
}

static struct text got;
static size_t most; /* bytes until the other end goes */

static bool take(void *to, const void *bytes, size_t len)
{
	(void)to;
	text_add(&got, bytes, len);
	return got.len < most;
}

static bool do_not_wait(void *to, long ms)
{
	(void)to;
	(void)ms;
	return true;
}

static enum stream_end run(const char *script, bool chat)
{
	cJSON *answer = cJSON_Parse(script), *request = fixture(chat ? "text-chat-request" : "text-responses-request");
	enum stream_end end;
	int events;

	assert_non_null(answer);
	text_free(&got);
	most = most ? most : SIZE_MAX;
	end = stream_answer(answer, request, chat, &(struct stream_to){ NULL, take, do_not_wait }, &events);
	most = 0;
	cJSON_Delete(answer);
	cJSON_Delete(request);
	return end;
}

/* The n-th `data:` line (from 0); owned by the caller, "" if there are fewer. */
static char *data_of(int n)
{
	const char *at = text_str(&got);

	while ((at = strstr(at, "data: ")) && n--)
		at += 6;
	return at ? need_copy_n(at + 6, strcspn(at + 6, "\r\n")) : need_copy("");
}

static void assert_stream(const char *const *names)
{
	int n = 0;

	for (; names[n]; n++) {
		char *data = data_of(n);
		cJSON *is = cJSON_Parse(data), *wanted = fixture(names[n]);

		if (!is || !same_shape(is, wanted))
			fail_msg("event %d is no %s: %s", n, names[n], data);
		if (member(wanted, "type"))
			assert_string_equal(member_text(is, "type", ""), member_text(wanted, "type", ""));
		cJSON_Delete(is);
		cJSON_Delete(wanted);
		free(data);
	}
}

#define BOTH \
	"{\"text\":\"We open at nine.\",\"piece\":9,\"calls\":[{\"name\":\"end_call\",\"arguments\":{\"reason\":\"done\"}}]}"

static void a_response_comes_as_the_fixtures_say(void **state)
{
	static const char *const names[] = { "text-responses-created", "text-responses-in_progress",
		"text-responses-output_item-added-message", "text-responses-content_part-added",
		"text-responses-output_text-delta", "text-responses-output_text-delta",
		"text-responses-output_text-done", "text-responses-content_part-done",
		"text-responses-output_item-done-message", "text-responses-output_item-added-function_call",
		"text-responses-function_call_arguments-delta", "text-responses-function_call_arguments-done",
		"text-responses-output_item-done-function_call", "text-responses-completed", NULL };

	(void)state;
	assert_int_equal(run(BOTH, false), STREAM_WHOLE);
	assert_stream(names);
	assert_non_null(strstr(text_str(&got), "event: response.output_text.delta\ndata: "));
	assert_int_equal(run("{\"text\":\"We open\",\"incomplete\":\"max_output_tokens\"}", false), STREAM_WHOLE);
	assert_non_null(strstr(text_str(&got), "event: response.incomplete\n"));
	assert_int_equal(run("{\"failed\":\"server_error\"}", false), STREAM_WHOLE);
	assert_non_null(strstr(text_str(&got), "event: response.failed\n"));
}

static void chat_comes_as_the_fixtures_say(void **state)
{
	static const char *const names[] = { "text-chat-chunk-first", "text-chat-chunk-content",
		"text-chat-chunk-content", "text-chat-chunk-tool_call-first", "text-chat-chunk-tool_call-arguments",
		"text-chat-chunk-finish-tool_calls", "text-chat-chunk-usage", NULL };
	char *last;

	(void)state;
	assert_int_equal(run(BOTH, true), STREAM_WHOLE);
	assert_stream(names);
	last = data_of(7);
	assert_string_equal(last, "[DONE]");
	free(last);
}

static void a_stream_is_spoilt_as_ordered(void **state)
{
	(void)state;
	for (int chat = 0; chat < 2; chat++) {
		char *nothing;

		assert_int_equal(run("{\"text\":\"We open at nine.\",\"cut_after\":2}", chat), STREAM_CUT);
		nothing = data_of(2);
		assert_string_equal(nothing, "");
		free(nothing);
		assert_int_equal(run("{\"text\":\"We open.\",\"halt_after\":1}", chat), STREAM_GONE);
		assert_int_equal(run("{\"text\":\"We open.\",\"garbage_after\":1}", chat), STREAM_WHOLE);
		assert_non_null(strstr(text_str(&got), "data: {nonsense\n\n"));
		assert_int_equal(run("{\"text\":\"We open.\",\"error_after\":1}", chat), STREAM_WHOLE);
		assert_non_null(strstr(text_str(&got), "rate_limit_exceeded"));
		run("{\"text\":\"We open.\",\"half_emoji\":true,\"crlf\":true,\"piece\":1}", chat);
		assert_non_null(strstr(text_str(&got), "\\ud83d"));
		assert_non_null(strstr(text_str(&got), "\r\n\r\n"));
		most = 100;
		assert_int_equal(run("{\"text\":\"We open.\"}", chat), STREAM_GONE);
	}
}

static void requests_are_judged(void **state)
{
	static const struct {
		bool chat;
		const char *text; /* NULL: the fixture */
		const char *wrong;
	} rows[] = {
		{ false, NULL, NULL },
		{ true, NULL, NULL },
		{ false, "{\"model\":\"m\",\"input\":\"Hello\",\"stream\":true}", NULL },
		{ false, "{\"model\":\"m\",\"input\":[],\"instructions\":\"Greet.\",\"stream\":true}", NULL },
		{ false, "{\"input\":\"Hello\",\"stream\":true}", "model" },
		{ false, "{\"model\":\"m\",\"stream\":true}", "input" },
		{ false, "{\"model\":\"m\",\"input\":\"Hello\",\"voice\":\"marin\"}", "does not know" },
		{ false,
		    "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"output_text\",\"text\":\"a\"}]}]}",
		    "its role does not" },
		{ false,
		    "{\"model\":\"m\",\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"n\",\"arguments\":\"{}\"}]}",
		    "no tool output found" },
		{ false,
		    "{\"model\":\"m\",\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"{}\"}]}",
		    "no call found" },
		{ true, "{\"model\":\"m\",\"messages\":[]}", "messages" },
		{ true, "{\"model\":\"m\",\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"x\"}]}",
		    "not after its call" },
		{ true,
		    "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\","
		    "\"type\":\"function\",\"function\":{\"name\":\"n\",\"arguments\":\"{}\"}}]}]}",
		    "must be followed" },
		{ true, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":null}]}", "no content" },
		{ true,
		    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{\"type\":\"function\","
		    "\"name\":\"n\",\"parameters\":{}}]}",
		    "name will not do" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cJSON *request = rows[i].text   ? cJSON_Parse(rows[i].text)
				 : rows[i].chat ? fixture("text-chat-request")
						: fixture("text-responses-request");
		const char *wrong = judge_stream(request, rows[i].chat);

		if (rows[i].wrong ? !wrong || !strstr(wrong, rows[i].wrong) : wrong != NULL)
			fail_msg("%s: %s", rows[i].text, wrong ? wrong : "nothing is wrong");
		cJSON_Delete(request);
	}
}

static void the_last_words_are_found(void **state)
{
	cJSON *request = fixture("text-responses-request");

	(void)state;
	assert_string_equal(judge_last_words(request), "{\"ok\":true}");
	cJSON_DeleteItemFromArray(member(request, "input"), 3);
	cJSON_DeleteItemFromArray(member(request, "input"), 2);
	assert_string_equal(judge_last_words(request), "Goodbye.");
	cJSON_Delete(request);
	request = fixture("text-chat-request");
	assert_string_equal(judge_last_words(request), "{\"ok\":true}");
	cJSON_Delete(request);
	assert_string_equal(judge_last_words(NULL), "");
}

static int clean_up(void **state)
{
	(void)state;
	text_free(&got);
	return 0;
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_response_comes_as_the_fixtures_say),
	cmocka_unit_test(chat_comes_as_the_fixtures_say),
	cmocka_unit_test(a_stream_is_spoilt_as_ordered),
	cmocka_unit_test(requests_are_judged),
	cmocka_unit_test(the_last_words_are_found),
	GROUP(NULL, clean_up),
};
