#ifndef STORE_STORE_FLEET_H
#define STORE_STORE_FLEET_H
/* What the fleet of one instance (server/fleet/local.h) has over a restart: what
 * a day's calls cost, and which order an Idempotency-Key stands for. The order
 * itself is written elsewhere. Reading is not for a call's loops.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/* A day is YYYY-MM-DD, UTC. Any thread; in place of what was there. */
bool store_day_put(struct store *store, const char *day, double usd);

/* 0, -ENOENT (nothing was booked on it) or -EIO. */
int store_day(struct store *store, const char *day, double *usd);

/* The id and the body's hash of the order with that key, of those made after
 * then; cut short if need be. 0, -ENOENT or -EIO. */
int store_key(struct store *store, const char *key, int64_t since_ms, char *order, size_t order_size, char *hash,
    size_t hash_size);

#endif
