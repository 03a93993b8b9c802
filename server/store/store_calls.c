#include "server/store/store_calls.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/store/row.h"
#include "server/store/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

int call_mark_order(const struct call_mark *x, const struct call_mark *y)
{
	if (x->reserved_ms != y->reserved_ms)
		return x->reserved_ms > y->reserved_ms ? -1 : 1;
	return strcmp(y->call_sid, x->call_sid);
}

bool call_mark_of(const cJSON *call, struct call_mark *out)
{
	const char *at = json_str(call, "reserved_at"), *sid = json_str(call, "call_sid");

	snprintf(out->call_sid, sizeof out->call_sid, "%s", sid ? sid : "");
	return at && clock_parse(at, &out->reserved_ms);
}

static bool same(const char *wanted, const char *text)
{
	return !wanted || (text && !strcmp(wanted, text));
}

bool call_filter_matches(const struct call_filter *f, const cJSON *call)
{
	struct call_mark mark;

	return call_mark_of(call, &mark) && mark.reserved_ms >= f->since_ms && mark.reserved_ms < f->until_ms &&
	       same(f->agent, json_str(call, "agent")) && same(f->from, json_str(call, "from")) &&
	       same(f->to, json_str(call, "to")) && same(f->direction, json_str(call, "direction")) &&
	       same(f->ending, json_str(json_get(call, "ending"), "reason"));
}

/* What lists do not show of a call, since it is about what was said. */
#define CONVERSATION "'$.model_session_id', '$.turns_dropped', '$.text_dropped', '$.tools'"

static sqlite3_stmt *select_calls(sqlite3 *db, const struct call_filter *f, const struct call_mark *after)
{
	static const char sql[] = "SELECT reserved_at, call_sid, json_remove(json, " CONVERSATION ") FROM calls"
				  " WHERE reserved_at >= ?1 AND reserved_at < ?2 AND (?3 IS NULL OR agent = ?3)"
				  " AND (?4 IS NULL OR from_number = ?4) AND (?5 IS NULL OR to_number = ?5)"
				  " AND (?6 IS NULL OR ending = ?6) AND (?7 IS NULL OR direction = ?7)"
				  " AND reserved_at <= ?8 AND (reserved_at < ?8 OR call_sid < ?9)"
				  " ORDER BY reserved_at DESC, call_sid DESC";
	const char *texts[] = { f->agent, f->from, f->to, f->ending, f->direction };
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL))
		return NULL;
	sqlite3_bind_int64(stmt, 1, f->since_ms);
	sqlite3_bind_int64(stmt, 2, f->until_ms);
	for (int i = 0; i < 5; i++)
		sqlite3_bind_text(stmt, 3 + i, texts[i], -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 8, after ? after->reserved_ms : INT64_MAX);
	sqlite3_bind_text(stmt, 9, after ? after->call_sid : "", -1, SQLITE_STATIC);
	return stmt;
}

int store_calls(struct store *store, const struct call_filter *filter, const struct call_mark *after,
    store_calls_row *row, void *arg)
{
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *stmt = db ? select_calls(db, filter, after) : NULL;
	int rc = SQLITE_DONE;
	bool more = true;

	while (stmt && more && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *sid = (const char *)sqlite3_column_text(stmt, 1);
		const char *json = (const char *)sqlite3_column_text(stmt, 2);
		struct call_mark mark = { .reserved_ms = sqlite3_column_int64(stmt, 0) };

		snprintf(mark.call_sid, sizeof mark.call_sid, "%s", sid ? sid : "");
		if (json)
			more = row(arg, &mark, json);
	}
	sqlite3_finalize(stmt);
	store_reader_done(store, db);
	return stmt && (rc == SQLITE_DONE || rc == SQLITE_ROW) ? 0 : -EIO;
}

/* One query, so that both are of the same moment: the call first, then its
 * turns in their order. */
static const char select_call[] = "SELECT -1 AS no, json FROM calls WHERE call_sid = ?1"
				  " UNION ALL SELECT no, json FROM turns WHERE call_sid = ?1 ORDER BY no";

int store_call(struct store *store, const char *call_sid, struct buf *out)
{
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *stmt = NULL;
	bool found = false, first = true;
	int rc = SQLITE_ERROR;

	if (db && !sqlite3_prepare_v2(db, select_call, -1, &stmt, NULL)) {
		sqlite3_bind_text(stmt, 1, call_sid, -1, SQLITE_STATIC);
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
			const char *json = (const char *)sqlite3_column_text(stmt, 1);
			size_t len = (size_t)sqlite3_column_bytes(stmt, 1);

			if (sqlite3_column_int64(stmt, 0) < 0) {
				found = true;
				buf_put(out, json, len ? len - 1 : 0); /* its brace stays open */
				buf_puts(out, ",\"turns\":[");
			} else if (found) {
				buf_puts(out, first ? "" : ",");
				buf_put(out, json, len);
				first = false;
			}
		}
	}
	sqlite3_finalize(stmt);
	store_reader_done(store, db);
	if (found)
		buf_puts(out, "]}");
	if (rc != SQLITE_DONE)
		return -EIO;
	return found ? 0 : -ENOENT;
}

int store_turns_before(struct store *store, const char *call_sid, int64_t no, struct buf *out)
{
	static const char sql[] = "SELECT json FROM turns WHERE call_sid = ?1 AND no < ?2 ORDER BY no";
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *stmt = NULL;
	const char *comma = "";
	int rc = SQLITE_ERROR;

	buf_putc(out, '[');
	if (db && !sqlite3_prepare_v2(db, sql, -1, &stmt, NULL)) {
		sqlite3_bind_text(stmt, 1, call_sid, -1, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 2, no);
		for (; (rc = sqlite3_step(stmt)) == SQLITE_ROW; comma = ",") {
			buf_puts(out, comma);
			buf_puts(out, (const char *)sqlite3_column_text(stmt, 0));
		}
	}
	sqlite3_finalize(stmt);
	store_reader_done(store, db);
	buf_putc(out, ']');
	return rc == SQLITE_DONE ? 0 : -EIO;
}
