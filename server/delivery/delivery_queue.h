#ifndef DELIVERY_DELIVERY_QUEUE_H
#define DELIVERY_DELIVERY_QUEUE_H
/* The webhooks that wait, and which of them is next. No threads, no clock: its
 * owner locks and tells the time.
 *
 * In order per call and address: the next of a call is not due before the one
 * in front was delivered or parked. Different calls, and different addresses,
 * go side by side, but only so many at once to one origin. An origin that gives
 * no answer at all is tried by one at a time, with pauses that grow to a
 * minute, whatever waits for it: so that a dead one costs the others nothing,
 * and is noticed soon after it is back.
 */
#include "server/delivery/delivery_plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DELIVERY_ID_SIZE = 32, DELIVERY_PAUSE_MAX_MS = 60 * 1000 };

struct delivery_entry {
	char id[DELIVERY_ID_SIZE];
	int64_t seq;                                    /* the order in which things happened */
	char *call_sid, *agent, *variant, *event, *url; /* owned; never NULL, call_sid may be "" */
	char *body;                                     /* owned; NULL: the store has it */
	char *secret;                                   /* owned; of the agent when it happened; NULL: unknown */
	int64_t at_ms;                                  /* when it happened */
	int64_t since_ms;                               /* when trying began */
	int64_t next_ms;                                /* not before */
	int attempts;                                   /* that failed */
	bool sending;
	struct delivery_entry *next; /* the queue's, or a list's */
};

/* Copies the texts (NULL gives ""); NULL if there is no memory. */
struct delivery_entry *delivery_entry_new(const char *call_sid, const char *agent, const char *variant,
    const char *event, const char *url, const char *body, const char *secret);
void delivery_entry_free(struct delivery_entry *entry); /* fine with NULL */

struct delivery_queue {
	struct delivery_chain *chains; /* owned, oldest first */
	struct delivery_chain **last;
	struct delivery_target *targets; /* owned */
	int at_once;                     /* to one origin */
	size_t count, sending;
	size_t bytes; /* of bodies held */
};

void delivery_queue_init(struct delivery_queue *q, int at_once);
void delivery_queue_free(struct delivery_queue *q);

/* Behind all that are older (by seq) of its call and address. The entry is the
 * queue's from then on. False, and it stays the caller's: no memory, or an
 * entry of that id is there. */
bool delivery_queue_add(struct delivery_queue *q, struct delivery_entry *entry);

/* The oldest that is due, marked as being sent; it stays the queue's. NULL:
 * none, and *next_ms says when to look again (INT64_MAX: not before something
 * changes). */
struct delivery_entry *delivery_queue_take(struct delivery_queue *q, int64_t now_ms, int64_t *next_ms);

/* Whether delivery_queue_take would give one. */
bool delivery_queue_due(const struct delivery_queue *q, int64_t now_ms);

/* What came of it. Delivered and parked: out of the queue, the entry is the
 * caller's again. Retry: it waits until delivery_delay_ms is over. */
void delivery_queue_settle(struct delivery_queue *q, struct delivery_entry *entry, enum delivery_verdict verdict,
    const struct delivery_result *result, int64_t now_ms, uint32_t random);

/* One at the head of its line that has waited as long as it may, for an origin
 * that gives no answer: taken out, the caller's. NULL: none. */
struct delivery_entry *delivery_queue_expired(struct delivery_queue *q, int64_t now_ms, int64_t give_up_ms);

struct delivery_entry *delivery_queue_find(const struct delivery_queue *q, const char *id); /* borrowed */

/* The store has it; it need not be held. */
void delivery_queue_drop_body(struct delivery_queue *q, struct delivery_entry *entry);

/* It is wanted now, as is its origin: its waiting time begins anew. */
void delivery_queue_hurry(struct delivery_queue *q, struct delivery_entry *entry, int64_t now_ms);

int64_t delivery_queue_oldest_ms(const struct delivery_queue *q); /* at_ms of the oldest; INT64_MAX: none */

#endif
