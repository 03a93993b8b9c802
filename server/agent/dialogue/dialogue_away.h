#ifndef AGENT_DIALOGUE_AWAY_H
#define AGENT_DIALOGUE_AWAY_H
/* The end of a session under the dialogue, and the beginning of the next. Private to
 * dialogue*.c.
 */
#include "server/agent/dialogue/dialogue.h"

/* Events. */
bool away_begins(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool away_ends(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);

#endif
