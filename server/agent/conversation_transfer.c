/* Handing the caller over to a person, and having them back when nobody answers. */
#include "server/agent/conversation_private.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "server/stats/stats.h"
#include "server/work/tool_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RING_SECONDS = 25,
	RECALL_TURNS = 60,        /* of the conversation, the last … */
	RECALL_BYTES = 24 * 1024, /* … as far as they fit */
};

#define CONNECTING "Tell the caller in one short sentence that you are connecting them to %s now."

void conversation_hand_over_to(struct conversation *con, const char *name, const char *number, int ring_seconds)
{
	snprintf(con->hand_over.name, sizeof con->hand_over.name, "%s", name);
	snprintf(con->hand_over.number, sizeof con->hand_over.number, "%s", number);
	con->hand_over.ring_seconds = ring_seconds;
}

/* The operator says so: a destination of the agent's by its name, or a number. */
void conversation_told_to_transfer(struct conversation *con, const struct mail *mail, int64_t now_us)
{
	const struct agent_destination *d = tool_list_destination(con->call->agent, mail->name);
	char words[200];

	if (!farewell_begin(&con->farewell, END_TRANSFERRED, true, "", "", now_us)) {
		log_info(con->call->tag, "told to transfer a call that is ending: ignored");
		return;
	}
	if (d)
		conversation_hand_over_to(con, d->name, d->number, d->ring_seconds);
	else
		conversation_hand_over_to(con, "a colleague", mail->name, RING_SECONDS);
	snprintf(words, sizeof words, CONNECTING, con->hand_over.name);
	conversation_last_words(con, mail->text[0] ? mail->text : words, mail->exact, true, now_us);
}

/* ------------------------------------------------------------------------ handing over */

/* What was said, as a new session can be told it. */
static char *conversation(const struct timeline *t)
{
	struct buf out;

	buf_init(&out, 0);
	timeline_put_said(t, RECALL_TURNS, RECALL_BYTES, &out);
	if (buf_error(&out)) {
		buf_free(&out);
		return strdup("[]");
	}
	return out.data;
}

static void release_agent(const void *agent)
{
	agent_release(agent);
}

void conversation_hand_over(struct conversation *con, int64_t now_us)
{
	struct call *c = con->call;
	struct fleet *fleet = calls_fleet(c->calls);
	struct fleet_transfer t = { .ring_seconds = con->hand_over.ring_seconds,
		.held = agent_retain(c->agent),
		.release = release_agent,
		.contact_name = strdup(c->context.contact_name),
		.business_name = strdup(c->context.business_name),
		.metadata = strdup(c->context.metadata),
		.said = conversation(&con->timeline) };
	struct buf note;

	snprintf(t.call_sid, sizeof t.call_sid, "%s", c->call_sid);
	snprintf(t.name, sizeof t.name, "%s", con->hand_over.name);
	snprintf(t.number, sizeof t.number, "%s", con->hand_over.number);
	snprintf(t.from, sizeof t.from, "%s", c->from);
	snprintf(t.to, sizeof t.to, "%s", c->to);
	snprintf(t.direction, sizeof t.direction, "%s", c->direction);
	snprintf(t.record, sizeof t.record, "%s", recording_mode_name(c->record));
	stat_add(calls_transfers, 1);
	log_info(c->tag, "handing the caller over; to=%s", t.name);
	buf_init(&note, 0);
	buf_puts(&note, "{\"to\":");
	json_put_cstring(&note, t.name);
	buf_putc(&note, '}');
	if (!buf_error(&note))
		call_tell(c, JOURNAL_NOTE, "call.transferred", -1, buf_text(&note));
	buf_free(&note);
	snprintf(t.agent, sizeof t.agent, "%s", c->agent->name);
	snprintf(t.variant, sizeof t.variant, "%s", c->agent->variant);
	fleet->ops->transfer_put(fleet, &t, now_us);
}

/* ----------------------------------------------------------------------- and back again */

static void tell_past(struct conversation *con, enum model_role role, const char *text)
{
	con->link.protocol->item(&con->message, conversation_next_id(con, MODEL_REQUEST_PAST), role, text);
	conversation_send(con);
}

bool conversation_recall(struct conversation *con)
{
	const struct call_context *b = &con->call->context;
	cJSON *said;

	if (!b->said[0])
		return false;
	said = json_parse(b->said, strlen(b->said));
	for (const cJSON *turn = said ? said->child : NULL; turn; turn = turn->next) {
		const char *role = json_str(turn, "role"), *text = json_str(turn, "text");

		if (!role || !text)
			continue;
		tell_past(con, strcmp(role, "assistant") ? MODEL_ROLE_CALLER : MODEL_ROLE_AGENT, text);
	}
	cJSON_Delete(said);
	tell_past(con, MODEL_ROLE_NOTE, b->news);
	log_info(con->call->tag, "the caller is back from a transfer");
	return true;
}
