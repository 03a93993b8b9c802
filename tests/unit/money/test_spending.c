/* The day's money, with a calendar that is set by hand. */
#include "common/clock.h"

#include <stdatomic.h>

static _Atomic int64_t set_ms = 4098852930000; /* 2099-11-20 10:15:30 UTC, after any day that the fleet has opened on */

static int64_t stood_in_wall(void)
{
	return atomic_load(&set_ms);
}

#define clock_wall_ms stood_in_wall
#include "server/money/spending.c"
#undef clock_wall_ms

#include "server/fleet/local.h"
#include "server/store/row.h"
#include "server/store/store.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct config cfg;
static struct store *store;
static struct fleet *fleet;
static struct spending *spending;

/* With a store or without; the limits are USD. */
static void up(double day, double call)
{
	struct buf problem;

	cfg = (struct config){ .prices_file = "", .max_day_cost = day, .max_call_cost = call };
	buf_init(&problem, 0);
	assert_int_equal(fleet_local_open(&fleet, store, 1), 0);
	assert_int_equal(spending_open(&spending, &cfg, fleet, store, &problem), 0);
	buf_free(&problem);
}

static void down(void)
{
	spending_close(spending);
	fleet->ops->close(fleet);
}

static struct spending_day day(void)
{
	struct spending_day d;

	spending_look(spending, &d);
	return d;
}

static void assert_usd(double a, double b)
{
	assert_int_equal(micros(a), micros(b));
}

static struct spending_hold held(const char *agent)
{
	struct spending_hold hold;

	assert_true(spending_reserve(spending, agent, false, &hold, NULL));
	return hold;
}

static bool refused(const char *agent)
{
	struct spending_hold hold;

	return !spending_reserve(spending, agent, false, &hold, NULL);
}

/* A call from its beginning to its end. */
static void call_of(const char *agent, double usd)
{
	struct spending_hold hold;

	assert_true(spending_reserve(spending, agent, true, &hold, NULL));
	spending_book(spending, &hold, usd, atomic_load(&set_ms));
	spending_settle(spending, &hold, agent);
}

/* ------------------------------------------------------------------------ deciding */

static void a_call_is_let_in_if_all_that_it_may_cost_is_left(void **state)
{
	static const struct {
		int64_t limit, spent, held;
		int live;
		int64_t want, may;
	} cases[] = {
		{ 0, 900, 900, 9, 50, 50 }, /* no limit */
		{ 100, 0, 0, 0, 100, 100 }, { 100, 1, 0, 0, 100, -1 }, { 100, 30, 40, 4, 30, 30 },
		{ 100, 30, 40, 4, 31, -1 }, { 100, 100, 0, 0, 0, 0 }, /* costs nothing */
		/* More than the limit: alone, and holds what is left. */
		{ 100, 0, 0, 0, 101, 100 }, { 100, 99, 0, 0, 101, 1 }, { 100, 100, 0, 0, 101, -1 },
		{ 100, 0, 0, 1, 101, -1 }, /* somebody is up, who has cost what he held */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (spending_fits(cases[i].limit, cases[i].spent, cases[i].held, cases[i].live, cases[i].want) !=
		    cases[i].may)
			fail_msg("case %zu", i);
}

static void the_median_is_the_middle_one(void **state)
{
	int64_t one[] = { 7 }, two[] = { 9, 4 }, many[] = { 5, 1000000, 3, 4, 0 };

	(void)state;
	assert_int_equal(spending_median(NULL, 0), 0);
	assert_int_equal(spending_median(one, 1), 7);
	assert_int_equal(spending_median(two, 2), 6);
	assert_int_equal(spending_median(many, 5), 4);
}

/* ----------------------------------------------------------------- what is reserved */

static double reserved_for(const char *agent)
{
	struct spending_hold hold = held(agent);
	double usd = day().reserved_usd;

	spending_settle(spending, &hold, agent);
	return usd;
}

static void a_call_reserves_the_median_of_its_agents_last_fifty(void **state)
{
	(void)state;
	up(100, 2);
	spending_know(spending, "anna", 3);
	spending_know(spending, "otto", 0);
	assert_usd(reserved_for("anna"), 3); /* its own limit */
	assert_usd(reserved_for("otto"), 2); /* MAX_CALL_COST */
	assert_usd(reserved_for("nobody"), 2);

	call_of("anna", 0.1);
	call_of("anna", 0); /* its stream never came: no call to judge by */
	assert_usd(reserved_for("anna"), 0.1);
	for (int i = 0; i < 25; i++)
		call_of("anna", 0.01);
	for (int i = 0; i < 24; i++)
		call_of("anna", 0.03);
	assert_usd(reserved_for("anna"), 0.02); /* 50 of them: 0.1, 25 of 0.01, 24 of 0.03 */
	call_of("anna", 0.01);                  /* in place of the oldest */
	assert_usd(reserved_for("anna"), 0.01);
	assert_usd(reserved_for("otto"), 2);
	down();
}

static void without_a_limit_for_calls_it_is_one_dollar(void **state)
{
	(void)state;
	up(0, 0);
	assert_usd(reserved_for("anna"), 1);
	assert_usd(day().reserved_usd, 0);
	down();
}

static void what_is_reserved_gives_way_to_what_it_costs(void **state)
{
	struct spending_hold cheap, dear;
	struct spending_day why;

	(void)state;
	up(1, 0.4);
	spending_know(spending, "anna", 0);
	cheap = held("anna");
	dear = held("anna");
	assert_false(spending_reserve(spending, "anna", false, &(struct spending_hold){ 0 }, &why));
	assert_usd(why.spent_usd, 0);
	assert_usd(why.reserved_usd, 0.8);
	assert_usd(why.limit_usd, 1);
	assert_true(why.full);
	assert_false(why.over); /* when they are over there is room again, if they cost no more */

	spending_book(spending, &cheap, 0.1, set_ms);
	spending_book(spending, &dear, 0.3, set_ms);
	assert_usd(day().spent_usd, 0.4);
	assert_usd(day().reserved_usd, 0.4);
	spending_book(spending, &dear, 0.6, set_ms); /* more than it reserved */
	assert_usd(day().spent_usd, 0.7);
	assert_usd(day().reserved_usd, 0.3);
	spending_book(spending, &dear, 0.5, set_ms); /* corrected */
	assert_usd(day().spent_usd, 0.6);
	assert_usd(day().reserved_usd, 0.3);
	assert_true(refused("anna"));
	spending_settle(spending, &cheap, "anna");
	assert_usd(day().reserved_usd, 0);
	assert_usd(day().spent_usd, 0.6);
	spending_settle(spending, &cheap, "anna"); /* again: nothing to let go of */
	assert_false(refused("anna"));             /* a call costs 0.1 now, as far as is known */
	assert_false(day().full);
	spending_settle(spending, &dear, "anna");
	down();
}

/* An announced call without a stream, a dialled one that nobody took: they end with nothing booked. */
static void what_came_to_nothing_leaves_nothing(void **state)
{
	struct spending_hold hold;

	(void)state;
	up(1, 1);
	for (int i = 0; i < 100; i++) {
		hold = held("anna");
		assert_true(refused("anna"));
		spending_settle(spending, &hold, NULL);
		assert_false(hold.live);
	}
	assert_usd(day().spent_usd + day().reserved_usd, 0);
	down();
}

static void what_must_be_is_reserved_beyond_the_limit(void **state)
{
	struct spending_hold hold, back;

	(void)state;
	up(1, 1);
	hold = held("anna");
	assert_true(spending_reserve(spending, "anna", true, &back, NULL));
	assert_usd(day().reserved_usd, 2);
	spending_settle(spending, &back, NULL);
	spending_settle(spending, &hold, NULL);
	down();
}

static void a_limit_below_one_reservation_lets_calls_in_one_at_a_time(void **state)
{
	struct spending_hold hold;
	struct buf out;

	(void)state;
	up(0.5, 0);
	hold = held("anna");
	assert_usd(day().reserved_usd, 0.5);
	assert_true(refused("anna"));
	assert_true(day().full);
	spending_settle(spending, &hold, "anna");
	spending_know(spending, "anna", 0.75);
	spending_know(spending, "otto", 0);
	buf_init(&out, 0);
	spending_warnings(spending, &out);
	assert_string_equal(buf_text(&out),
	    "MAX_DAY_COST=0.5 is less than one call of anna reserves (0.75): its calls are let in one at a time, while "
	    "no other is up.\n");
	buf_free(&out);
	hold = held("otto");
	spending_book(spending, &hold, 0.7, set_ms); /* nobody knew */
	spending_settle(spending, &hold, "otto");
	assert_true(refused("otto"));
	assert_true(day().full && day().over);
	down();
}

static void a_limit_below_a_millionth_is_one_all_the_same(void **state)
{
	(void)state;
	up(1e-9, 0);
	assert_true(day().limit_usd > 0);
	down();
}

/* ------------------------------------------------------------------------- the day */

static void a_call_over_midnight_costs_each_day_its_part(void **state)
{
	const int64_t before = 4098898799000; /* 23:59:59 of the 20th in Berlin, 22:59:59 UTC */
	struct spending_hold hold;

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	atomic_store(&set_ms, before);
	up(1, 0.4);
	hold = held("anna");
	spending_book(spending, &hold, 0.1, before);
	call_of("otto", 0.6);
	assert_usd(day().spent_usd, 0.7);
	assert_usd(day().reserved_usd, 0.3);
	assert_true(refused("anna"));
	atomic_store(&set_ms, before + 1000);
	assert_usd(day().spent_usd, 0);
	assert_usd(day().reserved_usd, 0.3); /* what is still to come is of the new day */
	spending_book(spending, &hold, 0.25, before + 1000);
	assert_usd(day().spent_usd, 0.15);
	assert_usd(day().reserved_usd, 0.15);
	spending_settle(spending, &hold, "anna");
	assert_usd(day().spent_usd, 0.15);
	assert_usd(day().reserved_usd, 0);
	down();
	unsetenv("TZ");
	tzset();
}

/* Into `out`, instead of what is there. */
static void show(int64_t now, struct buf *out)
{
	struct json_out j = json_out_to(out);

	buf_reset(out);
	json_put_object(&j, NULL);
	spending_put_status(spending, &j, now);
	json_put_end(&j);
}

static void the_day_is_summed_limited_and_kept_over_a_restart(void **state)
{
	int64_t now = clock_wall_ms(), a_day = INT64_C(86400000);
	struct spending_hold hold;
	struct buf out;

	folder_begin(state);
	buf_init(&out, 0);
	assert_int_equal(store_open(&store, folder, 0, &out), 0);
	atomic_store(&set_ms, now);
	up(0.5, 0.2);
	call_of("anna", 0.3);
	hold = held("otto");
	show(now, &out);
	assert_non_null(strstr(buf_text(&out), "\"today_usd\":0.300000,\"reserved_usd\":0.200000,"));
	down(); /* with a call that is up: it is gone with the process */
	assert_int_equal(store_flush(store, 5000), 0);

	up(0.5, 0.2);
	show(now, &out);
	assert_non_null(strstr(buf_text(&out), "\"today_usd\":0.300000,\"reserved_usd\":0.000000,"));
	assert_non_null(strstr(buf_text(&out), "\"limit_usd\":0.500000,"));
	assert_false(day().over);
	call_of("anna", 0.2);
	assert_true(day().over);
	/* Tomorrow is another day; today is one of the last seven until it is not. */
	memset(&hold, 0, sizeof hold);
	spending_book(spending, &hold, 0.1, now + a_day);
	show(now + a_day, &out);
	assert_non_null(strstr(buf_text(&out), "\"today_usd\":0.100000,"));
	assert_non_null(strstr(buf_text(&out), "\"usd\":0.500000}"));
	show(now + 7 * a_day, &out);
	assert_non_null(strstr(buf_text(&out), "\"today_usd\":0.000000,"));
	assert_null(strstr(buf_text(&out), "\"usd\":0.500000}"));
	down();
	store_close(store);
	store = NULL;
	buf_free(&out);
	folder_end(NULL);
}

static void keep(int no, const char *agent, const char *state, double usd)
{
	char sid[16];

	snprintf(sid, sizeof sid, "CA%d", no);
	assert_true(store_write(store,
	    "INSERT INTO calls (call_sid, agent, state, reserved_at, ended_at, cost_usd, json)"
	    " VALUES (?1, ?2, ?3, ?4, ?4, ?5, '{}')",
	    "tttid", sid, agent, state, (int64_t)no, usd));
}

static void what_calls_have_cost_is_known_after_a_restart(void **state)
{
	struct spending_hold hold;
	struct buf problem;
	int no = 0;

	folder_begin(state);
	buf_init(&problem, 0);
	assert_int_equal(store_open(&store, folder, 0, &problem), 0);
	buf_free(&problem);
	for (int i = 0; i < 40; i++)
		keep(no++, "anna", "ended", 9); /* too long ago */
	for (int i = 0; i < 25; i++)
		keep(no++, "anna", "ended", 0.5);
	for (int i = 0; i < 100; i++)
		keep(no++, "anna", "ended", 0); /* has cost nothing */
	for (int i = 0; i < 25; i++)
		keep(no++, "anna", "ended", 0.25);
	keep(no++, "anna", "live", 7);
	keep(no++, NULL, "ended", 7);
	assert_int_equal(store_flush(store, 5000), 0);
	up(100, 2);
	hold = held("anna");
	assert_usd(day().reserved_usd, 0.375);
	spending_settle(spending, &hold, NULL);
	call_of("anna", 0.25); /* it follows on the kept ones, in place of the oldest */
	hold = held("anna");
	assert_usd(day().reserved_usd, 0.25);
	spending_settle(spending, &hold, NULL);
	down();
	store_close(store);
	store = NULL;
	folder_end(NULL);
}

/* ------------------------------------------------------------------ many at once */

enum { THREADS = 100, FIT = 10, ROUNDS = 20 };

static _Atomic int in, most, refusals;
static pthread_barrier_t together;

static void *come_and_go(void *arg)
{
	struct spending_hold hold;

	(void)arg;
	for (int round = 0; round < ROUNDS; round++) {
		bool let_in;

		pthread_barrier_wait(&together);
		let_in = spending_reserve(spending, "anna", false, &hold, NULL);
		if (let_in)
			atomic_fetch_add(&in, 1);
		else
			atomic_fetch_add(&refusals, 1);
		pthread_barrier_wait(&together);
		if (atomic_load(&in) > atomic_load(&most))
			atomic_store(&most, atomic_load(&in));
		if (atomic_load(&in) != FIT)
			atomic_store(&most, THREADS);
		/* Booked by its loop, while others look. */
		for (int i = 1; i <= 5 && let_in; i++)
			spending_book(spending, &hold, i * 1e-9, atomic_load(&set_ms));
		pthread_barrier_wait(&together);
		if (let_in)
			atomic_fetch_sub(&in, 1);
		spending_settle(spending, &hold, "anna");
	}
	return NULL;
}

static void a_hundred_at_once_never_pass_the_limit(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	up(1.05, 0.1); /* what they book is less than the twentieth that is over */
	pthread_barrier_init(&together, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&together);
	assert_int_equal(atomic_load(&most), FIT);
	assert_int_equal(atomic_load(&refusals), ROUNDS * (THREADS - FIT));
	assert_usd(day().reserved_usd, 0);
	down();
}

static void without_one_everything_is_let_in(void **state)
{
	struct spending_hold hold;
	struct spending_day d;

	(void)state;
	assert_true(spending_reserve(NULL, "anna", false, &hold, NULL));
	spending_book(NULL, &hold, 1, 0);
	spending_settle(NULL, &hold, "anna");
	spending_know(NULL, "anna", 1);
	spending_look(NULL, &d);
	assert_false(d.full || d.over);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_call_is_let_in_if_all_that_it_may_cost_is_left),
	cmocka_unit_test(the_median_is_the_middle_one),
	cmocka_unit_test(a_call_reserves_the_median_of_its_agents_last_fifty),
	cmocka_unit_test(without_a_limit_for_calls_it_is_one_dollar),
	cmocka_unit_test(what_is_reserved_gives_way_to_what_it_costs),
	cmocka_unit_test(what_came_to_nothing_leaves_nothing),
	cmocka_unit_test(what_must_be_is_reserved_beyond_the_limit),
	cmocka_unit_test(a_limit_below_one_reservation_lets_calls_in_one_at_a_time),
	cmocka_unit_test(a_limit_below_a_millionth_is_one_all_the_same),
	cmocka_unit_test(a_call_over_midnight_costs_each_day_its_part),
	cmocka_unit_test(the_day_is_summed_limited_and_kept_over_a_restart),
	cmocka_unit_test(what_calls_have_cost_is_known_after_a_restart),
	cmocka_unit_test(a_hundred_at_once_never_pass_the_limit),
	cmocka_unit_test(without_one_everything_is_let_in),
	{ 0 },
};
