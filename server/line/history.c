#include "server/line/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void history_open(struct history *h)
{
	memset(h, 0, sizeof *h);
	pthread_mutex_init(&h->lock, NULL);
}

void history_close(struct history *h)
{
	for (size_t i = 0; i < HISTORY_SHOWN; i++) {
		free(h->shown[i].summary);
		free(h->shown[i].whole);
	}
	pthread_mutex_destroy(&h->lock);
}

void history_keep(struct history *h, const char *call_sid, char *summary, char *whole)
{
	struct ended_call *e;

	pthread_mutex_lock(&h->lock);
	e = &h->shown[h->shown_next];
	h->shown_next = (h->shown_next + 1) % HISTORY_SHOWN;
	free(e->summary);
	free(e->whole);
	snprintf(e->call_sid, sizeof e->call_sid, "%s", call_sid);
	e->summary = summary;
	e->whole = whole;
	pthread_mutex_unlock(&h->lock);
}

/* Under the lock: the i-th newest, from 1. */
static const struct ended_call *newest(const struct history *h, size_t i)
{
	return &h->shown[(h->shown_next + HISTORY_SHOWN - i) % HISTORY_SHOWN];
}

void history_each(struct history *h, void (*each)(void *arg, const char *json), void *arg)
{
	char *copies[HISTORY_SHOWN];
	size_t count = 0;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 1; i <= HISTORY_SHOWN; i++) {
		const char *summary = newest(h, i)->summary;

		if (summary && (copies[count] = strdup(summary)))
			count++;
	}
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < count; i++) {
		each(arg, copies[i]);
		free(copies[i]);
	}
}

bool history_one(struct history *h, const char *call_sid, struct buf *out)
{
	bool found = false;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 1; i <= HISTORY_SHOWN && !found; i++) {
		const struct ended_call *e = newest(h, i);

		found = e->whole && !strcmp(e->call_sid, call_sid);
		if (found)
			buf_puts(out, e->whole);
	}
	pthread_mutex_unlock(&h->lock);
	return found;
}
