/* What the caller loop tells: the caller is there, audio began, was heard, was
 * cut; keys; and that it has left. */
#include "server/agent/conversation.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/stats/stats.h"
#include "server/model/realtime.h"

#include <stdio.h>
#include <string.h>

enum { DIGITS_PAUSE_US = 1500 * US_PER_MS /* no key for so long ends a group */ };

static void on_started(struct agent *a, int64_t now)
{
	a->started = true;
	call_tell_facts(a->call, JOURNAL_STARTED, "call.started");
	agent_start_recording(a);
	a->last_voice_us = now;
	if (a->model_end)
		call_end(a->call, a->model_end);
}

/* The latency of an answer: from the end of what it answers to its first
 * audio on the wire. */
static void on_first_audio(struct agent *a, const struct from_first_audio *first)
{
	struct answer *answer = answers_by_no(&a->answers, first->no);
	struct turn *turn = answer ? timeline_find(&a->timeline, answer->item_id) : NULL;

	if (a->protecting)
		a->protect_until_us = first->sent_us + (int64_t)a->call->profile->greeting_protect_ms * US_PER_MS;
	if (!a->stop_event_us)
		return;
	hist_add(&stats.answer_after_event, first->sent_us - a->stop_event_us);
	if (a->stop_speech_us)
		hist_add(&stats.answer_after_speech, first->sent_us - a->stop_speech_us);
	if (turn) {
		turn->after_event_ms = (first->sent_us - a->stop_event_us) / US_PER_MS;
		turn->after_speech_ms = a->stop_speech_us ? (first->sent_us - a->stop_speech_us) / US_PER_MS : -1;
		timeline_settled(&a->timeline, turn);
	}
	a->stop_event_us = a->stop_speech_us = 0;
}

static void note_heard(struct agent *a, struct answer *answer, const struct ledger_heard *heard, bool interrupted)
{
	struct turn *turn = timeline_find(&a->timeline, answer->item_id);

	answer->over = true;
	if (!turn)
		return;
	turn->heard_known = true;
	turn->heard_ms = heard->heard_ms;
	turn->heard_confirmed = heard->confirmed;
	turn->interrupted = interrupted;
	turn->generated_ms = (uint32_t)(answer->received / LEDGER_BYTES_PER_MS);
	timeline_settled(&a->timeline, turn);
}

static void on_heard(struct agent *a, const struct ledger_heard *heard, int64_t now)
{
	struct answer *answer = answers_by_no(&a->answers, heard->no);

	a->last_voice_us = now;
	if (!answer || answer->over)
		return;
	note_heard(a, answer, heard, false);
	if (a->protecting && !answers_unfinished(&a->answers))
		agent_end_protection(a, now);
}

/* The model is told how much of an item was heard, so that it does not believe
 * to have said the rest. */
static void cut_answer(struct agent *a, struct answer *answer, const struct ledger_heard *heard)
{
	int64_t truncate_ms = answers_truncate_ms(answer, heard->heard_ms);

	if (answer->over)
		return;
	note_heard(a, answer, heard, truncate_ms >= 0);
	if (truncate_ms < 0)
		return;
	realtime_truncate(&a->message, agent_event_id(a, "cut"), answer->item_id, truncate_ms);
	agent_send(a);
}

static void on_cut(struct agent *a, const struct from_cut *cut)
{
	struct ledger_heard unheard = { .confirmed = true };

	for (uint32_t i = 0; i < cut->count; i++) {
		struct answer *answer = answers_by_no(&a->answers, cut->items[i].no);

		if (answer)
			cut_answer(a, answer, &cut->items[i]);
	}
	/* Of those behind, nothing was sent at all. If another cut is on its way
	 * its own record will tell of them. */
	if (cut->cut != atomic_load_explicit(&a->call->cuts_wanted, memory_order_relaxed))
		return;
	for (size_t i = 0; i < a->answers.count; i++)
		if (a->answers.list[i].no <= a->cut_upto)
			cut_answer(a, &a->answers.list[i], &unheard);
}

/* The call is over: what was heard of the rest, for the record only. */
static void on_left(struct agent *a, const struct from_cut *left)
{
	struct ledger_heard unheard = { .confirmed = true };

	a->left = true;
	for (uint32_t i = 0; i < left->count; i++) {
		struct answer *answer = answers_by_no(&a->answers, left->items[i].no);

		if (answer && !answer->over)
			note_heard(a, answer, &left->items[i], false);
	}
	for (size_t i = 0; i < a->answers.count; i++)
		if (!a->answers.list[i].over)
			note_heard(a, &a->answers.list[i], &unheard, false);
}

void agent_end_protection(struct agent *a, int64_t now_us)
{
	a->protecting = false;
	a->restoring = true;
	realtime_turn_detection(&a->message, agent_event_id(a, "cfg"), a->call->profile);
	agent_send(a);
	/* Who is speaking over the greeting by now interrupts it by now. */
	if (a->speaking && a->call->profile->interruptible)
		agent_interrupt(a, true, now_us);
	if (a->turn_waiting)
		seq_want(&a->seq, true, now_us);
	a->turn_waiting = false;
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

void agent_finish_digits(struct agent *a, int64_t now_us)
{
	char spaced[2 * AGENT_DIGITS_MAX + 2] = "", text[sizeof spaced + 80];
	struct turn *turn;

	a->digits_due_us = now_us;
	/* Before the model is there they wait for it. */
	if (!a->digit_count || !a->client)
		return;
	a->digits[a->digit_count] = '\0';
	put_spaced(a->digits, spaced);
	snprintf(text, sizeof text, "The caller pressed these keys on the telephone keypad: %s", spaced);
	turn = timeline_turn(&a->timeline, TURN_KEYS, "", agent_at_ms(a, now_us));
	timeline_text(&a->timeline, turn, a->digits, true);
	stat_add(turns_digits, 1);
	a->digit_count = 0;
	a->digits_due_us = NEVER_US;
	realtime_user_text(&a->message, agent_event_id(a, "keys"), text);
	agent_send(a);
	seq_want(&a->seq, true, now_us);
}

static void on_digit(struct agent *a, char digit, int64_t now)
{
	atomic_fetch_add_explicit(&a->call->counters.digits, 1, memory_order_relaxed);
	a->last_voice_us = now;
	if (a->parting.firm)
		return;
	agent_caller_spoke_up(a, now);
	if (a->protecting && a->client)
		agent_end_protection(a, now);
	/* The model knows nothing of keys: it does not stop by itself. */
	agent_interrupt(a, true, now);
	if ((digit != '#' || a->digit_count == 0) && a->digit_count < AGENT_DIGITS_MAX)
		a->digits[a->digit_count++] = digit;
	a->digits_due_us = now + DIGITS_PAUSE_US;
	if (digit == '#' || a->digit_count == AGENT_DIGITS_MAX)
		agent_finish_digits(a, now);
}

/* -------------------------------------------------------------------------- records */

void agent_take_records(struct agent *a, int64_t now_us)
{
	struct record r;

	while (ring_next(&a->call->from_caller, &r)) {
		switch ((enum from_caller_type)r.type) {
		case FROM_STARTED:
			on_started(a, now_us);
			break;
		case FROM_FIRST_AUDIO:
			on_first_audio(a, r.body);
			break;
		case FROM_HEARD:
			on_heard(a, r.body, now_us);
			break;
		case FROM_CUT:
			on_cut(a, r.body);
			break;
		case FROM_DIGIT:
			on_digit(a, *(const char *)r.body, now_us);
			break;
		case FROM_LEFT:
			on_left(a, r.body);
			break;
		}
		ring_pop(&a->call->from_caller);
	}
}
