#ifndef LINE_CALLS_PRIVATE_H
#define LINE_CALLS_PRIVATE_H
/* The table of calls, for its own parts. Private to server/line/.
 *
 *   calls.c        the table itself: open, count, reap, close
 *   calls_admit.c  lines for new calls, and the call of a stream
 *   calls_carry.c  the threads that serve a line
 *   calls_after.c  answers to Twilio once a stream is over
 *   calls_shown.c  calls as other parts see them
 */
#include "server/fleet/fleet.h"
#include "server/line/call.h"
#include "server/line/ended_calls.h"

enum { CLAIM_US = FLEET_TOKEN_US }; /* life of a reservation without a stream, and of a claim without a carrier */
enum { BACK_LOCKS = 64 };

struct calls {
	struct calls_parts use; /* constant */
	struct call *lines;     /* owned; line_count of them */
	uint32_t line_count;
	_Atomic bool closing;
	_Atomic uint64_t ends; /* calls that have ended so far; counted under the lock */

	/* One for the calls of a few names, taken before all others: what a call comes back with is handed out once, so
	 * the same question, asked again meanwhile, waits for the line that it leads to. */
	pthread_mutex_t back_locks[BACK_LOCKS];

	pthread_mutex_t lock; /* for all below, and for the fields that call.h names; held for microseconds */
	bool draining;
	int taken; /* reserved, claimed and live lines; at most MAX_CALLS */

	/* Each has a lock of its own, taken inside this one. Refused callers have a list to
	 * themselves: as often as they call, they push out no call that was answered. */
	struct ended_calls ended, refused;
};

/* The line of a handle; NULL: out of range. The line may serve another call by now:
 * compare the generation under the lock. */
static inline struct call *calls_line(struct calls *calls, struct call_ref ref)
{
	return ref.index < calls->line_count ? &calls->lines[ref.index] : NULL;
}

/* --- calls.c: under the lock; the line taken by the call of that name, or with that token, or NULL --- */
struct call *calls_find_sid(struct calls *calls, const char *call_sid);
struct call *calls_find_token(struct calls *calls, const char *token); /* of CALL_TOKEN_SIZE */

/* --- calls_carry.c: starts the line's own thread (0 or -errno), and joins it --- */
int calls_serve(struct call *c);
void calls_served(struct call *c);

/* --- calls_carry.c: no lock held; leaves every line of a call that is over for the caller loop that is not there --- */
void calls_leave_over(struct calls *calls);

/* --- calls_shown.c: under the lock; the call as it is now, for call_summary_free --- */
void call_summarize(struct call *c, struct call_summary *out);

#endif
