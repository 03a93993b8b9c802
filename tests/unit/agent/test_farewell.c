#include "server/agent/farewell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000000 };

static const int64_t T0 = 100 * (int64_t)SECOND;

static void call_ends_when_the_last_words_were_heard(void **state)
{
	struct farewell p = { 0 };

	(void)state;
	assert_int_equal(farewell_deadline_us(&p), INT64_MAX);
	assert_false(farewell_due(&p, false, INT64_MAX));
	assert_true(farewell_begin(&p, END_IDLE, false, "resp_1", "call_1", T0));
	assert_false(farewell_due(&p, false, T0)); /* nothing to be heard, because nothing is made yet */
	farewell_made(&p, 2000, T0 + SECOND);
	assert_false(farewell_due(&p, true, T0 + 2 * SECOND));
	assert_true(farewell_due(&p, false, T0 + 2 * SECOND));
}

static void each_wait_is_bounded(void **state)
{
	struct farewell p = { 0 };

	(void)state;
	farewell_begin(&p, END_IDLE, false, "", "", T0);
	assert_int_equal(farewell_deadline_us(&p), T0 + FAREWELL_WORDS_US);
	assert_true(farewell_due(&p, true, T0 + FAREWELL_WORDS_US));
	farewell_made(&p, 2000, T0);
	assert_int_equal(farewell_deadline_us(&p), T0 + 7 * SECOND);
	assert_false(farewell_due(&p, true, T0 + 7 * SECOND - 1));
	assert_true(farewell_due(&p, true, T0 + 7 * SECOND));
	farewell_made(&p, 99000, T0 + SECOND); /* once */
	assert_int_equal(farewell_deadline_us(&p), T0 + 7 * SECOND);
	p = (struct farewell){ 0 };
	farewell_begin(&p, END_IDLE, false, "", "", T0);
	farewell_made(&p, 3600 * 1000, T0);
	assert_int_equal(farewell_deadline_us(&p), T0 + FAREWELL_LONGEST_US);
}

static void caller_who_speaks_up_calls_it_off_but_not_a_firm_one(void **state)
{
	struct farewell p = { 0 };

	(void)state;
	assert_false(farewell_spoke(&p));
	farewell_begin(&p, END_IDLE, false, "resp_1", "call_1", T0);
	assert_true(farewell_spoke(&p));
	assert_false(farewell_due(&p, false, INT64_MAX));
	assert_string_equal(p.call_id, "call_1"); /* still known: the model is to be told */
	farewell_made(&p, 0, T0);
	assert_false(farewell_due(&p, false, INT64_MAX));
	farewell_begin(&p, END_TIME_LIMIT, true, "", "", T0);
	assert_false(farewell_spoke(&p));
	assert_true(farewell_due(&p, true, T0 + FAREWELL_WORDS_US));
}

static void first_one_stands_except_against_a_firm_one(void **state)
{
	struct farewell p = { 0 };

	(void)state;
	assert_true(farewell_begin(&p, END_IDLE, false, "resp_1", "call_1", T0));
	assert_false(farewell_begin(&p, END_DRAINED, false, "resp_2", "call_2", T0));
	assert_int_equal(p.end, END_IDLE);
	assert_true(farewell_begin(&p, END_TIME_LIMIT, true, "", "", T0));
	assert_int_equal(p.end, END_TIME_LIMIT);
	assert_false(farewell_begin(&p, END_DRAINED, true, "", "", T0));
	assert_int_equal(p.end, END_TIME_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_ends_when_the_last_words_were_heard),
		cmocka_unit_test(each_wait_is_bounded),
		cmocka_unit_test(caller_who_speaks_up_calls_it_off_but_not_a_firm_one),
		cmocka_unit_test(first_one_stands_except_against_a_firm_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
