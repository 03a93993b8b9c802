#include "common/strikes.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>

ONE_THREAD;

enum { NOW_US = 1000 * US_PER_S };

static struct strikes s;

static int clear(void **state)
{
	(void)state;
	s = (struct strikes)STRIKES_INIT;
	return 0;
}

static void strike_out(uint32_t who, int64_t now_us)
{
	for (int i = 0; i < STRIKES_MAX; i++)
		assert_int_equal(strikes_add(&s, who, now_us), 0);
}

static void one_more_than_ten_is_too_many(void **state)
{
	(void)state;
	strike_out(7, NOW_US);
	assert_int_equal(strikes_add(&s, 7, NOW_US), STRIKES_EVERY_US / US_PER_S);
	/* What did not count does not make it longer. */
	assert_int_equal(strikes_add(&s, 7, NOW_US), STRIKES_EVERY_US / US_PER_S);
	assert_int_equal(strikes_add(&s, 7, NOW_US + STRIKES_EVERY_US - 1), 1);
	assert_int_equal(strikes_add(&s, 7, NOW_US + STRIKES_EVERY_US), 0);
	assert_true(strikes_add(&s, 7, NOW_US + STRIKES_EVERY_US) > 0);
}

static void others_are_not_charged(void **state)
{
	(void)state;
	strike_out(7, NOW_US);
	strike_out(0, NOW_US);
	strike_out(8, NOW_US);
	assert_true(strikes_add(&s, 7, NOW_US) > 0);
}

static void all_is_forgotten_after_a_while(void **state)
{
	(void)state;
	strike_out(7, NOW_US);
	strike_out(7, NOW_US + STRIKES_MAX * STRIKES_EVERY_US);
}

/* Ten thousand addresses of one stranger's: whoever struck last is still known, and the first
 * has been forgotten. */
static void many_find_room(void **state)
{
	(void)state;
	strike_out(7, NOW_US);
	for (uint32_t who = 100; who < 10100; who++)
		strike_out(who, NOW_US + 1 + who);
	assert_true(strikes_add(&s, 10099, NOW_US + 20000) > 0);
	assert_int_equal(strikes_add(&s, 7, NOW_US + 20000), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, clear)

const struct CMUnitTest unit_tests[] = {
	TEST(one_more_than_ten_is_too_many),
	TEST(others_are_not_charged),
	TEST(all_is_forgotten_after_a_while),
	TEST(many_find_room),
	{ 0 },
};
