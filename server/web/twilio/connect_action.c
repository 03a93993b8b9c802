#include "server/web/twilio/connect_action.h"

#include "common/log.h"
#include "server/agents/agents.h"
#include "server/line/calls.h"
#include "server/line/calls_after.h"
#include "server/phone/twiml.h"
#include "server/stats/stats.h"
#include "server/web/twilio/relay_end.h"
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

static void put_after(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    enum call_after after, struct response *r)
{
	static const enum phrase phrases[] = {
		[AFTER_TIME_LIMIT] = PHRASE_TIME_LIMIT,
		[AFTER_COST_LIMIT] = PHRASE_COST_LIMIT,
		[AFTER_IDLE] = PHRASE_IDLE,
		[AFTER_DRAINING] = PHRASE_DRAINING,
		[AFTER_APOLOGY] = PHRASE_APOLOGY,
		[AFTER_GOODBYE] = PHRASE_COST_LIMIT,
	};

	switch (after) {
	case AFTER_HANGUP:
		twiml_hangup(&r->body);
		break;
	case AFTER_TRANSFER:
		put_dial(parts, q, facts, r);
		break;
	case AFTER_TIME_LIMIT:
	case AFTER_COST_LIMIT:
	case AFTER_IDLE:
	case AFTER_GOODBYE:
		webhook_say(parts, facts, phrases[after], r);
		break;
	case AFTER_DRAINING:
	case AFTER_APOLOGY:
		webhook_turn_away(parts, q, facts, phrases[after], r);
		break;
	}
}

/* HandoffData has been in foreign hands: it is shown, and nothing follows from it. */
static void note_session(const struct request *q, const char *call_sid, enum relay_fate fate)
{
	bool well = fate == RELAY_ENDED || fate == RELAY_COMPLETED;

	log_write(well ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, call_sid,
	    "the session is over; session=%.40s status=%.20s code=%.10s message=%.100s seconds=%.10s handoff=%.200s",
	    webhook_field(q, "SessionId"), webhook_field(q, "SessionStatus"), webhook_field(q, "ErrorCode"),
	    webhook_field(q, "ErrorMessage"), webhook_field(q, "SessionDuration"), webhook_field(q, "HandoffData"));
	stat_add(relay_lost, fate == RELAY_LOST);
	stat_add(relay_refused, fate == RELAY_REFUSED);
	stat_add(relay_time_over, fate == RELAY_TIME_OVER);
	stat_add(relay_failed, fate == RELAY_FAILED);
}

/* The next session of the call goes on with the conversation, once: if that one breaks off as well,
 * or no line is free, it is over. */
static void reconnect(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const char *session, struct response *r)
{
	char token[CALL_TOKEN_SIZE];

	if (*session && *q->public_url &&
	    calls_reconnect(parts->calls, facts->call_sid, session, token) == CALL_ADMITTED)
		webhook_connect(parts, q, token, r);
	else
		webhook_turn_away(parts, q, facts, PHRASE_APOLOGY, r);
}

static void after_session(
    const struct web_parts *parts, const struct request *q, const struct call_facts *facts, struct response *r)
{
	enum relay_fate fate = relay_fate_of(webhook_field(q, "SessionStatus"), webhook_field(q, "ErrorCode"));
	const char *named = webhook_field(q, "SessionId"), *session = webhook_is_sid(named) ? named : "";
	enum call_after after;
	enum call_end end;

	note_session(q, facts->call_sid, fate);
	end = calls_after_stream(parts->calls, facts->call_sid, session, relay_end_of(fate), &after);
	switch (relay_next_of(fate, end)) {
	case RELAY_THEN_AFTER:
		put_after(parts, q, facts, after, r);
		break;
	case RELAY_THEN_HANGUP:
		twiml_hangup(&r->body);
		break;
	case RELAY_THEN_RECONNECT:
		reconnect(parts, q, facts, session, r);
		break;
	case RELAY_THEN_TIME_LIMIT:
		webhook_say(parts, facts, PHRASE_TIME_LIMIT, r);
		break;
	case RELAY_THEN_APOLOGY:
		webhook_turn_away(parts, q, facts, PHRASE_APOLOGY, r);
		break;
	}
}

/* The one place that knows why the socket closed. The form need not tell
 * anything about a stream: CallSid is enough. Of a session it says how that ended.
 * The look-up also ends a call
 * that is still up here: Twilio says that its stream is over. */
void webhook_connect_action(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct call_facts facts = webhook_facts(q);
	enum call_after after;

	(void)arg;
	if (*webhook_field(q, "SessionStatus")) {
		after_session(parts, q, &facts, r);
		return;
	}
	/* A call we do not know was another process's, and ended with it: for that there is an apology. */
	calls_after_stream(parts->calls, facts.call_sid, "", END_STREAM_LOST, &after);
	put_after(parts, q, &facts, after, r);
}
