/* The queue of orders: their turns, their changes and their ends.
 *
 * An order is placed (dialer_place.c) and then belongs to the due-queue. When it is due,
 * one job asks Twilio one thing about it (dialer_ask.c), takes the answer and lets it
 * go. Twilio's own news come in between, on other threads (dialer_news.c). Every change
 * of an order ends with order_changed. An order that is over stays in the list, never
 * due, so that it is found by its id, its CallSid and its key, until there are too many.
 */
#include "server/dialer/dialer.h"

#include "common/log.h"
#include "server/dialer/dialer_private.h"
#include "server/store/store_orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	THREADS = 4,               /* requests under way at once */
	ROOM_US = 500 * US_PER_MS, /* between two looks for a free line */
	STALE_US = 60 * US_PER_S,  /* without news for so long: Twilio is asked for the state */
	SOON_US = 3 * US_PER_S     /* the same after a start */
};

/* ---------------------------------------------------------------------- small parts */

/* All of these under the lock. */

struct order *order_find(struct dialer *o, const char *name)
{
	for (struct order *e = order_first(o); name && *name && e; e = order_next(e))
		if (!strcmp(e->id, name) || !strcmp(e->call_sid, name))
			return e;
	return NULL;
}

size_t orders_open(const struct dialer *o)
{
	size_t n = 0;

	for (const struct order *e = order_first(o); e; e = order_next(e))
		n += order_open(e);
	return n;
}

/* How many calls are made, or about to be, and need a line when they are answered. The
 * table of calls does not know of them yet. */
static int outstanding(const struct dialer *o)
{
	int n = 0;

	for (const struct order *e = order_first(o); e; e = order_next(e))
		n += order_open(e) && !e->answered && e->state.phase != PHASE_QUEUED;
	return n;
}

/* A no is kept for ROOM_US or until an order changes: counting all orders for each of
 * them would take too long. */
static bool has_room(struct dialer *o, int64_t now)
{
	if (now < o->room_us)
		return false;
	if (!o->hooks.room || outstanding(o) < o->hooks.room(o->hooks.arg))
		return true;
	o->room_us = now + ROOM_US;
	return false;
}

/* --------------------------------------------------------------------------- the end */

struct notice {
	char name[FOREIGN_ID_SIZE];
	struct call_summary call;
};

/* Under the lock. True: the order is over, and the notice of it is to be sent, once. */
static bool take_notice(struct order *e, struct notice *n)
{
	if (order_open(e) || e->told)
		return false;
	e->told = true;
	if (e->answered)
		return false; /* the table of calls tells */
	snprintf(n->name, sizeof n->name, "%s", e->call_sid[0] ? e->call_sid : e->id);
	order_summarize(e, clock_wall_ms(), &n->call);
	return true;
}

static void send_notice(struct dialer *o, struct notice *n)
{
	if (o->hooks.over && n->call.agent && n->call.order)
		o->hooks.over(o->hooks.arg, n->name, &n->call);
	call_summary_free(&n->call);
}

/* Under the lock. Twilio may be making the call: it reserves. News may prove so of an order
 * that had been given up, or of one of an earlier process. */
static void mind_hold(struct dialer *o, struct order *e)
{
	bool under_way = order_open(e) && e->state.phase != PHASE_QUEUED;

	if (under_way && !e->answered && !e->hold.live)
		spending_reserve(o->spending, order_text(e, "agent"), true, &e->hold, NULL);
	else if (!under_way)
		spending_settle(o->spending, &e->hold, NULL);
}

/* Under the lock, which it leaves for a moment if the order is over. The end of an order
 * that POST /calls waits for is left to its reply (dialer_place.c). */
void order_changed(struct dialer *o, struct order *e)
{
	struct notice notice;
	bool tell = !e->waiting && take_notice(e, &notice);

	mind_hold(o, e);
	/* It is told, then stored as told. A process that dies in between makes the
	 * next one tell it again; the other way round it would be forgotten. */
	if (tell) {
		e->busy++; /* so that it stays in the list */
		pthread_mutex_unlock(&o->lock);
		send_notice(o, &notice);
		pthread_mutex_lock(&o->lock);
		e->busy--;
	}
	order_write(o, e);
	pthread_cond_broadcast(&o->changed);
	o->room_us = 0;
	due_wake(&o->due);
}

/* --------------------------------------------------------------- the queue's policy */

/* Rate and lines are the same for all orders: without room for one there is none for
 * those behind it. */
static int64_t creation_due(struct dialer *o, const struct order *e, int64_t now)
{
	int64_t due = later(e->state.due_us, out_bucket_due(&o->bucket));

	if (o->draining)
		return NEVER_US;
	return due > now || has_room(o, now) ? due : o->room_us;
}

/* The next request decides the time. A creation waits for the rate and for a line, a
 * search for Twilio's list to show the call, a look at a call for news that should
 * have come. An order that another thread uses is not due. */
static int64_t due_us(struct dialer *o, const struct order *e, int64_t now)
{
	if (e->busy || !order_open(e))
		return NEVER_US;
	switch (ask_kind_of(e)) {
	case ASK_NOTHING:
		return e->state.phase == PHASE_QUEUED ? now : NEVER_US;
	case ASK_LATER:
	case ASK_CREATE:
		return creation_due(o, e, now);
	case ASK_SEARCH:
	case ASK_END:
		return e->state.due_us;
	case ASK_FETCH:
		return e->heard_us + STALE_US;
	}
	return NEVER_US;
}

static int64_t clock_ms(void)
{
	return clock_now_us() / US_PER_MS;
}

static int64_t when(void *owner, const struct due_item *item, int64_t now_ms)
{
	int64_t due = due_us(owner, (const struct order *)item, now_ms * US_PER_MS);

	return due == NEVER_US ? INT64_MAX : (due + US_PER_MS - 1) / US_PER_MS;
}

static bool put(void *owner, struct due_item *item)
{
	struct dialer *o = owner;

	if (order_find(o, ((struct order *)item)->id))
		return false;
	item->seq = ++o->last_seq;
	due_list_put(&o->list, item);
	mind_hold(o, (struct order *)item);
	return true;
}

static void free_item(struct due_item *item)
{
	order_free((struct order *)item);
}

/* An order that an earlier process left. If Twilio may have been asked, its call is
 * searched. If it was made, its state is asked for soon: news may have come meanwhile. */
static void take_up(struct dialer *o, struct order *e)
{
	int64_t now = clock_now_us();

	e->heard_us = now - STALE_US + SOON_US;
	if (e->state.phase == PHASE_ASKING || e->state.phase == PHASE_UNSURE)
		out_lost_sight(&e->state, now);
	due_found(&o->due, &e->due);
}

/* A store that cannot be read is asked again and again; that is told once. */
static int read_orders(void *owner, int64_t seq, size_t room)
{
	struct dialer *o = owner;
	int count = orders_load(o, take_up);

	(void)seq, (void)room; /* all open orders are held in memory */
	if (count < 0 && !o->unreadable)
		log_error("outbound", "the orders of the last process cannot be read");
	else if (count > 0)
		log_info("outbound", "taken up where the last process left; calls=%d", count);
	o->unreadable = count < 0;
	return count;
}

static const struct due_policy policy = {
	.name = "dialer",
	.clock_ms = clock_ms,
	.when = when,
	.work = ask_work,
	.put = put,
	.free = free_item,
	.taken = ask_taken,
	.dropped = ask_dropped,
	.read = read_orders,
};

/* -------------------------------------------------------------------- opening, closing */

/* What earlier processes placed counts, as far as there is a store. */
static void count_today(struct dialer *o)
{
	int64_t now_ms = clock_wall_ms();
	int count = o->store ? store_orders_since(o->store, out_day_begin_ms(now_ms)) : 0;

	if (count < 0)
		log_error("outbound", "how many calls were placed today cannot be read: they are counted from none on");
	else
		out_day_add(&o->day, count, now_ms);
}

int dialer_open(struct dialer **out, const struct config *cfg, struct store *store, struct fleet *fleet,
    struct spending *spending, const struct dialer_hooks *hooks)
{
	struct dialer *o = calloc(1, sizeof *o);
	pthread_condattr_t attr;
	int err;

	if (!o)
		return -ENOMEM;
	o->cfg = cfg;
	o->store = store;
	o->fleet = fleet;
	o->spending = spending;
	o->hooks = *hooks;
	o->bucket.per_second = cfg->outbound_cps;
	count_today(o);
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->changed, &attr);
	pthread_condattr_destroy(&attr);
	err = jobs_open(&o->jobs, "twilio", THREADS, THREADS);
	if (!err) {
		twilio_from_config(&o->twilio, cfg, jobs_cancel(o->jobs));
		o->due.policy = &policy;
		o->due.owner = o;
		o->due.lock = &o->lock;
		o->due.list = &o->list;
		o->due.jobs = o->jobs;
		o->due.at_once = THREADS;
		o->due.stored = store;
		o->due.held = o->due.held_bytes = SIZE_MAX;
		err = due_open(&o->due);
	}
	if (err) {
		dialer_close(o);
		return err;
	}
	*out = o;
	return 0;
}

static void set_and_wake(struct dialer *o, bool *flag)
{
	pthread_mutex_lock(&o->lock);
	*flag = true;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->lock);
}

void dialer_drain(struct dialer *o)
{
	if (o)
		set_and_wake(o, &o->draining);
}

void dialer_close(struct dialer *o)
{
	if (!o)
		return;
	set_and_wake(o, &o->closing);
	/* In this order: no new request begins; those under way are cancelled, and their
	 * jobs store the state; then the orders are freed. */
	due_stop(&o->due);
	jobs_close(o->jobs);
	if (!o->store && orders_open(o))
		log_warn("outbound", "forgotten without DATA_DIR; calls=%zu", orders_open(o));
	due_close(&o->due);
	pthread_cond_destroy(&o->changed);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
