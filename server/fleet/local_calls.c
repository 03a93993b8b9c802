#include "server/fleet/local_private.h"
#include "server/store/store_calls.h"

#include <errno.h>

/* Memory first, and only what it has forgotten is asked of the store: one row by its key. */
int local_ending_ever(struct fleet *f, const char *call_sid, struct fleet_ending *out, int64_t now_us, int64_t wall_ms)
{
	const struct local *l = (struct local *)f;
	int64_t ended_ms;
	int err = f->ops->ending_get(f, call_sid, false, out, now_us);

	if (err != -ENOENT || !l->store)
		return err;
	*out = (struct fleet_ending){ .end = CALL_NOT_ENDED };
	err = store_call_ending(l->store, call_sid, &out->end, &ended_ms);
	out->after = call_ending(out->end)->after;
	if (!err)
		out->age_us = (wall_ms - ended_ms) * US_PER_MS;
	return err;
}

int local_caller_enter(struct fleet *f, const struct fleet_arrival *call, int64_t now_us)
{
	struct local *l = lock(f);
	int err = callers_enter(&l->callers, call, now_us);

	unlock(l);
	return err;
}

void local_caller_leave(struct fleet *f, const char *call_sid, bool undo)
{
	struct local *l = lock(f);

	callers_leave(&l->callers, call_sid, undo);
	unlock(l);
}
