#include "server/line/ended_calls.h"

#include <stdlib.h>
#include <string.h>

void ended_calls_open(struct ended_calls *e)
{
	memset(e, 0, sizeof *e);
	pthread_mutex_init(&e->lock, NULL);
}

static void drop(struct ended_call *gone)
{
	call_summary_free(&gone->call);
	call_talk_free(&gone->talk);
}

void ended_calls_close(struct ended_calls *e)
{
	for (size_t i = 0; i < ENDED_CALLS; i++)
		drop(&e->list[i]);
	pthread_mutex_destroy(&e->lock);
}

/* False: no memory, and nothing to free. */
static bool copy(
    const struct call_summary *call, const struct call_talk *talk, struct call_summary *to, struct call_talk *to_talk)
{
	if (!call_summary_copy(to, call))
		return false;
	if (call_talk_copy(to_talk, talk))
		return true;
	call_summary_free(to);
	return false;
}

/* Copies are made before the lock and freed after it: a conversation can be long, and
 * the table's lock is held by our caller. */
void ended_calls_keep(struct ended_calls *e, const struct call_summary *call, const struct call_talk *talk)
{
	struct ended_call fresh, old;

	if (!copy(call, talk, &fresh.call, &fresh.talk))
		return;
	pthread_mutex_lock(&e->lock);
	old = e->list[e->next];
	e->list[e->next] = fresh;
	e->next = (e->next + 1) % ENDED_CALLS;
	pthread_mutex_unlock(&e->lock);
	drop(&old);
}

/* Under the lock: the i-th newest, counted from 1. */
static const struct ended_call *newest(const struct ended_calls *e, size_t i)
{
	return &e->list[(e->next + ENDED_CALLS - i) % ENDED_CALLS];
}

/* On the heap: together they are larger than the stack of an HTTP worker. */
void ended_calls_each(struct ended_calls *e, void (*each)(void *arg, const struct call_summary *call), void *arg)
{
	struct call_summary *copies = calloc(ENDED_CALLS, sizeof *copies);
	size_t count = 0;

	if (!copies)
		return;
	pthread_mutex_lock(&e->lock);
	for (size_t i = 1; i <= ENDED_CALLS; i++)
		if (newest(e, i)->call.state && call_summary_copy(&copies[count], &newest(e, i)->call))
			count++;
	pthread_mutex_unlock(&e->lock);
	for (size_t i = 0; i < count; i++) {
		each(arg, &copies[i]);
		call_summary_free(&copies[i]);
	}
	free(copies);
}

bool ended_calls_one(struct ended_calls *e, const char *call_sid, struct call_summary *call, struct call_talk *talk)
{
	bool found = false;

	pthread_mutex_lock(&e->lock);
	for (size_t i = 1; i <= ENDED_CALLS && !found; i++) {
		const struct ended_call *it = newest(e, i);

		found =
		    it->call.state && !strcmp(it->call.call_sid, call_sid) && copy(&it->call, &it->talk, call, talk);
	}
	pthread_mutex_unlock(&e->lock);
	return found;
}
