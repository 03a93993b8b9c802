#include "server/web/inflight.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

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

static size_t cut_among(size_t at, size_t n)
{
	size_t cut = 0;

	for (size_t i = at; i < at + n; i++)
		cut += list[i].cut;
	return cut;
}

static void stage_of(size_t at, size_t n, enum inflight_stage stage)
{
	for (size_t i = at; i < at + n; i++)
		list[i].stage = stage;
}

static void quick_crowd_is_left_alone(void **state)
{
	(void)state;
	put(0, MANY, 0, SECOND);
	assert_int_equal(inflight_judge(list, MANY, MANY + INFLIGHT_DOOR, SECOND + INFLIGHT_SHORT_GRACE_US), 0);
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
	list[0].fed = true; /* a byte now and then is no excuse */
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

static void one_client_keeps_so_many_half_open_from_the_first_moment(void **state)
{
	(void)state;
	put(0, INFLIGHT_HALF_OPEN_MAX + 1, 1, SECOND);
	put(MANY - INFLIGHT_HALF_OPEN_MAX + 1, INFLIGHT_HALF_OPEN_MAX - 1, 2, SECOND);
	assert_int_equal(inflight_judge(list, MANY, 2 * MANY, SECOND + 100), 1);
	assert_true(list[0].cut);
}

static void clients_that_cannot_be_told_apart_are_not_counted_as_one(void **state)
{
	(void)state;
	put(0, 30, 0, 0);
	assert_int_equal(inflight_judge(list, MANY, MANY, 2 * SECOND), 0);
}

static void when_workers_run_short_all_slow_ones_go(void **state)
{
	(void)state;
	put(0, 10, 0, 0);
	put(10, 10, 1, 0);
	put(20, 5, 2, INFLIGHT_SHORT_GRACE_US);
	assert_int_equal(inflight_judge(list, MANY, 25 + INFLIGHT_SPARE, INFLIGHT_SHORT_GRACE_US + 50), 0);
	assert_int_equal(inflight_judge(list, MANY, 25 + INFLIGHT_SPARE - 1, INFLIGHT_SHORT_GRACE_US + 50), 20);
	assert_int_equal(cut_among(0, 20), 20);
}

static void without_a_free_worker_the_oldest_of_the_busiest_client_goes_at_once(void **state)
{
	(void)state;
	put(0, 2, 1, 0); /* older, and fewer */
	put(2, 6, 2, 100);
	assert_int_equal(inflight_judge(list, MANY, 8, 200), INFLIGHT_DOOR);
	assert_true(list[2].cut && list[3].cut);
	assert_int_equal(inflight_judge(list, MANY, 8, 200), 0);
}

/* However many come a second, each has the time that the others took to come. */
static void rate_leaves_a_free_worker_for_whoever_comes_next(void **state)
{
	enum { WORKERS = 16, EACH_US = 50 };

	(void)state;
	for (int came = 0; came < 5000; came++) {
		size_t i = 0;

		while (list[i].used && !list[i].cut)
			i++;
		assert_true(i < WORKERS);
		list[i] = (struct inflight){ .used = true, .since_us = (int64_t)came * EACH_US };
		inflight_judge(list, WORKERS, WORKERS, (int64_t)came * EACH_US);
		assert_false(list[i].cut);
	}
}

static void few_are_not_blamed_for_a_shortage(void **state)
{
	(void)state;
	put(0, 20, 1, 0);
	stage_of(0, 20, INFLIGHT_SERVING);
	put(20, INFLIGHT_CROWD - 1, 2, 0);
	assert_int_equal(inflight_judge(list, MANY, 20 + INFLIGHT_CROWD - 1, 100), 0);
}

static void who_is_fed_or_served_is_not_slow(void **state)
{
	(void)state;
	put(0, 40, 1, 0);
	stage_of(0, 20, INFLIGHT_SERVING);
	for (int i = 20; i < 40; i++)
		list[i].fed = true;
	assert_int_equal(inflight_judge(list, MANY, 40, 2 * SECOND), 0);
	assert_int_equal(inflight_judge(list, MANY, 40, 3600LL * SECOND), 20);
	assert_int_equal(cut_among(20, 20), 20);
}

static void who_does_not_take_the_answer_is_slow(void **state)
{
	(void)state;
	put(0, 20, 0, 0);
	stage_of(0, 20, INFLIGHT_LEAVING);
	assert_int_equal(inflight_judge(list, MANY, 20, SECOND), 20);
}

static void calls_count_as_busy_and_are_never_cut(void **state)
{
	(void)state;
	put(0, 21, 0, 0);
	stage_of(0, 20, INFLIGHT_LIMITED);
	assert_int_equal(inflight_judge(list, MANY, 20 + INFLIGHT_SPARE, 3600LL * SECOND), 1);
	assert_true(list[20].cut);
	assert_false(list[0].cut);
}

static void shortage_is_told(void **state)
{
	(void)state;
	put(0, 10, 0, 0);
	assert_false(inflight_short(list, MANY, 10 + INFLIGHT_SPARE));
	assert_true(inflight_short(list, MANY, 10 + INFLIGHT_SPARE - 1));
	list[0].cut = true;
	assert_false(inflight_short(list, MANY, 10 + INFLIGHT_SPARE - 1));
}

static void addresses_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(inflight_client(""), 0);
	assert_int_not_equal(inflight_client("203.0.113.1"), 0);
	assert_int_not_equal(inflight_client("203.0.113.1"), inflight_client("203.0.113.2"));
	assert_int_equal(inflight_client("203.0.113.1"), inflight_client("203.0.113.1"));
	assert_int_not_equal(inflight_client("unknown"), inflight_client("_hidden"));
}

static void port_makes_no_other_client(void **state)
{
	(void)state;
	assert_int_equal(inflight_client("203.0.113.1:4711"), inflight_client("203.0.113.1"));
	assert_int_equal(inflight_client("[2001:db8::1]:4711"), inflight_client("2001:db8::1"));
	assert_int_equal(inflight_client("::ffff:203.0.113.1"), inflight_client("203.0.113.1"));
}

static void network_of_64_bits_is_one_client(void **state)
{
	(void)state;
	assert_int_equal(inflight_client("2001:db8:0:1::1"), inflight_client("2001:DB8::1:ffff:1:2:3"));
	assert_int_not_equal(inflight_client("2001:db8:0:1::1"), inflight_client("2001:db8:0:2::1"));
}

static void address_too_long_for_one_is_a_client_too(void **state)
{
	char longest[200];

	(void)state;
	memset(longest, '1', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_not_equal(inflight_client(longest), inflight_client(longest + 1));
	assert_int_equal(inflight_client("["), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, clear)

const struct CMUnitTest unit_tests[] = {
	TEST(quick_crowd_is_left_alone),
	TEST(few_slow_ones_are_left_alone_while_there_is_room),
	TEST(nothing_lasts_longer_than_the_longest),
	TEST(nothing_is_cut_twice),
	TEST(one_client_keeps_so_many_slow_ones_and_loses_the_oldest),
	TEST(one_client_keeps_so_many_half_open_from_the_first_moment),
	TEST(clients_that_cannot_be_told_apart_are_not_counted_as_one),
	TEST(when_workers_run_short_all_slow_ones_go),
	TEST(without_a_free_worker_the_oldest_of_the_busiest_client_goes_at_once),
	TEST(rate_leaves_a_free_worker_for_whoever_comes_next),
	TEST(few_are_not_blamed_for_a_shortage),
	TEST(who_is_fed_or_served_is_not_slow),
	TEST(who_does_not_take_the_answer_is_slow),
	TEST(calls_count_as_busy_and_are_never_cut),
	TEST(shortage_is_told),
	TEST(addresses_are_told_apart),
	TEST(port_makes_no_other_client),
	TEST(network_of_64_bits_is_one_client),
	TEST(address_too_long_for_one_is_a_client_too),
	{ 0 },
};
