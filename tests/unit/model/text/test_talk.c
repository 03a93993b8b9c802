/* The conversation that a text API is told, and the requests that tell it. */
#include "server/model/text/talk.h"

#include "common/json.h"
#include "server/model/realtime_say.h"
#include "server/model/realtime_tools.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static const struct agent plain = { .openai_model = "m" };
static struct talk talk;
static struct buf body, command;

FIXTURE(set_up, talk_init(&talk); buf_init(&body, 0); buf_init(&command, 0))

FIXTURE(tear_down, talk_free(&talk); buf_free(&body); buf_free(&command))

static bool take(void)
{
	cJSON *message = json_parse(buf_text(&command), command.len);
	bool taken = talk_take(&talk, message);

	cJSON_Delete(message);
	buf_reset(&command);
	return taken;
}

static void say(const char *id, enum model_role role, const char *text, const char *after)
{
	realtime_item(&command, id, role, text, after);
	assert_true(take());
}

static void call(const char *id, const char *name, const char *arguments)
{
	assert_true(talk_put_call(&talk, &(struct model_tool_call){ id, name, arguments }));
}

static void expect(bool chat, const struct talk_request *like, const char *text)
{
	struct talk_request r = *like;

	r.talk = &talk;
	r.agent = r.agent ? r.agent : &plain;
	r.instructions = "I";
	r.effort = r.effort ? r.effort : "";
	r.person = r.person ? r.person : "";
	buf_reset(&body);
	if (chat)
		talk_put_chat(&body, &r);
	else
		talk_put_responses(&body, &r);
	assert_int_equal(buf_error(&body), 0);
	assert_string_equal(buf_text(&body), text);
}

#define RESPONSES "{\"model\":\"m\",\"stream\":true,\"store\":false,\"instructions\":\"I\",\"input\":["
#define CHAT \
	"{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":[" \
	"{\"role\":\"system\",\"content\":\"I\"}"

static void each_speaker_has_a_role(void **state)
{
	(void)state;
	say("past_1", MODEL_ROLE_AGENT, "Hello?", "");
	say("turn_2", MODEL_ROLE_CALLER, "Hi \"you\".", "");
	say("keys_3", MODEL_ROLE_NOTE, "A note.", "");
	expect(false, &(struct talk_request){ 0 },
	    RESPONSES "{\"role\":\"assistant\",\"content\":\"Hello?\"},{\"role\":\"user\",\"content\":\"Hi "
		      "\\\"you\\\".\"},{\"role\":\"developer\",\"content\":\"A note.\"}]}");
	expect(true, &(struct talk_request){ 0 },
	    CHAT ",{\"role\":\"assistant\",\"content\":\"Hello?\"},{\"role\":\"user\",\"content\":\"Hi "
		 "\\\"you\\\".\"},{\"role\":\"system\",\"content\":\"A note.\"}]}");
}

static void nobody_has_spoken_yet(void **state)
{
	(void)state;
	expect(false, &(struct talk_request){ 0 },
	    RESPONSES "{\"role\":\"developer\",\"content\":\"The caller is on the line and has said nothing yet.\"}]}");
	expect(true, &(struct talk_request){ 0 }, CHAT "]}");
}

static void what_was_heard_takes_the_place_of_what_was_not(void **state)
{
	(void)state;
	say("turn_1", MODEL_ROLE_CALLER, "a", "");
	assert_true(talk_put(&talk, TALK_AGENT, "msg_1", "", ""));
	talk_add(&talk, "msg_1", "long ");
	talk_add(&talk, "msg_1", "answer");
	say("turn_2", MODEL_ROLE_CALLER, "b", "");
	say("cut_3", MODEL_ROLE_AGENT, "long", "msg_1");
	realtime_unheard(&command, "cut_4", "msg_1");
	assert_true(take());
	talk_add(&talk, "msg_1", "too late");
	expect(true, &(struct talk_request){ 0 },
	    CHAT ",{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"long\"},"
		 "{\"role\":\"user\",\"content\":\"b\"}]}");
	assert_int_equal(talk.bytes, 6);
}

#define CALL_C "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"}"

/* A service takes no call without its result, and none between the two. */
static void a_result_stands_behind_its_call(void **state)
{
	(void)state;
	call("c", "f", "{}");
	say("turn_1", MODEL_ROLE_CALLER, "a", "");
	expect(false, &(struct talk_request){ 0 },
	    RESPONSES CALL_C ",{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"No result has come "
			     "yet.\"},{\"role\":\"user\",\"content\":\"a\"}]}");
	realtime_tool_result(&command, "tool_2", "c", "7");
	assert_true(take());
	expect(false, &(struct talk_request){ 0 },
	    RESPONSES CALL_C ",{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"7\"},"
			     "{\"role\":\"user\",\"content\":\"a\"}]}");
	expect(true, &(struct talk_request){ 0 },
	    CHAT ",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
		 "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\","
		 "\"content\":\"7\"},{\"role\":\"user\",\"content\":\"a\"}]}");
}

/* As a session is told of one that was made in another. */
static void a_call_is_taken_from_a_command(void **state)
{
	(void)state;
	realtime_tool_call(&command, "past_1", "c", "f", "{}");
	assert_true(take());
	realtime_tool_result(&command, "past_2", "c", "7");
	assert_true(take());
	expect(false, &(struct talk_request){ 0 },
	    RESPONSES CALL_C ",{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"7\"}]}");
}

static void a_result_of_a_call_that_is_unknown_is_a_note(void **state)
{
	(void)state;
	realtime_tool_result(&command, "tool_2", "c", "7");
	assert_true(take());
	expect(
	    true, &(struct talk_request){ 0 }, CHAT ",{\"role\":\"system\",\"content\":\"The result of a tool: 7\"}]}");
}

static void functions_are_offered_in_the_words_of_the_api(void **state)
{
	static const char tools[] = "[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"parameters\":{"
				    "\"type\":\"object\"}},{\"type\":\"mcp\",\"server_label\":\"x\"}]";

	(void)state;
	say("turn_1", MODEL_ROLE_CALLER, "a", "");
	expect(false, &(struct talk_request){ .tools = tools, .tools_off = true, .effort = "low", .max_tokens = 50 },
	    RESPONSES "{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{\"type\":\"function\",\"name\":\"f\","
		      "\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":false}],"
		      "\"tool_choice\":\"none\",\"reasoning\":{\"effort\":\"low\"},\"max_output_tokens\":50}");
	expect(true, &(struct talk_request){ .tools = tools, .effort = "low", .max_tokens = 50 },
	    CHAT ",{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{\"type\":\"function\",\"function\":{"
		 "\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":false}}],"
		 "\"tool_choice\":\"auto\",\"reasoning_effort\":\"low\",\"max_completion_tokens\":50}");
}

static void a_long_call_forgets_its_beginning(void **state)
{
	static char text[1001];

	(void)state;
	memset(text, 'x', 1000);
	for (int i = 0; i < 3000; i++)
		say("turn_1", MODEL_ROLE_CALLER, i < 2900 ? text : "a", "");
	assert_true(talk.bytes <= TALK_BYTES && talk.count <= TALK_ITEMS);
	assert_string_equal(buf_text(&talk.items[talk.count - 1].text), "a");
}

static void commands_that_lack_something_change_nothing(void **state)
{
	static const char *const odd[] = { "{}", "[]", "{\"type\":\"conversation.item.create\"}",
		"{\"type\":\"conversation.item.create\",\"item\":{\"type\":\"message\",\"role\":\"user\"}}",
		"{\"type\":\"conversation.item.create\",\"item\":{\"type\":\"function_call_output\"}}",
		"{\"type\":\"conversation.item.create\",\"item\":{\"type\":\"mcp_approval_response\"}}",
		"{\"type\":\"conversation.item.delete\"}", "{\"type\":\"session.update\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		buf_puts(&command, odd[i]);
		assert_false(take());
	}
	assert_int_equal(talk.count, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

const struct CMUnitTest unit_tests[] = {
	TEST(each_speaker_has_a_role),
	TEST(nobody_has_spoken_yet),
	TEST(what_was_heard_takes_the_place_of_what_was_not),
	TEST(a_result_stands_behind_its_call),
	TEST(a_call_is_taken_from_a_command),
	TEST(a_result_of_a_call_that_is_unknown_is_a_note),
	TEST(functions_are_offered_in_the_words_of_the_api),
	TEST(a_long_call_forgets_its_beginning),
	TEST(commands_that_lack_something_change_nothing),
	{ 0 },
};
