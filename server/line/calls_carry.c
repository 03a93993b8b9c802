#include "server/line/calls_carry.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/log.h"
#include "server/agents/agent.h"
#include "server/agents/fallback.h"
#include "server/line/calls_private.h"
#include "server/phone/channel.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { AGENT_STACK = 256 * 1024 };

/* A loop leaves the line; the last one frees it. The loops leave in any order: the
 * caller loop may be in its Close handshake while the agent loop is done, or the other
 * way round while last transcripts come. A mailbox and rings are cleaned only when
 * nobody can put anything into them any more. */
static void leave(struct call *c)
{
	struct call_context context;
	struct recording *recording;
	bool last;

	pthread_mutex_lock(&c->calls->lock);
	last = --c->refs == 0;
	pthread_mutex_unlock(&c->calls->lock);
	if (!last)
		return;
	/* Without the lock, since giving back memory takes too long for it. Nobody
	 * enters a line that is ENDING, and no mail is taken for it. */
	call_clean(c);
	pthread_mutex_lock(&c->calls->lock);
	context = c->context;
	memset(&c->context, 0, sizeof c->context);
	c->agent = NULL;
	recording = atomic_exchange_explicit(&c->recording, NULL, memory_order_relaxed);
	c->state = LINE_FREE;
	pthread_mutex_unlock(&c->calls->lock);
	recording_release(recording);
	call_context_free(&context);
}

/* The agent loop of a call that was announced may run, and the model's session is made for that
 * channel. */
static bool bind_line(struct call *c, const struct phone_channel *channel)
{
	if (c->announced && c->channel != channel) {
		log_warn(c->tag, "it comes by another channel than was announced: refused");
		call_end_locked(c, END_STREAM_LOST);
		return false;
	}
	c->state = LINE_LIVE;
	c->channel = channel;
	/* Of a parked call there is a reference already. */
	c->refs += !c->absent;
	c->absent = false;
	atomic_store_explicit(&c->lost, CALL_NOT_ENDED, memory_order_relaxed);
	c->press = (struct call_press){ 0 };
	return c->bound = true;
}

void calls_carry(struct calls *calls, struct call_ref ref, int fd, const struct phone_channel *channel)
{
	struct call *c = calls_line(calls, ref);
	bool bound = false;

	if (!c)
		return;
	pthread_mutex_lock(&calls->lock);
	/* The generation: a claim that expired must not reach the next caller. */
	if (c->generation == ref.generation && c->state == LINE_CLAIMED)
		bound = bind_line(c, channel);
	pthread_mutex_unlock(&calls->lock);
	if (!bound)
		return;
	calls->use.loops.caller(c, fd);
	leave(c);
}

void calls_abandon(struct calls *calls, struct call_ref ref)
{
	struct call *c = calls_line(calls, ref);

	if (!c)
		return;
	pthread_mutex_lock(&calls->lock);
	if (c->generation == ref.generation && c->state == LINE_CLAIMED)
		call_lose_locked(c, END_STREAM_LOST);
	pthread_mutex_unlock(&calls->lock);
}

/* --------------------------------------------------------------- between two streams */

/* A goodbye that the phone has is the end, whatever becomes of its stream. What stands before reconnect is tried
 * first. */
static bool may_park(const struct call *c, enum call_end why)
{
	const struct agent_rung *first = fallback_after(&c->agent->fallback, RUNG_NONE);
	bool stream = why == END_STREAM_LOST || why == END_STREAM_SILENT || why == END_STREAM_STALLED ||
		      why == END_STREAM_INVALID;

	return stream && c->channel->parks && c->announced && c->cfg->stream_grace_ms &&
	       c->losses < STREAM_LOSSES_MAX && atomic_load_explicit(&c->started_us, memory_order_relaxed) &&
	       !atomic_load_explicit(&c->parting, memory_order_relaxed) && first && first->kind == RUNG_RECONNECT;
}

/* The token is good for as long after that time as any. */
static void announce_from(struct call *c, int64_t from_us)
{
	struct fleet *fleet = c->calls->use.fleet;

	fleet->ops->announce(fleet, c->token, c->call_sid, from_us);
}

void call_announce_stream(struct call *c)
{
	c->streams++;
	random_hex(c->token, (CALL_TOKEN_SIZE - 1) / 2);
	announce_from(c, clock_now_us());
}

/* A stream that makes room for keys has announced the next one, which comes after them. */
static void expect_stream(struct call *c, enum call_end why, bool pressing)
{
	int64_t from_us = clock_now_us() + c->press.play_us;

	c->losses += !pressing;
	c->expires_us = from_us + (int64_t)c->cfg->stream_grace_ms * US_PER_MS;
	if (pressing)
		announce_from(c, from_us);
	else
		call_announce_stream(c);
	atomic_store_explicit(&c->lost, (int)why, memory_order_release);
	bell_ring(&c->caller_bell);
	stat_add(calls_parked, 1);
}

void call_lose_locked(struct call *c, enum call_end why)
{
	bool known = call_lost(c) && c->state != LINE_CLAIMED;

	if (known && call_takes_line(c->state))
		return;
	if (c->state != LINE_LIVE)
		c->press = (struct call_press){ 0 }; /* its next stream is there, or was */
	if (call_takes_line(c->state) && c->bound && (c->press.on || may_park(c, why))) {
		if (c->absent) /* the next stream was lost before it was carried */
			c->state = LINE_PARKED;
		expect_stream(c, why, c->press.on);
	} else {
		call_end_locked(c, why);
	}
}

void call_lose(struct call *c, enum call_end why)
{
	pthread_mutex_lock(&c->calls->lock);
	call_lose_locked(c, why);
	pthread_mutex_unlock(&c->calls->lock);
}

/* The agent loop may have passed it after the caller loop had returned it for the last time. */
static void return_writer(struct call *c)
{
	if (model_writer_is_held_by(&c->writer, WRITER_CALLER))
		model_writer_pass(&c->writer, WRITER_AGENT, &c->agent_bell);
}

void call_return_writer(struct call *c)
{
	pthread_mutex_lock(&c->calls->lock);
	if (c->absent)
		return_writer(c);
	pthread_mutex_unlock(&c->calls->lock);
}

/* The reference that is added stands for the caller loop that is absent. */
bool call_park(struct call *c, void *kept)
{
	struct calls *calls = c->calls;
	bool parked;

	pthread_mutex_lock(&calls->lock);
	parked = c->state == LINE_LIVE;
	if (parked) {
		c->state = LINE_PARKED;
		c->parked = kept;
		c->absent = true;
		c->refs++;
		return_writer(c);
	}
	pthread_mutex_unlock(&calls->lock);
	return parked;
}

/* The lock of calls_carry has ordered this behind call_park. */
void *call_unpark(struct call *c)
{
	void *kept = c->parked;

	c->parked = NULL;
	return kept;
}

void call_name_stream(struct call *c, const struct phone_stream *stream)
{
	pthread_mutex_lock(&c->calls->lock);
	c->stream = *stream;
	pthread_mutex_unlock(&c->calls->lock);
}

/* ----------------------------------------------------------- without a caller loop */

/* In the caller loop's place, once. The agent loop of a call that is over waits for it. */
static void leave_if_over(struct calls *calls, struct call *c)
{
	bool over;

	pthread_mutex_lock(&calls->lock);
	over = c->absent && c->state == LINE_ENDING;
	if (over)
		c->absent = false;
	pthread_mutex_unlock(&calls->lock);
	if (!over)
		return;
	pthread_mutex_lock(&c->visit_lock);
	calls->use.loops.leave(c);
	pthread_mutex_unlock(&c->visit_lock);
	leave(c);
}

void calls_leave_over(struct calls *calls)
{
	for (uint32_t i = 0; i < calls->line_count; i++)
		leave_if_over(calls, &calls->lines[i]);
}

/* Two references: one is the caller loop's, until the call is over; one is this visit's, so that the
 * line serves no other call meanwhile. */
static struct call *enter(struct calls *calls, const char *call_sid)
{
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = calls_find_sid(calls, call_sid);
	if (c && (!c->channel->requests || c->state == LINE_CLAIMED))
		c = NULL;
	if (c && c->state == LINE_RESERVED) {
		c->state = LINE_LIVE;
		c->bound = c->absent = true;
		c->expires_us = NEVER_US;
		c->refs++;
	}
	if (c)
		c->refs++;
	pthread_mutex_unlock(&calls->lock);
	return c;
}

int calls_visit(struct calls *calls, const char *call_sid, struct call_visit *visit)
{
	struct call *c = *call_sid ? enter(calls, call_sid) : NULL;
	bool over;

	if (!c)
		return -ENOENT;
	pthread_mutex_lock(&c->visit_lock);
	calls->use.loops.visit(c, visit);
	pthread_mutex_unlock(&c->visit_lock);
	pthread_mutex_lock(&calls->lock);
	over = c->state != LINE_LIVE;
	if (!over)
		c->expires_us = visit->until_us;
	pthread_mutex_unlock(&calls->lock);
	leave_if_over(calls, c);
	leave(c);
	return over ? -ENOENT : 0;
}

/* ---------------------------------------------------------------- the agent loop's side */

/* A pool thread: the calls of one line, one after another. The bell also rings for an
 * end before the start, and for the close of the table; `agent_due` tells them apart. */
static void *serve_line(void *arg)
{
	struct call *c = arg;
	struct pollfd bell = { .fd = c->agent_bell.fd, .events = POLLIN };

	while (!atomic_load(&c->calls->closing)) {
		bool due;

		poll(&bell, 1, -1);
		bell_clear(&c->agent_bell);
		pthread_mutex_lock(&c->calls->lock);
		due = c->agent_due;
		c->agent_due = false;
		pthread_mutex_unlock(&c->calls->lock);
		if (!due)
			continue;
		c->calls->use.loops.agent(c);
		/* Its last sum is booked, whatever the ending; and nothing costs any more. */
		spending_settle(c->calls->use.spending, &c->hold, c->agent->name);
		leave(c);
	}
	return NULL;
}

int calls_serve(struct call *c)
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, AGENT_STACK);
	err = -pthread_create(&c->thread, &attr, serve_line, c);
	pthread_attr_destroy(&attr);
	c->running = !err;
	return err;
}

void calls_served(struct call *c)
{
	if (!c->running)
		return;
	bell_ring(&c->agent_bell);
	pthread_join(c->thread, NULL);
}
