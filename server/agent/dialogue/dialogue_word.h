#ifndef AGENT_DIALOGUE_WORD_H
#define AGENT_DIALOGUE_WORD_H
/* The word, and the last word: the caller's voice and keys, the protected greeting,
 * interruptions, the farewell. Private to dialogue*.c.
 */
#include "server/agent/dialogue/dialogue.h"

/* The time until which the caller has the word, if no event comes; in the past: it is
 * free. Meanwhile only the model itself begins an answer. */
static inline int64_t word_until_us(const struct dialogue *d)
{
	if (d->speaking)
		return d->speech_us + LONG_SPEECH_US;
	return d->stop_event_us ? d->stop_event_us + AFTER_SPEECH_US : 0;
}

/* The model stops listening: last words are said whatever the caller says. */
static inline void word_deafen(struct dialogue *d)
{
	d->ears = EARS_DEAF;
	d->hears_until_us = 0;
	d->turn_waiting = false;
	d->deaf_due = !d->rules.asks;
}

/* The caller interrupts: queued audio is stale, and responses being made are not played.
 * `cancel`: the model does not stop by itself. False: there was nothing to cut. */
bool word_interrupt(struct dialogue *d, bool cancel, int64_t now_us);
void word_cut_playout(struct dialogue *d, int64_t now_us);
void word_spoke_up(struct dialogue *d);

/* Events. */
dialogue_handler word_caller_began, word_caller_ended, word_turn, word_placed, word_key, word_goodbye, word_tool_ends,
    word_machine;

/* By the clock: a group of keys is over; a message is left on a machine; the model goes deaf;
 * protection has lasted long enough; nobody speaks; the words of a farewell are made; they were
 * heard, or it took too long. */
dialogue_time word_digits_us, word_message_us, word_deaf_us, word_protection_us, word_idle_us, word_made_us,
    word_over_us;
dialogue_act word_finish_digits, word_leave_message, word_go_deaf, word_end_protection, word_end_idle, word_is_made,
    word_end;

#endif
