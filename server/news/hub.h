#ifndef NEWS_HUB_H
#define NEWS_HUB_H
/* What happens in calls, handed on to whoever watches now: a sink of the journal
 * on one side, a queue for each watcher on the other.
 *
 * Whoever tells (a call's loop) copies once and puts a pointer into each queue,
 * under a lock that is held for no more than that. Queues are bounded: a watcher
 * that does not keep up is marked as dropped and gets nothing more; nobody waits
 * for it. Events are numbered, and the numbers grow over restarts too. The latest
 * are kept, so that who was away for a moment can have what it missed.
 */
#include "server/news/journal.h"
#include "server/phone/names.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub;
struct hub_watcher;

enum {
	HUB_QUEUE_MAX = 256,            /* events that may wait for one watcher … */
	HUB_QUEUE_BYTES = 1024 * 1024,  /* … and their text, beyond the first */
	HUB_RECENT_MAX = 256,           /* events kept for who comes back … */
	HUB_RECENT_BYTES = 1024 * 1024, /* … and their text */
	HUB_LAG_US = 2 * 1000 * 1000    /* a call's snapshot may be older than what was told by so much */
};

struct hub_event { /* constant once told */
	_Atomic int refs;
	struct hub_event *next; /* the hub's */
	uint64_t id;
	enum journal_kind kind;
	char call_sid[CALL_SID_SIZE];
	int64_t at_us;
	size_t len;
	char text[]; /* "event: …\ndata: …\n\n", as it goes over the wire; the id is not in it */
};

int hub_open(struct hub **out);  /* 0 or -ENOMEM */
void hub_close(struct hub *hub); /* nobody watches any more; fine with NULL */

/* The journal's sink; `hub` is a struct hub. Any thread. */
journal_sink hub_take;

/* Begins to watch one call, or all of them with "". `after`: the last event this
 * watcher has seen; what is kept of later ones comes first, and `missed` tells
 * whether some are gone. 0: it has seen none; of one call, what was told in the
 * last moment comes again. NULL: out of memory or descriptors. */
struct hub_watcher *hub_watch(struct hub *hub, const char *call_sid, uint64_t after, int64_t now_us, bool *missed);
void hub_unwatch(struct hub *hub, struct hub_watcher *w); /* fine with NULL */

/* What is next, to be given back by hub_event_done; NULL: nothing now, and the
 * bell will ring. */
struct hub_event *hub_next(struct hub *hub, struct hub_watcher *w);
void hub_event_done(struct hub_event *event);

int hub_bell(const struct hub_watcher *w);                /* to poll */
bool hub_dropped(struct hub *hub, struct hub_watcher *w); /* it was too slow */
bool hub_waiting(struct hub *hub, struct hub_watcher *w); /* something is */
uint64_t hub_last_id(struct hub *hub);

/* Wakes all watchers, to see that the server stops. */
void hub_ring(struct hub *hub);

#endif
