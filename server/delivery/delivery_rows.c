#include "server/delivery/delivery_rows.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/store/row.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS "id, seq, call_sid, agent, variant, event, url, at, since, next_at, attempts"

void rows_insert(struct store *store, const struct delivery_entry *e)
{
	store_write(store,
	    "INSERT OR IGNORE INTO outbox (" COLUMNS ", body, state)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting')",
	    "tittttt"
	    "iiiit",
	    e->id, e->seq, e->call_sid, e->agent, e->variant, e->event, e->url, e->at_ms, e->since_ms, e->next_ms,
	    (int64_t)e->attempts, e->body);
}

void rows_update(struct store *store, const struct delivery_entry *e, const char *state,
    const struct delivery_result *result, int64_t now_ms)
{
	store_write(store,
	    "UPDATE outbox SET state = ?, attempts = ?, next_at = ?, last_status = ?, last_error = ?, tried_at = ?"
	    " WHERE id = ?",
	    "tiiitit", state, (int64_t)e->attempts, e->next_ms, (int64_t)result->status, result->error, now_ms, e->id);
}

void rows_park(struct store *store, const char *id, const char *why)
{
	store_write(store, "UPDATE outbox SET state = 'parked', last_error = coalesce(last_error, ?) WHERE id = ?",
	    "tt", why, id);
}

void rows_reopen(struct store *store, const char *id, int64_t now_ms)
{
	store_write(store, "UPDATE outbox SET state = 'waiting', attempts = 0, since = ?, next_at = ? WHERE id = ?",
	    "iit", now_ms, now_ms, id);
}

/* ------------------------------------------------------------------------ reading */

static const char *text(sqlite3_stmt *row, int column)
{
	const char *found = (const char *)sqlite3_column_text(row, column);

	return found ? found : "";
}

/* A row of COLUMNS. */
static struct delivery_entry *entry_of(sqlite3_stmt *row)
{
	struct delivery_entry *e =
	    delivery_entry_new(text(row, 2), text(row, 3), text(row, 4), text(row, 5), text(row, 6), NULL, NULL);

	if (!e)
		return NULL;
	snprintf(e->id, sizeof e->id, "%s", text(row, 0));
	e->seq = sqlite3_column_int64(row, 1);
	e->at_ms = sqlite3_column_int64(row, 7);
	e->since_ms = sqlite3_column_int64(row, 8);
	e->next_ms = sqlite3_column_int64(row, 9);
	e->attempts = sqlite3_column_int(row, 10);
	return e;
}

/* NULL if there is no reader, or it does not understand. `db` is to be given
 * back either way. */
static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *row = NULL;

	if (db && sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
		row = NULL;
	return row;
}

static void give_back(struct store *store, sqlite3 *db, sqlite3_stmt *row)
{
	sqlite3_finalize(row);
	if (db)
		store_reader_done(store, db);
}

int rows_waiting(
    struct store *store, int64_t after_seq, int most, void (*each)(void *arg, struct delivery_entry *entry), void *arg)
{
	sqlite3 *db = store ? store_reader(store) : NULL;
	sqlite3_stmt *row =
	    prepare(db, "SELECT " COLUMNS " FROM outbox WHERE state = 'waiting' AND seq > ? ORDER BY seq LIMIT ?");
	int count = 0, rc = SQLITE_ERROR;

	if (row) {
		sqlite3_bind_int64(row, 1, after_seq);
		sqlite3_bind_int(row, 2, most);
		while ((rc = sqlite3_step(row)) == SQLITE_ROW) {
			struct delivery_entry *e = entry_of(row);

			if (e)
				each(arg, e);
			count++;
		}
	}
	give_back(store, db, row);
	return rc == SQLITE_DONE ? count : -EIO;
}

int rows_find(struct store *store, const char *id, struct delivery_entry **out, char *state, size_t size)
{
	sqlite3 *db = store ? store_reader(store) : NULL;
	sqlite3_stmt *row = prepare(db, "SELECT " COLUMNS ", state FROM outbox WHERE id = ?");
	int err = -EIO;

	if (row) {
		sqlite3_bind_text(row, 1, id, -1, SQLITE_STATIC);
		switch (sqlite3_step(row)) {
		case SQLITE_ROW:
			*out = entry_of(row);
			snprintf(state, size, "%s", text(row, 11));
			err = *out ? 0 : -EIO;
			break;
		case SQLITE_DONE:
			err = -ENOENT;
			break;
		}
	}
	give_back(store, db, row);
	return err;
}

char *rows_body(struct store *store, const char *id)
{
	sqlite3 *db = store ? store_reader(store) : NULL;
	sqlite3_stmt *row = prepare(db, "SELECT body FROM outbox WHERE id = ?");
	char *body = NULL;

	if (row) {
		sqlite3_bind_text(row, 1, id, -1, SQLITE_STATIC);
		if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_text(row, 0))
			body = strdup(text(row, 0));
	}
	give_back(store, db, row);
	return body;
}

/* ------------------------------------------------------------------------ listing */

static void put_text(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ",\"%s\":", name);
	json_put_cstring(out, *value ? value : NULL);
}

static void put_time(struct buf *out, const char *name, sqlite3_stmt *row, int column)
{
	char stamp[32];

	buf_printf(out, ",\"%s\":", name);
	if (sqlite3_column_type(row, column) == SQLITE_NULL) {
		buf_puts(out, "null");
		return;
	}
	clock_iso8601(sqlite3_column_int64(row, column), stamp, sizeof stamp);
	buf_printf(out, "\"%s\"", stamp);
}

static void put_row(struct buf *out, sqlite3_stmt *row)
{
	bool waiting = !strcmp(text(row, 11), "waiting");
	int status = sqlite3_column_int(row, 12);

	buf_puts(out, "{\"id\":");
	json_put_cstring(out, text(row, 0));
	put_text(out, "event", text(row, 5));
	put_text(out, "call_sid", text(row, 2));
	put_text(out, "agent", text(row, 3));
	put_text(out, "url", text(row, 6));
	put_text(out, "state", text(row, 11));
	buf_printf(out, ",\"failed_attempts\":%d", sqlite3_column_int(row, 10));
	put_time(out, "created_at", row, 7);
	put_time(out, "tried_at", row, 14);
	if (waiting)
		put_time(out, "next_attempt_at", row, 9);
	else
		buf_puts(out, ",\"next_attempt_at\":null");
	buf_puts(out, ",\"last_status\":");
	if (status)
		buf_printf(out, "%d", status);
	else
		buf_puts(out, "null");
	put_text(out, "last_error", text(row, 13));
	buf_putc(out, '}');
}

int rows_list(struct store *store, const char *state, int64_t cursor, int limit, struct buf *out)
{
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *row =
	    prepare(db, *state ? "SELECT " COLUMNS ", state, last_status, last_error, tried_at FROM outbox"
				 " WHERE seq < ?1 AND state = ?3 ORDER BY seq DESC LIMIT ?2"
			       : "SELECT " COLUMNS ", state, last_status, last_error, tried_at FROM outbox"
				 " WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
	int64_t last = 0;
	int count = 0, rc = SQLITE_ERROR;

	buf_puts(out, "{\"outbox\":[");
	if (row) {
		sqlite3_bind_int64(row, 1, cursor);
		sqlite3_bind_int(row, 2, limit + 1);
		if (*state)
			sqlite3_bind_text(row, 3, state, -1, SQLITE_STATIC);
		/* One more than asked for tells whether there are more. */
		while ((rc = sqlite3_step(row)) == SQLITE_ROW && count < limit) {
			if (count++)
				buf_putc(out, ',');
			put_row(out, row);
			last = sqlite3_column_int64(row, 1);
		}
	}
	give_back(store, db, row);
	if (rc == SQLITE_ROW)
		buf_printf(out, "],\"next\":\"%" PRId64 "\"}\n", last);
	else
		buf_puts(out, "],\"next\":null}\n");
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -EIO;
}
