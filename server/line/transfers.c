#include "server/line/transfers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void transfer_free(struct transfer *transfer)
{
	agent_release(transfer->agent);
	free(transfer->contact_name);
	free(transfer->business_name);
	free(transfer->metadata);
	free(transfer->said);
	memset(transfer, 0, sizeof *transfer);
}

void transfers_open(struct transfers *t)
{
	memset(t->list, 0, sizeof t->list);
	pthread_mutex_init(&t->lock, NULL);
}

void transfers_close(struct transfers *t)
{
	for (size_t i = 0; i < TRANSFERS_MAX; i++)
		transfer_free(&t->list[i]);
	pthread_mutex_destroy(&t->lock);
}

/* Under the lock. */
static struct transfer *find(struct transfers *t, const char *call_sid, int64_t now_us)
{
	for (size_t i = 0; i < TRANSFERS_MAX; i++)
		if (t->list[i].call_sid[0] && !strcmp(t->list[i].call_sid, call_sid) &&
		    now_us < t->list[i].at_us + TRANSFER_KEPT_US)
			return &t->list[i];
	return NULL;
}

/* Under the lock. A free place, else the oldest. */
static struct transfer *place(struct transfers *t)
{
	struct transfer *oldest = &t->list[0];

	for (size_t i = 0; i < TRANSFERS_MAX && oldest->call_sid[0]; i++)
		if (!t->list[i].call_sid[0] || t->list[i].at_us < oldest->at_us)
			oldest = &t->list[i];
	return oldest;
}

void transfers_put(struct transfers *t, struct transfer *transfer, int64_t now_us)
{
	struct transfer old, *at;

	transfer->at_us = now_us;
	pthread_mutex_lock(&t->lock);
	at = find(t, transfer->call_sid, now_us);
	if (!at)
		at = place(t);
	old = *at;
	*at = *transfer;
	pthread_mutex_unlock(&t->lock);
	transfer_free(&old);
	memset(transfer, 0, sizeof *transfer);
}

bool transfers_number(
    struct transfers *t, const char *call_sid, char number[CALL_NUMBER_SIZE], int *ring_seconds, int64_t now_us)
{
	const struct transfer *found;

	pthread_mutex_lock(&t->lock);
	found = find(t, call_sid, now_us);
	if (found) {
		snprintf(number, CALL_NUMBER_SIZE, "%s", found->number);
		*ring_seconds = found->ring_seconds;
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}

bool transfers_take(struct transfers *t, const char *call_sid, struct transfer *out, int64_t now_us)
{
	struct transfer *found;

	pthread_mutex_lock(&t->lock);
	found = find(t, call_sid, now_us);
	if (found) {
		*out = *found;
		memset(found, 0, sizeof *found);
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}
