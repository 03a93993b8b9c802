/* DialCallStatus is the fate of the person's leg, CallStatus that of the
 * caller's.
 */
#include "server/web/twilio/dial_done.h"

#include "common/log.h"
#include "server/line/calls.h"
#include "server/line/calls_after.h"
#include "server/phone/twiml.h"
#include "server/web/twilio/ladder.h"
#include "server/web/twilio/connect.h"
#include "server/web/twilio/webhook.h"

#include <string.h>

/* The call gets a line of the same CallSid and a new stream; the agent is
 * told why. If no line is free, the call goes down the ladder. */
static void bring_back(const struct web_parts *parts, const struct request *q, const char *why, struct response *r)
{
	struct call_facts facts = webhook_facts(q);
	char token[CALL_TOKEN_SIZE];

	if (calls_come_back(parts->calls, facts.call_sid, why, token) == CALL_ADMITTED) {
		connect_call(parts, q, token, NULL, r);
		return;
	}
	log_warn(facts.call_sid, "transfer: the caller cannot come back to the agent");
	ladder_begin(parts, q, &facts, LADDER_UNANSWERED, LADDER_FIRST_STREAM, r);
}

/* After "completed" the caller does not come back: calls_stay_away forgets
 * the way back. */
void webhook_dial_done(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	const char *sid = webhook_field(q, "CallSid"), *status = webhook_field(q, "DialCallStatus");
	const char *call = webhook_field(q, "CallStatus");

	(void)arg;
	if (!webhook_answerable(q, r))
		return;
	log_info(sid, "transfer: %.40s", status[0] ? status : "no DialCallStatus");
	if (webhook_dial_taken(status)) {
		calls_stay_away(parts->calls, sid);
		twiml_hangup(&r->body);
	} else if (call[0] && strcmp(call, "in-progress")) {
		/* Nobody answered, and the caller did not wait for it. */
		twiml_hangup(&r->body);
	} else {
		bring_back(parts, q, status[0] ? status : "failed", r);
	}
}
