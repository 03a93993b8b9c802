#ifndef DELIVERY_DELIVERY_QUEUE_H
#define DELIVERY_DELIVERY_QUEUE_H
/* When each webhook that waits may be sent. No threads, no clock: its owner locks
 * and tells the time; the list is due.h's.
 *
 * In order per call and address, which is a lane: the next of a call is not due
 * before the one in front was delivered or parked. Different calls, and different
 * addresses, go side by side, but only so many at once to one origin. An origin
 * that gives no answer at all is tried by one at a time, with pauses that grow
 * to a minute, whatever waits for it: so that a dead one costs the others
 * nothing, and is noticed soon after it is back.
 */
#include "server/delivery/delivery_plan.h"
#include "server/store/store_deliveries.h"
#include "server/work/due.h"

enum { DELIVERY_PAUSE_MAX_MS = 60 * 1000 };

struct delivery_entry {
	struct due_item due;            /* first; its seq is the row's */
	struct delivery_row row;        /* its texts are owned, with the entry */
	const char *secret;             /* the same; of the agent when it happened; NULL: unknown */
	char *body;                     /* owned; NULL: the store has it */
	struct delivery_target *target; /* the queue's */
	bool expired;                   /* taken to be parked, without another try */
	char texts[];
};

/* Copies the texts; takes the body, whatever happens. NULL if there is no memory. */
struct delivery_entry *delivery_entry_new(const struct delivery_row *row, const char *secret, char *body);
void delivery_entry_free(struct due_item *entry);

struct delivery_queue {
	struct due_list list;
	struct delivery_target *targets; /* owned */
	int at_once;                     /* to one origin */
	int64_t give_up_ms;              /* how long an entry is tried */
};

/* Under the lock of the list, all of them. */

void delivery_queue_init(struct delivery_queue *q, int at_once, int64_t give_up_ms);
void delivery_queue_free(struct delivery_queue *q); /* once its entries are freed */

/* The policy's (due.h) of an owner that begins with a struct delivery_queue. It
 * is put behind all that are older of its call and address. One that has waited
 * as long as it may, for an origin that gives no answer, is due at once, and
 * taken as `expired`. */
bool delivery_queue_put(void *q, struct due_item *entry);
int64_t delivery_queue_when(void *q, const struct due_item *entry, int64_t now_ms);
void delivery_queue_taken(void *q, struct due_item *entry, int64_t now_ms);

/* What came of it. Delivered and parked: out of the queue, the entry is the
 * caller's again. Retry: it waits until delivery_delay_ms is over. */
void delivery_queue_settle(struct delivery_queue *q, struct delivery_entry *entry, enum delivery_verdict verdict,
    const struct delivery_result *result, int64_t now_ms, uint32_t random);

struct delivery_entry *delivery_queue_find(const struct delivery_queue *q, const char *id); /* borrowed */

/* The store has it; it need not be held. */
void delivery_queue_drop_body(struct delivery_queue *q, struct delivery_entry *entry);

/* It is wanted now, as is its origin: its waiting time begins anew. */
void delivery_queue_hurry(struct delivery_entry *entry, int64_t now_ms);

int64_t delivery_queue_oldest_ms(const struct delivery_queue *q); /* at_ms of the oldest; INT64_MAX: none */

#endif
