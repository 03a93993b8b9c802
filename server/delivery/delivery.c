#include "server/delivery/delivery.h"

#include "common/bell.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/json.h"
#include "common/log.h"
#include "server/work/jobs.h"
#include "server/delivery/delivery_rows.h"
#include "server/work/signing.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	TRY_MS = 10000,                /* for one try */
	ANSWER_MAX = 64 * 1024,        /* of the answer is read; nobody looks at it */
	AT_ONCE = 2,                   /* tries to one origin */
	ENTRIES_HELD = 20000,          /* in memory; the rest waits in the store */
	BODIES_MAX = 64 * 1024 * 1024, /* bytes in memory, without a store to leave them in */
	STORED_MS = 2000,              /* that an event may take to the disk before it is sent regardless */
	LAST_MS = 3000,                /* for what is due when it is time to go */
	LOOK_MS = 60 * 1000            /* at least so often: the wall clock may jump */
};

struct delivery {
	const struct config *cfg;
	struct store *store; /* NULL: memory only */
	delivery_secret *secret;
	void *secret_arg;
	struct jobs *jobs; /* owned */
	pthread_t thread;  /* hands out */
	bool running;
	struct bell bell;
	_Atomic bool stopping;
	_Atomic int64_t last_seq;
	_Atomic size_t entries_max;

	/* Anybody pushes, the thread takes them all: newest first. */
	struct delivery_entry *_Atomic inbox;

	pthread_mutex_t lock; /* the queue; never held while a disk or a receiver is waited for */
	struct delivery_queue queue;
	bool unread;     /* what waited in the store at start could not be read yet */
	bool more;       /* some that wait are in the store only, all after read_to */
	int64_t read_to; /* seq */

	_Atomic uint64_t delivered, failed, parked, retried, lost;
};

/* One try, on the pool. */
struct attempt {
	struct job job; /* first */
	struct delivery *delivery;
	struct delivery_entry *entry; /* the queue's, marked as being sent */
};

/* ------------------------------------------------------------------ small parts */

static uint32_t random_number(void)
{
	uint32_t n;

	random_bytes(&n, sizeof n);
	return n;
}

static int64_t give_up_ms(const struct delivery *o)
{
	return (int64_t)o->cfg->outbox_give_up_seconds * 1000;
}

/* Microseconds of the wall clock, but always more than the last. */
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

/* The tag of its log lines. */
static const char *tag_of(const struct delivery_entry *e)
{
	return *e->call_sid ? e->call_sid : "outbox";
}

static void push(struct delivery *o, struct delivery_entry *e)
{
	e->next = atomic_load(&o->inbox);
	/* Release: who takes the list sees what is in the entry. */
	while (!atomic_compare_exchange_weak(&o->inbox, &e->next, e))
		;
	bell_ring(&o->bell);
}

/* ------------------------------------------------------------------------ adding */

static char *make_body(const struct delivery_entry *e, const char *fields)
{
	char when[32];
	struct buf body;

	buf_init(&body, 0);
	clock_iso8601(e->at_ms, when, sizeof when);
	buf_printf(&body, "{\"id\":\"%s\",\"event\":\"%s\",\"created_at\":\"%s\"%s%s}", e->id, e->event, when,
	    *fields ? "," : "", fields);
	if (buf_error(&body))
		buf_free(&body);
	return body.data;
}

static struct delivery_entry *entry_of(struct delivery *o, const struct delivery_event *event)
{
	struct delivery_entry *e = delivery_entry_new(
	    event->call_sid, event->agent, event->variant, event->event, event->url, NULL, event->secret);

	if (!e)
		return NULL;
	memcpy(e->id, "evt_", 4);
	random_hex(e->id + 4, 12);
	e->seq = next_seq(o);
	e->at_ms = event->at_ms;
	e->since_ms = e->next_ms = clock_wall_ms();
	e->body = make_body(e, event->fields);
	if (e->body)
		return e;
	delivery_entry_free(e);
	return NULL;
}

void delivery_add(struct delivery *o, const struct delivery_event *event)
{
	struct delivery_entry *e;

	if (!o)
		return;
	e = entry_of(o, event);
	if (!e) {
		atomic_fetch_add(&o->lost, 1);
		log_error(event->call_sid, "webhook %s is lost: no memory", event->event);
		return;
	}
	rows_insert(o->store, e);
	push(o, e);
}

/* -------------------------------------------------------------- sending, on the pool */

/* The body's own copy of what is to be sent; caller frees. */
static char *body_to_send(struct delivery *o, const struct delivery_entry *e)
{
	return e->body ? strdup(e->body) : rows_body(o->store, e->id);
}

static char *secret_to_use(struct delivery *o, const struct delivery_entry *e)
{
	char *secret = o->secret ? o->secret(o->secret_arg, e->agent, e->variant) : NULL;

	/* An agent that went with a reload while its call was up. */
	if (!secret && e->secret)
		secret = strdup(e->secret);
	return secret;
}

static void post(struct delivery *o, const struct delivery_entry *e, const char *body, const char *secret,
    struct delivery_result *result)
{
	char event[96], delivery[64], key[64];
	struct fetch_answer answer;
	struct buf signature;
	struct fetch_request q = { .method = "POST",
		.url = e->url,
		.headers = { "Content-Type: application/json", event, delivery, key },
		.header_count = 4,
		.body = body,
		.body_len = strlen(body),
		.timeout_ms = TRY_MS,
		.answer_max = ANSWER_MAX,
		.ca_file = o->cfg->https_ca_file,
		.cancel = jobs_cancel(o->jobs) };

	snprintf(event, sizeof event, "Trunkline-Event: %s", e->event);
	snprintf(delivery, sizeof delivery, "Trunkline-Delivery: %s", e->id);
	snprintf(key, sizeof key, "Idempotency-Key: %s", e->id);
	buf_init(&signature, 0);
	if (*secret) {
		signing_put_header(&signature, secret, clock_wall_ms() / 1000, body, q.body_len);
		q.headers[q.header_count++] = buf_text(&signature);
	}
	fetch(&q, &answer);
	delivery_result_of(&answer, result);
	result->cancelled = answer.failure == FETCH_CANCELLED && !answer.status;
	fetch_answer_free(&answer);
	buf_free(&signature);
}

static void try_once(struct delivery *o, const struct delivery_entry *e, struct delivery_result *result)
{
	char *body = body_to_send(o, e), *secret = secret_to_use(o, e);

	*result = (struct delivery_result){ .retry_after_s = -1, .ours = true };
	if (!body)
		snprintf(result->error, sizeof result->error, "it cannot be read from the store");
	else if (!secret)
		snprintf(result->error, sizeof result->error,
		    "there is no agent \"%.64s\" any more with whose secret to sign it", e->agent);
	else
		post(o, e, body, secret, result);
	free(body);
	free(secret);
}

static void tell(const struct delivery_entry *e, enum delivery_verdict verdict, const struct delivery_result *result,
    int attempts, int64_t wait_ms)
{
	char origin[280];

	delivery_origin(e->url, origin, sizeof origin);
	if (verdict == DELIVERY_PARK)
		log_error(tag_of(e), "webhook %s parked: %s; id=%s to=%s failed=%d", e->event, result->error, e->id,
		    origin, attempts);
	else if (verdict == DELIVERY_RETRY && attempts == 1)
		log_warn(tag_of(e), "webhook %s failed: %s; id=%s to=%s again_ms=%" PRId64, e->event, result->error,
		    e->id, origin, wait_ms);
	else
		log_debug(tag_of(e), "webhook %s %s; id=%s to=%s failed=%d", e->event,
		    verdict == DELIVERY_DELIVERED ? "delivered" : result->error, e->id, origin, attempts);
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

/* `stored`: the body may be left to the store. */
static void settle(struct delivery *o, struct delivery_entry *e, const struct delivery_result *result, bool stored)
{
	static const char *const states[] = { "delivered", "waiting", "parked" };
	int64_t now = clock_wall_ms();
	enum delivery_verdict verdict;

	pthread_mutex_lock(&o->lock);
	verdict = delivery_judge(result, e->since_ms, now, give_up_ms(o));
	delivery_queue_settle(&o->queue, e, verdict, result, now, random_number());
	if (verdict == DELIVERY_RETRY && stored)
		delivery_queue_drop_body(&o->queue, e);
	/* Under the lock, since it may be taken again the moment it is let go. */
	rows_update(o->store, e, states[verdict], result, now);
	tell(e, verdict, result, e->attempts, e->next_ms - now);
	pthread_mutex_unlock(&o->lock);
	count(o, verdict);
	if (verdict != DELIVERY_RETRY)
		delivery_entry_free(e);
	bell_ring(&o->bell);
}

static void run_attempt(struct job *job)
{
	struct attempt *a = (struct attempt *)job;
	struct delivery_result result;
	bool stored;

	/* A receiver that asks us about it shall find it. With a broken disk it
	 * is sent from memory, now and later. */
	stored = a->delivery->store && (!a->entry->body || !store_flush(a->delivery->store, STORED_MS));
	try_once(a->delivery, a->entry, &result);
	/* Cancelled: it waits in the store for the next start. */
	if (!result.cancelled)
		settle(a->delivery, a->entry, &result, stored);
	free(a);
}

static void drop_attempt(struct job *job)
{
	free(job);
}

/* ------------------------------------------------------- handing out, on its thread */

/* Under the lock. Whether there is no room for it in memory. Once there are some
 * in the store only, all that come later must wait there too, or they would
 * overtake. */
static bool too_many(struct delivery *o, const struct delivery_entry *e)
{
	bool full = o->queue.count >= o->entries_max || o->queue.bytes >= BODIES_MAX;

	if (o->store && e->seq > o->read_to)
		return o->more |= full;
	return !o->store && full;
}

/* Under the lock. */
static void take_in(struct delivery *o, struct delivery_entry *e)
{
	bool full = too_many(o, e);

	if (!full && e->seq > o->read_to)
		o->read_to = e->seq;
	if (full && !o->store) {
		atomic_fetch_add(&o->lost, 1);
		log_error(
		    tag_of(e), "webhook %s is lost: too many wait, and there is no DATA_DIR; id=%s", e->event, e->id);
	}
	if (full || !delivery_queue_add(&o->queue, e))
		delivery_entry_free(e);
}

static void empty_inbox(struct delivery *o)
{
	struct delivery_entry *e = atomic_exchange(&o->inbox, NULL), *oldest = NULL, *next;

	for (; e; e = next) {
		next = e->next;
		e->next = oldest;
		oldest = e;
	}
	pthread_mutex_lock(&o->lock);
	for (e = oldest; e; e = next) {
		next = e->next;
		take_in(o, e);
	}
	pthread_mutex_unlock(&o->lock);
}

static void on_row(void *arg, struct delivery_entry *e)
{
	struct delivery *o = arg;

	/* Whoever restarts us has often mended something. */
	e->next_ms = clock_wall_ms();
	pthread_mutex_lock(&o->lock);
	if (e->seq > o->read_to)
		o->read_to = e->seq;
	if (!delivery_queue_add(&o->queue, e))
		delivery_entry_free(e);
	pthread_mutex_unlock(&o->lock);
}

static size_t waiting(struct delivery *o)
{
	size_t n;

	pthread_mutex_lock(&o->lock);
	n = o->queue.count;
	pthread_mutex_unlock(&o->lock);
	return n;
}

/* From the store, what waits there only. 0 or -EIO. */
static int read_more(struct delivery *o)
{
	size_t room = o->entries_max - waiting(o);
	int got = rows_waiting(o->store, o->unread ? 0 : o->read_to, (int)room, on_row, o);

	if (got < 0)
		return got;
	o->unread = false;
	o->more = (size_t)got == room;
	return 0;
}

static void refill(struct delivery *o)
{
	if ((o->more || o->unread) && waiting(o) <= o->entries_max / 2 && !store_flush(o->store, STORED_MS))
		read_more(o);
}

static void park_expired(struct delivery *o, int64_t now)
{
	struct delivery_result result = { .retry_after_s = -1 };
	struct delivery_entry *e;

	snprintf(result.error, sizeof result.error, "its receiver has answered nothing for too long");
	for (;;) {
		pthread_mutex_lock(&o->lock);
		e = delivery_queue_expired(&o->queue, now, give_up_ms(o));
		pthread_mutex_unlock(&o->lock);
		if (!e)
			return;
		rows_park(o->store, e->id, result.error);
		tell(e, DELIVERY_PARK, &result, e->attempts, 0);
		atomic_fetch_add(&o->parked, 1);
		delivery_entry_free(e);
	}
}

/* The next that is due, if a thread is free for it; else when to look again. */
static struct delivery_entry *take_next(struct delivery *o, int64_t now, int64_t *next_ms)
{
	struct delivery_entry *e = NULL;

	*next_ms = INT64_MAX;
	pthread_mutex_lock(&o->lock);
	if (o->queue.sending < (size_t)o->cfg->webhook_threads)
		e = delivery_queue_take(&o->queue, now, next_ms);
	pthread_mutex_unlock(&o->lock);
	return e;
}

/* When to look again. */
static int64_t hand_out(struct delivery *o)
{
	int64_t now = clock_wall_ms(), next_ms;
	struct delivery_entry *e;

	park_expired(o, now);
	while ((e = take_next(o, now, &next_ms))) {
		struct attempt *a = calloc(1, sizeof *a);
		struct delivery_result result = { .retry_after_s = -1, .ours = true, .error = "no memory" };

		if (a)
			*a = (struct attempt){ { run_attempt, drop_attempt, NULL }, o, e };
		if (!a || !jobs_submit(o->jobs, &a->job)) {
			free(a);
			settle(o, e, &result, false);
		}
	}
	return next_ms;
}

static void *hand_out_until_stopped(void *arg)
{
	struct delivery *o = arg;

	while (!atomic_load(&o->stopping)) {
		struct pollfd bell = { .fd = o->bell.fd, .events = POLLIN };
		int64_t next_ms, wait_ms;

		bell_clear(&o->bell);
		refill(o);
		empty_inbox(o);
		next_ms = hand_out(o);
		wait_ms = next_ms == INT64_MAX ? LOOK_MS : next_ms - clock_wall_ms();
		if (wait_ms > LOOK_MS)
			wait_ms = LOOK_MS;
		if (wait_ms > 0)
			poll(&bell, 1, (int)wait_ms);
	}
	return NULL;
}

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
	o->bell.fd = -1;
	pthread_mutex_init(&o->lock, NULL);
	delivery_queue_init(&o->queue, AT_ONCE);
	o->entries_max = ENTRIES_HELD;
	err = bell_open(&o->bell);
	if (!err)
		err = jobs_open(&o->jobs, "webhooks", cfg->webhook_threads, (size_t)cfg->webhook_threads);
	/* A store that cannot be read just now will be later. */
	o->unread = store;
	if (!err && store && !store_flush(store, STORED_MS))
		read_more(o);
	if (!err) {
		atomic_store(&o->last_seq, o->read_to);
		if (o->queue.count)
			log_info("outbox", "webhooks wait from before; count=%zu", o->queue.count);
		err = -pthread_create(&o->thread, NULL, hand_out_until_stopped, o);
		o->running = !err;
	}
	if (err) {
		delivery_close(o);
		return err;
	}
	*out = o;
	return 0;
}

/* Nothing is under way, and nothing is due. */
static bool quiet(struct delivery *o)
{
	bool quiet;

	pthread_mutex_lock(&o->lock);
	quiet = !atomic_load(&o->inbox) && !o->queue.sending && !delivery_queue_due(&o->queue, clock_wall_ms());
	pthread_mutex_unlock(&o->lock);
	return quiet;
}

void delivery_stop(struct delivery *o)
{
	int64_t until = clock_now_us() + LAST_MS * US_PER_MS;
	struct timespec nap = { .tv_nsec = 20 * 1000000L };

	if (!o || atomic_load(&o->stopping))
		return;
	while (o->running && !quiet(o) && clock_now_us() < until)
		nanosleep(&nap, NULL);
	atomic_store(&o->stopping, true);
	bell_ring(&o->bell);
	if (o->running)
		pthread_join(o->thread, NULL);
	jobs_stop(o->jobs);
}

void delivery_close(struct delivery *o)
{
	struct delivery_entry *e, *next;

	if (!o)
		return;
	delivery_stop(o);
	jobs_close(o->jobs);
	for (e = atomic_exchange(&o->inbox, NULL); e; e = next) {
		next = e->next;
		delivery_entry_free(e);
	}
	if (!o->store && o->queue.count)
		log_warn(
		    "outbox", "webhooks are lost with the process: there is no DATA_DIR; count=%zu", o->queue.count);
	delivery_queue_free(&o->queue);
	bell_close(&o->bell);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

void delivery_hold(struct delivery *o, size_t entries)
{
	atomic_store(&o->entries_max, entries);
}

/* ------------------------------------------------------------------ the operator's */

void delivery_put_status(struct delivery *o, struct buf *out)
{
	int64_t oldest;
	size_t waiting, sending;

	if (!o) {
		buf_puts(out, "null");
		return;
	}
	pthread_mutex_lock(&o->lock);
	waiting = o->queue.count;
	sending = o->queue.sending;
	oldest = delivery_queue_oldest_ms(&o->queue);
	pthread_mutex_unlock(&o->lock);
	buf_printf(out, "{\"waiting\":%zu,\"sending\":%zu,\"oldest_seconds\":%.3f", waiting, sending,
	    oldest == INT64_MAX ? 0.0 : (double)(clock_wall_ms() - oldest) / 1000.0);
	buf_printf(out,
	    ",\"delivered\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"parked\":%" PRIu64 ",\"retried\":%" PRIu64
	    ",\"lost\":%" PRIu64 "}",
	    atomic_load(&o->delivered), atomic_load(&o->failed), atomic_load(&o->parked), atomic_load(&o->retried),
	    atomic_load(&o->lost));
}

int delivery_list(struct delivery *o, const char *state, int64_t cursor, int limit, struct buf *out)
{
	if (!o->store)
		return -ENOTSUP;
	store_flush(o->store, STORED_MS);
	return rows_list(o->store, state, cursor, limit, out);
}

/* True if it waits in memory, and then it is sent at once. */
static bool hurry(struct delivery *o, const char *id)
{
	struct delivery_entry *e;

	pthread_mutex_lock(&o->lock);
	e = delivery_queue_find(&o->queue, id);
	if (e && !e->sending)
		delivery_queue_hurry(&o->queue, e, clock_wall_ms());
	pthread_mutex_unlock(&o->lock);
	bell_ring(&o->bell);
	return e;
}

/* However many wait already: somebody asked for it. */
static void reopen(struct delivery *o, struct delivery_entry *e)
{
	int64_t now = clock_wall_ms();
	bool added;

	rows_reopen(o->store, e->id, now);
	e->since_ms = e->next_ms = now;
	e->attempts = 0;
	pthread_mutex_lock(&o->lock);
	added = delivery_queue_add(&o->queue, e);
	if (added)
		delivery_queue_hurry(&o->queue, e, now);
	pthread_mutex_unlock(&o->lock);
	/* Somebody else asked in the same moment. */
	if (!added)
		delivery_entry_free(e);
	bell_ring(&o->bell);
}

int delivery_retry(struct delivery *o, const char *id)
{
	struct delivery_entry *e = NULL;
	char state[16];
	int err;

	if (hurry(o, id)) {
		atomic_fetch_add(&o->retried, 1);
		return 0;
	}
	if (!o->store)
		return -ENOTSUP;
	store_flush(o->store, STORED_MS);
	err = rows_find(o->store, id, &e, state, sizeof state);
	if (err)
		return err;
	if (!strcmp(state, "delivered")) {
		delivery_entry_free(e);
		return -EALREADY;
	}
	atomic_fetch_add(&o->retried, 1);
	reopen(o, e);
	return 0;
}
