#include "server/web/inflight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 64, SECOND = 1000000 };

static struct inflight list[MANY];

static int clear(void **state)
{
	(void)state;
	memset(list, 0, sizeof list);
	return 0;
}

/* `n` requests of one client, the first since `since_us`, each 1 us later. */
static void put(size_t at, size_t n, uint32_t client, int64_t since_us)
{
	for (size_t i = 0; i < n; i++)
		list[at + i] = (struct inflight){ .used = true, .client = client, .since_us = since_us + (int64_t)i };
}

static void quick_crowd_is_left_alone(void **state)
{
	(void)state;
	put(0, MANY, 1, SECOND);
	assert_int_equal(inflight_judge(list, MANY, MANY, SECOND + INFLIGHT_GRACE_US), 0);
}

static void few_slow_ones_are_left_alone_while_there_is_room(void **state)
{
	(void)state;
	put(0, INFLIGHT_SLOW_MAX, 1, 0);
	assert_int_equal(inflight_judge(list, MANY, MANY, INFLIGHT_LONGEST_US), 0);
}

static void nothing_lasts_longer_than_the_longest(void **state)
{
	(void)state;
	put(0, 2, 0, 0);
	assert_int_equal(inflight_judge(list, MANY, MANY, INFLIGHT_LONGEST_US + 1), 1);
	assert_true(list[0].cut);
	assert_false(list[1].cut);
}

static void nothing_is_cut_twice(void **state)
{
	(void)state;
	put(0, 2, 0, 0);
	assert_int_equal(inflight_judge(list, MANY, MANY, 20 * SECOND), 2);
	assert_int_equal(inflight_judge(list, MANY, MANY, 30 * SECOND), 0);
}

static void one_client_keeps_so_many_slow_ones_and_loses_the_oldest(void **state)
{
	(void)state;
	put(0, INFLIGHT_SLOW_MAX, 2, 0);
	put(20, INFLIGHT_SLOW_MAX + 2, 1, 0);
	assert_int_equal(inflight_judge(list, MANY, MANY, 2 * SECOND), 2);
	assert_true(list[20].cut && list[21].cut);
	assert_false(list[0].cut || list[22].cut);
}

static void clients_that_cannot_be_told_apart_are_not_counted_as_one(void **state)
{
	(void)state;
	put(0, 30, 0, 0);
	assert_int_equal(inflight_judge(list, MANY, MANY, 2 * SECOND), 0);
}

static void when_workers_run_short_the_busiest_client_pays(void **state)
{
	(void)state;
	put(0, 2, 1, 0); /* older, and fewer */
	put(2, 6, 2, 100);
	assert_int_equal(inflight_judge(list, MANY, 8 + INFLIGHT_SPARE - 3, 2 * SECOND), 3);
	assert_true(list[2].cut && list[3].cut && list[4].cut);
	assert_false(list[0].cut || list[5].cut);
}

static void calls_count_as_busy_and_are_never_cut(void **state)
{
	(void)state;
	put(0, 20, 0, 0);
	for (int i = 0; i < 20; i++)
		list[i].limited = true;
	put(20, 1, 0, 0);
	assert_int_equal(inflight_judge(list, MANY, 20 + INFLIGHT_SPARE, 3600LL * SECOND), 1);
	assert_true(list[20].cut);
	assert_false(list[0].cut);
}

static void without_anyone_slow_nobody_pays(void **state)
{
	(void)state;
	put(0, MANY, 1, SECOND);
	assert_int_equal(inflight_judge(list, MANY, 1, SECOND), 0);
}

static void addresses_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(inflight_client(""), 0);
	assert_int_not_equal(inflight_client("203.0.113.1"), 0);
	assert_int_not_equal(inflight_client("203.0.113.1"), inflight_client("203.0.113.2"));
	assert_int_equal(inflight_client("203.0.113.1"), inflight_client("203.0.113.1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, clear)
	const struct CMUnitTest tests[] = {
		TEST(quick_crowd_is_left_alone),
		TEST(few_slow_ones_are_left_alone_while_there_is_room),
		TEST(nothing_lasts_longer_than_the_longest),
		TEST(nothing_is_cut_twice),
		TEST(one_client_keeps_so_many_slow_ones_and_loses_the_oldest),
		TEST(clients_that_cannot_be_told_apart_are_not_counted_as_one),
		TEST(when_workers_run_short_the_busiest_client_pays),
		TEST(calls_count_as_busy_and_are_never_cut),
		TEST(without_anyone_slow_nobody_pays),
		TEST(addresses_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
