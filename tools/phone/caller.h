#ifndef PHONE_CALLER_H
#define PHONE_CALLER_H
/* The caller: goes through a script, and says what sounds in the next 20 ms.
 *
 * No I/O and no clock. Once a tick it looks at what the agent does and returns
 * a frame of audio and what happened.
 */
#include "tools/phone/agent.h"
#include "tools/phone/script.h"

struct caller {
	const struct script *script;
	size_t step;
	long repeated;         /* how often the script went back to its first line */
	bool entered;          /* the step has begun ... */
	uint32_t entered_tick; /* ... then */
	size_t at;             /* in the speech, or among the keys */
	uint32_t spoke_tick;   /* our last say or dtmf began then */
	bool spoke;
	size_t clears_before; /* how many clears there were when it began */
	bool finished;
};

/* What a tick brought. Zero: nothing but a frame. */
struct caller_news {
	const struct step *began;       /* a say or dtmf began */
	const struct step *voice_ended; /* its last word was in this frame, or its last key */
	char key;                       /* a key was pressed */
	bool hangup;
	const struct step *gave_up; /* a wait reached its limit */
	/* For a relay: what is being said, and how far it is, in ticks of all of it; or what is to be done. */
	const struct step *saying, *order;
	uint32_t said, said_of;
};

void caller_init(struct caller *c, const struct script *script);
void caller_tick(struct caller *c, const struct agent *a, uint32_t tick, size_t clears, uint8_t frame[160],
    struct caller_news *news);

/* It is for the agent to do something: silence is no thinking. */
bool caller_waits(const struct caller *c, const struct agent *a);

/* The server closed the stream: a wait for that is over. */
void caller_server_ended(struct caller *c);

/* The next gather-… step not yet used, if the script
 * stands at one; NULL otherwise. Moves past it. */
const struct step *caller_gather(struct caller *c);

/* Nothing is left to be done but to hang up. */
bool caller_is_through(const struct caller *c);

#endif
