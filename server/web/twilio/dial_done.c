/* DialCallStatus is the fate of the person's leg, CallStatus that of the
 * caller's.
 */
#include "server/web/twilio/dial_done.h"

#include "common/log.h"
#include "server/line/calls.h"
#include "server/line/calls_after.h"
#include "server/phone/twiml.h"
#include "server/stats/stats.h"
#include "server/web/twilio/webhook.h"

#include <string.h>

/* The call gets a line of the same CallSid and a new stream; the agent is
 * told why. If no line is free, the agent's fallback number is dialled, or
 * an apology is spoken. */
static void bring_back(const struct web_parts *parts, const struct request *q, const char *why, struct response *r)
{
	struct call_facts facts = webhook_facts(q);
	char token[CALL_TOKEN_SIZE];

	if (calls_come_back(parts->calls, facts.call_sid, why, token) == CALL_ADMITTED) {
		webhook_connect(parts, q, token, r);
		return;
	}
	log_warn(facts.call_sid, "transfer: the caller cannot come back to the agent");
	webhook_turn_away(parts, q, &facts, PHRASE_UNANSWERED, r);
}

static bool taken(const char *dial_status)
{
	return !strcmp(dial_status, "completed") || !strcmp(dial_status, "answered");
}

/* The fallback number was dialled for a caller without a line. Nobody is left to try,
 * so the caller hears that. CallStatus says nothing here: a call that no stream has
 * answered rings until the person takes it. */
static void fallback_done(const struct web_parts *parts, const struct request *q, const char *agent, struct response *r)
{
	const char *status = webhook_field(q, "DialCallStatus");
	struct call_facts facts = webhook_facts(q);

	log_info(facts.call_sid, "fallback number: %.40s", status[0] ? status : "no DialCallStatus");
	if (taken(status)) {
		twiml_hangup(&r->body);
		return;
	}
	stat_add(calls_fallbacks_unanswered, 1);
	facts.agent_name = agent;
	webhook_say(parts, &facts, PHRASE_UNANSWERED, r);
}

/* After "completed" the caller does not come back: calls_stay_away forgets
 * the way back. */
void webhook_dial_done(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	const char *sid = webhook_field(q, "CallSid"), *status = webhook_field(q, "DialCallStatus");
	const char *call = webhook_field(q, "CallStatus"), *fallback_of = request_param(q, "fallback");

	(void)arg;
	if (!webhook_answerable(q, r))
		return;
	if (fallback_of) {
		fallback_done(parts, q, fallback_of, r);
		return;
	}
	log_info(sid, "transfer: %.40s", status[0] ? status : "no DialCallStatus");
	if (taken(status)) {
		calls_stay_away(parts->calls, sid);
		twiml_hangup(&r->body);
	} else if (call[0] && strcmp(call, "in-progress")) {
		/* Nobody answered, and the caller did not wait for it. */
		twiml_hangup(&r->body);
	} else {
		bring_back(parts, q, status[0] ? status : "failed", r);
	}
}
