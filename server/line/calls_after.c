#include "server/line/calls_after.h"

#include "common/clock.h"
#include "server/agents/agents.h"
#include "server/fleet/fleet.h"
#include "server/line/calls_admit.h"
#include "server/line/calls_private.h"
#include "server/stats/stats.h"

#include <stdio.h>
#include <string.h>

enum {
	KEPT_US = 120 * US_PER_S, /* how long an ending is known */
	ASK_US = 5 * US_PER_S     /* within this Twilio asks connect-action, if at all */
};

enum call_end calls_after_stream(struct calls *calls, const char *call_sid)
{
	struct fleet_ending ending;
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	if (c)
		call_end_locked(c, c->state == LINE_LIVE ? END_STREAM_LOST : END_NEVER_STREAMED);
	pthread_mutex_unlock(&calls->lock);
	if (calls->fleet->ops->ending_get(calls->fleet, call_sid, true, &ending, clock_now_us()) ||
	    ending.age_us > KEPT_US)
		return CALL_NOT_ENDED;
	return ending.end;
}

int calls_unasked(struct calls *calls)
{
	return calls->fleet->ops->endings_unasked(calls->fleet, ASK_US, clock_now_us());
}

void calls_fallback(struct calls *calls, const char *call_sid, const char *to, char out[CALL_NUMBER_SIZE])
{
	const struct agent *p;
	struct call *c;
	struct fleet_ending ending;
	bool known;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	known = c != NULL;
	if (c)
		snprintf(out, CALL_NUMBER_SIZE, "%s", c->agent->fallback_number);
	pthread_mutex_unlock(&calls->lock);
	if (known)
		return;
	if (!calls->fleet->ops->ending_get(calls->fleet, call_sid, false, &ending, clock_now_us())) {
		snprintf(out, CALL_NUMBER_SIZE, "%s", ending.fallback);
		return;
	}
	p = agents_for_number(calls->agents, to);
	snprintf(out, CALL_NUMBER_SIZE, "%s", p->fallback_number);
	agent_release(p);
}

/* ------------------------------------------------------------------------ transfers */

bool calls_destination(struct calls *calls, const char *call_sid, char number[CALL_NUMBER_SIZE], int *ring_seconds)
{
	return !calls->fleet->ops->transfer_number(calls->fleet, call_sid, number, ring_seconds, clock_now_us());
}

void calls_stay_away(struct calls *calls, const char *call_sid)
{
	struct fleet_transfer t;

	if (calls->fleet->ops->transfer_take(calls->fleet, call_sid, &t, clock_now_us()))
		return;
	stat_add(calls_transfers_answered, 1);
	fleet_transfer_free(&t);
}

/* Twilio asks once more when it did not hear the answer. */
static enum admission back_already(struct calls *calls, const char *call_sid, char token[CALL_TOKEN_SIZE])
{
	const struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	if (c && (c->state != LINE_RESERVED || !c->context.said[0]))
		c = NULL;
	if (c)
		memcpy(token, c->token, CALL_TOKEN_SIZE);
	pthread_mutex_unlock(&calls->lock);
	return c ? CALL_ADMITTED : CALL_NO_SID;
}

enum admission calls_come_back(struct calls *calls, const char *call_sid, const char *why, char token[CALL_TOKEN_SIZE])
{
	struct fleet_transfer t;
	const struct agent *agent;
	enum admission admission;

	if (calls->fleet->ops->transfer_take(calls->fleet, call_sid, &t, clock_now_us()))
		return back_already(calls, call_sid, token);
	stat_add(calls_transfers_back, 1);
	/* As it was when the call left, whatever has been reloaded since. */
	agent = t.held ? agent_retain(t.held) : agents_variant(calls->agents, t.agent, t.variant);
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
		.record = t.record },
	    token);
	agent_release(agent);
	fleet_transfer_free(&t);
	return admission;
}
