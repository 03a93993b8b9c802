#include "server/fleet/local_private.h"
#include "server/store/store_calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Memory first, and only what it has forgotten is asked of the store: one row by its key. */
int local_ending_ever(struct fleet *f, const char *call_sid, struct fleet_ending *out, int64_t now_us, int64_t wall_ms)
{
	const struct local *l = (struct local *)f;
	struct kept_ending kept;
	int err = f->ops->ending_get(f, call_sid, false, out, now_us);

	if (err != -ENOENT || !l->store)
		return err;
	*out = (struct fleet_ending){ .end = CALL_NOT_ENDED };
	err = store_call_ending(l->store, call_sid, &kept);
	if (err)
		return err;
	out->end = kept.end;
	out->after = call_ending_after(kept.end, kept.said);
	out->age_us = (wall_ms - kept.ended_ms) * US_PER_MS;
	snprintf(out->agent, sizeof out->agent, "%s", kept.agent);
	snprintf(out->variant, sizeof out->variant, "%s", kept.variant);
	return 0;
}

static void add_said(void *arg, bool agents, const char *text)
{
	struct fleet_said *said = arg;

	if (said && said->count < FLEET_SAID_TURNS)
		fleet_said_add(said, agents, text, strlen(text));
}

/* What this process has ended is no such call: its end is known better. */
int local_interrupted(struct fleet *f, const char *call_sid, struct fleet_transfer *out, int64_t now_us)
{
	const struct local *l = (struct local *)f;
	struct fleet_ending known;
	struct call_summary call;
	int err;

	memset(out, 0, sizeof *out);
	if (!l->store || !f->ops->ending_get(f, call_sid, false, &known, now_us))
		return -ENOENT;
	out->said = fleet_said_new(FLEET_SAID_TURNS);
	err = store_call_left(l->store, call_sid, &call, &out->turns, FLEET_SAID_BYTES, add_said, out->said);
	if (err) {
		fleet_transfer_free(out);
		return err;
	}
	snprintf(out->call_sid, sizeof out->call_sid, "%s", call.call_sid);
	snprintf(out->from, sizeof out->from, "%s", call.from);
	snprintf(out->to, sizeof out->to, "%s", call.to);
	snprintf(out->direction, sizeof out->direction, "%s", call.direction);
	snprintf(out->agent, sizeof out->agent, "%s", call.agent ? call.agent : "");
	snprintf(out->variant, sizeof out->variant, "%s", call.variant ? call.variant : "");
	out->metadata = call.metadata;
	call.metadata = NULL;
	call_summary_free(&call);
	return 0;
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
