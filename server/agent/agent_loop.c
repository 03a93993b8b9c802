/* The agent loop: the model's socket, and the conversation.
 *
 * Dials while Twilio is still setting up the stream, configures the session,
 * hands the model writer to the caller loop once both sides are there, and from then on
 * reads what the model says. One blocking poll, on the model's socket, the
 * bell and the next deadline.
 */
#include "server/agent/agent_loop.h"

#include "audio/convert.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/ws_client.h"
#include "server/agent/conversation.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"
#include "server/model/health.h"
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
	PING_US = 20 * US_PER_S,          /* without a word from the model: ask */
	DEAD_US = 45 * US_PER_S,          /* and without an answer: lost */
	SETTLE_MS = 200,                  /* for the recording to be on the disk */
	LAST_WORDS_US = 900 * US_PER_MS,  /* for transcripts still to come after the end */
	PROTECT_GUARD_US = 15 * US_PER_S, /* a greeting that never begins protects no longer */
	CLOSE_US = 300 * US_PER_MS        /* for the model's Close after ours */
};

/* --------------------------------------------------------------------- small parts */

int64_t conversation_at_ms(const struct conversation *con, int64_t now_us)
{
	int64_t started = atomic_load_explicit(&con->call->started_us, memory_order_relaxed);

	return started ? (now_us - started) / US_PER_MS : -1;
}

const char *conversation_next_id(struct conversation *con, enum model_request request)
{
	static _Thread_local char id[MODEL_REQUEST_ID_SIZE];

	model_request_id(request, ++con->events_sent, id);
	return id;
}

void conversation_cancel(struct conversation *con, const char *response_id)
{
	if (!con->protocol->can_cancel)
		return;
	con->protocol->cancel(&con->message, conversation_next_id(con, MODEL_REQUEST_CANCEL), response_id);
	conversation_send(con);
}

void conversation_send(struct conversation *con)
{
	struct call *c = con->call;
	int err = buf_error(&con->message);

	if (!con->client || call_ended(c)) {
		buf_reset(&con->message);
		return;
	}
	if (err) {
		call_end(c, END_INTERNAL_ERROR);
	} else if (con->writer_is_ours) {
		if (ws_client_send_text(con->client, buf_text(&con->message), con->message.len))
			conversation_model_failed(con, END_MODEL_LOST);
		con->unsent = true;
	} else {
		if (!ring_put(&c->to_model, TO_MODEL_TEXT, buf_text(&con->message), con->message.len))
			conversation_model_failed(con, END_MODEL_LOST);
		bell_ring(&c->caller_bell);
	}
	buf_reset(&con->message);
}

void conversation_model_failed(struct conversation *con, enum call_end why)
{
	if (!con->model_end)
		con->model_end = why;
	if (con->started)
		call_end(con->call, con->model_end);
}

void conversation_judge(struct conversation *con, enum seq_verdict verdict)
{
	if (verdict == SEQ_RETRIED)
		stat_add(model_retries, 1);
	else if (verdict == SEQ_GIVE_UP)
		conversation_model_failed(con, END_MODEL_FAILED);
}

void conversation_interrupt(struct conversation *con, bool cancel, int64_t now_us)
{
	struct call *c = con->call;
	bool making = seq_busy(&con->seq);
	const char *active = seq_cut(&con->seq, cancel, now_us);

	if (!making && !answers_unfinished(&con->answers))
		return;
	con->greeting_next = false;
	answers_drop(&con->answers, active);
	answers_drop_unfinished(&con->answers);
	if (active[0] && cancel)
		conversation_cancel(con, active);
	con->cut_upto = con->answers.last_no;
	stat_add(turns_interruptions, 1);
	atomic_fetch_add_explicit(&c->counters.cuts, 1, memory_order_relaxed);
	atomic_store_explicit(&c->cut_asked_us, now_us, memory_order_relaxed);
	atomic_store_explicit(&c->stale_to, ring_written(&c->to_caller), memory_order_relaxed);
	/* Release: who sees the new count also sees how far is stale. */
	atomic_fetch_add_explicit(&c->cuts_wanted, 1, memory_order_release);
	bell_ring(&c->caller_bell);
}

/* ------------------------------------------------------------------------- dialling */

static void dial(struct conversation *con, int64_t now)
{
	struct call *c = con->call;
	struct model_wish wish = { .agent = c->agent, .instructions = c->context.instructions, .caller = c->from };
	int err;

	con->retry_us = NEVER_US;
	if (con->attempts++ == 0)
		con->dialled_us = now;
	con->protecting =
	    c->agent->greeting_protect_ms > 0 && !c->context.said[0] && c->agent->greeting_mode != GREETING_WAIT;
	wish.protect = con->protecting;
	if (!con->tools.len)
		tool_list_put(&con->tools, c->agent);
	wish.tools = buf_text(&con->tools);
	err = model_session_open(&con->session, calls_access(c->calls), &wish, &c->agent_bell, now);
	if (err) {
		log_error(c->tag, "model: cannot dial: %s", strerror(-err));
		conversation_model_failed(con, END_INTERNAL_ERROR);
	}
}

static void dial_failed(struct conversation *con, int64_t now)
{
	const struct model_failure *failure = model_session_failure(con->session);

	log_warn(con->call->tag, "model: attempt %d failed: %s", con->attempts, failure->text);
	model_health_failed(failure);
	if (failure->permanent)
		conversation_model_failed(con, END_MODEL_REFUSED);
	else if (con->attempts >= DIAL_TRIES || now >= con->dialled_us + DIAL_TOTAL_US)
		conversation_model_failed(con, END_MODEL_UNREACHABLE);
	else
		con->retry_us = now + con->attempts * DIAL_PAUSE_US;
	model_session_close(con->session);
	con->session = NULL;
}

static void session_ready(struct conversation *con, int64_t now)
{
	struct call *c = con->call;
	int64_t connect_ms = model_session_connect_ms(con->session);

	con->client = c->client = model_session_client(con->session);
	con->heard_us = con->pinged_us = now;
	model_health_ok(connect_ms);
	if (model_session_resumed(con->session))
		stat_add(model_resumed, 1);
	con->timeline.dirty = true;
	log_info(c->tag, "model ready; session=%s connect_ms=%" PRId64 " resumed=%d", model_session_id(con->session),
	    connect_ms, model_session_resumed(con->session));
}

static void step_session(struct conversation *con, int64_t now)
{
	int done;

	if (!con->session && now >= con->retry_us && !con->model_end)
		dial(con, now);
	if (!con->session || con->client)
		return;
	done = model_session_step(con->session, now);
	if (done < 0)
		dial_failed(con, now);
	else if (done > 0)
		session_ready(con, now);
}

/* -------------------------------------------------------------------------- talking */

/* Asks for an answer if one is owed and none is being made. */
static void answer_if_due(struct conversation *con, int64_t now)
{
	const char *id;

	if (!con->client || !con->started)
		return;
	if (!con->greeted) {
		con->greeted = true;
		if (conversation_recall(con))
			seq_want(&con->seq, true, now);
		else
			con->greeting_next = con->call->agent->greeting_mode != GREETING_WAIT;
		if (con->greeting_next)
			seq_want(&con->seq, false, now);
	}
	conversation_say_cue(con, now);
	if (!seq_ready(&con->seq, now))
		return;
	id = conversation_next_id(con, MODEL_REQUEST_ANSWER);
	seq_sent(&con->seq, id, now);
	if (con->greeting_next) {
		con->protocol->greet(&con->message, id, con->call->context.instructions, con->call->context.greeting,
		    con->call->agent->greeting_mode == GREETING_EXACT);
		con->protect_until_us = now + PROTECT_GUARD_US;
	} else {
		con->protocol->ask(&con->message, id);
	}
	con->greeting_next = false;
	conversation_send(con);
}

/* While the model writer is ours, what is unsent is ours to send; once everything is
 * out and the caller is there, the caller loop gets the model writer. */
static void flush_or_pass_writer(struct conversation *con)
{
	struct call *c = con->call;
	int err;

	if (!con->client || !con->writer_is_ours)
		return;
	if (con->unsent) {
		err = ws_client_flush(con->client);
		if (err && err != -EAGAIN) {
			conversation_model_failed(con, END_MODEL_LOST);
			return;
		}
		con->unsent = err == -EAGAIN;
	}
	if (con->unsent || !con->started || con->left || call_ended(c))
		return;
	con->writer_is_ours = false;
	/* Release: pairs with the caller loop's acquire; it sees our last write. */
	atomic_store_explicit(&c->model_writer, WRITER_CALLER, memory_order_release);
	bell_ring(&c->caller_bell);
}

/* The caller loop gives the model writer back when it leaves, or could not write. */
static void take_writer_back(struct conversation *con)
{
	struct call *c = con->call;

	/* Acquire: pairs with the release in give_writer_back (uplink.c). */
	if (con->writer_is_ours || atomic_load_explicit(&c->model_writer, memory_order_acquire) != WRITER_AGENT)
		return;
	con->writer_is_ours = true;
	con->unsent = true; /* the caller loop may have left something unsent */
	if (atomic_load_explicit(&c->writer_failed, memory_order_relaxed))
		conversation_model_failed(con, END_MODEL_LOST);
}

static void ping_if_quiet(struct conversation *con, int64_t now)
{
	if (!con->client || con->model_end)
		return;
	if (now >= con->heard_us + DEAD_US) {
		log_warn(con->call->tag, "model: no sign of life");
		stat_model_error("connection", "silent");
		conversation_model_failed(con, END_MODEL_LOST);
		return;
	}
	if (now < con->heard_us + PING_US || now < con->pinged_us + PING_US)
		return;
	con->pinged_us = now;
	if (con->writer_is_ours) {
		ws_client_send_ping(con->client);
		con->unsent = true;
	} else {
		ring_put(&con->call->to_model, TO_MODEL_PING, NULL, 0);
		bell_ring(&con->call->caller_bell);
	}
}

static int64_t idle_deadline(const struct conversation *con)
{
	int seconds = con->call->agent->idle_seconds;

	if (!seconds || !con->started || con->speaking || con->farewell.state || con->seq.active[0] ||
	    answers_unfinished(&con->answers))
		return NEVER_US;
	return con->last_voice_us + (int64_t)seconds * US_PER_S;
}

/* A cue that came to nothing is asked for again by its own words. */
static void tend_cues(struct conversation *con, const char *was_active, enum seq_verdict verdict, bool wanted)
{
	bool ours;

	if (was_active[0])
		ours =
		    !con->seq.active[0] && cues_done(&con->cues, was_active, verdict != SEQ_FINE, true) != CUE_NOT_OURS;
	else
		ours = !con->seq.sent[0] && cues_lost(&con->cues);
	if (ours && !wanted)
		seq_unwant(&con->seq);
}

/* What the clock brings. */
static void tick(struct conversation *con, int64_t now)
{
	char active[SEQ_ID_SIZE];
	enum seq_verdict verdict;
	bool wanted = con->seq.wanted;

	memcpy(active, con->seq.active, sizeof active);
	verdict = seq_tick(&con->seq, now);
	tend_cues(con, active, verdict, wanted);
	if (verdict != SEQ_FINE) {
		log_warn(con->call->tag, "model: %s", active[0] ? "an answer stopped in the middle" : "no answer came");
		if (active[0]) {
			conversation_tools_made(con, active, now);
			answers_drop(&con->answers, active);
			conversation_cancel(con, active);
		}
		conversation_judge(con, verdict);
	}
	if (con->client && now >= con->digits_due_us)
		conversation_finish_digits(con, now);
	if (con->client && con->protecting && now >= con->protect_until_us)
		conversation_end_protection(con, now);
	if (now >= idle_deadline(con))
		call_end(con->call, END_IDLE);
	conversation_mind_cost(con, now);
	conversation_tend_tools(con, now);
	conversation_part_if_due(con, now);
	ping_if_quiet(con, now);
}

/* -------------------------------------------------------------------------- the loop */

static int64_t earlier(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

static int64_t deadline(const struct conversation *con, int64_t now_us)
{
	int64_t due = NEVER_US;

	if (con->more_to_read)
		return 0;
	if (con->client && !con->model_end) {
		due = earlier(con->digits_due_us,
		    con->heard_us > con->pinged_us ? con->heard_us + PING_US : con->pinged_us + PING_US);
		due = earlier(due, con->heard_us + DEAD_US);
		if (con->started)
			due = earlier(due, seq_deadline_us(&con->seq));
		if (con->protecting)
			due = earlier(due, con->protect_until_us);
		due = earlier(due, conversation_cue_deadline_us(con, now_us));
		due = earlier(due, conversation_tools_deadline_us(con, now_us));
	}
	if (con->session && !con->client)
		due = earlier(due, model_session_deadline_us(con->session));
	if (!con->session && !con->model_end)
		due = earlier(due, con->retry_us);
	due = earlier(due, farewell_deadline_us(&con->farewell));
	due = earlier(due, conversation_publish_us(con));
	return earlier(due, idle_deadline(con));
}

static void wait_for_something(struct conversation *con, int64_t due)
{
	struct pollfd fds[2] = { { .fd = con->call->agent_bell.fd, .events = POLLIN }, { .fd = -1 } };

	if (con->client && !con->model_end) {
		fds[1].fd = ws_client_fd(con->client);
		fds[1].events = con->writer_is_ours && con->unsent ? POLLIN | POLLOUT : POLLIN;
	} else if (con->session && !con->client) {
		fds[1].fd = model_session_fd(con->session);
		fds[1].events = model_session_events(con->session);
	}
	poll(fds, 2, clock_poll_ms(clock_now_us(), due));
	/* Before we look: a ring after this is heard at the next poll. */
	if (fds[0].revents)
		bell_clear(&con->call->agent_bell);
}

static void talk(struct conversation *con)
{
	int64_t now = clock_now_us();

	while (!call_ended(con->call)) {
		step_session(con, now);
		if (con->client && !con->model_end)
			conversation_read_model(con, now);
		conversation_take_messages(con, now);
		conversation_take_mail(con, now);
		take_writer_back(con);
		/* The greeting before keys pressed while the model was away. */
		answer_if_due(con, now);
		tick(con, now);
		answer_if_due(con, now);
		flush_or_pass_writer(con);
		conversation_publish(con, false, now);
		conversation_tell_turns(con);
		wait_for_something(con, deadline(con, now));
		now = clock_now_us();
	}
}

static bool words_to_come(const struct conversation *con)
{
	return con->call->agent->transcription_model[0] && timeline_untranscribed(&con->timeline);
}

/* After the end: until the caller loop has left (it will: it heard the same
 * bell), then a moment for transcripts still to come. */
static void hear_last_words(struct conversation *con)
{
	int64_t until = clock_now_us() + LAST_WORDS_US, now;
	bool bound = calls_bound(con->call);

	for (;;) {
		now = clock_now_us();
		if (con->client && !con->model_end)
			conversation_read_model(con, now);
		conversation_take_messages(con, now);
		take_writer_back(con);
		flush_or_pass_writer(con); /* or poll tells for ever that we may write */
		if (bound && (!con->left || !con->writer_is_ours)) {
			wait_for_something(con, now + US_PER_S);
			continue;
		}
		if (!con->client || con->model_end || !words_to_come(con) || now >= until)
			return;
		wait_for_something(con, con->more_to_read ? 0 : until);
	}
}

/* Our Close, then what the model still sends, until its own. */
static void close_session(struct conversation *con)
{
	int64_t until = clock_now_us() + CLOSE_US;
	struct ws_message m;
	bool ignored = false;

	if (!con->client || con->model_end)
		return;
	ws_client_send_close(con->client, WS_CLOSE_NORMAL);
	for (;;) {
		struct pollfd fd = { .fd = ws_client_fd(con->client), .events = POLLIN };
		int64_t now = clock_now_us();
		int err = ws_client_flush(con->client);
		int got;

		if ((err && err != -EAGAIN) || now >= until)
			return;
		if (err)
			fd.events |= POLLOUT;
		while ((got = ws_client_read(con->client, &m, &ignored)) > 0 && clock_now_us() < until)
			;
		if (got < 0)
			return;
		poll(&fd, 1, clock_poll_ms(now, until));
	}
}

static void conversation_open(struct conversation *con, struct call *c)
{
	memset(con, 0, sizeof *con);
	con->call = c;
	con->protocol = calls_access(c->calls)->protocol;
	con->writer_is_ours = true;
	con->retry_us = 0;
	con->digits_due_us = con->protect_until_us = NEVER_US;
	buf_init(&con->audio, 0);
	buf_init(&con->message, 0);
	buf_init(&con->tools, 0);
	seq_init(&con->seq);
	answers_init(&con->answers);
	timeline_init(&con->timeline);
	con->timeline.dirty = true;
	if (c->cfg->audio_format != AUDIO_PCMU &&
	    converter_open(&con->converter, (enum convert_format)c->cfg->audio_format))
		call_end(c, END_INTERNAL_ERROR);
}

static void conversation_close(struct conversation *con)
{
	con->call->client = NULL;
	model_session_close(con->session);
	converter_close(con->converter);
	free(con->converted);
	buf_free(&con->audio);
	buf_free(&con->message);
	cues_free(&con->cues);
	toolbox_free(&con->toolbox);
	tool_cancel_release(con->cancel);
	if (con->tools.data)
		explicit_bzero(con->tools.data, con->tools.cap);
	buf_free(&con->tools);
	timeline_free(&con->timeline);
}

static void log_end(struct conversation *con)
{
	struct call *c = con->call;
	const struct call_ending *ending = call_ending(call_ended(c));
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_relaxed);
	int64_t ended = atomic_load_explicit(&c->ended_us, memory_order_relaxed);
	double seconds = started ? (double)(ended - started) / US_PER_S : 0;

	log_write(ending->fault ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, c->tag,
	    "call ended: %s; seconds=%.1f turns=%zu cuts=%" PRIu64 " dropped_ms=%" PRIu64 " underruns=%" PRIu64,
	    ending->text, seconds, con->timeline.count, atomic_load(&c->counters.cuts),
	    atomic_load(&c->counters.dropped_ms), atomic_load(&c->counters.underruns));
}

void agent_loop(struct call *c)
{
	struct conversation con;

	conversation_open(&con, c);
	talk(&con);
	conversation_tools_cancel(&con);
	hear_last_words(&con);
	con.timeline.dirty = true;
	/* So that the record of the call says how its recording ended. The disk has
	 * a moment for that, no more. */
	recording_settle(atomic_load_explicit(&c->recording, memory_order_acquire), SETTLE_MS);
	con.minded_us = 0;
	conversation_mind_cost(&con, clock_now_us());
	conversation_publish(&con, true, clock_now_us());
	conversation_tell_turns(&con);
	log_end(&con);
	calls_remember(c);
	close_session(&con);
	conversation_close(&con);
}
