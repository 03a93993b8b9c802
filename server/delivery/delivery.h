#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H
/* Webhooks out: what happened, told to the addresses an agent lists.
 *
 * At least once: an event is put into the store before it is sent, stays
 * "waiting" there until its receiver has answered 2xx ("delivered") or for as
 * long as DELIVERY_GIVE_UP_SECONDS ("parked", until somebody sends it again), and
 * is taken up again after a restart. What is next, how often and when is
 * delivery_queue.h's and delivery_plan.h's; here are the threads: one that hands
 * out, and a pool of its own that sends, so that slow receivers keep nothing
 * else waiting. Without a store events live in memory only.
 */
#include "common/buf.h"
#include "server/config/config.h"

#include <stddef.h>
#include <stdint.h>

struct delivery;
struct store;

/* What the receivers of an agent's webhooks share with us, by the names of the
 * agent and its variant: caller frees; NULL if there is no such agent any more;
 * "" to send unsigned. Any thread. */
typedef char *delivery_secret(void *arg, const char *agent, const char *variant);

struct delivery_event {    /* all borrowed */
	const char *event; /* "call.ended" */
	const char *url;
	const char *call_sid, *agent, *variant; /* "" if there is none */
	const char *secret;                     /* as the agent is now; NULL: to be asked for */
	int64_t at_ms;                          /* when it happened, by the wall clock */
	const char *fields;                     /* of the body, beside id, event and created_at: {"call":{…}} */
};

/* Takes up what waits in the store. `cfg` and `store` outlive it; `store` NULL:
 * memory only. 0 or -errno. */
int delivery_open(
    struct delivery **out, const struct config *cfg, struct store *store, delivery_secret *secret, void *arg);

/* Sends what is due for up to three seconds more, then gives up what is under
 * way. delivery_add keeps storing, nothing more is sent. Fine with NULL. */
void delivery_stop(struct delivery *delivery);
void delivery_close(struct delivery *delivery); /* the same, and it is gone; before the store. Fine with NULL */

/* Any thread, a call's loops too: copies, and waits for nothing. NULL outbox:
 * nothing happens. */
void delivery_add(struct delivery *delivery, const struct delivery_event *event);

/* How many are held in memory (20,000); more wait in the store. For tests. Any
 * time. */
void delivery_hold(struct delivery *delivery, size_t entries);

/* An object, for /status; "null" for NULL. */
void delivery_put_status(struct delivery *delivery, struct buf *out);

/* --- for the operator's API; these look into the store: HTTP workers and jobs only */

enum { DELIVERY_LIST_MAX = 200 }; /* a page */

/* Appends {"outbox":[…],"next":…}, newest first. `state` is "" for all;
 * `cursor` is a `next`, or INT64_MAX. 0, or -ENOTSUP without a store, or
 * -EIO. */
int delivery_list(struct delivery *delivery, const char *state, int64_t cursor, int limit, struct buf *out);

/* Sends it now, however long it was parked: 0; -ENOENT no such id, -EALREADY
 * delivered, -ENOTSUP, -EIO. */
int delivery_retry(struct delivery *delivery, const char *id);

#endif
