#include "server/stats/endings.h"
#include "tests/unit.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

ONE_THREAD;

static void every_ending_has_a_name_and_a_sentence(void **state)
{
	(void)state;
	for (int i = 1; i < CALL_END_COUNT; i++) {
		const struct call_ending *e = call_ending((enum call_end)i);

		assert_true(e->json[0] && e->text[0]);
		for (const char *p = e->json; *p; p++)
			assert_true(islower((unsigned char)*p) || *p == '_');
		/* It stands in JSON and in logs as it is. */
		assert_null(strpbrk(e->text, "\"\\\n;"));
	}
}

static void no_two_endings_are_told_alike(void **state)
{
	(void)state;
	for (int i = 1; i < CALL_END_COUNT; i++)
		for (int j = 1; j < i; j++) {
			assert_string_not_equal(
			    call_ending((enum call_end)i)->json, call_ending((enum call_end)j)->json);
			assert_string_not_equal(
			    call_ending((enum call_end)i)->text, call_ending((enum call_end)j)->text);
		}
}

static void call_that_goes_on_has_no_ending(void **state)
{
	(void)state;
	assert_string_equal(call_ending(CALL_NOT_ENDED)->json, "");
	assert_string_equal(call_ending(CALL_END_COUNT)->text, "");
	assert_string_equal(call_ending((enum call_end)1000)->json, "");
	assert_string_equal(call_ending((enum call_end) - 1)->json, "");
}

static void ending_is_found_by_its_name(void **state)
{
	(void)state;
	for (int i = 1; i < CALL_END_COUNT; i++)
		assert_int_equal(call_ending_named(call_ending((enum call_end)i)->json), i);
	assert_int_equal(call_ending_named(""), CALL_NOT_ENDED);
	assert_int_equal(call_ending_named("of_another_version"), CALL_NOT_ENDED);
}

static void every_fault_is_apologised_for(void **state)
{
	(void)state;
	for (int i = 1; i < CALL_END_COUNT; i++)
		/* A call that could not be placed has nobody to hear an apology. */
		if (call_ending((enum call_end)i)->fault && i != END_CALL_FAILED)
			assert_int_equal(call_ending((enum call_end)i)->after, AFTER_APOLOGY);
	assert_int_equal(call_ending(END_MODEL_LOST)->after, AFTER_APOLOGY);
}

static void what_was_meant_to_end_is_not_apologised_for(void **state)
{
	(void)state;
	assert_int_equal(call_ending(END_CALLER_HUNG_UP)->after, AFTER_HANGUP);
	assert_int_equal(call_ending(END_OPERATOR_ENDED)->after, AFTER_HANGUP);
	assert_int_equal(call_ending(END_TIME_LIMIT)->after, AFTER_TIME_LIMIT);
	assert_int_equal(call_ending(END_COST_LIMIT)->after, AFTER_COST_LIMIT);
	assert_int_equal(call_ending(END_IDLE)->after, AFTER_IDLE);
	/* A planned restart is no technical problem. */
	assert_int_equal(call_ending(END_DRAINED)->after, AFTER_DRAINING);
}

/* Whoever has heard it does not hear it again; the person who was promised is dialled all the same. */
static void what_was_said_is_not_said_again(void **state)
{
	(void)state;
	assert_int_equal(call_ending_after(END_MODEL_LOST, true), AFTER_SORRY);
	assert_int_equal(call_ending_after(END_IDLE, true), AFTER_HANGUP);
	assert_int_equal(call_ending_after(END_TIME_LIMIT, true), AFTER_HANGUP);
	assert_int_equal(call_ending_after(END_COST_LIMIT, true), AFTER_HANGUP);
	assert_int_equal(call_ending_after(END_TRANSFERRED, true), AFTER_TRANSFER);
	for (int i = 1; i < CALL_END_COUNT; i++)
		assert_int_equal(call_ending_after((enum call_end)i, false), call_ending((enum call_end)i)->after);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_ending_has_a_name_and_a_sentence),
	cmocka_unit_test(no_two_endings_are_told_alike),
	cmocka_unit_test(call_that_goes_on_has_no_ending),
	cmocka_unit_test(ending_is_found_by_its_name),
	cmocka_unit_test(every_fault_is_apologised_for),
	cmocka_unit_test(what_was_meant_to_end_is_not_apologised_for),
	cmocka_unit_test(what_was_said_is_not_said_again),
	{ 0 },
};
