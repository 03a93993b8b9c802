#include "server/store/store_deliveries.h"

#include "server/store/row.h"

#include <inttypes.h>
#include <string.h>

/* Columns and their numbers, in one order for all queries; the last three are asked for by lists
 * only. The body is left out: it may be large, and is read one at a time when it is sent. */
#define COLUMNS "id, seq, call_sid, agent, variant, event, url, at, since, next_at, attempts, state"

enum { ID, SEQ, CALL_SID, AGENT, VARIANT, EVENT, URL, AT, SINCE, NEXT_AT, ATTEMPTS, STATE, STATUS, ERROR, TRIED_AT };

/* ------------------------------------------------------------------------ writing */

/* Queued before the first try, so that an event survives the process. Its id is made by us
 * beforehand, which makes a second run of the statement harmless (OR IGNORE). */
void store_delivery_put(struct store *store, const struct delivery_row *row, const char *body)
{
	store_write(store,
	    "INSERT OR IGNORE INTO outbox (" COLUMNS ", body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?)",
	    "tittttt"
	    "iiiit",
	    row->id, row->seq, row->call_sid, row->agent, row->variant, row->event, row->url, row->at_ms, row->since_ms,
	    row->next_ms, (int64_t)row->attempts, body);
}

/* After each try. The receiver may see an event twice if the process dies between the try and this
 * row, and tells doubles by the id. */
void store_delivery_settle(struct store *store, const struct delivery_row *row, const char *state, int status,
    const char *error, int64_t now_ms)
{
	store_write(store,
	    "UPDATE outbox SET state = ?, attempts = ?, next_at = ?, last_status = ?, last_error = ?, tried_at = ?"
	    " WHERE id = ?",
	    "tiiitit", state, (int64_t)row->attempts, row->next_ms, (int64_t)status, error, now_ms, row->id);
}

void store_delivery_park(struct store *store, const char *id, const char *why)
{
	store_write(store, "UPDATE outbox SET state = 'parked', last_error = coalesce(last_error, ?) WHERE id = ?",
	    "tt", why, id);
}

/* By a person, through the API: it gets the full time of trying again. */
void store_delivery_reopen(struct store *store, const char *id, int64_t now_ms)
{
	store_write(store, "UPDATE outbox SET state = 'waiting', attempts = 0, since = ?, next_at = ? WHERE id = ?",
	    "iit", now_ms, now_ms, id);
}

/* ------------------------------------------------------------------------ reading */

static void take_row(const struct rows *rows, struct delivery_row *row)
{
	*row = (struct delivery_row){ .seq = row_int(rows, SEQ),
		.call_sid = row_string(rows, CALL_SID),
		.agent = row_string(rows, AGENT),
		.variant = row_string(rows, VARIANT),
		.event = row_string(rows, EVENT),
		.url = row_string(rows, URL),
		.at_ms = row_int(rows, AT),
		.since_ms = row_int(rows, SINCE),
		.next_ms = row_int(rows, NEXT_AT),
		.attempts = (int)row_int(rows, ATTEMPTS) };
	row_take(rows, ID, row->id, sizeof row->id);
}

/* In the order of events, page by page: `after_seq` is the last one of the page before. */
int store_deliveries_waiting(struct store *store, int64_t after_seq, int most,
    void (*each)(void *arg, const struct delivery_row *row), void *arg)
{
	struct delivery_row row;
	struct rows rows;

	rows_ask(&rows, store,
	    "SELECT " COLUMNS " FROM outbox WHERE state = 'waiting' AND seq > ? ORDER BY seq LIMIT ?", "ii", after_seq,
	    (int64_t)most);
	while (rows_next(&rows)) {
		take_row(&rows, &row);
		each(arg, &row);
	}
	return rows_done(&rows);
}

int store_delivery_find(struct store *store, const char *id,
    void (*found)(void *arg, const struct delivery_row *row, const char *state), void *arg)
{
	struct delivery_row row;
	struct rows rows;

	rows_ask(&rows, store, "SELECT " COLUMNS " FROM outbox WHERE id = ?", "t", id);
	if (rows_next(&rows)) {
		take_row(&rows, &row);
		found(arg, &row, row_string(&rows, STATE));
	}
	return rows_done_one(&rows);
}

char *store_delivery_body(struct store *store, const char *id)
{
	struct rows rows;
	char *body = NULL;

	rows_ask(&rows, store, "SELECT body FROM outbox WHERE id = ?", "t", id);
	if (rows_next(&rows))
		body = row_copy(&rows, 0);
	rows_done(&rows);
	return body;
}

/* ------------------------------------------------------------------------ listing */

/* A delivery as the API lists it; null for what it does not have (yet). */
static void put_row(const struct rows *rows, struct json_out *j)
{
	json_put_object(j, NULL);
	json_put_text(j, "id", row_string(rows, ID));
	row_put_text(rows, EVENT, j, "event");
	row_put_text(rows, CALL_SID, j, "call_sid");
	row_put_text(rows, AGENT, j, "agent");
	row_put_text(rows, URL, j, "url");
	row_put_text(rows, STATE, j, "state");
	json_put_int(j, "failed_attempts", row_int(rows, ATTEMPTS));
	row_put_time(rows, AT, j, "created_at");
	row_put_time(rows, TRIED_AT, j, "tried_at");
	if (!strcmp(row_string(rows, STATE), "waiting"))
		row_put_time(rows, NEXT_AT, j, "next_attempt_at");
	else
		json_put_null(j, "next_attempt_at");
	if (row_int(rows, STATUS))
		json_put_int(j, "last_status", row_int(rows, STATUS));
	else
		json_put_null(j, "last_status");
	row_put_text(rows, ERROR, j, "last_error");
	json_put_end(j);
}

int store_deliveries_list(struct store *store, const char *state, int64_t cursor, int limit, struct buf *out)
{
	struct json_out j = json_out_to(out);
	struct rows rows;
	int64_t last = 0;
	bool more;
	int count;

	/* One more than asked for tells whether there are more. */
	rows_ask(&rows, store,
	    *state ? "SELECT " COLUMNS ", last_status, last_error, tried_at FROM outbox"
		     " WHERE seq < ?1 AND state = ?3 ORDER BY seq DESC LIMIT ?2"
		   : "SELECT " COLUMNS ", last_status, last_error, tried_at FROM outbox"
		     " WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
	    *state ? "iit" : "ii", cursor, (int64_t)limit + 1, state);
	json_put_object(&j, NULL);
	json_put_array(&j, "outbox");
	while ((more = rows_next(&rows)) && rows.count <= limit) {
		put_row(&rows, &j);
		last = row_int(&rows, SEQ);
	}
	count = rows_done(&rows);
	json_put_end(&j);
	if (more)
		json_put_format(&j, "next", "%" PRId64, last);
	else
		json_put_null(&j, "next");
	json_put_end(&j);
	buf_putc(out, '\n');
	return count < 0 ? count : 0;
}
