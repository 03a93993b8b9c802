/* The one thread that writes.
 *
 * It takes a batch of pending statements and writes it in one transaction. If that
 * fails for a reason that may pass (the disk, another program's lock), it tries the
 * same batch again, later and later up to every 5 s, for as long as it takes. A
 * statement that can never succeed is dropped alone and counted, so that it does
 * not stand in the way of the rest. */
#include "server/store/store_writer.h"

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/store/store_db.h"
#include "server/store/store_retain.h"

#include <stdio.h>
#include <string.h>

enum {
	LOOK_US = 5 * US_PER_S, /* between two looks at the file while there is nothing to write */
	RETAIN_RETRY_US = 60 * US_PER_S,
	RETAIN_PAUSE_US = 20 * US_PER_MS,
	COMPLAINTS_MAX = 20
};
#define RETAIN_US (3600 * INT64_C(1) * US_PER_S)

/* True for the statement's own faults: bad SQL, a constraint, too large. */
static bool never_succeeds(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
	case SQLITE_MISUSE:
	case SQLITE_AUTH:
		return true;
	default:
		return false;
	}
}

/* True for errors after which the connection is closed and opened anew, because it may hold on to a
 * state of the disk that is gone. A full disk or a lock is no such error. */
static bool connection_is_spent(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
		return false;
	default:
		return true;
	}
}

/* ---------------------------------------------------------------- one statement */

static int bind(sqlite3_stmt *stmt, int at, const struct value *v)
{
	switch (v->type) {
	case 'i':
		return sqlite3_bind_int64(stmt, at, v->as.i);
	case 'd':
		return sqlite3_bind_double(stmt, at, v->as.d);
	case 't':
		return sqlite3_bind_text64(stmt, at, v->as.bytes.p, v->as.bytes.n, SQLITE_STATIC, SQLITE_UTF8);
	case 'b':
		return sqlite3_bind_blob64(stmt, at, v->as.bytes.p, v->as.bytes.n, SQLITE_STATIC);
	default:
		return sqlite3_bind_null(stmt, at);
	}
}

/* One statement of the batch. Bindings are cleared, since the values belong to the entry. */
static int run(struct store *s, const struct entry *e)
{
	int rc;
	sqlite3_stmt *stmt = store_prepared(s, e->sql, &rc);

	for (size_t i = 0; i < e->count && rc == SQLITE_OK; i++)
		rc = bind(stmt, (int)i + 1, &e->values[i]);
	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			;
	if (stmt) {
		sqlite3_reset(stmt);
		sqlite3_clear_bindings(stmt);
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* --------------------------------------------------------------- one transaction */

/* The entry stays in the batch, marked dead: a second try of the batch passes over it. */
static void give_up_on(struct store *s, struct entry *e, int rc)
{
	e->dead = true;
	queue_lost(&s->queue, 1);
	store_note_error(s, sqlite3_errmsg(s->db));
	if (s->complaints++ < COMPLAINTS_MAX)
		log_error("store", "a statement that cannot succeed is dropped: %s (%d); %.80s", sqlite3_errmsg(s->db),
		    rc, e->sql);
}

/* One transaction. A failure rolls it back whole, and the batch is written again from its first
 * entry: this is why statements must do no harm when they run twice. IMMEDIATE takes the lock at
 * the start, so that another program's lock shows before anything is done. */
static int write_batch(struct store *s)
{
	int rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	uint64_t written = 0;

	for (struct entry *e = s->batch; e && rc == SQLITE_OK; e = e->next) {
		if (e->dead)
			continue;
		rc = run(s, e);
		if (rc == SQLITE_OK) {
			written++;
		} else if (never_succeeds(rc) && !sqlite3_get_autocommit(s->db)) { /* still in the transaction */
			give_up_on(s, e, rc);
			rc = SQLITE_OK;
		}
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK) {
		atomic_fetch_add_explicit(&s->written, written, memory_order_relaxed);
		return rc;
	}
	store_note_error(s, sqlite3_errmsg(s->db));
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* --------------------------------------------------------------- failing and not */

static size_t waiting(struct store *s)
{
	size_t count;

	pthread_mutex_lock(&s->queue.lock);
	count = s->queue.count;
	pthread_mutex_unlock(&s->queue.lock);
	return count;
}

/* Said in the log once, when failing begins; flushes are woken and told each time. */
static void failed(struct store *s)
{
	queue_failed(&s->queue);
	if (s->failing_since_us)
		return;
	s->failing_since_us = clock_now_us();
	log_error("store", "writing fails: %s; calls go on, waiting=%zu", s->last_error, waiting(s));
}

/* Frees the batch (NULL after housekeeping) and says in the log how long it took to recover. */
static void succeeded(struct store *s, struct entry *batch)
{
	queue_committed(&s->queue, batch);
	store_db_measure(s);
	if (!s->failing_since_us)
		return;
	log_info("store", "writing again after %.1f s; waiting=%zu",
	    (double)(clock_now_us() - s->failing_since_us) / US_PER_S, waiting(s));
	s->failing_since_us = 0;
}

/* Sees to an open connection. False: it cannot be opened now. A file that was taken away is given
 * up and another begun with new tables; the rows in it are gone with it. */
static bool connected(struct store *s)
{
	struct buf problem;
	bool ok;

	if (s->db && store_db_moved(s)) {
		log_error("store", "%s was taken away; another is begun", s->path);
		store_db_close(s);
		atomic_fetch_add(&s->database, 1);
	}
	if (s->db)
		return true;
	buf_init(&problem, 0);
	ok = !store_db_open(s, &problem);
	if (!ok)
		store_note_error(s, buf_text(&problem));
	buf_free(&problem);
	return ok;
}

/* Writes the batch; without one, does the housekeeping that is due. False: try again later. Old
 * calls are deleted in small pieces with a pause between, so that pending statements always come
 * first. */
static bool work(struct store *s, int64_t now)
{
	int rc = SQLITE_OK;

	if (!connected(s))
		return false;
	if (s->batch) {
		rc = write_batch(s);
	} else if (now >= s->retain_at_us) {
		rc = store_retain(s, clock_wall_ms());
		s->retain_at_us = now + (rc == SQLITE_ROW     ? RETAIN_PAUSE_US
					    : rc == SQLITE_OK ? RETAIN_US
							      : RETAIN_RETRY_US);
		if (rc == SQLITE_ROW)
			rc = SQLITE_OK;
		else if (rc != SQLITE_OK)
			store_note_error(s, sqlite3_errmsg(s->db));
	}
	if (rc == SQLITE_OK)
		return true;
	if (connection_is_spent(rc))
		store_db_close(s);
	return false;
}

/* The thread, from store_open to store_close. Each round takes a batch unless one is left over from
 * a failure. At the closing the loop ends when the queue is empty, or when queue_nap says that time
 * is up; then the batch at hand stays in s->batch for store_close to count and free. */
void *store_writer(void *arg)
{
	struct store *s = arg;
	static const struct backoff pause = { .first_ms = 250, .most_ms = 5000 };
	int failures = 0;

	for (;;) {
		int64_t now = clock_now_us(), until = now + LOOK_US;

		if (!s->batch)
			s->batch = queue_take(&s->queue, until < s->retain_at_us ? until : s->retain_at_us);
		if (!s->batch && queue_closing(&s->queue))
			break;
		if (work(s, clock_now_us())) {
			succeeded(s, s->batch);
			s->batch = NULL;
			failures = 0;
			continue;
		}
		failed(s);
		if (!queue_nap(&s->queue, backoff_ms(&pause, ++failures, 0, UINT32_MAX)))
			break;
	}
	return NULL;
}
