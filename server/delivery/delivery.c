#include "server/delivery/delivery.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/delivery/delivery_queue.h"
#include "server/delivery/delivery_try.h"
#include "server/store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	AT_ONCE = 2,                   /* tries to one origin */
	ENTRIES_HELD = 20000,          /* in memory; the rest stays in the store */
	BODIES_MAX = 64 * 1024 * 1024, /* bytes in memory */
	STORED_MS = 2000,              /* for an event to reach the disk before it is sent regardless */
	LAST_MS = 3000                 /* for events that are due at the end */
};

struct delivery {
	struct delivery_queue queue; /* first: the owner of what is due; under the lock */
	pthread_mutex_t lock;
	struct due due;

	const struct config *cfg;
	struct store *store; /* NULL: memory only */
	delivery_secret *secret;
	void *secret_arg;
	struct jobs *jobs; /* owned */
	_Atomic int64_t last_seq;
	_Atomic bool stopping;
	_Atomic uint64_t delivered, failed, parked, retried, lost;
};

/* ------------------------------------------------------------------ small parts */

/* Microseconds of the wall clock, but always more than the last: rows are sent in this
 * order, over restarts too. on_row raises it above all stored ones. */
static int64_t next_seq(struct delivery *o)
{
	int64_t last = atomic_load(&o->last_seq), seq;

	do {
		seq = clock_wall_ms() * 1000;
		if (seq <= last)
			seq = last + 1;
	} while (!atomic_compare_exchange_weak(&o->last_seq, &last, seq));
	return seq;
}

static const char *tag_of(const struct delivery_row *row)
{
	return *row->call_sid ? row->call_sid : "delivery";
}

/* ------------------------------------------------------------------------ adding */

/* Made once and stored: a repetition is the same byte for byte. NULL: no memory, or it
 * is too large. */
static char *make_body(const struct delivery_row *row, const struct delivery_event *event)
{
	struct json_out j;
	struct buf body;

	buf_init(&body, 0);
	j = json_out_to(&body);
	json_put_object(&j, NULL);
	json_put_text(&j, "id", row->id);
	json_put_text(&j, "event", row->event);
	json_put_time(&j, "created_at", row->at_ms);
	event->put(&j, event->what);
	json_put_end(&j);
	if (buf_error(&body))
		buf_free(&body);
	return body.data;
}

static struct delivery_entry *entry_of(struct delivery *o, const struct delivery_event *event)
{
	struct delivery_row row = { .seq = next_seq(o),
		.call_sid = event->call_sid,
		.agent = event->agent,
		.variant = event->variant,
		.event = event->event,
		.url = event->url,
		.at_ms = event->at_ms,
		.since_ms = clock_wall_ms() };
	char *body;

	row.next_ms = row.since_ms;
	memcpy(row.id, "evt_", 4);
	random_hex(row.id + 4, 12);
	body = make_body(&row, event);
	return body ? delivery_entry_new(&row, event->secret, body) : NULL;
}

/* Often on a call's loop. The row is queued for the disk before the entry reaches the
 * inbox, so the flush in `work` waits for this row as well. */
void delivery_add(struct delivery *o, const struct delivery_event *event)
{
	struct delivery_entry *e;

	if (!o)
		return;
	e = entry_of(o, event);
	if (!e) {
		atomic_fetch_add(&o->lost, 1);
		log_error(event->call_sid, "webhook %s is lost: no memory, or too large", event->event);
		return;
	}
	store_delivery_put(o->store, &e->row, e->body);
	due_add(&o->due, &e->due);
}

/* -------------------------------------------------------------- sending, on the pool */

static void tell(const struct delivery_row *row, enum delivery_verdict verdict, const struct delivery_result *result,
    int64_t wait_ms)
{
	char origin[280];

	delivery_origin(row->url, origin, sizeof origin);
	if (verdict == DELIVERY_PARK)
		log_error(tag_of(row), "webhook %s parked: %s; id=%s to=%s failed=%d", row->event, result->error,
		    row->id, origin, row->attempts);
	else if (verdict == DELIVERY_RETRY && row->attempts == 1)
		log_warn(tag_of(row), "webhook %s failed: %s; id=%s to=%s again_ms=%" PRId64, row->event, result->error,
		    row->id, origin, wait_ms);
	else
		log_debug(tag_of(row), "webhook %s %s; id=%s to=%s failed=%d", row->event,
		    verdict == DELIVERY_DELIVERED ? "delivered" : result->error, row->id, origin, row->attempts);
}

static void count(struct delivery *o, enum delivery_verdict verdict)
{
	if (verdict != DELIVERY_DELIVERED)
		atomic_fetch_add(&o->failed, 1);
	if (verdict == DELIVERY_PARK)
		atomic_fetch_add(&o->parked, 1);
	if (verdict == DELIVERY_DELIVERED)
		atomic_fetch_add(&o->delivered, 1);
}

/* After a try: the entry is judged, let go or removed, and its row written. A retry
 * gives up its body if the store has it (`stored`), so that a long queue for a dead
 * receiver takes little memory. */
static void settle(struct delivery *o, struct delivery_entry *e, const struct delivery_result *result, bool stored)
{
	static const char *const states[] = { "delivered", "waiting", "parked" };
	int64_t now = clock_wall_ms();
	enum delivery_verdict verdict;

	pthread_mutex_lock(&o->lock);
	verdict = delivery_judge(result, e->row.since_ms, now, o->queue.give_up_ms);
	delivery_queue_settle(&o->queue, e, verdict, result, now, backoff_chance());
	if (verdict == DELIVERY_RETRY && stored)
		delivery_queue_drop_body(&o->queue, e);
	/* Under the lock: without it another thread could take the entry meanwhile. */
	store_delivery_settle(o->store, &e->row, states[verdict], result->status, result->error, now);
	tell(&e->row, verdict, result, e->row.next_ms - now);
	pthread_mutex_unlock(&o->lock);
	count(o, verdict);
	if (verdict != DELIVERY_RETRY)
		delivery_entry_free(&e->due);
	due_wake(&o->due);
}

/* Gives up an entry without a try: its origin has been silent for the whole of its time,
 * and a try for each pending entry would take ten seconds each. */
static void park(struct delivery *o, struct delivery_entry *e)
{
	struct delivery_result result = { .error = "its receiver has answered nothing for too long" };

	store_delivery_park(o->store, e->row.id, result.error);
	tell(&e->row, DELIVERY_PARK, &result, 0);
	atomic_fetch_add(&o->parked, 1);
	pthread_mutex_lock(&o->lock);
	due_list_remove(&o->queue.list, &e->due);
	pthread_mutex_unlock(&o->lock);
	delivery_entry_free(&e->due);
	due_wake(&o->due);
}

/* One try, on the pool, without the lock; the entry is taken meanwhile. The agent's present
 * secret signs it, so that a corrected secret mends retries, too; the one of the event
 * serves if a reload removed the agent. A cancelled try leaves the row "waiting" for the
 * next start. */
static void work(void *owner, struct due_item *item)
{
	struct delivery_entry *e = (struct delivery_entry *)item;
	struct delivery *o = owner;
	struct delivery_result result;
	char *body, *secret;
	bool stored;

	if (e->expired) {
		park(o, e);
		return;
	}
	/* A receiver may ask our API about the event at once, so it is stored first.
	 * With a broken disk it is sent from memory, now and later. */
	stored = o->store && (!e->body || !store_flush(o->store, STORED_MS));
	body = e->body ? strdup(e->body) : store_delivery_body(o->store, e->row.id);
	secret = o->secret ? o->secret(o->secret_arg, e->row.agent, e->row.variant) : NULL;
	delivery_try(&e->row, body, secret ? secret : e->secret, o->cfg->https_ca_file, jobs_cancel(o->jobs), &result);
	free(body);
	free(secret);
	if (!result.cancelled)
		settle(o, e, &result, stored);
}

/* --------------------------------------------------------------- the queue's policy */

/* Only without a store: the bounds hold for memory, and an event over them is lost. */
static void lost(void *owner, const struct due_item *item)
{
	const struct delivery_row *row = &((const struct delivery_entry *)item)->row;
	struct delivery *o = owner;

	atomic_fetch_add(&o->lost, 1);
	log_error(
	    tag_of(row), "webhook %s is lost: too many wait, and there is no DATA_DIR; id=%s", row->event, row->id);
}

static void on_row(void *arg, const struct delivery_row *row)
{
	struct delivery_entry *e = delivery_entry_new(row, NULL, NULL);
	struct delivery *o = arg;
	int64_t last = atomic_load(&o->last_seq);

	while (row->seq > last && !atomic_compare_exchange_weak(&o->last_seq, &last, row->seq))
		;
	if (!e)
		return;
	/* Due at once, without the rest of its pause: a restart often follows a repair. */
	e->row.next_ms = clock_wall_ms();
	due_found(&o->due, &e->due);
}

static int read_waiting(void *owner, int64_t seq, size_t room)
{
	struct delivery *o = owner;
	int got;

	if (store_flush(o->store, STORED_MS))
		return -EIO;
	got = store_deliveries_waiting(o->store, seq, (int)room, on_row, o);
	if (!seq && got > 0)
		log_info("delivery", "webhooks wait from before; count=%d", got);
	return got;
}

static const struct due_policy policy = {
	.name = "delivery",
	.clock_ms = clock_wall_ms,
	.when = delivery_queue_when,
	.work = work,
	.put = delivery_queue_put,
	.free = delivery_entry_free,
	.taken = delivery_queue_taken,
	.lost = lost,
	.read = read_waiting,
};

/* ---------------------------------------------------------------- opening, closing */

int delivery_open(
    struct delivery **out, const struct config *cfg, struct store *store, delivery_secret *secret, void *arg)
{
	struct delivery *o = calloc(1, sizeof *o);
	int err;

	if (!o)
		return -ENOMEM;
	o->cfg = cfg;
	o->store = store;
	o->secret = secret;
	o->secret_arg = arg;
	pthread_mutex_init(&o->lock, NULL);
	delivery_queue_init(&o->queue, AT_ONCE, (int64_t)cfg->outbox_give_up_seconds * 1000);
	err = jobs_open(&o->jobs, "webhooks", cfg->webhook_threads, (size_t)cfg->webhook_threads);
	if (!err) {
		o->due.policy = &policy;
		o->due.owner = o;
		o->due.stored = store;
		o->due.lock = &o->lock;
		o->due.list = &o->queue.list;
		o->due.jobs = o->jobs;
		o->due.at_once = (size_t)cfg->webhook_threads;
		o->due.held = ENTRIES_HELD;
		o->due.held_bytes = BODIES_MAX;
		err = due_open(&o->due);
	}
	if (err) {
		delivery_close(o);
		return err;
	}
	*out = o;
	return 0;
}

/* The last calls have just told of their end, so due events get a moment first. */
void delivery_stop(struct delivery *o)
{
	int64_t until = clock_now_us() + LAST_MS * US_PER_MS;
	struct timespec nap = { .tv_nsec = 20 * 1000000L };

	if (!o || atomic_exchange(&o->stopping, true))
		return;
	while (o->due.running && !due_quiet(&o->due) && clock_now_us() < until)
		nanosleep(&nap, NULL);
	due_stop(&o->due);
	jobs_stop(o->jobs);
}

void delivery_close(struct delivery *o)
{
	if (!o)
		return;
	delivery_stop(o);
	jobs_close(o->jobs);
	if (!o->store && o->queue.list.count)
		log_warn("delivery", "webhooks are lost with the process: there is no DATA_DIR; count=%zu",
		    o->queue.list.count);
	due_close(&o->due);
	delivery_queue_free(&o->queue);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* ------------------------------------------------------------- for the operator's API */

void delivery_put_status(struct delivery *o, struct json_out *j)
{
	size_t waiting, sending;
	int64_t oldest;

	pthread_mutex_lock(&o->lock);
	waiting = o->queue.list.count;
	sending = o->queue.list.taken;
	oldest = delivery_queue_oldest_ms(&o->queue);
	pthread_mutex_unlock(&o->lock);
	json_put_uint(j, "waiting", waiting);
	json_put_uint(j, "sending", sending);
	json_put_fixed(j, "oldest_seconds", oldest == INT64_MAX ? 0.0 : (double)(clock_wall_ms() - oldest) / 1000.0, 3);
	json_put_uint(j, "delivered", atomic_load(&o->delivered));
	json_put_uint(j, "failed", atomic_load(&o->failed));
	json_put_uint(j, "parked", atomic_load(&o->parked));
	json_put_uint(j, "retried", atomic_load(&o->retried));
	json_put_uint(j, "lost", atomic_load(&o->lost));
}

int delivery_list(struct delivery *o, const char *state, int64_t cursor, int limit, struct buf *out)
{
	if (!o->store)
		return -ENOTSUP;
	store_flush(o->store, STORED_MS);
	return store_deliveries_list(o->store, state, cursor, limit, out);
}

/* True: the entry is in memory, and becomes due, or is being sent at this moment. */
static bool hurry(struct delivery *o, const char *id)
{
	struct delivery_entry *e;

	pthread_mutex_lock(&o->lock);
	e = delivery_queue_find(&o->queue, id);
	if (e && !e->due.taken)
		delivery_queue_hurry(e, clock_wall_ms());
	pthread_mutex_unlock(&o->lock);
	due_wake(&o->due);
	return e;
}

/* Back into the queue, even over the bounds: a person asked for it. */
static void reopen(struct delivery *o, struct delivery_entry *e)
{
	int64_t now = clock_wall_ms();

	store_delivery_reopen(o->store, e->row.id, now);
	e->row.attempts = 0;
	pthread_mutex_lock(&o->lock);
	/* False if somebody else asked at the same moment; the entry is freed then. */
	if (due_put(&o->due, &e->due))
		delivery_queue_hurry(e, now);
	pthread_mutex_unlock(&o->lock);
	due_wake(&o->due);
}

struct found {
	struct delivery_entry *entry; /* NULL: it was delivered, or there is no memory */
	bool delivered;
};

static void on_found(void *arg, const struct delivery_row *row, const char *state)
{
	struct found *found = arg;

	found->delivered = !strcmp(state, "delivered");
	if (!found->delivered)
		found->entry = delivery_entry_new(row, NULL, NULL);
}

int delivery_retry(struct delivery *o, const char *id)
{
	struct found found = { 0 };
	int err;

	if (hurry(o, id)) {
		atomic_fetch_add(&o->retried, 1);
		return 0;
	}
	if (!o->store)
		return -ENOTSUP;
	store_flush(o->store, STORED_MS);
	err = store_delivery_find(o->store, id, on_found, &found);
	if (err || found.delivered)
		return err ? err : -EALREADY;
	if (!found.entry)
		return -EIO;
	atomic_fetch_add(&o->retried, 1);
	reopen(o, found.entry);
	return 0;
}
