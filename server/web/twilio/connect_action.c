#include "server/web/twilio/connect_action.h"

#include "server/agents/agents.h"
#include "server/line/calls.h"
#include "server/line/calls_after.h"
#include "server/phone/twiml.h"
#include "server/web/twilio/webhook.h"

/* The agent has handed the caller over: Twilio dials the person, and asks
 * dial-done when that is over. Without an address of ours or a destination
 * on record the caller hears an apology. A number that may not be dialled any
 * more (the agents were read anew) is one where nobody answers. */
static void put_dial(
    const struct web_parts *parts, const struct request *q, const struct call_facts *facts, struct response *r)
{
	char number[FOREIGN_ID_SIZE], fallback[FOREIGN_ID_SIZE];
	const struct agent *agent = calls_speaker(parts->calls, facts, fallback);
	struct buf action;
	int ring_seconds;

	buf_init(&action, 0);
	if (!*q->public_url || !calls_destination(parts->calls, facts->call_sid, number, &ring_seconds)) {
		webhook_say(parts, facts, PHRASE_APOLOGY, r);
	} else if (!agents_may_dial(parts->agents, number, facts->call_sid, "transfer")) {
		webhook_turn_away(parts, q, facts, PHRASE_UNANSWERED, r);
	} else {
		buf_printf(&action, "%s/twilio/dial-done", q->public_url);
		webhook_dial(agent, facts, number, ring_seconds, buf_text(&action), r);
	}
	buf_free(&action);
	agent_release(agent);
}

/* The one place that knows why the socket closed. The form need not tell
 * anything about the stream: CallSid is enough. The look-up also ends a call
 * that is still up here: Twilio says that its stream is over. */
void webhook_connect_action(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct call_facts facts = webhook_facts(q);
	enum call_end end = calls_after_stream(parts->calls, facts.call_sid);

	(void)arg;
	/* A call we do not know was another process's, and ended with it. */
	switch (end == CALL_NOT_ENDED ? AFTER_APOLOGY : call_ending(end)->after) {
	case AFTER_HANGUP:
		twiml_hangup(&r->body);
		break;
	case AFTER_TIME_LIMIT:
		webhook_say(parts, &facts, PHRASE_TIME_LIMIT, r);
		break;
	case AFTER_COST_LIMIT:
		webhook_say(parts, &facts, PHRASE_COST_LIMIT, r);
		break;
	case AFTER_IDLE:
		webhook_say(parts, &facts, PHRASE_IDLE, r);
		break;
	case AFTER_TRANSFER:
		put_dial(parts, q, &facts, r);
		break;
	case AFTER_DRAINING:
		webhook_turn_away(parts, q, &facts, PHRASE_DRAINING, r);
		break;
	case AFTER_APOLOGY:
		webhook_turn_away(parts, q, &facts, PHRASE_APOLOGY, r);
		break;
	}
}
