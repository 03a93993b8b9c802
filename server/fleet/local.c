#include "server/fleet/local.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/fleet/local_private.h"
#include "server/store/store_days.h"
#include "server/store/store_orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENDINGS_MIN = 2048,
	ENDINGS_PER_CALL = 16,
	TOKENS_SPARE = 64, /* over MAX_CALLS: withdrawn a moment late */
	CALLS_SPARE = 256, /* over two for each line: requests about the same call at once */
	KEYS = 4096,       /* more than the orders that the dialer has in memory */
	TEND_US = 2 * US_PER_S
};

/* ------------------------------------------------------------------ announced calls */

/* Called by the voice webhook, which puts the token into the TwiML as part of the stream's path. A
 * full shelf gives up its oldest token: that call's stream is refused, and its caller hears an
 * apology. */
static void announce(struct fleet *f, const char *token, const char *call_sid, int64_t now_us)
{
	struct local *l = lock(f);
	char *sid = shelf_put(&l->tokens, token, now_us, NULL);

	if (sid)
		snprintf(sid, FOREIGN_ID_SIZE, "%s", call_sid);
	unlock(l);
}

static void withdraw(struct fleet *f, const char *token)
{
	struct local *l = lock(f);
	char *sid = shelf_find(&l->tokens, token, 0, NULL);

	if (sid)
		shelf_forget(&l->tokens, sid);
	unlock(l);
}

/* Called in the connect handler, before a byte of the stream is read. The token is forgotten under
 * the same lock that found it, so two streams with one token cannot both get in. */
static int claim(struct fleet *f, const char *token, char call_sid[FOREIGN_ID_SIZE], int64_t now_us)
{
	struct local *l = lock(f);
	char *sid = shelf_find(&l->tokens, token, now_us, NULL);

	if (sid) {
		memcpy(call_sid, sid, FOREIGN_ID_SIZE);
		shelf_forget(&l->tokens, sid);
	}
	unlock(l);
	return sid ? 0 : -ENOENT;
}

/* ------------------------------------------------------------------------- endings */

/* At the end of a call's line, by either loop. `times` goes on counting over the endings of one
 * CallSid: a call that comes back from a transfer ends more than once, and numbers its turns by it. */
static void ending_put(struct fleet *f, const char *call_sid, const struct fleet_ending *ending, int64_t now_us)
{
	const char *sid = call_sid ? call_sid : "";
	struct local *l = lock(f);
	struct fleet_ending *kept = shelf_find(&l->endings, sid, now_us, NULL);
	int times = kept ? kept->times : 0;

	kept = shelf_put(&l->endings, sid, now_us, NULL);
	if (kept) {
		*kept = *ending;
		kept->times = times < ending->times ? ending->times : times + 1;
	}
	unlock(l);
}

static int ending_get(struct fleet *f, const char *call_sid, bool asking, struct fleet_ending *out, int64_t now_us)
{
	struct local *l = lock(f);
	int64_t at = 0;
	struct fleet_ending *kept = shelf_find(&l->endings, call_sid, now_us, &at);

	if (kept) {
		kept->asked |= asking;
		*out = *kept;
		out->age_us = now_us - at;
	}
	unlock(l);
	return kept ? 0 : -ENOENT;
}

struct counting {
	int64_t since_us;
	int count;
};

static void count_unasked(void *arg, const void *item, int64_t at)
{
	const struct fleet_ending *kept = item;
	struct counting *c = arg;

	c->count += !kept->asked && at > c->since_us;
}

/* For a shutdown, which waits a moment for Twilio's questions about the calls it has just ended. */
static int endings_unasked(struct fleet *f, int64_t since_us, int64_t now_us)
{
	struct counting c = { .since_us = now_us - since_us };
	struct local *l = lock(f);

	shelf_each(&l->endings, count_unasked, &c);
	unlock(l);
	return c.count;
}

/* ----------------------------------------------------------------------- transfers */

/* The transfer that had to make way is freed outside the lock, because it may hold the last
 * reference to an agent. An unusable name frees `t` itself: then the call cannot come back, and
 * nothing else is lost. */
static void transfer_put(struct fleet *f, struct fleet_transfer *t, int64_t now_us)
{
	struct fleet_transfer old, *kept;
	struct local *l = lock(f);

	kept = shelf_put(&l->transfers, t->call_sid, now_us, &old);
	if (kept)
		*kept = *t;
	unlock(l);
	fleet_transfer_free(kept ? &old : t);
	memset(t, 0, sizeof *t);
}

static void transfer_said(struct fleet *f, const char *call_sid, struct fleet_said *said, int64_t now_us)
{
	struct local *l = lock(f);
	struct fleet_transfer *kept = shelf_find(&l->transfers, call_sid, now_us, NULL);
	struct fleet_said *old = kept ? kept->said : said;

	if (kept)
		kept->said = said;
	unlock(l);
	fleet_said_free(old);
}

static int transfer_number(
    struct fleet *f, const char *call_sid, char number[FOREIGN_ID_SIZE], int *ring_seconds, int64_t now_us)
{
	struct local *l = lock(f);
	const struct fleet_transfer *kept = shelf_find(&l->transfers, call_sid, now_us, NULL);

	if (kept) {
		memcpy(number, kept->number, FOREIGN_ID_SIZE);
		*ring_seconds = kept->ring_seconds;
	}
	unlock(l);
	return kept ? 0 : -ENOENT;
}

/* Once only: the caller comes back to one line. What it owned goes to `out`, so nothing is freed
 * here. */
static int transfer_take(struct fleet *f, const char *call_sid, struct fleet_transfer *out, int64_t now_us)
{
	struct local *l = lock(f);
	struct fleet_transfer *kept = shelf_find(&l->transfers, call_sid, now_us, NULL);

	if (kept) {
		*out = *kept;
		shelf_forget(&l->transfers, kept);
	}
	unlock(l);
	return kept ? 0 : -ENOENT;
}

static void empty_transfer(void *item)
{
	fleet_transfer_free(item);
}

/* ---------------------------------------------------------------------------- keys */

/* Two steps, because the store is asked without the lock: the key is taken in memory first, unsettled,
 * so that a second request with it gets -EAGAIN instead of placing a second call; then the store is
 * asked, and the key settled or given up. Old keys leave memory; the store still knows them. */

/* Under the lock: -EEXIST, -EAGAIN, or 0 if it is ours as far as memory goes. */
static int take_in_memory(
    struct local *l, const char *key, const struct fleet_key *mine, struct fleet_key *holder, int64_t wall_ms)
{
	struct taken_key *kept = shelf_find(&l->keys, key, wall_ms, NULL);

	if (kept && !kept->settled)
		return -EAGAIN;
	if (kept) {
		*holder = kept->is;
		return -EEXIST;
	}
	kept = shelf_put(&l->keys, key, wall_ms, NULL);
	if (!kept)
		return -EINVAL;
	*kept = (struct taken_key){ .is = *mine, .settled = !l->store };
	return 0;
}

static void found(void *arg, const struct order_row *row)
{
	struct fleet_key *holder = arg;

	snprintf(holder->order, sizeof holder->order, "%s", row->id);
	snprintf(holder->hash, sizeof holder->hash, "%s", row->hash);
}

/* Asks for an earlier use of the key, by an earlier process or long ago: -EEXIST, -EIO, or 0. */
static int look_in_store(struct local *l, const char *key, struct fleet_key *holder, int64_t wall_ms)
{
	int err = store_order_by_key(l->store, key, wall_ms - FLEET_KEY_S * INT64_C(1000), found, holder);

	return err == -ENOENT ? 0 : err ? err : -EEXIST;
}

static void key_drop(struct fleet *f, const char *key, const char *order)
{
	struct local *l = lock(f);
	struct taken_key *kept = shelf_find(&l->keys, key, 0, NULL);

	if (kept && !strcmp(kept->is.order, order))
		shelf_forget(&l->keys, kept);
	unlock(l);
}

static int key_take(
    struct fleet *f, const char *key, const struct fleet_key *mine, struct fleet_key *holder, int64_t wall_ms)
{
	struct local *l = lock(f);
	int err = take_in_memory(l, key, mine, holder, wall_ms);
	struct taken_key *kept;

	unlock(l);
	if (err || !l->store)
		return err;
	err = look_in_store(l, key, holder, wall_ms);
	if (err) { /* the store knows the key, or cannot be asked: memory lets go of it */
		key_drop(f, key, mine->order);
		return err;
	}
	lock(f);
	kept = shelf_find(&l->keys, key, wall_ms, NULL);
	if (kept)
		kept->settled = true;
	unlock(l);
	return 0;
}

/* ---------------------------------------------------------------------------- days */

/* Under the lock. Makes `day` the newest; days passed over without a call cost nothing, and those
 * before them keep their news. A clock that is set back changes nothing: costs are booked on the
 * newest day then. */
static void turn_to(struct local *l, int64_t day)
{
	if (day - l->day > FLEET_DAYS)
		l->day = day - FLEET_DAYS;
	while (l->day < day) {
		l->day++;
		l->usd[l->day % FLEET_DAYS] = 0;
		l->news[l->day % FLEET_DAYS] = false;
	}
}

static void day_add(struct fleet *f, int64_t day, double usd)
{
	struct local *l = lock(f);

	turn_to(l, day);
	l->usd[l->day % FLEET_DAYS] += usd;
	l->news[l->day % FLEET_DAYS] = true;
	unlock(l);
}

static void day_sums(struct fleet *f, int64_t today, double usd[FLEET_DAYS])
{
	struct local *l = lock(f);

	turn_to(l, today);
	for (int64_t back = 0; back < FLEET_DAYS; back++)
		usd[back] = l->usd[(l->day - back) % FLEET_DAYS];
	unlock(l);
}

/* The sums are taken under the lock and written outside it. Not today's alone: what was booked just
 * before midnight is written after it. */
static void write_days(struct fleet *f)
{
	struct local *l = lock(f);
	int64_t today = l->day;
	double usd[FLEET_DAYS];
	bool news[FLEET_DAYS];

	memcpy(usd, l->usd, sizeof usd);
	memcpy(news, l->news, sizeof news);
	memset(l->news, 0, sizeof l->news);
	unlock(l);
	for (int64_t day = today - FLEET_DAYS + 1; day <= today; day++) {
		char date[CLOCK_DATE_SIZE];

		if (!news[day % FLEET_DAYS])
			continue;
		clock_date(day, date, sizeof date);
		store_day_put(l->store, date, usd[day % FLEET_DAYS]);
	}
}

/* At start. A store that cannot be read is no reason to refuse calls. */
static void read_days(struct local *l)
{
	int err = 0;

	for (int64_t day = l->day - FLEET_DAYS + 1; day <= l->day && l->store && err != -EIO; day++) {
		char date[CLOCK_DATE_SIZE];

		clock_date(day, date, sizeof date);
		err = store_day(l->store, date, &l->usd[day % FLEET_DAYS]);
	}
	if (err == -EIO)
		log_error("cost", "what was spent before cannot be read: MAX_DAY_COST counts from now");
}

/* ---------------------------------------------------------------------- the whole */

static void tend(struct fleet *f, int64_t now_us)
{
	struct local *l = (struct local *)f;

	if (now_us < l->tended_us + TEND_US)
		return;
	l->tended_us = now_us;
	write_days(f);
}

static void close_all(struct fleet *f)
{
	struct local *l = (struct local *)f;
	struct shelf *const shelves[] = { &l->tokens, &l->endings, &l->transfers, &l->keys };

	if (!f)
		return;
	write_days(f);
	for (size_t i = 0; i < sizeof shelves / sizeof *shelves; i++)
		shelf_close(shelves[i]);
	callers_close(&l->callers);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static const struct fleet_ops local_ops = {
	.announce = announce,
	.withdraw = withdraw,
	.claim = claim,
	.ending_put = ending_put,
	.ending_get = ending_get,
	.endings_unasked = endings_unasked,
	.ending_ever = local_ending_ever,
	.caller_enter = local_caller_enter,
	.caller_leave = local_caller_leave,
	.transfer_put = transfer_put,
	.transfer_said = transfer_said,
	.transfer_number = transfer_number,
	.transfer_take = transfer_take,
	.interrupted = local_interrupted,
	.key_take = key_take,
	.key_drop = key_drop,
	.day_add = day_add,
	.day_sums = day_sums,
	.tend = tend,
	.close = close_all,
};

int fleet_local_open(struct fleet **out, struct store *store, int max_calls)
{
	struct local *l = calloc(1, sizeof *l);
	size_t calls = (size_t)max_calls;

	if (!l)
		return -ENOMEM;
	l->fleet.ops = &local_ops;
	l->store = store;
	l->day = clock_day(clock_wall_ms());
	pthread_mutex_init(&l->lock, NULL);
	l->tokens = (struct shelf){ .room = calls + TOKENS_SPARE,
		.key_size = FLEET_TOKEN_SIZE,
		.item_size = FOREIGN_ID_SIZE,
		.keep = FLEET_TOKEN_US };
	l->endings = (struct shelf){ .room = ENDINGS_MIN + ENDINGS_PER_CALL * calls,
		.key_size = FOREIGN_ID_SIZE,
		.item_size = sizeof(struct fleet_ending),
		.keep = INT64_MAX };
	l->transfers = (struct shelf){ .room = FLEET_LOCAL_TRANSFERS,
		.key_size = FOREIGN_ID_SIZE,
		.item_size = sizeof(struct fleet_transfer),
		.keep = FLEET_TRANSFER_US,
		.empty = empty_transfer };
	l->keys = (struct shelf){ .room = KEYS,
		.key_size = FLEET_KEY_SIZE,
		.item_size = sizeof(struct taken_key),
		.keep = FLEET_KEY_S * INT64_C(1000) };
	if (shelf_open(&l->tokens) || shelf_open(&l->endings) || shelf_open(&l->transfers) || shelf_open(&l->keys) ||
	    callers_open(&l->callers, CALLERS_ROOM, 2 * calls + CALLS_SPARE)) {
		close_all(&l->fleet);
		return -ENOMEM;
	}
	read_days(l);
	*out = &l->fleet;
	return 0;
}
