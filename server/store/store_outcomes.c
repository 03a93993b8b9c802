#include "server/store/store_outcomes.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/json.h"
#include "server/store/row.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void outcome_row_free(struct outcome_row *row)
{
	free(row->agent);
	free(row->variant);
	free(row->status);
	free(row->source);
	free(row->json);
	free(row->problems);
	free(row->from);
	free(row->to);
	*row = (struct outcome_row){ .attempts = 0 };
}

void outcome_id(const char *call_sid, char out[OUTCOME_ID_SIZE])
{
	uint8_t digest[SHA256_BYTES];

	sha256(call_sid, strlen(call_sid), digest);
	snprintf(out, OUTCOME_ID_SIZE, "rec_");
	for (size_t i = 0; i < 12; i++)
		snprintf(out + 4 + 2 * i, 3, "%02x", digest[i]);
}

/* ----------------------------------------------------------------------- writing */

bool store_outcome_open(
    struct store *store, const char *call_sid, const char *agent, const char *variant, int64_t wall_ms)
{
	char id[OUTCOME_ID_SIZE];

	outcome_id(call_sid, id);
	/* A call that comes back from a transfer opens its record again. */
	return store_write(store,
	    "INSERT INTO records (id, call_sid, agent, variant, at, status, state, updated_at)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, 'open', 'open', ?5)"
	    " ON CONFLICT DO UPDATE SET state = 'open', attempts = 0, next_at = 0",
	    "tttti", id, call_sid, agent, variant, wall_ms);
}

bool store_outcome_save(struct store *store, const char *call_sid, const char *agent, const char *variant,
    const char *status, const char *json, const char *problems, int64_t wall_ms)
{
	char id[OUTCOME_ID_SIZE];

	outcome_id(call_sid, id);
	return store_write(store,
	    "INSERT INTO records (id, call_sid, agent, variant, at, status, json, problems, state, source, updated_at)"
	    " VALUES (?1, ?2, ?3, ?4, ?8, ?5, ?6, ?7, 'open', 'call', ?8)"
	    " ON CONFLICT DO UPDATE SET status = excluded.status, json = excluded.json, problems = excluded.problems,"
	    " source = 'call', updated_at = excluded.updated_at"
	    " WHERE status <> 'valid' OR excluded.status = 'valid'",
	    "tttttt"
	    "ti",
	    id, call_sid, agent, variant, status, json, problems, wall_ms);
}

bool store_outcome_fill(struct store *store, const struct outcome_row *row, int64_t next_ms, int64_t wall_ms)
{
	return store_write(store,
	    "UPDATE records SET status = ?2, source = ?3, json = ?4, problems = ?5, attempts = ?6, next_at = ?7,"
	    " state = CASE ?7 WHEN 0 THEN 'done' ELSE 'open' END, updated_at = ?8 WHERE id = ?1 AND state = 'open'",
	    "tttttiii", row->id, row->status, *row->source ? row->source : NULL, row->json, row->problems,
	    (int64_t)row->attempts, next_ms, wall_ms);
}

bool store_outcome_drop(struct store *store, const char *id)
{
	return store_write(store, "DELETE FROM records WHERE id = ?1 AND status = 'open'", "t", id);
}

/* ----------------------------------------------------------------------- reading */

static const char *text_at(sqlite3_stmt *s, int i)
{
	return (const char *)sqlite3_column_text(s, i);
}

static char *copy_at(sqlite3_stmt *s, int i, bool or_empty)
{
	const char *text = text_at(s, i);

	return text ? strdup(text) : or_empty ? strdup("") : NULL;
}

#define ROW \
	"SELECT r.id, r.call_sid, r.agent, r.variant, r.status, r.source, r.json, r.problems, r.attempts," \
	" c.from_number, c.to_number, coalesce(c.started_at, r.at), c.ended_at, coalesce(c.seconds, 0), r.state," \
	" r.updated_at, r.at FROM records r LEFT JOIN calls c ON c.call_sid = r.call_sid "

enum { COLUMN_STATE = 14, COLUMN_UPDATED, COLUMN_AT };

/* False: out of memory. */
static bool take_row(sqlite3_stmt *s, struct outcome_row *row)
{
	*row = (struct outcome_row){ .attempts = sqlite3_column_int(s, 8),
		.agent = copy_at(s, 2, true),
		.variant = copy_at(s, 3, true),
		.status = copy_at(s, 4, true),
		.source = copy_at(s, 5, true),
		.json = copy_at(s, 6, false),
		.problems = copy_at(s, 7, false),
		.from = copy_at(s, 9, true),
		.to = copy_at(s, 10, true),
		.at_ms = sqlite3_column_int64(s, 11),
		.ended_ms = sqlite3_column_int64(s, 12),
		.seconds = sqlite3_column_int64(s, 13) };
	snprintf(row->id, sizeof row->id, "%s", text_at(s, 0) ? text_at(s, 0) : "");
	snprintf(row->call_sid, sizeof row->call_sid, "%s", text_at(s, 1) ? text_at(s, 1) : "");
	if (row->agent && row->variant && row->status && row->source && row->from && row->to)
		return true;
	outcome_row_free(row);
	return false;
}

int store_outcomes_due(struct store *store, int64_t now_ms, struct outcome_row *rows, int max)
{
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *s = NULL;
	int count = 0, rc = SQLITE_ERROR;

	if (!db)
		return -EIO;
	if (!sqlite3_prepare_v2(db,
		ROW
		"WHERE r.state = 'open' AND r.next_at <= ?1 AND c.state = 'ended' ORDER BY r.next_at, r.at LIMIT ?2",
		-1, &s, NULL)) {
		sqlite3_bind_int64(s, 1, now_ms);
		sqlite3_bind_int(s, 2, max);
		while ((rc = sqlite3_step(s)) == SQLITE_ROW && count < max && take_row(s, &rows[count]))
			count++;
	}
	sqlite3_finalize(s);
	store_reader_done(store, db);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? count : -EIO;
}

bool store_outcome_is_due(struct store *store, const char *id, int64_t now_ms)
{
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *s = NULL;
	bool due = false;

	if (!db)
		return false;
	if (!sqlite3_prepare_v2(db,
		"SELECT 1 FROM records r JOIN calls c ON c.call_sid = r.call_sid"
		" WHERE r.id = ?1 AND r.state = 'open' AND r.next_at <= ?2 AND c.state = 'ended'",
		-1, &s, NULL)) {
		sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 2, now_ms);
		due = sqlite3_step(s) == SQLITE_ROW;
	}
	sqlite3_finalize(s);
	store_reader_done(store, db);
	return due;
}

static void put_turn(sqlite3_stmt *s, struct buf *out)
{
	const char *kind = text_at(s, 0) ? text_at(s, 0) : "", *text = text_at(s, 1), *heard = text_at(s, 2);

	/* What the caller did not hear was not said. */
	if (!strcmp(kind, "agent") && sqlite3_column_int(s, 3) && heard)
		text = heard;
	if (!text || !*text)
		return;
	buf_printf(out, "%s: %s\n",
	    !strcmp(kind, "agent")    ? "Agent"
	    : !strcmp(kind, "caller") ? "Caller"
				      : "Caller pressed",
	    text);
}

int store_outcome_transcript(struct store *store, const char *call_sid, size_t max, struct buf *out)
{
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *s = NULL;
	int callers = 0, rc = SQLITE_ERROR;

	if (!db)
		return -EIO;
	if (!sqlite3_prepare_v2(db,
		"SELECT kind, text, heard_text, interrupted FROM turns WHERE call_sid = ?1 ORDER BY no", -1, &s,
		NULL)) {
		sqlite3_bind_text(s, 1, call_sid, -1, SQLITE_STATIC);
		while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
			const char *kind = text_at(s, 0), *text = text_at(s, 1);

			callers += kind && strcmp(kind, "agent") != 0 && text && *text;
			if (out->len < max)
				put_turn(s, out);
			else if (rc == SQLITE_ROW) {
				buf_puts(out, "(The rest is left out.)\n");
				rc = SQLITE_DONE;
				break;
			}
		}
	}
	sqlite3_finalize(s);
	store_reader_done(store, db);
	return rc == SQLITE_DONE ? callers : -EIO;
}

/* ----------------------------------------------------------------------- showing */

static void put_time(struct buf *out, const char *name, int64_t wall_ms)
{
	char text[32];

	clock_iso8601(wall_ms, text, sizeof text);
	buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	json_put_cstring(out, text && *text ? text : NULL);
}

void outcome_put_json(const struct outcome_row *row, bool done, int64_t updated_ms, struct buf *out)
{
	buf_puts(out, "{\"id\":");
	json_put_cstring(out, row->id);
	put_text(out, "call_sid", row->call_sid);
	put_text(out, "agent", row->agent);
	put_text(out, "variant", row->variant);
	put_text(out, "status", row->status);
	put_text(out, "source", row->source);
	buf_printf(out, ",\"complete\":%s,\"record\":%s,\"problems\":%s", done ? "true" : "false",
	    row->json ? row->json : "null", row->problems ? row->problems : "[]");
	put_text(out, "from", row->from);
	put_text(out, "to", row->to);
	put_time(out, "call_started_at", row->at_ms);
	put_time(out, "updated_at", updated_ms);
	buf_putc(out, '}');
}

static void show(sqlite3_stmt *s, struct buf *out)
{
	struct outcome_row row;

	if (!take_row(s, &row)) {
		buf_puts(out, "null");
		return;
	}
	outcome_put_json(&row, !strcmp(text_at(s, COLUMN_STATE), "done"), sqlite3_column_int64(s, COLUMN_UPDATED), out);
	outcome_row_free(&row);
}

static void bind_text(sqlite3_stmt *s, int i, const char *text)
{
	if (text)
		sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(s, i);
}

/* Newest first, by when the record was opened. */
static const char list_sql[] =
    ROW "WHERE r.status <> 'open' AND (?1 IS NULL OR r.agent = ?1) AND (?2 IS NULL OR r.call_sid = ?2)"
	" AND (?3 IS NULL OR r.status = ?3) AND r.at >= ?4 AND r.at < ?5"
	" AND (?6 IS NULL OR r.at < ?7 OR (r.at = ?7 AND r.id < ?6)) ORDER BY r.at DESC, r.id DESC LIMIT ?8";

int store_outcomes_list(struct store *store, const struct outcome_filter *filter, struct buf *out)
{
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *s = NULL;
	char next[64] = "";
	int count = 0, rc = SQLITE_ERROR;

	if (!db)
		return -EIO;
	buf_puts(out, "{\"records\":[");
	if (!sqlite3_prepare_v2(db, list_sql, -1, &s, NULL)) {
		bind_text(s, 1, filter->agent);
		bind_text(s, 2, filter->call_sid);
		bind_text(s, 3, filter->status);
		sqlite3_bind_int64(s, 4, filter->since_ms);
		sqlite3_bind_int64(s, 5, filter->until_ms);
		bind_text(s, 6, filter->before_id);
		sqlite3_bind_int64(s, 7, filter->before_ms);
		/* One more tells whether there is another page. */
		sqlite3_bind_int(s, 8, filter->limit + 1);
		while ((rc = sqlite3_step(s)) == SQLITE_ROW && count < filter->limit) {
			buf_puts(out, count++ ? "," : "");
			show(s, out);
			snprintf(
			    next, sizeof next, "%lld.%s", (long long)sqlite3_column_int64(s, COLUMN_AT), text_at(s, 0));
		}
	}
	buf_puts(out, "],\"next\":");
	json_put_cstring(out, rc == SQLITE_ROW ? next : NULL);
	buf_puts(out, "}");
	sqlite3_finalize(s);
	store_reader_done(store, db);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -EIO;
}

/* The one row that `sql` finds for the text. */
static int one(
    struct store *store, const char *sql, const char *text, void (*put)(sqlite3_stmt *, struct buf *), struct buf *out)
{
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *s = NULL;
	int rc = SQLITE_ERROR;

	if (!db)
		return -EIO;
	if (!sqlite3_prepare_v2(db, sql, -1, &s, NULL)) {
		sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC);
		if ((rc = sqlite3_step(s)) == SQLITE_ROW)
			put(s, out);
	}
	sqlite3_finalize(s);
	store_reader_done(store, db);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? -ENOENT : -EIO;
}

int store_outcomes_one(struct store *store, const char *id, struct buf *out)
{
	return one(store, ROW "WHERE r.id = ?1 AND r.status <> 'open'", id, show, out);
}

static void show_short(sqlite3_stmt *s, struct buf *out)
{
	buf_puts(out, "{\"id\":");
	json_put_cstring(out, text_at(s, 0));
	buf_puts(out, ",\"status\":");
	json_put_cstring(out, text_at(s, 1));
	buf_putc(out, '}');
}

void store_outcomes_of_call(struct store *store, const char *call_sid, struct buf *out)
{
	if (!store || one(store, "SELECT id, status FROM records WHERE call_sid = ?1 AND status <> 'open'", call_sid,
			  show_short, out))
		buf_puts(out, "null");
}
