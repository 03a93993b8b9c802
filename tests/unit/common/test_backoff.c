#include "common/backoff.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>

ONE_THREAD;

static const struct backoff plain = { .first_ms = 250, .most_ms = 2000, .asked_most_s = 60 };

static void pause_doubles_up_to_its_bound(void **state)
{
	static const int64_t wholes[] = { 250, 250, 500, 1000, 2000, 2000, 2000 };

	(void)state;
	for (int failed = 0; failed < 7; failed++)
		assert_int_equal(backoff_ms(&plain, failed, -1, UINT32_MAX), wholes[failed]);
	assert_int_equal(backoff_ms(&plain, INT32_MAX, -1, UINT32_MAX), 2000);
}

static void bound_that_is_no_double_is_not_passed(void **state)
{
	const struct backoff odd = { .first_ms = 300, .most_ms = 1001 };

	(void)state;
	assert_int_equal(backoff_ms(&odd, 3, -1, UINT32_MAX), 1001);
	assert_int_equal(backoff_ms(&odd, 3, -1, 0), 501);
}

static void chance_spreads_it_over_its_second_half(void **state)
{
	int64_t before = 0;

	(void)state;
	assert_int_equal(backoff_ms(&plain, 4, -1, 0), 1000);
	assert_in_range(backoff_ms(&plain, 4, -1, UINT32_MAX / 2), 1499, 1500);
	for (uint32_t n = 0; n < 40; n++) {
		assert_true(backoff_ms(&plain, 4, -1, n * 100000000) >= before);
		before = backoff_ms(&plain, 4, -1, n * 100000000);
	}
}

static void nobody_returns_before_the_time_that_was_asked_for(void **state)
{
	const struct backoff deaf = { .first_ms = 250, .most_ms = 2000 };

	(void)state;
	assert_int_equal(backoff_ms(&plain, 1, 7, 0), 7000);
	assert_int_equal(backoff_ms(&plain, 1, 7, UINT32_MAX), 7125); /* nor all at that very time */
	assert_int_equal(backoff_ms(&plain, 4, 1, 0), 1000);
	assert_int_equal(backoff_ms(&plain, 4, 0, 0), 1000);
	assert_int_equal(backoff_ms(&plain, 1, 61, 0), 60000);
	assert_int_equal(backoff_ms(&plain, 1, INT64_MAX, 0), 60000);
	assert_int_equal(backoff_ms(&plain, 1, INT64_MIN, 0), 125);
	assert_int_equal(backoff_ms(&deaf, 1, 7, 0), 125);
}

static void chance_is_another_each_time(void **state)
{
	uint32_t first = backoff_chance();
	int same = 0;

	(void)state;
	for (int i = 0; i < 8; i++)
		same += backoff_chance() == first;
	assert_true(same < 8);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(pause_doubles_up_to_its_bound),
	cmocka_unit_test(bound_that_is_no_double_is_not_passed),
	cmocka_unit_test(chance_spreads_it_over_its_second_half),
	cmocka_unit_test(nobody_returns_before_the_time_that_was_asked_for),
	cmocka_unit_test(chance_is_another_each_time),
	{ 0 },
};
