#include "server/store/store_outcomes.h"

#include "common/digest.h"
#include "common/json_out.h"
#include "server/store/row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void outcome_row_free(struct outcome_row *row)
{
	void *const owned[] = { row->agent, row->variant, row->status, row->source, row->json, row->problems, row->from,
		row->to };

	for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
		free(owned[i]);
	*row = (struct outcome_row){ .attempts = 0 };
}

/* 96 bits of a hash: enough to be unique, and the id tells nothing of the call. */
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

/* By the tool save_record, perhaps several times in a call. The row exists already unless its first
 * statement was lost, hence INSERT. The record stays open: the end of the call decides what is left
 * to do. */
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

/* Only while the record is open, so that a job that was slow does not undo a later one. */
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

/* A record beside the facts of its call, which may be gone: LEFT JOIN. The enum numbers its
 * columns. */
#define ROW \
	"SELECT r.id, r.call_sid, r.agent, r.variant, r.status, r.source, r.json, r.problems, r.attempts," \
	" c.from_number, c.to_number, coalesce(c.started_at, r.at), coalesce(c.seconds, 0), r.state, r.updated_at, r.at," \
	" EXISTS (SELECT 1 FROM recordings m WHERE m.call_sid = r.call_sid AND m.message IS NOT NULL)" \
	" FROM records r LEFT JOIN calls c ON c.call_sid = r.call_sid "

enum {
	ID,
	CALL_SID,
	AGENT,
	VARIANT,
	STATUS,
	SOURCE,
	JSON,
	PROBLEMS,
	ATTEMPTS,
	FROM,
	TO,
	BEGAN,
	SECONDS,
	STATE,
	UPDATED,
	AT,
	VOICEMAIL
};

/* False: out of memory. */
static bool take_row(const struct rows *rows, struct outcome_row *row)
{
	*row = (struct outcome_row){ .attempts = (int)row_int(rows, ATTEMPTS),
		.agent = strdup(row_string(rows, AGENT)),
		.variant = strdup(row_string(rows, VARIANT)),
		.status = strdup(row_string(rows, STATUS)),
		.source = strdup(row_string(rows, SOURCE)),
		.json = row_copy(rows, JSON),
		.problems = row_copy(rows, PROBLEMS),
		.from = strdup(row_string(rows, FROM)),
		.to = strdup(row_string(rows, TO)),
		.at_ms = row_int(rows, BEGAN),
		.seconds = row_int(rows, SECONDS),
		.voicemail = row_int(rows, VOICEMAIL) != 0 };
	row_take(rows, ID, row->id, sizeof row->id);
	row_take(rows, CALL_SID, row->call_sid, sizeof row->call_sid);
	if (row->agent && row->variant && row->status && row->source && row->from && row->to)
		return true;
	outcome_row_free(row);
	return false;
}

/* Found by both states, so it holds after a restart as well: a call that a dead process left open
 * is closed at the start, and its record becomes pending by that alone. */
int store_outcomes_pending(struct store *store, void (*each)(void *arg, const char *id, int64_t next_ms), void *arg)
{
	struct rows rows;

	rows_ask(&rows, store,
	    "SELECT r.id, r.next_at FROM records r JOIN calls c ON c.call_sid = r.call_sid"
	    " WHERE r.state = 'open' AND c.state = 'ended' ORDER BY r.next_at, r.at",
	    "");
	while (rows_next(&rows))
		each(arg, row_string(&rows, 0), row_int(&rows, 1));
	return rows_done(&rows);
}

int store_outcome_pending(struct store *store, const char *id, struct outcome_row *out)
{
	struct rows rows;
	bool taken = true;
	int err;

	rows_ask(&rows, store, ROW "WHERE r.id = ?1 AND r.state = 'open' AND c.state = 'ended'", "t", id);
	if (rows_next(&rows))
		taken = take_row(&rows, out);
	err = rows_done_one(&rows);
	return err || taken ? err : -EIO;
}

/* Turns of keys read "Caller pressed: …". Of a turn of the agent only what the caller heard of it counts as said,
 * if that is known. */
static void put_turn(const struct rows *rows, struct buf *out)
{
	const char *kind = row_string(rows, 0), *text = row_text(rows, 1), *heard = row_text(rows, 2);

	if (!strcmp(kind, "agent") && heard)
		text = heard;
	if (!text || !*text)
		return;
	buf_printf(out, "%s: %s\n",
	    !strcmp(kind, "agent")    ? "Agent"
	    : !strcmp(kind, "caller") ? "Caller"
				      : "Caller pressed",
	    text);
}

/* For the text model. Keys count as turns of the caller's: a call of keys alone has an outcome too.
 * 0 turns make the record be dropped. */
int store_outcome_transcript(struct store *store, const char *call_sid, size_t max, struct buf *out)
{
	struct rows rows;
	int callers = 0;

	rows_ask(
	    &rows, store, "SELECT kind, text, heard_text FROM turns WHERE call_sid = ?1 ORDER BY no", "t", call_sid);
	while (rows_next(&rows)) {
		callers += !row_null(&rows, 0) && strcmp(row_string(&rows, 0), "agent") && *row_string(&rows, 1);
		if (out->len >= max) {
			buf_puts(out, "(The rest is left out.)\n");
			break;
		}
		put_turn(&rows, out);
	}
	return rows_done(&rows) < 0 ? -EIO : callers;
}

/* ----------------------------------------------------------------------- showing */

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static void put_row(struct json_out *j, const struct outcome_row *row, bool done, int64_t updated_ms)
{
	json_put_object(j, NULL);
	json_put_text(j, "id", row->id);
	json_put_text(j, "call_sid", or_null(row->call_sid));
	json_put_text(j, "agent", or_null(row->agent));
	json_put_text(j, "variant", or_null(row->variant));
	json_put_text(j, "status", or_null(row->status));
	json_put_text(j, "source", or_null(row->source));
	json_put_bool(j, "complete", done);
	json_put_json(j, "record", row->json);
	json_put_json(j, "problems", row->problems ? row->problems : "[]");
	json_put_text(j, "from", or_null(row->from));
	json_put_text(j, "to", or_null(row->to));
	json_put_bool(j, "voicemail", row->voicemail);
	json_put_time(j, "call_started_at", row->at_ms);
	json_put_time(j, "updated_at", updated_ms);
	json_put_end(j);
}

void outcome_put_json(const struct outcome_row *row, bool done, int64_t updated_ms, struct buf *out)
{
	struct json_out j = json_out_to(out);

	put_row(&j, row, done, updated_ms);
}

static void show(const struct rows *rows, struct json_out *j)
{
	struct outcome_row row;

	if (!take_row(rows, &row)) {
		json_put_null(j, NULL);
		return;
	}
	put_row(j, &row, !strcmp(row_string(rows, STATE), "done"), row_int(rows, UPDATED));
	outcome_row_free(&row);
}

/* Newest first, by when the record was opened. */
static const char list_sql[] =
    ROW "WHERE r.status <> 'open' AND (?1 IS NULL OR r.agent = ?1) AND (?2 IS NULL OR r.call_sid = ?2)"
	" AND (?3 IS NULL OR r.status = ?3) AND r.at >= ?4 AND r.at < ?5"
	" AND (?6 IS NULL OR r.at < ?7 OR (r.at = ?7 AND r.id < ?6)) ORDER BY r.at DESC, r.id DESC LIMIT ?8";

/* The cursor is "time.id" of the page's last record; both are needed, as two may open in one
 * millisecond. */
int store_outcomes_list(struct store *store, const struct outcome_filter *filter, struct buf *out)
{
	struct json_out j = json_out_to(out);
	struct rows rows;
	char next[64] = "";
	bool more;

	/* One more tells whether there is another page. */
	rows_ask(&rows, store, list_sql, "tttiitii", filter->agent, filter->call_sid, filter->status, filter->since_ms,
	    filter->until_ms, filter->before_id, filter->before_ms, (int64_t)filter->limit + 1);
	json_put_object(&j, NULL);
	json_put_array(&j, "records");
	while ((more = rows_next(&rows)) && rows.count <= filter->limit) {
		show(&rows, &j);
		snprintf(next, sizeof next, "%lld.%s", (long long)row_int(&rows, AT), row_string(&rows, ID));
	}
	json_put_end(&j);
	json_put_text(&j, "next", more ? next : NULL);
	json_put_end(&j);
	return rows_done(&rows) < 0 ? -EIO : 0;
}

int store_outcomes_one(struct store *store, const char *id, struct buf *out)
{
	struct json_out j = json_out_to(out);
	struct rows rows;

	rows_ask(&rows, store, ROW "WHERE r.id = ?1 AND r.status <> 'open'", "t", id);
	if (rows_next(&rows))
		show(&rows, &j);
	return rows_done_one(&rows);
}

/* For a call as the API shows it. No store, no record and an error all read as null. */
void store_outcomes_of_call(struct store *store, const char *call_sid, struct buf *out)
{
	struct json_out j = json_out_to(out);
	struct rows rows;

	rows_ask(
	    &rows, store, "SELECT id, status FROM records WHERE call_sid = ?1 AND status <> 'open'", "t", call_sid);
	if (rows_next(&rows)) {
		json_put_object(&j, NULL);
		json_put_text(&j, "id", row_string(&rows, 0));
		json_put_text(&j, "status", row_string(&rows, 1));
		json_put_end(&j);
	}
	if (rows_done_one(&rows))
		json_put_null(&j, NULL);
}
