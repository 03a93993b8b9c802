#ifndef DELIVERY_DELIVERY_ROWS_H
#define DELIVERY_DELIVERY_ROWS_H
/* The outbox's table: writing through the store's queue, reading through its
 * readers. Private to outbox.c. All are fine with a NULL store; those that read
 * are not for a call's loops.
 */
#include "server/store/store.h"
#include "server/delivery/delivery_queue.h"

void rows_insert(struct store *store, const struct delivery_entry *entry);

/* After a try; `state` is a literal. */
void rows_update(struct store *store, const struct delivery_entry *entry, const char *state,
    const struct delivery_result *result, int64_t now_ms);

/* Without a try; the reason of the last one stays, else it is `why`. */
void rows_park(struct store *store, const char *id, const char *why);

/* Waiting again, from now. */
void rows_reopen(struct store *store, const char *id, int64_t now_ms);

/* Calls back with each that waits, after the seq, oldest first, at most `most`;
 * the entry (without body) is the callback's. How many, or -EIO. */
int rows_waiting(
    struct store *store, int64_t after_seq, int most, void (*each)(void *arg, struct delivery_entry *entry), void *arg);

/* One, without body, and its state. 0, -ENOENT, -EIO. */
int rows_find(struct store *store, const char *id, struct delivery_entry **out, char *state, size_t size);

/* Caller frees; NULL if it cannot be had. */
char *rows_body(struct store *store, const char *id);

int rows_list(struct store *store, const char *state, int64_t cursor, int limit, struct buf *out);

#endif
