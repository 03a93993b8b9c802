/* Pending statements.
 *
 * Over the bound new statements are dropped, not old ones: accepted ones were
 * promised to somebody (a webhook that will be sent, a record), later statements
 * build on earlier ones, and a refused caller hears of it at once. */
#include "server/store/store_queue.h"

#include "common/clock.h"
#include "common/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	GATHER_MS = 10, /* statements that come so soon after the first share its transaction */
};

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

void queue_init(struct queue *q)
{
	memset(q, 0, sizeof *q);
	pthread_mutex_init(&q->lock, NULL);
	cond_init(&q->wake);
	cond_init(&q->done);
	q->last = &q->first;
	q->bytes_max = STORE_QUEUE_BYTES;
	q->oldest_us = NEVER_US;
}

static void free_list(struct entry *e)
{
	while (e) {
		struct entry *next = e->next;

		free(e);
		e = next;
	}
}

void queue_free(struct queue *q)
{
	free_list(q->first);
	pthread_cond_destroy(&q->done);
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
}

/* Under the lock. False: the time has come. */
static bool wait_until(struct queue *q, pthread_cond_t *cond, int64_t until_us)
{
	struct timespec t = { .tv_sec = until_us / US_PER_S, .tv_nsec = until_us % US_PER_S * 1000 };

	if (until_us == NEVER_US)
		return !pthread_cond_wait(cond, &q->lock);
	return pthread_cond_timedwait(cond, &q->lock, &t) != ETIMEDOUT;
}

/* --------------------------------------------------------------------- putting in */

/* One value of the list. Its bytes stay the caller's until entry_new has copied them. */
static struct value next_value(char letter, va_list *values)
{
	struct value v = { .type = letter };

	switch (letter) {
	case 'i':
		v.as.i = va_arg(*values, int64_t);
		break;
	case 'd':
		v.as.d = va_arg(*values, double);
		break;
	case 't':
		v.as.bytes.p = va_arg(*values, const char *);
		v.as.bytes.n = v.as.bytes.p ? strlen(v.as.bytes.p) : 0;
		break;
	case 'b':
		v.as.bytes.p = va_arg(*values, const void *);
		v.as.bytes.n = va_arg(*values, size_t);
		break;
	default:
		assert(false && "a letter that store_write does not know");
	}
	if ((letter == 't' || letter == 'b') && !v.as.bytes.p)
		v.type = 'n';
	return v;
}

static bool has_bytes(const struct value *v)
{
	return v->type == 't' || v->type == 'b';
}

/* One allocation for the statement: its head, its values, and behind them the bytes of all texts.
 * Two walks over the list, one to measure and one to copy. */
struct entry *entry_new(const char *sql, const char *format, va_list values)
{
	struct value taken[STORE_VALUES];
	size_t count = strlen(format), size = sizeof(struct entry) + count * sizeof *taken;
	struct entry *e;
	va_list list;
	char *room;

	assert(count <= STORE_VALUES);
	va_copy(list, values);
	for (size_t i = 0; i < count; i++) {
		taken[i] = next_value(format[i], &list);
		if (has_bytes(&taken[i]))
			size += taken[i].as.bytes.n;
	}
	va_end(list);
	e = malloc(size);
	if (!e)
		return NULL;
	*e = (struct entry){ .sql = sql, .size = size, .count = count };
	memcpy(e->values, taken, count * sizeof *taken);
	room = (char *)(e->values + count);
	for (size_t i = 0; i < count; i++) {
		struct value *v = &e->values[i];

		if (!has_bytes(v))
			continue;
		memcpy(room, v->as.bytes.p, v->as.bytes.n);
		v->as.bytes.p = room;
		room += v->as.bytes.n;
	}
	return e;
}

/* The lock is held for a few pointers, and the log line is written after it. The first refusal of a
 * full queue is logged; then there is silence until it has drained to half. */
bool queue_put(struct queue *q, struct entry *e)
{
	bool fits, first_refused = false;

	e->next = NULL;
	e->queued_us = clock_now_us();
	pthread_mutex_lock(&q->lock);
	fits = !q->closing && q->bytes + e->size <= q->bytes_max;
	if (fits) {
		/* The writer sleeps for long only while the queue is empty. */
		if (!q->first)
			pthread_cond_signal(&q->wake);
		*q->last = e;
		q->last = &e->next;
		q->count++;
		q->put++;
		q->bytes += e->size;
		if (q->oldest_us == NEVER_US)
			q->oldest_us = e->queued_us;
	} else {
		q->lost++;
		first_refused = !q->full;
		q->full = true;
	}
	pthread_mutex_unlock(&q->lock);
	if (fits)
		return true;
	free(e);
	if (first_refused)
		log_error("store", "the queue is full; what is new is not kept until the disk takes what waits");
	return false;
}

/* Waits for the entries put so far, not for an empty queue, which may never be. The writer hurries
 * while somebody is here: it does not gather. */
int queue_flush(struct queue *q, int timeout_ms)
{
	int64_t until = clock_now_us() + (int64_t)timeout_ms * US_PER_MS;
	uint64_t target, failures;
	int err = 0;

	pthread_mutex_lock(&q->lock);
	target = q->put;
	failures = q->failures;
	q->hurrying++;
	pthread_cond_signal(&q->wake);
	while (q->committed < target && !err) {
		if (q->failing || q->failures != failures)
			err = -EIO;
		else if (!wait_until(q, &q->done, until))
			err = -ETIMEDOUT;
	}
	q->hurrying--;
	pthread_mutex_unlock(&q->lock);
	return err;
}

/* -------------------------------------------------------------------- the writer's */

/* The entries leave the list but stay counted until queue_committed: the bound covers them too.
 * After a failure the writer keeps the batch and does not come here. */
struct entry *queue_take(struct queue *q, int64_t until_us)
{
	struct entry *batch, *e;
	int64_t gather;

	pthread_mutex_lock(&q->lock);
	while (!q->first && !q->closing && wait_until(q, &q->wake, until_us))
		;
	/* A short pause, so that things which happen together are written together. */
	gather = clock_now_us() + GATHER_MS * US_PER_MS;
	while (q->first && !q->closing && !q->hurrying && wait_until(q, &q->wake, gather))
		;
	batch = e = q->first;
	for (size_t n = 1; e && e->next && n < STORE_BATCH; n++)
		e = e->next;
	if (e) {
		q->first = e->next;
		e->next = NULL;
		if (!q->first)
			q->last = &q->first;
	}
	pthread_mutex_unlock(&q->lock);
	return batch;
}

/* Also what ends a failure: `failing` is cleared, and flushes are woken to see how far it has come. */
void queue_committed(struct queue *q, struct entry *batch)
{
	size_t count = 0, bytes = 0;

	for (const struct entry *e = batch; e; e = e->next) {
		count++;
		bytes += e->size;
	}
	pthread_mutex_lock(&q->lock);
	q->count -= count;
	q->bytes -= bytes;
	q->committed += count;
	q->failing = false;
	if (q->full && q->bytes < q->bytes_max / 2)
		q->full = false;
	q->oldest_us = q->first ? q->first->queued_us : NEVER_US;
	pthread_cond_broadcast(&q->done);
	pthread_mutex_unlock(&q->lock);
	free_list(batch);
}

void queue_failed(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->failing = true;
	q->failures++;
	pthread_cond_broadcast(&q->done);
	pthread_mutex_unlock(&q->lock);
}

bool queue_nap(struct queue *q, int64_t ms)
{
	int64_t until = clock_now_us() + ms * US_PER_MS, now;
	bool go_on;

	pthread_mutex_lock(&q->lock);
	/* Closing cuts the pause short to 100 ms, so that the disk gets a few more chances
	 * until the time for closing is up. */
	while (!q->closing && wait_until(q, &q->wake, until))
		;
	now = clock_now_us();
	if (q->closing && now < until)
		wait_until(q, &q->wake, now + 100 * US_PER_MS);
	go_on = !q->closing || clock_now_us() < q->close_until_us;
	pthread_mutex_unlock(&q->lock);
	return go_on;
}

void queue_lost(struct queue *q, uint64_t count)
{
	pthread_mutex_lock(&q->lock);
	q->lost += count;
	pthread_mutex_unlock(&q->lock);
}

bool queue_closing(struct queue *q)
{
	bool closing;

	pthread_mutex_lock(&q->lock);
	closing = q->closing;
	pthread_mutex_unlock(&q->lock);
	return closing;
}
