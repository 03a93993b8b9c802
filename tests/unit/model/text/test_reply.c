/* What a text API streams, as events of the protocol: by the fixtures, and what nobody promised. */
#include "server/model/text/reply.h"
#include "server/model/realtime_parse.h"

#include "common/sse.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/peers/fixture.h"
#include "tests/unit.h"

ONE_THREAD;

static struct text_reply reply;
static char told[8192];
static struct model_event last; /* without what it pointed at */

static void add(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(told + strlen(told), sizeof told - strlen(told), format, args);
	va_end(args);
}

/* A line each; signs of life are left out. */
static void tell(void)
{
	struct model_event e;

	while (text_reply_next(&reply, &e)) {
		assert_string_equal(e.response_id, "resp_say_1");
		if (e.type == MODEL_RESPONSE_CREATED)
			add("created\n");
		else if (e.type == MODEL_ITEM_ADDED)
			add("added %s\n", e.item_id);
		else if (e.type == MODEL_TEXT_DELTA)
			add("delta %s %s\n", e.item_id, e.text);
		else if (e.type == MODEL_TEXT_DONE)
			add("text %s %s\n", e.item_id, e.text);
		else if (e.type == MODEL_ITEM_DONE)
			add("done %s\n", e.item_id);
		else if (e.type == MODEL_RESPONSE_DONE)
			add("over %s %s %s\n", model_status_name(e.status), e.code,
			    e.status == MODEL_FAILED ? model_error_name(e.error) : "");
		else if (e.type != MODEL_RESPONSE_SIGN)
			add("type %d\n", e.type);
		for (size_t i = 0; i < e.call_count; i++)
			add("call %s %s %s\n", e.calls[i].call_id, e.calls[i].name, e.calls[i].arguments);
		last = e;
		realtime_release(&e);
	}
}

static void begin(enum text_api api)
{
	told[0] = '\0';
	text_reply_begin(&reply, api, "resp_say_1", false);
	reply.asked_bytes = 400;
}

static void end(void)
{
	text_reply_end(&reply, NULL);
	tell();
	text_reply_free(&reply);
}

static void stream(const char *name)
{
	size_t len;
	char *text = fixture_file(name, &len);
	struct span bytes = { text, len }, data;
	struct sse s;

	sse_init(&s, 1 << 20);
	tell();
	while (sse_next(&s, &bytes, &data)) {
		text_reply_take(&reply, data.p, data.n);
		tell();
	}
	sse_free(&s);
	free(text);
}

static void expect_stream(enum text_api api, const char *name, const char *events)
{
	begin(api);
	stream(name);
	end();
	assert_string_equal(told, events);
}

static void expect_usage(int64_t in, int64_t cached, int64_t out)
{
	assert_int_equal(last.usage.n[USAGE_TEXT_IN], in);
	assert_int_equal(last.usage.n[USAGE_TEXT_CACHED], cached);
	assert_int_equal(last.usage.n[USAGE_TEXT_OUT], out);
}

static void an_answer_is_the_same_in_both_apis(void **state)
{
	(void)state;
	expect_stream(TEXT_API_RESPONSES, "text-responses-answer.sse",
	    "created\nadded resp_say_1.msg_67ca\ndelta resp_say_1.msg_67ca We are open\ndelta resp_say_1.msg_67ca  from nine to six\n"
	    "delta resp_say_1.msg_67ca  – è vero.\ntext resp_say_1.msg_67ca We are open from nine to six – è vero.\ndone resp_say_1.msg_67ca\n"
	    "over completed  \n");
	expect_usage(328, 128, 52);
	expect_stream(TEXT_API_CHAT, "text-chat-answer.sse",
	    "created\nadded msg_resp_say_1\ndelta msg_resp_say_1 We are open\ndelta msg_resp_say_1  from nine to six\n"
	    "delta msg_resp_say_1  – è vero.\ntext msg_resp_say_1 We are open from nine to six – è vero.\n"
	    "done msg_resp_say_1\nover completed  \n");
	expect_usage(328, 128, 52);
}

static void functions_come_whole(void **state)
{
	(void)state;
	expect_stream(TEXT_API_RESPONSES, "text-responses-call.sse",
	    "created\ndone \ncall resp_say_1.call_9x opening_hours {\"day\":\"monday\"}\nover completed  \n");
	expect_stream(TEXT_API_CHAT, "text-chat-call.sse",
	    "created\ndone \ncall resp_say_1.call_9x opening_hours {\"day\":\"monday\"}\ncall resp_say_1.call_9y weather {}\n"
	    "over completed  \n");
	expect_usage(328, 128, 52);
}

/* Some services begin to count anew with each answer. What goes back to them must not be longer than 64 bytes. */
static void functions_of_two_answers_are_told_apart(void **state)
{
	static const char event[] = "{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\","
				    "\"status\":\"completed\",\"call_id\":\"%s\",\"name\":\"f\",\"arguments\":\"{}\"}}";
	static const char chunk[] =
	    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_0\","
	    "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}";
	static const char long_id[] = "a_long_one_of_sixty_four_bytes_that_is_told_back_as_it_was_told_";
	char text[400];

	(void)state;
	begin(TEXT_API_RESPONSES);
	snprintf(text, sizeof text, event, "call_0");
	text_reply_take(&reply, text, strlen(text));
	tell();
	snprintf(text, sizeof text, event, long_id);
	text_reply_take(&reply, text, strlen(text));
	tell();
	text_reply_free(&reply);
	snprintf(text, sizeof text, "created\ndone \ncall resp_say_1.call_0 f {}\ndone \ncall %s f {}\n", long_id);
	assert_string_equal(told, text);
	begin(TEXT_API_CHAT);
	text_reply_take(&reply, chunk, sizeof chunk - 1);
	text_reply_take(&reply, "[DONE]", 6);
	tell();
	text_reply_free(&reply);
	assert_string_equal(told, "created\ndone \ncall resp_say_1.call_0 f {}\nover completed  \n");
}

static void other_ends_say_why(void **state)
{
	(void)state;
	expect_stream(TEXT_API_RESPONSES, "text-responses-failed.sse", "created\nover failed server_error retry\n");
	expect_stream(
	    TEXT_API_RESPONSES, "text-responses-incomplete.sse", "created\nover incomplete max_output_tokens \n");
	expect_stream(
	    TEXT_API_RESPONSES, "text-responses-error.sse", "created\nover failed rate_limit_exceeded retry\n");
	expect_stream(TEXT_API_RESPONSES, "text-responses-refusal.sse",
	    "created\nadded resp_say_1.msg_67ca\ndelta resp_say_1.msg_67ca I cannot help with that.\n"
	    "text resp_say_1.msg_67ca I cannot help with that.\ndone resp_say_1.msg_67ca\nover completed  \n");
	expect_stream(TEXT_API_CHAT, "text-chat-error.sse",
	    "created\nadded msg_resp_say_1\ndelta msg_resp_say_1 We\nover failed server_error retry\n");
}

static void expect_refusal(int status, const char *name, const char *over)
{
	size_t len;
	char *text = fixture_file(name, &len), *body = calloc(1, len + 1);

	assert_non_null(body);
	memcpy(body, text, len);
	free(text);
	begin(TEXT_API_RESPONSES);
	tell();
	text_reply_end(&reply, &(struct reply_failure){ .status = status, .body = body });
	end();
	assert_string_equal(told, over);
	expect_usage(0, 0, 0); /* nothing was made, so nothing is billed */
	free(body);
}

static void a_refusal_has_the_class_of_its_status_or_code(void **state)
{
	(void)state;
	expect_refusal(401, "text-error-401.json", "created\nover failed invalid_api_key fatal\n");
	expect_refusal(404, "text-error-404-model.json", "created\nover failed model_not_found fatal\n");
	expect_refusal(429, "text-error-429-rate.json", "created\nover failed rate_limit_exceeded retry\n");
	expect_refusal(429, "text-error-429-quota.json", "created\nover failed insufficient_quota fatal\n");
	expect_refusal(400, "text-error-400.json", "created\nover failed unknown_parameter harmless\n");
}

static void a_page_instead_of_an_error_is_told_by_its_status(void **state)
{
	(void)state;
	begin(TEXT_API_CHAT);
	tell();
	text_reply_end(&reply, &(struct reply_failure){ .status = 502, .body = "<html>bad gateway" });
	end();
	assert_string_equal(told, "created\nover failed http_502 retry\n");
}

/* Four bytes are about a token: 400 were asked, and the words came. */
static void what_breaks_off_is_billed_by_an_estimate(void **state)
{
	static const char delta[] =
	    "{\"type\":\"response.output_text.delta\",\"item_id\":\"m\",\"delta\":\"12345678\"}";

	(void)state;
	begin(TEXT_API_RESPONSES);
	text_reply_take(&reply, delta, sizeof delta - 1);
	end();
	assert_string_equal(told, "created\ndelta resp_say_1.m 12345678\nover failed stream_ended retry\n");
	expect_usage(100, 0, 2);
	begin(TEXT_API_RESPONSES);
	tell();
	text_reply_take(&reply, delta, sizeof delta - 1);
	text_reply_cancel(&reply);
	text_reply_cancel(&reply); /* once is enough */
	end();
	assert_string_equal(told, "created\nover cancelled client_cancelled \n");
	expect_usage(100, 0, 2);
}

static void a_beginning_that_nobody_heard_of_is_told_before_the_end(void **state)
{
	(void)state;
	begin(TEXT_API_RESPONSES);
	text_reply_cancel(&reply);
	end();
	assert_string_equal(told, "created\nover cancelled client_cancelled \n");
}

static void chat_without_its_last_word_is_whole_if_it_gave_a_reason(void **state)
{
	static const char chunk[] = "{\"choices\":[{\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":\"length\"}]}";

	(void)state;
	begin(TEXT_API_CHAT);
	text_reply_take(&reply, chunk, sizeof chunk - 1);
	end();
	assert_non_null(strstr(told, "over incomplete length"));
}

static void no_data_does_harm(void **state)
{
	static const char *const odd[] = { "", "null", "[]", "{}", "{", "\"x\"", "[DONE]", "{\"type\":7}",
		"{\"type\":\"response.output_text.delta\"}", "{\"type\":\"response.output_text.delta\",\"delta\":1}",
		"{\"type\":\"response.output_item.done\",\"item\":null}",
		"{\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"status\":\"completed\"}}",
		"{\"type\":\"response.output_item.added\",\"item\":{\"type\":\"message\"}}", "{\"type\":\"new\"}",
		"{\"choices\":{}}", "{\"choices\":[null]}",
		"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":-1}]}}]}",
		"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":1e9}]}}]}",
		"{\"choices\":[{\"delta\":{\"tool_calls\":7,\"content\":{}}}],\"usage\":[]}", "{\"error\":\"x\"}" };

	(void)state;
	for (int api = TEXT_API_RESPONSES; api <= TEXT_API_CHAT; api++) {
		for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
			begin((enum text_api)api);
			text_reply_take(&reply, odd[i], strlen(odd[i]));
			text_reply_take(&reply, odd[i], strlen(odd[i]));
			end();
			assert_non_null(strstr(told, "over ")); /* every answer has one end */
		}
	}
}

static void arguments_without_end_are_no_arguments(void **state)
{
	static const char finish[] = "{\"choices\":[{\"finish_reason\":\"tool_calls\"}]}";
	char chunk[4096];

	(void)state;
	begin(TEXT_API_CHAT);
	snprintf(chunk, sizeof chunk,
	    "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"n\","
	    "\"arguments\":\"%0*d\"}}]}}]}",
	    3000, 0);
	for (int i = 0; i < 30; i++) {
		text_reply_take(&reply, chunk, strlen(chunk));
		tell();
	}
	text_reply_take(&reply, finish, sizeof finish - 1);
	end();
	assert_non_null(strstr(told, "call resp_say_1.c n \n"));
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(an_answer_is_the_same_in_both_apis),
	cmocka_unit_test(functions_come_whole),
	cmocka_unit_test(functions_of_two_answers_are_told_apart),
	cmocka_unit_test(other_ends_say_why),
	cmocka_unit_test(a_refusal_has_the_class_of_its_status_or_code),
	cmocka_unit_test(a_page_instead_of_an_error_is_told_by_its_status),
	cmocka_unit_test(what_breaks_off_is_billed_by_an_estimate),
	cmocka_unit_test(a_beginning_that_nobody_heard_of_is_told_before_the_end),
	cmocka_unit_test(chat_without_its_last_word_is_whole_if_it_gave_a_reason),
	cmocka_unit_test(no_data_does_harm),
	cmocka_unit_test(arguments_without_end_are_no_arguments),
	{ 0 },
};
