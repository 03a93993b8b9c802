#ifndef CALLER_HOLD_H
#define CALLER_HOLD_H
/* While the caller waits and hears nothing, this says that the line is alive.
 *
 * Caller loop only. On channels with audio it is a soft tone, HOLD_AFTER_MS after the wait began (and behind the
 * agent loop's own line for that, if there is one: agent/conversation_waits.h), then every HOLD_EVERY_US. It is no part of an answer: neither the ledger nor a mark knows of it, and what comes
 * next does not queue behind it. The recording has it, since the caller hears it. A phone that speaks by itself
 * asks for a moment instead (speech_hold), HOLD_AFTER_MS after the wait began or it last did so.
 */
#include "common/buf.h"
#include "common/clock.h"
#include "server/line/call.h"

struct recording;
struct speech;

enum { HOLD_TONE_MS = 200, HOLD_EVERY_US = 2 * US_PER_S };

struct hold {
	int64_t again_us; /* not before; 0: there was none */
	int64_t until_us; /* the phone plays the last tone until then; 0: it does not */
};

/* When the next tone, or the words, are due, if nothing is to be heard until then; NEVER_US: the caller does not
 * wait. */
int64_t hold_due_us(const struct hold *h, struct call *c);

/* Asks for a moment, on a phone that speaks by itself: fills `message`. */
void hold_say(struct hold *h, struct call *c, struct speech *speech, struct buf *message, int64_t now_us);

/* Plays one: appends a frame to `out`. The recording may be NULL, here and below. */
void hold_sound(struct hold *h, struct call *c, struct buf *out, struct recording *recording, int64_t now_us);

/* Before anything else is sent, and at the end: stops the tone by a clear. False: none was sounding, and nothing
 * is appended to `out`. */
bool hold_stop(struct hold *h, struct call *c, struct buf *out, struct recording *recording, int64_t now_us);

#endif
