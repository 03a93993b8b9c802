#ifndef FLEET_LOCAL_H
#define FLEET_LOCAL_H
/* The fleet of one: all in memory, with bounds; days and keys also in the store.
 *
 * One lock, held for a moment. Nobody waits for a disk but key_take, whose key an
 * earlier process may have had: as long as one query of the store may take.
 */
#include "server/fleet/fleet.h"

struct store;

/* `store` (NULL: nothing outlives the process) outlives it. `max_calls` bounds
 * what is kept: the endings of all lines lost many times over. 0 or -ENOMEM. */
int fleet_local_open(struct fleet **out, struct store *store, int max_calls);

/* Transfers at once; the oldest makes way. */
enum { FLEET_LOCAL_TRANSFERS = 256 };

#endif
