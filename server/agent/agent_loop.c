/* The agent loop: the model's socket, and the conversation.
 *
 * It dials while Twilio is still setting up the stream, configures the session, and
 * hands the model writer to the caller loop once both sides are there. From then on it
 * reads the model's messages. One blocking poll, on the model's socket, the bell and the
 * next deadline.
 */
#include "server/agent/agent_loop.h"

#include "audio/convert.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/memory.h"
#include "server/agent/conversation_keys.h"
#include "server/agent/conversation_known.h"
#include "server/agent/conversation_model.h"
#include "server/agent/conversation_orders.h"
#include "server/agent/conversation_phone.h"
#include "server/agent/conversation_session.h"
#include "server/agent/conversation_tools.h"
#include "server/agent/conversation_waits.h"
#include "server/model/words.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"
#include "server/work/tool_call.h"
#include "server/work/tool_list.h"
#include "server/line/calls_carry.h"
#include "server/line/calls_shown.h"
#include "server/line/calls.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SETTLE_MS = 200,                 /* for the recording to reach the disk */
	LAST_WORDS_US = 900 * US_PER_MS, /* for transcripts that come after the end */
	NOTICE_US = 20 * US_PER_S,       /* for the goodbye before max_call_seconds are over */
	PUBLISH_US = 500 * US_PER_MS     /* age of the conversation that HTTP readers see, at most */
};

/* --------------------------------------------------------------------- the session */

/* First in a turn of the loop, so that all later steps know what the model has said. A loss at the end of the last
 * turn is minded before the next session may take the place of that one. */
static void hear_model(struct conversation *con, int64_t now)
{
	conversation_mind_loss(con, now);
	link_step(&con->link, now);
	conversation_mind_sessions(con, now);
	link_read(&con->link, conversation_model_told, con, now);
	conversation_mind_loss(con, now);
	conversation_mind_link(con);
}

/* ------------------------------------------------------------ for readers and sinks */

/* Two ways lead out. HTTP readers copy the published conversation at any time; the
 * journal gets each turn once more for every change that is worth a row or an event. */

static int64_t publish_us(const struct conversation *con)
{
	return con->timeline.dirty || con->tools.box.dirty ? con->shown.published_us + PUBLISH_US : NEVER_US;
}

/* Writes the conversation for readers, at most every PUBLISH_US. A reader that holds the
 * lock makes it skip this time; only the last one of a call (`wait`) must get through. */
static void publish(struct conversation *con, bool wait, int64_t now_us)
{
	struct call *c = con->call;
	struct call_talk *out = &c->shown;
	const char *session_id = link_session_id(&con->link);

	if ((!con->timeline.dirty && !con->tools.box.dirty) || (!wait && now_us < publish_us(con)))
		return;
	if (wait)
		pthread_mutex_lock(&c->shown_lock);
	else if (pthread_mutex_trylock(&c->shown_lock)) {
		con->shown.published_us = now_us; /* a reader is copying it: next time */
		return;
	}
	call_talk_begin(out);
	snprintf(out->session_id, sizeof out->session_id, "%s", session_id ? session_id : "");
	out->turns_before = timeline_put_json(&con->timeline, &out->turns);
	toolbox_put_json(&con->tools.box, &out->tools);
	out->sessions_before = conversation_put_sessions(con, &out->sessions);
	out->turns_dropped = con->timeline.turns_dropped;
	out->text_dropped = con->timeline.text_dropped;
	if (wait || c->channel->resumes || call_lost(c) || !link_talks(&con->link)) {
		fleet_said_free(c->said);
		c->said = timeline_said(&con->timeline, FLEET_SAID_TURNS, FLEET_SAID_BYTES);
	}
	pthread_mutex_unlock(&c->shown_lock);
	con->shown.published_us = now_us;
}

static void tell_turn(struct conversation *con, enum journal_kind kind, int no)
{
	struct call_turn turn;

	timeline_tell(&con->timeline.turns[no], &turn);
	call_tell(con->call,
	    (struct journal_entry){ .kind = kind, .type = "turn", .no = con->call->first_turn + no, .turn = &turn });
}

/* A turn in the making, so far: seldom, and only for watchers. The last words of a turn
 * come with the whole turn. */
static void tell_forming(struct conversation *con)
{
	int64_t now;
	int no;

	if (!con->timeline.forming || !journal_watched())
		return;
	now = clock_now_us();
	if (now < con->shown.formed_us + JOURNAL_FORMING_MS * US_PER_MS ||
	    (no = timeline_next_forming(&con->timeline)) < 0)
		return;
	con->shown.formed_us = now;
	tell_turn(con, JOURNAL_FORMING, no);
}

/* Tells the journal the turns that have changed. */
static void tell_turns(struct conversation *con)
{
	int no;

	while (con->timeline.news && (no = timeline_next_news(&con->timeline)) >= 0) {
		if (journal_wanted())
			tell_turn(con, JOURNAL_TURN, no);
		if (con->timeline.forming == (size_t)no + 1) {
			con->timeline.forming = 0; /* included in this */
			con->shown.formed_us = clock_now_us();
		}
	}
	tell_forming(con);
}

/* -------------------------------------------------------------------------- the loop */

/* The goodbye begins so long before the end, or at half-time of a very short call. */
static int64_t notice_us(const struct conversation *con)
{
	return earlier(NOTICE_US, (int64_t)con->call->agent->max_call_seconds * US_PER_S / 2);
}

static int64_t time_up_us(const struct conversation *con)
{
	int64_t started = atomic_load_explicit(&con->call->started_us, memory_order_relaxed);

	return started ? started + (int64_t)con->call->agent->max_call_seconds * US_PER_S : NEVER_US;
}

/* A transfer that is under way goes first, and ends the call itself. Should the caller
 * call it off, there is time for a goodbye still. */
static int64_t time_over_us(const struct conversation *con)
{
	if (con->dialogue.farewell.state && con->dialogue.farewell.end == END_TRANSFERRED)
		return NEVER_US;
	return later(time_up_us(con), con->limit.told_us ? con->limit.told_us + notice_us(con) : 0);
}

static int64_t limits_us(const struct conversation *con)
{
	int64_t up = time_up_us(con);

	return earlier(con->limit.end || up == NEVER_US ? NEVER_US : up - notice_us(con), time_over_us(con));
}

static int64_t deadline(const struct conversation *con)
{
	const int64_t due[] = { link_deadline_us(&con->link), dialogue_due_us(&con->dialogue),
		conversation_keys_us(con), conversation_renew_us(con), conversation_waits_us(con),
		conversation_give_up_us(con), limits_us(con), call_cost_due_us(con->call, &con->spending),
		publish_us(con) };
	int64_t first = NEVER_US;

	for (size_t i = 0; i < sizeof due / sizeof *due; i++)
		first = earlier(first, due[i]);
	return first;
}

static void wait_for_something(struct conversation *con, int64_t due)
{
	struct pollfd fds[1 + LINK_FDS] = { { .fd = con->call->agent_bell.fd, .events = POLLIN } };

	link_fds(&con->link, fds + 1);
	poll(fds, 1 + LINK_FDS, clock_poll_ms(clock_now_us(), due));
	/* Cleared before the rings are read: a ring after this ends the next poll. */
	if (fds[0].revents)
		bell_clear(&con->call->agent_bell);
}

/* The link may be GONE after any of its functions, and then the call ends. */
static void take_writer_back(struct conversation *con)
{
	link_take_writer(&con->link);
	conversation_mind_link(con);
}

/* The caller loop gets the writer while a caller is there to speak, and sends sound. After its exit, or
 * the end of the call, the writer stays here. */
static void flush_or_pass_writer(struct conversation *con)
{
	link_flush(&con->link);
	conversation_mind_link(con);
	if (con->dialogue.caller && !con->left && !call_ended(con->call) && con->call->channel->audio)
		link_pass_writer(&con->link);
}

static void reach_limit(struct conversation *con, enum call_end end, const char *news)
{
	log_info(con->call->tag, "the call %s: goodbye", call_ending(end)->text);
	call_tell(con->call, (struct journal_entry){ .kind = JOURNAL_NOTE, .type = news });
	con->limit.end = end;
}

/* Firm last words, then the end. While another farewell is under way they wait: it may be
 * called off. */
static void say_goodbye(struct conversation *con, int64_t now)
{
	char phrase[WORDS_PHRASE_SIZE];
	bool exact;
	bool cost = con->limit.end == END_COST_LIMIT;
	const char *words =
	    words_phrase(con->call->agent, cost ? PHRASE_COST_LIMIT : PHRASE_TIME_LIMIT, phrase, &exact);

	if (TELL(con, now, .type = EVENT_GOODBYE, .text = words, .exact = exact,
		.known = cost ? KNOWN_COST_LIMIT : KNOWN_TIME_LIMIT, .firm = true, .end = con->limit.end))
		con->limit.told_us = now;
}

static void mind_limits(struct conversation *con, int64_t now)
{
	if (call_cost_mind(con->call, &con->spending, false, now))
		reach_limit(con, END_COST_LIMIT, "cost.limit");
	else if (now >= limits_us(con) && !con->limit.end)
		reach_limit(con, END_TIME_LIMIT, "time.limit");
	if (con->limit.end && !con->limit.told_us)
		say_goodbye(con, now);
	if (now >= time_over_us(con))
		call_end(con->call, END_TIME_LIMIT);
	if (now >= conversation_give_up_us(con))
		link_give_up(&con->link, link_talks(&con->link) ? END_MODEL_FAILED : con->link.why);
}

/* For the case that the phone's socket breaks off now. A transfer needs more than its name, and a machine
 * no goodbye. */
static void note_parting(struct conversation *con)
{
	const struct farewell *f = &con->dialogue.farewell;
	bool sent = f->state == FAREWELL_HEARING && f->end != END_TRANSFERRED && f->end != END_MESSAGE_LEFT;

	atomic_store_explicit(&con->call->parting, sent ? (int)f->end : CALL_NOT_ENDED, memory_order_relaxed);
}

/* All that is due by the clock: the dialogue's deadlines, the limits, the ping. */
static void tick(struct conversation *con, int64_t now)
{
	conversation_mind_loss(con, now);
	conversation_mind_gone(con, now);
	conversation_do_due(con, now);
	note_parting(con);
	conversation_mind_keys(con, now);
	conversation_mind_waiting(con, now);
	mind_limits(con, now);
	link_ping(&con->link, now);
	conversation_mind_link(con);
}

/* As after the loss of all models: who is there hears why, and who is not yet will, once the stream is up. */
static void mind_memory(struct conversation *con)
{
	if (con->dialogue.caller)
		call_mind_memory(con->call);
}

/* From the first dialling to the end of the call. A turn judges everything by one time
 * of the clock, and its order matters:
 *
 *   - The model first, so that news of the caller and mail meet an answer that is known.
 *   - The writer before anything is said, since orders through the ring are slower.
 *   - The clock after the events, so that no deadline fires for what has just come.
 *   - Sending last, so that the messages of one turn go out together.
 *
 * Then it publishes; a turn that was refused memory, wherever, was the call's last. Then it sleeps. */
static void talk(struct conversation *con)
{
	int64_t now = clock_now_us();

	while (!call_ended(con->call)) {
		hear_model(con, now);
		conversation_take_messages(con, now);
		conversation_take_mail(con, now);
		take_writer_back(con);
		tick(con, now);
		flush_or_pass_writer(con);
		publish(con, false, now);
		tell_turns(con);
		mind_memory(con);
		conversation_answer_phone(con);
		wait_for_something(con, deadline(con));
		now = clock_now_us();
	}
}

/* True: the caller said something whose transcript has not come yet. */
static bool words_to_come(const struct conversation *con)
{
	return con->link.current.protocol->audio && con->call->agent->transcription_model[0] &&
	       timeline_untranscribed(&con->timeline);
}

/* After the end. First the caller loop leaves, as it was woken by the same end; its last
 * message says what was heard, and it returns the writer. Then the last transcripts get
 * LAST_WORDS_US, for the record. The model's audio is not played any more. */
static void hear_last_words(struct conversation *con)
{
	int64_t until = clock_now_us() + LAST_WORDS_US, now;
	bool bound = call_bound(con->call);

	for (;;) {
		now = clock_now_us();
		link_read(&con->link, conversation_model_told, con, now);
		conversation_take_messages(con, now);
		take_writer_back(con);
		flush_or_pass_writer(con); /* unsent bytes would make poll return at once for ever */
		if (bound && (!con->left || !con->link.writer_is_ours)) {
			wait_for_something(con, now + US_PER_S);
			continue;
		}
		if (!link_talks(&con->link) || !words_to_come(con) || now >= until)
			return;
		wait_for_something(con, con->link.current.more_to_read ? 0 : until);
	}
}

/* A caller who comes back from a transfer hears no greeting, so there is none to be
 * protected. On a channel of text that is the phone's own business. */
static void conversation_open(struct conversation *con, struct call *c)
{
	bool greets = c->agent->greeting_mode != GREETING_WAIT && !call_welcome(c)[0], recalled = c->context.said;
	bool protect = c->agent->greeting_protect_ms > 0 && greets && !recalled && !c->channel->text;
	struct dialogue_rules rules = { .greets = greets,
		.recalled = recalled,
		.interruptible = c->agent->interruptible,
		.renews = c->cfg->reconnect_tries > 0,
		.instant = c->channel->audio && agent_asks(c->agent),
		.asks = c->channel->text,
		.protect_us = protect ? c->agent->greeting_protect_ms * US_PER_MS : 0,
		.idle_us = (int64_t)c->agent->idle_seconds * US_PER_S,
		.silence_us = c->cfg->silence_max_ms * US_PER_MS,
		.slow_us = c->cfg->slow_answer_max_ms * US_PER_MS };

	memset(con, 0, sizeof *con);
	con->call = c;
	buf_init(&con->audio.decoded, 0);
	buf_init(&con->audio.converted, 0);
	buf_init(&con->message, 0);
	buf_init(&con->tools.declared, 0);
	con->tools.cancel = tool_cancel_new();
	timeline_init(&con->timeline);
	con->timeline.before = c->context.said;
	con->timeline.dirty = true;
	conversation_known_open(con, rules.knows);
	conversation_set_quiet(con, &rules);
	dialogue_init(&con->dialogue, &rules);
	tool_list_put(&con->tools.declared, calls_work(c->calls), c->agent);
	link_open(&con->link, c, calls_endpoints(c->calls), calls_health(c->calls),
	    &(struct model_wish){ .agent = c->agent,
		.tag = c->tag,
		.instructions = c->context.instructions,
		.caller = call_person(c),
		.tools = buf_text(&con->tools.declared),
		.protect = protect,
		.text = c->channel->text });
}

static void conversation_close(struct conversation *con)
{
	link_close(&con->link);
	dialogue_free(&con->dialogue);
	converter_close(con->audio.converter);
	buf_free(&con->audio.converted);
	buf_free(&con->audio.decoded);
	buf_free(&con->message);
	conversation_tools_free(con);
	conversation_known_close(con);
	conversation_sessions_free(con);
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

/* After the end the order is that of knowledge: tools are cancelled, last words and the
 * recording are waited for, the rest of the cost is booked. Only then the call is
 * published, told and remembered, whole. The model's Close comes after that, since
 * nobody waits for it. The pool thread leaves the line next (calls_carry.c). */
void agent_loop(struct call *c)
{
	struct conversation con;

	memory_missed(); /* what was before is not this call's */
	conversation_open(&con, c);
	talk(&con);
	conversation_tools_cancel(&con);
	conversation_keys_over(&con);
	hear_last_words(&con);
	conversation_sessions_over(&con, clock_now_us());
	/* So that the record of the call says how its recording ended. */
	recording_settle(atomic_load_explicit(&c->recording, memory_order_acquire), SETTLE_MS);
	call_cost_mind(c, &con.spending, true, clock_now_us());
	publish(&con, true, clock_now_us());
	call_keep_said(c);
	tell_turns(&con);
	log_end(&con);
	calls_remember(c);
	link_hang_up(&con.link);
	conversation_close(&con);
}
