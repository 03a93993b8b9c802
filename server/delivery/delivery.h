#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H
/* Webhooks out: events of calls, sent to the addresses that an agent lists.
 *
 * At least once: an event is written to the store before it is sent, and is "waiting"
 * there until its receiver answers 2xx ("delivered"). After OUTBOX_GIVE_UP_SECONDS it
 * is "parked" until somebody sends it again. A restart takes up the waiting ones.
 *
 * delivery_queue.h and delivery_plan.h decide order, times and repetitions. The threads
 * are here: one that hands out, and a pool of its own that sends, so that slow
 * receivers delay nothing else. Without a store events live in memory only.
 */
#include "common/json_out.h"
#include "server/config/config.h"

#include <stddef.h>
#include <stdint.h>

struct delivery;
struct store;

/* The secret shared with the receivers of an agent's webhooks, by the names of the agent
 * and its variant. Caller frees; NULL: there is no such agent any more; "": to be sent
 * unsigned. Any thread. */
typedef char *delivery_secret(void *arg, const char *agent, const char *variant);

struct delivery_event {    /* all borrowed */
	const char *event; /* "call.ended" */
	const char *url;
	const char *call_sid, *agent, *variant; /* "" if there is none */
	const char *secret;                     /* the agent's at this time; NULL: unknown */
	int64_t at_ms;                          /* wall clock of the event */
	/* Writes the members of the body, into the object that is open: "call":{…}. Within
	 * delivery_add; what is sent and stored from then on is the text it wrote. */
	void (*put)(struct json_out *j, const void *what);
	const void *what;
};

/* Takes up the events pending in the store. `cfg` and `store` outlive it; `store` NULL:
 * memory only. 0 or -errno. */
int delivery_open(
    struct delivery **out, const struct config *cfg, struct store *store, delivery_secret *secret, void *arg);

/* Sends due events for up to three seconds more, then gives up the tries under way.
 * delivery_add goes on storing, and nothing more is sent. Fine with NULL. */
void delivery_stop(struct delivery *delivery);
void delivery_close(struct delivery *delivery); /* stops and frees; before the store. Fine with NULL */

/* Any thread, a call's loops too: copies, and waits for nothing. With a NULL delivery
 * nothing happens. */
void delivery_add(struct delivery *delivery, const struct delivery_event *event);

/* For /status, into the object that is open. */
void delivery_put_status(struct delivery *delivery, struct json_out *j);

/* --- for the operator's API; these wait for the store: HTTP workers and jobs only */

enum { DELIVERY_LIST_MAX = 200 }; /* a page */

/* Appends {"outbox":[…],"next":…}, newest first. `state` is "" for all;
 * `cursor` is a `next`, or INT64_MAX. 0, or -ENOTSUP without a store, or
 * -EIO. */
int delivery_list(struct delivery *delivery, const char *state, int64_t cursor, int limit, struct buf *out);

/* Sends an event now, waiting or parked, with a new OUTBOX_GIVE_UP_SECONDS. 0; -ENOENT:
 * no such id; -EALREADY: delivered; -ENOTSUP: no store; -EIO. */
int delivery_retry(struct delivery *delivery, const char *id);

#endif
