#ifndef AGENT_DIALOGUE_KNOWN_H
#define AGENT_DIALOGUE_KNOWN_H
/* Lines that have their sound, and need no session. Private to dialogue*.c. */
#include "server/agent/dialogue/dialogue.h"

/* Begins that line, behind all that is queued. Its utterance; NULL: it is not known. */
struct utterance *known_say(struct dialogue *d, enum known_line line, int64_t now_us);

/* True: what the caller hears is not the answer that he waits for. */
bool known_is_hold(const struct dialogue *d, const struct item *item); /* fine with NULL */

/* The call ends with that line. `firm` as with other farewells. False: it is not known, and nothing has changed. */
bool known_part(struct dialogue *d, enum known_line line, enum call_end end, bool firm, int64_t now_us);
/* The same; without the line it ends at once. */
void known_end(struct dialogue *d, enum known_line line, enum call_end end, bool firm, int64_t now_us);

/* A turn is complete. With rules.instant its answer, if one is owed, is asked for when its words are known, or late;
 * at once, if it was not `alone`: something else was owed before. True. */
bool known_await(struct dialogue *d, bool alone, int64_t now_us);
/* The words of a turn are there. */
void known_written(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);

/* Events. */
dialogue_handler known_waited, known_gone;

/* True: the greeting is to be, and is known. */
bool known_greets(const struct dialogue *d);

#endif
