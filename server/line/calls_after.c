#include "server/line/calls_after.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/fleet/fleet.h"
#include "server/line/call_context.h"
#include "server/line/calls_admit.h"
#include "server/line/calls_carry.h"
#include "server/line/calls_private.h"
#include "server/phone/channel.h"
#include "server/stats/stats.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
	KEPT_US = 120 * US_PER_S, /* age up to which an ending still explains a question */
	ASK_US = 5 * US_PER_S,    /* Twilio asks connect-action within this time, if at all */
	/* For a caller loop to leave a stream that is over, which it does at its next turn. */
	LEAVE_TRIES = 500,
	LEAVE_MS = 2
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
	struct fleet *fleet = calls->use.fleet;
	struct fleet_ending ending;
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	if (c && !goes_on_after(c, session))
		call_end_locked(c, why == END_STREAM_LOST && !c->bound ? END_NEVER_STREAMED : why);
	pthread_mutex_unlock(&calls->lock);
	/* What another process has ended, or left, is in the store. */
	if ((fleet->ops->ending_get(fleet, call_sid, true, &ending, clock_now_us()) &&
		fleet->ops->ending_ever(fleet, call_sid, &ending, clock_now_us(), clock_wall_ms())) ||
	    ending.age_us > KEPT_US) {
		*after = AFTER_APOLOGY;
		return CALL_NOT_ENDED;
	}
	*after = ending.after;
	return ending.end;
}

/* Under the table's lock, which is let go of meanwhile. As long as the caller loop is there, no other one can take its
 * place, and the token would be spent in vain. */
static struct call *wait_for_park(struct calls *calls, const char *call_sid)
{
	struct call *c = calls_find_sid(calls, call_sid);

	for (int tries = 0; c && c->state == LINE_LIVE && call_lost(c) && tries < LEAVE_TRIES; tries++) {
		pthread_mutex_unlock(&calls->lock);
		poll(NULL, 0, LEAVE_MS);
		pthread_mutex_lock(&calls->lock);
		c = calls_find_sid(calls, call_sid);
	}
	return c;
}

bool calls_go_on(
    struct calls *calls, const char *call_sid, const char *session, unsigned stream, char token[CALL_TOKEN_SIZE])
{
	struct call *c;
	bool goes_on;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	if (c && (!c->channel->parks || !c->bound || goes_on_after(c, session)))
		c = NULL;
	if (c && c->state == LINE_LIVE && stream == (unsigned)(c->streams - c->press.on))
		call_lose_locked(c, END_STREAM_LOST);
	c = c ? wait_for_park(calls, call_sid) : NULL;
	goes_on = c && stream < (unsigned)c->streams;
	if (goes_on)
		memcpy(token, c->token, CALL_TOKEN_SIZE);
	pthread_mutex_unlock(&calls->lock);
	return goes_on;
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

/* The call on its line, or what the fleet knows of its end, also from before a restart. */
const struct agent *calls_speaker(struct calls *calls, const struct call_facts *facts)
{
	const struct agent *p = NULL;
	struct fleet_ending ending;
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, facts->call_sid);
	if (c)
		p = agent_retain(c->agent);
	pthread_mutex_unlock(&calls->lock);
	if (!p && !calls->use.fleet->ops->ending_ever(
		      calls->use.fleet, facts->call_sid, &ending, clock_now_us(), clock_wall_ms()))
		p = agents_variant(calls->use.agents, ending.agent, ending.variant);
	return p ? p : agent_by_facts(calls, facts);
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

static pthread_mutex_t *back_lock(struct calls *calls, const char *call_sid)
{
	unsigned sum = 0;

	for (; *call_sid; call_sid++)
		sum = sum * 31 + (unsigned char)*call_sid;
	return &calls->back_locks[sum % BACK_LOCKS];
}

/* It has no caller yet; one by requests has one from its first answer on. */
static bool waits_for_caller(const struct call *c)
{
	return c->state == LINE_RESERVED || c->channel->requests;
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
	if (c && (*session ? !goes_on_after(c, session) : !waits_for_caller(c) || !c->context.said))
		c = NULL;
	if (c)
		memcpy(token, c->token, CALL_TOKEN_SIZE);
	pthread_mutex_unlock(&calls->lock);
	return c ? CALL_ADMITTED : CALL_NO_SID;
}

static const char *record_in_text(const char *record)
{
	return strcmp(record, "local") ? record : "off";
}

/* The facts are those of the first stream, with the conversation so far. Frees `t`. */
static enum admission bring_back(struct calls *calls, struct fleet_transfer *t, const char *why, const char *session,
    bool in_text, char token[CALL_TOKEN_SIZE])
{
	const struct agent *agent;
	enum admission admission;

	/* The agent as it was when the call left; another instance has only its name. */
	agent = t->held ? agent_retain(t->held) : agents_variant(calls->use.agents, t->agent, t->variant);
	admission = calls_reserve(calls,
	    &(struct call_facts){ .call_sid = t->call_sid,
		.from = t->from,
		.to = t->to,
		.direction = t->direction,
		.agent = agent && in_text ? agent->by_gather : agent,
		.contact_name = t->contact_name,
		.business_name = t->business_name,
		.metadata = t->metadata,
		.said = t->said,
		.turns = t->turns,
		.back_from = t->name,
		.back_why = why,
		.lost_session = session,
		.record = in_text ? record_in_text(t->record) : t->record },
	    token);
	agent_release(agent);
	fleet_transfer_free(t);
	return admission;
}

/* transfer_take hands out a transfer once, so of two questions at once only one opens a
 * line. */
enum admission calls_come_back(struct calls *calls, const char *call_sid, const char *why, char token[CALL_TOKEN_SIZE])
{
	pthread_mutex_t *lock = back_lock(calls, call_sid);
	enum admission admission;
	struct fleet_transfer t;

	pthread_mutex_lock(lock);
	if (calls->use.fleet->ops->transfer_take(calls->use.fleet, call_sid, &t, clock_now_us())) {
		admission = back_already(calls, call_sid, "", token);
	} else {
		stat_add(calls_transfers_back, 1);
		admission = bring_back(calls, &t, why, "", false, token);
	}
	pthread_mutex_unlock(lock);
	return admission;
}

/* Other luggage stays for calls_in_text. */
static bool take_session(struct fleet *fleet, const char *call_sid, struct fleet_transfer *t)
{
	if (fleet->ops->transfer_take(fleet, call_sid, t, clock_now_us()))
		return false;
	if (t->anew)
		return true;
	fleet->ops->transfer_put(fleet, t, clock_now_us());
	return false;
}

/* The store has no luggage to hand out: of a call whose process died two questions at once open one line,
 * since that has the call's name. */
static enum admission open_anew(
    struct calls *calls, const char *call_sid, const char *session, char token[CALL_TOKEN_SIZE])
{
	struct fleet *fleet = calls->use.fleet;
	struct fleet_transfer t;
	enum admission already;

	if (take_session(fleet, call_sid, &t)) {
		stat_add(relay_reconnected, 1);
		return bring_back(calls, &t, "reconnected", session, false, token);
	}
	already = back_already(calls, call_sid, session, token);
	if (already == CALL_ADMITTED || fleet->ops->interrupted(fleet, call_sid, &t, clock_now_us()))
		return already;
	log_info(call_sid, "it was another process's, which died: it goes on from the store; turns=%zu",
	    t.said ? t.said->count : 0);
	return bring_back(calls, &t, "reconnected", session, false, token);
}

enum admission calls_reconnect(
    struct calls *calls, const char *call_sid, const char *session, char token[CALL_TOKEN_SIZE])
{
	pthread_mutex_t *lock = back_lock(calls, call_sid);
	enum admission admission;

	pthread_mutex_lock(lock);
	admission = open_anew(calls, call_sid, session, token);
	pthread_mutex_unlock(lock);
	return admission;
}

static enum admission open_in_text(struct calls *calls, const struct call_facts *facts, const struct agent *agent,
    const char *session, char token[CALL_TOKEN_SIZE])
{
	struct fleet *fleet = calls->use.fleet;
	struct call_facts fresh = *facts;
	struct fleet_ending ending;
	struct fleet_transfer t;
	bool ended = !fleet->ops->ending_get(fleet, facts->call_sid, false, &ending, clock_now_us());
	enum admission admission = back_already(calls, facts->call_sid, session, token);

	if (admission == CALL_ADMITTED || (ended && !call_ending(ending.end)->fault))
		return admission;
	if (!fleet->ops->transfer_take(fleet, facts->call_sid, &t, clock_now_us()) ||
	    !fleet->ops->interrupted(fleet, facts->call_sid, &t, clock_now_us()))
		return bring_back(calls, &t, "in text", session, true, token);
	if (ended || !agent->by_gather)
		return CALL_NO_SID;
	fresh.agent = agent->by_gather;
	fresh.lost_session = session;
	return calls_reserve(calls, &fresh, token);
}

enum admission calls_in_text(struct calls *calls, const struct call_facts *facts, const struct agent *agent,
    const char *session, char token[CALL_TOKEN_SIZE])
{
	pthread_mutex_t *lock = back_lock(calls, facts->call_sid);
	enum admission admission;

	pthread_mutex_lock(lock);
	admission = open_in_text(calls, facts, agent, session, token);
	pthread_mutex_unlock(lock);
	return admission;
}
