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
#include "server/agent/conversation_private.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"
#include "server/work/tool_call.h"
#include "server/work/tool_list.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SETTLE_MS = 200,                 /* for the recording to be on the disk */
	LAST_WORDS_US = 900 * US_PER_MS, /* for transcripts still to come after the end */
	PROTECT_GUARD_US = 15 * US_PER_S /* a greeting that never begins protects no longer */
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

	model_request_id(request, ++con->requests_sent, id);
	return id;
}

void conversation_cancel(struct conversation *con, const char *response_id)
{
	if (!con->link.protocol->can_cancel)
		return;
	con->link.protocol->cancel(&con->message, conversation_next_id(con, MODEL_REQUEST_CANCEL), response_id);
	conversation_send(con);
}

void conversation_mind_link(struct conversation *con)
{
	if (con->link.state == LINK_GONE && con->started)
		call_end(con->call, con->link.why);
}

void conversation_send(struct conversation *con)
{
	if (!link_talks(&con->link) || call_ended(con->call)) {
		buf_reset(&con->message);
		return;
	}
	if (buf_error(&con->message)) {
		call_end(con->call, END_INTERNAL_ERROR);
	} else {
		link_send(&con->link, buf_text(&con->message), con->message.len);
		conversation_mind_link(con);
	}
	buf_reset(&con->message);
}

void conversation_model_failed(struct conversation *con, enum call_end why)
{
	link_give_up(&con->link, why);
	conversation_mind_link(con);
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

/* --------------------------------------------------------------------- the session */

/* A session is ready. The first has nothing to be told: who is back from a transfer
 * is told of once the caller is there. */
static void meet_session(struct conversation *con)
{
	if (converter_switch(&con->converter, con->link.access->format))
		call_end(con->call, END_INTERNAL_ERROR);
	if (con->converter)
		converter_reset_to_caller(con->converter);
	con->timeline.dirty = true;
	link_replayed(&con->link);
}

/* What it told comes before anything else: so the rest of the turn knows it. */
static void hear_model(struct conversation *con, int64_t now)
{
	link_step(&con->link, now);
	if (con->link.state == LINK_REPLAYING)
		meet_session(con);
	link_read(&con->link, conversation_model_told, con, now);
	conversation_mind_link(con);
}

/* -------------------------------------------------------------------------- talking */

/* Asks for an answer if one is owed and none is being made. */
static void answer_if_due(struct conversation *con, int64_t now)
{
	const char *id;

	if (!link_talks(&con->link) || !con->started)
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
		con->link.protocol->greet(&con->message, id, con->call->context.instructions,
		    con->call->context.greeting, con->call->agent->greeting_mode == GREETING_EXACT);
		con->protect_until_us = now + PROTECT_GUARD_US;
	} else {
		con->link.protocol->ask(&con->message, id);
	}
	con->greeting_next = false;
	conversation_send(con);
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
	if (link_talks(&con->link) && now >= con->digits_due_us)
		conversation_finish_digits(con, now);
	if (link_talks(&con->link) && con->protecting && now >= con->protect_until_us)
		conversation_end_protection(con, now);
	if (now >= idle_deadline(con))
		call_end(con->call, END_IDLE);
	conversation_mind_cost(con, now);
	conversation_tend_tools(con, now);
	conversation_part_if_due(con, now);
	link_ping(&con->link, now);
	conversation_mind_link(con);
}

/* -------------------------------------------------------------------------- the loop */

static int64_t earlier(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

static int64_t deadline(const struct conversation *con, int64_t now_us)
{
	int64_t due = link_deadline_us(&con->link);

	if (link_talks(&con->link)) {
		due = earlier(due, con->digits_due_us);
		if (con->started)
			due = earlier(due, seq_deadline_us(&con->seq));
		if (con->protecting)
			due = earlier(due, con->protect_until_us);
		due = earlier(due, conversation_cue_deadline_us(con, now_us));
		due = earlier(due, conversation_tools_deadline_us(con, now_us));
	}
	due = earlier(due, farewell_deadline_us(&con->farewell));
	due = earlier(due, conversation_publish_us(con));
	return earlier(due, idle_deadline(con));
}

static void wait_for_something(struct conversation *con, int64_t due)
{
	struct pollfd fds[1 + LINK_FDS] = { { .fd = con->call->agent_bell.fd, .events = POLLIN } };

	link_fds(&con->link, fds + 1);
	poll(fds, 1 + LINK_FDS, clock_poll_ms(clock_now_us(), due));
	/* Before we look: a ring after this is heard at the next poll. */
	if (fds[0].revents)
		bell_clear(&con->call->agent_bell);
}

static void take_writer_back(struct conversation *con)
{
	link_take_writer(&con->link);
	conversation_mind_link(con);
}

static void flush_or_pass_writer(struct conversation *con)
{
	link_flush(&con->link);
	conversation_mind_link(con);
	if (con->started && !con->left && !call_ended(con->call))
		link_pass_writer(&con->link);
}

/* From the first dialling to the end of the call. A turn looks at everything at one
 * time of the clock, in this order: the model first, so that what the caller loop
 * and the mail bring meets an answer that is known; the writer before anything is
 * said; what the clock brings after what has happened; sending last, so that a
 * turn's messages go out together. Then it publishes, and sleeps. */
static void talk(struct conversation *con)
{
	int64_t now = clock_now_us();

	while (!call_ended(con->call)) {
		hear_model(con, now);
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
		link_read(&con->link, conversation_model_told, con, now);
		conversation_take_messages(con, now);
		take_writer_back(con);
		flush_or_pass_writer(con); /* or poll tells for ever that we may write */
		if (bound && (!con->left || !con->link.writer_is_ours)) {
			wait_for_something(con, now + US_PER_S);
			continue;
		}
		if (!link_talks(&con->link) || !words_to_come(con) || now >= until)
			return;
		wait_for_something(con, con->link.more_to_read ? 0 : until);
	}
}

static void conversation_open(struct conversation *con, struct call *c)
{
	memset(con, 0, sizeof *con);
	con->call = c;
	con->digits_due_us = con->protect_until_us = NEVER_US;
	buf_init(&con->audio, 0);
	buf_init(&con->message, 0);
	buf_init(&con->tools, 0);
	seq_init(&con->seq);
	answers_init(&con->answers);
	timeline_init(&con->timeline);
	con->timeline.dirty = true;
	tool_list_put(&con->tools, c->agent);
	con->protecting =
	    c->agent->greeting_protect_ms > 0 && !c->context.said[0] && c->agent->greeting_mode != GREETING_WAIT;
	link_open(&con->link, c, calls_access(c->calls),
	    &(struct model_wish){ .agent = c->agent,
		.instructions = c->context.instructions,
		.caller = c->from,
		.tools = buf_text(&con->tools),
		.protect = con->protecting });
}

static void conversation_close(struct conversation *con)
{
	link_close(&con->link);
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
	link_hang_up(&con.link);
	conversation_close(&con);
}
