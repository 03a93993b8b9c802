#include "server/store/store_calls.h"

#include "common/json_out.h"
#include "server/store/row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void call_summary_free(struct call_summary *call)
{
	void *const owned[] = { call->agent, call->variant, call->metadata, call->order, call->kept };

	for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
		free(owned[i]);
	memset(call, 0, sizeof *call);
}

void call_talk_free(struct call_talk *talk)
{
	buf_free(&talk->earlier);
	buf_free(&talk->turns);
	buf_free(&talk->tools);
	buf_free(&talk->sessions);
	memset(talk, 0, sizeof *talk);
}

/* Snapshots of a live call are written again and again into the same memory; only the first one
 * opens the buffers. `earlier` never changes during a stream and stays; of the turns, most do not. */
void call_talk_begin(struct call_talk *talk)
{
	if (talk->begun) {
		buf_reset(&talk->tools);
		buf_reset(&talk->sessions);
		return;
	}
	talk->begun = true;
	buf_init(&talk->turns, 0);
	buf_init(&talk->tools, 0);
	buf_init(&talk->sessions, 0);
}

static bool copy_text(char **out, const char *text)
{
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

/* All copies are tried before the check: each pointer is then a copy or NULL, and freeing is safe. */
bool call_summary_copy(struct call_summary *out, const struct call_summary *call)
{
	bool whole;

	*out = *call;
	whole = copy_text(&out->agent, call->agent);
	whole &= copy_text(&out->variant, call->variant);
	whole &= copy_text(&out->metadata, call->metadata);
	whole &= copy_text(&out->order, call->order);
	whole &= copy_text(&out->kept, call->kept);
	if (!whole)
		call_summary_free(out);
	return whole;
}

static int copy_buf(struct buf *out, const struct buf *from)
{
	buf_init(out, 0);
	if (from->len)
		buf_put(out, from->data, from->len);
	return buf_error(out);
}

bool call_talk_copy(struct call_talk *out, const struct call_talk *talk)
{
	int err;

	*out = *talk;
	err = copy_buf(&out->earlier, &talk->earlier);
	err |= copy_buf(&out->turns, &talk->turns);
	err |= copy_buf(&out->tools, &talk->tools);
	err |= copy_buf(&out->sessions, &talk->sessions);
	if (!err)
		return true;
	call_talk_free(out);
	return false;
}

/* The same order as the list's ORDER BY, so that live calls from memory and ended ones from the
 * database can be merged into one page. */
int call_mark_order(const struct call_mark *x, const struct call_mark *y)
{
	if (x->reserved_ms != y->reserved_ms)
		return x->reserved_ms > y->reserved_ms ? -1 : 1;
	return strcmp(y->call_sid, x->call_sid);
}

static bool same(const char *wanted, const char *text)
{
	return !wanted || (text && !strcmp(wanted, text));
}

/* A number without its plus is the same number. */
static bool same_number(const char *wanted, const char *text)
{
	return same(wanted ? wanted + (*wanted == '+') : NULL, text ? text + (*text == '+') : NULL);
}

/* The same conditions as in store_calls, for calls that are still in memory. They must be changed
 * together. */
bool call_filter_matches(const struct call_filter *f, const struct call_summary *call)
{
	return call->reserved_ms >= f->since_ms && call->reserved_ms < f->until_ms && same(f->agent, call->agent) &&
	       same_number(f->from, call->from) && same_number(f->to, call->to) &&
	       same(f->direction, call->direction) && same(f->ending, call->end ? call_ending(call->end)->json : NULL);
}

/* ------------------------------------------------------------------------- keeping */

/* One row a call, told several times: reserved, live, ended. The statements may come out of order
 * or twice. A newer stream of the same call (it came back from a transfer) always wins; within one
 * stream the stage only goes forward. Columns that an ended call no longer tells keep their value
 * (coalesce). */
static const char put_call[] =
    "INSERT INTO calls (call_sid, direction, from_number, to_number, agent, variant, state, reserved_at, started_at,"
    " ended_at, ending, fault, seconds, cost_usd, metadata, json)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, nullif(?9, 0), nullif(?10, 0), ?11, iif(?11 IS NULL, NULL, ?12), ?13,"
    " iif(?14, ?15, NULL), ?16, ?17)"
    " ON CONFLICT (call_sid) DO UPDATE SET direction = excluded.direction, from_number = excluded.from_number,"
    " to_number = excluded.to_number, agent = coalesce(excluded.agent, agent),"
    " variant = coalesce(excluded.variant, variant), state = excluded.state,"
    " reserved_at = excluded.reserved_at, started_at = coalesce(excluded.started_at, started_at),"
    " ended_at = excluded.ended_at, ending = excluded.ending, fault = excluded.fault, seconds = excluded.seconds,"
    " cost_usd = coalesce(excluded.cost_usd, cost_usd), metadata = coalesce(excluded.metadata, metadata),"
    " json = excluded.json"
    /* The row of a message alone (store_recordings.c) knows less than any. */
    " WHERE (ending = 'message_left' AND started_at IS NULL)"
    " OR excluded.reserved_at > reserved_at OR (excluded.reserved_at = reserved_at AND (excluded.state = 'ended'"
    " OR (excluded.state = 'live' AND state <> 'ended') OR state = 'reserved'))";

bool store_call_put(struct store *store, const char *name, const struct call_summary *call, const char *agent,
    const char *variant, const char *json)
{
	static const char *const stages[] = { "reserved", "live", "ended" };
	const struct call_ending *ending = call_ending(call->end);

	return store_write(store, put_call, "tttttttiiitididtt", name, call->direction, call->from, call->to, agent,
	    variant, stages[call->stage], call->reserved_ms, call->started_ms, call->ended_ms,
	    call->end ? ending->json : NULL, (int64_t)ending->fault, call->seconds,
	    (int64_t)(call->cost.prices_of != NULL), call->cost.total, call->metadata, json);
}

/* Columns of a turn that was not spoken, or not heard of yet, are NULL. */
static const char put_turn[] =
    "INSERT OR REPLACE INTO turns (call_sid, no, kind, item_id, at_ms, text, generated_ms, heard_ms, heard_text,"
    " interrupted, status, written_at, json)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, iif(?7, ?8, NULL), iif(?9, ?10, NULL), ?11, iif(?7, ?12, NULL), ?13, ?14, ?15)";

/* A turn is written again as it grows: first the words, then how much of them was heard.
 * `heard_text` is a column of its own for people with sqlite3 at hand, and for the transcript of
 * the outcome. */
bool store_turn_put(struct store *store, const char *call_sid, int64_t no, const struct call_turn *turn,
    int64_t wall_ms, const char *json)
{
	bool heard = turn->spoken && turn->heard_known;
	char *heard_text = heard ? strndup(turn->heard_text, turn->heard_len) : NULL;
	bool written = store_write(store, put_turn, "tittitiiiititit", call_sid, no, turn->who, turn->item_id,
	    turn->at_ms, turn->text, (int64_t)turn->spoken, (int64_t)turn->generated_ms, (int64_t)heard,
	    (int64_t)turn->heard_ms, heard_text, (int64_t)turn->interrupted, turn->status, wall_ms, json);

	free(heard_text);
	return written;
}

/* A tool is told twice, when it is called and when it has answered; each fills in what it knows. */
static const char put_tool[] =
    "INSERT INTO tool_calls (call_sid, call_id, at, name, arguments, answer, ok, took_ms)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, iif(?7, ?8, NULL), iif(?9 < 0, NULL, ?9))"
    " ON CONFLICT (call_sid, call_id) DO UPDATE SET name = coalesce(excluded.name, name),"
    " arguments = coalesce(excluded.arguments, arguments), answer = coalesce(excluded.answer, answer),"
    " ok = coalesce(excluded.ok, ok), took_ms = coalesce(excluded.took_ms, took_ms)";

bool store_tool_put(struct store *store, const char *call_sid, const struct call_tool *tool, int64_t wall_ms)
{
	return store_write(store, put_tool, "ttitttiii", call_sid, tool->call_id, wall_ms, tool->name, tool->arguments,
	    tool->answer, (int64_t)tool->answered, (int64_t)tool->ok, tool->answered ? tool->took_ms : -1);
}

bool store_event_put(struct store *store, const char *call_sid, const char *type, int64_t wall_ms, const char *json)
{
	return store_write(store, "INSERT INTO events (call_sid, at, type, json) VALUES (?1, ?2, ?3, ?4)", "titt",
	    call_sid, wall_ms, type, json);
}

/* ----------------------------------------------------------------------- left open */

/* Open calls as they are to be closed: ?1 the ending's name in JSON, ?2 its text, ?3 whether it is a
 * fault. A call is taken to have ended at the last thing known of it: a turn, an event, its start. The
 * inner SELECT finds that time (`last`), the next one the length (`span`), the outer one writes both and
 * the tools into the call's JSON. Reading and closing use the same text, so they cannot disagree. */
#define AS_CLOSED \
	"SELECT *, json_set(json, '$.state', 'ended', '$.ended_at'," \
	" strftime('%Y-%m-%dT%H:%M:%fZ', last / 1000.0, 'unixepoch'), '$.seconds', span / 1000.0," \
	" '$.ending', json_object('reason', ?1, 'text', ?2, 'fault', json(iif(?3, 'true', 'false')), 'said', json('false'))," \
	" '$.tools', (SELECT json_group_array(json_object('call_id', call_id, 'name', name, 'arguments', arguments," \
	" 'at_ms', at - coalesce(started_at, at), 'ok', json(CASE ok WHEN 0 THEN 'false' WHEN 1 THEN 'true'" \
	" ELSE 'null' END), 'took_ms', took_ms)) FROM" \
	" (SELECT * FROM tool_calls t WHERE t.call_sid = spans.call_sid ORDER BY at))) AS closed FROM" \
	" (SELECT *, CASE WHEN started_at IS NULL THEN 0 ELSE max(0, last - started_at) END AS span FROM" \
	" (SELECT c.*, max(c.reserved_at, coalesce(c.started_at, 0)," \
	" coalesce((SELECT max(written_at) FROM turns t WHERE t.call_sid = c.call_sid), 0)," \
	" coalesce((SELECT max(at) FROM events e WHERE e.call_sid = c.call_sid), 0)) AS last" \
	" FROM calls c WHERE c.state <> 'ended')) AS spans"

/* The columns that take_row reads, in its order. */
#define ROW "call_sid, direction, from_number, to_number, agent, variant, metadata, reserved_at, started_at"

static const char select_open[] = "SELECT " ROW ", last, span / 1000.0, closed,"
				  " (SELECT json_group_array(json(json)) FROM"
				  " (SELECT json FROM turns t WHERE t.call_sid = o.call_sid ORDER BY no))"
				  " FROM (" AS_CLOSED ") o";

static const char close_open[] =
    "UPDATE calls SET state = 'ended', ending = ?1, fault = ?3, ended_at = o.last,"
    " seconds = o.span / 1000.0, json = o.closed FROM (" AS_CLOSED ") o WHERE o.id = calls.id";

static void take_row(const struct rows *r, struct call_summary *out)
{
	*out = (struct call_summary){ .agent = row_copy(r, 4),
		.variant = row_copy(r, 5),
		.metadata = row_copy(r, 6),
		.reserved_ms = row_int(r, 7),
		.started_ms = row_int(r, 8) };
	row_take(r, 0, out->call_sid, sizeof out->call_sid);
	row_take(r, 1, out->direction, sizeof out->direction);
	row_take(r, 2, out->from, sizeof out->from);
	row_take(r, 3, out->to, sizeof out->to);
}

/* Hands on one row of select_open. A row without a name or JSON is skipped; close_open closes it
 * anyway. */
static void tell_open(const struct rows *r, enum call_end end, store_calls_open_row *tell, void *arg)
{
	struct call_summary call;
	struct call_talk talk = { 0 };

	take_row(r, &call);
	call.stage = CALL_IS_OVER;
	call.end = end;
	call.ended_ms = row_int(r, 9);
	call.seconds = row_double(r, 10);
	call.kept = row_copy(r, 11);
	buf_init(&talk.turns, 0);
	buf_puts(&talk.turns, row_string(r, 12));
	if (call.call_sid[0] && call.kept && !buf_error(&talk.turns))
		tell(arg, &call, &talk);
	call_summary_free(&call);
	call_talk_free(&talk);
}

/* Before any call of this process is taken, as its own would count as open. Two verbs and not one:
 * the news of these calls must go out even if the disk takes no writes yet. */
int store_calls_open(struct store *store, enum call_end end, store_calls_open_row *row, void *arg)
{
	const struct call_ending *ending = call_ending(end);
	struct rows r;

	rows_ask(&r, store, select_open, "tti", ending->json, ending->text, (int64_t)ending->fault);
	while (rows_next(&r))
		tell_open(&r, end, row, arg);
	return rows_done(&r) < 0 ? -EIO : 0;
}

bool store_calls_close_open(struct store *store, enum call_end end)
{
	const struct call_ending *ending = call_ending(end);

	return store_write(store, close_open, "tti", ending->json, ending->text, (int64_t)ending->fault);
}

/* ------------------------------------------------------------------------- reading */

/* The parts of a call's JSON that lists leave out, because they are about the conversation. */
#define CONVERSATION \
	"'$.model_session_id', '$.sessions', '$.sessions_before', '$.turns_dropped', '$.text_dropped', '$.tools'"

/* A call may be over before the disk has its recording; what is known of that since counts. One that a dead process
 * left has no numbers of its own. */
#define JSON_NOW \
	"coalesce((SELECT CASE r.status WHEN 'interrupted' THEN json_set(calls.json, '$.recording.state', r.status)" \
	" ELSE json_set(calls.json, '$.recording', json(r.json)) END FROM recordings r" \
	" WHERE r.call_sid = calls.call_sid AND r.file IS NOT NULL AND r.message IS NULL AND r.status <> 'in-progress'" \
	" AND calls.state = 'ended'" \
	" AND json_extract(calls.json, '$.recording.state') IN ('recording', 'saving')" \
	" ORDER BY r.at DESC LIMIT 1), calls.json)"

/* Pages go by the mark of the last call and not by an offset: calls that come in meanwhile shift
 * nothing. The index on reserved_at serves the order; `more` stops the query as soon as a page is
 * full. */
int store_calls(
    struct store *store, const struct call_filter *f, const struct call_mark *after, store_calls_row *row, void *arg)
{
	struct rows r;
	bool more = true;

	rows_ask(&r, store,
	    "SELECT reserved_at, call_sid, json_remove(" JSON_NOW ", " CONVERSATION ") FROM calls"
	    " WHERE reserved_at >= ?1 AND reserved_at < ?2 AND (?3 IS NULL OR agent = ?3)"
	    " AND (?4 IS NULL OR ltrim(from_number, '+') = ltrim(?4, '+'))"
	    " AND (?5 IS NULL OR ltrim(to_number, '+') = ltrim(?5, '+'))"
	    " AND (?6 IS NULL OR ending = ?6) AND (?7 IS NULL OR direction = ?7)"
	    " AND reserved_at <= ?8 AND (reserved_at < ?8 OR call_sid < ?9)"
	    " ORDER BY reserved_at DESC, call_sid DESC",
	    "iitttttit", f->since_ms, f->until_ms, f->agent, f->from, f->to, f->ending, f->direction,
	    after ? after->reserved_ms : INT64_MAX, after ? after->call_sid : "");
	while (more && rows_next(&r)) {
		struct call_mark mark = { .reserved_ms = row_int(&r, 0) };

		row_take(&r, 1, mark.call_sid, sizeof mark.call_sid);
		if (row_text(&r, 2))
			more = row(arg, &mark, row_text(&r, 2));
	}
	return rows_done(&r) < 0 ? -EIO : 0;
}

static enum call_stage stage_of(const char *state)
{
	if (!strcmp(state, "ended"))
		return CALL_IS_OVER;
	return strcmp(state, "live") ? CALL_IS_RESERVED : CALL_IS_LIVE;
}

/* The row's columns behind ROW, in select_call. */
static void take_call(const struct rows *r, struct call_summary *out)
{
	take_row(r, out);
	out->kept = row_copy(r, 9);
	out->stage = stage_of(row_string(r, 10));
	out->ordered = row_int(r, 11) != 0;
}

/* One query, so that call and turns are of the same moment: the call first (no -1), then its turns
 * in their order. The turns' rows fill up the call's columns with blanks, as UNION wants. */
static const char select_call[] =
    "SELECT " ROW ", " JSON_NOW
    ", state, json_type(json, '$.outbound') IS NOT NULL, -1 AS no FROM calls WHERE call_sid = ?1"
    " UNION ALL SELECT '', '', '', '', '', '', '', 0, 0, json, '', 0, no FROM turns WHERE call_sid = ?1"
    " ORDER BY no";

/* Turns without a call's row are kept (store_schema.c) but not shown: -ENOENT. */
int store_call(struct store *store, const char *call_sid, struct call_summary *call, struct call_talk *talk)
{
	struct json_out turns = json_out_to(&talk->turns);
	struct rows r;
	int err;

	memset(call, 0, sizeof *call);
	memset(talk, 0, sizeof *talk);
	buf_init(&talk->turns, 0);
	json_put_array(&turns, NULL);
	rows_ask(&r, store, select_call, "t", call_sid);
	while (rows_next(&r)) {
		if (row_int(&r, 12) < 0)
			take_call(&r, call);
		else if (call->kept)
			json_put_json(&turns, NULL, row_text(&r, 9));
	}
	json_put_end(&turns);
	err = rows_done(&r) < 0 || buf_error(&talk->turns) ? -EIO : call->kept ? 0 : -ENOENT;
	if (err) {
		call_summary_free(call);
		call_talk_free(talk);
	}
	return err;
}

int store_call_ending(struct store *store, const char *call_sid, struct kept_ending *out)
{
	struct rows r;

	rows_ask_soon(&r, store,
	    "SELECT ending, ended_at, agent, variant, coalesce(json_extract(json, '$.ending.said'), 0) FROM calls"
	    " WHERE call_sid = ?1 AND state = 'ended'",
	    "t", call_sid);
	if (rows_next(&r)) {
		out->end = call_ending_named(row_string(&r, 0));
		out->end = out->end == CALL_NOT_ENDED ? END_INTERRUPTED : out->end;
		out->ended_ms = row_int(&r, 1);
		row_take(&r, 2, out->agent, sizeof out->agent);
		row_take(&r, 3, out->variant, sizeof out->variant);
		out->said = row_int(&r, 4) != 0;
	}
	return rows_done_one(&r);
}

/* The call (no -1), then its turns, as in select_call. `sum`: bytes from here to the end. */
static const char select_left[] =
    "SELECT " ROW ", -1 AS no, 0, '' FROM calls WHERE call_sid = ?1 AND (state <> 'ended' OR ending = ?2)"
    " UNION ALL SELECT '', '', '', '', '', '', '', 0, 0, no, kind = 'agent', iif(sum <= ?3, said, '') FROM"
    " (SELECT no, kind, said, sum(length(CAST(said AS BLOB))) OVER (ORDER BY no DESC) AS sum FROM"
    " (SELECT no, kind, coalesce(iif(heard_ms IS NULL, text, heard_text), '') AS said FROM turns WHERE call_sid = ?1))"
    " ORDER BY no";

int store_call_left(struct store *store, const char *call_sid, struct call_summary *call, int64_t *turns, size_t bytes,
    store_said *said, void *arg)
{
	bool found = false;
	struct rows r;

	*turns = 0;
	rows_ask_soon(&r, store, select_left, "tti", call_sid, call_ending(END_INTERRUPTED)->json, (int64_t)bytes);
	while (rows_next(&r)) {
		if (row_int(&r, 9) < 0) {
			take_row(&r, call);
			found = true;
			continue;
		}
		*turns = row_int(&r, 9) + 1;
		if (found && *row_string(&r, 11))
			said(arg, row_int(&r, 10) != 0, row_string(&r, 11));
	}
	if (rows_done(&r) >= 0)
		return found ? 0 : -ENOENT;
	if (found)
		call_summary_free(call);
	return -EIO;
}

int store_turns_before(struct store *store, const char *call_sid, int64_t no, struct buf *out)
{
	struct json_out list = json_out_to(out);
	struct rows r;

	json_put_array(&list, NULL);
	rows_ask(&r, store, "SELECT json FROM turns WHERE call_sid = ?1 AND no < ?2 ORDER BY no", "ti", call_sid, no);
	while (rows_next(&r))
		json_put_json(&list, NULL, row_text(&r, 0));
	json_put_end(&list);
	return rows_done(&r) < 0 ? -EIO : 0;
}
