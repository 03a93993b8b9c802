#include "server/agent/toolbox.h"

#include "common/json.h"
#include "server/model/words.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { SECOND = 1000000 };

static const int64_t T0 = 100 * (int64_t)SECOND;

static const struct model_mcp_item called = { MODEL_MCP_CALLED, "mcp", "server", "tool", "{}", "seven" };
static const struct model_mcp_item failed = { MODEL_MCP_FAILED, "mcp", "server", "tool", "{}", "" };

static enum tool_begun begin(struct toolbox *t, const char *call_id)
{
	return toolbox_begin(t, call_id, "book", "{\"day\":1}", 1234, T0);
}

static void tool_runs_once_for_each_call_id(void **state)
{
	struct toolbox t = { 0 };

	(void)state;
	assert_int_equal(begin(&t, "call_1"), TOOL_BEGUN);
	assert_int_equal(begin(&t, "call_1"), TOOL_KNOWN);
	toolbox_result(&t, toolbox_find(&t, "call_1"), true, "{}", T0);
	assert_int_equal(begin(&t, "call_1"), TOOL_KNOWN);
	toolbox_told(&t, toolbox_find(&t, "call_1"));
	assert_int_equal(begin(&t, "call_1"), TOOL_KNOWN); /* nor when all is over */
	toolbox_free(&t);
}

static void runs_are_numbered_and_found_by_the_models_id(void **state)
{
	struct toolbox t = { 0 };

	(void)state;
	assert_null(toolbox_find(&t, "call_1"));
	begin(&t, "call_1");
	begin(&t, "call_2");
	assert_int_equal(toolbox_find(&t, "call_2")->no, 2);
	assert_int_equal(toolbox_find(&t, "call_1")->no, 1);
	assert_string_equal(toolbox_no(&t, 2)->call_id, "call_2");
	assert_null(toolbox_no(&t, 0));
	assert_null(toolbox_no(&t, 3));
	toolbox_drop(&t);
	assert_null(toolbox_find(&t, "call_2"));
	toolbox_free(&t);
}

static void answer_is_kept_whole_until_it_is_told(void **state)
{
	struct toolbox t = { 0 };
	struct tool_run *run;

	(void)state;
	begin(&t, "call_1");
	run = toolbox_find(&t, "call_1");
	toolbox_result(&t, run, true, "{\"a\":1}", T0);
	assert_string_equal(run->output, "{\"a\":1}");
	toolbox_told(&t, run);
	assert_string_equal(run->output, "{\"a\":1}"); /* for sessions to come */
	toolbox_free(&t);
}

/* All of a long one, and of many the newest. */
static void what_is_kept_for_other_sessions_is_bounded(void **state)
{
	enum { LONG = 40000, RUNS = 12 };
	char *answer = malloc(LONG + 1), id[16];
	struct toolbox t = { 0 };

	(void)state;
	memset(answer, 'x', LONG);
	answer[LONG] = '\0';
	for (int i = 0; i < RUNS; i++) {
		snprintf(id, sizeof id, "%d", i);
		begin(&t, id);
		toolbox_result(&t, toolbox_find(&t, id), true, answer, T0);
		assert_int_equal(strlen(toolbox_find(&t, id)->output), LONG);
		toolbox_told(&t, toolbox_find(&t, id));
	}
	for (uint32_t no = 1; no <= RUNS; no++) {
		assert_true(toolbox_no(&t, no)->told);
		if (no <= RUNS - TOOLBOX_KEPT / LONG)
			assert_null(toolbox_no(&t, no)->output);
		else
			assert_int_equal(strlen(toolbox_no(&t, no)->output), LONG);
	}
	toolbox_free(&t);
	free(answer);
}

/* Those that are shown in part are told whole; without room for them nothing is told of them. */
static void long_arguments_are_kept_as_long_as_results(void **state)
{
	enum { LONG = 50000 };
	char *arguments = malloc(LONG + 1), id[16];
	struct toolbox t = { 0 };

	(void)state;
	memset(arguments, 'x', LONG);
	arguments[LONG] = '\0';
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof id, "%d", i);
		assert_int_equal(toolbox_begin(&t, id, "book", arguments, 0, T0), TOOL_BEGUN);
		toolbox_result(&t, toolbox_find(&t, id), true, "7", T0);
		toolbox_told(&t, toolbox_find(&t, id));
	}
	assert_int_equal(strlen(toolbox_no(&t, 1)->arguments), TOOL_SHOWN);
	assert_string_equal(toolbox_arguments(toolbox_no(&t, 1), LONG), words_arguments_left_out);
	assert_string_equal(toolbox_arguments(toolbox_no(&t, 3), LONG), arguments);
	assert_string_equal(toolbox_arguments(toolbox_no(&t, 3), LONG - 1), words_arguments_left_out);
	toolbox_begin(&t, "none", "book", "", 0, T0);
	assert_string_equal(toolbox_arguments(toolbox_find(&t, "none"), LONG), "{}");
	toolbox_free(&t);
	free(arguments);
}

static void ids_that_differ_at_their_end_are_two(void **state)
{
	char id[FOREIGN_ID_SIZE];
	struct toolbox t = { 0 };

	(void)state;
	memset(id, 'x', sizeof id - 1);
	id[sizeof id - 1] = '\0';
	assert_int_equal(begin(&t, id), TOOL_BEGUN);
	assert_int_equal(begin(&t, id), TOOL_KNOWN);
	assert_string_equal(toolbox_no(&t, 1)->call_id, id);
	id[sizeof id - 2] = 'y';
	assert_int_equal(begin(&t, id), TOOL_BEGUN);
	assert_ptr_equal(toolbox_find(&t, id), toolbox_no(&t, 2));
	toolbox_free(&t);
}

static void there_are_limits(void **state)
{
	char id[16];
	struct toolbox t = { 0 };

	(void)state;
	for (int i = 0; i < TOOLBOX_RUNS; i++) {
		snprintf(id, sizeof id, "%d", i);
		assert_int_equal(begin(&t, id), TOOL_BEGUN);
	}
	assert_int_equal(begin(&t, "one more"), TOOL_TOO_MANY);
	toolbox_note(&t, &called, 1, 5, T0);
	assert_null(toolbox_find(&t, "mcp"));
	toolbox_free(&t);
	assert_int_equal(t.count, 0);
}

static void what_was_called_is_shown_and_bounded(void **state)
{
	struct toolbox t = { 0 };
	char *huge = malloc(TOOL_SHOWN + 11);
	struct buf out;
	cJSON *tree, *first;

	(void)state;
	memset(huge, 'x', TOOL_SHOWN + 10);
	memcpy(huge + TOOL_SHOWN - 1, "\xc3\xa9", 2); /* a character across the edge */
	huge[TOOL_SHOWN + 10] = '\0';
	toolbox_begin(&t, "c", "n \"quoted\"", huge, 5, T0);
	begin(&t, "c2");
	toolbox_result(&t, toolbox_find(&t, "c2"), true, "{}", T0 + 250000);
	toolbox_note(&t, &failed, 1, 5, T0);
	toolbox_note(&t, &called, 1, 6, T0); /* told twice */
	assert_true(t.dirty);
	buf_init(&out, 0);
	toolbox_put_json(&t, &out);
	assert_false(t.dirty);
	tree = json_parse(buf_text(&out), out.len);
	assert_non_null(tree);
	assert_int_equal(cJSON_GetArraySize(tree), 3);
	first = cJSON_GetArrayItem(tree, 0);
	assert_string_equal(json_str(first, "name"), "n \"quoted\"");
	assert_int_equal(strlen(json_str(first, "arguments")), TOOL_SHOWN - 1);
	assert_true(cJSON_IsNull(json_get(first, "ok")));
	assert_true(cJSON_IsTrue(json_get(cJSON_GetArrayItem(tree, 1), "ok")));
	assert_int_equal(json_get(cJSON_GetArrayItem(tree, 1), "took_ms")->valueint, 250);
	assert_int_equal(json_get(cJSON_GetArrayItem(tree, 1), "at_ms")->valueint, 1234);
	assert_true(cJSON_IsFalse(json_get(cJSON_GetArrayItem(tree, 2), "ok")));
	assert_true(cJSON_IsNull(json_get(cJSON_GetArrayItem(tree, 2), "took_ms")));
	cJSON_Delete(tree);
	buf_free(&out);
	toolbox_free(&t);
	free(huge);
}

/* Of others' runs it is told that they begin, and what came of them: once. */
static void run_of_an_mcp_server_is_kept_with_its_result(void **state)
{
	static const struct model_mcp_item begins = { MODEL_MCP_BEGINS, "mcp", "server", "tool", "", "" };
	static const struct model_mcp_item asks = { MODEL_MCP_ASKS, "mcpr", "server", "tool", "{}", "" };
	static const struct model_mcp_item of_ours = { MODEL_MCP_CALLED, "ours", "server", "tool", "{}", "" };
	struct toolbox t = { 0 };
	const struct tool_run *run;

	(void)state;
	toolbox_note(&t, &begins, 3, 5, T0);
	run = toolbox_find(&t, "mcp");
	assert_string_equal(run->name, "server/tool");
	assert_int_equal(run->session, 3);
	assert_false(run->answered || run->told);
	toolbox_note(&t, &called, 3, 6, T0 + 250000);
	toolbox_note(&t, &failed, 3, 7, T0 + 300000);
	assert_true(run->answered && run->ok && run->told);
	assert_string_equal(run->arguments, "{}");
	assert_string_equal(run->output, "seven");
	assert_int_equal(run->at_ms, 5);
	assert_int_equal(run->took_ms, 250);
	toolbox_note(&t, &asks, 3, 8, T0);
	assert_false(toolbox_find(&t, "mcpr")->told); /* that is no call yet */
	begin(&t, "ours");
	toolbox_note(&t, &of_ours, 3, 9, T0);
	assert_false(toolbox_find(&t, "ours")->answered);
	toolbox_free(&t);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(tool_runs_once_for_each_call_id),
	cmocka_unit_test(runs_are_numbered_and_found_by_the_models_id),
	cmocka_unit_test(answer_is_kept_whole_until_it_is_told),
	cmocka_unit_test(what_is_kept_for_other_sessions_is_bounded),
	cmocka_unit_test(long_arguments_are_kept_as_long_as_results),
	cmocka_unit_test(ids_that_differ_at_their_end_are_two),
	cmocka_unit_test(there_are_limits),
	cmocka_unit_test(what_was_called_is_shown_and_bounded),
	cmocka_unit_test(run_of_an_mcp_server_is_kept_with_its_result),
	{ 0 },
};
