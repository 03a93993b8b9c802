#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H
/* Webhooks out: what happened, told to the addresses an agent lists.
 *
 * At least once: an event is put into the store before it is sent, stays
 * "waiting" there until its receiver has answered 2xx ("delivered") or for as
 * long as OUTBOX_GIVE_UP_SECONDS ("parked", until somebody sends it again), and
 * is taken up again after a restart. What is next, how often and when is
 * outbox_queue.h's and outbox_plan.h's; here are the threads: one that hands
 * out, and a pool of its own that sends, so that slow receivers keep nothing
 * else waiting. Without a store events live in memory only.
 */
#include "common/buf.h"
#include "server/config/config.h"

#include <stddef.h>
#include <stdint.h>

struct outbox;
struct store;

/* What the receivers of an agent's webhooks share with us, by the names of the
 * agent and its variant: caller frees; NULL if there is no such agent any more;
 * "" to send unsigned. Any thread. */
typedef char *outbox_secret(void *arg, const char *agent, const char *variant);

struct outbox_event {      /* all borrowed */
	const char *event; /* "call.ended" */
	const char *url;
	const char *call_sid, *agent, *variant; /* "" if there is none */
	const char *secret;                     /* as the agent is now; NULL: to be asked for */
	int64_t at_ms;                          /* when it happened, by the wall clock */
	const char *fields;                     /* of the body, beside id, event and created_at: "\"call\":{…}" */
};

/* Takes up what waits in the store. `cfg` and `store` outlive it; `store` NULL:
 * memory only. 0 or -errno. */
int outbox_open(struct outbox **out, const struct config *cfg, struct store *store, outbox_secret *secret, void *arg);

/* Sends what is due for up to three seconds more, then gives up what is under
 * way. outbox_add keeps storing, nothing more is sent. Fine with NULL. */
void outbox_stop(struct outbox *outbox);
void outbox_close(struct outbox *outbox); /* the same, and it is gone; before the store. Fine with NULL */

/* Any thread, a call's loops too: copies, and waits for nothing. NULL outbox:
 * nothing happens. */
void outbox_add(struct outbox *outbox, const struct outbox_event *event);

/* How many are held in memory (20,000); more wait in the store. For tests. Any
 * time. */
void outbox_hold(struct outbox *outbox, size_t entries);

/* An object, for /status; "null" for NULL. */
void outbox_put_status(struct outbox *outbox, struct buf *out);

/* --- for the operator's API; these look into the store: HTTP workers and jobs only */

enum { OUTBOX_LIST_MAX = 200 }; /* a page */

/* Appends {"outbox":[…],"next":…}, newest first. `state` is "" for all;
 * `cursor` is a `next`, or INT64_MAX. 0, or -ENOTSUP without a store, or
 * -EIO. */
int outbox_list(struct outbox *outbox, const char *state, int64_t cursor, int limit, struct buf *out);

/* Sends it now, however long it was parked: 0; -ENOENT no such id, -EALREADY
 * delivered, -ENOTSUP, -EIO. */
int outbox_retry(struct outbox *outbox, const char *id);

#endif
