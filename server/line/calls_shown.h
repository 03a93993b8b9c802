#ifndef LINE_CALLS_SHOWN_H
#define LINE_CALLS_SHOWN_H
/* What others are told of calls: live ones and the last that ended. */
#include "server/line/calls.h"
#include "server/store/store_calls.h"

/* Calls back with each call: live ones first, then the last 100 ended, newest
 * first. A call that is back from a transfer can be there twice. No lock is held
 * meanwhile. */
void calls_each(struct calls *calls, void (*each)(void *arg, const struct call_summary *call), void *arg);

/* One call, and what was said in it, both to be freed. 0 or -ENOENT. */
int calls_one(struct calls *calls, const char *call_sid, struct call_summary *call, struct call_talk *talk);

/* --- its loops' --- */

/* Tells the journal that the caller is there; no lock held. */
void calls_tell_started(struct call *c);

/* Agent loop, at the end: puts the call on the list of the ended, since the line
 * will serve another, and tells the journal. */
void calls_remember(struct call *c);

#endif
