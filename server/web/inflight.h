#ifndef WEB_INFLIGHT_H
#define WEB_INFLIGHT_H
/* The requests that have held their worker too long.
 *
 * A request holds one of CivetWeb's workers until it is answered, and a slow
 * sender holds it long. A fixed cap per peer would be wrong: behind a proxy all
 * of Twilio is one peer, and a burst of honest webhooks looks like a crowd. Time
 * tells them apart: an honest request is there at once. So nobody is turned
 * away at the door; the slow are cut off:
 *
 *   - after INFLIGHT_LONGEST_US, always;
 *   - past INFLIGHT_GRACE_US, when its client has more than INFLIGHT_SLOW_MAX
 *     such requests open;
 *   - past INFLIGHT_GRACE_US, when fewer than INFLIGHT_SPARE workers are free,
 *     first those of the client that has most of them, the oldest first.
 *
 * Pure; the lock and the sockets are those of connections.c.
 */
#include "common/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	INFLIGHT_LONGEST_US = 10 * US_PER_S,
	INFLIGHT_GRACE_US = US_PER_S, /* an honest request may have to wait so long for a busy processor */
	INFLIGHT_SLOW_MAX = 8,
	INFLIGHT_SPARE = 8,
	INFLIGHT_AT_ONCE = 64, /* most cut off in one go, so that judging a crowd stays short */
};

struct inflight {
	bool used;
	bool limited;    /* a call, or a long answer: its own loop watches it from now on */
	bool cut;        /* already cut off, on its way out */
	uint32_t client; /* its owner's number; 0: not known, or many at once */
	int64_t since_us;
};

/* A number for a client's address; 0 for "". */
uint32_t inflight_client(const char *address);

/* Marks `cut` on the requests that have to go by the rules above; `workers`
 * is the number of connections that can be served at once. Returns how many
 * were newly marked. */
size_t inflight_judge(struct inflight *entries, size_t count, size_t workers, int64_t now_us);

#endif
