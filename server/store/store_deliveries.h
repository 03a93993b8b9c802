#ifndef STORE_STORE_DELIVERIES_H
#define STORE_STORE_DELIVERIES_H
/* The rows of `outbox`: webhooks out, from the event until old calls are deleted.
 * Writing is fine with a NULL store; reading takes one of its readers, and answers
 * -EIO without a store.
 */
#include "common/buf.h"

#include <stddef.h>
#include <stdint.h>

struct store;

enum { DELIVERY_ID_SIZE = 32 };

struct delivery_row { /* texts borrowed; never NULL */
	char id[DELIVERY_ID_SIZE];
	int64_t seq;                                          /* the order of the events */
	const char *call_sid, *agent, *variant, *event, *url; /* "" if there is none */
	int64_t at_ms;                                        /* when it happened */
	int64_t since_ms;                                     /* when trying began */
	int64_t next_ms;                                      /* not before */
	int attempts;                                         /* failed ones */
};

void store_delivery_put(struct store *store, const struct delivery_row *row, const char *body);

/* After a try: "waiting" (until row->next_ms), "delivered" or "parked". */
void store_delivery_settle(struct store *store, const struct delivery_row *row, const char *state, int status,
    const char *error, int64_t now_ms);

/* Gives up without a try. The last try's error stays; without one it is `why`. */
void store_delivery_park(struct store *store, const char *id, const char *why);

/* Waiting again, from now. */
void store_delivery_reopen(struct store *store, const char *id, int64_t now_ms);

/* Calls back with each pending delivery after the seq, oldest first, at most `most`.
 * How many, or -EIO. */
int store_deliveries_waiting(struct store *store, int64_t after_seq, int most,
    void (*each)(void *arg, const struct delivery_row *row), void *arg);

/* Calls back with the delivery of that id, and its state. 0, -ENOENT, -EIO. */
int store_delivery_find(struct store *store, const char *id,
    void (*found)(void *arg, const struct delivery_row *row, const char *state), void *arg);

/* Caller frees; NULL: no such delivery, or it cannot be read. */
char *store_delivery_body(struct store *store, const char *id);

/* Appends {"outbox":[…],"next":…}, newest first. `state` is "" for all; `cursor`
 * is a `next`, or INT64_MAX. 0 or -EIO. */
int store_deliveries_list(struct store *store, const char *state, int64_t cursor, int limit, struct buf *out);

#endif
