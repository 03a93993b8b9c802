#ifndef WEB_INFLIGHT_H
#define WEB_INFLIGHT_H
/* The requests that hold a worker and wait for their clients.
 *
 * A request holds one of CivetWeb's workers until it is answered, and a slow
 * sender holds it long. A low cap per peer would be wrong: behind a proxy all
 * of Twilio is one peer, and a burst of honest webhooks looks like a crowd. Time
 * tells them apart: an honest request is there at once. So nobody is turned away
 * at the door; those that wait for their clients are cut off, by demand:
 *
 *   - after INFLIGHT_LONGEST_US, always;
 *   - when their client has more than INFLIGHT_HALF_OPEN_MAX of them, or more
 *     than INFLIGHT_SLOW_MAX past INFLIGHT_GRACE_US, the oldest first;
 *   - past INFLIGHT_SHORT_GRACE_US, while fewer than INFLIGHT_SPARE workers are
 *     free: all of them;
 *   - whatever their age, while fewer than INFLIGHT_DOOR workers are free: the
 *     oldest of the client that has most. The faster strangers come, the
 *     shorter they stay.
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
	INFLIGHT_SHORT_GRACE_US = 100 * US_PER_MS,
	INFLIGHT_HALF_OPEN_MAX = 32, /* of one client, from the first moment */
	INFLIGHT_SLOW_MAX = 8,
	INFLIGHT_SPARE = 8,
	INFLIGHT_DOOR = 2,  /* workers for whoever comes next */
	INFLIGHT_CROWD = 8, /* when fewer wait, the shortage is not their doing */
};

enum inflight_stage {
	INFLIGHT_READING, /* its client has yet to send the rest */
	INFLIGHT_SERVING, /* its handler is at work, which is no fault of the client's */
	INFLIGHT_LEAVING, /* its client has yet to take the answer */
	INFLIGHT_LIMITED, /* a call, or a long answer: its own loop watches it from now on */
};

struct inflight {
	bool used;
	bool cut; /* already cut off, on its way out */
	bool fed; /* bytes of its client's have come that its worker has not got to yet */
	enum inflight_stage stage;
	uint32_t client;  /* its owner's number; 0: not known, or many at once */
	int64_t since_us; /* in this stage */
};

/* A number for a client's address, with or without a port; 0 for "". The addresses
 * of an IPv6 network of 64 bits are one client's, who may choose among them. */
uint32_t inflight_client(const char *address);

/* True while fewer than INFLIGHT_SPARE of the workers are free. */
bool inflight_short(const struct inflight *entries, size_t count, size_t workers);

/* Marks `cut` on the requests that have to go by the rules above; `workers`
 * is the number of connections that can be served at once. Returns how many
 * were newly marked. */
size_t inflight_judge(struct inflight *entries, size_t count, size_t workers, int64_t now_us);

#endif
