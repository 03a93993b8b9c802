#ifndef AGENT_DIALOGUE_ASKING_H
#define AGENT_DIALOGUE_ASKING_H
/* One response at a time. Private to dialogue*.c.
 *
 * Only one response may write to the conversation, and the model's own turn
 * detection makes responses behind our back. So every response of a call is asked
 * for here. Nothing stays locked on an event that an error replaced or that never
 * comes: each wait has a deadline.
 */
#include "server/agent/dialogue.h"

/* An answer is to be asked for. `owed`: the caller waits for it. */
void asking_want(struct dialogue *d, enum utterance_kind kind, bool owed, int64_t now_us);
/* The model is to answer a turn by itself. */
void asking_expect(struct dialogue *d, int64_t now_us);

/* True if a response is being made or on its way. */
bool asking_busy(struct dialogue *d);

/* From when something the agent was not asked for may be said: nobody speaks, nothing
 * is owed, being made or on its way. NEVER_US: that is no matter of time. */
int64_t asking_silence_us(struct dialogue *d);

/* The caller interrupts: whatever is being made or on its way is cut, an answer
 * that was wanted is forgotten. `cancel`: the model does not know of it. */
void asking_cut(struct dialogue *d, bool cancel, int64_t now_us);

/* response.created. True if it will be heard. */
bool asking_began(struct dialogue *d, const char *response, int64_t now_us);
/* A sign of life of one. */
bool asking_sign(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
/* response.done. `failed`: for a reason that may pass. */
void asking_over(struct dialogue *d, struct utterance *u, bool failed, int64_t now_us);
/* An error names our request. */
bool asking_refused(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);

/* By the clock: what the agent was ordered to say, and an answer, are asked for; one
 * did not begin; one went quiet. */
int64_t asking_cue_us(struct dialogue *d);
void asking_say_cue(struct dialogue *d, int64_t now_us);
int64_t asking_answer_us(struct dialogue *d);
void asking_answer(struct dialogue *d, int64_t now_us);
int64_t asking_begin_us(struct dialogue *d);
void asking_never_began(struct dialogue *d, int64_t now_us);
int64_t asking_quiet_us(struct dialogue *d);
void asking_went_quiet(struct dialogue *d, int64_t now_us);

#endif
