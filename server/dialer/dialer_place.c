/* Takes orders, each once.
 *
 * A client that lost our answer repeats its request, perhaps to another instance. With an
 * Idempotency-Key it gets the state of the first order; without one it has placed a
 * second. The fleet knows the order of a key; list and store know the order's state.
 */
#include "server/dialer/dialer_place.h"

#include "common/digest.h"
#include "common/log.h"
#include "server/dialer/dialer_private.h"
#include "server/store/store.h"
#include "server/store/store_orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WAITING_MAX = 2, /* HTTP workers that may wait for Twilio's answer … */
	WAIT_S = 4,      /* … for so long */
	FLUSH_MS = 2000,
	KEY_TRIES = 200, /* looks at a key that somebody is taking at this moment … */
	KEY_NAP_MS = 20, /* … with this pause */
	ANSWER_BODY_MAX = 64 * 1024
};

#define NO_DISK "no_disk" /* a reason, never written down */

/* ------------------------------------------------------------------------- the list */

/* All of these under the lock. */

static struct order *find_key(struct dialer *o, const char *key)
{
	int64_t since = clock_wall_ms() - FLEET_KEY_S * INT64_C(1000);

	for (struct order *e = order_first(o); e; e = order_next(e))
		if (e->key && !strcmp(e->key, key) && e->created_ms > since)
			return e;
	return NULL;
}

/* The fleet may forget the order's key: nothing was placed, or the store has it. */
static void drop_key(struct dialer *o, const struct order *e)
{
	if (e->key)
		o->fleet->ops->key_drop(o->fleet, e->key, e->id);
}

/* Makes room in the list: the oldest order that is over goes. The store has it. */
static bool make_room(struct dialer *o)
{
	struct order *e = order_first(o);

	if (o->list.count < OUT_QUEUE_MAX + OUT_KEPT)
		return true;
	while (e && (order_open(e) || e->due.taken || e->busy || e->waiting))
		e = order_next(e);
	if (!e)
		return false;
	due_list_remove(&o->list, &e->due);
	drop_key(o, e);
	order_free(e);
	return true;
}

/* --------------------------------------------------------------------- taking orders */

static struct order *order_new(const struct dialer_ask *ask)
{
	struct order *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->request = cJSON_Duplicate(ask->request, true);
	e->key = ask->key ? strdup(ask->key) : NULL;
	snprintf(e->id, sizeof e->id, "out_");
	random_hex(e->id + 4, 12);
	snprintf(e->hash, sizeof e->hash, "%s", ask->hash);
	e->created_ms = clock_wall_ms();
	e->reason = "";
	if (e->request && (e->key || !ask->key))
		return e;
	order_free(e);
	return NULL;
}

static bool undecided(const struct order *e)
{
	return e->state.phase == PHASE_QUEUED || e->state.phase == PHASE_ASKING || e->state.phase == PHASE_UNSURE;
}

/* Under the lock, which the wait gives up. Twilio usually answers within WAIT_S, so a
 * wrong number is refused in the reply itself; after that the order is reported as it
 * is. Further workers do not wait: some must be left for Twilio's webhooks. */
static void wait_for_word(struct dialer *o, struct order *e)
{
	struct timespec until;

	if (o->waiting >= WAITING_MAX)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_S;
	o->waiting++;
	e->waiting++;
	while (undecided(e) && !o->closing && !o->draining && !pthread_cond_timedwait(&o->changed, &o->lock, &until))
		;
	e->waiting--;
	o->waiting--;
}

static void fill_answer(const struct order *e, enum dialer_verdict verdict, struct dialer_reply *out)
{
	out->verdict = verdict;
	snprintf(out->id, sizeof out->id, "%s", e->id);
	out->code = e->code;
	out->status = e->http;
	snprintf(out->message, sizeof out->message, "%s", e->message);
	order_json(e, false, &out->json);
}

/* The reply to a repetition, from what became of the order. */
static void answer_again(const struct order *e, const struct dialer_ask *ask, struct dialer_reply *out)
{
	if (strcmp(e->hash, ask->hash))
		out->verdict = DIALER_CONFLICT;
	else if (!strcmp(e->reason, NO_DISK))
		out->verdict = DIALER_NO_DISK;
	else if (e->state.phase == PHASE_FAILED && !strcmp(e->reason, "twilio_refused"))
		fill_answer(e, DIALER_REFUSED, out);
	else
		fill_answer(e, DIALER_KNOWN, out);
}

/* Under the lock. The order of that key, in this process. */
static void answer_known(struct dialer *o, struct order *e, const struct dialer_ask *ask, struct dialer_reply *out)
{
	if (!strcmp(e->hash, ask->hash))
		wait_for_word(o, e);
	answer_again(e, ask, out);
	if (!e->waiting && !order_open(e) && !e->told)
		order_changed(o, e); /* while we waited its end was not told */
}

/* Under the lock, which it leaves meanwhile. 0: the key belongs to `mine` from now on.
 * -EEXIST: it stands for `*holder`, which an earlier process or another instance took.
 * -EAGAIN: look into the list again. Other errors: nobody can say. */
static int ask_fleet(struct dialer *o, const struct order *mine, struct order **holder, bool *same_body)
{
	struct fleet_key key, held;
	int err;

	snprintf(key.order, sizeof key.order, "%s", mine->id);
	snprintf(key.hash, sizeof key.hash, "%s", mine->hash);
	pthread_mutex_unlock(&o->lock);
	err = o->fleet->ops->key_take(o->fleet, mine->key, &key, &held, clock_wall_ms());
	*holder = err == -EEXIST ? order_by_name(o, held.order) : NULL;
	pthread_mutex_lock(&o->lock);
	*same_body = err != -EEXIST || !strcmp(held.hash, mine->hash);
	/* Taken by an order that is not visible yet: it is being placed just now. */
	if (err == -EEXIST && (find_key(o, mine->key) || (!*holder && *same_body)))
		return -EAGAIN;
	return err;
}

static void nap(struct dialer *o)
{
	struct timespec until;
	int64_t at = clock_now_us() + KEY_NAP_MS * US_PER_MS;

	until = (struct timespec){ .tv_sec = at / US_PER_S, .tv_nsec = at % US_PER_S * 1000 };
	pthread_cond_timedwait(&o->changed, &o->lock, &until);
}

/* Under the lock, which it leaves meanwhile. True: the key is new, and belongs to `mine`
 * from now on. False: the reply is in `out`. */
static bool take_key(struct dialer *o, const struct dialer_ask *ask, const struct order *mine, struct dialer_reply *out)
{
	struct order *e = NULL;
	bool same_body = true;
	int err = -EAGAIN;

	for (int i = 0; i < KEY_TRIES && err == -EAGAIN; i++) {
		if ((e = find_key(o, mine->key))) {
			answer_known(o, e, ask, out);
			return false;
		}
		if (i)
			nap(o);
		err = ask_fleet(o, mine, &e, &same_body);
		if (err == -EAGAIN) {
			order_free(e);
			e = NULL;
		}
	}
	if (!err)
		return true;
	if (err == -EEXIST && e) {
		answer_again(e, ask, out);
	} else if (!same_body) {
		out->verdict = DIALER_CONFLICT;
	} else {
		/* The key may be used, and its call must not be placed twice. */
		log_warn("outbound", "a call is refused: whether its Idempotency-Key is new cannot be read");
		out->verdict = DIALER_NO_DISK;
	}
	order_free(e);
	return false;
}

/* Under the lock, which it leaves while the disk is busy. */
static bool write_down(struct dialer *o, struct order *e)
{
	int err = 0;

	order_write(o, e);
	e->busy++; /* so it is not due yet */
	if (o->store) {
		pthread_mutex_unlock(&o->lock);
		err = store_flush(o->store, FLUSH_MS);
		pthread_mutex_lock(&o->lock);
	}
	e->busy--;
	return !err;
}

/* Undoes an order that could not be stored: its key may be used again. A repetition that
 * found it meanwhile sees NO_DISK. */
static void take_back(struct dialer *o, struct order *e)
{
	store_order_erase(o->store, e->id);
	e->state.phase = PHASE_FAILED;
	e->status = OUT_FAILED;
	e->reason = NO_DISK;
	e->told = true;
	drop_key(o, e);
	free(e->key);
	e->key = NULL;
	pthread_cond_broadcast(&o->changed);
	log_warn("outbound", "a call is refused: it cannot be written down");
}

/* Under the lock, which it leaves while it waits. The order enters the list first, so
 * that the same key finds it. It is stored before Twilio may be asked. Then Twilio's
 * answer is waited for. `waiting` keeps its end for this reply: a refusal is told here,
 * and not by a webhook as well. */
static void place(struct dialer *o, struct order *e, struct dialer_reply *out)
{
	due_put(&o->due, &e->due);
	e->waiting++;
	out_day_add(&o->day, 1, clock_wall_ms());
	if (!write_down(o, e)) {
		take_back(o, e);
		out_day_add(&o->day, -1, clock_wall_ms());
		e->waiting--;
		out->verdict = DIALER_NO_DISK;
		return;
	}
	o->placed++;
	due_wake(&o->due);
	wait_for_word(o, e);
	e->waiting--;
	if (e->state.phase == PHASE_FAILED && !strcmp(e->reason, "twilio_refused")) {
		e->told = true; /* by this reply */
		order_write(o, e);
		fill_answer(e, DIALER_REFUSED, out);
		return;
	}
	fill_answer(e, DIALER_PLACED, out);
	if (!order_open(e) && !e->told)
		order_changed(o, e);
}

/* Under the lock. A client that goes on asking is told so each time, and the log now and then. */
static bool day_is_full(struct dialer *o, struct dialer_reply *out)
{
	static struct log_kind lines;
	int64_t now_ms = clock_wall_ms();
	unsigned more;

	if (!o->cfg->outbound_max_day || out_day_count(&o->day, now_ms) < o->cfg->outbound_max_day)
		return false;
	o->over_day++;
	out->verdict = DIALER_DAY_FULL;
	out->retry_after_s = out_day_left_s(now_ms);
	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_warn("outbound", "a call is refused: the day has had OUTBOUND_MAX_DAY calls; max=%d more_before=%u",
		    o->cfg->outbound_max_day, more);
	return true;
}

void dialer_place(struct dialer *o, const struct dialer_ask *ask, struct dialer_reply *out)
{
	struct order *e = order_new(ask);

	memset(out, 0, sizeof *out);
	buf_init(&out->json, ANSWER_BODY_MAX);
	if (!e) {
		out->verdict = DIALER_NO_MEMORY;
		return;
	}
	pthread_mutex_lock(&o->lock);
	if (e->key && !take_key(o, ask, e, out)) {
		order_free(e);
	} else if (o->draining || o->closing || orders_open(o) >= OUT_QUEUE_MAX || !make_room(o)) {
		out->verdict = o->draining || o->closing ? DIALER_DRAINING : DIALER_FULL;
		drop_key(o, e);
		order_free(e);
	} else if (day_is_full(o, out)) {
		drop_key(o, e);
		order_free(e);
	} else {
		place(o, e, out);
	}
	pthread_mutex_unlock(&o->lock);
}

void dialer_reply_free(struct dialer_reply *answer)
{
	buf_free(&answer->json);
}
