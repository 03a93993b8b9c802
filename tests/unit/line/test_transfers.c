#include "server/line/transfers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S INT64_C(1000000)

static struct transfers all;

static int open_all(void **state)
{
	(void)state;
	transfers_open(&all);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	transfers_close(&all);
	return 0;
}

static void put(const char *call_sid, const char *number, int64_t now_us)
{
	struct transfer t = { .ring_seconds = 20, .said = strdup("[]"), .metadata = strdup("{\"a\":1}") };

	snprintf(t.call_sid, sizeof t.call_sid, "%s", call_sid);
	snprintf(t.number, sizeof t.number, "%s", number);
	transfers_put(&all, &t, now_us);
	/* What it owned is the list's. */
	assert_null(t.said);
	assert_string_equal(t.call_sid, "");
}

/* "" if it is not known. */
static const char *number_of(const char *call_sid, int64_t now_us)
{
	static char number[CALL_NUMBER_SIZE];
	int ring_seconds = 0;

	if (!transfers_number(&all, call_sid, number, &ring_seconds, now_us))
		return "";
	assert_int_equal(ring_seconds, 20);
	return number;
}

static bool taken(const char *call_sid, int64_t now_us)
{
	struct transfer t;
	bool found = transfers_take(&all, call_sid, &t, now_us);

	if (found) {
		assert_string_equal(t.call_sid, call_sid);
		assert_string_equal(t.said, "[]");
		transfer_free(&t);
	}
	return found;
}

static void is_dialled_as_often_as_asked_and_comes_back_once(void **state)
{
	(void)state;
	put("CA1", "+12025550171", 1 * S);
	put("CA2", "+12025550172", 2 * S);
	assert_string_equal(number_of("CA1", 3 * S), "+12025550171");
	assert_string_equal(number_of("CA1", 4 * S), "+12025550171");
	assert_string_equal(number_of("CA3", 4 * S), "");
	assert_string_equal(number_of("", 4 * S), "");
	assert_true(taken("CA1", 5 * S));
	assert_false(taken("CA1", 5 * S));
	assert_string_equal(number_of("CA1", 5 * S), "");
	assert_string_equal(number_of("CA2", 5 * S), "+12025550172");
}

static void second_transfer_of_a_call_replaces_the_first(void **state)
{
	(void)state;
	put("CA1", "+12025550171", 1 * S);
	put("CA1", "+12025550172", 2 * S);
	assert_string_equal(number_of("CA1", 3 * S), "+12025550172");
	assert_true(taken("CA1", 3 * S));
	assert_false(taken("CA1", 3 * S));
}

static void is_forgotten_after_ten_minutes(void **state)
{
	(void)state;
	put("CA1", "+12025550171", 1 * S);
	assert_string_equal(number_of("CA1", 601 * S - 1), "+12025550171");
	assert_string_equal(number_of("CA1", 601 * S), "");
	assert_false(taken("CA1", 601 * S));
	/* The same call once more, beside what is left of it. */
	put("CA1", "+12025550172", 700 * S);
	assert_string_equal(number_of("CA1", 701 * S), "+12025550172");
}

static void when_there_are_too_many_the_oldest_makes_way(void **state)
{
	char sid[16];

	(void)state;
	for (int i = 0; i <= TRANSFERS_MAX; i++) {
		snprintf(sid, sizeof sid, "CA%d", i);
		put(sid, "+12025550171", (1 + i) * S / 10);
	}
	assert_string_equal(number_of("CA0", 30 * S), "");
	assert_string_equal(number_of("CA1", 30 * S), "+12025550171");
	assert_string_equal(number_of(sid, 30 * S), "+12025550171");
	/* A free place is taken before somebody's. */
	assert_true(taken("CA77", 30 * S));
	put("CAnew", "+12025550172", 31 * S);
	assert_string_equal(number_of("CA1", 32 * S), "+12025550171");
	assert_string_equal(number_of("CAnew", 32 * S), "+12025550172");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
	const struct CMUnitTest tests[] = {
		CASE(is_dialled_as_often_as_asked_and_comes_back_once),
		CASE(second_transfer_of_a_call_replaces_the_first),
		CASE(is_forgotten_after_ten_minutes),
		CASE(when_there_are_too_many_the_oldest_makes_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
