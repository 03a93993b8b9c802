#include "server/line/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int history_open(struct history *h, int max_calls)
{
	memset(h, 0, sizeof *h);
	h->ending_count = HISTORY_ENDINGS_MIN + 16 * (size_t)max_calls;
	h->endings = calloc(h->ending_count, sizeof *h->endings);
	if (!h->endings)
		return -ENOMEM;
	pthread_mutex_init(&h->lock, NULL);
	return 0;
}

void history_close(struct history *h)
{
	if (!h->endings)
		return;
	for (size_t i = 0; i < HISTORY_SHOWN; i++) {
		free(h->shown[i].summary);
		free(h->shown[i].whole);
	}
	free(h->endings);
	pthread_mutex_destroy(&h->lock);
	memset(h, 0, sizeof *h);
}

/* ------------------------------------------------------------------------- endings */

void history_note(
    struct history *h, const char *call_sid, enum call_end end, const char *fallback_number, int64_t now_us)
{
	struct kept_ending *k;

	if (!call_sid[0])
		return;
	pthread_mutex_lock(&h->lock);
	k = &h->endings[h->ending_next];
	h->ending_next = (h->ending_next + 1) % h->ending_count;
	snprintf(k->call_sid, sizeof k->call_sid, "%s", call_sid);
	snprintf(k->fallback, sizeof k->fallback, "%s", fallback_number);
	k->end = end;
	k->at_us = now_us;
	/* Where no stream ever was, or the caller is gone, nobody asks. */
	k->asked = end == END_CALLER_HUNG_UP || end == END_NEVER_STREAMED;
	pthread_mutex_unlock(&h->lock);
}

/* Under the lock: the call's newest ending since then, or NULL. */
static struct kept_ending *find_ending(struct history *h, const char *call_sid, int64_t since_us)
{
	struct kept_ending *found = NULL;

	for (size_t i = 0; i < h->ending_count; i++) {
		struct kept_ending *k = &h->endings[i];

		if (k->end && k->at_us >= since_us && !strcmp(k->call_sid, call_sid) &&
		    (!found || k->at_us >= found->at_us))
			found = k;
	}
	return found;
}

enum call_end history_ask(struct history *h, const char *call_sid, int64_t now_us)
{
	struct kept_ending *found;
	enum call_end end = CALL_NOT_ENDED;

	pthread_mutex_lock(&h->lock);
	found = find_ending(h, call_sid, now_us - HISTORY_KEPT_US);
	if (found) {
		found->asked = true;
		end = found->end;
	}
	pthread_mutex_unlock(&h->lock);
	return end;
}

bool history_fallback(struct history *h, const char *call_sid, char out[CALL_NUMBER_SIZE])
{
	struct kept_ending *found;

	pthread_mutex_lock(&h->lock);
	found = find_ending(h, call_sid, INT64_MIN);
	if (found)
		memcpy(out, found->fallback, sizeof found->fallback);
	pthread_mutex_unlock(&h->lock);
	return found != NULL;
}

int history_times(struct history *h, const char *call_sid)
{
	int times = 0;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->ending_count; i++)
		if (h->endings[i].end && !strcmp(h->endings[i].call_sid, call_sid))
			times++;
	pthread_mutex_unlock(&h->lock);
	return times;
}

int history_unasked(struct history *h, int64_t since_us)
{
	int count = 0;

	pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < h->ending_count; i++)
		if (h->endings[i].end && !h->endings[i].asked && h->endings[i].at_us > since_us)
			count++;
	pthread_mutex_unlock(&h->lock);
	return count;
}

/* --------------------------------------------------------------------------- shown */

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
