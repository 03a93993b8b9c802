#include "server/line/calls_admit.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/fleet/fleet.h"
#include "server/line/calls_private.h"
#include "server/line/calls_shown.h"
#include "server/model/health.h"
#include "server/money/spending.h"
#include "server/news/journal.h"
#include "server/phone/channels.h"
#include "server/phone/party.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

static void copy_parties(struct call *c, const struct call_facts *facts)
{
	call_copy_party(c->call_sid, c->from, party_from, facts->from);
	call_copy_party(c->call_sid, c->to, party_to, facts->to);
}

/* The number of this stream's first turn. The turns of a returning call are rows of the
 * same CallSid in the store, so each stream numbers from a multiple of CALL_TURNS_MAX
 * and none writes over an earlier one. Not under the lock: the fleet may wait. */
static int64_t first_turn(struct calls *calls, const char *call_sid, int64_t turns)
{
	struct fleet_ending ending;

	if (turns)
		return (turns + CALL_TURNS_MAX - 1) / CALL_TURNS_MAX * CALL_TURNS_MAX;
	if (calls->use.fleet->ops->ending_get(calls->use.fleet, call_sid, false, &ending, clock_now_us()))
		return 0;
	return ending.times * (int64_t)CALL_TURNS_MAX;
}

/* Under the lock. A free line, made ready for the next call; NULL: MAX_CALLS are taken,
 * or too many lines are still ENDING. */
static struct call *take_line(struct calls *calls)
{
	struct call *c = NULL;

	if (calls->taken >= calls->use.cfg->max_calls)
		return NULL;
	for (uint32_t i = 0; i < calls->line_count && !c; i++)
		if (calls->lines[i].state == LINE_FREE)
			c = &calls->lines[i];
	if (!c)
		return NULL;
	calls->taken++;
	call_renew(c);
	stat_add(calls_total, 1);
	return c;
}

/* Under the lock. Completes the facts, makes the token known to the fleet, and wakes the
 * agent loop last. That dials the model while Twilio is still setting up the stream. */
static void name_line(struct call *c, const struct call_facts *facts, struct call_context *context, int64_t first)
{
	struct fleet *fleet = c->calls->use.fleet;

	copy_text(c->call_sid, sizeof c->call_sid, facts->call_sid);
	copy_parties(c, facts);
	copy_text(c->direction, sizeof c->direction, facts->direction);
	call_take_context(c, context);
	if (facts->record && *facts->record)
		c->record = recording_mode_of(facts->record);
	c->detected = facts->detected;
	c->announced = true;
	call_set_tag(c);
	c->first_turn = first;
	fleet->ops->announce(fleet, c->token, c->call_sid, c->reserved_us);
	call_wake(c);
}

/* Frees the summary. All values are copies: the lock is given up by now, and the line
 * may even serve another call. */
static void tell_reserved(const char *call_sid, const struct agent *agent, struct call_summary *call)
{
	if (call->state)
		journal_tell_call(JOURNAL_RESERVED, "call.reserved", call_sid, agent, call);
	call_summary_free(call);
}

/* Under the lock, so that calls that come at once are counted one after another. A
 * returning caller was let in before, and a call that we place has been picked up: the
 * dialer has reserved for it (dialer_ask.c), and lets go of that a moment later. */
static bool afford(struct calls *calls, const struct call_facts *facts, const struct agent *agent,
    struct spending_hold *hold, struct spending_day *day)
{
	return spending_reserve(calls->use.spending, agent->name, facts->said || call_facts_outbound(facts), hold, day);
}

static void tell_dear(const char *call_sid, const struct agent *agent, const struct spending_day *day)
{
	log_warn(call_sid, "call refused: MAX_DAY_COST; spent=%.4f reserved=%.4f limit=%.4f agent=%s", day->spent_usd,
	    day->reserved_usd, day->limit_usd, agent->name);
}

/* What is counted of a refusal. One of a caller among others is an ending, too. */
static const struct refusal {
	enum admission answer;
	_Atomic uint64_t *count;
	enum call_end end;
} refusals[] = {
	{ CALL_FULL, &stats.calls_refused_full, CALL_NOT_ENDED },
	{ CALL_DRAINING, &stats.calls_refused_draining, CALL_NOT_ENDED },
	{ CALL_COST, &stats.calls_refused_cost, CALL_NOT_ENDED },
	{ CALL_MODEL, &stats.calls_refused_model, CALL_NOT_ENDED },
	{ CALL_CALLER_BUSY, &stats.calls_refused_caller_busy, END_CALLER_BUSY },
	{ CALL_CALLER_OFTEN, &stats.calls_refused_caller_often, END_CALLER_OFTEN },
	{ CALL_BLOCKED, &stats.calls_refused_blocked, END_BLOCKED },
	{ CALL_NOT_ALLOWED, &stats.calls_refused_not_allowed, END_NOT_ALLOWED },
};

static void count_refused(enum admission answer)
{
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].answer == answer)
			atomic_fetch_add_explicit(refusals[i].count, 1, memory_order_relaxed);
}

/* -------------------------------------------------------------- one caller among others */

enum {
	KNOWN_US = 120 * US_PER_S, /* so long after a refusal or a fault Twilio may ask again */
	FAULTS_MAX = 2,            /* and so often after faults */
	LET_IN_MAX = 8             /* while other calls end */
};

#define ANY_ENDS UINT64_MAX

static bool has_line(struct calls *calls, const char *call_sid)
{
	bool has;

	pthread_mutex_lock(&calls->lock);
	has = calls_find_sid(calls, call_sid) != NULL;
	pthread_mutex_unlock(&calls->lock);
	return has;
}

/* Of a call without a line. CALL_ADMITTED: nothing speaks against it. If the fleet cannot be asked,
 * it is taken for a new one. */
static enum admission answer_before(struct calls *calls, const char *call_sid)
{
	struct fleet_ending ending;

	if (calls->use.fleet->ops->ending_ever(calls->use.fleet, call_sid, &ending, clock_now_us(), clock_wall_ms()))
		return CALL_ADMITTED;
	if (ending.age_us > KNOWN_US)
		return CALL_OVER;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].end && refusals[i].end == ending.end)
			return refusals[i].answer;
	return call_ending(ending.end)->fault && ending.times <= FAULTS_MAX ? CALL_ADMITTED : CALL_OVER;
}

bool calls_over(struct calls *calls, const char *call_sid)
{
	return !has_line(calls, call_sid) && answer_before(calls, call_sid) == CALL_OVER;
}

/* By the lists, then by the counts of the fleet. If that cannot be asked, it counts nobody. */
static enum admission judge(struct calls *calls, const struct call_facts *facts)
{
	const struct config *cfg = calls->use.cfg;
	struct party from = party_from(facts->from);
	char name[FOREIGN_ID_SIZE];
	struct fleet_arrival call = { .caller = party_caller(&from, name),
		.call_sid = facts->call_sid,
		.at_once = cfg->max_calls_per_caller,
		.an_hour = cfg->max_calls_per_caller_hour,
		.back = facts->back_why != NULL };

	if (!call.back && party_listed(&from, cfg->block_callers, cfg->block_caller_count))
		return CALL_BLOCKED;
	if (!call.back && cfg->allow_caller_count && !party_listed(&from, cfg->allow_callers, cfg->allow_caller_count))
		return CALL_NOT_ALLOWED;
	if (!call.at_once && !call.an_hour)
		return CALL_ADMITTED;
	switch (calls->use.fleet->ops->caller_enter(calls->use.fleet, &call, clock_now_us())) {
	case -EBUSY:
		return CALL_CALLER_BUSY;
	case -EDQUOT:
		return CALL_CALLER_OFTEN;
	default:
		return CALL_ADMITTED;
	}
}

/* Calls that we place were ordered by the operator, so their people are not asked who they are. A
 * call with a line was let in before. */
static enum admission let_in(struct calls *calls, const struct call_facts *facts)
{
	enum admission answer = CALL_ADMITTED;

	if (has_line(calls, facts->call_sid))
		return CALL_ADMITTED;
	if (!facts->back_why)
		answer = answer_before(calls, facts->call_sid);
	if (answer != CALL_ADMITTED || call_facts_outbound(facts))
		return answer;
	answer = judge(calls, facts);
	count_refused(answer);
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].answer == answer && refusals[i].end)
			calls_remember_refused(calls, facts, refusals[i].end);
	return answer;
}

/* ------------------------------------------------------------------------- reservation */

/* For the voice webhook, and again for a call that comes back (calls_after.c). Twilio
 * repeats a webhook whose answer it did not get; the second request finds the line by
 * its CallSid and gets the same token, so both TwiML answers lead to one stream.
 *
 * An admission leaves a RESERVED line that expires after CLAIM_US. A refusal leaves
 * nothing; the caller then gets the fallback number or an apology (web/twilio/voice.c). */
static enum admission reserve_line(
    struct calls *calls, const struct call_facts *facts, uint64_t ends, bool *anew, char token[CALL_TOKEN_SIZE])
{
	enum admission answer = CALL_ADMITTED;
	struct call_context context;
	char from[PARTY_LOG_SIZE];
	uint32_t line = 0;
	const struct agent *agent = NULL;
	struct call_summary told = { 0 };
	struct spending_hold hold = { 0 };
	struct spending_day day;
	struct call *c;
	int64_t first = first_turn(calls, facts->call_sid, facts->turns);
	bool fresh = false, shut;
	int err;

	*anew = false;
	/* Before the lock, since it allocates; in vain for a repeated request. */
	err = call_context_make(&context, calls->use.agents, facts);
	if (err) {
		log_warn(facts->call_sid, "call refused: no agent for it: %s", strerror(-err));
		return err == -ENOMEM ? CALL_NO_MEMORY : CALL_NO_AGENT;
	}
	shut = model_health_shut(calls->use.health, context.agent);
	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, facts->call_sid);
	if (!c && ends != ANY_ENDS && calls->ends != ends) {
		*anew = true;
		answer = CALL_OVER;
	} else if (!c && shut) {
		answer = CALL_MODEL;
	} else if (!c && !afford(calls, facts, context.agent, &hold, &day)) {
		answer = CALL_COST;
	} else if (!c && calls->draining) {
		answer = CALL_DRAINING;
	} else if (!c && !(c = take_line(calls))) {
		answer = CALL_FULL;
	} else if (!c->call_sid[0]) {
		fresh = true;
		c->hold = hold;
		name_line(c, facts, &context, first);
		line = c->index;
		if (journal_wanted())
			call_summarize(c, &told);
		agent = agent_retain(c->agent);
	}
	if (!fresh)
		spending_settle(calls->use.spending, &hold, NULL);
	if (answer == CALL_ADMITTED)
		memcpy(token, c->token, CALL_TOKEN_SIZE);
	pthread_mutex_unlock(&calls->lock);
	if (answer == CALL_COST)
		tell_dear(facts->call_sid, context.agent, &day);
	call_context_free(&context);
	if (fresh)
		log_info(facts->call_sid, "call reserved; from=%s line=%" PRIu32 " agent=%s",
		    party_log(facts->from, from), line, agent->name);
	if (fresh)
		tell_reserved(facts->call_sid, agent, &told);
	agent_release(agent);
	count_refused(answer);
	return answer;
}

/* The call may have begun and ended since it was let in, by another request of its own: as long as
 * calls end, that is asked again. */
enum admission calls_reserve(struct calls *calls, const struct call_facts *facts, char token[CALL_TOKEN_SIZE])
{
	enum admission answer = CALL_NO_SID;
	bool anew = facts->call_sid && facts->call_sid[0] && strlen(facts->call_sid) < FOREIGN_ID_SIZE;

	for (int tries = 0; anew; tries++) {
		uint64_t ends = tries < LET_IN_MAX ? atomic_load(&calls->ends) : ANY_ENDS;

		answer = let_in(calls, facts);
		if (answer != CALL_ADMITTED)
			return answer;
		answer = reserve_line(calls, facts, ends, &anew, token);
		if (answer != CALL_ADMITTED)
			calls->use.fleet->ops->caller_leave(calls->use.fleet, facts->call_sid, true);
	}
	return answer;
}

/* Found before the fleet is asked, as that spends the token. */
static bool is_for_another(struct calls *calls, const char *token, const struct phone_channel *channel)
{
	const struct call *c;
	bool another;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_token(calls, token);
	another = c && c->channel != channel;
	pthread_mutex_unlock(&calls->lock);
	return another;
}

/* For the upgrade request of the stream. The fleet refuses a token that was used or is
 * unknown to all instances; the line's own state says the same for this instance, and
 * decides alone when the fleet cannot be asked. */
int calls_claim(struct calls *calls, const char *token, const struct phone_channel *channel, struct call_ref *out)
{
	char call_sid[FOREIGN_ID_SIZE];
	int64_t now = clock_now_us();
	struct call *c;

	if (strlen(token) != CALL_TOKEN_SIZE - 1)
		return -ENOENT;
	if (is_for_another(calls, token, channel))
		return -EPROTOTYPE;
	/* If the fleet cannot be asked, the lines know their own tokens. */
	if (calls->use.fleet->ops->claim(calls->use.fleet, token, call_sid, now) == -ENOENT)
		return -ENOENT;
	pthread_mutex_lock(&calls->lock);
	c = calls_find_token(calls, token);
	/* Only the token of a line that waits for a stream is good: it is spent by the claim. */
	if (c && ((c->state != LINE_RESERVED && c->state != LINE_PARKED) || now >= c->expires_us))
		c = NULL;
	if (c) {
		c->state = LINE_CLAIMED;
		c->expires_us = now + CLAIM_US;
		*out = (struct call_ref){ c->index, c->generation };
	}
	pthread_mutex_unlock(&calls->lock);
	return c ? 0 : -ENOENT;
}

/* For STREAM_UNANNOUNCED, a <Stream> in TwiML that is not ours. The line has no CallSid
 * until the start message, so the agent loop is not woken yet (see call_name), and the
 * agent is the one for unknown numbers. The claim expires as others do. */
int calls_claim_unannounced(struct calls *calls, struct call_ref *out)
{
	static const struct call_facts unknown;
	struct call_context context;
	struct spending_hold hold = { 0 };
	struct spending_day day;
	struct call *c = NULL;
	int err;

	err = call_context_make(&context, calls->use.agents, &unknown);
	if (err)
		return err;
	pthread_mutex_lock(&calls->lock);
	if (!afford(calls, &unknown, context.agent, &hold, &day))
		err = -EDQUOT;
	else if (calls->draining)
		err = -ESHUTDOWN;
	else if (!(c = take_line(calls)))
		err = -EBUSY;
	if (!c)
		spending_settle(calls->use.spending, &hold, NULL);
	if (c) {
		c->hold = hold;
		c->state = LINE_CLAIMED;
		call_take_context(c, &context);
		call_set_tag(c);
		*out = (struct call_ref){ c->index, c->generation };
	}
	pthread_mutex_unlock(&calls->lock);
	call_context_free(&context);
	if (err == -EDQUOT)
		stat_add(calls_refused_cost, 1);
	else if (err)
		stat_add(calls_refused_full, 1);
	return err;
}

/* The dialled number may belong to another agent than the claim's, hence a new context.
 * The loops hold nothing of the old one yet: the agent loop is woken here, and by now
 * the lock has ordered these writes before it. */
const char *call_name(struct call *c, const struct call_facts *facts)
{
	const char *call_sid = facts->call_sid;
	int64_t first = first_turn(c->calls, call_sid, 0);
	struct call_context context, before;
	bool known = !call_context_make(&context, c->calls->use.agents, facts);
	const char *problem = NULL;
	struct call *other;

	pthread_mutex_lock(&c->calls->lock);
	other = calls_find_sid(c->calls, call_sid);
	/* The call was announced, and its stream came without the token: the
	 * reservation is void. */
	if (other && other->state == LINE_RESERVED)
		call_end_locked(other, END_NEVER_STREAMED);
	/* After the end the agent loop may be running, and reads the name unlocked. */
	if (call_ended(c) || (other && call_takes_line(other->state)))
		problem = "that call is here already";
	else if (c->channel != phone_channel_of(known ? context.agent : c->agent))
		problem = "its agent's calls come by another channel";
	if (!problem) {
		snprintf(c->call_sid, sizeof c->call_sid, "%s", call_sid);
		call_set_tag(c);
		copy_parties(c, facts);
		c->first_turn = first;
		if (known) { /* else the agent for unknown numbers keeps it */
			before = c->context;
			call_take_context(c, &context);
			context = before;
		}
		call_wake(c);
	}
	pthread_mutex_unlock(&c->calls->lock);
	call_context_free(&context);
	return problem;
}
