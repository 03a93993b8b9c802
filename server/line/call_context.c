#include "server/line/call_context.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "server/agents/reader.h"
#include "server/agents/template.h"
#include "server/fleet/fleet.h"
#include "server/line/model_writer.h"
#include "server/phone/party.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Callers say "tomorrow at nine", and a model knows neither the day nor the time. */
void call_context_time(int64_t wall_ms, char *out, size_t size)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm t;
	size_t n;

	localtime_r(&seconds, &t);
	n = strftime(out, size, "%A, %-d %B %Y, %H:%M (%Z, UTC%z)", &t);
	/* strftime writes "+0100"; people read "+01:00". */
	if (n >= 3 && n + 2 <= size) {
		memmove(out + n - 2, out + n - 3, 4);
		out[n - 3] = ':';
	}
}

/* A request for an answer repeats the instructions before what is to be said. Escaped in JSON a byte
 * may become six. */
_Static_assert(6 * 2 * CALL_TEXT_MAX + 16 * 1024 <= MODEL_MESSAGE_MAX, "a greeting would not fit");
_Static_assert(CALL_TEXT_MAX >= READER_TEXT_MAX + 8 * 1024, "a text of an agent's file would not fit");

/* The text with the values in place, owned by the caller; NULL: no memory. Values are repeated as
 * often as the text has their names: what is too long with them is still an agent without them. */
static char *expanded(struct call_context *b, const char *name, const char *text, const struct template_values *values)
{
	struct buf out;

	buf_init(&out, CALL_TEXT_MAX);
	template_expand(text, values, &out);
	if (buf_error(&out) == -E2BIG) {
		b->cut = name;
		buf_reset(&out);
		template_expand(text, &(struct template_values){ 0 }, &out);
	}
	if (buf_error(&out)) {
		buf_free(&out);
		return NULL;
	}
	return out.data ? out.data : strdup("");
}

static char *copy(const char *text)
{
	return strdup(text ? text : "");
}

/* A failed copy is noticed at the end, once for all. */
static int fill(struct call_context *b, const struct call_facts *facts, const cJSON *metadata)
{
	char now[96], caller[PARTY_SPOKEN_SIZE], called[PARTY_SPOKEN_SIZE];
	struct party from = party_from(facts->from), to = party_to(facts->to);
	struct template_values values = {
		.caller = party_spoken(&from, caller),
		.called = party_spoken(&to, called),
		.now = now,
		.contact_name = facts->contact_name,
		.business_name = facts->business_name,
		.metadata = metadata,
	};

	call_context_time(clock_wall_ms(), now, sizeof now);
	b->instructions = expanded(b, "instructions", b->agent->instructions, &values);
	b->greeting = expanded(b, "greeting", facts->greeting ? facts->greeting : b->agent->greeting, &values);
	b->machine_message = expanded(b, "machine message", b->agent->machine_message, &values);
	if (b->cut && facts->call_sid)
		log_warn(facts->call_sid,
		    "the %s with this call's values would be longer than %d bytes: it goes without them", b->cut,
		    CALL_TEXT_MAX);
	b->contact_name = copy(facts->contact_name);
	b->business_name = copy(facts->business_name);
	b->metadata = copy(facts->metadata);
	b->said = facts->said ? fleet_said_copy(facts->said) : NULL;
	b->back_from = copy(facts->back_from);
	b->back_why = copy(facts->back_why);
	b->lost_session = copy(facts->lost_session);
	return b->instructions && b->greeting && b->machine_message && b->contact_name && b->business_name &&
		       b->metadata && (b->said || !facts->said) && b->back_from && b->back_why && b->lost_session
		   ? 0
		   : -ENOMEM;
}

const struct agent *call_context_agent(struct agents *agents, const char *to)
{
	struct party called = party_to(to);
	char number[FOREIGN_ID_SIZE];

	return agents_for_number(agents, party_number(&called, number));
}

/* Chooses the agent: the very one that a returning call had, even if its file has
 * changed since; else the one named by an order of POST /calls; else the one that
 * answers the dialled number. agents_for_number always finds one, so -ENOENT is about
 * names only. The agent is retained: a reload replaces it for later calls and frees the
 * old one when its last call is over. */
int call_context_make(struct call_context *b, struct agents *agents, const struct call_facts *facts)
{
	cJSON *metadata = NULL;
	int err = 0;

	memset(b, 0, sizeof *b);
	b->agent = facts->agent        ? agent_retain(facts->agent)
		   : facts->agent_name ? agents_by_name(agents, facts->agent_name)
				       : call_context_agent(agents, facts->to);
	if (!b->agent)
		return -ENOENT;
	if (facts->metadata && facts->metadata[0]) {
		metadata = json_parse(facts->metadata, strlen(facts->metadata));
		if (!cJSON_IsObject(metadata))
			err = -EINVAL;
	}
	if (!err)
		err = fill(b, facts, metadata);
	cJSON_Delete(metadata);
	if (err)
		call_context_free(b);
	return err;
}

void call_context_free(struct call_context *b)
{
	agent_release(b->agent);
	free(b->instructions);
	free(b->greeting);
	free(b->machine_message);
	free(b->contact_name);
	free(b->business_name);
	free(b->metadata);
	fleet_said_free(b->said);
	free(b->back_from);
	free(b->back_why);
	free(b->lost_session);
	memset(b, 0, sizeof *b);
}
