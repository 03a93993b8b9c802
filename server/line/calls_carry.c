#include "server/line/calls_carry.h"

#include "common/log.h"
#include "server/line/calls_private.h"
#include "server/recording/recorder.h"

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
	c->refs++;
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
		call_end_locked(c, END_STREAM_LOST);
	pthread_mutex_unlock(&calls->lock);
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
