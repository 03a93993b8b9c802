#ifndef AGENT_DIALOGUE_STATE_H
#define AGENT_DIALOGUE_STATE_H
/* How a dialogue stands, for those who do something at the right moment. */
#include "server/agent/dialogue/dialogue.h"

/* True: the next answer, or the next words from outside, go on from what broke off with the last session. */
bool dialogue_resumes(const struct dialogue *d);

/* True: nothing is made or owed, though what was queued may not be heard yet: the caller has the word. */
bool dialogue_listens(const struct dialogue *d);

/* True: nobody speaks, and nothing is made, owed, queued, or waited for: a moment for another session. */
bool dialogue_quiet(const struct dialogue *d);

/* True: something is being made, or queued and not heard yet. */
bool dialogue_speaks(const struct dialogue *d);

/* True: what is owed is the model's matter alone: no tool runs. A farewell has a bound of its own. */
bool dialogue_needs_model(const struct dialogue *d);

/* What came so far of the responses that are being made, as sound; -1: none is, but for that one, which is over. */
int64_t dialogue_making_ms(const struct dialogue *d, const char *over);

/* The time from which a caller who is owed something, and says nothing, hears nothing either; NEVER_US: nothing is owed. */
int64_t dialogue_waits_us(const struct dialogue *d);

#endif
