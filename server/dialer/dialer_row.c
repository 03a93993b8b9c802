/* How an order is kept in the store and shown by the API. */
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "server/dialer/dialer_private.h"
#include "server/store/row.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As the columns of its row have it: while Twilio has not named it, how far the
 * asking has come. */
static const char *const phase_names[] = {
	[PHASE_QUEUED] = "queued",
	[PHASE_ASKING] = "asking",
	[PHASE_UNSURE] = "unsure",
	[PHASE_MADE] = "made",
	[PHASE_FAILED] = "failed",
};

bool order_open(const struct order *e)
{
	return e->state.phase != PHASE_FAILED && !out_status_final(e->status);
}

void order_free(struct order *e)
{
	if (!e)
		return;
	cJSON_Delete(e->request);
	free(e->key);
	free(e);
}

const char *order_text(const struct order *e, const char *name)
{
	return json_str(e->request, name);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	json_put_cstring(out, text);
}

static void put_object(struct buf *out, const char *name, const cJSON *object)
{
	char *text = object ? cJSON_PrintUnformatted(object) : NULL;

	buf_printf(out, ",\"%s\":%s", name, text ? text : "{}");
	free(text);
}

void order_json(const struct order *e, bool all, struct buf *out)
{
	char at[32];

	clock_iso8601(e->created_ms, at, sizeof at);
	buf_puts(out, "{\"id\":");
	json_put_cstring(out, e->id);
	put_text(out, "call_sid", e->call_sid[0] ? e->call_sid : NULL);
	put_text(out, "status", out_status_name(e->status));
	put_text(out, "to", order_text(e, "to"));
	put_text(out, "from", order_text(e, "from"));
	put_text(out, "agent", order_text(e, "agent"));
	put_text(out, "created_at", at);
	put_object(out, "metadata", json_get(e->request, "metadata"));
	if (all) {
		put_text(out, "contact_name", order_text(e, "contact_name"));
		put_text(out, "business_name", order_text(e, "business_name"));
		put_text(out, "answered_by", e->answered_by[0] ? e->answered_by : NULL);
		if (e->state.phase == PHASE_FAILED) {
			buf_puts(out, ",\"error\":{\"code\":");
			json_put_cstring(out, e->reason);
			put_text(out, "message", e->message);
			if (e->code)
				buf_printf(out, ",\"twilio_code\":%d", e->code);
			buf_putc(out, '}');
		}
	}
	buf_putc(out, '}');
}

static void put_ending(const struct order *e, struct buf *out)
{
	static const struct {
		enum out_status status;
		const char *reason, *text;
		bool fault;
	} endings[] = {
		{ OUT_BUSY, "busy", "the number called was busy", false },
		{ OUT_NO_ANSWER, "not_answered", "nobody answered", false },
		{ OUT_CANCELED, "canceled", "canceled before it was answered", false },
		{ OUT_STATUS_COUNT, "call_failed", "the call could not be placed", true },
	};
	size_t i = 0;

	while (endings[i].status != OUT_STATUS_COUNT && endings[i].status != e->status)
		i++;
	buf_printf(out, ",\"ending\":{\"reason\":\"%s\",\"text\":\"%s\",\"fault\":%s}", endings[i].reason,
	    endings[i].text, endings[i].fault ? "true" : "false");
}

void order_call_json(const struct order *e, int64_t ended_ms, struct buf *out)
{
	char at[32];

	buf_puts(out, "{\"call_sid\":");
	json_put_cstring(out, e->call_sid[0] ? e->call_sid : NULL);
	put_text(out, "stream_sid", NULL);
	put_text(out, "state", ended_ms ? "ended" : out_status_name(e->status));
	put_text(out, "direction", "outbound");
	put_text(out, "from", order_text(e, "from"));
	put_text(out, "to", order_text(e, "to"));
	put_text(out, "agent", order_text(e, "agent"));
	put_text(out, "variant", NULL);
	clock_iso8601(e->created_ms, at, sizeof at);
	put_text(out, "reserved_at", at);
	if (ended_ms) {
		clock_iso8601(ended_ms, at, sizeof at);
		put_text(out, "ended_at", at);
	}
	buf_puts(out, ",\"seconds\":0.000");
	if (ended_ms)
		put_ending(e, out);
	else
		put_text(out, "ending", NULL);
	put_object(out, "metadata", json_get(e->request, "metadata"));
	buf_puts(out, ",\"outbound\":");
	order_json(e, true, out);
	buf_puts(out, ",\"turns\":[]}");
}

/* ------------------------------------------------------------------------ keeping */

/* A key that has had its day may be used again. */
static const char forget_key[] =
    "UPDATE outbound SET idempotency_key = NULL WHERE idempotency_key = ?1 AND id <> ?2 AND created_at < ?3";
static const char put_row[] =
    "INSERT INTO outbound (id, idempotency_key, request_hash, call_sid, status, created_at, json)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    " ON CONFLICT (id) DO UPDATE SET call_sid = excluded.call_sid, status = excluded.status, json = excluded.json";

static void put_state(const struct order *e, struct buf *out)
{
	buf_printf(out, "{\"phase\":\"%s\",\"repeated\":%s,\"asked_ms\":%lld,\"answered\":%s,\"told\":%s",
	    phase_names[e->state.phase], e->state.repeated ? "true" : "false", (long long)e->asked_ms,
	    e->answered ? "true" : "false", e->told ? "true" : "false");
	put_text(out, "answered_by", e->answered_by);
	put_text(out, "reason", e->reason);
	put_text(out, "message", e->message);
	buf_printf(out, ",\"code\":%d,\"http\":%d,\"cancel\":%s", e->code, e->http, e->cancel ? "true" : "false");
	put_object(out, "request", e->request);
	buf_putc(out, '}');
}

void order_write(struct dialer *o, const struct order *e)
{
	const char *status = e->state.phase == PHASE_MADE ? out_status_name(e->status) : phase_names[e->state.phase];
	struct buf json;

	if (!o->store)
		return;
	buf_init(&json, 0);
	put_state(e, &json);
	if (e->key && !e->asked_ms)
		store_write(o->store, forget_key, "tti", e->key, e->id, e->created_ms - OUT_KEY_S * INT64_C(1000));
	if (!buf_error(&json))
		store_write(o->store, put_row, "tttttit", e->id, e->key, e->hash, e->call_sid[0] ? e->call_sid : NULL,
		    status, e->created_ms, buf_text(&json));
	buf_free(&json);
}

void order_erase(struct dialer *o, const struct order *e)
{
	store_write(o->store, "DELETE FROM outbound WHERE id = ?1", "t", e->id);
}

/* ------------------------------------------------------------------------ reading */

#define COLUMNS "SELECT id, idempotency_key, request_hash, call_sid, status, created_at, json FROM outbound "

static void take_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

static enum out_phase phase_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof phase_names / sizeof *phase_names; i++)
		if (!strcmp(phase_names[i], name))
			return (enum out_phase)i;
	return PHASE_FAILED;
}

static const char *reason_of(const char *name)
{
	static const char *const reasons[] = { "twilio_refused", "twilio_unreachable", "expired", "canceled",
		"outcome_unknown" };

	for (size_t i = 0; name && i < sizeof reasons / sizeof *reasons; i++)
		if (!strcmp(reasons[i], name))
			return reasons[i];
	return "";
}

static void take_state(struct order *e, const cJSON *json)
{
	double number;

	e->state.phase = phase_of(json_str(json, "phase"));
	e->state.repeated = json_bool(json, "repeated", false);
	e->answered = json_bool(json, "answered", false);
	e->told = json_bool(json, "told", false);
	e->cancel = json_bool(json, "cancel", false);
	take_text(e->answered_by, sizeof e->answered_by, json_str(json, "answered_by"));
	take_text(e->message, sizeof e->message, json_str(json, "message"));
	e->reason = reason_of(json_str(json, "reason"));
	e->asked_ms = json_num(json, "asked_ms", &number) ? (int64_t)number : 0;
	e->code = json_num(json, "code", &number) ? (int)number : 0;
	e->http = json_num(json, "http", &number) ? (int)number : 0;
}

static const char *column(sqlite3_stmt *stmt, int i)
{
	return (const char *)sqlite3_column_text(stmt, i);
}

static struct order *order_of(sqlite3_stmt *stmt)
{
	struct order *e = calloc(1, sizeof *e);
	const char *text = column(stmt, 6), *status = column(stmt, 4);
	cJSON *json = text ? json_parse(text, strlen(text)) : NULL;

	if (!e || !json) {
		cJSON_Delete(json);
		free(e);
		return NULL;
	}
	take_text(e->id, sizeof e->id, column(stmt, 0));
	e->key = column(stmt, 1) ? strdup(column(stmt, 1)) : NULL;
	take_text(e->hash, sizeof e->hash, column(stmt, 2));
	take_text(e->call_sid, sizeof e->call_sid, column(stmt, 3));
	e->created_ms = sqlite3_column_int64(stmt, 5);
	take_state(e, json);
	if (e->state.phase == PHASE_FAILED)
		e->status = OUT_FAILED;
	else if (e->state.phase == PHASE_MADE && status && out_status_of(status) >= 0)
		e->status = (enum out_status)out_status_of(status);
	e->request = cJSON_DetachItemFromObject(json, "request");
	cJSON_Delete(json);
	if (order_text(e, "to") && order_text(e, "from"))
		return e;
	order_free(e);
	return NULL;
}

static int first_of(struct dialer *o, const char *sql, const char *text, int64_t since_ms, struct order **out)
{
	sqlite3 *db = o->store ? store_reader(o->store) : NULL;
	sqlite3_stmt *stmt = NULL;
	int rc = SQLITE_ERROR;

	*out = NULL;
	if (!db)
		return o->store ? -EIO : 0;
	if (!sqlite3_prepare_v2(db, sql, -1, &stmt, NULL)) {
		sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 2, since_ms);
		rc = sqlite3_step(stmt);
		if (rc == SQLITE_ROW)
			*out = order_of(stmt);
	}
	sqlite3_finalize(stmt);
	store_reader_done(o->store, db);
	return rc == SQLITE_DONE || *out ? 0 : -EIO;
}

int order_by_key(struct dialer *o, const char *key, struct order **out)
{
	return first_of(o, COLUMNS "WHERE idempotency_key = ?1 AND created_at > ?2", key,
	    clock_wall_ms() - OUT_KEY_S * INT64_C(1000), out);
}

struct order *order_by_name(struct dialer *o, const char *name)
{
	struct order *e;

	first_of(o, COLUMNS "WHERE id = ?1 OR call_sid = ?1 OR ?2 > ?2", name, 0, &e);
	return e;
}

int orders_load(struct dialer *o)
{
	static const char sql[] = COLUMNS
	    "WHERE status NOT IN ('completed', 'busy', 'no-answer', 'failed', 'canceled') ORDER BY created_at, rowid";
	sqlite3 *db = o->store ? store_reader(o->store) : NULL;
	sqlite3_stmt *stmt = NULL;
	int rc = SQLITE_ERROR;

	if (!db)
		return o->store ? -EIO : 0;
	if (!sqlite3_prepare_v2(db, sql, -1, &stmt, NULL)) {
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && o->count < OUT_QUEUE_MAX) {
			struct order *e = order_of(stmt);

			if (e)
				o->list[o->count++] = e;
			else
				log_error("outbound", "an order of the last process cannot be read; id=%.32s",
				    column(stmt, 0) ? column(stmt, 0) : "");
		}
	}
	sqlite3_finalize(stmt);
	store_reader_done(o->store, db);
	return rc == SQLITE_DONE ? 0 : -EIO;
}
