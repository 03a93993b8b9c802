#ifndef STORE_STORE_ORDERS_H
#define STORE_STORE_ORDERS_H
/* The rows of `outbound`: calls that were ordered, and what has become of each.
 * Writing is fine with a NULL store; reading takes one of its readers, and says
 * -EIO then.
 */
#include <stdint.h>

struct store;

struct order_row { /* borrowed; NULL without */
	const char *id;
	const char *key, *hash; /* Idempotency-Key, and the hash of the body it stands for */
	const char *call_sid;
	const char *status; /* Twilio's, or while it has not named the call how far the asking has come */
	int64_t created_ms;
	const char *json; /* all else, as the dialer has it */
};

/* New, or as it is now; the key and when it was created stay. A key that another
 * used before `forget_ms` is taken from it; 0: from nobody. */
void store_order_put(struct store *store, const struct order_row *row, int64_t forget_ms);

void store_order_erase(struct store *store, const char *id);

typedef void store_order_each(void *arg, const struct order_row *row);

/* Call back with the row of that key, if it was created after `since_ms`; of that
 * id or CallSid. 0, -ENOENT, -EIO. */
int store_order_by_key(struct store *store, const char *key, int64_t since_ms, store_order_each *each, void *arg);
int store_order_by_name(struct store *store, const char *name, store_order_each *each, void *arg);

/* With all that are not over, oldest first, at most `most`. How many, or -EIO. */
int store_orders_open(struct store *store, int most, store_order_each *each, void *arg);

#endif
