/* Orders for the operator's API. Copies are made under the lock, and handed on without. */
#include "server/dialer/dialer_show.h"

#include "common/json_out.h"
#include "server/dialer/dialer_private.h"

#include <stdlib.h>

static void show(const struct order *e, struct call_summary *out)
{
	order_summarize(e, order_open(e) ? 0 : clock_wall_ms(), out);
}

/* The list first: it is newer than the row. The store has those that are long over. */
bool dialer_show(struct dialer *o, const char *name, struct call_summary *out)
{
	struct order *e;
	bool known;

	pthread_mutex_lock(&o->lock);
	e = order_find(o, name);
	known = e != NULL;
	if (e)
		show(e, out);
	pthread_mutex_unlock(&o->lock);
	if (known)
		return true;
	e = order_by_name(o, name);
	known = e != NULL;
	if (e)
		show(e, out);
	order_free(e);
	return known;
}

void dialer_each(struct dialer *o, void (*each)(void *arg, const struct call_summary *call), void *arg)
{
	struct call_summary *list;
	size_t count = 0;

	pthread_mutex_lock(&o->lock);
	list = calloc(o->list.count + 1, sizeof *list);
	for (const struct order *e = order_first(o); list && e; e = order_next(e))
		if (order_open(e) && !e->answered)
			show(e, &list[count++]);
	pthread_mutex_unlock(&o->lock);
	for (size_t i = 0; i < count; i++) {
		each(arg, &list[i]);
		call_summary_free(&list[i]);
	}
	free(list);
}

void dialer_put_status(struct dialer *o, struct json_out *j)
{
	uint64_t queued = 0, unsure = 0, ringing = 0;

	pthread_mutex_lock(&o->lock);
	for (const struct order *e = order_first(o); e; e = order_next(e)) {
		queued += e->state.phase == PHASE_QUEUED || e->state.phase == PHASE_ASKING;
		unsure += e->state.phase == PHASE_UNSURE;
		ringing += e->state.phase == PHASE_MADE && order_open(e) && !e->answered;
	}
	json_put_uint(j, "queued", queued);
	json_put_uint(j, "unsure", unsure);
	json_put_uint(j, "ringing", ringing);
	json_put_uint(j, "placed", o->placed);
	json_put_uint(j, "made", o->made);
	json_put_uint(j, "refused", o->refused);
	json_put_uint(j, "expired", o->expired);
	json_put_uint(j, "held", o->held);
	json_put_uint(j, "outcome_unknown", o->unsure);
	json_put_uint(j, "repeated", o->repeated);
	json_put_uint(j, "duplicates", o->duplicates);
	json_put_uint(j, "canceled", o->canceled);
	json_put_uint(j, "over_day", o->over_day);
	json_put_int(j, "today", out_day_count(&o->day, clock_wall_ms()));
	if (o->cfg->outbound_max_day)
		json_put_int(j, "max_day", o->cfg->outbound_max_day);
	else
		json_put_null(j, "max_day");
	pthread_mutex_unlock(&o->lock);
}
