#include "server/store/store_recordings.h"

#include "server/store/row.h"

#include <errno.h>
#include <stdlib.h>

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

int store_recording_of_call(struct store *store, const char *call_sid, struct kept_recording *out)
{
	struct rows r;

	*out = (struct kept_recording){ .url = NULL };
	if (!store)
		return -ENOENT;
	rows_ask(&r, store,
	    "SELECT id, status, url, file IS NOT NULL FROM recordings WHERE call_sid = ?1 ORDER BY at DESC LIMIT 1",
	    "t", call_sid);
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
