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

/* The caller interrupts: queued audio is stale, and responses being made are not played.
 * `cancel`: the model does not stop by itself. False: there was nothing to cut. */
bool word_interrupt(struct dialogue *d, bool cancel, int64_t now_us);
void word_cut_playout(struct dialogue *d, int64_t now_us);
void word_end_protection(struct dialogue *d, int64_t now_us);

/* Events. */
bool word_caller_began(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool word_caller_ended(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool word_turn(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool word_key(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool word_goodbye(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool word_tool_ends(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool word_machine(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);

/* By the clock: a group of keys is over; a message is left on a machine; the model goes deaf;
 * protection has lasted long enough; nobody speaks; the words of a farewell are made; they were
 * heard, or it took too long. */
int64_t word_digits_us(struct dialogue *d);
void word_finish_digits(struct dialogue *d, int64_t now_us);
int64_t word_message_us(struct dialogue *d);
void word_leave_message(struct dialogue *d, int64_t now_us);
int64_t word_deaf_us(struct dialogue *d);
void word_go_deaf(struct dialogue *d, int64_t now_us);
int64_t word_protection_us(struct dialogue *d);
int64_t word_idle_us(struct dialogue *d);
void word_end_idle(struct dialogue *d, int64_t now_us);
int64_t word_made_us(struct dialogue *d);
void word_is_made(struct dialogue *d, int64_t now_us);
int64_t word_over_us(struct dialogue *d);
void word_end(struct dialogue *d, int64_t now_us);
void word_end_call(struct dialogue *d, enum call_end end);

#endif
