#ifndef AGENT_DIALOGUE_AWAY_H
#define AGENT_DIALOGUE_AWAY_H
/* The end of a session under the dialogue, and the beginning of the next; the same of the phone. Private to
 * dialogue*.c.
 */
#include "server/agent/dialogue/dialogue.h"

/* Events. */
bool away_begins(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool away_ends(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool away_configured(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool away_caller_there(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);

/* The phone was lost, with e->heard: what is being made is stopped, and what the caller missed is wanted again. The
 * play-out is left to be cut. */
void away_caller(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);

#endif
