#include "server/store/store_recordings.h"

#include "server/store/row.h"
#include "server/store/store_calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Twilio's callbacks may come twice and out of order. The WHERE keeps a final state; a row with a
 * file is ours, told by one thread in order, and may always be written. */
bool store_recording_put(struct store *store, const struct recording_row *row)
{
	return store_write(store,
	    "INSERT INTO recordings (id, call_sid, at, status, seconds, channels, file, url, json)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
	    " ON CONFLICT (id) DO UPDATE SET status = excluded.status, seconds = excluded.seconds,"
	    " channels = excluded.channels, url = excluded.url, json = excluded.json"
	    " WHERE recordings.status = 'in-progress' OR excluded.file IS NOT NULL",
	    "ttitdittt", row->id, row->call_sid, row->at_ms, row->status, row->seconds, (int64_t)row->channels,
	    row->file, row->url, row->json);
}

bool store_recordings_interrupt(struct store *store)
{
	return store_write(store,
	    "UPDATE recordings SET status = 'interrupted' WHERE status = 'in-progress' AND file IS NOT NULL", "");
}

int store_recording_of_call(struct store *store, const char *call_sid, bool message, struct kept_recording *out)
{
	struct rows r;

	*out = (struct kept_recording){ .url = NULL };
	if (!store)
		return -ENOENT;
	rows_ask(&r, store,
	    "SELECT id, status, url, file IS NOT NULL FROM recordings WHERE call_sid = ?1"
	    " AND (message IS NOT NULL) = ?2 ORDER BY at DESC LIMIT 1",
	    "ti", call_sid, (int64_t)message);
	if (rows_next(&r)) {
		row_take(&r, 0, out->id, sizeof out->id);
		row_take(&r, 1, out->status, sizeof out->status);
		out->url = row_copy(&r, 2);
		out->local = row_int(&r, 3) != 0;
	}
	return rows_done_one(&r);
}

void kept_recording_free(struct kept_recording *r)
{
	free(r->url);
	r->url = NULL;
}

/* -------------------------------------------------------------------------- messages */

static const char *const states[] = {
	[MESSAGE_FETCHING] = "fetching", [MESSAGE_TRANSCRIBING] = "transcribing", [MESSAGE_DONE] = "done"
};

void message_row_free(struct message_row *row)
{
	char *const owned[] = { row->url, row->file, row->agent, row->variant, row->from, row->to, row->transcript,
		row->problem };

	for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
		free(owned[i]);
	*row = (struct message_row){ .url = NULL };
}

bool store_message_open(struct store *store, const struct message_row *row)
{
	return store_write(store,
	    "INSERT INTO recordings (id, call_sid, at, status, seconds, channels, url, message, agent, variant,"
	    " from_number, to_number) VALUES (?1, ?2, ?3, 'completed', ?4, 1, ?5, 'fetching', ?6, ?7, ?8, ?9)"
	    " ON CONFLICT (id) DO UPDATE SET seconds = excluded.seconds WHERE recordings.seconds = 0",
	    "ttiittttt", row->id, row->call_sid, row->at_ms, row->seconds, row->url, row->agent, row->variant,
	    row->from, row->to);
}

bool store_message_open_call(struct store *store, const struct call_summary *call, const char *json)
{
	return store_write(store,
	    "INSERT INTO calls (call_sid, direction, from_number, to_number, agent, variant, state, reserved_at, ended_at,"
	    " ending, fault, seconds, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'ended', ?7, ?8, ?9, 0, 0, ?10)"
	    " ON CONFLICT (call_sid) DO NOTHING",
	    "ttttttiitt", call->call_sid, call->direction, call->from, call->to, call->agent, call->variant,
	    call->reserved_ms, call->ended_ms, call_ending(call->end)->json, json);
}

bool store_message_set(struct store *store, const struct message_row *row)
{
	return store_write(store,
	    "UPDATE recordings SET message = ?2, file = ?3, transcript = coalesce(?4, transcript),"
	    " problem = coalesce(?5, problem) WHERE id = ?1",
	    "ttttt", row->id, states[row->state], row->file, row->transcript, row->problem);
}

#define PENDING "message IN ('fetching', 'transcribing')"

bool store_message_written(struct store *store, const char *id, const char *transcript, const char *problem)
{
	return store_write(store,
	    "UPDATE recordings SET transcript = ?2, problem = ?3 WHERE id = ?1 AND transcript IS NULL AND problem IS NULL"
	    " AND " PENDING,
	    "ttt", id, transcript, problem);
}

int store_messages_pending(struct store *store, void (*each)(void *arg, const char *id), void *arg)
{
	struct rows rows;

	rows_ask(&rows, store, "SELECT id FROM recordings WHERE " PENDING " ORDER BY at", "");
	while (rows_next(&rows))
		each(arg, row_string(&rows, 0));
	return rows_done(&rows);
}

enum { ID, CALL_SID, AT, SECONDS, URL, FILE_OF, AGENT, VARIANT, FROM, TO, TRANSCRIPT, PROBLEM, STATE };

#define MESSAGE \
	"SELECT id, call_sid, at, seconds, url, file, agent, variant, from_number, to_number, transcript, problem," \
	" message FROM recordings WHERE "

/* False: out of memory. */
static bool take_message(const struct rows *rows, struct message_row *row)
{
	*row = (struct message_row){ .at_ms = row_int(rows, AT),
		.seconds = row_int(rows, SECONDS),
		.url = row_copy(rows, URL),
		.file = row_copy(rows, FILE_OF),
		.agent = strdup(row_string(rows, AGENT)),
		.variant = strdup(row_string(rows, VARIANT)),
		.from = strdup(row_string(rows, FROM)),
		.to = strdup(row_string(rows, TO)),
		.transcript = row_copy(rows, TRANSCRIPT),
		.problem = row_copy(rows, PROBLEM) };
	row_take(rows, ID, row->id, sizeof row->id);
	row_take(rows, CALL_SID, row->call_sid, sizeof row->call_sid);
	while (row->state < MESSAGE_DONE && strcmp(states[row->state], row_string(rows, STATE)) != 0)
		row->state++;
	if (row->agent && row->variant && row->from && row->to)
		return true;
	message_row_free(row);
	return false;
}

int store_message_pending(struct store *store, const char *id, struct message_row *out)
{
	struct rows rows;
	bool taken = true;
	int err;

	rows_ask(&rows, store, MESSAGE "id = ?1 AND " PENDING, "t", id);
	if (rows_next(&rows))
		taken = take_message(&rows, out);
	err = rows_done_one(&rows);
	return err || taken ? err : -EIO;
}

/* No store, no message and an error all read as null. */
void store_message_put_of_call(struct store *store, const char *call_sid, struct json_out *j, const char *key)
{
	struct rows rows;

	rows_ask(&rows, store, MESSAGE "call_sid = ?1 AND message IS NOT NULL ORDER BY at DESC LIMIT 1", "t", call_sid);
	if (rows_next(&rows)) {
		json_put_object(j, key);
		row_put_text(&rows, ID, j, "recording_sid");
		row_put_text(&rows, STATE, j, "state");
		row_put_text(&rows, FROM, j, "from");
		row_put_text(&rows, TO, j, "to");
		row_put_time(&rows, AT, j, "left_at");
		json_put_int(j, "seconds", row_int(&rows, SECONDS));
		json_put_bool(j, "kept", !row_null(&rows, FILE_OF));
		json_put_text(j, "transcript", row_text(&rows, TRANSCRIPT));
		row_put_text(&rows, PROBLEM, j, "problem");
		json_put_end(j);
	}
	if (rows_done_one(&rows))
		json_put_null(j, key);
}
