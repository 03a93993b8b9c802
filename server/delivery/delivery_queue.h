#ifndef DELIVERY_DELIVERY_QUEUE_H
#define DELIVERY_DELIVERY_QUEUE_H
/* The times at which pending webhooks may be sent. No threads, no clock: the owner locks
 * and passes the time. The list is due.h's.
 *
 * A lane is one call and one address, and keeps its order: an event is not due before
 * the one in front was delivered or parked. Different lanes go side by side, but only
 * `at_once` to one origin. An origin that gives no answer at all gets one try at a time,
 * with pauses that grow to a minute. So a dead one costs the others nothing, and its
 * return is noticed soon.
 */
#include "server/delivery/delivery_plan.h"
#include "server/store/store_deliveries.h"
#include "server/work/due.h"

enum { DELIVERY_PAUSE_MAX_MS = 60 * 1000 };

struct delivery_entry {
	struct due_item due;            /* first; its seq is the row's */
	struct delivery_row row;        /* its texts are owned, with the entry */
	const char *secret;             /* owned likewise; the agent's at the event; NULL: unknown */
	char *body;                     /* owned; NULL: the store has it */
	struct delivery_target *target; /* the queue's */
	bool expired;                   /* it was taken to be parked, without another try */
	char texts[];
};

/* Copies the texts; takes the body, whatever happens. NULL if there is no memory. */
struct delivery_entry *delivery_entry_new(const struct delivery_row *row, const char *secret, char *body);
void delivery_entry_free(struct due_item *entry);

struct delivery_queue {
	struct due_list list;
	struct delivery_target *targets; /* owned */
	int at_once;                     /* tries to one origin */
	int64_t give_up_ms;              /* time of an entry, from since_ms on */
};

/* Under the lock of the list, all of them. */

void delivery_queue_init(struct delivery_queue *q, int at_once, int64_t give_up_ms);
void delivery_queue_free(struct delivery_queue *q); /* once its entries are freed */

/* Functions of a due_policy (due.h), for an owner that begins with a struct
 * delivery_queue. An entry is put behind the older ones of its lane. An entry whose time
 * is over while its origin gives no answer is due at once, and taken as `expired`. */
bool delivery_queue_put(void *q, struct due_item *entry);
int64_t delivery_queue_when(void *q, const struct due_item *entry, int64_t now_ms);
void delivery_queue_taken(void *q, struct due_item *entry, int64_t now_ms);

/* After a try. Delivered and parked: the entry is out of the queue and the caller's.
 * Retry: it is let go, and due after a pause (delivery_backoff). */
void delivery_queue_settle(struct delivery_queue *q, struct delivery_entry *entry, enum delivery_verdict verdict,
    const struct delivery_result *result, int64_t now_ms, uint32_t random);

struct delivery_entry *delivery_queue_find(const struct delivery_queue *q, const char *id); /* borrowed */

/* Frees the body; the store has it. */
void delivery_queue_drop_body(struct delivery_queue *q, struct delivery_entry *entry);

/* Makes it due now, its origin too; its time begins anew. */
void delivery_queue_hurry(struct delivery_entry *entry, int64_t now_ms);

int64_t delivery_queue_oldest_ms(const struct delivery_queue *q); /* at_ms of the oldest; INT64_MAX: none */

#endif
