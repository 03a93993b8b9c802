#ifndef CALLER_GATE_H
#define CALLER_GATE_H
/* Whether the caller speaks, by the level of his sound alone: for as long as no model hears him.
 *
 * Caller loop only. GATE_SPEECH_MS of sound begin it, short pauses included; GATE_PAUSE_MS without any end it.
 * The level is well above what a line brings back of our own voice.
 */
#include "server/line/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GATE_LOUD = 500 /* mulaw_level, about -36 dB */, GATE_SPEECH_MS = 300, GATE_PAUSE_MS = 500 };

struct gate { /* zeroed: he does not speak */
	bool open;
	int loud_ms, quiet_ms;
};

/* A frame of his, mu-law, as it came. Tells the agent loop when that has changed; with a model that hears him it begins
 * anew. */
void gate_frame(struct gate *g, struct call *c, const uint8_t *mulaw, size_t len);

/* Tells the agent loop that he speaks, or does not; whoever knows it. */
void gate_tell(struct call *c, bool speaks);

/* Pure. True: that has changed, and `open` says how it is now. */
bool gate_hear(struct gate *g, const uint8_t *mulaw, size_t len);

#endif
