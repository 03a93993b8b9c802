#ifndef LINE_CALLS_PRIVATE_H
#define LINE_CALLS_PRIVATE_H
/* What the parts of the table share. Private to server/line/.
 *
 *   calls.c        the table itself: opened, counted, looked after, emptied
 *   calls_admit.c  who gets a line, and whose a stream is
 *   calls_carry.c  the threads that serve a line
 *   calls_after.c  what Twilio asks once the stream is over
 *   calls_shown.c  what others are told of calls
 */
#include "server/fleet/fleet.h"
#include "server/line/call.h"
#include "server/line/ended_calls.h"

enum { CLAIM_US = FLEET_TOKEN_US }; /* a reservation waits so long for its stream, and a claim to be carried */

struct calls {
	const struct config *cfg;
	const struct model_access *access;
	struct agents *agents;
	struct work *work;
	struct fleet *fleet;
	struct recorder *recorder;
	struct call_loops loops;
	struct call *lines; /* owned; line_count of them */
	uint32_t line_count;
	_Atomic bool closing;

	pthread_mutex_t lock; /* all below, and what call.h says; held for microseconds */
	bool draining;
	int taken; /* reserved, claimed and live lines: what MAX_CALLS bounds */

	struct ended_calls ended; /* has a lock of its own, taken inside this one */
};

/* A line as a handle names it; NULL if there is none. Under the lock: whether it
 * still is that call. */
static inline struct call *calls_line(struct calls *calls, struct call_ref ref)
{
	return ref.index < calls->line_count ? &calls->lines[ref.index] : NULL;
}

/* --- calls.c: under the lock; the line that a call of that name is on, or NULL --- */
struct call *calls_find_sid(struct calls *calls, const char *call_sid);

/* --- calls_carry.c: a thread of its own for each line; the end waits for it --- */
int calls_serve(struct call *c);
void calls_served(struct call *c);

/* --- calls_shown.c: under the lock; how a call is now, to be freed --- */
void call_summarize(struct call *c, struct call_summary *out);

#endif
