#ifndef LINE_CALLS_SHOWN_H
#define LINE_CALLS_SHOWN_H
/* Calls as other parts of the program see them: the live ones and the last ended ones.
 * Any thread. */
#include "server/line/calls.h"
#include "server/store/store_calls.h"

/* Calls back with each call: the lines first, then the last 100 ended calls, newest
 * first, then the last 100 of refused callers. A call that came back from a transfer may appear twice. No lock is held
 * during a callback. */
void calls_each(struct calls *calls, void (*each)(void *arg, const struct call_summary *call), void *arg);

/* One call and its conversation, both for the caller to free. 0; -ENOENT: unknown, or no
 * memory. */
int calls_one(struct calls *calls, const char *call_sid, struct call_summary *call, struct call_talk *talk);

/* What a reserved call waits for, for the TwiML that opens it. */
struct call_announced {
	const struct agent *agent; /* retained */
	const struct phone_channel *channel;
	char *welcome; /* owned; with which the phone greets by itself, "": it does not */
};

/* False: that token's call is over, or there is no memory. */
bool calls_announced(struct calls *calls, const char *token, struct call_announced *out);
void call_announced_free(struct call_announced *announced);

/* --- for calls_admit.c --- */

/* Keeps a call of a refused caller, as one that ended when it came: for lists, for the fleet,
 * which knows the answer to a repetition, and for the journal. No lock held. */
void calls_remember_refused(struct calls *calls, const struct call_facts *facts, enum call_end end);

/* --- for the loops --- */

/* Tells the journal that the stream has started; no lock held. */
void calls_tell_started(struct call *c);

/* Agent loop, at the end, once: copies the call to the list of ended calls, since the
 * line will serve another one, and tells the journal. */
void calls_remember(struct call *c);

#endif
