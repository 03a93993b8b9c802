#ifndef PHONE_AGENT_H
#define PHONE_AGENT_H
/* What the caller hears of the agent, tick by tick, cut into answers.
 *
 * An answer is audio played without a silence of ANSWER_GAP_TICKS in it; a
 * clear ends it too. No I/O, no clock: time is the number of the tick, 20 ms each.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_GAP_TICKS = 30 }; /* 600 ms: no pause within a sentence is longer */

struct talker;
struct ears;

struct answer {
	uint32_t begin_tick, end_tick; /* end: the tick after its last audio */
	uint64_t played_bytes;
	uint64_t unplayed_bytes; /* dropped by the clear that cut it */
	uint32_t gaps;           /* times the queue ran dry inside it */
	bool cut;
};

struct agent {
	struct answer *answers;
	size_t count, cap;
	bool open;                   /* the last answer may still go on */
	bool audible;                /* the last tick had audio */
	const struct talker *talker; /* what it says in words; NULL on a stream ... */
	const struct ears *ears;     /* ... and what is heard of it there */
};

void agent_close(struct agent *a);
/* The tick took `bytes` of audio. True if an answer began with it. */
bool agent_tick(struct agent *a, uint32_t tick, size_t bytes);
/* A clear came after `tick`. */
void agent_clear(struct agent *a, size_t unplayed_bytes);
/* How long it has been silent at `tick`; UINT32_MAX if it never spoke. */
uint32_t agent_silent_ticks(const struct agent *a, uint32_t tick);
/* The newest answer or NULL. */
const struct answer *agent_last(const struct agent *a);

#endif
