/* An order as a row of the store, as JSON, and as a call without a line. */
#include "common/json.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/dialer/dialer_private.h"
#include "server/store/store_orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words of the row's status column until the call is made; Twilio's state afterwards. */
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

/* ------------------------------------------------------------------------ showing */

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static void put_metadata(struct json_out *j, const struct order *e)
{
	const cJSON *metadata = json_get(e->request, "metadata");

	if (metadata)
		json_put_tree(j, "metadata", metadata);
	else
		json_put_json(j, "metadata", "{}");
}

static void put_error(struct json_out *j, const struct order *e)
{
	json_put_object(j, "error");
	json_put_text(j, "code", e->reason);
	json_put_text(j, "message", e->message);
	if (e->code)
		json_put_int(j, "twilio_code", e->code);
	json_put_end(j);
}

void order_json(const struct order *e, bool all, struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "id", e->id);
	json_put_text(&j, "call_sid", or_null(e->call_sid));
	json_put_text(&j, "status", out_status_name(e->status));
	json_put_text(&j, "to", order_text(e, "to"));
	json_put_text(&j, "from", order_text(e, "from"));
	json_put_text(&j, "agent", order_text(e, "agent"));
	json_put_time(&j, "created_at", e->created_ms);
	put_metadata(&j, e);
	if (all) {
		json_put_text(&j, "contact_name", order_text(e, "contact_name"));
		json_put_text(&j, "business_name", order_text(e, "business_name"));
		json_put_text(&j, "answered_by", or_null(e->answered_by));
		if (e->state.phase == PHASE_FAILED)
			put_error(&j, e);
	}
	json_put_end(&j);
}

static enum call_end ending_of(enum out_status status)
{
	switch (status) {
	case OUT_BUSY:
		return END_BUSY;
	case OUT_NO_ANSWER:
		return END_NOT_ANSWERED;
	case OUT_CANCELED:
		return END_CANCELED;
	default:
		return END_CALL_FAILED;
	}
}

static void copy_text(const struct order *e, const char *name, char *out, size_t size)
{
	const char *text = order_text(e, name);

	snprintf(out, size, "%s", text ? text : "");
}

void order_summarize(const struct order *e, int64_t ended_ms, struct call_summary *out)
{
	const cJSON *metadata = json_get(e->request, "metadata");
	const char *agent = order_text(e, "agent");
	struct buf order;

	*out = (struct call_summary){ .stage = ended_ms ? CALL_IS_OVER : CALL_IS_RESERVED,
		.state = ended_ms ? "ended" : out_status_name(e->status),
		.direction = "outbound",
		.reserved_ms = e->created_ms,
		.ended_ms = ended_ms,
		.end = ended_ms ? ending_of(e->status) : CALL_NOT_ENDED,
		.agent = agent ? strdup(agent) : NULL,
		.metadata = metadata ? cJSON_PrintUnformatted(metadata) : NULL,
		.ordered = true };
	snprintf(out->call_sid, sizeof out->call_sid, "%s", e->call_sid);
	copy_text(e, "from", out->from, sizeof out->from);
	copy_text(e, "to", out->to, sizeof out->to);
	buf_init(&order, 0);
	order_json(e, true, &order);
	if (buf_error(&order))
		buf_free(&order);
	out->order = order.data;
}

/* ------------------------------------------------------------------------ keeping */

/* The row has the request and all of the state that a later process needs; the counts of
 * tries and searches begin anew there. */
static void put_state(struct json_out *j, const struct order *e)
{
	json_put_object(j, NULL);
	json_put_text(j, "phase", phase_names[e->state.phase]);
	json_put_bool(j, "repeated", e->state.repeated);
	json_put_int(j, "asked_ms", e->asked_ms);
	json_put_bool(j, "answered", e->answered);
	json_put_bool(j, "told", e->told);
	json_put_text(j, "answered_by", e->answered_by);
	json_put_text(j, "reason", e->reason);
	json_put_text(j, "message", e->message);
	json_put_int(j, "code", e->code);
	json_put_int(j, "http", e->http);
	json_put_bool(j, "cancel", e->cancel);
	json_put_tree(j, "request", e->request);
	json_put_end(j);
}

/* Queues the whole row; a later write replaces it. The last argument is for an order
 * that Twilio was never asked about: rows of that key before that time are outdated,
 * and give it up. */
void order_write(struct dialer *o, const struct order *e)
{
	struct order_row row = { .id = e->id,
		.key = e->key,
		.hash = e->hash,
		.call_sid = or_null(e->call_sid),
		.status = e->state.phase == PHASE_MADE ? out_status_name(e->status) : phase_names[e->state.phase],
		.created_ms = e->created_ms };
	struct json_out j;
	struct buf json;

	if (!o->store)
		return;
	buf_init(&json, 0);
	j = json_out_to(&json);
	put_state(&j, e);
	row.json = buf_text(&json);
	if (!buf_error(&json))
		store_order_put(o->store, &row, e->asked_ms ? 0 : e->created_ms - FLEET_KEY_S * INT64_C(1000));
	buf_free(&json);
}

/* ------------------------------------------------------------------------ reading */

static void take_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

/* A word that we do not know is none that may lead to a call. */
static enum out_phase phase_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof phase_names / sizeof *phase_names; i++)
		if (!strcmp(phase_names[i], name))
			return (enum out_phase)i;
	return PHASE_FAILED;
}

/* The row's text as one of our literals: `reason` is never freed. */
static const char *reason_of(const char *name)
{
	static const char *const reasons[] = { "twilio_refused", "twilio_unreachable", "expired", "canceled",
		"outcome_unknown", "not_allowed" };

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

/* The order of a row, for the caller to free. NULL: the row cannot be read, or there is
 * no memory. */
static struct order *order_of(const struct order_row *row)
{
	struct order *e = calloc(1, sizeof *e);
	cJSON *json = row->json ? json_parse(row->json, strlen(row->json)) : NULL;

	if (!e || !json) {
		cJSON_Delete(json);
		free(e);
		return NULL;
	}
	take_text(e->id, sizeof e->id, row->id);
	e->key = row->key ? strdup(row->key) : NULL;
	take_text(e->hash, sizeof e->hash, row->hash);
	take_text(e->call_sid, sizeof e->call_sid, row->call_sid);
	e->created_ms = row->created_ms;
	take_state(e, json);
	if (e->state.phase == PHASE_FAILED)
		e->status = OUT_FAILED;
	else if (e->state.phase == PHASE_MADE && row->status && out_status_of(row->status) >= 0)
		e->status = (enum out_status)out_status_of(row->status);
	e->request = cJSON_DetachItemFromObject(json, "request");
	cJSON_Delete(json);
	if (order_text(e, "to") && order_text(e, "from"))
		return e;
	order_free(e);
	return NULL;
}

static void on_row(void *arg, const struct order_row *row)
{
	struct order **out = arg;

	*out = order_of(row);
}

struct order *order_by_name(struct dialer *o, const char *name)
{
	struct order *e = NULL;

	if (o->store)
		store_order_by_name(o->store, name, on_row, &e);
	return e;
}

struct loading {
	struct dialer *dialer;
	void (*each)(struct dialer *o, struct order *e);
};

static void on_open_row(void *arg, const struct order_row *row)
{
	struct loading *l = arg;
	struct order *e = order_of(row);

	if (e)
		l->each(l->dialer, e);
	else
		log_error("outbound", "an order of the last process cannot be read; id=%.32s", row->id);
}

int orders_load(struct dialer *o, void (*each)(struct dialer *o, struct order *e))
{
	struct loading l = { o, each };

	return store_orders_open(o->store, OUT_QUEUE_MAX, on_open_row, &l);
}
