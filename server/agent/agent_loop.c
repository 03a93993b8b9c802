/* The agent loop: the model's socket, and the conversation.
 *
 * Dials while Twilio is still setting up the stream, configures the session,
 * hands the pen to the caller loop once both sides are there, and from then on
 * reads what the model says. One blocking poll, on the model's socket, the
 * bell and the next deadline.
 */
#include "server/agent/conversation.h"

#include "audio/convert.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/ws_client.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"
#include "server/model/health.h"
#include "server/model/realtime.h"
#include "server/work/tool_call.h"
#include "server/work/tool_list.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DIAL_TRIES = 3,                   /* to have a session before the call is given up */
	DIAL_TOTAL_US = 12 * US_PER_S,    /* no further try after this: a caller is waiting */
	DIAL_PAUSE_US = 300 * US_PER_MS,  /* before the second try; twice that before the third */
	PUBLISH_US = 500 * US_PER_MS,     /* HTTP readers see the conversation this old at most */
	PING_US = 20 * US_PER_S,          /* without a word from the model: ask */
	DEAD_US = 45 * US_PER_S,          /* and without an answer: lost */
	SETTLE_MS = 200,                  /* for the recording to be on the disk */
	LAST_WORDS_US = 900 * US_PER_MS,  /* for transcripts still to come after the end */
	PROTECT_GUARD_US = 15 * US_PER_S, /* a greeting that never begins protects no longer */
	CLOSE_US = 300 * US_PER_MS        /* for the model's Close after ours */
};

/* --------------------------------------------------------------------- small parts */

int64_t agent_at_ms(const struct agent *a, int64_t now_us)
{
	int64_t started = atomic_load_explicit(&a->call->started_us, memory_order_relaxed);

	return started ? (now_us - started) / US_PER_MS : -1;
}

const char *agent_event_id(struct agent *a, const char *kind)
{
	static _Thread_local char id[32];

	snprintf(id, sizeof id, "%s_%" PRIu32, kind, ++a->events_sent);
	return id;
}

void agent_send(struct agent *a)
{
	struct call *c = a->call;
	int err = buf_error(&a->message);

	if (!a->client || call_ended(c)) {
		buf_reset(&a->message);
		return;
	}
	if (err) {
		call_end(c, END_INTERNAL_ERROR);
	} else if (a->pen_ours) {
		if (ws_client_send_text(a->client, buf_text(&a->message), a->message.len))
			agent_model_failed(a, END_MODEL_LOST);
		a->unsent = true;
	} else {
		if (!ring_put(&c->to_model, TO_MODEL_TEXT, buf_text(&a->message), a->message.len))
			agent_model_failed(a, END_MODEL_LOST);
		bell_ring(&c->caller_bell);
	}
	buf_reset(&a->message);
}

void agent_model_failed(struct agent *a, enum call_end why)
{
	if (!a->model_end)
		a->model_end = why;
	if (a->started)
		call_end(a->call, a->model_end);
}

void agent_judge(struct agent *a, enum seq_verdict verdict)
{
	if (verdict == SEQ_RETRIED)
		stat_add(model_retries, 1);
	else if (verdict == SEQ_GIVE_UP)
		agent_model_failed(a, END_MODEL_FAILED);
}

void agent_interrupt(struct agent *a, bool cancel, int64_t now_us)
{
	struct call *c = a->call;
	bool making = seq_busy(&a->seq);
	const char *active = seq_cut(&a->seq, cancel, now_us);

	if (!making && !answers_unfinished(&a->answers))
		return;
	a->greeting_next = false;
	answers_drop(&a->answers, active);
	answers_drop_unfinished(&a->answers);
	if (active[0] && cancel) {
		realtime_response_cancel(&a->message, agent_event_id(a, "cancel"), active);
		agent_send(a);
	}
	a->cut_upto = a->answers.last_no;
	stat_add(turns_interruptions, 1);
	atomic_fetch_add_explicit(&c->counters.cuts, 1, memory_order_relaxed);
	atomic_store_explicit(&c->cut_asked_us, now_us, memory_order_relaxed);
	atomic_store_explicit(&c->stale_to, ring_written(&c->to_caller), memory_order_relaxed);
	/* Release: who sees the new count also sees how far is stale. */
	atomic_fetch_add_explicit(&c->cuts_wanted, 1, memory_order_release);
	bell_ring(&c->caller_bell);
}

/* ------------------------------------------------------------------------- dialling */

static void dial(struct agent *a, int64_t now)
{
	struct call *c = a->call;
	struct model_wish wish = { .profile = c->profile, .instructions = c->brief.instructions, .caller = c->from };
	int err;

	a->retry_us = NEVER_US;
	if (a->attempts++ == 0)
		a->dialled_us = now;
	a->protecting =
	    c->profile->greeting_protect_ms > 0 && !c->brief.said[0] && c->profile->greeting_mode != GREETING_WAIT;
	wish.protect = a->protecting;
	if (!a->tools.len)
		tool_list_put(&a->tools, c->profile);
	wish.tools = buf_text(&a->tools);
	err = model_session_open(&a->session, calls_access(c->calls), &wish, &c->agent_bell, now);
	if (err) {
		log_error(c->tag, "model: cannot dial: %s", strerror(-err));
		agent_model_failed(a, END_INTERNAL_ERROR);
	}
}

static void dial_failed(struct agent *a, int64_t now)
{
	const struct model_failure *failure = model_session_failure(a->session);

	log_warn(a->call->tag, "model: attempt %d failed: %s", a->attempts, failure->text);
	model_health_failed(failure);
	if (failure->permanent)
		agent_model_failed(a, END_MODEL_REFUSED);
	else if (a->attempts >= DIAL_TRIES || now >= a->dialled_us + DIAL_TOTAL_US)
		agent_model_failed(a, END_MODEL_UNREACHABLE);
	else
		a->retry_us = now + a->attempts * DIAL_PAUSE_US;
	model_session_close(a->session);
	a->session = NULL;
}

static void session_ready(struct agent *a, int64_t now)
{
	struct call *c = a->call;
	int64_t connect_ms = model_session_connect_ms(a->session);

	a->client = c->client = model_session_client(a->session);
	a->heard_us = a->pinged_us = now;
	model_health_ok(connect_ms);
	if (model_session_resumed(a->session))
		stat_add(model_resumed, 1);
	a->timeline.dirty = true;
	log_info(c->tag, "model ready; session=%s connect_ms=%" PRId64 " resumed=%d", model_session_id(a->session),
	    connect_ms, model_session_resumed(a->session));
}

static void step_session(struct agent *a, int64_t now)
{
	int done;

	if (!a->session && now >= a->retry_us && !a->model_end)
		dial(a, now);
	if (!a->session || a->client)
		return;
	done = model_session_step(a->session, now);
	if (done < 0)
		dial_failed(a, now);
	else if (done > 0)
		session_ready(a, now);
}

/* -------------------------------------------------------------------------- talking */

/* Asks for an answer if one is owed and none is being made. */
static void answer_if_due(struct agent *a, int64_t now)
{
	const char *id;

	if (!a->client || !a->started)
		return;
	if (!a->greeted) {
		a->greeted = true;
		if (agent_recall(a))
			seq_want(&a->seq, true, now);
		else
			a->greeting_next = a->call->profile->greeting_mode != GREETING_WAIT;
		if (a->greeting_next)
			seq_want(&a->seq, false, now);
	}
	agent_say_cue(a, now);
	if (!seq_ready(&a->seq, now))
		return;
	id = agent_event_id(a, "say");
	seq_sent(&a->seq, id, now);
	if (a->greeting_next) {
		realtime_greeting(&a->message, id, a->call->brief.instructions, a->call->brief.greeting,
		    a->call->profile->greeting_mode == GREETING_EXACT);
		a->protect_until_us = now + PROTECT_GUARD_US;
	} else {
		realtime_response_create(&a->message, id, NULL, false);
	}
	a->greeting_next = false;
	agent_send(a);
}

/* While the pen is ours, what is unsent is ours to send; once everything is
 * out and the caller is there, the caller loop gets the pen. */
static void flush_or_pass_pen(struct agent *a)
{
	struct call *c = a->call;
	int err;

	if (!a->client || !a->pen_ours)
		return;
	if (a->unsent) {
		err = ws_client_flush(a->client);
		if (err && err != -EAGAIN) {
			agent_model_failed(a, END_MODEL_LOST);
			return;
		}
		a->unsent = err == -EAGAIN;
	}
	if (a->unsent || !a->started || a->left || call_ended(c))
		return;
	a->pen_ours = false;
	/* Release: pairs with the caller loop's acquire; it sees our last write. */
	atomic_store_explicit(&c->pen, PEN_CALLER, memory_order_release);
	bell_ring(&c->caller_bell);
}

/* The caller loop gives the pen back when it leaves, or could not write. */
static void take_pen_back(struct agent *a)
{
	struct call *c = a->call;

	/* Acquire: pairs with the release in give_pen_back (uplink.c). */
	if (a->pen_ours || atomic_load_explicit(&c->pen, memory_order_acquire) != PEN_AGENT)
		return;
	a->pen_ours = true;
	a->unsent = true; /* the caller loop may have left something unsent */
	if (atomic_load_explicit(&c->pen_broken, memory_order_relaxed))
		agent_model_failed(a, END_MODEL_LOST);
}

static void ping_if_quiet(struct agent *a, int64_t now)
{
	if (!a->client || a->model_end)
		return;
	if (now >= a->heard_us + DEAD_US) {
		log_warn(a->call->tag, "model: no sign of life");
		stat_model_error("connection", "silent");
		agent_model_failed(a, END_MODEL_LOST);
		return;
	}
	if (now < a->heard_us + PING_US || now < a->pinged_us + PING_US)
		return;
	a->pinged_us = now;
	if (a->pen_ours) {
		ws_client_send_ping(a->client);
		a->unsent = true;
	} else {
		ring_put(&a->call->to_model, TO_MODEL_PING, NULL, 0);
		bell_ring(&a->call->caller_bell);
	}
}

static int64_t idle_deadline(const struct agent *a)
{
	int seconds = a->call->profile->idle_seconds;

	if (!seconds || !a->started || a->speaking || a->parting.state || a->seq.active[0] ||
	    answers_unfinished(&a->answers))
		return NEVER_US;
	return a->last_voice_us + (int64_t)seconds * US_PER_S;
}

/* A cue that came to nothing is asked for again by its own words. */
static void tend_cues(struct agent *a, const char *was_active, enum seq_verdict verdict, bool wanted)
{
	bool ours;

	if (was_active[0])
		ours = !a->seq.active[0] && cues_done(&a->cues, was_active, verdict != SEQ_FINE, true) != CUE_NOT_OURS;
	else
		ours = !a->seq.sent[0] && cues_lost(&a->cues);
	if (ours && !wanted)
		seq_unwant(&a->seq);
}

/* What the clock brings. */
static void tick(struct agent *a, int64_t now)
{
	char active[SEQ_ID_SIZE];
	enum seq_verdict verdict;
	bool wanted = a->seq.wanted;

	memcpy(active, a->seq.active, sizeof active);
	verdict = seq_tick(&a->seq, now);
	tend_cues(a, active, verdict, wanted);
	if (verdict != SEQ_FINE) {
		log_warn(a->call->tag, "model: %s", active[0] ? "an answer stopped in the middle" : "no answer came");
		if (active[0]) {
			agent_tools_made(a, active, now);
			answers_drop(&a->answers, active);
			realtime_response_cancel(&a->message, agent_event_id(a, "cancel"), active);
			agent_send(a);
		}
		agent_judge(a, verdict);
	}
	if (a->client && now >= a->digits_due_us)
		agent_finish_digits(a, now);
	if (a->client && a->protecting && now >= a->protect_until_us)
		agent_end_protection(a, now);
	if (now >= idle_deadline(a))
		call_end(a->call, END_IDLE);
	agent_mind_cost(a, now);
	agent_tend_tools(a, now);
	agent_part_if_due(a, now);
	ping_if_quiet(a, now);
}

/* ------------------------------------------------------------------- what others see */

static void publish(struct agent *a, int64_t now, bool wait)
{
	struct call *c = a->call;
	struct buf *out = &c->shown;
	size_t before;

	if ((!a->timeline.dirty && !a->toolbox.dirty) || (!wait && now < a->published_us + PUBLISH_US))
		return;
	if (wait)
		pthread_mutex_lock(&c->shown_lock);
	else if (pthread_mutex_trylock(&c->shown_lock)) {
		a->published_us = now; /* a reader is copying it; next time */
		return;
	}
	buf_reset(out);
	buf_puts(out, "\"model_session_id\":");
	json_put_cstring(out, a->session ? model_session_id(a->session) : NULL);
	buf_puts(out, ",\"turns\":");
	before = timeline_put_json(&a->timeline, out);
	buf_printf(out, ",\"turns_before\":%zu,\"tools\":", before);
	toolbox_put_json(&a->toolbox, out);
	buf_printf(out, ",\"turns_dropped\":%" PRIu64 ",\"text_dropped\":%" PRIu64, a->timeline.turns_dropped,
	    a->timeline.text_dropped);
	pthread_mutex_unlock(&c->shown_lock);
	a->published_us = now;
}

/* -------------------------------------------------------------------------- the loop */

static int64_t earlier(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

static int64_t deadline(const struct agent *a, int64_t now_us)
{
	int64_t due = NEVER_US;

	if (a->more_to_read)
		return 0;
	if (a->client && !a->model_end) {
		due = earlier(
		    a->digits_due_us, a->heard_us > a->pinged_us ? a->heard_us + PING_US : a->pinged_us + PING_US);
		due = earlier(due, a->heard_us + DEAD_US);
		if (a->started)
			due = earlier(due, seq_deadline_us(&a->seq));
		if (a->protecting)
			due = earlier(due, a->protect_until_us);
		due = earlier(due, agent_cue_deadline_us(a, now_us));
		due = earlier(due, agent_tools_deadline_us(a, now_us));
	}
	if (a->session && !a->client)
		due = earlier(due, model_session_deadline_us(a->session));
	if (!a->session && !a->model_end)
		due = earlier(due, a->retry_us);
	due = earlier(due, parting_deadline_us(&a->parting));
	if (a->timeline.dirty || a->toolbox.dirty)
		due = earlier(due, a->published_us + PUBLISH_US);
	return earlier(due, idle_deadline(a));
}

static void wait_for_something(struct agent *a, int64_t due)
{
	struct pollfd fds[2] = { { .fd = a->call->agent_bell.fd, .events = POLLIN }, { .fd = -1 } };

	if (a->client && !a->model_end) {
		fds[1].fd = ws_client_fd(a->client);
		fds[1].events = a->pen_ours && a->unsent ? POLLIN | POLLOUT : POLLIN;
	} else if (a->session && !a->client) {
		fds[1].fd = model_session_fd(a->session);
		fds[1].events = model_session_events(a->session);
	}
	poll(fds, 2, clock_poll_ms(clock_now_us(), due));
	/* Before we look: a ring after this is heard at the next poll. */
	if (fds[0].revents)
		bell_clear(&a->call->agent_bell);
}

static void talk(struct agent *a)
{
	int64_t now = clock_now_us();

	while (!call_ended(a->call)) {
		step_session(a, now);
		if (a->client && !a->model_end)
			agent_read_model(a, now);
		agent_take_records(a, now);
		agent_take_mail(a, now);
		take_pen_back(a);
		/* The greeting before keys pressed while the model was away. */
		answer_if_due(a, now);
		tick(a, now);
		answer_if_due(a, now);
		flush_or_pass_pen(a);
		publish(a, now, false);
		agent_tell_turns(a);
		wait_for_something(a, deadline(a, now));
		now = clock_now_us();
	}
}

static bool words_to_come(const struct agent *a)
{
	return a->call->profile->transcription_model[0] && timeline_untranscribed(&a->timeline);
}

/* After the end: until the caller loop has left (it will: it heard the same
 * bell), then a moment for transcripts still to come. */
static void hear_last_words(struct agent *a)
{
	int64_t until = clock_now_us() + LAST_WORDS_US, now;
	bool bound = calls_bound(a->call);

	for (;;) {
		now = clock_now_us();
		if (a->client && !a->model_end)
			agent_read_model(a, now);
		agent_take_records(a, now);
		take_pen_back(a);
		flush_or_pass_pen(a); /* or poll tells for ever that we may write */
		if (bound && (!a->left || !a->pen_ours)) {
			wait_for_something(a, now + US_PER_S);
			continue;
		}
		if (!a->client || a->model_end || !words_to_come(a) || now >= until)
			return;
		wait_for_something(a, a->more_to_read ? 0 : until);
	}
}

/* Our Close, then what the model still sends, until its own. */
static void close_session(struct agent *a)
{
	int64_t until = clock_now_us() + CLOSE_US;
	struct ws_message m;
	bool ignored = false;

	if (!a->client || a->model_end)
		return;
	ws_client_send_close(a->client, WS_CLOSE_NORMAL);
	for (;;) {
		struct pollfd fd = { .fd = ws_client_fd(a->client), .events = POLLIN };
		int64_t now = clock_now_us();
		int err = ws_client_flush(a->client);
		int got;

		if ((err && err != -EAGAIN) || now >= until)
			return;
		if (err)
			fd.events |= POLLOUT;
		while ((got = ws_client_read(a->client, &m, &ignored)) > 0 && clock_now_us() < until)
			;
		if (got < 0)
			return;
		poll(&fd, 1, clock_poll_ms(now, until));
	}
}

static void agent_open(struct agent *a, struct call *c)
{
	memset(a, 0, sizeof *a);
	a->call = c;
	a->pen_ours = true;
	a->retry_us = 0;
	a->digits_due_us = a->protect_until_us = NEVER_US;
	buf_init(&a->audio, 0);
	buf_init(&a->message, 0);
	buf_init(&a->tools, 0);
	seq_init(&a->seq);
	answers_init(&a->answers);
	timeline_init(&a->timeline);
	a->timeline.dirty = true;
	if (c->cfg->audio_format != AUDIO_PCMU &&
	    converter_open(&a->converter, (enum convert_format)c->cfg->audio_format))
		call_end(c, END_INTERNAL_ERROR);
}

static void agent_close(struct agent *a)
{
	a->call->client = NULL;
	model_session_close(a->session);
	converter_close(a->converter);
	free(a->converted);
	buf_free(&a->audio);
	buf_free(&a->message);
	cues_free(&a->cues);
	toolbox_free(&a->toolbox);
	tool_cancel_release(a->cancel);
	if (a->tools.data)
		explicit_bzero(a->tools.data, a->tools.cap);
	buf_free(&a->tools);
	timeline_free(&a->timeline);
}

static void log_end(struct agent *a)
{
	struct call *c = a->call;
	const struct call_ending *ending = call_ending(call_ended(c));
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_relaxed);
	int64_t ended = atomic_load_explicit(&c->ended_us, memory_order_relaxed);
	double seconds = started ? (double)(ended - started) / US_PER_S : 0;

	log_write(ending->fault ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, c->tag,
	    "call ended: %s; seconds=%.1f turns=%zu cuts=%" PRIu64 " dropped_ms=%" PRIu64 " underruns=%" PRIu64,
	    ending->text, seconds, a->timeline.count, atomic_load(&c->counters.cuts),
	    atomic_load(&c->counters.dropped_ms), atomic_load(&c->counters.underruns));
}

void agent_loop(struct call *c)
{
	struct agent a;

	agent_open(&a, c);
	talk(&a);
	agent_tools_cancel(&a);
	hear_last_words(&a);
	a.timeline.dirty = true;
	/* So that the record of the call says how its recording ended. The disk has
	 * a moment for that, no more. */
	recording_settle(atomic_load_explicit(&c->recording, memory_order_acquire), SETTLE_MS);
	a.minded_us = 0;
	agent_mind_cost(&a, clock_now_us());
	publish(&a, clock_now_us(), true);
	agent_tell_turns(&a);
	log_end(&a);
	calls_remember(c);
	close_session(&a);
	agent_close(&a);
}
