#include "server/news/journal_store.h"

#include "common/log.h"
#include "server/agents/agents.h"
#include "server/stats/endings.h"
#include "server/stats/stats.h"
#include "server/store/row.h"
#include "server/store/store.h"

#include <sqlite3.h>
#include <string.h>

/* The columns are taken out of the JSON by SQLite, on the writer's thread: the
 * loops only copy the text. */
#define MS(path) "CAST(round((julianday(json_extract(j, '" path "')) - 2440587.5) * 86400000) AS INTEGER)"

/* ?1 CallSid, ?2 JSON, ?3 agent, ?4 variant. What is told of a reservation or a
 * start must not undo what came later, unless it is a later stream of the same
 * call. */
static const char put_call[] =
    "INSERT INTO calls (call_sid, direction, from_number, to_number, agent, variant, state, reserved_at, started_at,"
    " ended_at, ending, fault, seconds, cost_usd, metadata, json)"
    " SELECT ?1, json_extract(j, '$.direction'), json_extract(j, '$.from'), json_extract(j, '$.to'),"
    " coalesce(?3, json_extract(j, '$.agent')), coalesce(?4, json_extract(j, '$.variant')),"
    " CASE json_extract(j, '$.state') WHEN 'ended' THEN 'ended' WHEN 'live' THEN 'live' WHEN 'ending' THEN 'live'"
    " ELSE 'reserved' END," MS("$.reserved_at") "," MS("$.started_at") "," MS(
	"$.ended_at") ", json_extract(j, '$.ending.reason'), json_extract(j, '$.ending.fault'), json_extract(j, '$.seconds'),"
		      " json_extract(j, '$.cost.usd'), json_extract(j, '$.metadata'), json_remove(j, '$.turns')"
		      " FROM (SELECT ?2 AS j) WHERE true"
		      " ON CONFLICT (call_sid) DO UPDATE SET direction = excluded.direction, from_number = excluded.from_number,"
		      " to_number = excluded.to_number, agent = coalesce(excluded.agent, agent),"
		      " variant = coalesce(excluded.variant, variant), state = excluded.state,"
		      " reserved_at = excluded.reserved_at, started_at = coalesce(excluded.started_at, started_at),"
		      " ended_at = excluded.ended_at, ending = excluded.ending, fault = excluded.fault, seconds = excluded.seconds,"
		      " cost_usd = coalesce(excluded.cost_usd, cost_usd), metadata = coalesce(excluded.metadata, metadata),"
		      " json = excluded.json"
		      " WHERE excluded.reserved_at > reserved_at OR (excluded.reserved_at = reserved_at AND (excluded.state = 'ended'"
		      " OR (excluded.state = 'live' AND state <> 'ended') OR state = 'reserved'))";

static const char put_turn[] =
    "INSERT OR REPLACE INTO turns (call_sid, no, kind, item_id, at_ms, text, generated_ms, heard_ms, heard_text,"
    " interrupted, status, written_at, json)"
    " SELECT ?1, ?2, json_extract(j, '$.who'), json_extract(j, '$.item_id'), json_extract(j, '$.at_ms'),"
    " json_extract(j, '$.text'), json_extract(j, '$.generated_ms'), json_extract(j, '$.heard_ms'),"
    " json_extract(j, '$.heard_text'), json_extract(j, '$.interrupted'), json_extract(j, '$.status'), ?3, j"
    " FROM (SELECT ?4 AS j)";

static const char put_event[] = "INSERT INTO events (call_sid, at, type, json) VALUES (?1, ?2, ?3, ?4)";

/* Called, then answered: two tellings of one row, in either order of detail. */
static const char put_tool[] =
    "INSERT INTO tool_calls (call_sid, call_id, at, name, arguments, answer, ok, took_ms)"
    " SELECT ?1, json_extract(j, '$.call_id'), ?2, json_extract(j, '$.name'), json_extract(j, '$.arguments'),"
    " json_extract(j, '$.answer'), json_extract(j, '$.ok'), json_extract(j, '$.took_ms') FROM (SELECT ?3 AS j)"
    " WHERE json_extract(j, '$.call_id') IS NOT NULL"
    " ON CONFLICT (call_sid, call_id) DO UPDATE SET name = coalesce(excluded.name, name),"
    " arguments = coalesce(excluded.arguments, arguments), answer = coalesce(excluded.answer, answer),"
    " ok = coalesce(excluded.ok, ok), took_ms = coalesce(excluded.took_ms, took_ms)";

void journal_store_take(void *arg, const struct journal_entry *e)
{
	struct store *store = arg;
	const char *agent = e->agent ? e->agent->name : NULL;
	const char *variant = e->agent && e->agent->variant && e->agent->variant[0] ? e->agent->variant : NULL;

	switch (e->kind) {
	case JOURNAL_TURN:
		store_write(store, put_turn, "tiit", e->call_sid, e->no, e->wall_ms, e->json);
		return;
	case JOURNAL_STARTED:
	case JOURNAL_ENDED:
		store_write(store, put_call, "tttt", e->call_sid, e->json, agent, variant);
		/* The row has the rest. */
		store_write(store, put_event, "titt", e->call_sid, e->wall_ms, e->type, NULL);
		return;
	case JOURNAL_TOOL:
		store_write(store, put_tool, "tit", e->call_sid, e->wall_ms, e->json);
		break;
	case JOURNAL_NOTE:
		if (!strcmp(e->type, "call.reserved")) {
			store_write(store, put_call, "tttt", e->call_sid, e->json, agent, variant);
			return;
		}
		break;
	case JOURNAL_OUTCOME:
	case JOURNAL_RECORDING:
		break;
	case JOURNAL_FORMING: /* what comes of it is a turn */
		return;
	}
	store_write(store, put_event, "titt", e->call_sid, e->wall_ms, e->type, e->json);
}

/* -------------------------------------------------------------------- left open */

/* Open calls as they are to be closed: ?1 the ending's name in JSON, ?2 its
 * text, ?3 whether a fault. The last thing known of a call is when it ended, as
 * near as one can tell. */
#define AS_CLOSED \
	"SELECT id, call_sid, agent, variant, last, span, json_set(json, '$.state', 'ended', '$.ended_at'," \
	" strftime('%Y-%m-%dT%H:%M:%fZ', last / 1000.0, 'unixepoch'), '$.seconds', span / 1000.0," \
	" '$.ending', json_object('reason', ?1, 'text', ?2, 'fault', json(iif(?3, 'true', 'false')))," \
	" '$.tools', (SELECT json_group_array(json_object('call_id', call_id, 'name', name, 'arguments', arguments," \
	" 'at_ms', at - coalesce(started_at, at), 'ok', json(CASE ok WHEN 0 THEN 'false' WHEN 1 THEN 'true'" \
	" ELSE 'null' END), 'took_ms', took_ms)) FROM" \
	" (SELECT * FROM tool_calls t WHERE t.call_sid = spans.call_sid ORDER BY at))) AS closed FROM" \
	" (SELECT *, CASE WHEN started_at IS NULL THEN 0 ELSE max(0, last - started_at) END AS span FROM" \
	" (SELECT c.*, max(c.reserved_at, coalesce(c.started_at, 0)," \
	" coalesce((SELECT max(written_at) FROM turns t WHERE t.call_sid = c.call_sid), 0)," \
	" coalesce((SELECT max(at) FROM events e WHERE e.call_sid = c.call_sid), 0)) AS last" \
	" FROM calls c WHERE c.state <> 'ended')) AS spans"

static const char select_open[] =
    "SELECT call_sid, agent, variant, last, json_set(closed, '$.turns', (SELECT json_group_array(json(json)) FROM"
    " (SELECT json FROM turns t WHERE t.call_sid = o.call_sid ORDER BY no))) FROM (" AS_CLOSED ") o";

static const char close_open[] =
    "UPDATE calls SET state = 'ended', ending = ?1, fault = ?3, ended_at = o.last,"
    " seconds = o.span / 1000.0, json = o.closed FROM (" AS_CLOSED ") o WHERE o.id = calls.id";

static const char *text_at(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

/* To everybody who listens, the store included: the call's end and the webhook
 * that tells of it are written together, or at the next start. */
static void tell_interrupted(sqlite3_stmt *row, struct agents *agents)
{
	struct journal_entry entry = { .kind = JOURNAL_ENDED,
		.type = "call.ended",
		.call_sid = text_at(row, 0),
		.wall_ms = sqlite3_column_int64(row, 3),
		.no = -1,
		.json = text_at(row, 4) };
	const char *agent = text_at(row, 1), *variant = text_at(row, 2);

	if (!entry.call_sid || !entry.json)
		return;
	entry.agent = agents && agent ? agents_variant(agents, agent, variant ? variant : "") : NULL;
	journal_tell(&entry);
	agent_release(entry.agent);
}

static int tell_all_interrupted(struct store *store, const struct call_ending *ending, struct agents *agents)
{
	sqlite3 *db = store_reader(store);
	sqlite3_stmt *row = NULL;
	int count = 0, rc = SQLITE_ERROR;

	if (db && !sqlite3_prepare_v2(db, select_open, -1, &row, NULL)) {
		sqlite3_bind_text(row, 1, ending->json, -1, SQLITE_STATIC);
		sqlite3_bind_text(row, 2, ending->text, -1, SQLITE_STATIC);
		sqlite3_bind_int(row, 3, ending->fault);
		for (; (rc = sqlite3_step(row)) == SQLITE_ROW; count++)
			tell_interrupted(row, agents);
	}
	if (rc != SQLITE_DONE)
		log_error(
		    "store", "the calls that the server died during cannot be read: no webhook tells of their end");
	sqlite3_finalize(row);
	store_reader_done(store, db);
	return count;
}

void journal_store_close_open(struct store *store, struct agents *agents)
{
	const struct call_ending *ending = call_ending(END_INTERRUPTED);
	int count;

	if (!store)
		return;
	count = tell_all_interrupted(store, ending, agents);
	if (count) {
		log_warn("store", "the server died during %d calls; they are closed as %s", count, ending->json);
		atomic_fetch_add(&stats.ended[END_INTERRUPTED], (unsigned)count);
	}
	/* What could not be read now, once the disk is back. */
	store_write(store, close_open, "tti", ending->json, ending->text, (int64_t)ending->fault);
}

void journal_store_open(struct store *store)
{
	if (store)
		journal_add_sink(journal_store_take, store);
}
