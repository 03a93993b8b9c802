#include "server/line/calls_shown.h"

#include "common/clock.h"
#include "server/agents/agents.h"
#include "server/line/call_cost.h"
#include "server/line/calls_private.h"
#include "server/money/cost.h"
#include "server/money/spending.h"
#include "server/phone/party.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void count_audio(struct call_counters *n, struct call_audio *out)
{
#define TAKE(to, from) out->to = atomic_load_explicit(&n->from, memory_order_relaxed)
	TAKE(frames_in, frames_in);
	TAKE(frames_out, frames_out);
	TAKE(dropped_ms, dropped_ms);
	TAKE(padded_ms, padded_ms);
	TAKE(underruns, underruns);
	TAKE(stale_ms, stale_ms);
	TAKE(late_delta_ms, late_delta_ms);
	TAKE(answer_dropped_ms, answer_dropped_ms);
	TAKE(late_ms, late_ms);
	TAKE(late_max_ms, late_max_ms);
	TAKE(backlog_ms, backlog_ms);
	TAKE(valve_open, valve_open);
	TAKE(interruptions, cuts);
	TAKE(keys, digits);
	TAKE(invalid_messages, invalid_messages);
#undef TAKE
}

/* Twilio's own recording is announced later, by a webhook; until then it is known only
 * that there will be one. */
static void look_at_recording(struct call *c, struct call_recording *out)
{
	/* Acquire: pairs with the release in begin_recording (caller_loop.c). */
	const struct recording *recording = atomic_load_explicit(&c->recording, memory_order_acquire);

	if (recording)
		recording_tell(recording, out);
	else if (c->record == RECORDING_LOCAL && atomic_load_explicit(&c->started_us, memory_order_relaxed))
		*out = (struct call_recording){
			.by = CALL_RECORDED_HERE, .state = "failed", .error = "DATA_DIR is not set"
		};
	else if (c->record == RECORDING_TWILIO)
		out->by = CALL_RECORDED_BY_TWILIO;
}

static char *copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

/* The facts of the reservation. */
static void name_it(const struct call *c, struct call_summary *out)
{
	snprintf(out->call_sid, sizeof out->call_sid, "%s", c->call_sid);
	snprintf(out->direction, sizeof out->direction, "%s", c->direction);
	out->channel = c->channel->name;
	snprintf(out->from, sizeof out->from, "%s", c->from);
	snprintf(out->to, sizeof out->to, "%s", c->to);
	out->agent = strdup(c->agent->name);
	out->variant = copy(c->agent->variant);
	out->metadata = copy(c->context.metadata);
}

/* The loops measure with the monotonic clock. Dates are the wall clock at the
 * reservation plus the time since, so a clock that is set during a call cannot make it
 * end before it began. */
static void date_it(struct call *c, struct call_summary *out, int64_t now)
{
	/* Acquire: pairs with the release in on_start (caller_loop.c); the name
	 * of the stream was written before. */
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_acquire);
	int64_t ended = atomic_load_explicit(&c->ended_us, memory_order_relaxed);

	out->reserved_ms = c->reserved_wall_ms;
	if (started) {
		snprintf(out->stream_sid, sizeof out->stream_sid, "%s", c->stream.id);
		out->started_ms = c->reserved_wall_ms + (started - c->reserved_us) / US_PER_MS;
		/* Whole milliseconds, so that the stored value equals the shown one. */
		out->seconds = (double)(((ended ? ended : now) - started + US_PER_MS / 2) / US_PER_MS) / 1000;
	}
	if (ended)
		out->ended_ms = c->reserved_wall_ms + (ended - c->reserved_us) / US_PER_MS;
}

void call_summarize(struct call *c, struct call_summary *out)
{
	static const char *const states[] = { "free", "reserved", "claimed", "live", "parked", "ending" };
	/* Also while the next stream is on its way. */
	enum line_state state = c->bound && c->state == LINE_CLAIMED ? LINE_PARKED : c->state;
	int64_t now = clock_now_us();
	struct cost_use use;

	memset(out, 0, sizeof *out);
	/* "ending": the call is over, but last transcripts may still come. */
	out->state = c->remembered ? "ended" : states[state];
	out->stage = c->remembered ? CALL_IS_OVER : state >= LINE_LIVE ? CALL_IS_LIVE : CALL_IS_RESERVED;
	out->end = call_ended(c);
	out->said = call_has_parted(c);
	out->first_turn = c->first_turn;
	name_it(c, out);
	date_it(c, out, now);
	count_audio(&c->counters, &out->audio);
	look_at_recording(c, &out->recording);
	call_cost_use(c, now, &use);
	cost_of(&use, spending_prices(c->calls->use.spending), &out->cost);
}

/* ------------------------------------------------------------------ told by the loops */

void calls_tell_started(struct call *c)
{
	struct call_summary call;

	if (!journal_wanted())
		return;
	pthread_mutex_lock(&c->calls->lock);
	call_summarize(c, &call);
	pthread_mutex_unlock(&c->calls->lock);
	call_tell(c, (struct journal_entry){ .kind = JOURNAL_STARTED, .type = "call.started", .call = &call });
	call_summary_free(&call);
}

bool calls_announced(struct calls *calls, const char *token, struct call_announced *out)
{
	const struct call *c;

	memset(out, 0, sizeof *out);
	pthread_mutex_lock(&calls->lock);
	c = calls_find_token(calls, token);
	if (c)
		*out = (struct call_announced){ agent_retain(c->agent), c->channel, strdup(call_welcome(c)) };
	pthread_mutex_unlock(&calls->lock);
	if (out->welcome)
		return true;
	call_announced_free(out);
	return false;
}

void call_announced_free(struct call_announced *announced)
{
	agent_release(announced->agent);
	free(announced->welcome);
	memset(announced, 0, sizeof *announced);
}

/* Under the table's lock. False: no memory, nothing to free. */
static bool look_at_all(struct call *c, struct call_summary *call, struct call_talk *talk)
{
	bool whole;

	call_summarize(c, call);
	pthread_mutex_lock(&c->shown_lock);
	whole = call_talk_copy(talk, &c->shown);
	pthread_mutex_unlock(&c->shown_lock);
	if (!whole)
		call_summary_free(call);
	return whole;
}

/* A reader must find the call in one place at any time: `remembered` takes the line out
 * of sight and the list takes the call in, both under the table's lock. The journal is
 * told after that, without the lock, since its sinks write JSON and queue rows. */
void calls_remember(struct call *c)
{
	struct calls *calls = c->calls;
	struct call_summary call;
	struct call_talk talk;

	pthread_mutex_lock(&calls->lock);
	c->remembered = true;
	/* Without memory for what was said, its end is known all the same. */
	if (!look_at_all(c, &call, &talk)) {
		call_summarize(c, &call);
		talk = (struct call_talk){ 0 };
	}
	ended_calls_keep(&calls->ended, &call, &talk);
	pthread_mutex_unlock(&calls->lock);
	call_tell(
	    c, (struct journal_entry){ .kind = JOURNAL_ENDED, .type = "call.ended", .call = &call, .talk = &talk });
	call_summary_free(&call);
	call_talk_free(&talk);
}

/* ---------------------------------------------------------------- told at the admission */

void calls_remember_refused(struct calls *calls, const struct call_facts *facts, enum call_end end)
{
	const struct agent *agent = call_context_agent(calls->use.agents, facts->to ? facts->to : "");
	int64_t now_ms = clock_wall_ms();
	struct call_summary call = {
		.stage = CALL_IS_OVER, .state = "ended", .end = end, .reserved_ms = now_ms, .ended_ms = now_ms
	};
	struct fleet_ending ending = { .end = end, .after = call_ending(end)->after, .asked = true };
	struct call_talk talk = { 0 };

	snprintf(call.call_sid, sizeof call.call_sid, "%s", facts->call_sid);
	snprintf(call.direction, sizeof call.direction, "inbound");
	call_copy_party(facts->call_sid, call.from, party_from, facts->from);
	call_copy_party(facts->call_sid, call.to, party_to, facts->to);
	call.agent = strdup(agent->name);
	cost_of(&(struct cost_use){ .model = "", .transcription_model = "" }, spending_prices(calls->use.spending),
	    &call.cost);
	snprintf(ending.agent, sizeof ending.agent, "%s", agent->name);
	snprintf(ending.variant, sizeof ending.variant, "%s", agent->variant);
	calls->use.fleet->ops->ending_put(calls->use.fleet, facts->call_sid, &ending, clock_now_us());
	ended_calls_keep(&calls->refused, &call, &talk);
	atomic_fetch_add_explicit(&stats.ended[end], 1, memory_order_relaxed);
	if (journal_wanted())
		journal_tell(&(struct journal_entry){ .kind = JOURNAL_ENDED,
		    .type = "call.refused",
		    .call_sid = facts->call_sid,
		    .agent = agent,
		    .wall_ms = now_ms,
		    .call = &call });
	call_summary_free(&call);
	agent_release(agent);
}

/* ------------------------------------------------------------------ for HTTP readers */

static bool shown_as_line(const struct call *c)
{
	return c->state != LINE_FREE && !c->remembered;
}

void calls_each(struct calls *calls, void (*each)(void *arg, const struct call_summary *call), void *arg)
{
	for (uint32_t i = 0; i < calls->line_count; i++) {
		struct call *c = &calls->lines[i];
		struct call_summary call = { 0 };

		/* The lock is taken line by line: no loop waits for the whole list. */
		pthread_mutex_lock(&calls->lock);
		if (shown_as_line(c))
			call_summarize(c, &call);
		pthread_mutex_unlock(&calls->lock);
		if (call.state)
			each(arg, &call);
		call_summary_free(&call);
	}
	ended_calls_each(&calls->ended, each, arg);
	ended_calls_each(&calls->refused, each, arg);
}

int calls_one(struct calls *calls, const char *call_sid, struct call_summary *call, struct call_talk *talk)
{
	bool found = false;

	for (uint32_t i = 0; i < calls->line_count && !found; i++) {
		struct call *c = &calls->lines[i];

		pthread_mutex_lock(&calls->lock);
		if (shown_as_line(c) && c->call_sid[0] && !strcmp(c->call_sid, call_sid))
			found = look_at_all(c, call, talk);
		pthread_mutex_unlock(&calls->lock);
	}
	return found || ended_calls_one(&calls->ended, call_sid, call, talk) ||
		       ended_calls_one(&calls->refused, call_sid, call, talk)
		   ? 0
		   : -ENOENT;
}
