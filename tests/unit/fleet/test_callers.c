#include "server/fleet/callers.h"
#include "tests/unit.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

ONE_THREAD;

enum { ROOM = 8, CALLS = 16, AT_ONCE = 2, AN_HOUR = 4 };

static struct callers callers;
static int64_t now_us;

static int setup(void **state)
{
	(void)state;
	now_us = 1000 * (int64_t)US_PER_S;
	return callers_open(&callers, ROOM, CALLS);
}

static int teardown(void **state)
{
	(void)state;
	callers_close(&callers);
	return 0;
}

static int enter(const char *caller, const char *call_sid)
{
	return callers_enter(&callers,
	    &(struct fleet_arrival){ .caller = caller, .call_sid = call_sid, .at_once = AT_ONCE, .an_hour = AN_HOUR },
	    now_us);
}

/* Calls, and hangs up. */
static int call(const char *caller)
{
	int err = enter(caller, "CAshort");

	callers_leave(&callers, "CAshort", false);
	return err;
}

/* So often, and no more. */
static void may_call(const char *caller, int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(call(caller), 0);
	assert_int_equal(call(caller), -EDQUOT);
}

static void forged(int from, int to)
{
	char name[32];

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof name, "+1202555%04d", i);
		assert_int_equal(call(name), 0);
	}
}

static void a_call_is_counted_once_until_it_leaves(void **state)
{
	(void)state;
	for (int again = 0; again < 5; again++)
		assert_int_equal(enter("a", "CA1"), 0);
	assert_int_equal(enter("a", "CA2"), 0);
	assert_int_equal(enter("a", "CA3"), -EBUSY);
	assert_int_equal(enter("a", "CA2"), 0); /* it is in */
	assert_int_equal(enter("b", "CA4"), 0);
	callers_leave(&callers, "CA1", false);
	callers_leave(&callers, "CA1", false);
	callers_leave(&callers, "CAnever", false);
	assert_int_equal(enter("a", "CA3"), 0);
	assert_int_equal(enter("a", "CA5"), -EBUSY);
}

static void the_hour_is_counted_by_steps_of_five_minutes(void **state)
{
	(void)state;
	now_us = 40 * CALLERS_STEP_US;
	assert_int_equal(call("a"), 0);
	now_us += CALLERS_STEP_US - 1;
	assert_int_equal(call("a"), 0);
	for (int i = 2; i < AN_HOUR; i++) {
		now_us += CALLERS_STEP_US;
		assert_int_equal(call("a"), 0);
	}
	now_us = 52 * CALLERS_STEP_US - 1;
	assert_int_equal(call("a"), -EDQUOT);
	now_us++; /* an hour after the first two: their step is over */
	assert_int_equal(call("a"), 0);
	assert_int_equal(call("a"), 0);
	assert_int_equal(call("a"), -EDQUOT);
	now_us += 1000 * CALLERS_STEP_US;
	may_call("a", AN_HOUR);
}

static void what_was_not_let_in_after_all_does_not_count(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(enter("a", "CA1"), 0);
		callers_leave(&callers, "CA1", true);
	}
	/* Taken back an hour later, when its step is forgotten. */
	assert_int_equal(enter("a", "CA2"), 0);
	now_us += 20 * CALLERS_STEP_US;
	assert_int_equal(call("a"), 0);
	callers_leave(&callers, "CA2", true);
	may_call("a", AN_HOUR - 1);
}

static void who_comes_back_is_up_and_no_new_call(void **state)
{
	struct fleet_arrival back = { .caller = "a", .call_sid = "CAback", .at_once = 1, .an_hour = 1, .back = true };

	(void)state;
	for (int i = 0; i < AN_HOUR - 1; i++)
		assert_int_equal(call("a"), 0);
	assert_int_equal(enter("a", "CA1"), 0);
	assert_int_equal(callers_enter(&callers, &back, now_us), 0);
	callers_leave(&callers, "CA1", true);
	callers_leave(&callers, "CAback", true); /* it was not counted for the hour */
	assert_int_equal(call("a"), 0);
	assert_int_equal(call("a"), -EDQUOT);
}

static void without_limits_nobody_is_refused(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 3 * CALLS; i++) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(
		    callers_enter(&callers, &(struct fleet_arrival){ .caller = "a", .call_sid = name }, now_us), 0);
	}
}

/* Each forged number calls once; the table has eight places. */
static void forged_numbers_push_out_each_other_and_nobody_near_a_limit(void **state)
{
	(void)state;
	for (int i = 0; i < AN_HOUR; i++)
		assert_int_equal(call("real"), 0);
	assert_int_equal(enter("talking", "CAtalking1"), 0);
	assert_int_equal(enter("talking", "CAtalking2"), 0);
	for (int i = 0; i < 10; i++) {
		now_us += US_PER_S;
		forged(i * 100, i * 100 + 100);
	}
	assert_int_equal(call("real"), -EDQUOT);
	assert_int_equal(enter("talking", "CA3"), -EBUSY);
	callers_leave(&callers, "CAtalking1", false);
	callers_leave(&callers, "CAtalking2", false);
	assert_int_equal(enter("talking", "CA4"), 0);
}

static void who_was_not_seen_for_an_hour_makes_way_first(void **state)
{
	(void)state;
	for (int i = 0; i < AN_HOUR; i++)
		assert_int_equal(call("old"), 0);
	now_us += 13 * CALLERS_STEP_US;
	forged(0, ROOM - 1);
	forged(100, 101); /* in the place of "old", which is free again */
	forged(0, ROOM - 1);
	for (int i = 2; i < AN_HOUR; i++)
		forged(0, 1);
	assert_int_equal(call("+12025550000"), -EDQUOT); /* its first call has not been forgotten */
}

static void who_finds_no_place_is_let_in(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < ROOM; i++) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(enter(name, name), 0);
	}
	for (int i = 0; i < AN_HOUR + 1; i++)
		assert_int_equal(call("late"), 0);
	callers_leave(&callers, "CA3", false);
	may_call("late", AN_HOUR);
}

/* More calls up than there can be: the end of the oldest was never told. */
static void call_without_an_end_does_not_count_for_ever(void **state)
{
	char name[32];

	(void)state;
	assert_int_equal(enter("a", "CAa"), 0);
	assert_int_equal(enter("a", "CAb"), 0);
	for (int i = 0; i < CALLS; i++) {
		snprintf(name, sizeof name, "CA%d", i);
		assert_int_equal(
		    callers_enter(&callers, &(struct fleet_arrival){ .caller = "b", .call_sid = name }, now_us), 0);
	}
	assert_int_equal(enter("a", "CAc"), 0);
	assert_int_equal(enter("a", "CAd"), 0);
	assert_int_equal(enter("a", "CAe"), -EBUSY);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest unit_tests[] = {
	CASE(a_call_is_counted_once_until_it_leaves),
	CASE(the_hour_is_counted_by_steps_of_five_minutes),
	CASE(what_was_not_let_in_after_all_does_not_count),
	CASE(who_comes_back_is_up_and_no_new_call),
	CASE(without_limits_nobody_is_refused),
	CASE(forged_numbers_push_out_each_other_and_nobody_near_a_limit),
	CASE(who_was_not_seen_for_an_hour_makes_way_first),
	CASE(who_finds_no_place_is_let_in),
	CASE(call_without_an_end_does_not_count_for_ever),
	{ 0 },
};
