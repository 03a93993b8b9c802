#include "server/agent/toolbox.h"

#include "common/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000000 };

static const int64_t T0 = 100 * (int64_t)SECOND;
static const char *const filler = "One moment.";

static enum tool_begun begin(struct toolbox *t, const char *response_id, const char *call_id, int64_t now)
{
	struct tool_request request = {
		.response_id = response_id,
		.call_id = call_id,
		.name = "book",
		.arguments = "{\"day\":1}",
		.filler = filler,
		.timeout_ms = 8000,
		.at_ms = 1234,
	};

	return toolbox_begin(t, &request, now);
}

static void tool_runs_once_for_each_call_id(void **state)
{
	struct toolbox t = { 0 };

	(void)state;
	assert_int_equal(begin(&t, "resp_1", "call_1", T0), TOOL_BEGUN);
	assert_int_equal(begin(&t, "resp_1", "call_1", T0), TOOL_KNOWN);
	assert_int_equal(begin(&t, "resp_2", "call_1", T0), TOOL_KNOWN);
	assert_true(toolbox_answer(&t, "call_1", true, "{}", T0));
	assert_false(toolbox_answer(&t, "call_1", true, "{}", T0));
	toolbox_made(&t, "resp_1");
	toolbox_told(&t, toolbox_ready(&t));
	assert_int_equal(begin(&t, "resp_3", "call_1", T0), TOOL_KNOWN); /* nor when all is over */
	assert_false(toolbox_answer(&t, "call_1", true, "{}", T0));
	assert_false(toolbox_answer(&t, "call_9", true, "{}", T0));
	toolbox_free(&t);
}

static void several_of_a_response_are_told_together(void **state)
{
	struct toolbox t = { 0 };
	struct tool_batch *batch;
	struct tool_run *run;

	(void)state;
	begin(&t, "resp_1", "call_1", T0);
	begin(&t, "resp_1", "call_2", T0);
	begin(&t, "resp_2", "call_3", T0);
	toolbox_answer(&t, "call_2", true, "{\"b\":2}", T0);
	assert_null(toolbox_ready(&t)); /* one still runs */
	toolbox_answer(&t, "call_1", false, "{\"a\":1}", T0);
	assert_null(toolbox_ready(&t)); /* the response is not over: there may be more */
	toolbox_made(&t, "resp_1");
	batch = toolbox_ready(&t);
	assert_non_null(batch);
	run = toolbox_next(&t, batch, NULL);
	assert_string_equal(run->call_id, "call_1"); /* in the order of the calls */
	assert_string_equal(run->output, "{\"a\":1}");
	run = toolbox_next(&t, batch, run);
	assert_string_equal(run->call_id, "call_2");
	assert_null(toolbox_next(&t, batch, run));
	toolbox_told(&t, batch);
	assert_null(toolbox_ready(&t));
	assert_true(toolbox_running(&t)); /* the other response's */
	toolbox_made(&t, "resp_2");
	assert_null(toolbox_ready(&t)); /* over, but not answered */
	toolbox_answer(&t, "call_3", true, "{}", T0);
	assert_string_equal(toolbox_next(&t, toolbox_ready(&t), NULL)->call_id, "call_3");
	assert_false(toolbox_running(&t));
	toolbox_free(&t);
}

static void filler_is_due_after_a_second_once(void **state)
{
	struct toolbox t = { 0 };

	(void)state;
	begin(&t, "resp_1", "call_1", T0);
	begin(&t, "resp_1", "call_2", T0);
	assert_null(toolbox_filler(&t, T0 + 3 * SECOND)); /* the model may still speak itself */
	toolbox_made(&t, "resp_1");
	assert_int_equal(toolbox_deadline_us(&t, true), T0 + SECOND);
	assert_null(toolbox_filler(&t, T0 + SECOND - 1));
	assert_ptr_equal(toolbox_filler(&t, T0 + SECOND), filler);
	assert_null(toolbox_filler(&t, T0 + 2 * SECOND)); /* once, though two are running */
	assert_true(toolbox_deadline_us(&t, true) > T0 + 8 * SECOND);
	toolbox_free(&t);
}

static void filler_waits_longer_after_words_of_the_model(void **state)
{
	struct toolbox t = { 0 };

	(void)state;
	begin(&t, "resp_1", "call_1", T0);
	toolbox_spoke(&t, "resp_1");
	toolbox_made(&t, "resp_1");
	assert_null(toolbox_filler(&t, T0 + 4 * SECOND - 1));
	assert_ptr_equal(toolbox_filler(&t, T0 + 4 * SECOND), filler);
	toolbox_free(&t);
}

static void no_filler_for_what_is_answered_or_talked_about_or_last(void **state)
{
	struct toolbox t = { 0 };

	(void)state;
	begin(&t, "resp_1", "call_1", T0);
	toolbox_made(&t, "resp_1");
	toolbox_answer(&t, "call_1", true, "{}", T0);
	begin(&t, "resp_2", "call_2", T0);
	toolbox_made(&t, "resp_2");
	toolbox_talking(&t); /* the caller was answered meanwhile */
	begin(&t, "resp_3", "call_3", T0);
	toolbox_made(&t, "resp_3");
	toolbox_last(&t, "call_3", true);
	assert_null(toolbox_filler(&t, T0 + 5 * SECOND));
	toolbox_last(&t, "call_3", false);
	assert_ptr_equal(toolbox_filler(&t, T0 + 5 * SECOND), filler);
	toolbox_free(&t);
}

static void what_never_answers_is_overdue(void **state)
{
	struct toolbox t = { 0 };
	int64_t due = T0 + 8 * SECOND + TOOL_GRACE_US;

	(void)state;
	begin(&t, "resp_1", "call_1", T0);
	assert_null(toolbox_overdue(&t, due - 1));
	assert_int_equal(toolbox_deadline_us(&t, true), due);
	assert_string_equal(toolbox_overdue(&t, due)->call_id, "call_1");
	assert_true(toolbox_answer(&t, "call_1", false, "{\"error\":{}}", due));
	assert_null(toolbox_overdue(&t, due));
	assert_int_equal(toolbox_deadline_us(&t, true), INT64_MAX);
	assert_false(toolbox_answer(&t, "call_1", true, "{}", due + 1)); /* too late */
	toolbox_free(&t);
}

static void there_are_limits(void **state)
{
	char id[TOOL_ID_SIZE + 1];
	struct toolbox t = { 0 };

	(void)state;
	memset(id, 'x', sizeof id - 1);
	id[sizeof id - 1] = '\0';
	assert_int_equal(begin(&t, "resp_1", id, T0), TOOL_TOO_MANY);
	for (int i = 0; i < TOOLBOX_BATCHES; i++) {
		snprintf(id, sizeof id, "%d", i);
		assert_int_equal(begin(&t, id, id, T0), TOOL_BEGUN);
	}
	assert_int_equal(begin(&t, "one more", "one more", T0), TOOL_TOO_MANY);
	for (int i = TOOLBOX_BATCHES; i < TOOLBOX_RUNS; i++) {
		snprintf(id, sizeof id, "%d", i);
		assert_int_equal(begin(&t, "0", id, T0), TOOL_BEGUN);
	}
	assert_int_equal(begin(&t, "0", "one more", T0), TOOL_TOO_MANY);
	toolbox_free(&t);
	assert_int_equal(t.count, 0);
}

static void what_was_called_is_shown_and_bounded(void **state)
{
	struct tool_request request = { .response_id = "r", .call_id = "c", .name = "n \"quoted\"", .at_ms = 5 };
	struct toolbox t = { 0 };
	char *huge = malloc(TOOL_SHOWN + 11);
	struct buf out;
	cJSON *tree, *first;

	(void)state;
	memset(huge, 'x', TOOL_SHOWN + 10);
	memcpy(huge + TOOL_SHOWN - 1, "\xc3\xa9", 2); /* a character across the edge */
	huge[TOOL_SHOWN + 10] = '\0';
	request.arguments = huge;
	toolbox_begin(&t, &request, T0);
	begin(&t, "r", "c2", T0);
	toolbox_answer(&t, "c2", true, "{}", T0 + 250000);
	assert_true(t.dirty);
	buf_init(&out, 0);
	toolbox_put_json(&t, &out);
	assert_false(t.dirty);
	tree = json_parse(buf_text(&out), out.len);
	assert_non_null(tree);
	first = cJSON_GetArrayItem(tree, 0);
	assert_string_equal(json_str(first, "name"), "n \"quoted\"");
	assert_int_equal(strlen(json_str(first, "arguments")), TOOL_SHOWN - 1);
	assert_true(cJSON_IsNull(json_get(first, "ok")));
	assert_true(cJSON_IsTrue(json_get(cJSON_GetArrayItem(tree, 1), "ok")));
	assert_int_equal(json_get(cJSON_GetArrayItem(tree, 1), "took_ms")->valueint, 250);
	assert_int_equal(json_get(cJSON_GetArrayItem(tree, 1), "at_ms")->valueint, 1234);
	cJSON_Delete(tree);
	buf_free(&out);
	toolbox_free(&t);
	free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tool_runs_once_for_each_call_id),
		cmocka_unit_test(several_of_a_response_are_told_together),
		cmocka_unit_test(filler_is_due_after_a_second_once),
		cmocka_unit_test(filler_waits_longer_after_words_of_the_model),
		cmocka_unit_test(no_filler_for_what_is_answered_or_talked_about_or_last),
		cmocka_unit_test(what_never_answers_is_overdue),
		cmocka_unit_test(there_are_limits),
		cmocka_unit_test(what_was_called_is_shown_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
