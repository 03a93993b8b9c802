/* What the caller loop tells: the caller is there, audio began, was heard, was
 * cut; keys; and that it has left. */
#include "server/agent/conversation_private.h"

#include "audio/g711.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/recording/twilio_start.h"
#include "server/stats/stats.h"

#include <stdio.h>
#include <string.h>

enum { DIGITS_PAUSE_US = 1500 * US_PER_MS /* no key for so long ends a group */ };

static void on_started(struct conversation *con, int64_t now)
{
	con->started = true;
	call_tell_facts(con->call, JOURNAL_STARTED, "call.started");
	/* One that comes back is recorded since it was here first: Twilio records
	 * the call, not the stream. */
	if (con->call->record == RECORDING_TWILIO && !con->call->context.said[0])
		twilio_start(con->call->cfg, calls_work(con->call->calls), calls_recorder(con->call->calls),
		    con->call->call_sid);
	con->last_voice_us = now;
	conversation_mind_link(con);
}

/* The latency of an answer: from the end of what it answers to its first
 * audio on the wire. */
static void on_first_audio(struct conversation *con, const struct from_first_audio *first)
{
	struct answer *answer = answers_by_no(&con->answers, first->no);
	struct turn *turn = answer ? timeline_find(&con->timeline, answer->item_id) : NULL;

	if (con->protecting)
		con->protect_until_us = first->sent_us + (int64_t)con->call->agent->greeting_protect_ms * US_PER_MS;
	if (!con->stop_event_us)
		return;
	hist_add(&stats.answer_after_event, first->sent_us - con->stop_event_us);
	if (con->stop_speech_us)
		hist_add(&stats.answer_after_speech, first->sent_us - con->stop_speech_us);
	if (turn) {
		turn->after_event_ms = (first->sent_us - con->stop_event_us) / US_PER_MS;
		turn->after_speech_ms = con->stop_speech_us ? (first->sent_us - con->stop_speech_us) / US_PER_MS : -1;
		timeline_settled(&con->timeline, turn);
	}
	con->stop_event_us = con->stop_speech_us = 0;
}

static void note_heard(struct conversation *con, struct answer *answer, const struct heard *heard, bool interrupted)
{
	struct turn *turn = timeline_find(&con->timeline, answer->item_id);

	answer->over = true;
	if (!turn)
		return;
	turn->heard_known = true;
	turn->heard_ms = heard->heard_ms;
	turn->heard_confirmed = heard->confirmed;
	turn->interrupted = interrupted;
	turn->generated_ms = (uint32_t)(answer->received / G711_BYTES_PER_MS);
	timeline_settled(&con->timeline, turn);
}

static void on_heard(struct conversation *con, const struct heard *heard, int64_t now)
{
	struct answer *answer = answers_by_no(&con->answers, heard->no);

	con->last_voice_us = now;
	if (!answer || answer->over)
		return;
	note_heard(con, answer, heard, false);
	if (con->protecting && !answers_unfinished(&con->answers))
		conversation_end_protection(con, now);
}

/* The model is told how much of an item was heard, so that it does not believe
 * to have said the rest. */
static void cut_answer(struct conversation *con, struct answer *answer, const struct heard *heard)
{
	int64_t truncate_ms = answers_truncate_ms(answer, heard->heard_ms);

	if (answer->over)
		return;
	note_heard(con, answer, heard, truncate_ms >= 0);
	if (truncate_ms < 0 || !con->link.protocol->can_truncate)
		return;
	con->link.protocol->heard_until(
	    &con->message, conversation_next_id(con, MODEL_REQUEST_HEARD), answer->item_id, truncate_ms);
	conversation_send(con);
}

static void on_cut(struct conversation *con, const struct from_cut *cut)
{
	struct heard unheard = { .confirmed = true };

	for (uint32_t i = 0; i < cut->count; i++) {
		struct answer *answer = answers_by_no(&con->answers, cut->items[i].no);

		if (answer)
			cut_answer(con, answer, &cut->items[i]);
	}
	/* Of those behind, nothing was sent at all. If another cut is on its way
	 * its own record will tell of them. */
	if (cut->cut != atomic_load_explicit(&con->call->cuts_wanted, memory_order_relaxed))
		return;
	for (size_t i = 0; i < con->answers.count; i++)
		if (con->answers.list[i].no <= con->cut_upto)
			cut_answer(con, &con->answers.list[i], &unheard);
}

/* The call is over: what was heard of the rest, for the record only. */
static void on_left(struct conversation *con, const struct from_cut *left)
{
	struct heard unheard = { .confirmed = true };

	con->left = true;
	for (uint32_t i = 0; i < left->count; i++) {
		struct answer *answer = answers_by_no(&con->answers, left->items[i].no);

		if (answer && !answer->over)
			note_heard(con, answer, &left->items[i], false);
	}
	for (size_t i = 0; i < con->answers.count; i++)
		if (!con->answers.list[i].over)
			note_heard(con, &con->answers.list[i], &unheard, false);
}

void conversation_end_protection(struct conversation *con, int64_t now_us)
{
	con->protecting = false;
	con->restoring = true;
	con->link.protocol->turns(
	    &con->message, conversation_next_id(con, MODEL_REQUEST_CONFIGURE), con->call->agent, false);
	conversation_send(con);
	/* Who is speaking over the greeting by now interrupts it by now. */
	if (con->speaking && con->call->agent->interruptible)
		conversation_interrupt(con, true, now_us);
	if (con->turn_waiting)
		seq_want(&con->seq, true, now_us);
	con->turn_waiting = false;
}

/* ---------------------------------------------------------------------------- keys */

/* "12#" is easier to hear as "1 2 #". */
static void put_spaced(const char *digits, char *out)
{
	for (; *digits; digits++) {
		*out++ = *digits;
		*out++ = digits[1] ? ' ' : '\0';
	}
}

void conversation_finish_digits(struct conversation *con, int64_t now_us)
{
	char spaced[2 * DIGITS_MAX + 2] = "", text[sizeof spaced + 80];
	struct turn *turn;

	con->digits_due_us = now_us;
	/* Before the model is there they wait for it. */
	if (!con->digit_count || !link_talks(&con->link))
		return;
	con->digits[con->digit_count] = '\0';
	put_spaced(con->digits, spaced);
	snprintf(text, sizeof text, "The caller pressed these keys on the telephone keypad: %s", spaced);
	turn = timeline_turn(&con->timeline, TURN_KEYS, "", conversation_at_ms(con, now_us));
	timeline_text(&con->timeline, turn, con->digits, true);
	stat_add(turns_digits, 1);
	con->digit_count = 0;
	con->digits_due_us = NEVER_US;
	con->link.protocol->item(&con->message, conversation_next_id(con, MODEL_REQUEST_KEYS), MODEL_ROLE_CALLER, text);
	conversation_send(con);
	seq_want(&con->seq, true, now_us);
}

static void on_digit(struct conversation *con, char digit, int64_t now)
{
	atomic_fetch_add_explicit(&con->call->counters.digits, 1, memory_order_relaxed);
	con->last_voice_us = now;
	if (con->farewell.firm)
		return;
	conversation_caller_spoke_up(con, now);
	if (con->protecting && link_talks(&con->link))
		conversation_end_protection(con, now);
	/* The model knows nothing of keys: it does not stop by itself. */
	conversation_interrupt(con, true, now);
	if ((digit != '#' || con->digit_count == 0) && con->digit_count < DIGITS_MAX)
		con->digits[con->digit_count++] = digit;
	con->digits_due_us = now + DIGITS_PAUSE_US;
	if (digit == '#' || con->digit_count == DIGITS_MAX)
		conversation_finish_digits(con, now);
}

/* -------------------------------------------------------------------------- records */

void conversation_take_messages(struct conversation *con, int64_t now_us)
{
	struct ring_message r;

	while (ring_next(&con->call->from_caller, &r)) {
		switch ((enum from_caller_type)r.type) {
		case FROM_STARTED:
			on_started(con, now_us);
			break;
		case FROM_FIRST_AUDIO:
			on_first_audio(con, r.body);
			break;
		case FROM_HEARD:
			on_heard(con, r.body, now_us);
			break;
		case FROM_CUT:
			on_cut(con, r.body);
			break;
		case FROM_INTERRUPTED:
			/* First the rest of the answer: what is told of is over after that. */
			conversation_interrupt(con, true, now_us);
			on_cut(con, r.body);
			break;
		case FROM_DIGIT:
			on_digit(con, *(const char *)r.body, now_us);
			break;
		case FROM_LEFT:
			on_left(con, r.body);
			break;
		}
		ring_pop(&con->call->from_caller);
	}
}
