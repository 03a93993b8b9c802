#ifndef PHONE_EARS_H
#define PHONE_EARS_H
/* What the caller hears, by ear: the words (kit/chirp.h), other sounds, and how long nothing while he waits.
 *
 * No I/O and no clock: time is the number of the tick, 20 ms each.
 */
#include "tools/kit/chirp.h"

struct ears {
	struct chirp_ear ear;
	uint32_t silent_ticks;                /* up to now, while he waits */
	uint32_t longest_ticks, longest_tick; /* the longest such silence, and when it was over */
	uint32_t other_ticks;                 /* sound that is no word: a tone */
};

/* What was played in a tick, mu-law. True if it was no silence. */
bool ears_hear(struct ears *e, const uint8_t sound[160]);
/* Once a tick; on a relay `sounds` is whether words were spoken in it. */
void ears_wait(struct ears *e, bool sounds, bool waits, uint32_t tick);
/* Were these words heard, one after the other, since that tick? */
bool ears_heard(const struct ears *e, const char *words, uint32_t since);
void ears_close(struct ears *e);

#endif
