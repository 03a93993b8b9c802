#include "server/line/calls.h"

#include "common/clock.h"
#include "common/digest.h"
#include "common/log.h"
#include "server/fleet/fleet.h"
#include "server/line/call.h"
#include "server/line/call_journal.h"
#include "server/line/call_summary.h"
#include "server/line/ended_calls.h"
#include "server/money/spending.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CLAIM_US = FLEET_TOKEN_US, /* a reservation waits so long for its stream */
	KEPT_US = 120 * US_PER_S,  /* how long an ending is known */
	ASK_US = 5 * US_PER_S,     /* within this Twilio asks connect-action, if at all */
	SPARE_LINES = 8,
	AGENT_STACK = 256 * 1024
};

struct calls {
	const struct config *cfg;
	const struct model_access *access;
	struct agents *agents;
	struct work *work;
	struct fleet *fleet;
	struct recorder *recorder;
	struct call_loops loops;
	struct call *lines; /* owned; line_count of them */
	uint32_t line_count;
	_Atomic bool closing;

	pthread_mutex_t lock; /* all below, and what call.h says; held for microseconds */
	bool draining;
	int taken; /* reserved, claimed and live lines: what MAX_CALLS bounds */

	struct ended_calls ended; /* has a lock of its own, taken inside this one */
};

_Static_assert((int)FLEET_SID_SIZE == CALL_SID_SIZE && (int)FLEET_NUMBER_SIZE == CALL_NUMBER_SIZE &&
		   (int)FLEET_TOKEN_SIZE == CALL_TOKEN_SIZE,
    "what the fleet is told fits");

uint32_t calls_lines(const struct config *cfg)
{
	/* A few more than MAX_CALLS: a line still being left must not make the
	 * table look full. */
	return (uint32_t)(cfg->max_calls + SPARE_LINES + cfg->max_calls / 8);
}

/* ------------------------------------------------------------------- small parts */

const struct model_access *calls_access(const struct calls *calls)
{
	return calls->access;
}

struct fleet *calls_fleet(const struct calls *calls)
{
	return calls->fleet;
}

struct recorder *calls_recorder(const struct calls *calls)
{
	return calls->recorder;
}

struct work *calls_work(const struct calls *calls)
{
	return calls->work;
}

static bool takes_line(enum line_state state)
{
	return state == LINE_RESERVED || state == LINE_CLAIMED || state == LINE_LIVE;
}

/* Under the lock. */
static struct call *find_sid(struct calls *calls, const char *call_sid)
{
	for (uint32_t i = 0; i < calls->line_count; i++) {
		struct call *c = &calls->lines[i];

		if (takes_line(c->state) && c->call_sid[0] && !strcmp(c->call_sid, call_sid))
			return c;
	}
	return NULL;
}

/* Under the lock. The pool thread may take up the call, once. Not before it is
 * known whose it is: the loops read that without the lock. */
static void wake_agent(struct call *c)
{
	if (!c->agent_called)
		c->agent_called = c->agent_due = true;
	bell_ring(&c->agent_bell);
}

static void copy_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

/* Under the lock. */
static void tell_fleet(const struct call *c, enum line_state was, enum call_end why, int64_t now)
{
	/* Where no stream ever was, or the caller is gone, nobody asks. */
	struct fleet_ending ending = { .end = why, .asked = why == END_CALLER_HUNG_UP || why == END_NEVER_STREAMED };

	copy_text(ending.fallback, sizeof ending.fallback, c->agent->fallback_number);
	c->calls->fleet->ops->ending_put(c->calls->fleet, c->call_sid, &ending, now);
	if (was == LINE_RESERVED)
		c->calls->fleet->ops->withdraw(c->calls->fleet, c->token);
}

/* Under the lock. The first reason wins; both loops hear of it. */
static void end_locked(struct call *c, enum call_end why)
{
	int none = CALL_NOT_ENDED;
	int64_t now = clock_now_us();
	enum line_state was = c->state;

	if (!takes_line(was) || !atomic_compare_exchange_strong_explicit(
				    &c->end, &none, (int)why, memory_order_acq_rel, memory_order_acquire))
		return;
	atomic_store_explicit(&c->ended_us, now, memory_order_relaxed);
	c->state = LINE_ENDING;
	c->calls->taken--;
	tell_fleet(c, was, why, now);
	atomic_fetch_add_explicit(&stats.ended[why], 1, memory_order_relaxed);
	wake_agent(c);
	bell_ring(&c->caller_bell);
}

void call_end(struct call *c, enum call_end why)
{
	pthread_mutex_lock(&c->calls->lock);
	end_locked(c, why);
	pthread_mutex_unlock(&c->calls->lock);
}

bool calls_bound(struct call *c)
{
	bool bound;

	pthread_mutex_lock(&c->calls->lock);
	bound = c->bound;
	pthread_mutex_unlock(&c->calls->lock);
	return bound;
}

static void set_tag(struct call *c)
{
	snprintf(c->tag, sizeof c->tag, "%s", c->call_sid[0] ? c->call_sid : "unannounced");
}

static const char *const record_modes[] = {
	[RECORDING_OFF] = "off", [RECORDING_LOCAL] = "local", [RECORDING_TWILIO] = "twilio"
};

const char *recording_mode_name(enum recording_mode mode)
{
	return record_modes[mode];
}

static enum recording_mode recording_mode(const char *word)
{
	for (int mode = RECORDING_OFF; mode <= RECORDING_TWILIO; mode++)
		if (!strcmp(word, record_modes[mode]))
			return (enum recording_mode)mode;
	return RECORDING_OFF;
}

/* Under the lock. The call's own from now on, until the line is free. */
static void take_context(struct call *c, struct call_context *context)
{
	c->context = *context;
	c->agent = context->agent;
	c->record = context->agent->record;
	memset(context, 0, sizeof *context);
}

/* A call that comes back (from a transfer nobody answered) goes on counting, so
 * that what was said before is not written over. Not under the lock. */
static int64_t first_turn(struct calls *calls, const char *call_sid)
{
	struct fleet_ending ending;

	if (calls->fleet->ops->ending_get(calls->fleet, call_sid, false, &ending, clock_now_us()))
		return 0;
	return ending.times * (int64_t)CALL_TURNS_MAX;
}

bool call_name(struct call *c, const struct call_facts *facts)
{
	const char *call_sid = facts->call_sid;
	int64_t first = first_turn(c->calls, call_sid);
	struct call_context context, before;
	bool known = !call_context_make(&context, c->calls->agents, facts);
	struct call *other;
	bool free_name;

	pthread_mutex_lock(&c->calls->lock);
	other = find_sid(c->calls, call_sid);
	/* Announced, and then came another way: the announcement is void. */
	if (other && other->state == LINE_RESERVED)
		end_locked(other, END_NEVER_STREAMED);
	/* Over already: the agent loop reads the name it has. */
	free_name = !call_ended(c) && (!other || !takes_line(other->state));
	if (free_name) {
		snprintf(c->call_sid, sizeof c->call_sid, "%s", call_sid);
		set_tag(c);
		copy_text(c->from, sizeof c->from, facts->from);
		copy_text(c->to, sizeof c->to, facts->to);
		c->first_turn = first;
		if (known) { /* else it stays with the agent for all the rest */
			before = c->context;
			take_context(c, &context);
			context = before;
		}
		wake_agent(c);
	}
	pthread_mutex_unlock(&c->calls->lock);
	call_context_free(&context);
	return free_name;
}

/* --------------------------------------------------------------------- admission */

/* Under the lock. A fresh line for the next call, or NULL. */
static struct call *take_line(struct calls *calls)
{
	int64_t now = clock_now_us();
	struct call *c = NULL;

	if (calls->taken >= calls->cfg->max_calls)
		return NULL;
	for (uint32_t i = 0; i < calls->line_count && !c; i++)
		if (calls->lines[i].state == LINE_FREE)
			c = &calls->lines[i];
	if (!c)
		return NULL;
	calls->taken++;
	c->generation++;
	c->state = LINE_RESERVED;
	c->refs = 1; /* the agent loop's; it is on its way */
	c->agent_called = c->agent_due = false;
	c->bound = c->remembered = false;
	c->expires_us = now + CLAIM_US;
	random_hex(c->token, (CALL_TOKEN_SIZE - 1) / 2);
	c->call_sid[0] = c->from[0] = c->to[0] = c->direction[0] = '\0';
	memset(&c->stream, 0, sizeof c->stream);
	c->announced = false;
	c->first_turn = 0;
	c->reserved_us = now;
	c->reserved_wall_ms = clock_wall_ms();
	atomic_store_explicit(&c->stale_to, 0, memory_order_relaxed);
	atomic_store_explicit(&c->cuts_wanted, 0, memory_order_relaxed);
	atomic_store_explicit(&c->end, CALL_NOT_ENDED, memory_order_relaxed);
	atomic_store_explicit(&c->caller_speaking, false, memory_order_relaxed);
	atomic_store_explicit(&c->uplink_anchor_us, INT64_MIN, memory_order_relaxed);
	atomic_store_explicit(&c->started_us, 0, memory_order_relaxed);
	atomic_store_explicit(&c->ended_us, 0, memory_order_relaxed);
	memset(&c->counters, 0, sizeof c->counters);
	for (int i = 0; i < USAGE_COUNT; i++) {
		atomic_store_explicit(&c->model_used[i], 0, memory_order_relaxed);
		atomic_store_explicit(&c->transcription_used[i], 0, memory_order_relaxed);
	}
	c->detected = false;
	stat_add(calls_total, 1);
	return c;
}

/* Takes the summary. By its own name: the line may serve another by now. */
static void tell_reserved(const char *call_sid, const struct agent *agent, struct call_summary *call)
{
	if (call->state)
		journal_tell(&(struct journal_entry){ .kind = JOURNAL_RESERVED,
		    .type = "call.reserved",
		    .call_sid = call_sid,
		    .agent = agent,
		    .wall_ms = clock_wall_ms(),
		    .call = call });
	call_summary_free(call);
}

/* A call that comes back, or that we asked for ourselves, is no new one. */
static bool too_dear(const struct call_facts *facts)
{
	return cost_day_exceeded() && !facts->said && (!facts->direction || strcmp(facts->direction, "outbound") != 0);
}

enum admission calls_reserve(struct calls *calls, const struct call_facts *facts, char token[CALL_TOKEN_SIZE])
{
	enum admission answer = CALL_ADMITTED;
	struct call_context context;
	char number[16];
	uint32_t line = 0;
	const struct agent *agent = NULL;
	struct call_summary told = { 0 };
	struct call *c;
	int64_t first;
	bool fresh = false, dear = too_dear(facts);
	int err;

	if (!facts->call_sid || !facts->call_sid[0] || strlen(facts->call_sid) >= CALL_SID_SIZE)
		return CALL_NO_SID;
	/* Before the lock, since it takes memory; for a call that is here already
	 * it was in vain. */
	err = call_context_make(&context, calls->agents, facts);
	if (err) {
		log_warn(facts->call_sid, "call refused: no agent for it: %s", strerror(-err));
		return err == -ENOMEM ? CALL_NO_MEMORY : CALL_NO_AGENT;
	}
	first = first_turn(calls, facts->call_sid);
	pthread_mutex_lock(&calls->lock);
	c = find_sid(calls, facts->call_sid);
	if (!c && dear) {
		answer = CALL_COST;
	} else if (!c && calls->draining) {
		answer = CALL_DRAINING;
	} else if (!c && !(c = take_line(calls))) {
		answer = CALL_FULL;
	} else if (!c->call_sid[0]) {
		fresh = true;
		copy_text(c->call_sid, sizeof c->call_sid, facts->call_sid);
		copy_text(c->from, sizeof c->from, facts->from);
		copy_text(c->to, sizeof c->to, facts->to);
		copy_text(c->direction, sizeof c->direction, facts->direction);
		take_context(c, &context);
		if (facts->record && *facts->record)
			c->record = recording_mode(facts->record);
		c->detected = facts->detected;
		line = c->index;
		c->announced = true;
		set_tag(c);
		c->first_turn = first;
		calls->fleet->ops->announce(calls->fleet, c->token, c->call_sid, c->reserved_us);
		wake_agent(c);
		if (journal_wanted())
			call_summarize(c, &told);
		agent = agent_retain(c->agent);
	}
	if (answer == CALL_ADMITTED)
		memcpy(token, c->token, CALL_TOKEN_SIZE);
	pthread_mutex_unlock(&calls->lock);
	call_context_free(&context);
	if (fresh)
		log_info(facts->call_sid, "call reserved; from=%s line=%" PRIu32 " agent=%s",
		    log_number(facts->from ? facts->from : "", number), line, agent->name);
	if (fresh)
		tell_reserved(facts->call_sid, agent, &told);
	agent_release(agent);
	if (answer == CALL_FULL)
		stat_add(calls_refused_full, 1);
	else if (answer == CALL_DRAINING)
		stat_add(calls_refused_draining, 1);
	else if (answer == CALL_COST)
		stat_add(calls_refused_cost, 1);
	return answer;
}

int calls_claim(struct calls *calls, const char *token, struct call_ref *out)
{
	char call_sid[FLEET_SID_SIZE];
	int64_t now = clock_now_us();
	int err = -ENOENT;

	/* If the fleet cannot be asked, the lines know their own tokens. */
	if (strlen(token) != CALL_TOKEN_SIZE - 1 ||
	    calls->fleet->ops->claim(calls->fleet, token, call_sid, now) == -ENOENT)
		return -ENOENT;
	pthread_mutex_lock(&calls->lock);
	for (uint32_t i = 0; i < calls->line_count; i++) {
		struct call *c = &calls->lines[i];

		/* Only a reserved line's token is good: it is spent by the claim. */
		if (c->state != LINE_RESERVED || now >= c->expires_us ||
		    !bytes_equal(c->token, token, CALL_TOKEN_SIZE - 1))
			continue;
		c->state = LINE_CLAIMED;
		c->expires_us = now + CLAIM_US;
		*out = (struct call_ref){ c->index, c->generation };
		err = 0;
	}
	pthread_mutex_unlock(&calls->lock);
	return err;
}

int calls_claim_unannounced(struct calls *calls, struct call_ref *out)
{
	static const struct call_facts unknown;
	struct call_context context;
	struct call *c = NULL;
	int err;

	if (too_dear(&unknown)) {
		stat_add(calls_refused_cost, 1);
		return -EDQUOT;
	}
	err = call_context_make(&context, calls->agents, &unknown);
	if (err)
		return err;
	pthread_mutex_lock(&calls->lock);
	if (calls->draining)
		err = -ESHUTDOWN;
	else if (!(c = take_line(calls)))
		err = -EBUSY;
	if (c) {
		c->state = LINE_CLAIMED;
		take_context(c, &context);
		set_tag(c);
		*out = (struct call_ref){ c->index, c->generation };
	}
	pthread_mutex_unlock(&calls->lock);
	call_context_free(&context);
	if (err)
		stat_add(calls_refused_full, 1);
	return err;
}

/* ----------------------------------------------------------------- the two loops */

/* As new, and without the memory that the last call took. What was said in it
 * is nobody's business in the next one. */
static void clean(struct call *c)
{
	ring_reset(&c->from_caller);
	ring_reset(&c->to_caller);
	model_writer_reset(&c->writer);
	mailbox_empty(&c->mail);
	pthread_mutex_lock(&c->shown_lock);
	call_talk_free(&c->shown);
	pthread_mutex_unlock(&c->shown_lock);
}

/* One of the loops leaves; the last one frees the line. */
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
	/* Nobody can come in before the line is free: giving memory back takes
	 * too long for the lock. */
	clean(c);
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

void calls_carry(struct calls *calls, struct call_ref ref, int fd, const struct phone_channel *channel)
{
	struct call *c = ref.index < calls->line_count ? &calls->lines[ref.index] : NULL;
	bool bound = false;

	if (!c)
		return;
	pthread_mutex_lock(&calls->lock);
	/* The generation: a claim that expired must not reach the next caller. */
	if (c->generation == ref.generation && c->state == LINE_CLAIMED) {
		c->state = LINE_LIVE;
		c->channel = channel;
		c->refs++;
		c->bound = bound = true;
	}
	pthread_mutex_unlock(&calls->lock);
	if (!bound)
		return;
	calls->loops.caller(c, fd);
	leave(c);
}

void calls_abandon(struct calls *calls, struct call_ref ref)
{
	struct call *c = ref.index < calls->line_count ? &calls->lines[ref.index] : NULL;

	if (!c)
		return;
	pthread_mutex_lock(&calls->lock);
	if (c->generation == ref.generation && c->state == LINE_CLAIMED)
		end_locked(c, END_STREAM_LOST);
	pthread_mutex_unlock(&calls->lock);
}

/* A pool thread: one line's calls, one after the other. */
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
		c->calls->loops.agent(c);
		leave(c);
	}
	return NULL;
}

/* ---------------------------------------------------------------------- from outside */

int calls_end(struct calls *calls, const char *call_sid, enum call_end why)
{
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = find_sid(calls, call_sid);
	if (c)
		end_locked(c, why);
	pthread_mutex_unlock(&calls->lock);
	return c ? 0 : -ENOENT;
}

int calls_find(struct calls *calls, const char *call_sid, struct call_ref *out)
{
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = call_sid[0] ? find_sid(calls, call_sid) : NULL;
	if (c)
		*out = (struct call_ref){ c->index, c->generation };
	pthread_mutex_unlock(&calls->lock);
	return c ? 0 : -ENOENT;
}

const struct agent *calls_agent(struct calls *calls, struct call_ref ref, bool *live)
{
	const struct call *c = ref.index < calls->line_count ? &calls->lines[ref.index] : NULL;
	const struct agent *agent = NULL;

	*live = false;
	if (!c)
		return NULL;
	pthread_mutex_lock(&calls->lock);
	if (c->generation == ref.generation && takes_line(c->state)) {
		agent = agent_retain(c->agent);
		*live = c->state == LINE_LIVE;
	}
	pthread_mutex_unlock(&calls->lock);
	return agent;
}

int calls_post(struct calls *calls, struct call_ref ref, struct mail *mail)
{
	struct call *c = ref.index < calls->line_count ? &calls->lines[ref.index] : NULL;
	int err = -ENOENT;

	if (!mail)
		return -ENOMEM;
	if (c) {
		pthread_mutex_lock(&calls->lock);
		/* The generation: a late answer must not reach the next caller. */
		if (c->generation == ref.generation && takes_line(c->state))
			err = mailbox_put(&c->mail, mail) ? 0 : -EBUSY;
		if (!err)
			bell_ring(&c->agent_bell);
		pthread_mutex_unlock(&calls->lock);
	}
	if (err)
		mail_free(mail);
	return err;
}

enum call_end calls_after_stream(struct calls *calls, const char *call_sid)
{
	struct fleet_ending ending;
	struct call *c;

	pthread_mutex_lock(&calls->lock);
	c = find_sid(calls, call_sid);
	if (c)
		end_locked(c, c->state == LINE_LIVE ? END_STREAM_LOST : END_NEVER_STREAMED);
	pthread_mutex_unlock(&calls->lock);
	if (calls->fleet->ops->ending_get(calls->fleet, call_sid, true, &ending, clock_now_us()) ||
	    ending.age_us > KEPT_US)
		return CALL_NOT_ENDED;
	return ending.end;
}

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
	c = find_sid(calls, call_sid);
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
	char news[300];

	if (calls->fleet->ops->transfer_take(calls->fleet, call_sid, &t, clock_now_us()))
		return back_already(calls, call_sid, token);
	stat_add(calls_transfers_back, 1);
	snprintf(news, sizeof news,
	    "The caller could not be connected to %s (%s) and is on the line with you again. Say so, and carry on from "
	    "there: help as far as you can, or offer to take a message.",
	    t.name, why);
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
		.news = news,
		.record = t.record },
	    token);
	agent_release(agent);
	fleet_transfer_free(&t);
	return admission;
}

void calls_fallback(struct calls *calls, const char *call_sid, const char *to, char out[CALL_NUMBER_SIZE])
{
	const struct agent *p;
	struct call *c;
	struct fleet_ending ending;
	bool known;

	pthread_mutex_lock(&calls->lock);
	c = find_sid(calls, call_sid);
	known = c != NULL;
	if (c)
		copy_text(out, CALL_NUMBER_SIZE, c->agent->fallback_number);
	pthread_mutex_unlock(&calls->lock);
	if (known)
		return;
	if (!calls->fleet->ops->ending_get(calls->fleet, call_sid, false, &ending, clock_now_us())) {
		copy_text(out, CALL_NUMBER_SIZE, ending.fallback);
		return;
	}
	p = agents_for_number(calls->agents, to);
	copy_text(out, CALL_NUMBER_SIZE, p->fallback_number);
	agent_release(p);
}

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
		end_locked(&calls->lines[i], why);
	pthread_mutex_unlock(&calls->lock);
}

int calls_unasked(struct calls *calls)
{
	return calls->fleet->ops->endings_unasked(calls->fleet, ASK_US, clock_now_us());
}

void calls_reap(struct calls *calls)
{
	int64_t now = clock_now_us();
	int64_t oldest_ms = 0;

	pthread_mutex_lock(&calls->lock);
	for (uint32_t i = 0; i < calls->line_count; i++) {
		struct call *c = &calls->lines[i];
		int64_t started = atomic_load_explicit(&c->started_us, memory_order_relaxed);
		int64_t late = atomic_load_explicit(&c->counters.late_ms, memory_order_relaxed);

		if ((c->state == LINE_RESERVED || c->state == LINE_CLAIMED) && now >= c->expires_us)
			end_locked(c, END_NEVER_STREAMED);
		if (c->state == LINE_LIVE && started && now >= started + (int64_t)c->agent->max_call_seconds * US_PER_S)
			end_locked(c, END_TIME_LIMIT);
		if (c->state == LINE_LIVE && late > oldest_ms)
			oldest_ms = late;
	}
	pthread_mutex_unlock(&calls->lock);
	atomic_store_explicit(&stats.oldest_audio_ms, oldest_ms, memory_order_relaxed);
}

void calls_count(struct calls *calls, struct calls_count *out)
{
	memset(out, 0, sizeof *out);
	out->limit = calls->cfg->max_calls;
	out->day_spent = cost_day_exceeded();
	pthread_mutex_lock(&calls->lock);
	out->draining = calls->draining;
	for (uint32_t i = 0; i < calls->line_count; i++) {
		switch (calls->lines[i].state) {
		case LINE_FREE:
			break;
		case LINE_RESERVED:
		case LINE_CLAIMED:
			out->reserved++;
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

/* ------------------------------------------------------------------- what was, what is */

void calls_summarize(struct call *c, struct call_summary *out)
{
	pthread_mutex_lock(&c->calls->lock);
	call_summarize(c, out);
	pthread_mutex_unlock(&c->calls->lock);
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

/* Agent loop, at the end: the line will serve another call. */
void calls_remember(struct call *c)
{
	struct calls *calls = c->calls;
	struct call_summary call;
	struct call_talk talk;
	bool whole;

	pthread_mutex_lock(&calls->lock);
	c->remembered = true;
	whole = look_at_all(c, &call, &talk);
	if (whole) /* inside: between line and list it would be nowhere */
		ended_calls_keep(&calls->ended, &call, &talk);
	pthread_mutex_unlock(&calls->lock);
	if (!whole)
		return;
	call_tell(
	    c, (struct journal_entry){ .kind = JOURNAL_ENDED, .type = "call.ended", .call = &call, .talk = &talk });
	call_summary_free(&call);
	call_talk_free(&talk);
}

static bool shown_as_line(const struct call *c)
{
	return c->state != LINE_FREE && !c->remembered;
}

void calls_each(struct calls *calls, void (*each)(void *arg, const struct call_summary *call), void *arg)
{
	for (uint32_t i = 0; i < calls->line_count; i++) {
		struct call *c = &calls->lines[i];
		struct call_summary call = { 0 };

		/* Line by line, so that no call's loop waits for the whole list. */
		pthread_mutex_lock(&calls->lock);
		if (shown_as_line(c))
			call_summarize(c, &call);
		pthread_mutex_unlock(&calls->lock);
		if (call.state)
			each(arg, &call);
		call_summary_free(&call);
	}
	ended_calls_each(&calls->ended, each, arg);
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
	return found || ended_calls_one(&calls->ended, call_sid, call, talk) ? 0 : -ENOENT;
}

/* ------------------------------------------------------------------ opening, closing */

static int line_open(struct calls *calls, struct call *c, uint32_t index)
{
	pthread_attr_t attr;
	int err;

	c->calls = calls;
	c->cfg = calls->cfg;
	c->index = index;
	c->caller_bell.fd = c->agent_bell.fd = -1;
	pthread_mutex_init(&c->shown_lock, NULL);
	if ((err = bell_open(&c->caller_bell)) || (err = bell_open(&c->agent_bell)) ||
	    (err = ring_open(&c->from_caller, FROM_CALLER_BYTES)) ||
	    (err = ring_open(&c->to_caller, TO_CALLER_BYTES)) || (err = model_writer_open(&c->writer)))
		return err;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, AGENT_STACK);
	err = -pthread_create(&c->thread, &attr, serve_line, c);
	pthread_attr_destroy(&attr);
	c->running = !err;
	return err;
}

static void line_close(struct call *c)
{
	if (!c->calls)
		return;
	if (c->running) {
		bell_ring(&c->agent_bell);
		pthread_join(c->thread, NULL);
	}
	bell_close(&c->caller_bell);
	bell_close(&c->agent_bell);
	ring_close(&c->from_caller);
	ring_close(&c->to_caller);
	model_writer_close(&c->writer);
	mailbox_empty(&c->mail);
	call_context_free(&c->context); /* of a call that its thread never took up */
	call_talk_free(&c->shown);
	pthread_mutex_destroy(&c->shown_lock);
}

int calls_open(struct calls **out, const struct config *cfg, const struct model_access *access, struct agents *agents,
    struct work *work, struct fleet *fleet, struct recorder *recorder, const struct call_loops *loops)
{
	struct calls *calls = calloc(1, sizeof *calls);
	int err = 0;

	if (!calls)
		return -ENOMEM;
	calls->cfg = cfg;
	calls->access = access;
	calls->agents = agents;
	calls->work = work;
	calls->fleet = fleet;
	calls->recorder = recorder;
	calls->loops = *loops;
	pthread_mutex_init(&calls->lock, NULL);
	calls->line_count = calls_lines(cfg);
	ended_calls_open(&calls->ended);
	/* Aligned: the rings' counters have cache lines of their own. */
	calls->lines = aligned_alloc(_Alignof(struct call), calls->line_count * sizeof *calls->lines);
	if (calls->lines)
		memset(calls->lines, 0, calls->line_count * sizeof *calls->lines);
	if (!calls->lines && !err)
		err = -ENOMEM;
	for (uint32_t i = 0; i < calls->line_count && !err; i++)
		err = line_open(calls, &calls->lines[i], i);
	if (err) {
		calls_close(calls);
		return err;
	}
	*out = calls;
	return 0;
}

void calls_close(struct calls *calls)
{
	if (!calls)
		return;
	if (calls->lines)
		calls_end_all(calls, END_DRAINED);
	atomic_store(&calls->closing, true);
	for (uint32_t i = 0; calls->lines && i < calls->line_count; i++)
		line_close(&calls->lines[i]);
	free(calls->lines);
	ended_calls_close(&calls->ended);
	pthread_mutex_destroy(&calls->lock);
	free(calls);
}
