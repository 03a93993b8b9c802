/* The queue: who may be asked for now, what has become of whom. */
#include "server/work/outbound.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/json.h"
#include "common/log.h"
#include "server/work/outbound_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	THREADS = 4,     /* requests under way at once */
	WAITING_MAX = 2, /* workers of the HTTP port that may wait for Twilio's word … */
	WAIT_S = 4,      /* … so long */
	KEPT = 1000,     /* orders that are over, in memory */
	FLUSH_MS = 2000,
	ROOM_US = 500 * US_PER_MS, /* how often it is looked whether a line is free */
	STALE_US = 60 * US_PER_S,  /* no news for so long: ask what has become of it */
	SOON_US = 3 * US_PER_S,    /* the same after a start */
	ANSWER_BODY_MAX = 64 * 1024
};

#define NO_DISK "no_disk" /* a reason, never written down */

/* ---------------------------------------------------------------------- small parts */

/* All of these under the lock. */

static struct order *find(struct outbound *o, const char *name)
{
	for (size_t i = o->count; name && *name && i--;)
		if (!strcmp(o->list[i]->id, name) || !strcmp(o->list[i]->call_sid, name))
			return o->list[i];
	return NULL;
}

static struct order *find_key(struct outbound *o, const char *key)
{
	int64_t since = clock_wall_ms() - OUT_KEY_S * INT64_C(1000);

	for (size_t i = o->count; i--;)
		if (o->list[i]->key && !strcmp(o->list[i]->key, key) && o->list[i]->created_ms > since)
			return o->list[i];
	return NULL;
}

static size_t open_orders(const struct outbound *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->count; i++)
		n += order_open(o->list[i]);
	return n;
}

/* Room in the list for one more: the oldest that is over goes. The store has it. */
static bool make_room(struct outbound *o)
{
	for (size_t i = 0; o->count >= OUT_QUEUE_MAX + KEPT && i < o->count; i++) {
		struct order *e = o->list[i];

		if (order_open(e) || e->busy || e->waiting)
			continue;
		memmove(&o->list[i], &o->list[i + 1], (o->count - i - 1) * sizeof *o->list);
		o->count--;
		order_free(e);
		break;
	}
	return o->count < OUT_QUEUE_MAX + KEPT;
}

/* Calls made, or about to be, that are not in the table of calls yet. */
static int outstanding(const struct outbound *o)
{
	int n = 0;

	for (size_t i = 0; i < o->count; i++) {
		const struct order *e = o->list[i];

		n += order_open(e) && !e->answered && e->state.phase != PHASE_QUEUED;
	}
	return n;
}

static bool has_room(const struct outbound *o)
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

static void send_notice(struct outbound *o, struct notice *n)
{
	if (o->hooks.over && n->agent && !buf_error(&n->details))
		o->hooks.over(o->hooks.arg, n->name, n->agent, buf_text(&n->details));
	free(n->agent);
	buf_free(&n->details);
}

/* Leaves the lock for a moment if it is over. An order that somebody waits for
 * is told to them. */
void order_changed(struct outbound *o, struct order *e)
{
	struct notice notice;
	bool tell = !e->waiting && take_notice(e, &notice);

	order_write(o, e);
	if (tell) {
		e->busy++; /* so that it stays */
		pthread_mutex_unlock(&o->lock);
		send_notice(o, &notice);
		pthread_mutex_lock(&o->lock);
		e->busy--;
	}
	pthread_cond_broadcast(&o->changed);
	pthread_cond_signal(&o->wake);
}

static void give_up(struct outbound *o, struct order *e, enum out_status status, const char *reason, const char *words)
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
static int64_t step_queued(struct outbound *o, struct order *e, int64_t now, bool *blocked)
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

static int64_t step_made(struct outbound *o, struct order *e, int64_t now)
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

static int64_t step(struct outbound *o, struct order *e, int64_t now, bool *blocked)
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

static void sleep_until(struct outbound *o, int64_t due_us)
{
	struct timespec until = { .tv_sec = due_us / US_PER_S, .tv_nsec = due_us % US_PER_S * 1000 };

	if (due_us == NEVER_US)
		pthread_cond_wait(&o->wake, &o->lock);
	else if (due_us > clock_now_us())
		pthread_cond_timedwait(&o->wake, &o->lock, &until);
}

static void *decide(void *arg)
{
	struct outbound *o = arg;

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

/* ------------------------------------------------------------------------- taking orders */

static struct order *order_new(const struct outbound_ask *ask)
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

/* Under the lock: until Twilio has said something, or the time is up. */
static void wait_for_word(struct outbound *o, struct order *e)
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

static void fill_answer(const struct order *e, enum outbound_verdict verdict, struct outbound_answer *out)
{
	out->verdict = verdict;
	snprintf(out->id, sizeof out->id, "%s", e->id);
	out->code = e->code;
	out->status = e->http;
	snprintf(out->message, sizeof out->message, "%s", e->message);
	order_json(e, false, &out->json);
}

/* The same key again. */
static void answer_again(const struct order *e, const struct outbound_ask *ask, struct outbound_answer *out)
{
	if (strcmp(e->hash, ask->hash))
		out->verdict = OUTBOUND_CONFLICT;
	else if (!strcmp(e->reason, NO_DISK))
		out->verdict = OUTBOUND_NO_DISK;
	else if (e->state.phase == PHASE_FAILED && !strcmp(e->reason, "twilio_refused"))
		fill_answer(e, OUTBOUND_REFUSED, out);
	else
		fill_answer(e, OUTBOUND_KNOWN, out);
}

/* Under the lock. What there is of that key; the store is looked into without. */
static bool known_key(struct outbound *o, const struct outbound_ask *ask, struct outbound_answer *out)
{
	struct order *e = find_key(o, ask->key);

	if (e) {
		if (!strcmp(e->hash, ask->hash))
			wait_for_word(o, e);
		answer_again(e, ask, out);
		if (!e->waiting && !order_open(e) && !e->told)
			order_changed(o, e); /* nobody was told while we waited */
		return true;
	}
	pthread_mutex_unlock(&o->lock);
	e = order_by_key(o, ask->key);
	pthread_mutex_lock(&o->lock);
	if (e)
		answer_again(e, ask, out);
	order_free(e);
	/* Somebody may have come in meanwhile. */
	return out->verdict != OUTBOUND_PLACED || (find_key(o, ask->key) && known_key(o, ask, out));
}

/* Under the lock, which it leaves while the disk is busy. */
static bool write_down(struct outbound *o, struct order *e)
{
	int err = 0;

	order_write(o, e);
	e->busy++; /* not to be asked for yet */
	if (o->store) {
		pthread_mutex_unlock(&o->lock);
		err = store_flush(o->store, FLUSH_MS);
		pthread_mutex_lock(&o->lock);
	}
	e->busy--;
	return !err;
}

/* Not placed, and as if it never had been: its key may be used again. */
static void take_back(struct outbound *o, struct order *e)
{
	order_erase(o, e);
	e->state.phase = PHASE_FAILED;
	e->status = OUT_FAILED;
	e->reason = NO_DISK;
	e->told = true;
	free(e->key);
	e->key = NULL;
	pthread_cond_broadcast(&o->changed);
	log_warn("outbound", "a call is refused: it cannot be written down");
}

static void place(struct outbound *o, struct order *e, struct outbound_answer *out)
{
	o->list[o->count++] = e;
	e->waiting++; /* so that nobody else tells of it */
	if (!write_down(o, e)) {
		take_back(o, e);
		e->waiting--;
		out->verdict = OUTBOUND_NO_DISK;
		return;
	}
	o->placed++;
	pthread_cond_signal(&o->wake);
	wait_for_word(o, e);
	e->waiting--;
	if (e->state.phase == PHASE_FAILED && !strcmp(e->reason, "twilio_refused")) {
		e->told = true; /* whoever asked knows */
		order_write(o, e);
		fill_answer(e, OUTBOUND_REFUSED, out);
		return;
	}
	fill_answer(e, OUTBOUND_PLACED, out);
	if (!order_open(e) && !e->told)
		order_changed(o, e);
}

void outbound_place(struct outbound *o, const struct outbound_ask *ask, struct outbound_answer *out)
{
	struct order *e;

	memset(out, 0, sizeof *out);
	buf_init(&out->json, ANSWER_BODY_MAX);
	pthread_mutex_lock(&o->lock);
	if (ask->key && known_key(o, ask, out)) {
		pthread_mutex_unlock(&o->lock);
		return;
	}
	if (o->draining || o->closing) {
		out->verdict = OUTBOUND_DRAINING;
	} else if (open_orders(o) >= OUT_QUEUE_MAX || !make_room(o)) {
		out->verdict = OUTBOUND_FULL;
	} else if (!(e = order_new(ask))) {
		out->verdict = OUTBOUND_NO_MEMORY;
	} else {
		place(o, e, out);
	}
	pthread_mutex_unlock(&o->lock);
}

void outbound_answer_free(struct outbound_answer *answer)
{
	buf_free(&answer->json);
}

/* ------------------------------------------------------------------------------- news */

/* Under the lock: by our id, and else by Twilio's. An order that is not in
 * memory any more is not in need of news. */
static struct order *of_news(struct outbound *o, const char *id, const char *call_sid)
{
	struct order *e = find(o, id);

	return e ? e : find(o, call_sid);
}

/* Under the lock. That Twilio speaks of it proves that it was made. False: it is
 * another call's id. */
static bool prove(struct outbound *o, struct order *e, const char *call_sid)
{
	if (e->call_sid[0] && strcmp(e->call_sid, call_sid)) {
		o->duplicates++;
		log_error(call_sid, "a second call of the same order; id=%s call=%s", e->id, e->call_sid);
		return false;
	}
	if (e->state.phase != PHASE_MADE) {
		log_info("outbound", "Twilio's news prove that the call was made; id=%s call=%s", e->id, call_sid);
		e->state.phase = PHASE_MADE;
		o->made++;
		e->status = out_status_final(e->status) ? OUT_QUEUED : e->status;
		e->message[0] = '\0';
	}
	snprintf(e->call_sid, sizeof e->call_sid, "%s", call_sid);
	e->heard_us = clock_now_us();
	return true;
}

static cJSON *request_of(const struct order *e)
{
	cJSON *request = cJSON_Duplicate(e->request, true);

	if (request && e->answered_by[0])
		cJSON_AddStringToObject(request, "answered_by", e->answered_by);
	return request;
}

int outbound_answered(struct outbound *o, const char *id, const char *call_sid, cJSON **request)
{
	struct order *e;
	int err = -ENOENT;

	*request = NULL;
	pthread_mutex_lock(&o->lock);
	e = find(o, id);
	if (e) {
		err = prove(o, e, call_sid) ? 0 : -EEXIST;
		if (!err) {
			e->status = out_status_after(e->status, OUT_IN_PROGRESS);
			e->answered = true;
			*request = request_of(e);
			order_changed(o, e);
		}
	}
	pthread_mutex_unlock(&o->lock);
	return !err && !*request ? -ENOENT : err;
}

void outbound_news(struct outbound *o, const char *id, const char *call_sid, const char *status)
{
	int news = out_status_of(status);
	struct order *e;

	if (news < 0)
		return;
	pthread_mutex_lock(&o->lock);
	e = of_news(o, id, call_sid);
	if (e && prove(o, e, call_sid)) {
		enum out_status before = e->status;

		e->status = out_status_after(e->status, (enum out_status)news);
		if (e->status != before)
			log_info(call_sid, "outbound call: %s; id=%s", out_status_name(e->status), e->id);
		order_changed(o, e);
	}
	pthread_mutex_unlock(&o->lock);
}

cJSON *outbound_detected(struct outbound *o, const char *id, const char *call_sid, const char *answered_by)
{
	cJSON *request = NULL;
	struct order *e;

	pthread_mutex_lock(&o->lock);
	e = of_news(o, id, call_sid);
	if (e && prove(o, e, call_sid)) {
		snprintf(e->answered_by, sizeof e->answered_by, "%s", answered_by);
		request = request_of(e);
		order_changed(o, e);
	}
	pthread_mutex_unlock(&o->lock);
	return request;
}

int outbound_cancel(struct outbound *o, const char *name)
{
	struct order *e;
	int err = -ENOENT;

	pthread_mutex_lock(&o->lock);
	e = find(o, name);
	if (e && order_open(e) && !e->answered) {
		e->cancel = true;
		err = 0;
		order_changed(o, e);
	}
	pthread_mutex_unlock(&o->lock);
	return err;
}

/* ---------------------------------------------------------------------------- showing */

static void show(const struct order *e, struct outbound_shown *out)
{
	order_json(e, true, &out->order);
	order_call_json(e, order_open(e) ? 0 : clock_wall_ms(), &out->call);
	snprintf(out->call_sid, sizeof out->call_sid, "%s", e->call_sid);
}

bool outbound_show(struct outbound *o, const char *name, struct outbound_shown *out)
{
	struct order *e;
	bool known;

	memset(out, 0, sizeof *out);
	buf_init(&out->order, 0);
	buf_init(&out->call, 0);
	pthread_mutex_lock(&o->lock);
	e = find(o, name);
	known = e != NULL;
	if (e)
		show(e, out);
	pthread_mutex_unlock(&o->lock);
	if (known)
		return true;
	e = order_by_name(o, name);
	known = e != NULL;
	if (e)
		show(e, out);
	order_free(e);
	return known;
}

void outbound_shown_free(struct outbound_shown *shown)
{
	buf_free(&shown->order);
	buf_free(&shown->call);
}

void outbound_each(struct outbound *o, void (*each)(void *arg, const char *json), void *arg)
{
	struct buf *list;
	size_t count = 0;

	pthread_mutex_lock(&o->lock);
	list = calloc(o->count + 1, sizeof *list);
	for (size_t i = 0; list && i < o->count; i++) {
		if (!order_open(o->list[i]) || o->list[i]->answered)
			continue;
		buf_init(&list[count], 0);
		order_call_json(o->list[i], 0, &list[count++]);
	}
	pthread_mutex_unlock(&o->lock);
	for (size_t i = 0; i < count; i++) {
		if (!buf_error(&list[i]))
			each(arg, buf_text(&list[i]));
		buf_free(&list[i]);
	}
	free(list);
}

void outbound_put_status(struct outbound *o, struct buf *out)
{
	size_t queued = 0, unsure = 0, ringing = 0;

	if (!o) {
		buf_puts(out, "null");
		return;
	}
	pthread_mutex_lock(&o->lock);
	for (size_t i = 0; i < o->count; i++) {
		const struct order *e = o->list[i];

		queued += e->state.phase == PHASE_QUEUED || e->state.phase == PHASE_ASKING;
		unsure += e->state.phase == PHASE_UNSURE;
		ringing += e->state.phase == PHASE_MADE && order_open(e) && !e->answered;
	}
	buf_printf(out,
	    "{\"queued\":%zu,\"unsure\":%zu,\"ringing\":%zu,\"placed\":%" PRIu64 ",\"made\":%" PRIu64
	    ",\"refused\":%" PRIu64 ",\"expired\":%" PRIu64 ",\"held\":%" PRIu64 ",\"outcome_unknown\":%" PRIu64
	    ",\"repeated\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"canceled\":%" PRIu64 "}",
	    queued, unsure, ringing, o->placed, o->made, o->refused, o->expired, o->held, o->unsure, o->repeated,
	    o->duplicates, o->canceled);
	pthread_mutex_unlock(&o->lock);
}

/* -------------------------------------------------------------------- opening, closing */

/* What the process before us left: what it may have asked for is searched. */
static void take_up(struct outbound *o)
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

static int open_threads(struct outbound *o)
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

int outbound_open(
    struct outbound **out, const struct config *cfg, struct store *store, const struct outbound_hooks *hooks)
{
	struct outbound *o = calloc(1, sizeof *o);
	int err = -ENOMEM;

	if (!o)
		return -ENOMEM;
	o->cfg = cfg;
	o->store = store;
	o->hooks = *hooks;
	o->bucket.per_second = cfg->outbound_cps;
	o->list = calloc(OUT_QUEUE_MAX + KEPT, sizeof(struct order *));
	if (o->list) {
		if (orders_load(o))
			log_error("outbound", "the orders of the last process cannot be read");
		err = open_threads(o);
	}
	if (err) {
		outbound_close(o);
		return err;
	}
	*out = o;
	return 0;
}

void outbound_drain(struct outbound *o)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->draining = true;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->lock);
}

void outbound_close(struct outbound *o)
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
	if (!o->store && open_orders(o))
		log_warn("outbound", "forgotten without DATA_DIR; calls=%zu", open_orders(o));
	for (size_t i = 0; o->list && i < o->count; i++)
		order_free(o->list[i]);
	free(o->list);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
