#ifndef FLEET_CALLERS_H
#define FLEET_CALLERS_H
/* How many calls each caller has up, and has begun within the last hour: counted in
 * memory, bounded. Names are kept as hashes, since callers choose them: none can be
 * made to collide, and no number stands here.
 *
 * The hour is counted by steps of five minutes, so a call counts for 55 to 60 minutes.
 *
 * When all places are taken, the caller makes way who has no call up and has begun the
 * fewest calls within the hour; of several, the one not seen for longest. So numbers that
 * are forged by the thousand push out each other: each has called once. Who is near a limit keeps his
 * count, unless every other caller has called as often.
 *
 * No lock of its own; time is given.
 */
#include "server/fleet/fleet.h"
#include "server/fleet/shelf.h"

enum { CALLERS_ROOM = 8192, CALLERS_STEPS = 12 };
#define CALLERS_STEP_US (300 * (int64_t)US_PER_S)

struct callers {
	struct caller_row *rows; /* owned; of `room`, a power of two */
	uint32_t *buckets;       /* owned: the first row of each hash */
	uint32_t room, used;
	uint8_t salt[16];
	struct shelf calls; /* by CallSid, those that are up: struct caller_call */
};

/* For `room` callers (a power of two) and `calls` at once. 0 or -ENOMEM. */
int callers_open(struct callers *c, uint32_t room, size_t calls);
void callers_close(struct callers *c); /* fine with one never opened */

/* As caller_enter and caller_leave of struct fleet_ops. */
int callers_enter(struct callers *c, const struct fleet_arrival *call, int64_t now_us);
void callers_leave(struct callers *c, const char *call_sid, bool undo);

#endif
