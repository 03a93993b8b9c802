#include "server/store/row.h"

#include "common/clock.h"
#include "server/store/store_db.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	STEPS = 10000 /* of SQLite's machine between two looks at the clock */
};

/* How long one who asks may wait: for a connection, for SQLite's own locks, and for the query, which
 * is stopped then (SQLITE_INTERRUPT). */
struct patience {
	int64_t free_us;
	int busy_ms;
	int64_t query_us;
};

static const struct patience usual = { US_PER_S, 1000, 5 * US_PER_S };
static const struct patience short_one = { 50 * US_PER_MS, 50, 50 * US_PER_MS };

/* ------------------------- connections that only read: opened when needed, and kept */

/* In WAL mode readers and the writer do not wait for each other. A few connections will do: they are
 * asked by HTTP workers and jobs, and somebody who asks too much waits here and not in SQLite. */

void readers_init(struct readers *r)
{
	pthread_condattr_t attr;

	memset(r, 0, sizeof *r);
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->free, &attr);
	pthread_condattr_destroy(&attr);
}

void readers_close(struct readers *r)
{
	for (size_t i = 0; i < STORE_READERS; i++)
		sqlite3_close_v2(r->list[i].db);
	pthread_cond_destroy(&r->free);
	pthread_mutex_destroy(&r->lock);
}

/* SQLite calls back every STEPS instructions; not 0 stops the query. It guards the pool against an
 * expensive filter of the API. */
static int too_long(void *arg)
{
	const struct reader *r = arg;

	return clock_now_us() >= r->until_us;
}

/* The schema is not trusted: a database file can be exchanged by whoever may write the directory. */
static sqlite3 *open_reader(const struct store *s, struct reader *r)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(s->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL)) {
		sqlite3_close_v2(db);
		return NULL;
	}
	sqlite3_extended_result_codes(db, 1);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_progress_handler(db, STEPS, too_long, r);
	return db;
}

/* Under the lock: a free connection, one that is open rather than one still to be opened. NULL: all
 * out. */
static struct reader *pick(struct readers *r)
{
	struct reader *found = NULL;

	for (size_t i = 0; i < STORE_READERS; i++)
		if (!r->list[i].out && (!found || (!found->db && r->list[i].db)))
			found = &r->list[i];
	return found;
}

/* Waits for a free connection, a second at most: then the query fails with -EIO, instead of tying
 * up a thread of the HTTP server. */
static struct reader *take(struct readers *r, int64_t wait_us)
{
	int64_t until = clock_now_us() + wait_us;
	struct timespec t = { .tv_sec = until / US_PER_S, .tv_nsec = until % US_PER_S * 1000 };
	struct reader *found;

	pthread_mutex_lock(&r->lock);
	while (!(found = pick(r)) && pthread_cond_timedwait(&r->free, &r->lock, &t) != ETIMEDOUT)
		;
	if (found)
		found->out = true;
	pthread_mutex_unlock(&r->lock);
	return found;
}

static void give_back(struct readers *r, struct reader *reader)
{
	pthread_mutex_lock(&r->lock);
	reader->out = false;
	pthread_cond_signal(&r->free);
	pthread_mutex_unlock(&r->lock);
}

/* Only the holder changes its reader's `db`, but store_reader_done looks at those of all. */
static void set_db(struct readers *r, struct reader *reader, sqlite3 *db)
{
	pthread_mutex_lock(&r->lock);
	reader->db = db;
	pthread_mutex_unlock(&r->lock);
}

/* A reader that was opened on a database file which has been replaced since (store_writer.c) is
 * opened anew. The deadline is set for the query that follows; store_reader_done ends the loan. */
static sqlite3 *reader_within(struct store *s, const struct patience *p)
{
	unsigned database = s ? atomic_load(&s->database) : 0;
	struct reader *r = s ? take(&s->readers, p->free_us) : NULL;
	sqlite3 *db;

	if (!r)
		return NULL;
	if (r->db && r->database != database) {
		db = r->db;
		/* Taken out before it is closed, since another connection may get its address. */
		set_db(&s->readers, r, NULL);
		sqlite3_close_v2(db);
	}
	if (!r->db) {
		set_db(&s->readers, r, open_reader(s, r));
		r->database = database;
	}
	r->until_us = clock_now_us() + p->query_us;
	db = r->db;
	if (db)
		sqlite3_busy_timeout(db, p->busy_ms);
	else
		give_back(&s->readers, r);
	return db;
}

sqlite3 *store_reader(struct store *s)
{
	return reader_within(s, &usual);
}

void store_reader_done(struct store *s, sqlite3 *db)
{
	struct reader *r = NULL;

	if (!s || !db)
		return;
	pthread_mutex_lock(&s->readers.lock);
	for (size_t i = 0; i < STORE_READERS; i++)
		if (s->readers.list[i].out && s->readers.list[i].db == db)
			r = &s->readers.list[i];
	pthread_mutex_unlock(&s->readers.lock);
	if (r)
		give_back(&s->readers, r);
}

/* ----------------------------------------------------------------- writing, asking */

/* The statement and its values are copied here, on the caller's thread, and nothing else happens: a
 * call's loop pays one allocation and a short lock for it. */
bool store_write(struct store *s, const char *sql, const char *format, ...)
{
	struct entry *e;
	va_list values;

	if (!s)
		return true;
	va_start(values, format);
	e = entry_new(sql, format, values);
	va_end(values);
	if (!e) {
		queue_lost(&s->queue, 1);
		return false;
	}
	return queue_put(&s->queue, e);
}

/* Texts are bound without a copy, so they belong to the caller until rows_done. */
static int bind(sqlite3_stmt *stmt, int at, char letter, va_list *values)
{
	const char *text;

	switch (letter) {
	case 'i':
		return sqlite3_bind_int64(stmt, at, va_arg(*values, int64_t));
	case 'd':
		return sqlite3_bind_double(stmt, at, va_arg(*values, double));
	case 't':
		text = va_arg(*values, const char *);
		return sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC); /* NULL binds NULL */
	default:
		assert(false && "a letter that rows_ask does not know");
		return SQLITE_MISUSE;
	}
}

/* Errors are kept in `result` and told once, by rows_done, so that a verb reads as three lines.
 * Without a store the connection is missing, and the same way leads to -EIO. */
static void ask(
    struct rows *r, struct store *store, const struct patience *p, const char *sql, const char *format, va_list *values)
{
	*r = (struct rows){ .store = store, .db = reader_within(store, p), .result = SQLITE_CANTOPEN };
	if (!r->db)
		return;
	r->result = sqlite3_prepare_v2(r->db, sql, -1, &r->stmt, NULL);
	for (int i = 0; format[i] && r->result == SQLITE_OK; i++)
		r->result = bind(r->stmt, i + 1, format[i], values);
}

void rows_ask(struct rows *r, struct store *store, const char *sql, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	ask(r, store, &usual, sql, format, &values);
	va_end(values);
}

void rows_ask_soon(struct rows *r, struct store *store, const char *sql, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	ask(r, store, &short_one, sql, format, &values);
	va_end(values);
}

/* False at the end and after any error alike; rows_done knows which. */
bool rows_next(struct rows *r)
{
	if (r->result != SQLITE_OK && r->result != SQLITE_ROW)
		return false;
	r->result = sqlite3_step(r->stmt);
	r->count += r->result == SQLITE_ROW;
	return r->result == SQLITE_ROW;
}

/* Also in the middle of the rows, when the taker has enough. SQLITE_ROW is no error then. */
int rows_done(struct rows *r)
{
	bool ok = r->result == SQLITE_OK || r->result == SQLITE_ROW || r->result == SQLITE_DONE;

	sqlite3_finalize(r->stmt);
	store_reader_done(r->store, r->db);
	r->stmt = NULL;
	r->db = NULL;
	return ok ? r->count : -EIO;
}

int rows_done_one(struct rows *r)
{
	int count = rows_done(r);

	return count < 0 ? count : count ? 0 : -ENOENT;
}

/* ------------------------------------------------------------------------ columns */

bool row_null(const struct rows *r, int column)
{
	return sqlite3_column_type(r->stmt, column) == SQLITE_NULL;
}

int64_t row_int(const struct rows *r, int column)
{
	return sqlite3_column_int64(r->stmt, column);
}

double row_double(const struct rows *r, int column)
{
	return sqlite3_column_double(r->stmt, column);
}

const char *row_text(const struct rows *r, int column)
{
	return (const char *)sqlite3_column_text(r->stmt, column);
}

const char *row_string(const struct rows *r, int column)
{
	const char *text = row_text(r, column);

	return text ? text : "";
}

char *row_copy(const struct rows *r, int column)
{
	const char *text = row_text(r, column);

	return text ? strdup(text) : NULL;
}

void row_take(const struct rows *r, int column, char *out, size_t size)
{
	snprintf(out, size, "%s", row_string(r, column));
}

void row_put_text(const struct rows *r, int column, struct json_out *j, const char *key)
{
	const char *text = row_string(r, column);

	json_put_text(j, key, *text ? text : NULL);
}

void row_put_time(const struct rows *r, int column, struct json_out *j, const char *key)
{
	if (row_null(r, column))
		json_put_null(j, key);
	else
		json_put_time(j, key, row_int(r, column));
}
