#include "server/work/tool_list.h"

#include "common/json.h"
#include "server/work/tool_call.h"
#include "server/work/work.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

ONE_THREAD;

static struct work work;

static bool nothing(void *arg, const struct tool_call *call, struct buf *out)
{
	(void)arg, (void)call, (void)out;
	return true;
}

/* The tool of that name among those an agent's model is offered, or NULL. */
static const cJSON *offered(const cJSON *list, const char *name)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, list)
	{
		if (json_str(each, "name") && !strcmp(json_str(each, "name"), name))
			return each;
	}
	return NULL;
}

static void same_json(const cJSON *tree, const char *wanted)
{
	char *text = cJSON_PrintUnformatted(tree);

	assert_string_equal(text, wanted);
	cJSON_free(text);
}

static cJSON *list_of(const struct agent *p)
{
	struct buf out;
	cJSON *list;

	buf_init(&out, 0);
	tool_list_put(&out, &work, p);
	list = json_parse(out.data, out.len);
	assert_true(cJSON_IsArray(list));
	buf_free(&out);
	return list;
}

static void tools_of_the_phone_are_for_channels_of_text_and_what_the_file_lists(void **state)
{
	static const struct relay_language languages[] = { { .code = "es-ES" }, { .code = "fr-FR" } };
	static const char *const sounds[] = { "https://example.com/ring.mp3" };
	static const struct agent_tool own[] = { { .name = "play", .description = "", .parameters = "" } };
	struct agent p = { .relay = { .attributes = { [RELAY_language] = "en-US" },
			       .languages = languages,
			       .language_count = 2,
			       .plays = sounds,
			       .play_count = 1 },
		.outcome_schema = "",
		.knowledge = "" };
	cJSON *list = list_of(&p);

	(void)state;
	assert_null(offered(list, "switch_language"));
	assert_null(offered(list, "send_digits"));
	cJSON_Delete(list);
	p.channel = CHANNEL_RELAY;
	list = list_of(&p);
	assert_null(offered(list, "send_digits")); /* only where the file says so, on any channel */
	cJSON_Delete(list);
	p.sends_digits = true;
	list = list_of(&p);
	same_json(json_get(offered(list, "switch_language"), "parameters"),
	    "{\"type\":\"object\",\"properties\":{\"language\":{\"type\":\"string\",\"enum\":[\"es-ES\",\"fr-FR\","
	    "\"en-US\"]}},\"required\":[\"language\"],\"additionalProperties\":false}");
	same_json(json_get(offered(list, "send_digits"), "parameters"),
	    "{\"type\":\"object\",\"properties\":{\"digits\":{\"type\":\"string\",\"pattern\":\"^[0-9*#w]{1,64}$\"}},"
	    "\"required\":[\"digits\"],\"additionalProperties\":false}");
	assert_non_null(offered(list, "play"));
	cJSON_Delete(list);
	/* Nothing to choose from; and an agent's own tool of that name is that one. */
	p.relay.language_count = 0;
	p.tools = own;
	p.tool_count = 1;
	assert_int_equal(tool_list_phone(&p, "switch_language"), TOOL_PHONE_NONE);
	assert_int_equal(tool_list_phone(&p, "play"), TOOL_PHONE_NONE);
	assert_int_equal(tool_list_phone(&p, "send_digits"), TOOL_PHONE_KEYS);
	p.channel = CHANNEL_STREAM;
	assert_int_equal(tool_list_phone(&p, "send_digits"), TOOL_PHONE_KEYS);
	assert_int_equal(tool_list_phone(&p, "end_call"), TOOL_PHONE_NONE);
}

static void ours_are_offered_to_those_who_can_use_them(void **state)
{
	struct agent p = { .knowledge = "menu",
		.outcome_schema = "{\"type\":\"object\"}",
		.outcome_instructions = "Tables only.",
		.outcome_fill = OUTCOME_BOTH };
	cJSON *list = list_of(&p);

	(void)state;
	assert_null(offered(list, "search_knowledge")); /* nobody does it */
	cJSON_Delete(list);
	tool_set_builtin(&work, TOOL_SEARCH_KNOWLEDGE, nothing, NULL);
	tool_set_builtin(&work, TOOL_SAVE_RECORD, nothing, NULL);
	list = list_of(&p);
	assert_non_null(offered(list, "search_knowledge"));
	assert_non_null(strstr(json_str(offered(list, "save_record"), "description"), " Tables only."));
	assert_string_equal(json_str(json_get(offered(list, "save_record"), "parameters"), "type"), "object");
	cJSON_Delete(list);
	p.knowledge = "";
	p.outcome_fill = OUTCOME_AFTER;
	list = list_of(&p);
	assert_null(offered(list, "search_knowledge"));
	assert_null(offered(list, "save_record"));
	cJSON_Delete(list);
}

static void what_the_agents_file_says_is_offered_as_it_says(void **state)
{
	static const struct agent_tool tools[] = {
		{ .name = "book",
		    .description = "Books a \"table\".",
		    .parameters = "{\"type\":\"object\",\"required\":[\"day\"]}" },
		{ .name = "ping", .description = "", .parameters = "" },
	};
	static const char *const allowed[] = { "a", "b" };
	static const struct agent_mcp mcps[] = {
		{ .label = "docs", .url = "https://mcp.example.com", .authorization = "" },
		{ .label = "m",
		    .url = "https://m.example/sse",
		    .authorization = "a-key",
		    .allows_some = true,
		    .allowed = allowed,
		    .allowed_count = 2 },
		{ .label = "none", .url = "https://n.example", .authorization = "", .allows_some = true },
	};
	static const struct agent_destination destinations[] = {
		{ .name = "the \"office\"", .description = "Whoever is there.", .number = "+12025550177" },
		{ .name = "boss", .description = "", .number = "+12025550178" },
	};
	struct agent p = { .tools = tools,
		.tool_count = 2,
		.mcps = mcps,
		.mcp_count = 3,
		.destinations = destinations,
		.destination_count = 2,
		.knowledge = "",
		.outcome_schema = "" };
	cJSON *list = list_of(&p);
	const cJSON *transfer = offered(list, "transfer_call"), *where;

	(void)state;
	assert_int_equal(cJSON_GetArraySize(list), 7);
	assert_non_null(offered(list, "end_call"));
	assert_string_equal(json_str(offered(list, "book"), "description"), "Books a \"table\".");
	assert_non_null(json_get(json_get(offered(list, "book"), "parameters"), "required"));
	assert_string_equal(json_str(json_get(offered(list, "ping"), "parameters"), "type"), "object");
	same_json(cJSON_GetArrayItem(list, 4),
	    "{\"type\":\"mcp\",\"server_label\":\"docs\",\"server_url\":\"https://mcp.example.com\","
	    "\"require_approval\":\"never\"}");
	same_json(cJSON_GetArrayItem(list, 5),
	    "{\"type\":\"mcp\",\"server_label\":\"m\",\"server_url\":\"https://m.example/sse\","
	    "\"require_approval\":\"never\",\"allowed_tools\":[\"a\",\"b\"],\"authorization\":\"a-key\"}");
	same_json(cJSON_GetArrayItem(list, 6),
	    "{\"type\":\"mcp\",\"server_label\":\"none\",\"server_url\":\"https://n.example\","
	    "\"require_approval\":\"never\",\"allowed_tools\":[]}");
	/* Only whom it lists, and no number: the model has no use for one. */
	where = json_get(json_get(json_get(transfer, "parameters"), "properties"), "destination");
	assert_int_equal(cJSON_GetArraySize(json_get(where, "enum")), 2);
	assert_string_equal(cJSON_GetArrayItem(json_get(where, "enum"), 0)->valuestring, "the \"office\"");
	assert_non_null(strstr(json_str(transfer, "description"), " the \"office\": Whoever is there."));
	assert_null(strstr(json_str(transfer, "description"), "+1202"));
	cJSON_Delete(list);
	assert_string_equal(tool_list_destination(&p, "boss")->number, "+12025550178");
	assert_null(tool_list_destination(&p, "Boss"));
	assert_null(tool_list_destination(&p, "+12025550178"));
	p.destination_count = 0;
	list = list_of(&p);
	assert_null(offered(list, "transfer_call"));
	cJSON_Delete(list);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(tools_of_the_phone_are_for_channels_of_text_and_what_the_file_lists),
	cmocka_unit_test(ours_are_offered_to_those_who_can_use_them),
	cmocka_unit_test(what_the_agents_file_says_is_offered_as_it_says),
	{ 0 },
};
