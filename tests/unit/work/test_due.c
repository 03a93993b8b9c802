/* The due-queue with its thread, a pool and a store that is an array. */
#include "server/work/due.h"

#include "common/clock.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <stdint.h>

enum { ITEMS = 400, THREADS = 4 };

struct item {
	struct due_item due; /* first */
	int64_t due_ms;
};

static struct {
	pthread_mutex_t lock;
	struct due_list list;
	struct due due;
	struct jobs *jobs;
	size_t most; /* that the list held at once */

	/* The store: what waits, by seq. */
	pthread_mutex_t store_lock;
	bool waits[ITEMS + 1];
	_Atomic bool broken;

	_Atomic bool held; /* work waits */
	_Atomic int begun, done, lost, freed, again;
	_Atomic int times[ITEMS + 1], order[ITEMS];
} world;

static struct due_item *new_item(int64_t seq, uint64_t lane)
{
	struct item *i = calloc(1, sizeof *i);

	assert_non_null(i);
	i->due.seq = seq;
	i->due.lane = lane;
	return &i->due;
}

static int64_t when(void *owner, const struct due_item *item, int64_t now_ms)
{
	(void)owner, (void)now_ms;
	return ((const struct item *)item)->due_ms;
}

static void work(void *owner, struct due_item *item)
{
	int64_t seq = item->seq;
	bool again;

	(void)owner;
	atomic_fetch_add(&world.begun, 1);
	while (atomic_load(&world.held))
		usleep(1000);
	again = atomic_load(&world.again) > 0 && atomic_fetch_sub(&world.again, 1) > 0;
	if (!again) {
		atomic_store(&world.order[atomic_fetch_add(&world.done, 1)], (int)seq);
		atomic_fetch_add(&world.times[seq], 1);
		pthread_mutex_lock(&world.store_lock);
		world.waits[seq] = false;
		pthread_mutex_unlock(&world.store_lock);
	}
	pthread_mutex_lock(&world.lock);
	if (again) {
		((struct item *)item)->due_ms = clock_wall_ms() + 5;
		due_list_let_go(&world.list, item);
	} else {
		due_list_remove(&world.list, item);
		free(item);
	}
	pthread_mutex_unlock(&world.lock);
	due_wake(&world.due);
}

static bool put(void *owner, struct due_item *item)
{
	(void)owner;
	for (struct due_item *i = due_list_first(&world.list); i; i = due_item_next(i))
		if (i->seq == item->seq)
			return false;
	due_list_put(&world.list, item);
	if (world.list.count > world.most)
		world.most = world.list.count;
	return true;
}

static void free_item(struct due_item *item)
{
	atomic_fetch_add(&world.freed, 1);
	free(item);
}

static void lost(void *owner, const struct due_item *item)
{
	(void)owner, (void)item;
	atomic_fetch_add(&world.lost, 1);
}

static int read_waiting(void *owner, int64_t seq, size_t room)
{
	int64_t found[ITEMS];
	size_t count = 0;

	(void)owner;
	if (atomic_load(&world.broken))
		return -EIO;
	pthread_mutex_lock(&world.store_lock);
	for (int64_t i = seq + 1; i <= ITEMS && count < room; i++)
		if (world.waits[i])
			found[count++] = i;
	pthread_mutex_unlock(&world.store_lock);
	for (size_t i = 0; i < count; i++)
		due_found(&world.due, new_item(found[i], (uint64_t)found[i] % 3 + 1));
	return (int)count;
}

static const struct due_policy policy = { .name = "due",
	.clock_ms = clock_wall_ms,
	.when = when,
	.work = work,
	.put = put,
	.free = free_item,
	.lost = lost,
	.read = read_waiting };

/* In three lanes, as what is read is. Both at once: what is found in the store, and done, before it is in
 * the inbox is done twice. */
static void add(int64_t seq)
{
	pthread_mutex_lock(&world.store_lock);
	world.waits[seq] = true;
	due_add(&world.due, new_item(seq, (uint64_t)seq % 3 + 1));
	pthread_mutex_unlock(&world.store_lock);
}

static void open_due(bool stored, size_t held)
{
	world.due.policy = &policy;
	world.due.lock = &world.lock;
	world.due.list = &world.list;
	world.due.jobs = world.jobs;
	world.due.at_once = THREADS;
	world.due.stored = stored;
	world.due.held = held;
	world.due.held_bytes = SIZE_MAX;
	assert_int_equal(due_open(&world.due), 0);
}

static int set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof world);
	pthread_mutex_init(&world.lock, NULL);
	pthread_mutex_init(&world.store_lock, NULL);
	return jobs_open(&world.jobs, "due", THREADS, THREADS);
}

static int tear_down(void **state)
{
	(void)state;
	atomic_store(&world.held, false);
	due_stop(&world.due);
	jobs_close(world.jobs);
	due_close(&world.due);
	return 0;
}

/* Each once, and each lane in order. */
static void all_done_in_order(int count)
{
	int64_t last[3] = { 0 };

	until_true(atomic_load(&world.done) == count);
	until_true(due_quiet(&world.due));
	assert_int_equal(atomic_load(&world.done), count);
	for (int i = 0; i < count; i++) {
		int seq = atomic_load(&world.order[i]);

		assert_int_equal(atomic_load(&world.times[seq]), 1);
		assert_true(seq > last[seq % 3]);
		last[seq % 3] = seq;
	}
}

/* Of twelve one of each lane is being done, and goes on until nothing is held. */
static void begin_three(bool stored)
{
	atomic_store(&world.held, true);
	open_due(stored, ITEMS);
	for (int i = 1; i <= 12; i++)
		add(i);
	until_true(atomic_load(&world.begun) == 3);
}

static void a_lane_is_done_in_order_and_lanes_side_by_side(void **state)
{
	(void)state;
	begin_three(false);
	usleep(20000);
	assert_int_equal(atomic_load(&world.begun), 3);
	atomic_store(&world.held, false);
	all_done_in_order(12);
}

static void what_is_let_go_comes_again_and_nothing_overtakes_it(void **state)
{
	(void)state;
	atomic_store(&world.again, 10);
	open_due(false, ITEMS);
	for (int i = 1; i <= 30; i++)
		add(i);
	all_done_in_order(30);
	assert_int_equal(atomic_load(&world.begun), 40);
}

static void without_a_store_what_does_not_fit_is_lost(void **state)
{
	(void)state;
	atomic_store(&world.held, true);
	open_due(false, 5);
	for (int i = 1; i <= 8; i++)
		add(i);
	until_true(atomic_load(&world.lost) == 3);
	atomic_store(&world.held, false);
	all_done_in_order(5);
}

static void with_a_store_what_does_not_fit_waits_there(void **state)
{
	(void)state;
	atomic_store(&world.held, true);
	open_due(true, 6);
	for (int i = 1; i <= ITEMS / 2; i++)
		add(i);
	until_true(atomic_load(&world.freed) == ITEMS / 2 - 6);
	atomic_store(&world.held, false);
	for (int i = ITEMS / 2 + 1; i <= ITEMS; i++)
		add(i);
	all_done_in_order(ITEMS);
	assert_true(world.most <= 6);
}

static void what_an_earlier_process_left_is_done_first(void **state)
{
	(void)state;
	for (int i = 1; i <= 100; i++)
		world.waits[i] = true;
	open_due(true, 10);
	for (int i = 101; i <= 120; i++)
		add(i);
	all_done_in_order(120);
}

/* What is new meanwhile is done at once; what is old, as soon as it can be read:
 * all of it, though more than is held. */
static void a_store_that_cannot_be_read_holds_nothing_up(void **state)
{
	(void)state;
	atomic_store(&world.broken, true);
	for (int i = 1; i <= 100; i++)
		world.waits[i] = true;
	open_due(true, 10);
	for (int i = 301; i <= 308; i++)
		add(i);
	until_true(atomic_load(&world.done) == 8);
	atomic_store(&world.broken, false);
	until_true(atomic_load(&world.done) == 108);
	for (int i = 1; i <= 100; i++)
		assert_int_equal(atomic_load(&world.times[i]), 1);
	for (int i = 309; i <= 400; i++)
		add(i);
	until_true(atomic_load(&world.done) == 200);
	until_true(due_quiet(&world.due));
	for (int i = 301; i <= 400; i++)
		assert_int_equal(atomic_load(&world.times[i]), 1);
}

static void the_end_leaves_what_is_not_done(void **state)
{
	(void)state;
	begin_three(true);
	assert_false(due_quiet(&world.due));
	due_stop(&world.due);
	atomic_store(&world.held, false);
	jobs_stop(world.jobs);
	assert_int_equal(atomic_load(&world.done), 3);
	due_close(&world.due);
	assert_int_equal(atomic_load(&world.freed), 9);
}

/* ------------------------------------------------------------------------- the list */

enum { LONG = 20000, STEPS = 20 }; /* steps: for each, there and away */

static struct due_item *long_ones;

static int set_up_list(void **state)
{
	memset(&world, 0, sizeof world);
	long_ones = calloc(LONG, sizeof *long_ones);
	*state = &world.list;
	return !long_ones;
}

static int tear_down_list(void **state)
{
	(void)state;
	free(long_ones);
	return 0;
}

static struct due_item *put_one(struct due_list *list, int n, int64_t seq, uint64_t lane)
{
	long_ones[n] = (struct due_item){ .seq = seq, .lane = lane };
	due_list_put(list, &long_ones[n]);
	return &long_ones[n];
}

/* All are due; those that are handed out are done at once. */
static int64_t at_once(void *owner, const struct due_item *item, int64_t now_ms)
{
	(void)owner, (void)item;
	return now_ms;
}

static void done_in_order(struct due_list *list)
{
	struct due_item *item;
	int64_t next_ms, last = INT64_MIN;

	for (int i = 0; i < LONG; i++) {
		item = due_list_next(list, at_once, NULL, 0, &next_ms);
		assert_non_null(item);
		assert_true(item->seq > last);
		last = item->seq;
		due_list_take(list, item);
		due_list_remove(list, item);
	}
	assert_null(due_list_first(list));
	assert_int_equal(list->count, 0);
	assert_int_equal(list->taken, 0);
	assert_true(list->steps < STEPS * LONG);
}

static void a_long_list_costs_few_steps_whatever_its_lanes(void **state)
{
	static const uint64_t lanes[] = { 0, 1, 2, 100, LONG }; /* 0: each a lane of its own, without a name */

	for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
		struct due_list *list = *state;

		memset(list, 0, sizeof *list);
		for (int n = 0; n < LONG; n++)
			put_one(list, n, n, lanes[i] ? (uint64_t)n % lanes[i] * 7919 + 1 : 0);
		assert_int_equal(list->count, LONG);
		done_in_order(list);
	}
}

/* As after a store that could not be read: the new ones are there first. */
static void old_ones_behind_new_ones_cost_few_steps(void **state)
{
	struct due_list *list = *state;

	for (int n = 0; n < LONG; n++)
		put_one(list, n, n < LONG / 2 ? LONG + n : n, (uint64_t)n % (LONG / 2) + 1);
	done_in_order(list);
}

/* Against a list that is as plain as can be: an array, looked through from the front. */
static void the_front_of_each_lane_is_as_in_a_plain_list(void **state)
{
	enum { COUNT = 40, LANES = 4 };
	struct due_list *list = *state;
	unsigned random = 1;

	for (int round = 0; round < 4000; round++) {
		struct due_item *item = &long_ones[round % COUNT];
		int64_t seq = (random = random * 1103515245 + 12345) >> 16 & 63;
		int64_t last = INT64_MIN;

		if (item->lane)
			due_list_remove(list, item);
		/* All lanes share a chain. */
		put_one(list, round % COUNT, seq, 1 + (uint64_t)(random >> 8) % LANES * DUE_LANES);
		if (random >> 24 & 1 && item->front)
			due_list_take(list, item);
		for (struct due_item *a = due_list_first(list); a; a = due_item_next(a)) {
			int fronts = 0;

			assert_true(a->seq >= last);
			last = a->seq;
			for (struct due_item *b = due_list_first(list); b; b = due_item_next(b))
				fronts += b->lane == a->lane && b->front;
			assert_int_equal(fronts, 1);
			/* What is being done stays the front; else the oldest is. */
			for (struct due_item *b = due_list_first(list); b != a && a->front && !a->taken;
			     b = due_item_next(b))
				assert_true(b->lane != a->lane);
		}
	}
}

#define LIST(name) cmocka_unit_test_setup_teardown(name, set_up_list, tear_down_list)
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

const struct CMUnitTest unit_tests[] = {
	TEST(a_lane_is_done_in_order_and_lanes_side_by_side),
	TEST(what_is_let_go_comes_again_and_nothing_overtakes_it),
	TEST(without_a_store_what_does_not_fit_is_lost),
	TEST(with_a_store_what_does_not_fit_waits_there),
	TEST(what_an_earlier_process_left_is_done_first),
	TEST(a_store_that_cannot_be_read_holds_nothing_up),
	TEST(the_end_leaves_what_is_not_done),
	LIST(a_long_list_costs_few_steps_whatever_its_lanes),
	LIST(old_ones_behind_new_ones_cost_few_steps),
	LIST(the_front_of_each_lane_is_as_in_a_plain_list),
	{ 0 },
};
