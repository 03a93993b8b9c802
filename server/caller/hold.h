#ifndef CALLER_HOLD_H
#define CALLER_HOLD_H
/* The hold tone: while the caller waits and hears nothing, it says that the line is alive.
 *
 * Caller loop only, on channels with audio. A soft tone, HOLD_AFTER_MS after the wait began, then every
 * HOLD_EVERY_US. It is no part of an answer: neither the ledger nor a mark knows of it, and what comes
 * next does not queue behind it. The recording has it, since the caller hears it.
 */
#include "common/buf.h"
#include "common/clock.h"
#include "server/line/call.h"

struct recording;

enum { HOLD_TONE_MS = 200, HOLD_EVERY_US = 2 * US_PER_S };

struct hold {
	int64_t began_us; /* the last tone; 0: there was none */
	int64_t until_us; /* the phone plays it until then; 0: it does not */
};

/* When the next tone is due, if nothing is to be heard until then; NEVER_US: the caller does not wait. */
int64_t hold_due_us(const struct hold *h, struct call *c);

/* Plays one: appends a frame to `out`. The recording may be NULL, here and below. */
void hold_sound(struct hold *h, struct call *c, struct buf *out, struct recording *recording, int64_t now_us);

/* Before anything else is sent, and at the end: stops the tone by a clear. False: none was sounding, and nothing
 * is appended to `out`. */
bool hold_stop(struct hold *h, struct call *c, struct buf *out, struct recording *recording, int64_t now_us);

#endif
