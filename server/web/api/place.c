/* A placed call costs money and rings at a person's: everything is checked
 * before the order, and the order is written down before Twilio is asked. An
 * Idempotency-Key makes a repeated request safe; the dialer keeps the keys
 * for a day.
 */
#include "server/web/api/place.h"

#include "common/digest.h"
#include "common/json_out.h"
#include "server/agents/agents.h"
#include "server/agents/template.h"
#include "server/config/config_check.h"
#include "server/dialer/dialer_place.h"
#include "server/line/call_context.h"
#include "server/line/calls.h"
#include "server/model/health.h"
#include "server/web/fields.h"
#include "server/work/twilio_rest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NUMBER_TEXT = 32,
	NAME_TEXT = 200,
	AGENT_TEXT = 64,
	GREETING_TEXT = 8192,
	METADATA_KEYS = 16,
	METADATA_BYTES = 4096,
	METADATA_NAME = 64,
	FULL_RETRY_S = 60
};

#define NUMBER_BELOW 1e15 /* whole numbers are exact, also where they are printed with 15 digits */

/* --------------------------------------------------------------------- the request */

struct wish {
	const char *to, *from, *agent, *contact_name, *business_name, *greeting, *record, *machine;
	const cJSON *metadata;
};

static bool is_metadata_name(const char *name)
{
	size_t len = strlen(name);

	return len && len <= METADATA_NAME &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

/* The metadata goes into webhooks, rows and the agent's texts: it is small
 * and flat, and its names need no quoting. A longer number, an id most likely,
 * would not come out as it went in: JSON's numbers are doubles here, and one
 * that overflows would become null. */
static void check_metadata(struct fields *f, const cJSON *metadata)
{
	char *text = metadata ? cJSON_PrintUnformatted(metadata) : NULL;
	const cJSON *item;

	if (cJSON_GetArraySize(metadata) > METADATA_KEYS)
		fields_refuse(f, "metadata", "must not have more than 16 names");
	if (text && strlen(text) > METADATA_BYTES)
		fields_refuse(f, "metadata", "must not be longer than 4096 bytes");
	cJSON_ArrayForEach(item, metadata)
	{
		if (!is_metadata_name(item->string))
			fields_refuse(f, "metadata", "names are of up to 64 letters, digits, _ and -");
		if (cJSON_IsObject(item) || cJSON_IsArray(item))
			fields_refuse(f, "metadata", "must be flat: texts, numbers, true, false or null");
		if (cJSON_IsNumber(item) && !(fabs(item->valuedouble) < NUMBER_BELOW))
			fields_refuse(f, "metadata", "a number of more than 15 digits must be a text");
	}
	free(text);
}

static void check_number(struct fields *f, const char *name, const char *number)
{
	if (number && check_e164(number))
		fields_refuse(f, name, check_e164(number));
}

/* The same checks as for a greeting in an agent's file, placeholders
 * included. */
static void check_greeting(struct fields *f, const char *greeting)
{
	struct buf problem;

	buf_init(&problem, 0);
	if (greeting && check_prose(greeting))
		fields_refuse(f, "greeting", check_prose(greeting));
	else if (greeting && template_check(greeting, &problem))
		fields_refuse(f, "greeting", buf_text(&problem));
	buf_free(&problem);
}

bool place_may_dial(struct agents *agents, const char *number, const char *tag, const char *field, struct response *r)
{
	struct buf why;

	if (agents_may_dial(agents, number, tag, "the API"))
		return true;
	buf_init(&why, 0);
	agents_put_dialling(agents, &why);
	response_error_at(r, 403, "not_allowed", field, "this number must not be dialled: %s", buf_text(&why));
	buf_free(&why);
	return false;
}

/* Every field is asked for before the first refusal is looked at, so that
 * fields_done knows the names there are. "" for a choice means the agent's
 * own. */
static bool read_wish(const struct request *q, struct wish *w, struct response *r)
{
	struct fields f = fields_of(q, r);

	w->to = fields_text(&f, "to", 1, NUMBER_TEXT);
	w->agent = fields_text(&f, "agent", 0, AGENT_TEXT);
	w->from = fields_text(&f, "from", 0, NUMBER_TEXT);
	w->contact_name = fields_text(&f, "contact_name", 0, NAME_TEXT);
	w->business_name = fields_text(&f, "business_name", 0, NAME_TEXT);
	w->metadata = fields_object(&f, "metadata");
	w->greeting = fields_text(&f, "greeting", 0, GREETING_TEXT);
	w->record = fields_choice(&f, "record", "off|local|twilio", "");
	w->machine = fields_choice(&f, "machine", "ignore|message|hangup", "");
	check_number(&f, "to", w->to);
	check_number(&f, "from", w->from);
	check_metadata(&f, w->metadata);
	check_greeting(&f, w->greeting);
	return fields_done(&f);
}

/* The words of the API are those of the agent's file. */
static const char *machine_name(enum machine_action action)
{
	static const char *const names[] = {
		[MACHINE_IGNORE] = "ignore", [MACHINE_MESSAGE] = "message", [MACHINE_HANGUP] = "hangup"
	};

	return names[action];
}

/* The number to call from, as the request or the agent has it; else the only one that any agent
 * has. "": the refusal is in `r`. `only` keeps it. */
static const char *number_of(
    struct agents *agents, const struct wish *w, const struct agent *agent, struct buf *only, struct response *r)
{
	size_t count;

	if (w->from)
		return w->from;
	if (agent->number_count)
		return agent->numbers[0];
	count = agents_number_all(agents, only);
	if (count == 1 && !buf_error(only))
		return buf_text(only);
	response_error_at(r, 422, "invalid_field", "from",
	    "the agent %s has no number of its own to call from: say which%s%s", agent->name,
	    count > 1 ? ", for example one of " : "", buf_text(only));
	return "";
}

/* Not every channel has sound here. "" for `record` means the agent's own, which was checked with its file. */
static bool can_record(const struct wish *w, const struct agent *agent, struct response *r)
{
	const char *why = strcmp(w->record, "local")
			      ? NULL
			      : agent_channel_problem(agent->channel, agent->model_protocol, RECORDING_LOCAL);

	if (why)
		response_error_at(
		    r, 422, "invalid_field", "record", "the channel of the agent %s %s", agent->name, why);
	return !why;
}

/* The order: the request, completed from the agent's file. The limit of its length is copied,
 * because Twilio gets it as TimeLimit and the file may change before the call is placed. */
static cJSON *order_of(const struct wish *w, const struct agent *agent, const char *from)
{
	const char *const texts[][2] = { { "to", w->to }, { "from", from }, { "agent", agent->name },
		{ "contact_name", w->contact_name }, { "business_name", w->business_name }, { "greeting", w->greeting },
		{ "record", w->record }, { "machine", *w->machine ? w->machine : machine_name(agent->machine) } };
	cJSON *order = cJSON_CreateObject();

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i][1] && *texts[i][1])
			cJSON_AddStringToObject(order, texts[i][0], texts[i][1]);
	cJSON_AddItemToObject(
	    order, "metadata", w->metadata ? cJSON_Duplicate(w->metadata, true) : cJSON_CreateObject());
	cJSON_AddNumberToObject(order, "max_call_seconds", agent->max_call_seconds);
	return order;
}

/* The agent's texts must hold what the call brings along: while the phone rings it would be too late
 * to say so. False: the refusal is in `r`. */
static bool texts_fit(
    struct agents *agents, const struct wish *w, const struct agent *agent, const char *from, struct response *r)
{
	char *metadata = w->metadata ? cJSON_PrintUnformatted(w->metadata) : NULL;
	struct call_facts facts = { .to = w->to,
		.from = from,
		.agent = agent,
		.contact_name = w->contact_name,
		.business_name = w->business_name,
		.greeting = w->greeting,
		.metadata = metadata };
	struct call_context context;
	const char *cut = NULL;

	if (!call_context_make(&context, agents, &facts)) {
		cut = context.cut;
		call_context_free(&context);
	}
	free(metadata);
	if (cut)
		response_error_at(r, 422, "invalid_field", "metadata",
		    "with these values the %s would be longer than %d bytes", cut, CALL_TEXT_MAX);
	return !cut;
}

/* NULL: the refusal is in `r`. */
static cJSON *complete(struct agents *agents, const struct wish *w, const struct agent *agent, struct response *r)
{
	struct buf only;
	const char *from;
	cJSON *order;

	buf_init(&only, 0);
	from = number_of(agents, w, agent, &only, r);
	order = *from && texts_fit(agents, w, agent, from, r) ? order_of(w, agent, from) : NULL;
	buf_free(&only);
	return order;
}

/* ----------------------------------------------------------------------- the answer */

static const struct {
	int status;
	const char *code, *sentence;
} refusals[] = {
	[DIALER_CONFLICT] = { 409, "idempotency_conflict",
	    "this Idempotency-Key was used for another body within the last 24 hours" },
	[DIALER_DAY_FULL] = { 429, "day_full", "OUTBOUND_MAX_DAY calls were placed today: no more before midnight" },
	[DIALER_FULL] = { 429, "queue_full", "too many calls are waiting to be placed" },
	[DIALER_DRAINING] = { 503, "draining", "the server is shutting down and places no more calls" },
	[DIALER_NO_DISK] = { 503, "store_failing",
	    "the order cannot be written down now, so the call is not placed: it could be placed twice" },
	[DIALER_NO_MEMORY] = { 500, "internal_error", "out of memory" },
};

/* A call that is known already (the same key and body) is answered 200, not
 * 201: this request did not place it. */
static void answer(const struct dialer_reply *a, struct response *r)
{
	switch (a->verdict) {
	case DIALER_PLACED:
	case DIALER_KNOWN:
		r->status = a->verdict == DIALER_PLACED ? 201 : 200;
		buf_put(&r->body, a->json.data, a->json.len);
		buf_putc(&r->body, '\n');
		response_header(r, "Location", "/calls/%s", a->id);
		break;
	case DIALER_REFUSED:
		/* Only Twilio's own words and numbers tell what to change in its console. */
		response_error_of_twilio(r, "twilio_refused", a->message, a->code, a->status);
		break;
	default:
		response_error(
		    r, refusals[a->verdict].status, refusals[a->verdict].code, refusals[a->verdict].sentence);
		if (a->verdict == DIALER_FULL || a->verdict == DIALER_DAY_FULL)
			response_header(
			    r, "Retry-After", "%d", a->verdict == DIALER_FULL ? FULL_RETRY_S : a->retry_after_s);
	}
}

/* ---------------------------------------------------------------------- POST /calls */

static bool key_sound(const struct request *q, const char **key, struct response *r)
{
	*key = request_header(q, "Idempotency-Key");
	if (!*key)
		return true;
	if (**key && strlen(*key) <= OUT_KEY_MAX && !check_token(*key))
		return true;
	response_error_at(r, 400, "invalid_header", "Idempotency-Key", "must be 1 to 255 visible ASCII characters");
	return false;
}

/* The hash is of what the body says: blanks, the order of names, the writing of a number, and a
 * null where a name could be left out make no difference. False: no memory. */
static bool hash_of(const cJSON *body, char out[2 * SHA256_BYTES + 1])
{
	uint8_t digest[SHA256_BYTES];
	struct buf text;
	bool ok;

	buf_init(&text, 0);
	json_put_canonical(&text, body);
	ok = !buf_error(&text);
	sha256(buf_text(&text), text.len, digest);
	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
	buf_free(&text);
	return ok;
}

/* Missing settings and a spent day are both 503: the request is right, and
 * may be repeated later. */
static bool able(const struct web_parts *parts, struct response *r)
{
	const char *missing = !parts->dialer             ? "calls are not placed here"
			      : !*parts->cfg->public_url ? "PUBLIC_URL is not set"
							 : twilio_missing(parts->cfg);
	struct calls_count count;
	char sentence[160];

	calls_count(parts->calls, &count);
	if (!missing && !count.day_over)
		return true;
	if (!missing) {
		response_error(r, 503, "cost_limit", "the day has cost MAX_DAY_COST: no more calls are placed");
		return false;
	}
	snprintf(sentence, sizeof sentence, "no calls can be placed: %s", missing);
	response_error(r, 503, "not_configured", sentence);
	return false;
}

static void refuse_unnamed(struct agents *agents, struct response *r)
{
	struct buf names;

	buf_init(&names, 0);
	agents_name_all(agents, &names);
	response_error_at(r, 422, "invalid_field", "agent", "this field is required, as there are several agents: %s",
	    buf_text(&names));
	buf_free(&names);
}

/* Retained; NULL: the refusal is in `r`. */
static const struct agent *agent_of(struct agents *agents, const struct wish *w, struct response *r)
{
	const struct agent *agent = w->agent ? agents_by_name(agents, w->agent) : agents_only(agents, w->from);

	if (!agent && w->agent)
		response_error_at(r, 422, "unknown_agent", "agent", "there is no agent of that name");
	else if (!agent)
		refuse_unnamed(agents, r);
	return agent;
}

/* The phone of somebody would ring for an apology. */
static bool has_model(const struct web_parts *parts, const struct agent *agent, struct response *r)
{
	char why[MODEL_FAILURE_SIZE], sentence[MODEL_FAILURE_SIZE + 100];

	if (!model_health_refuses(parts->health, agent, why))
		return true;
	snprintf(sentence, sizeof sentence, "the model of the agent %s cannot be had: %s", agent->name, why);
	response_error(r, 503, "model_unavailable", sentence);
	return false;
}

/* Defects of the request are told before ours: it would be wrong tomorrow,
 * too. The answer waits for Twilio's, some seconds at most, so that the
 * caller learns at once whether the phone will ring. */
void place_call(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct wish w;
	struct dialer_reply a;
	const struct agent *agent;
	char hash[2 * SHA256_BYTES + 1];
	const char *key;
	cJSON *order;

	(void)arg;
	if (!key_sound(q, &key, r) || !read_wish(q, &w, r) ||
	    !place_may_dial(parts->agents, w.to, "outbound", "to", r) || !able(parts, r))
		return;
	agent = agent_of(parts->agents, &w, r);
	order = agent && can_record(&w, agent, r) && has_model(parts, agent, r) ? complete(parts->agents, &w, agent, r)
										: NULL;
	agent_release(agent);
	if (!order)
		return;
	memset(&a, 0, sizeof a);
	if (hash_of(q->json, hash))
		dialer_place(parts->dialer, &(struct dialer_ask){ .request = order, .key = key, .hash = hash }, &a);
	else
		a.verdict = DIALER_NO_MEMORY;
	answer(&a, r);
	dialer_reply_free(&a);
	cJSON_Delete(order);
}
