#ifndef NEWS_HUB_H
#define NEWS_HUB_H
/* Events of calls, handed on to watchers: a sink of the journal on one side, a queue
 * for each watcher on the other.
 *
 * The teller, often a call's loop, makes the event once and puts a pointer into each
 * queue, under a lock held for no more than that. Queues are bounded: a watcher that
 * does not keep up is marked as dropped and gets nothing more. Nobody waits for it.
 *
 * Events are numbered, and the numbers grow over restarts too. The latest events are
 * kept, so that a watcher whose connection broke can have those it missed.
 */
#include "common/clock.h"
#include "server/news/journal.h"
#include "common/foreign.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub;
struct hub_watcher;

enum {
	HUB_QUEUE_MAX = 256,            /* events pending for one watcher … */
	HUB_QUEUE_BYTES = 1024 * 1024,  /* … and their text, beyond the first */
	HUB_RECENT_MAX = 256,           /* events kept for returning watchers … */
	HUB_RECENT_BYTES = 1024 * 1024, /* … and their text */
	HUB_LAG_US = 2 * US_PER_S       /* at most: age of a call's snapshot against its events */
};

struct hub_event { /* constant once it is in a queue */
	_Atomic int refs;
	struct hub_event *next; /* the hub's */
	uint64_t id;
	enum journal_kind kind;
	char call_sid[FOREIGN_ID_SIZE];
	int64_t at_us;
	size_t len;
	char text[]; /* "event: …\ndata: …\n\n", as on the wire, without the id */
};

int hub_open(struct hub **out);  /* 0 or -ENOMEM */
void hub_close(struct hub *hub); /* there are no watchers any more; fine with NULL */

/* The journal's sink; its argument is a struct hub. Any thread. */
journal_sink hub_take;

/* Begins to watch one call, or all of them with "". `after` is the last event this
 * watcher has seen: the later ones that are kept come first, and `missed` says whether
 * some are gone. With 0 it has seen none; a watcher of one call then gets the events
 * of the last HUB_LAG_US. NULL: out of memory or descriptors. */
struct hub_watcher *hub_watch(struct hub *hub, const char *call_sid, uint64_t after, int64_t now_us, bool *missed);
void hub_unwatch(struct hub *hub, struct hub_watcher *w); /* fine with NULL */

/* The next event, for hub_event_done afterwards. NULL: none now; the bell rings for
 * the next one, or the watcher is dropped. */
struct hub_event *hub_next(struct hub *hub, struct hub_watcher *w);
void hub_event_done(struct hub_event *event);

int hub_bell(const struct hub_watcher *w);                /* a descriptor to poll */
bool hub_dropped(struct hub *hub, struct hub_watcher *w); /* the watcher was too slow */
bool hub_waiting(struct hub *hub, struct hub_watcher *w); /* an event is pending */
uint64_t hub_last_id(struct hub *hub);

/* Wakes all watchers, so that they see that the server stops. */
void hub_ring(struct hub *hub);

#endif
