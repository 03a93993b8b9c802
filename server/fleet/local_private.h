#ifndef FLEET_LOCAL_PRIVATE_H
#define FLEET_LOCAL_PRIVATE_H
/* The fleet of one instance, for its own parts. Private to server/fleet/.
 *
 *   local.c         opens and closes it; tokens, endings, transfers, keys, days
 *   local_calls.c   what is known of a call that comes in: its caller's others, an earlier end
 */
#include "server/fleet/callers.h"
#include "server/fleet/fleet.h"
#include "server/fleet/shelf.h"

#include <pthread.h>

struct taken_key {
	struct fleet_key is;
	bool settled; /* false while a thread is asking the store about it */
};

struct local {
	struct fleet fleet; /* first */
	struct store *store;
	int64_t tended_us; /* main's thread only */

	pthread_mutex_t lock;   /* guards the rest */
	struct shelf tokens;    /* char[FOREIGN_ID_SIZE] */
	struct shelf endings;   /* struct fleet_ending */
	struct shelf transfers; /* struct fleet_transfer */
	struct shelf keys;      /* struct taken_key; times are wall_ms */
	struct callers callers;
	int64_t day;            /* the newest that anything was booked on, or asked for */
	double usd[FLEET_DAYS]; /* by day % FLEET_DAYS */
	bool news[FLEET_DAYS];  /* of the same days: the sum is not written yet */
};

static inline struct local *lock(struct fleet *f)
{
	struct local *l = (struct local *)f;

	pthread_mutex_lock(&l->lock);
	return l;
}

static inline void unlock(struct local *l)
{
	pthread_mutex_unlock(&l->lock);
}

/* --- local_calls.c: as in struct fleet_ops --- */
int local_ending_ever(struct fleet *f, const char *call_sid, struct fleet_ending *out, int64_t now_us, int64_t wall_ms);
int local_interrupted(struct fleet *f, const char *call_sid, struct fleet_transfer *out, int64_t now_us);
int local_caller_enter(struct fleet *f, const struct fleet_arrival *call, int64_t now_us);
void local_caller_leave(struct fleet *f, const char *call_sid, bool undo);

#endif
