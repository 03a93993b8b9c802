#ifndef STORE_STORE_ORDERS_H
#define STORE_STORE_ORDERS_H
/* The rows of `outbound`: ordered calls and their state. Writing is fine with a NULL
 * store; reading takes one of its readers, and answers -EIO without a store.
 */
#include <stdint.h>

struct store;

struct order_row { /* borrowed; NULL without */
	const char *id;
	const char *key, *hash; /* Idempotency-Key, and the hash of the body it stands for */
	const char *call_sid;
	const char *status; /* Twilio's; our own word while Twilio has not named the call */
	int64_t created_ms;
	const char *json; /* the rest, in the dialer's form */
};

/* Writes a new order, or its new state; key and creation time stay. A key that
 * another order used before `forget_ms` is taken from that one; 0: from none. */
void store_order_put(struct store *store, const struct order_row *row, int64_t forget_ms);

void store_order_erase(struct store *store, const char *id);

typedef void store_order_each(void *arg, const struct order_row *row);

/* Call back with the order of that key, if it was created after `since_ms`; with the
 * order of that id or CallSid. 0, -ENOENT, -EIO. */
int store_order_by_key(struct store *store, const char *key, int64_t since_ms, store_order_each *each, void *arg);
int store_order_by_name(struct store *store, const char *name, store_order_each *each, void *arg);

/* How many were created since then, or -EIO. */
int store_orders_since(struct store *store, int64_t since_ms);

/* Calls back with the orders that are not over, oldest first, at most `most`. How
 * many, or -EIO. */
int store_orders_open(struct store *store, int most, store_order_each *each, void *arg);

#endif
