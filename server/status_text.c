#include "server/status_text.h"

#include "server/readable.h"
#include "server/stats/endings.h"

#include <stdio.h>
#include <string.h>

enum { SENTENCE_MAX = 400, NAMES_SHOWN = 12 };

/* "3 what", or nothing for none. */
static void put_some(struct buf *out, const cJSON *object, const char *key, const char *what)
{
	if (json_num_or_0(object, key) > 0)
		buf_printf(out, ", %.0f %s", json_num_or_0(object, key), what);
}

/* ------------------------------------------------------------------------ the lines */

static void put_state(const cJSON *status, const cJSON *ready, struct buf *out)
{
	static const struct {
		const char *word, *sentence;
	} states[] = {
		{ "ready", "takes calls" },
		{ "full", "takes no call: every line is taken (MAX_CALLS)" },
		{ "cost", "takes no call: MAX_DAY_COST is spent, or reserved by calls that are up" },
		{ "model", "takes no call: the model cannot be had" },
		{ "draining", "takes no call: it is shutting down" },
	};
	const char *word = json_str(ready, "status"), *version = json_str(status, "version");

	buf_puts(out, "Trunkline ");
	readable_start(out, version, 40);
	for (size_t i = 0; word && i < sizeof states / sizeof *states; i++)
		if (!strcmp(word, states[i].word))
			buf_printf(out, " %s", states[i].sentence);
	buf_puts(out, "; up ");
	readable_seconds(out, json_num_or_0(status, "uptime_seconds"));
	buf_putc(out, '\n');
}

static void put_calls(const cJSON *status, struct buf *out)
{
	const cJSON *calls = json_get(status, "calls"), *ended = json_get(calls, "ended");
	double faults = 0;

	for (int end = CALL_NOT_ENDED + 1; end < CALL_END_COUNT; end++)
		if (call_ending((enum call_end)end)->fault)
			faults += json_num_or_0(ended, call_ending((enum call_end)end)->json);
	readable_label(out, "calls");
	buf_printf(out, "%.0f live of at most %.0f", json_num_or_0(calls, "live"), json_num_or_0(calls, "limit"));
	put_some(out, calls, "reserved", "beginning");
	put_some(out, calls, "ending", "ending");
	buf_printf(out, "; since the start %.0f", json_num_or_0(calls, "total"));
	if (faults > 0)
		buf_printf(out, ", %.0f ended by a fault", faults);
	put_some(out, calls, "refused_full", "refused as every line was taken");
	put_some(out, calls, "refused_cost", "refused for MAX_DAY_COST");
	put_some(out, calls, "refused_draining", "refused while shutting down");
	put_some(out, calls, "refused_model", "refused as the text API failed");
	put_some(out, calls, "refused_caller_busy", "refused for MAX_CALLS_PER_CALLER");
	put_some(out, calls, "refused_caller_often", "refused for MAX_CALLS_PER_CALLER_HOUR");
	put_some(out, calls, "refused_blocked", "refused for BLOCK_CALLERS");
	put_some(out, calls, "refused_not_allowed", "refused for ALLOW_CALLERS");
	buf_putc(out, '\n');
}

static void put_model(const cJSON *status, struct buf *out)
{
	const cJSON *model = json_get(status, "model");
	const cJSON *answers = json_get(json_get(status, "latency"), "answer_after_speech");
	double connect_ms = 0;

	readable_label(out, "model");
	buf_puts(out, json_bool(model, "available", false) ? "can be had" : "CANNOT BE HAD");
	if (json_num(model, "last_connect_ms", &connect_ms))
		buf_printf(out, ", last connected in %.0f ms", connect_ms);
	if (json_num_or_0(answers, "count") > 0)
		buf_printf(out, "; answers after %.2f s (half of them), %.2f s (9 of 10)",
		    json_num_or_0(answers, "p50_ms") / 1000, json_num_or_0(answers, "p90_ms") / 1000);
	buf_putc(out, '\n');
}

/* Only where agents have it. */
static void put_text_api(const cJSON *status, struct buf *out)
{
	const char *state = json_str(json_get(json_get(status, "model"), "text_api"), "state");

	if (!state)
		return;
	readable_label(out, "text API");
	readable_text(out, state);
	buf_putc(out, '\n');
}

/* Only where there are several. */
static void put_endpoints(const cJSON *status, struct buf *out)
{
	const cJSON *list = json_get(json_get(status, "model"), "endpoints"), *each;
	const char *before = "";

	if (cJSON_GetArraySize(list) < 2)
		return;
	readable_label(out, "endpoints");
	cJSON_ArrayForEach(each, list)
	{
		buf_printf(out, "%s%.0f ", before, json_num_or_0(each, "number"));
		readable_text(out, json_str(each, "host"));
		buf_puts(out, " is ");
		readable_text(out, json_str(each, "state"));
		before = ", ";
	}
	buf_putc(out, '\n');
}

static void put_agents(const cJSON *status, struct buf *out)
{
	const cJSON *names = json_get(json_get(status, "agents"), "names"), *each;
	int count = cJSON_GetArraySize(names), shown = 0;

	readable_label(out, "agents");
	cJSON_ArrayForEach(each, names)
	{
		if (shown == NAMES_SHOWN) {
			buf_printf(out, " and %d more", count - shown);
			break;
		}
		buf_puts(out, shown++ ? ", " : "");
		readable_text(out, cJSON_GetStringValue(each));
	}
	buf_puts(out, count ? "\n" : "none\n");
}

static void put_store(const cJSON *status, struct buf *out)
{
	const cJSON *store = json_get(status, "store");

	readable_label(out, "store");
	if (!cJSON_IsObject(store)) {
		buf_puts(out, "none: nothing is kept (DATA_DIR)\n");
		return;
	}
	buf_puts(out, json_bool(store, "failing", false) ? "FAILING, " : "sound, ");
	readable_bytes(out, json_num_or_0(store, "db_bytes"));
	put_some(out, store, "waiting", "rows to be written");
	buf_putc(out, '\n');
}

static void put_cost(const cJSON *status, struct buf *out)
{
	const cJSON *cost = json_get(status, "cost");
	double limit;

	readable_label(out, "cost");
	readable_usd(out, json_num_or_0(cost, "today_usd"));
	buf_puts(out, " today");
	if (json_num(cost, "limit_usd", &limit)) {
		buf_puts(out, " of at most ");
		readable_usd(out, limit);
		buf_puts(out, "; reserved by calls that are up ");
		readable_usd(out, json_num_or_0(cost, "reserved_usd"));
	}
	buf_putc(out, '\n');
}

/* Only where there is something to tell of. */
static void put_outside(const cJSON *status, struct buf *out)
{
	const cJSON *outbound = json_get(status, "outbound"), *outbox = json_get(status, "outbox");

	if (json_num_or_0(outbound, "placed") + json_num_or_0(outbound, "queued") > 0) {
		readable_label(out, "calls out");
		buf_printf(out, "%.0f queued, %.0f ringing; since the start %.0f placed",
		    json_num_or_0(outbound, "queued"), json_num_or_0(outbound, "ringing"),
		    json_num_or_0(outbound, "placed"));
		put_some(out, outbound, "refused", "refused by Twilio");
		put_some(out, outbound, "outcome_unknown", "of unknown outcome");
		buf_putc(out, '\n');
	}
	if (json_num_or_0(outbox, "waiting") + json_num_or_0(outbox, "delivered") + json_num_or_0(outbox, "failed") >
	    0) {
		readable_label(out, "webhooks");
		buf_printf(out, "%.0f waiting; since the start %.0f delivered", json_num_or_0(outbox, "waiting"),
		    json_num_or_0(outbox, "delivered"));
		put_some(out, outbox, "failed", "attempts failed");
		buf_putc(out, '\n');
	}
}

/* ---------------------------------------------------------------------- the warnings */

static void warn_text(struct buf *out, const char *what, const char *text)
{
	if (!text || !*text)
		return;
	readable_label(out, "warning");
	buf_printf(out, "%s: ", what);
	readable_start(out, text, SENTENCE_MAX);
	buf_putc(out, '\n');
}

static void warn_agents(const cJSON *model, const char *list, const char *key, const char *what, struct buf *out)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, json_get(model, list))
	{
		const char *variant = json_str(each, "variant");

		readable_label(out, "warning");
		buf_puts(out, "agent ");
		readable_text(out, json_str(each, "agent"));
		if (variant) {
			buf_putc(out, '/');
			readable_text(out, variant);
		}
		buf_printf(out, " %s", what);
		if (cJSON_GetArraySize(json_get(model, "endpoints")) > 1 && cJSON_IsNumber(json_get(each, "endpoint")))
			buf_printf(out, " at endpoint %.0f", json_num_or_0(each, "endpoint"));
		buf_puts(out, ": ");
		readable_start(out, json_str(each, key), SENTENCE_MAX);
		buf_putc(out, '\n');
	}
}

/* If none is left, the model's own line says why. */
static void warn_endpoints(const cJSON *model, struct buf *out)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, json_get(model, "endpoints"))
	{
		char what[32];

		snprintf(what, sizeof what, "endpoint %.0f", json_num_or_0(each, "number"));
		if (json_bool(model, "available", true))
			warn_text(out, what, json_str(each, "last_failure"));
	}
}

static void warn_count(const cJSON *section, const char *key, const char *what, struct buf *out)
{
	if (json_num_or_0(section, key) <= 0)
		return;
	readable_label(out, "warning");
	buf_printf(out, "%.0f %s\n", json_num_or_0(section, key), what);
}

static void put_warnings(const cJSON *status, struct buf *out)
{
	const cJSON *model = json_get(status, "model"), *store = json_get(status, "store"),
		    *outbox = json_get(status, "outbox");

	if (!json_bool(model, "available", true))
		warn_text(out, "model", json_str(model, "last_failure"));
	warn_endpoints(model, out);
	if (json_bool(model, "available", true))
		warn_text(out, "text API", json_str(json_get(model, "text_api"), "last_failure"));
	warn_agents(model, "agents_refused", "reason", "is refused by the model", out);
	warn_agents(model, "agents_lacking", "lack", "has its session otherwise than asked", out);
	warn_text(out, "the agents' files were not read anew, those from before stay",
	    json_str(json_get(status, "agents"), "last_error"));
	if (json_bool(store, "failing", false))
		warn_text(out, "store", json_str(store, "last_error"));
	warn_count(store, "lost", "rows were lost, as the store failed for too long", out);
	warn_text(out, "recording", json_str(json_get(status, "recording"), "last_error"));
	warn_count(outbox, "parked", "webhooks were given up (GET /outbox?state=parked)", out);
	warn_count(outbox, "lost", "webhooks were lost", out);
}

void status_text(const cJSON *status, const cJSON *ready, struct buf *out)
{
	put_state(status, ready, out);
	put_calls(status, out);
	put_model(status, out);
	put_text_api(status, out);
	put_endpoints(status, out);
	put_agents(status, out);
	put_store(status, out);
	put_cost(status, out);
	put_outside(status, out);
	put_warnings(status, out);
}
