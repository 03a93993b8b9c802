#include "server/work/tool_list.h"

#include "common/json.h"
#include "server/work/tool_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool nothing(const struct tool_call *call, struct buf *out)
{
	(void)call, (void)out;
	return true;
}

/* The tool of that name among those a profile's model is offered, or NULL. */
static const cJSON *offered(const cJSON *list, const char *name)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, list) if (!strcmp(json_str(each, "name"), name)) return each;
	return NULL;
}

static cJSON *list_of(const struct profile *p)
{
	struct buf out;
	cJSON *list;

	buf_init(&out, 0);
	tool_list_put(&out, p);
	list = json_parse(out.data, out.len);
	assert_true(cJSON_IsArray(list));
	buf_free(&out);
	return list;
}

static void ours_are_offered_to_those_who_can_use_them(void **state)
{
	struct profile p = { .knowledge = "menu",
		.outcome_schema = "{\"type\":\"object\"}",
		.outcome_instructions = "Tables only.",
		.outcome_fill = OUTCOME_BOTH };
	cJSON *list = list_of(&p);

	(void)state;
	assert_null(offered(list, "search_knowledge")); /* nobody does it */
	cJSON_Delete(list);
	tool_set_builtin(TOOL_SEARCH_KNOWLEDGE, nothing);
	tool_set_builtin(TOOL_SAVE_RECORD, nothing);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_are_offered_to_those_who_can_use_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
