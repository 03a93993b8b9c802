/* The queue: who may be asked for now, what has become of whom. */
#include "server/dialer/dialer.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/dialer/dialer_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	THREADS = 4,               /* requests under way at once */
	ROOM_US = 500 * US_PER_MS, /* how often it is looked whether a line is free */
	STALE_US = 60 * US_PER_S,  /* no news for so long: ask what has become of it */
	SOON_US = 3 * US_PER_S     /* the same after a start */
};

/* ---------------------------------------------------------------------- small parts */

/* All of these under the lock. */

struct order *order_find(struct dialer *o, const char *name)
{
	for (size_t i = o->count; name && *name && i--;)
		if (!strcmp(o->list[i]->id, name) || !strcmp(o->list[i]->call_sid, name))
			return o->list[i];
	return NULL;
}

size_t orders_open(const struct dialer *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->count; i++)
		n += order_open(o->list[i]);
	return n;
}

/* Calls made, or about to be, that are not in the table of calls yet. */
static int outstanding(const struct dialer *o)
{
	int n = 0;

	for (size_t i = 0; i < o->count; i++) {
		const struct order *e = o->list[i];

		n += order_open(e) && !e->answered && e->state.phase != PHASE_QUEUED;
	}
	return n;
}

static bool has_room(const struct dialer *o)
{
	return !o->hooks.room || outstanding(o) < o->hooks.room(o->hooks.arg);
}

/* --------------------------------------------------------------------------- the end */

struct notice {
	char name[OUT_ID_SIZE];
	char *agent;
	struct buf details;
};

/* Under the lock. True if somebody is to be told that it is over. */
static bool take_notice(struct order *e, struct notice *n)
{
	if (order_open(e) || e->told)
		return false;
	e->told = true;
	if (e->answered)
		return false; /* the table of calls tells */
	snprintf(n->name, sizeof n->name, "%s", e->call_sid[0] ? e->call_sid : e->id);
	n->agent = strdup(order_text(e, "agent") ? order_text(e, "agent") : "");
	buf_init(&n->details, 0);
	order_call_json(e, clock_wall_ms(), &n->details);
	return true;
}

static void send_notice(struct dialer *o, struct notice *n)
{
	if (o->hooks.over && n->agent && !buf_error(&n->details))
		o->hooks.over(o->hooks.arg, n->name, n->agent, buf_text(&n->details));
	free(n->agent);
	buf_free(&n->details);
}

/* Leaves the lock for a moment if it is over. An order that somebody waits for
 * is told to them. */
void order_changed(struct dialer *o, struct order *e)
{
	struct notice notice;
	bool tell = !e->waiting && take_notice(e, &notice);

	/* Told, then written down as told: a process that dies in between tells once
	 * more, and does not forget it. */
	if (tell) {
		e->busy++; /* so that it stays */
		pthread_mutex_unlock(&o->lock);
		send_notice(o, &notice);
		pthread_mutex_lock(&o->lock);
		e->busy--;
	}
	order_write(o, e);
	pthread_cond_broadcast(&o->changed);
	pthread_cond_signal(&o->wake);
}

static void give_up(struct dialer *o, struct order *e, enum out_status status, const char *reason, const char *words)
{
	e->state.phase = PHASE_FAILED;
	e->status = status;
	e->reason = reason;
	if (words)
		snprintf(e->message, sizeof e->message, "%s", words);
	log_warn("outbound", "a call is not placed: %s; id=%s", reason, e->id);
	order_changed(o, e);
}

/* ------------------------------------------------------------------------- the thread */

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool expired(const struct order *e)
{
	return clock_wall_ms() > e->created_ms + OUT_EXPIRE_S * INT64_C(1000);
}

/* When to look at it again. */
static int64_t step_queued(struct dialer *o, struct order *e, int64_t now, bool *blocked)
{
	if (e->cancel) {
		o->canceled++;
		give_up(o, e, OUT_CANCELED, "canceled", "canceled before Twilio was asked");
		return NEVER_US;
	}
	if (expired(e)) {
		o->expired++;
		give_up(o, e, OUT_FAILED, "expired", "the call could not be placed within half an hour");
		return NEVER_US;
	}
	if (o->draining || *blocked)
		return NEVER_US;
	if (e->state.due_us > now)
		return e->state.due_us;
	*blocked = true; /* those behind it wait their turn */
	if (out_bucket_due(&o->bucket) > now)
		return out_bucket_due(&o->bucket);
	if (!has_room(o))
		return now + ROOM_US;
	if (!ask_begin(o, e, ASK_CREATE))
		return now + ROOM_US;
	out_bucket_take(&o->bucket, now);
	return now; /* the next one's turn */
}

static int64_t step_made(struct dialer *o, struct order *e, int64_t now)
{
	if (out_status_final(e->status) || !e->call_sid[0])
		return NEVER_US;
	if (e->cancel && !e->cancelled) {
		if (now < e->state.due_us)
			return e->state.due_us;
		return ask_begin(o, e, ASK_END) ? NEVER_US : now + ROOM_US;
	}
	if (now < e->heard_us + STALE_US)
		return e->heard_us + STALE_US;
	return ask_begin(o, e, ASK_FETCH) ? NEVER_US : now + ROOM_US;
}

static int64_t step(struct dialer *o, struct order *e, int64_t now, bool *blocked)
{
	if (e->busy)
		return NEVER_US;
	switch (e->state.phase) {
	case PHASE_QUEUED:
		return step_queued(o, e, now, blocked);
	case PHASE_UNSURE:
		if (now < e->state.due_us)
			return e->state.due_us;
		return ask_begin(o, e, ASK_SEARCH) ? NEVER_US : now + ROOM_US;
	case PHASE_MADE:
		return step_made(o, e, now);
	case PHASE_ASKING:
	case PHASE_FAILED:
		break;
	}
	return NEVER_US;
}

static void sleep_until(struct dialer *o, int64_t due_us)
{
	struct timespec until = { .tv_sec = due_us / US_PER_S, .tv_nsec = due_us % US_PER_S * 1000 };

	if (due_us == NEVER_US)
		pthread_cond_wait(&o->wake, &o->lock);
	else if (due_us > clock_now_us())
		pthread_cond_timedwait(&o->wake, &o->lock, &until);
}

static void *decide(void *arg)
{
	struct dialer *o = arg;

	pthread_mutex_lock(&o->lock);
	while (!o->closing) {
		int64_t now = clock_now_us(), due = NEVER_US;
		bool blocked = false;

		/* By index: an order may be taken out while the lock is left. */
		for (size_t i = 0; i < o->count && !o->closing; i++)
			due = sooner(due, step(o, o->list[i], now, &blocked));
		if (!o->closing)
			sleep_until(o, due);
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

/* -------------------------------------------------------------------- opening, closing */

/* What the process before us left: what it may have asked for is searched. */
static void take_up(struct dialer *o)
{
	int64_t now = clock_now_us();

	for (size_t i = 0; i < o->count; i++) {
		struct order *e = o->list[i];

		e->heard_us = now - STALE_US + SOON_US;
		if (e->state.phase == PHASE_ASKING || e->state.phase == PHASE_UNSURE)
			out_lost_sight(&e->state, now);
	}
	if (o->count)
		log_info("outbound", "taken up where the last process left; calls=%zu", o->count);
}

static int open_threads(struct dialer *o)
{
	pthread_condattr_t attr;
	int err;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->wake, &attr);
	pthread_cond_init(&o->changed, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&o->lock, NULL);
	err = jobs_open(&o->jobs, "twilio", THREADS, 2 * THREADS);
	if (err)
		return err;
	twilio_from_config(&o->twilio, o->cfg, jobs_cancel(o->jobs));
	take_up(o);
	err = -pthread_create(&o->thread, NULL, decide, o);
	o->running = !err;
	return err;
}

int dialer_open(struct dialer **out, const struct config *cfg, struct store *store, const struct dialer_hooks *hooks)
{
	struct dialer *o = calloc(1, sizeof *o);
	int err = -ENOMEM;

	if (!o)
		return -ENOMEM;
	o->cfg = cfg;
	o->store = store;
	o->hooks = *hooks;
	o->bucket.per_second = cfg->outbound_cps;
	o->list = calloc(OUT_QUEUE_MAX + OUT_KEPT, sizeof(struct order *));
	if (o->list) {
		if (orders_load(o))
			log_error("outbound", "the orders of the last process cannot be read");
		err = open_threads(o);
	}
	if (err) {
		dialer_close(o);
		return err;
	}
	*out = o;
	return 0;
}

void dialer_drain(struct dialer *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->draining = true;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->lock);
}

void dialer_close(struct dialer *o)
{
	if (!o)
		return;
	if (o->running) {
		pthread_mutex_lock(&o->lock);
		o->closing = true;
		pthread_cond_broadcast(&o->wake);
		pthread_cond_broadcast(&o->changed);
		pthread_mutex_unlock(&o->lock);
		pthread_join(o->thread, NULL);
	}
	jobs_close(o->jobs);
	if (!o->store && orders_open(o))
		log_warn("outbound", "forgotten without DATA_DIR; calls=%zu", orders_open(o));
	for (size_t i = 0; o->list && i < o->count; i++)
		order_free(o->list[i]);
	free(o->list);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
