#include "server/model/realtime_tools.h"
#include "server/model/realtime_parse.h"

#include <stddef.h>

#include "tests/peers/fixture.h"
#include "tests/unit.h"

ONE_THREAD;

static struct model_event parsed(const char *text)
{
	struct model_event e;

	realtime_parse(text, strlen(text), AUDIO_PCMU, &e);
	return e;
}

static void completed_call_is_told_by_its_item_and_by_its_response(void **state)
{
	static const char *const names[] = { "openai-response-output_item-done-function_call",
		"openai-response-done-function_call" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct model_event e;
		size_t len;
		char *text = fixture(names[i], &len);

		realtime_parse(text, len, AUDIO_PCMU, &e);
		assert_int_equal(e.call_count, 1);
		assert_string_equal(e.calls[0].call_id, "call_0001");
		assert_string_equal(e.calls[0].name, "transfer_call");
		assert_string_equal(
		    e.calls[0].arguments, "{\"destination\":\"billing\",\"summary\":\"Disputed invoice.\"}");
		realtime_release(&e);
		free(text);
	}
}

#define ITEM(more) "{\"type\":\"function_call\"," more "}"
#define DONE(item) "{\"type\":\"response.output_item.done\",\"response_id\":\"resp_1\",\"item\":" item "}"
#define RESPONSE(items) \
	"{\"type\":\"response.done\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":" items "}}"

static void several_calls_of_a_response_are_told_in_order(void **state)
{
	struct model_event e = parsed(RESPONSE(
	    "[" ITEM("\"status\":\"completed\",\"call_id\":\"a\",\"name\":\"x\",\"arguments\":\"1\"") "," ITEM("\"status\":\"incomplete\",\"call_id\":\"b\",\"name\":\"x\",\"arguments\":\"2\"") ",{\"type\":\"message\",\"status\":\"completed\",\"id\":\"m\"},null,7," ITEM(
		"\"status\":\"completed\",\"call_id\":\"c\",\"name\":\"y\",\"arguments\":\"\"") "]"));

	(void)state;
	assert_int_equal(e.call_count, 2);
	assert_string_equal(e.calls[0].call_id, "a");
	assert_string_equal(e.calls[0].arguments, "1");
	assert_string_equal(e.calls[1].call_id, "c");
	assert_string_equal(e.calls[1].name, "y");
	assert_string_equal(e.calls[1].arguments, "");
	realtime_release(&e);
}

static void only_a_completed_item_is_a_call(void **state)
{
	static const char *const none[] = {
		DONE(ITEM("\"status\":\"incomplete\",\"call_id\":\"a\",\"name\":\"x\",\"arguments\":\"{\"")),
		DONE(ITEM("\"status\":\"in_progress\",\"call_id\":\"a\",\"name\":\"x\",\"arguments\":\"{}\"")),
		DONE(ITEM("\"call_id\":\"a\",\"name\":\"x\",\"arguments\":\"{}\"")),
		DONE("{\"type\":\"message\",\"status\":\"completed\"}"),
		RESPONSE("[]"),
		RESPONSE("null"),
		RESPONSE("\"function_call\""),
		"{\"type\":\"response.output_item.added\",\"response_id\":\"resp_1\",\"item\":" ITEM(
		    "\"status\":\"completed\",\"call_id\":\"a\",\"name\":\"x\",\"arguments\":\"{}\"") "}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		struct model_event e = parsed(none[i]);

		if (e.call_count)
			fail_msg("called by %s", none[i]);
		realtime_release(&e);
	}
}

static void ids_and_names_that_make_no_sense_are_none(void **state)
{
	char text[2000], huge[FOREIGN_ID_SIZE + 1];
	struct model_event e;

	(void)state;
	memset(huge, 'c', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	snprintf(text, sizeof text,
	    DONE(ITEM("\"status\":\"completed\",\"call_id\":\"%s\",\"name\":\"%s\",\"arguments\":null")), huge, huge);
	e = parsed(text);
	assert_int_equal(e.call_count, 1);
	assert_string_equal(e.calls[0].call_id, "");
	assert_string_equal(e.calls[0].name, "");
	assert_string_equal(e.calls[0].arguments, "");
	realtime_release(&e);
	huge[FOREIGN_ID_SIZE - 1] = '\0';
	snprintf(text, sizeof text, DONE(ITEM("\"status\":\"completed\",\"call_id\":\"%s\",\"name\":7")), huge);
	e = parsed(text);
	assert_int_equal(e.call_count, 1);
	assert_string_equal(e.calls[0].call_id, huge);
	assert_string_equal(e.calls[0].name, "");
	realtime_release(&e);
}

#define ADDED(item) "{\"type\":\"response.output_item.added\",\"response_id\":\"r\",\"item\":" item "}"

static void what_mcp_servers_did_is_told(void **state)
{
	struct model_event e;

	(void)state;
	e = parsed(DONE("{\"id\":\"mcpr_1\",\"type\":\"mcp_approval_request\",\"server_label\":\"crm\","
			"\"name\":\"wipe\",\"arguments\":\"{}\"}"));
	assert_int_equal(e.mcp.what, MODEL_MCP_ASKS);
	assert_string_equal(e.mcp.id, "mcpr_1");
	assert_string_equal(e.mcp.server, "crm");
	assert_string_equal(e.mcp.name, "wipe");
	realtime_release(&e);
	e = parsed(DONE("{\"id\":\"i\",\"type\":\"mcp_call\",\"server_label\":\"crm\",\"name\":\"find\","
			"\"arguments\":\"{}\",\"output\":\"[1]\",\"error\":null}"));
	assert_int_equal(e.mcp.what, MODEL_MCP_CALLED);
	assert_string_equal(e.mcp.output, "[1]");
	realtime_release(&e);
	e = parsed(DONE("{\"id\":\"i\",\"type\":\"mcp_call\",\"error\":{\"type\":\"http_error\"}}"));
	assert_int_equal(e.mcp.what, MODEL_MCP_FAILED);
	assert_string_equal(e.mcp.server, "");
	assert_string_equal(e.mcp.output, "");
	realtime_release(&e);
	e = parsed(ADDED("{\"id\":\"i\",\"type\":\"mcp_call\",\"server_label\":\"crm\",\"name\":\"find\"}"));
	assert_int_equal(e.mcp.what, MODEL_MCP_BEGINS);
	assert_string_equal(e.mcp.name, "find");
	realtime_release(&e);
	e = parsed(ADDED("{\"id\":\"mcpr_1\",\"type\":\"mcp_approval_request\"}"));
	assert_int_equal(e.mcp.what, MODEL_MCP_NONE); /* or it would be answered twice */
	realtime_release(&e);
	e = parsed(DONE("{\"id\":\"i\",\"type\":\"message\"}"));
	assert_int_equal(e.mcp.what, MODEL_MCP_NONE);
	realtime_release(&e);
}

static void answers_are_those_of_the_fixtures(void **state)
{
	struct buf out;
	cJSON *ours, *theirs;
	size_t len;
	char *text;

	(void)state;
	buf_init(&out, 0);
	realtime_tool_result(&out, "c_0023", "call_0001", "{\"ok\":true}");
	text = fixture("openai-conversation-item-create-function-output", &len);
	ours = cJSON_Parse(buf_text(&out));
	theirs = cJSON_ParseWithLength(text, len);
	assert_non_null(theirs);
	assert_true(cJSON_Compare(ours, theirs, true));
	cJSON_Delete(ours);
	cJSON_Delete(theirs);
	free(text);
	buf_reset(&out);
	realtime_approve(&out, "c_0024", "mcpr_1", true);
	text = fixture("openai-conversation-item-create-mcp-approval", &len);
	ours = cJSON_Parse(buf_text(&out));
	theirs = cJSON_ParseWithLength(text, len);
	cJSON_DeleteItemFromObject(cJSON_GetObjectItem(theirs, "item"), "id"); /* optional */
	assert_true(cJSON_Compare(ours, theirs, true));
	cJSON_Delete(ours);
	cJSON_Delete(theirs);
	free(text);
	buf_reset(&out);
	realtime_tool_call(&out, "past_1", "call_0001", "book", "{\"day\":\"Friday\"}");
	assert_string_equal(buf_text(&out),
	    "{\"type\":\"conversation.item.create\",\"event_id\":\"past_1\",\"item\":{\"type\":\"function_call\","
	    "\"call_id\":\"call_0001\",\"name\":\"book\",\"arguments\":\"{\\\"day\\\":\\\"Friday\\\"}\"}}");
	buf_free(&out);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(completed_call_is_told_by_its_item_and_by_its_response),
	cmocka_unit_test(several_calls_of_a_response_are_told_in_order),
	cmocka_unit_test(only_a_completed_item_is_a_call),
	cmocka_unit_test(ids_and_names_that_make_no_sense_are_none),
	cmocka_unit_test(what_mcp_servers_did_is_told),
	cmocka_unit_test(answers_are_those_of_the_fixtures),
	{ 0 },
};
