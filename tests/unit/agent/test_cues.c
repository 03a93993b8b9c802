#include "server/agent/cues.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_next(const struct cues *q, const char *text)
{
	const struct cue *cue = cues_next(q);

	if (!text) {
		assert_null(cue);
		return;
	}
	assert_non_null(cue);
	assert_string_equal(cue->text, text);
}

static void cues_are_said_one_after_the_other(void **state)
{
	struct cues q = { 0 };

	(void)state;
	assert_next(&q, NULL);
	assert_true(cues_add(&q, CUE_SAY, "one", true, false));
	assert_true(cues_add(&q, CUE_SAY, "two", false, false));
	assert_next(&q, "one");
	assert_true(cues_next(&q)->exact);
	cues_asked(&q, "say_1");
	assert_next(&q, NULL); /* one at a time */
	cues_created(&q, "resp_1", true);
	assert_next(&q, NULL);
	assert_int_equal(cues_done(&q, "resp_0", false, false), CUE_NOT_OURS);
	assert_int_equal(cues_done(&q, "resp_1", false, false), CUE_OVER);
	assert_next(&q, "two");
	assert_false(cues_next(&q)->exact);
	cues_free(&q);
}

static void response_of_somebody_else_changes_nothing(void **state)
{
	struct cues q = { 0 };

	(void)state;
	cues_add(&q, CUE_SAY, "one", false, false);
	cues_created(&q, "resp_1", true); /* not asked for */
	assert_next(&q, "one");
	assert_int_equal(cues_done(&q, "resp_1", false, false), CUE_NOT_OURS);
	assert_false(cues_refused(&q, "say_9"));
	assert_false(cues_lost(&q));
	assert_next(&q, "one");
	cues_free(&q);
}

static void what_was_never_heard_is_tried_again_but_not_for_ever(void **state)
{
	struct cues q = { 0 };
	int tries = 0;

	(void)state;
	cues_add(&q, CUE_SAY, "one", false, false);
	for (; cues_next(&q); tries++) {
		cues_asked(&q, "say_1");
		switch (tries) {
		case 0: /* cut before it began */
			cues_created(&q, "resp_1", false);
			break;
		case 1: /* ours was one too many: the response was the model's own */
			cues_created(&q, "resp_2", true);
			assert_true(cues_refused(&q, "say_1"));
			break;
		default:
			assert_true(cues_lost(&q));
			break;
		}
	}
	assert_int_equal(tries, CUE_TRIES);
	assert_int_equal(q.count, 0);
	cues_add(&q, CUE_SAY, "two", false, false);
	cues_asked(&q, "say_2");
	cues_created(&q, "resp_3", true);
	assert_int_equal(cues_done(&q, "resp_3", true, false), CUE_AGAIN);
	assert_next(&q, "two");
	cues_free(&q);
}

static void who_is_talked_over_has_said_it_unless_it_is_firm(void **state)
{
	struct cues q = { 0 };

	(void)state;
	cues_add(&q, CUE_SAY, "one", false, false);
	cues_asked(&q, "say_1");
	cues_created(&q, "resp_1", true);
	assert_int_equal(cues_done(&q, "resp_1", false, true), CUE_OVER);
	cues_add(&q, CUE_GOODBYE, "bye", false, true);
	cues_asked(&q, "say_2");
	cues_created(&q, "resp_2", true);
	assert_int_equal(cues_done(&q, "resp_2", false, true), CUE_AGAIN);
	assert_next(&q, "bye");
	cues_free(&q);
}

static void what_is_under_way_is_not_taken_back(void **state)
{
	struct cues q = { 0 };

	(void)state;
	cues_add(&q, CUE_FILLER, "one", true, false);
	cues_add(&q, CUE_FILLER, "two", true, false);
	cues_add(&q, CUE_SAY, "three", true, false);
	cues_asked(&q, "say_1");
	cues_drop(&q, CUE_FILLER);
	assert_int_equal(q.count, 2);
	assert_true(cues_has(&q, CUE_FILLER));
	cues_created(&q, "resp_1", true);
	cues_done(&q, "resp_1", false, false);
	assert_false(cues_has(&q, CUE_FILLER));
	assert_next(&q, "three");
	cues_free(&q);
}

static void too_many_are_refused(void **state)
{
	struct cues q = { 0 };

	(void)state;
	for (int i = 0; i < CUES_MAX; i++)
		assert_true(cues_add(&q, CUE_SAY, "x", false, false));
	assert_false(cues_add(&q, CUE_SAY, "x", false, false));
	assert_false(cues_add(&q, CUE_FILLER, "x", false, false));
	cues_free(&q);
	assert_int_equal(q.count, 0);
}

static void last_words_find_room_however_much_is_to_be_said(void **state)
{
	struct cues q = { 0 };

	(void)state;
	for (int i = 0; i < CUES_MAX; i++)
		assert_true(cues_add(&q, CUE_SAY, "x", false, false));
	cues_asked(&q, "say_1");
	assert_true(cues_add(&q, CUE_GOODBYE, "bye", false, true));
	assert_int_equal(q.count, CUES_MAX);
	assert_true(cues_has(&q, CUE_GOODBYE));
	cues_created(&q, "resp_1", true); /* what was under way still is */
	assert_int_equal(cues_done(&q, "resp_1", false, false), CUE_OVER);
	cues_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cues_are_said_one_after_the_other),
		cmocka_unit_test(response_of_somebody_else_changes_nothing),
		cmocka_unit_test(what_was_never_heard_is_tried_again_but_not_for_ever),
		cmocka_unit_test(who_is_talked_over_has_said_it_unless_it_is_firm),
		cmocka_unit_test(what_is_under_way_is_not_taken_back),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(last_words_find_room_however_much_is_to_be_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
