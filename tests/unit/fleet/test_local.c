#include "server/fleet/local.h"

#include "common/clock.h"
#include "common/digest.h"
#include "server/store/row.h"
#include "server/store/store.h"
#include "server/store/store_days.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000)
#define DAY_MS (24 * 3600 * INT64_C(1000))

enum { CALLS = 2 };

static struct fleet *fleet;
static struct store *store;

static void begin(void)
{
	assert_int_equal(fleet_local_open(&fleet, store, CALLS), 0);
}

static void end(void)
{
	fleet->ops->close(fleet);
	fleet = NULL;
}

static int open_fleet(void **state)
{
	(void)state;
	begin();
	return 0;
}

static int close_fleet(void **state)
{
	(void)state;
	end();
	return 0;
}

static int open_stored(void **state)
{
	struct buf problem;

	buf_init(&problem, 0);
	folder_begin(state);
	return store_open(&store, folder, 0, &problem) || open_fleet(state);
}

static int close_stored(void **state)
{
	close_fleet(state);
	store_close(store);
	store = NULL;
	return folder_end(NULL);
}

/* ------------------------------------------------------------------ announced calls */

static int claim(const char *token, int64_t now_us)
{
	char sid[FOREIGN_ID_SIZE];
	int err = fleet->ops->claim(fleet, token, sid, now_us);

	if (!err)
		assert_string_equal(sid, "CA1");
	return err;
}

static void a_token_lets_one_in_once(void **state)
{
	(void)state;
	assert_int_equal(claim("aaa", 1 * S), -ENOENT);
	fleet->ops->announce(fleet, "aaa", "CA1", 1 * S);
	assert_int_equal(claim("aab", 2 * S), -ENOENT);
	assert_int_equal(claim("aa", 2 * S), -ENOENT);
	assert_int_equal(claim("", 2 * S), -ENOENT);
	assert_int_equal(claim("aaa", 2 * S), 0);
	assert_int_equal(claim("aaa", 2 * S), -ENOENT);
}

static void a_token_that_waited_too_long_is_void(void **state)
{
	(void)state;
	fleet->ops->announce(fleet, "aaa", "CA1", 1 * S);
	fleet->ops->announce(fleet, "bbb", "CA1", 1 * S);
	assert_int_equal(claim("aaa", 16 * S - 1), 0);
	assert_int_equal(claim("bbb", 16 * S), -ENOENT);
}

static void a_token_can_be_withdrawn(void **state)
{
	(void)state;
	fleet->ops->announce(fleet, "aaa", "CA1", 1 * S);
	fleet->ops->withdraw(fleet, "aaa");
	fleet->ops->withdraw(fleet, "nobody's");
	assert_int_equal(claim("aaa", 2 * S), -ENOENT);
}

static void *claim_once(void *arg)
{
	char sid[FOREIGN_ID_SIZE];

	if (!fleet->ops->claim(fleet, "aaa", sid, 2 * S))
		atomic_fetch_add((_Atomic int *)arg, 1);
	return NULL;
}

static void of_many_who_claim_one_gets_it(void **state)
{
	pthread_t threads[4];
	_Atomic int got = 0;

	(void)state;
	for (int round = 1; round <= 100; round++) {
		fleet->ops->announce(fleet, "aaa", "CA1", 1 * S);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, claim_once, &got), 0);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(got, round);
	}
}

/* ------------------------------------------------------------------------- endings */

static void note(const char *sid, enum call_end why, const char *agent, int64_t now_us)
{
	struct fleet_ending e = { .end = why };

	snprintf(e.agent, sizeof e.agent, "%s", agent);
	fleet->ops->ending_put(fleet, sid, &e, now_us);
}

static void the_newest_ending_counts_and_all_are_counted(void **state)
{
	struct fleet_ending e;

	(void)state;
	assert_int_equal(fleet->ops->ending_get(fleet, "CA1", true, &e, 1 * S), -ENOENT);
	note("CA1", END_TRANSFERRED, "desk", 1 * S);
	note("CA2", END_IDLE, "", 2 * S);
	note("CA1", END_MODEL_LOST, "night", 3 * S);
	assert_int_equal(fleet->ops->ending_get(fleet, "CA1", false, &e, 5 * S), 0);
	assert_int_equal(e.end, END_MODEL_LOST);
	assert_int_equal(e.times, 2);
	assert_int_equal(e.age_us, 2 * S);
	assert_string_equal(e.agent, "night");
	/* However long ago: what it means then is the asker's business. */
	assert_int_equal(fleet->ops->ending_get(fleet, "CA2", false, &e, 5000 * S), 0);
	assert_int_equal(e.times, 1);
	assert_int_equal(e.age_us, 4998 * S);
}

static void a_call_without_a_name_is_not_kept(void **state)
{
	struct fleet_ending e;

	(void)state;
	note("", END_IDLE, "", 1 * S);
	fleet->ops->ending_put(fleet, NULL, &(struct fleet_ending){ .end = END_IDLE }, 1 * S);
	assert_int_equal(fleet->ops->ending_get(fleet, "", true, &e, 1 * S), -ENOENT);
	assert_int_equal(fleet->ops->endings_unasked(fleet, 5 * S, 1 * S), 0);
}

static void what_twilio_has_not_asked_for_is_counted(void **state)
{
	struct fleet_ending e;

	(void)state;
	note("CA1", END_IDLE, "", 1 * S);
	note("CA2", END_IDLE, "", 2 * S);
	fleet->ops->ending_put(fleet, "CA3", &(struct fleet_ending){ .end = END_CALLER_HUNG_UP, .asked = true }, 2 * S);
	assert_int_equal(fleet->ops->endings_unasked(fleet, 5 * S, 3 * S), 2);
	assert_int_equal(fleet->ops->endings_unasked(fleet, 5 * S, 6 * S), 1);
	assert_int_equal(fleet->ops->ending_get(fleet, "CA2", false, &e, 6 * S), 0);
	assert_int_equal(fleet->ops->endings_unasked(fleet, 5 * S, 6 * S), 1);
	assert_int_equal(fleet->ops->ending_get(fleet, "CA2", true, &e, 6 * S), 0);
	assert_int_equal(fleet->ops->endings_unasked(fleet, 5 * S, 6 * S), 0);
}

static void after_a_mass_outage_all_endings_are_known(void **state)
{
	enum { ROOM = 2048 + 16 * CALLS };
	struct fleet_ending e;
	char sid[16];

	(void)state;
	for (int i = 0; i <= ROOM; i++) {
		snprintf(sid, sizeof sid, "CA%d", i);
		note(sid, END_MODEL_LOST, "", (1 + i) * S / 1000);
	}
	assert_int_equal(fleet->ops->ending_get(fleet, "CA0", true, &e, 4 * S), -ENOENT);
	assert_int_equal(fleet->ops->ending_get(fleet, "CA1", true, &e, 4 * S), 0);
	assert_int_equal(fleet->ops->ending_get(fleet, sid, true, &e, 4 * S), 0);
}

/* ----------------------------------------------------------------------- transfers */

static int released;

static void release(const void *held)
{
	assert_ptr_equal(held, &released);
	released++;
}

static struct fleet_said *some_words(void)
{
	struct fleet_said *said = fleet_said_new(2), *copy;

	assert_non_null(said);
	assert_true(fleet_said_add(said, true, "Hello.", 6));
	assert_true(fleet_said_add(said, false, "High", 2));
	copy = fleet_said_copy(said);
	assert_non_null(copy);
	fleet_said_free(said);
	return copy;
}

static void put(const char *call_sid, const char *number, int64_t now_us)
{
	struct fleet_transfer t = { .ring_seconds = 20,
		.said = some_words(),
		.metadata = strdup("{\"a\":1}"),
		.held = &released,
		.release = release };

	snprintf(t.call_sid, sizeof t.call_sid, "%s", call_sid);
	snprintf(t.number, sizeof t.number, "%s", number);
	fleet->ops->transfer_put(fleet, &t, now_us);
	/* What it owned is the fleet's. */
	assert_null(t.said);
	assert_null(t.held);
	assert_string_equal(t.call_sid, "");
}

/* "" if it is not known. */
static const char *number_of(const char *call_sid, int64_t now_us)
{
	static char number[FOREIGN_ID_SIZE];
	int ring_seconds = 0;

	if (fleet->ops->transfer_number(fleet, call_sid, number, &ring_seconds, now_us))
		return "";
	assert_int_equal(ring_seconds, 20);
	return number;
}

static bool taken(const char *call_sid, int64_t now_us)
{
	struct fleet_transfer t;
	int before = released, err = fleet->ops->transfer_take(fleet, call_sid, &t, now_us);

	if (!err) {
		assert_string_equal(t.call_sid, call_sid);
		assert_int_equal(t.said->count, 2);
		assert_true(t.said->turns[0].agents && !t.said->turns[1].agents);
		assert_string_equal(t.said->turns[0].text, "Hello.");
		assert_string_equal(t.said->turns[1].text, "Hi");
		assert_int_equal(released, before);
		fleet_transfer_free(&t);
		assert_int_equal(released, before + 1);
	}
	return !err;
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

static void what_was_said_is_put_right_until_the_transfer_is_handed_out(void **state)
{
	struct fleet_transfer t;
	struct fleet_said *more = fleet_said_new(1);

	(void)state;
	put("CA1", "+12025550171", 1 * S);
	assert_true(fleet_said_add(more, false, "Later", 5));
	fleet->ops->transfer_said(fleet, "CA1", more, 2 * S);
	fleet->ops->transfer_said(fleet, "CA2", some_words(), 2 * S); /* nobody's */
	assert_string_equal(number_of("CA1", 3 * S), "+12025550171");
	assert_int_equal(fleet->ops->transfer_take(fleet, "CA1", &t, 3 * S), 0);
	assert_int_equal(t.said->count, 1);
	assert_string_equal(t.said->turns[0].text, "Later");
	fleet_transfer_free(&t);
	fleet->ops->transfer_said(fleet, "CA1", some_words(), 4 * S);
	assert_false(taken("CA1", 4 * S));
}

static void second_transfer_of_a_call_replaces_the_first(void **state)
{
	int before = released;

	(void)state;
	put("CA1", "+12025550171", 1 * S);
	put("CA1", "+12025550172", 2 * S);
	assert_int_equal(released, before + 1);
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
	for (int i = 0; i <= FLEET_LOCAL_TRANSFERS; i++) {
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

static void what_is_left_is_freed_with_the_fleet(void **state)
{
	(void)state;
	released = 0;
	put("CA1", "+12025550171", 1 * S);
	put("CA2", "+12025550171", 1 * S);
	end();
	assert_int_equal(released, 2);
	begin();
}

/* ---------------------------------------------------------------------------- keys */

static int take(const char *key, const char *order, const char *hash, struct fleet_key *holder, int64_t wall_ms)
{
	struct fleet_key mine;

	snprintf(mine.order, sizeof mine.order, "%s", order);
	snprintf(mine.hash, sizeof mine.hash, "%s", hash);
	return fleet->ops->key_take(fleet, key, &mine, holder, wall_ms);
}

static void a_key_stands_for_its_first_order_for_a_day(void **state)
{
	const int64_t now = 1800000000000, day = 24 * 3600 * 1000;
	struct fleet_key holder;

	(void)state;
	assert_int_equal(take("k", "out_1", "aa", &holder, now), 0);
	assert_int_equal(take("k", "out_2", "bb", &holder, now + day - 1), -EEXIST);
	assert_string_equal(holder.order, "out_1");
	assert_string_equal(holder.hash, "aa");
	assert_int_equal(take("K", "out_3", "bb", &holder, now), 0);
	assert_int_equal(take("k", "out_4", "bb", &holder, now + day), 0);
	assert_int_equal(take("k", "out_5", "bb", &holder, now + day), -EEXIST);
	assert_string_equal(holder.order, "out_4");
}

static void who_places_nothing_gives_the_key_back(void **state)
{
	struct fleet_key holder;

	(void)state;
	assert_int_equal(take("k", "out_1", "aa", &holder, 1), 0);
	fleet->ops->key_drop(fleet, "k", "out_9"); /* somebody else's */
	assert_int_equal(take("k", "out_2", "aa", &holder, 1), -EEXIST);
	fleet->ops->key_drop(fleet, "k", "out_1");
	fleet->ops->key_drop(fleet, "k", "out_1");
	assert_int_equal(take("k", "out_2", "aa", &holder, 1), 0);
}

static void order_of_an_earlier_process(const char *key, int64_t wall_ms)
{
	assert_true(store_write(store,
	    "INSERT INTO outbound (id, idempotency_key, request_hash, status, created_at) VALUES ('out_old', ?1, 'ff',"
	    " 'completed', ?2)",
	    "ti", key, wall_ms));
	assert_int_equal(store_flush(store, 60000), 0);
}

static void a_key_of_an_earlier_process_is_known(void **state)
{
	const int64_t now = 1800000000000, day = 24 * 3600 * 1000;
	struct fleet_key holder;

	(void)state;
	order_of_an_earlier_process("k", now);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(take("k", "out_1", "aa", &holder, now + day - 1), -EEXIST);
		assert_string_equal(holder.order, "out_old");
		assert_string_equal(holder.hash, "ff");
	}
	/* Its day is over, however often it was asked for. */
	assert_int_equal(take("k", "out_1", "aa", &holder, now + day), 0);
	assert_int_equal(take("k", "out_2", "aa", &holder, now + day), -EEXIST);
	assert_string_equal(holder.order, "out_1");
}

enum { READERS = 4 }; /* all there are */

static void take_readers(struct sqlite3 *taken[READERS])
{
	for (int i = 0; i < READERS; i++)
		assert_non_null(taken[i] = store_reader(store));
}

static void give_readers_back(struct sqlite3 *taken[READERS])
{
	for (int i = 0; i < READERS; i++)
		store_reader_done(store, taken[i]);
}

static void a_key_that_cannot_be_looked_up_is_nobodys(void **state)
{
	struct sqlite3 *taken[READERS];
	struct fleet_key holder;

	(void)state;
	take_readers(taken);
	assert_int_equal(take("k", "out_1", "aa", &holder, 1), -EIO);
	give_readers_back(taken);
	assert_int_equal(take("k", "out_1", "aa", &holder, 1), 0);
}

struct taker {
	char order[16];
	int err;
	struct fleet_key holder;
};

static void *take_until_decided(void *arg)
{
	struct taker *t = arg;

	while ((t->err = take("k", t->order, t->order, &t->holder, 1800000000000)) == -EAGAIN)
		;
	return NULL;
}

static void of_many_who_want_a_key_one_gets_it(void **state)
{
	pthread_t threads[4];
	struct taker t[4];
	int winner = -1;

	(void)state;
	for (int i = 0; i < 4; i++) {
		t[i] = (struct taker){ .err = 1 };
		snprintf(t[i].order, sizeof t[i].order, "out_%d", i);
		assert_int_equal(pthread_create(&threads[i], NULL, take_until_decided, &t[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		if (!t[i].err) {
			assert_int_equal(winner, -1);
			winner = i;
		}
	assert_in_range(winner, 0, 3);
	for (int i = 0; i < 4; i++)
		if (i != winner) {
			assert_int_equal(t[i].err, -EEXIST);
			assert_string_equal(t[i].holder.order, t[winner].order);
		}
}

/* ---------------------------------------------------------------------------- days */

#define near(a, b) assert_true((a) > (b)-1e-9 && (a) < (b) + 1e-9)

static void days_are_summed_and_go_after_a_week(void **state)
{
	const int64_t day = clock_wall_ms() / DAY_MS + 10; /* later than any so far */
	double usd[FLEET_DAYS];

	(void)state;
	fleet->ops->day_add(fleet, day, 0.5);
	fleet->ops->day_add(fleet, day, 0.25);
	fleet->ops->day_add(fleet, day + 2, 1);
	/* A call that began yesterday and is told late is booked on the newest day. */
	fleet->ops->day_add(fleet, day, 2);
	fleet->ops->day_sums(fleet, day + 2, usd);
	near(usd[0], 3);
	near(usd[1], 0);
	near(usd[2], 0.75);
	fleet->ops->day_sums(fleet, day + 8, usd);
	near(usd[0], 0);
	near(usd[6], 3);
	fleet->ops->day_sums(fleet, day + 9, usd);
	near(usd[6], 0);
	fleet->ops->day_sums(fleet, day + 100, usd);
	for (int i = 0; i < FLEET_DAYS; i++)
		near(usd[i], 0);
}

static void a_restart_goes_on_with_the_days(void **state)
{
	int64_t today = clock_wall_ms() / DAY_MS;
	double usd[FLEET_DAYS];

	(void)state;
	fleet->ops->day_add(fleet, today, 0.5);
	fleet->ops->tend(fleet, 2 * S);
	fleet->ops->day_add(fleet, today, 0.25);
	fleet->ops->tend(fleet, 3 * S); /* too soon; the end writes it */
	end();
	assert_int_equal(store_flush(store, 60000), 0);
	begin();
	fleet->ops->day_sums(fleet, today, usd);
	near(usd[0], 0.75);
	near(usd[1], 0);
}

static double sum_written(int64_t day)
{
	double usd = 0;
	char date[32];

	clock_iso8601(day * DAY_MS, date, sizeof date);
	date[10] = '\0';
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(store_day(store, date, &usd), 0);
	return usd;
}

/* The tick comes after midnight, and the next day has a sum of its own by then. */
static void what_is_booked_just_before_midnight_is_written_too(void **state)
{
	const int64_t day = clock_wall_ms() / DAY_MS + 10; /* later than any so far */
	double usd[FLEET_DAYS];

	(void)state;
	fleet->ops->tend(fleet, 2 * S);
	fleet->ops->day_add(fleet, day, 0.5);
	fleet->ops->day_sums(fleet, day + 1, usd);
	near(usd[1], 0.5);
	fleet->ops->day_add(fleet, day + 1, 0.25);
	fleet->ops->tend(fleet, 4 * S);
	near(sum_written(day), 0.5);
	near(sum_written(day + 1), 0.25);
	/* A clock that jumps takes nothing along that is not its day's. */
	fleet->ops->day_add(fleet, day + 1, 0.25);
	fleet->ops->day_sums(fleet, day + 100, usd);
	fleet->ops->tend(fleet, 6 * S);
	near(sum_written(day + 1), 0.25);
	for (int i = 0; i < FLEET_DAYS; i++)
		near(usd[i], 0);
}

/* -------------------------------------------------------------- calls that are over */

static void row_as(const char *call_sid, const char *state, const char *ending, int64_t ended_ms, const char *json)
{
	assert_true(store_write(store,
	    "INSERT INTO calls (call_sid, state, ending, reserved_at, ended_at, json) VALUES (?1, ?2, ?3, 1, ?4, ?5)",
	    "tttit", call_sid, state, ending, ended_ms, json));
	assert_int_equal(store_flush(store, 60000), 0);
}

static void row(const char *call_sid, const char *state, const char *ending, int64_t ended_ms)
{
	row_as(call_sid, state, ending, ended_ms, "{}");
}

static void ending_of_an_earlier_process_is_known(void **state)
{
	struct fleet_ending ending = { .end = END_IDLE };
	const int64_t now_ms = 1700000000000;

	(void)state;
	row("CAold", "ended", "agent_ended", now_ms - 5000);
	row("CAother", "ended", "of_another_version", now_ms - 5000);
	row("CAlive", "live", NULL, 0);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAold", &ending, 7 * S, now_ms), 0);
	assert_int_equal(ending.end, END_AGENT_ENDED);
	assert_int_equal(ending.age_us, 5 * S);
	assert_int_equal(ending.times, 0);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAother", &ending, 7 * S, now_ms), 0);
	assert_int_equal(ending.end, END_INTERRUPTED);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAlive", &ending, 7 * S, now_ms), -ENOENT);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAnone", &ending, 7 * S, now_ms), -ENOENT);
	assert_int_equal(fleet->ops->ending_get(fleet, "CAold", false, &ending, 7 * S), -ENOENT);
	/* Memory knows better. */
	fleet->ops->ending_put(fleet, "CAold", &(struct fleet_ending){ .end = END_MODEL_LOST }, 6 * S);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAold", &ending, 7 * S, now_ms), 0);
	assert_int_equal(ending.end, END_MODEL_LOST);
	assert_int_equal(ending.times, 1);
}

/* As the JSON says that is kept of it; a version that did not say so had not said it. */
static void apology_of_an_earlier_process_is_known(void **state)
{
	struct fleet_ending ending;
	const int64_t now_ms = 1700000000000;

	(void)state;
	row_as("CAsorry", "ended", "model_lost", now_ms, "{\"ending\":{\"reason\":\"model_lost\",\"said\":true}}");
	row_as("CAnot", "ended", "model_lost", now_ms, "{\"ending\":{\"reason\":\"model_lost\",\"said\":false}}");
	row("CAbefore", "ended", "model_lost", now_ms);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAsorry", &ending, 7 * S, now_ms), 0);
	assert_int_equal(ending.after, AFTER_SORRY);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAnot", &ending, 7 * S, now_ms), 0);
	assert_int_equal(ending.after, AFTER_APOLOGY);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAbefore", &ending, 7 * S, now_ms), 0);
	assert_int_equal(ending.after, AFTER_APOLOGY);
}

static void turn(const char *call_sid, int no, const char *kind, const char *text, const char *heard)
{
	assert_true(store_write(store,
	    "INSERT INTO turns (call_sid, no, kind, text, heard_text, heard_ms, written_at, json)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, iif(?5 IS NULL, NULL, 9), 1, '{}')",
	    "tittt", call_sid, (int64_t)no, kind, text, heard));
	assert_int_equal(store_flush(store, 60000), 0);
}

/* Of a call whose process died, whether or not it was closed by now. */
static void what_was_said_before_a_death_is_known_as_it_was_heard(void **state)
{
	struct fleet_transfer t;
	char long_text[FLEET_SAID_BYTES];

	(void)state;
	row("CAdied", "ended", "interrupted", 5);
	row("CAopen", "live", NULL, 0);
	row("CAover", "ended", "agent_ended", 5);
	assert_true(store_write(store,
	    "UPDATE calls SET agent = 'desk', variant = 'warm', from_number = '+1', to_number = '+2',"
	    " direction = 'inbound', metadata = '{}' WHERE call_sid = 'CAdied'",
	    ""));
	turn("CAdied", 0, "agent", "Hello, this is the shop.", "Hello,");
	turn("CAdied", 1, "caller", NULL, NULL);
	turn("CAdied", 2, "keys", "1#", NULL);
	turn("CAdied", 1000, "caller", "Are you there?", NULL);
	turn("CAdied", 1001, "agent", "I am.", "");
	assert_int_equal(fleet->ops->interrupted(fleet, "CAdied", &t, S), 0);
	assert_string_equal(t.agent, "desk");
	assert_string_equal(t.variant, "warm");
	assert_string_equal(t.from, "+1");
	assert_string_equal(t.to, "+2");
	assert_string_equal(t.metadata, "{}");
	assert_int_equal(t.turns, 1002);
	assert_int_equal(t.said->count, 3);
	assert_true(t.said->turns[0].agents);
	assert_string_equal(t.said->turns[0].text, "Hello,");
	assert_false(t.said->turns[1].agents);
	assert_string_equal(t.said->turns[1].text, "1#");
	assert_string_equal(t.said->turns[2].text, "Are you there?");
	fleet_transfer_free(&t);
	assert_int_equal(fleet->ops->interrupted(fleet, "CAopen", &t, S), 0);
	assert_int_equal(t.turns, 0);
	fleet_transfer_free(&t);
	/* The newest words are kept. */
	memset(long_text, 'x', sizeof long_text);
	long_text[sizeof long_text - 1] = '\0';
	turn("CAopen", 0, "caller", long_text, NULL);
	turn("CAopen", 1, "caller", "Last.", NULL);
	assert_int_equal(fleet->ops->interrupted(fleet, "CAopen", &t, S), 0);
	assert_int_equal(t.said->count, 1);
	assert_string_equal(t.said->turns[0].text, "Last.");
	fleet_transfer_free(&t);
	assert_int_equal(fleet->ops->interrupted(fleet, "CAover", &t, S), -ENOENT);
	assert_int_equal(fleet->ops->interrupted(fleet, "CAnone", &t, S), -ENOENT);
	/* What this process has ended it knows better. */
	fleet->ops->ending_put(fleet, "CAdied", &(struct fleet_ending){ .end = END_STREAM_LOST, .times = 3 }, S);
	assert_int_equal(fleet->ops->interrupted(fleet, "CAdied", &t, S), -ENOENT);
}

/* Somebody is on the telephone: thirty in a row are a second and a half, not half a minute. */
static void a_caller_does_not_wait_for_those_who_read(void **state)
{
	const int64_t begun_us = clock_now_us();
	struct sqlite3 *taken[READERS];
	struct fleet_ending ending;

	(void)state;
	row("CAold", "ended", "agent_ended", 1000);
	take_readers(taken);
	for (int i = 0; i < 30; i++)
		assert_int_equal(fleet->ops->ending_ever(fleet, "CAold", &ending, S, 2000), -EIO);
	assert_true(clock_now_us() - begun_us < 15 * S);
	give_readers_back(taken);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAold", &ending, S, 2000), 0);
}

static void without_a_store_only_memory_is_asked(void **state)
{
	struct fleet_ending ending;

	(void)state;
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAold", &ending, S, 1), -ENOENT);
	fleet->ops->ending_put(fleet, "CAold", &(struct fleet_ending){ .end = END_IDLE }, S);
	assert_int_equal(fleet->ops->ending_ever(fleet, "CAold", &ending, 4 * S, 1), 0);
	assert_int_equal(ending.age_us, 3 * S);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fleet, close_fleet)
#define STORED(name) cmocka_unit_test_setup_teardown(name, open_stored, close_stored)

const struct CMUnitTest unit_tests[] = {
	TEST(a_token_lets_one_in_once),
	TEST(a_token_that_waited_too_long_is_void),
	TEST(a_token_can_be_withdrawn),
	TEST(of_many_who_claim_one_gets_it),
	TEST(the_newest_ending_counts_and_all_are_counted),
	TEST(a_call_without_a_name_is_not_kept),
	TEST(what_twilio_has_not_asked_for_is_counted),
	TEST(after_a_mass_outage_all_endings_are_known),
	TEST(is_dialled_as_often_as_asked_and_comes_back_once),
	TEST(what_was_said_is_put_right_until_the_transfer_is_handed_out),
	TEST(second_transfer_of_a_call_replaces_the_first),
	TEST(is_forgotten_after_ten_minutes),
	TEST(when_there_are_too_many_the_oldest_makes_way),
	TEST(what_is_left_is_freed_with_the_fleet),
	TEST(a_key_stands_for_its_first_order_for_a_day),
	TEST(who_places_nothing_gives_the_key_back),
	STORED(ending_of_an_earlier_process_is_known),
	STORED(apology_of_an_earlier_process_is_known),
	STORED(what_was_said_before_a_death_is_known_as_it_was_heard),
	STORED(a_caller_does_not_wait_for_those_who_read),
	cmocka_unit_test_setup_teardown(without_a_store_only_memory_is_asked, open_fleet, close_fleet),
	STORED(a_key_of_an_earlier_process_is_known),
	STORED(a_key_that_cannot_be_looked_up_is_nobodys),
	STORED(of_many_who_want_a_key_one_gets_it),
	TEST(days_are_summed_and_go_after_a_week),
	STORED(a_restart_goes_on_with_the_days),
	STORED(what_is_booked_just_before_midnight_is_written_too),
	{ 0 },
};
