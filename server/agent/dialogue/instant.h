#ifndef AGENT_DIALOGUE_INSTANT_H
#define AGENT_DIALOGUE_INSTANT_H
/* An agent's instant answers: fixed words to what callers often ask, given without the model.
 *
 * A question matches if all its words are said one after the other, whatever else is said with them; capitals and
 * punctuation do not count. Who says more than INSTANT_WORDS words has more to ask than that, and is the
 * model's. Pure.
 */
#include "server/agents/agent.h"

enum { INSTANT_WORDS = 12 };

/* The first of the agent's answers that matches (borrowed from it); NULL: none does. */
const char *instant_answer(const struct agent *agent, const char *said);

#endif
