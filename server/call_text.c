#include "server/call_text.h"

#include "server/readable.h"

#include <string.h>

enum {
	WHEN_WIDTH = 19,
	PARTY_WIDTH = 16,
	AGENT_WIDTH = 14,
	SECONDS_WIDTH = 8,
	COST_WIDTH = 8,
	SID_WIDTH = 34, /* of Twilio's */
	VALUE_MAX = 400 /* characters of what a tool was told, of a field of a record */
};

static const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

/* A call that is being placed may have no CallSid yet; the id of its order leads to it as well. */
static const char *name_of(const cJSON *call)
{
	const char *sid = json_str(call, "call_sid");

	return sid ? sid : json_str(json_get(call, "outbound"), "id");
}

static const char *began(const cJSON *call)
{
	const char *started = json_str(call, "started_at");

	return started ? started : json_str(call, "reserved_at");
}

bool call_text_is_over(const cJSON *call)
{
	const char *state = json_str(call, "state");

	return state && !strcmp(state, "ended");
}

static void put_ending(const cJSON *call, struct buf *out)
{
	const cJSON *ending = json_get(call, "ending");

	readable_text(out, cJSON_IsObject(ending) ? json_str(ending, "text") : json_str(call, "state"));
	if (json_bool(ending, "fault", false))
		buf_puts(out, " (a fault)");
}

/* ------------------------------------------------------------------------- the table */

void call_text_head(struct buf *out)
{
	readable_cell(out, "BEGAN", WHEN_WIDTH);
	readable_cell(out, "FROM", PARTY_WIDTH);
	readable_cell(out, "TO", PARTY_WIDTH);
	readable_cell(out, "AGENT", AGENT_WIDTH);
	buf_printf(out, "%*s %*s ", SECONDS_WIDTH, "LASTED", COST_WIDTH, "COST");
	readable_cell(out, "CALL", SID_WIDTH);
	buf_puts(out, "ENDED\n");
}

void call_text_row(const cJSON *call, struct buf *out)
{
	double usd;
	struct buf value;

	buf_init(&value, 0);
	readable_time(&value, began(call));
	readable_cell(out, buf_text(&value), WHEN_WIDTH);
	readable_cell(out, or_dash(json_str(call, "from")), PARTY_WIDTH);
	readable_cell(out, or_dash(json_str(call, "to")), PARTY_WIDTH);
	readable_cell(out, or_dash(json_str(call, "agent")), AGENT_WIDTH);
	buf_reset(&value);
	readable_seconds(&value, json_num_or_0(call, "seconds"));
	buf_printf(out, "%*s ", SECONDS_WIDTH, buf_text(&value));
	buf_reset(&value);
	if (json_num(json_get(call, "cost"), "usd", &usd))
		readable_usd(&value, usd);
	buf_printf(out, "%*s ", COST_WIDTH, or_dash(buf_text(&value)));
	buf_free(&value);
	readable_cell(out, or_dash(name_of(call)), SID_WIDTH);
	put_ending(call, out);
	buf_putc(out, '\n');
}

/* -------------------------------------------------------------------------- the facts */

static void put_fact(struct buf *out, const char *label, const char *text)
{
	readable_label(out, label);
	readable_text(out, or_dash(text));
	buf_putc(out, '\n');
}

/* What is JSON itself, in one line. */
static void put_value(struct buf *out, const cJSON *value)
{
	char *text = cJSON_IsString(value) ? NULL : cJSON_PrintUnformatted(value);

	readable_start(out, text ? text : cJSON_GetStringValue(value), VALUE_MAX);
	cJSON_free(text);
}

static bool is_relay(const cJSON *call)
{
	const char *channel = json_str(call, "channel");

	return channel && !strcmp(channel, "relay");
}

static void put_who(const cJSON *call, struct buf *out)
{
	const char *variant = json_str(call, "variant"), *direction = json_str(call, "direction");

	readable_label(out, "from");
	readable_text(out, or_dash(json_str(call, "from")));
	buf_puts(out, " to ");
	readable_text(out, or_dash(json_str(call, "to")));
	if (direction && *direction) {
		buf_puts(out, ", ");
		readable_text(out, direction);
	}
	if (is_relay(call))
		buf_puts(out, ", by ConversationRelay");
	buf_putc(out, '\n');
	readable_label(out, "agent");
	readable_text(out, or_dash(json_str(call, "agent")));
	if (variant) {
		buf_putc(out, '/');
		readable_text(out, variant);
	}
	buf_putc(out, '\n');
}

static void put_course(const cJSON *call, struct buf *out)
{
	readable_label(out, "began");
	readable_time(out, began(call));
	buf_puts(out, call_text_is_over(call) ? ", lasted " : ", lasts ");
	readable_seconds(out, json_num_or_0(call, "seconds"));
	if (json_num_or_0(call, "interruptions") > 0)
		buf_printf(out, ", %.0f interruption%s", json_num_or_0(call, "interruptions"),
		    json_num_or_0(call, "interruptions") > 1 ? "s" : "");
	if (json_num_or_0(call, "first_turn") > 0)
		buf_puts(out, "; the caller came back");
	buf_putc(out, '\n');
	readable_label(out, cJSON_IsObject(json_get(call, "ending")) ? "ended" : "state");
	put_ending(call, out);
	buf_putc(out, '\n');
}

static void put_order(const cJSON *call, struct buf *out)
{
	const cJSON *order = json_get(call, "outbound"), *error = json_get(order, "error");
	const cJSON *metadata = json_get(cJSON_GetObjectItemCaseSensitive(call, "metadata") ? call : order, "metadata");

	if (cJSON_IsObject(order)) {
		readable_label(out, "placed");
		readable_text(out, or_dash(json_str(order, "status")));
		if (json_str(order, "answered_by")) {
			buf_puts(out, ", answered by ");
			readable_text(out, json_str(order, "answered_by"));
		}
		if (json_str(error, "message")) {
			buf_puts(out, ": ");
			readable_start(out, json_str(error, "message"), VALUE_MAX);
		}
		buf_putc(out, '\n');
	}
	if (cJSON_GetArraySize(metadata) > 0) {
		readable_label(out, "metadata");
		put_value(out, metadata);
		buf_putc(out, '\n');
	}
}

static void put_cost(const cJSON *call, struct buf *out)
{
	static const struct {
		const char *part, *name;
	} parts[] = { { "model", "model" }, { "transcription", "transcription" }, { "twilio", "Twilio" } };
	const cJSON *cost = json_get(call, "cost");
	double usd;

	if (!cJSON_IsObject(cost))
		return;
	readable_label(out, "cost");
	if (json_num(cost, "usd", &usd)) {
		readable_usd(out, usd);
		buf_puts(out, ", an estimate:");
	} else {
		buf_puts(out, "not known; of it");
	}
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		buf_printf(out, "%s %s ", i ? "," : "", parts[i].name);
		readable_usd(out, json_num_or_0(json_get(cost, "parts"), parts[i].part));
	}
	if (json_bool(cost, "unpriced", false))
		buf_puts(out, is_relay(call)
				  ? "; a model without a price counts as the dearest, a minute without as nothing"
				  : "; what has no price counts as the dearest");
	buf_putc(out, '\n');
}

static void put_recording(const cJSON *call, struct buf *out)
{
	const cJSON *recording = json_get(call, "recording");
	const char *state = json_str(recording, "state"), *error = json_str(recording, "error");

	if (!cJSON_IsObject(recording))
		return;
	readable_label(out, "recording");
	readable_text(out, json_str(recording, "mode"));
	buf_puts(out, ", ");
	readable_text(out, or_dash(state ? state : json_str(recording, "status")));
	if (json_num_or_0(recording, "seconds") > 0) {
		buf_puts(out, ", ");
		readable_seconds(out, json_num_or_0(recording, "seconds"));
	}
	if (json_num_or_0(recording, "bytes") > 0) {
		buf_puts(out, ", ");
		readable_bytes(out, json_num_or_0(recording, "bytes"));
	}
	if (error) {
		buf_puts(out, ": ");
		readable_start(out, error, VALUE_MAX);
	}
	buf_puts(out, "; GET /calls/");
	readable_text(out, name_of(call));
	buf_puts(out, "/recording\n");
}

/* What the caller left, when nobody could be had. */
static void put_message(const cJSON *call, struct buf *out)
{
	const cJSON *message = json_get(call, "voicemail");
	const char *words = json_str(message, "transcript"), *problem = json_str(message, "problem");

	if (!cJSON_IsObject(message))
		return;
	readable_label(out, "message");
	readable_seconds(out, json_num_or_0(message, "seconds"));
	buf_puts(out, ": ");
	readable_start(out, words ? words : or_dash(problem), VALUE_MAX);
	buf_puts(out, "; GET /calls/");
	readable_text(out, name_of(call));
	buf_puts(out, "/voicemail\n");
}

static void put_record(const cJSON *call, const cJSON *record, struct buf *out)
{
	const cJSON *known = json_get(call, "record"), *each;

	if (!cJSON_IsObject(known))
		return;
	readable_label(out, "record");
	readable_text(out, json_str(known, "id"));
	buf_puts(out, ", ");
	readable_text(out, or_dash(json_str(known, "status")));
	buf_putc(out, '\n');
	cJSON_ArrayForEach(each, json_get(record, "record"))
	{
		buf_puts(out, "  ");
		readable_text(out, each->string);
		buf_puts(out, ": ");
		put_value(out, each);
		buf_putc(out, '\n');
	}
	cJSON_ArrayForEach(each, json_get(record, "problems"))
	{
		buf_puts(out, "  wrong: ");
		readable_text(out, json_str(each, "path"));
		buf_putc(out, ' ');
		readable_start(out, json_str(each, "sentence"), VALUE_MAX);
		buf_putc(out, '\n');
	}
}

/* ----------------------------------------------------------------------- the timeline */

/* "    0:07  caller  " */
static void put_moment(const cJSON *item, const char *who, struct buf *out)
{
	struct buf at;

	buf_init(&at, 0);
	readable_seconds(&at, json_num_or_0(item, "at_ms") / 1000);
	buf_printf(out, "%8s  ", buf_text(&at));
	buf_free(&at);
	readable_cell(out, who, 7);
}

/* How much of the words was heard is an estimate, and mostly the start of the text; without an interruption it is less
 * than all of it where the call was over. */
static void put_heard(const cJSON *turn, const char *text, struct buf *out)
{
	const char *heard = json_str(turn, "heard_text");
	bool interrupted = json_bool(turn, "interrupted", false);
	size_t len = heard ? strlen(heard) : 0;

	if (!interrupted && (!heard || !strcmp(heard, text))) {
		readable_text(out, text);
		return;
	}
	if (!len || strncmp(heard, text, len) != 0) {
		buf_puts(out, interrupted ? "[interrupted] " : "[not heard] ");
		readable_text(out, text);
		return;
	}
	readable_text(out, heard);
	text += len;
	text += strspn(text, " ");
	buf_puts(out, interrupted ? " [interrupted" : " [");
	if (*text)
		buf_puts(out, interrupted ? "; about what was not heard: " : "about what was not heard: ");
	readable_text(out, text);
	buf_putc(out, ']');
}

static void put_turn(const cJSON *turn, struct buf *out)
{
	const char *text = json_str(turn, "text"), *status = json_str(turn, "status");

	put_moment(turn, or_dash(json_str(turn, "who")), out);
	if (!text || !*text)
		buf_puts(out,
		    json_bool(turn, "transcript_failed", false) ? "[could not be transcribed]" : "[no transcript]");
	else
		put_heard(turn, text, out);
	if (status && !strcmp(status, "failed"))
		buf_puts(out, " [failed]");
	buf_putc(out, '\n');
}

static void put_tool(const cJSON *tool, struct buf *out)
{
	const cJSON *ok = json_get(tool, "ok");
	const char *name = json_str(tool, "name");
	double took_ms;

	put_moment(tool, "tool", out);
	readable_text(out, name);
	buf_putc(out, ' ');
	readable_start(out, json_str(tool, "arguments"), VALUE_MAX);
	if (cJSON_IsBool(ok))
		buf_puts(out, cJSON_IsTrue(ok) ? ": answered" : ": failed");
	else if (!name || (strcmp(name, "end_call") != 0 && strcmp(name, "transfer_call") != 0))
		buf_puts(out, ": no answer"); /* those two end what could be answered */
	if (json_num(tool, "took_ms", &took_ms))
		buf_printf(out, " after %.0f ms", took_ms);
	if (json_str(tool, "answer")) {
		buf_puts(out, ": ");
		readable_start(out, json_str(tool, "answer"), VALUE_MAX);
	}
	buf_putc(out, '\n');
}

static void put_missing(const cJSON *call, const char *key, const char *what, struct buf *out)
{
	if (json_num_or_0(call, key) > 0)
		buf_printf(out, "       …  [%.0f %s]\n", json_num_or_0(call, key), what);
}

/* The turn with which the last stream of a call began that came back: there its times begin anew.
 * NULL: there was one stream only. */
static const cJSON *came_back(const cJSON *call)
{
	const cJSON *turn, *before = NULL, *found = NULL;

	if (json_num_or_0(call, "first_turn") <= 0)
		return NULL;
	cJSON_ArrayForEach(turn, json_get(call, "turns"))
	{
		if (before && json_num_or_0(turn, "at_ms") < json_num_or_0(before, "at_ms"))
			found = turn;
		before = turn;
	}
	return found;
}

/* Turns with the tools between them, which are those of the last stream. */
static void put_timeline(const cJSON *call, struct buf *out)
{
	const cJSON *turn, *tools = json_get(call, "tools"), *tool = tools ? tools->child : NULL,
			   *from = came_back(call);

	buf_putc(out, '\n');
	put_missing(call, "turns_before", "older turns are shown once the call is over", out);
	cJSON_ArrayForEach(turn, json_get(call, "turns"))
	{
		if (turn == from)
			from = NULL;
		for (; !from && tool && json_num_or_0(tool, "at_ms") < json_num_or_0(turn, "at_ms"); tool = tool->next)
			put_tool(tool, out);
		put_turn(turn, out);
	}
	for (; tool; tool = tool->next)
		put_tool(tool, out);
	put_missing(call, "turns_dropped", "turns were not kept", out);
	put_missing(call, "text_dropped", "bytes of text were not kept", out);
}

void call_text_whole(const cJSON *call, const cJSON *record, struct buf *out)
{
	put_fact(out, "call", name_of(call));
	put_who(call, out);
	put_course(call, out);
	put_order(call, out);
	put_cost(call, out);
	put_recording(call, out);
	put_message(call, out);
	put_record(call, record, out);
	put_timeline(call, out);
}
