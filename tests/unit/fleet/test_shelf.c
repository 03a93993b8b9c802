#include "server/fleet/shelf.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

ONE_THREAD;

enum { ROOM = 3 };

static struct shelf shelf;
static int emptied;

static void empty(void *item)
{
	emptied += *(int *)item;
}

static int open_shelf(void **state)
{
	(void)state;
	emptied = 0;
	shelf = (struct shelf){ .room = ROOM, .key_size = 4, .item_size = sizeof(int), .keep = 10, .empty = empty };
	return shelf_open(&shelf);
}

static int close_shelf(void **state)
{
	(void)state;
	shelf_close(&shelf);
	return 0;
}

/* The value that had to make way. */
static int put(const char *key, int64_t now, int value)
{
	int old = -1, *item = shelf_put(&shelf, key, now, &old);

	assert_non_null(item);
	assert_int_equal(*item, 0);
	*item = value;
	return old;
}

/* -1: it is not there. */
static int at(const char *key, int64_t now)
{
	const int *item = shelf_find(&shelf, key, now, NULL);

	return item ? *item : -1;
}

static void a_thing_is_known_for_its_time(void **state)
{
	int64_t since = 0;

	(void)state;
	assert_int_equal(at("a", 1), -1);
	put("a", 5, 1);
	assert_int_equal(at("a", 14), 1);
	assert_int_equal(at("a", 15), -1);
	assert_int_equal(at("a", 0), 1); /* however old */
	assert_non_null(shelf_find(&shelf, "a", 6, &since));
	assert_int_equal(since, 5);
	assert_int_equal(at("ab", 6), -1);
	assert_int_equal(at("", 6), -1);
}

static void the_same_name_then_a_free_place_then_the_oldest(void **state)
{
	(void)state;
	assert_int_equal(put("a", 1, 1), 0);
	assert_int_equal(put("b", 2, 2), 0);
	assert_int_equal(put("c", 3, 3), 0);
	assert_int_equal(put("b", 4, 20), 2);
	assert_int_equal(put("d", 5, 4), 1);
	assert_int_equal(at("a", 5), -1);
	assert_int_equal(at("b", 5), 20);
	shelf_forget(&shelf, shelf_find(&shelf, "b", 5, NULL));
	assert_int_equal(at("b", 0), -1);
	assert_int_equal(put("e", 6, 5), 0);
	assert_int_equal(at("c", 6), 3);
	assert_int_equal(at("d", 6), 4);
	assert_int_equal(at("e", 6), 5);
}

static void a_name_that_does_not_fit_is_not_kept(void **state)
{
	int old = -1;

	(void)state;
	put("abc", 1, 7);
	assert_null(shelf_put(&shelf, "abcd", 1, &old));
	assert_int_equal(old, 0);
	assert_null(shelf_put(&shelf, "", 1, NULL));
	assert_int_equal(at("abc", 1), 7);
}

/* Against a list that is looked through from its end. */
static void many_names_come_and_go(void **state)
{
	enum { NAMES = 200, MANY = 64, STEPS = 100000 };
	static int64_t put_at[NAMES]; /* 0: not there */
	struct shelf many = { .room = MANY, .key_size = 4, .item_size = sizeof(int), .keep = INT64_MAX };
	uint32_t seed = 1;

	(void)state;
	memset(put_at, 0, sizeof put_at);
	assert_int_equal(shelf_open(&many), 0);
	for (int64_t now = 1; now <= STEPS; now++) {
		int name, there = 0, oldest = -1, *item;
		char key[8];

		seed = seed * 1664525 + 1013904223;
		name = (int)(seed >> 8) % NAMES;
		snprintf(key, sizeof key, "%d", name);
		item = shelf_find(&many, key, now, NULL);
		assert_int_equal(item != NULL, put_at[name] != 0);
		if (item)
			assert_int_equal(*item, name);
		if (seed % 5 == 0) {
			if (item)
				shelf_forget(&many, item);
			put_at[name] = 0;
			continue;
		}
		for (int i = 0; i < NAMES; i++) {
			there += put_at[i] != 0;
			if (put_at[i] && (oldest < 0 || put_at[i] < put_at[oldest]))
				oldest = i;
		}
		if (!put_at[name] && there == MANY)
			put_at[oldest] = 0;
		put_at[name] = now;
		item = shelf_put(&many, key, now, NULL);
		*item = name;
	}
	shelf_close(&many);
}

static void sum(void *arg, const void *item, int64_t since)
{
	*(int64_t *)arg += since * *(const int *)item;
}

static void all_can_be_looked_at_and_are_emptied_at_the_end(void **state)
{
	int64_t total = 0;

	(void)state;
	put("a", 100, 1);
	put("b", 1, 2);
	put("c", 1, 40);
	shelf_forget(&shelf, shelf_find(&shelf, "c", 1, NULL));
	shelf_each(&shelf, sum, &total);
	assert_int_equal(total, 102);
	shelf_close(&shelf);
	assert_int_equal(emptied, 3);
	shelf_close(&shelf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shelf, close_shelf)

const struct CMUnitTest unit_tests[] = {
	TEST(a_thing_is_known_for_its_time),
	TEST(the_same_name_then_a_free_place_then_the_oldest),
	TEST(a_name_that_does_not_fit_is_not_kept),
	cmocka_unit_test(many_names_come_and_go),
	TEST(all_can_be_looked_at_and_are_emptied_at_the_end),
	{ 0 },
};
