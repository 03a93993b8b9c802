#include "server/web/twilio/connect_action.h"

#include "common/log.h"
#include "server/agents/agents.h"
#include "server/line/calls.h"
#include "server/line/calls_after.h"
#include "server/phone/twiml.h"
#include "server/stats/stats.h"
#include "server/web/twilio/gather.h"
#include "server/web/twilio/ladder.h"
#include "server/web/twilio/relay_end.h"
#include "server/web/twilio/webhook.h"

/* The agent has handed the caller over: Twilio dials the person, and asks
 * dial-done when that is over. Without a destination
 * on record the caller hears an apology. A number that may not be dialled any
 * more (the agents were read anew) is one where nobody answers. */
static void put_dial(
    const struct web_parts *parts, const struct request *q, const struct call_facts *facts, struct response *r)
{
	char number[FOREIGN_ID_SIZE];
	const struct agent *agent = calls_speaker(parts->calls, facts);
	struct buf action;
	int ring_seconds;

	buf_init(&action, 0);
	if (!calls_destination(parts->calls, facts->call_sid, number, &ring_seconds)) {
		webhook_say(parts, facts, PHRASE_APOLOGY, r);
	} else if (!agents_may_dial(parts->agents, number, facts->call_sid, "transfer")) {
		ladder_begin(parts, q, facts, LADDER_UNANSWERED, "", r);
	} else {
		webhook_put_url(&action, q, "/twilio/dial-done" WEBHOOK_RETRY);
		webhook_dial(
		    agent, facts, &(struct twiml_dial){ number, ring_seconds, buf_text(&action), "" }, false, r);
	}
	buf_free(&action);
	agent_release(agent);
}

/* Of the stream or session that is over. `at`: its rung, where it was one. */
struct over {
	struct ladder_at at;
	const char *session; /* "": it has no name, and nothing can follow it as the same conversation */
	enum call_end end;
	enum call_after after;
};

static void go_down(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const struct over *o, enum ladder_why why, struct response *r)
{
	struct ladder_at at = o->at;

	at.session = o->session;
	at.said |= o->after == AFTER_SORRY;
	if (at.rung == RUNG_NONE || why == LADDER_MODERATED)
		at.why = why;
	ladder_next(parts, q, facts, &at, r);
}

/* A call we do not know was another process's, and ended with it. */
static enum ladder_why why_of(enum call_end end)
{
	if (end == END_MODEL_MODERATED)
		return LADDER_MODERATED;
	return end == CALL_NOT_ENDED || call_end_broke_off(end) ? LADDER_STREAM : LADDER_MODEL;
}

static void put_after(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const struct over *o, struct response *r)
{
	static const enum phrase phrases[] = {
		[AFTER_TIME_LIMIT] = PHRASE_TIME_LIMIT,
		[AFTER_COST_LIMIT] = PHRASE_COST_LIMIT,
		[AFTER_IDLE] = PHRASE_IDLE,
		[AFTER_GOODBYE] = PHRASE_COST_LIMIT,
	};

	switch (o->after) {
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
		webhook_say(parts, facts, phrases[o->after], r);
		break;
	case AFTER_DRAINING:
		go_down(parts, q, facts, o, LADDER_DRAINING, r);
		break;
	case AFTER_APOLOGY:
	case AFTER_SORRY:
		go_down(parts, q, facts, o, why_of(o->end), r);
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

static void after_session(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    struct over *o, struct response *r)
{
	enum relay_fate fate = relay_fate_of(webhook_field(q, "SessionStatus"), webhook_field(q, "ErrorCode"));
	const char *session = webhook_field(q, "SessionId");

	o->session = webhook_is_sid(session) ? session : "";
	note_session(q, facts->call_sid, fate);
	o->end = calls_after_stream(parts->calls, facts->call_sid, o->session, relay_end_of(fate), &o->after);
	switch (relay_next_of(fate, o->end)) {
	case RELAY_THEN_AFTER:
		put_after(parts, q, facts, o, r);
		break;
	case RELAY_THEN_HANGUP:
		twiml_hangup(&r->body);
		break;
	case RELAY_THEN_RECONNECT:
		go_down(parts, q, facts, o, LADDER_STREAM, r);
		break;
	case RELAY_THEN_TIME_LIMIT:
		webhook_say(parts, facts, PHRASE_TIME_LIMIT, r);
		break;
	case RELAY_THEN_APOLOGY:
		go_down(parts, q, facts, o, o->end == END_MODEL_MODERATED ? LADDER_MODERATED : LADDER_MODEL, r);
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
	struct over o;

	(void)arg;
	if (!webhook_answerable(q, r))
		return;
	o.session = ladder_take(q, &o.at) ? LADDER_NEXT_STREAM : LADDER_FIRST_STREAM;
	if (*webhook_field(q, "SessionStatus")) {
		after_session(parts, q, &facts, &o, r);
		return;
	}
	if (ladder_go_on(parts, q, &facts, &o.at, o.session, r))
		return;
	o.end = calls_after_stream(parts->calls, facts.call_sid, o.session,
	    webhook_is_final(webhook_field(q, "CallStatus")) ? END_CALLER_HUNG_UP : END_STREAM_LOST, &o.after);
	put_after(parts, q, &facts, &o, r);
}

/* Of a call that is over by this turn, or was before, it is the same question. */
void webhook_gather(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct call_facts facts = webhook_facts(q);
	struct ladder_at at;

	if (!webhook_answerable(q, r) || gather_turn(parts, q, r))
		return;
	if (!ladder_take(q, &at) || !ladder_text_again(parts, q, &facts, &at, r))
		webhook_connect_action(parts, q, arg, r);
}
