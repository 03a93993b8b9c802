#include "server/line/calls.h"

#include "common/clock.h"
#include "common/digest.h"
#include "server/agents/agents.h"
#include "server/fleet/fleet.h"
#include "server/line/calls_carry.h"
#include "server/line/calls_private.h"
#include "server/phone/channel.h"
#include "server/money/spending.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SPARE_LINES = 8,
	OVERTIME_US = 60 * US_PER_S /* beyond max_call_seconds, for a transfer that is under way */
};

/* The fleet keeps a call's token in a field of its own size. */
_Static_assert((int)FLEET_TOKEN_SIZE == CALL_TOKEN_SIZE, "what the fleet is told fits");

/* An ENDING line stays occupied until both loops have left: the Close handshake, last
 * transcripts and the settling of a recording take up to a few seconds. The spare
 * lines let a new caller in meanwhile. */
uint32_t calls_lines(const struct config *cfg)
{
	return (uint32_t)(cfg->max_calls + SPARE_LINES + cfg->max_calls / 8);
}

const struct model_endpoints *calls_endpoints(const struct calls *calls)
{
	return calls->use.endpoints;
}

struct model_health *calls_health(const struct calls *calls)
{
	return calls->use.health;
}

struct fleet *calls_fleet(const struct calls *calls)
{
	return calls->use.fleet;
}

struct agents *calls_agents(const struct calls *calls)
{
	return calls->use.agents;
}

struct work *calls_work(const struct calls *calls)
{
	return calls->use.work;
}

struct recorder *calls_recorder(const struct calls *calls)
{
	return calls->use.recorder;
}

struct voice *calls_voice(const struct calls *calls)
{
	return calls->use.voice;
}

/* ------------------------------------------------------------------ one call, by its name */

/* Lines that are ENDING are left out: a call that comes back from a transfer may find
 * its former line still there. */
struct call *calls_find_sid(struct calls *calls, const char *call_sid)
{
	for (uint32_t i = 0; i < calls->line_count; i++) {
		struct call *c = &calls->lines[i];

		if (call_takes_line(c->state) && c->call_sid[0] && !strcmp(c->call_sid, call_sid))
			return c;
	}
	return NULL;
}

/* Without a hint in its time how much of the token was right. */
struct call *calls_find_token(struct calls *calls, const char *token)
{
	for (uint32_t i = 0; i < calls->line_count; i++) {
		struct call *c = &calls->lines[i];

		if (call_takes_line(c->state) && bytes_equal(c->token, token, CALL_TOKEN_SIZE - 1))
			return c;
	}
	return NULL;
}

int calls_end(struct calls *calls, const char *call_sid, enum call_end why)
{
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	if (c)
		call_end_locked(c, why);
	pthread_mutex_unlock(&calls->lock);
	return c ? 0 : -ENOENT;
}

int calls_find(struct calls *calls, const char *call_sid, struct call_ref *out)
{
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = call_sid[0] ? calls_find_sid(calls, call_sid) : NULL;
	if (c)
		*out = (struct call_ref){ c->index, c->generation };
	pthread_mutex_unlock(&calls->lock);
	return c ? 0 : -ENOENT;
}

const struct agent *calls_agent(struct calls *calls, struct call_ref ref, bool *live)
{
	const struct call *c = calls_line(calls, ref);
	const struct agent *agent = NULL;

	*live = false;
	if (!c)
		return NULL;
	pthread_mutex_lock(&calls->lock);
	if (c->generation == ref.generation && call_takes_line(c->state)) {
		agent = agent_retain(c->agent);
		*live = c->bound;
	}
	pthread_mutex_unlock(&calls->lock);
	return agent;
}

/* The way into a call for all other threads. The letter is put under the lock, since the
 * line must not change hands between the look at its state and the put. A call may end
 * before it reads the letter; call_clean then frees it. */
int calls_post(struct calls *calls, struct call_ref ref, struct mail *mail)
{
	struct call *c = calls_line(calls, ref);
	int err = -ENOENT;

	if (!mail)
		return -ENOMEM;
	if (c) {
		pthread_mutex_lock(&calls->lock);
		/* The generation: a late answer must not reach the next caller. */
		if (c->generation == ref.generation && call_takes_line(c->state))
			err = mailbox_put(&c->mail, mail) ? 0 : -EBUSY;
		if (!err)
			bell_ring(&c->agent_bell);
		pthread_mutex_unlock(&calls->lock);
	}
	if (err)
		mail_free(mail);
	return err;
}

/* -------------------------------------------------------------------------- all of them */

void calls_drain(struct calls *calls)
{
	pthread_mutex_lock(&calls->lock);
	calls->draining = true;
	pthread_mutex_unlock(&calls->lock);
}

void calls_end_all(struct calls *calls, enum call_end why)
{
	pthread_mutex_lock(&calls->lock);
	for (uint32_t i = 0; i < calls->line_count; i++)
		call_end_locked(&calls->lines[i], why);
	pthread_mutex_unlock(&calls->lock);
}

/* Main's tick. Two promises hang on it: a call whose stream never came gives back its
 * place after CLAIM_US, a parked one after its grace, and no stream outlives max_call_seconds by more than OVERTIME_US,
 * whatever its agent loop does, which ends it before that. A phone without a socket that
 * asks no more has been hung up. */
void calls_reap(struct calls *calls)
{
	int64_t now = clock_now_us();
	int64_t oldest_ms = 0;

	pthread_mutex_lock(&calls->lock);
	for (uint32_t i = 0; i < calls->line_count; i++) {
		struct call *c = &calls->lines[i];
		int64_t started = atomic_load_explicit(&c->started_us, memory_order_relaxed);
		int64_t late = atomic_load_explicit(&c->counters.late_ms, memory_order_relaxed);

		if ((c->state == LINE_RESERVED || c->state == LINE_CLAIMED || c->state == LINE_PARKED) &&
		    now >= c->expires_us)
			call_end_locked(c, c->bound ? call_lost(c) : END_NEVER_STREAMED);
		if (c->state == LINE_LIVE && c->channel->requests && now >= c->expires_us)
			call_end_locked(c, END_CALLER_HUNG_UP);
		if (call_takes_line(c->state) && started &&
		    now >= started + (int64_t)c->agent->max_call_seconds * US_PER_S + OVERTIME_US)
			call_end_locked(c, END_TIME_LIMIT);
		if (c->state == LINE_LIVE && late > oldest_ms)
			oldest_ms = late;
	}
	pthread_mutex_unlock(&calls->lock);
	atomic_store_explicit(&stats.oldest_audio_ms, oldest_ms, memory_order_relaxed);
	calls_leave_over(calls);
}

void calls_count(struct calls *calls, struct calls_count *out)
{
	struct spending_day day;

	memset(out, 0, sizeof *out);
	out->limit = calls->use.cfg->max_calls;
	spending_look(calls->use.spending, &day);
	out->day_full = day.full;
	out->day_over = day.over;
	pthread_mutex_lock(&calls->lock);
	out->draining = calls->draining;
	for (uint32_t i = 0; i < calls->line_count; i++) {
		switch (calls->lines[i].state) {
		case LINE_FREE:
			break;
		case LINE_RESERVED:
		case LINE_CLAIMED:
			out->parked += calls->lines[i].bound;
			out->live += calls->lines[i].bound;
			out->reserved += !calls->lines[i].bound;
			break;
		case LINE_PARKED:
			out->parked++;
			out->live++;
			break;
		case LINE_LIVE:
			out->live++;
			break;
		case LINE_ENDING:
			out->ending++;
			break;
		}
	}
	pthread_mutex_unlock(&calls->lock);
}

void calls_put_status(struct calls *calls, struct json_out *j)
{
	struct calls_count count;

	calls_count(calls, &count);
	json_put_int(j, "live", count.live);
	json_put_int(j, "parked", count.parked);
	json_put_int(j, "reserved", count.reserved);
	json_put_int(j, "ending", count.ending);
	json_put_int(j, "limit", count.limit);
	json_put_bool(j, "draining", count.draining);
}

/* ------------------------------------------------------------------ opening, closing */

/* A line without `calls` was not reached by calls_open: there is nothing to close. */

static int line_open(struct calls *calls, struct call *c, uint32_t index)
{
	int err;

	c->calls = calls;
	c->cfg = calls->use.cfg;
	c->index = index;
	err = call_open(c);
	return err ? err : calls_serve(c);
}

static void line_close(struct call *c)
{
	if (!c->calls)
		return;
	calls_served(c);
	spending_settle(c->calls->use.spending, &c->hold, NULL); /* of a call that the thread never took up */
	call_close(c);
}

int calls_open(struct calls **out, const struct calls_parts *parts)
{
	struct calls *calls = calloc(1, sizeof *calls);
	int err = 0;

	if (!calls)
		return -ENOMEM;
	calls->use = *parts;
	pthread_mutex_init(&calls->lock, NULL);
	for (size_t i = 0; i < BACK_LOCKS; i++)
		pthread_mutex_init(&calls->back_locks[i], NULL);
	calls->line_count = calls_lines(parts->cfg);
	ended_calls_open(&calls->ended);
	ended_calls_open(&calls->refused);
	/* The rings' counters have cache lines of their own, so the lines are aligned. */
	calls->lines = aligned_alloc(_Alignof(struct call), calls->line_count * sizeof *calls->lines);
	if (calls->lines)
		memset(calls->lines, 0, calls->line_count * sizeof *calls->lines);
	else
		err = -ENOMEM;
	for (uint32_t i = 0; i < calls->line_count && !err; i++)
		err = line_open(calls, &calls->lines[i], i);
	if (err)
		calls_close(calls);
	else
		*out = calls;
	return err;
}

/* The order matters. The calls end first, so that the loops leave; only then `closing`
 * is set, and line_close rings each thread out of its poll. A thread that is inside the
 * agent loop finishes its call, its record included, before it looks at `closing`. */
void calls_close(struct calls *calls)
{
	if (!calls)
		return;
	if (calls->lines)
		calls_end_all(calls, END_DRAINED);
	if (calls->lines)
		calls_leave_over(calls);
	atomic_store(&calls->closing, true);
	for (uint32_t i = 0; calls->lines && i < calls->line_count; i++)
		line_close(&calls->lines[i]);
	free(calls->lines);
	ended_calls_close(&calls->ended);
	ended_calls_close(&calls->refused);
	for (size_t i = 0; i < BACK_LOCKS; i++)
		pthread_mutex_destroy(&calls->back_locks[i]);
	pthread_mutex_destroy(&calls->lock);
	free(calls);
}
