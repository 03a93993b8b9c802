#ifndef AGENT_DIALOGUE_QUIET_H
#define AGENT_DIALOGUE_QUIET_H
/* A caller of whom nothing is heard, or nothing is understood: he is asked whether he is still
 * there, and the call ends if that changes nothing. Private to dialogue*.c.
 *
 * It rests while there is no session, while a tool or a transfer is under way, and from the
 * farewell on; in silence also while anything is said or owed. The question is a cue like others,
 * and counts as asked whatever becomes of it. rules.idle_us ends the call in any case.
 */
#include "server/agent/dialogue/dialogue.h"

/* Before any event is taken: what it says of the caller. */
void quiet_mind(struct dialogue *d, enum dialogue_event_type type, int64_t now_us);
/* An event. */
dialogue_handler quiet_written;

/* By the clock: both sides are silent for long; the caller is heard for long, and not understood. */
dialogue_time quiet_us, quiet_music_us;
dialogue_act quiet_ask, quiet_ask_over_music;

#endif
