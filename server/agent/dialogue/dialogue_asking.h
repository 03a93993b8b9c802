#ifndef AGENT_DIALOGUE_ASKING_H
#define AGENT_DIALOGUE_ASKING_H
/* Asks for responses, one at a time. Private to dialogue*.c.
 *
 * Only one response may write to the conversation, and the model's own turn detection
 * makes responses behind our back. So every response of a call is asked for here. Each
 * wait has a deadline, in case an event never comes or an error comes in its place.
 */
#include "server/agent/dialogue/dialogue.h"

/* Wants an answer or the greeting, to be asked for when nothing else is made. */
void asking_want(struct dialogue *d, enum utterance_kind kind, int64_t now_us);
/* Expects the model to answer a turn by itself. */
void asking_expect(struct dialogue *d, int64_t now_us);

/* True if a response is being made or on its way. */
bool asking_busy(struct dialogue *d);

/* The time from which the agent may speak unasked: nobody speaks, and nothing is owed,
 * being made or on its way. NEVER_US: that does not depend on time. */
int64_t asking_silence_us(struct dialogue *d);

/* The caller interrupts: every response being made or on its way is cut, and a wanted
 * answer is forgotten. `cancel`: the model does not stop by itself. */
void asking_cut(struct dialogue *d, bool cancel, int64_t now_us);

/* No more of a response is made; what was made is heard. */
void asking_stop(struct dialogue *d, struct utterance *u, int64_t now_us);

/* response.created. True: it will be heard. */
bool asking_began(struct dialogue *d, const char *response, int64_t now_us);
/* The end of a response. `failed`: for a reason that may pass. `claims`: see the event. */
void asking_over(struct dialogue *d, struct utterance *u, bool failed, const char *claims, int64_t now_us);
/* An error refuses our request. False: it changes nothing. */
dialogue_handler asking_refused;

/* By the clock, as pairs of a time and an act: a cue is asked for; an answer is asked for;
 * a response did not begin in time; a response went quiet. */
dialogue_time asking_cue_us, asking_answer_us, asking_begin_us, asking_quiet_us;
dialogue_act asking_say_cue, asking_answer, asking_never_began, asking_went_quiet;

#endif
