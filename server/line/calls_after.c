#include "server/line/calls_after.h"

#include "common/clock.h"
#include "server/agents/agents.h"
#include "server/fleet/fleet.h"
#include "server/line/call_context.h"
#include "server/line/calls_admit.h"
#include "server/line/calls_private.h"
#include "server/stats/stats.h"

#include <stdio.h>
#include <string.h>

enum {
	KEPT_US = 120 * US_PER_S, /* age up to which an ending still explains a question */
	ASK_US = 5 * US_PER_S     /* Twilio asks connect-action within this time, if at all */
};

/* Twilio repeats a question whose answer it did not get; the line that the answer opened is not meant. */
static bool goes_on_after(const struct call *c, const char *session)
{
	return *session && !strcmp(c->context.lost_session, session);
}

/* The question often overtakes our own view: Twilio may ask while the caller loop still
 * believes in its socket. The call is ended first, so the answer is never "still up". */
enum call_end calls_after_stream(
    struct calls *calls, const char *call_sid, const char *session, enum call_end why, enum call_after *after)
{
	struct fleet_ending ending;
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	if (c && !goes_on_after(c, session))
		call_end_locked(c, why == END_STREAM_LOST && c->state != LINE_LIVE ? END_NEVER_STREAMED : why);
	pthread_mutex_unlock(&calls->lock);
	if (calls->use.fleet->ops->ending_get(calls->use.fleet, call_sid, true, &ending, clock_now_us()) ||
	    ending.age_us > KEPT_US) {
		*after = AFTER_APOLOGY;
		return CALL_NOT_ENDED;
	}
	*after = ending.after;
	return ending.end;
}

int calls_unasked(struct calls *calls)
{
	return calls->use.fleet->ops->endings_unasked(calls->use.fleet, ASK_US, clock_now_us());
}

/* Of a call that never had a line, or is long forgotten. The number of ours that it came
 * to, or was placed from, leads to an agent in any case. */
static const struct agent *agent_by_facts(struct calls *calls, const struct call_facts *facts)
{
	const struct agent *p = facts->agent_name ? agents_by_name(calls->use.agents, facts->agent_name) : NULL;
	const char *ours = call_facts_outbound(facts) ? facts->from : facts->to;

	return p ? p : call_context_agent(calls->use.agents, ours ? ours : "");
}

/* The call on its line, and its ending in the fleet, hold the number as it was during
 * the call, whatever has been reloaded since. */
const struct agent *calls_speaker(struct calls *calls, const struct call_facts *facts, char fallback[FOREIGN_ID_SIZE])
{
	const struct agent *p = NULL;
	const char *number = NULL;
	struct fleet_ending ending;
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, facts->call_sid);
	if (c)
		p = agent_retain(c->agent);
	pthread_mutex_unlock(&calls->lock);
	if (!p &&
	    !calls->use.fleet->ops->ending_get(calls->use.fleet, facts->call_sid, false, &ending, clock_now_us())) {
		p = agents_variant(calls->use.agents, ending.agent, ending.variant);
		number = ending.fallback;
	}
	if (!p)
		p = agent_by_facts(calls, facts);
	snprintf(fallback, FOREIGN_ID_SIZE, "%s", number ? number : p->fallback_number);
	return p;
}

/* ------------------------------------------------------------------------ transfers */

/* The agent loop leaves a transfer with the fleet and ends the call as TRANSFERRED. Then
 * come connect-action (calls_destination), Twilio's <Dial> of the person, and dial-done,
 * which leads to calls_stay_away or calls_come_back. Twilio may repeat any of them. */

bool calls_destination(struct calls *calls, const char *call_sid, char number[FOREIGN_ID_SIZE], int *ring_seconds)
{
	return !calls->use.fleet->ops->transfer_number(
	    calls->use.fleet, call_sid, number, ring_seconds, clock_now_us());
}

void calls_stay_away(struct calls *calls, const char *call_sid)
{
	struct fleet_transfer t;

	if (calls->use.fleet->ops->transfer_take(calls->use.fleet, call_sid, &t, clock_now_us()))
		return;
	stat_add(calls_transfers_answered, 1);
	fleet_transfer_free(&t);
}

/* The repetition of a question whose answer Twilio did not get: the transfer is used up
 * by then, and the returning call waits for its stream. The token is of use only until
 * that came. */
static enum admission back_already(
    struct calls *calls, const char *call_sid, const char *session, char token[CALL_TOKEN_SIZE])
{
	const struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	if (c && (*session ? !goes_on_after(c, session) : c->state != LINE_RESERVED || !c->context.said))
		c = NULL;
	if (c)
		memcpy(token, c->token, CALL_TOKEN_SIZE);
	pthread_mutex_unlock(&calls->lock);
	return c ? CALL_ADMITTED : CALL_NO_SID;
}

/* transfer_take hands out a transfer once, so of two questions at once only one opens a
 * line. The facts are those of the first stream, with the conversation so far. */
static enum admission bring_back(struct calls *calls, const char *call_sid, const char *why, const char *session,
    _Atomic uint64_t *counter, char token[CALL_TOKEN_SIZE])
{
	struct fleet_transfer t;
	const struct agent *agent;
	enum admission admission;

	if (calls->use.fleet->ops->transfer_take(calls->use.fleet, call_sid, &t, clock_now_us()))
		return back_already(calls, call_sid, session, token);
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
	/* The agent as it was when the call left; another instance has only its name. */
	agent = t.held ? agent_retain(t.held) : agents_variant(calls->use.agents, t.agent, t.variant);
	admission = calls_reserve(calls,
	    &(struct call_facts){ .call_sid = call_sid,
		.from = t.from,
		.to = t.to,
		.direction = t.direction,
		.agent = agent,
		.contact_name = t.contact_name,
		.business_name = t.business_name,
		.metadata = t.metadata,
		.said = t.said,
		.back_from = t.name,
		.back_why = why,
		.lost_session = session,
		.record = t.record },
	    token);
	agent_release(agent);
	fleet_transfer_free(&t);
	return admission;
}

enum admission calls_come_back(struct calls *calls, const char *call_sid, const char *why, char token[CALL_TOKEN_SIZE])
{
	return bring_back(calls, call_sid, why, "", &stats.calls_transfers_back, token);
}

enum admission calls_reconnect(
    struct calls *calls, const char *call_sid, const char *session, char token[CALL_TOKEN_SIZE])
{
	return bring_back(calls, call_sid, "reconnected", session, &stats.relay_reconnected, token);
}
