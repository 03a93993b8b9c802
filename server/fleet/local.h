#ifndef FLEET_LOCAL_H
#define FLEET_LOCAL_H
/* The fleet of one instance: all in memory, with bounds; days and keys also in the
 * store.
 *
 * One lock, held for a moment. Only key_take and ending_ever wait for a disk, since an
 * earlier process may have had the key or the call: for one query of the store, and
 * ending_ever, for which a caller waits, 50 ms at most while others read.
 */
#include "server/fleet/fleet.h"

struct store;

/* `store` (NULL: nothing survives a restart) outlives it. `max_calls` bounds the
 * memory: room for the endings of all lines many times over. 0 or -ENOMEM. */
int fleet_local_open(struct fleet **out, struct store *store, int max_calls);

/* Transfers at once; the oldest makes way. */
enum { FLEET_LOCAL_TRANSFERS = 256 };

#endif
