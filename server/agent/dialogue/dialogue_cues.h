#ifndef AGENT_DIALOGUE_CUES_H
#define AGENT_DIALOGUE_CUES_H
/* Cues: utterances with words besides the answers. Private to dialogue*.c. */
#include "server/agent/dialogue/dialogue.h"

/* Copies the text. False: too many are pending, or there is no memory. Last words take
 * the place of the latest cue. */
bool cue_add(struct dialogue *d, enum utterance_kind kind, const char *text, bool exact, bool firm);
/* The next cue to be said. NULL: none, or one is under way. */
struct utterance *cue_next(const struct dialogue *d);
bool cue_has(const struct dialogue *d, enum utterance_kind kind); /* pending or under way */
/* Takes back the pending cues of that kind, and says how many; one under way is not tried again. */
unsigned cue_drop(struct dialogue *d, enum utterance_kind kind);

/* The words of one that was under way go back to their old place: a new utterance. Its response stays, as one like
 * any other. */
struct utterance *cue_take_back(struct dialogue *d, struct utterance *u);
/* The same after a try of its own that failed; given up after CUE_TRIES. */
void cue_say_again(struct dialogue *d, struct utterance *u);

#endif
