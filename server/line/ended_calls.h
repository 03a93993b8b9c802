#ifndef LINE_ENDED_CALLS_H
#define LINE_ENDED_CALLS_H
/* The last hundred ended calls with their conversations, for the operator's API. They
 * are memory only; the store keeps calls for longer.
 *
 * Any thread. The list has a lock of its own, which may be taken inside the table's.
 */
#include "server/store/store_calls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { ENDED_CALLS = 100 };

struct ended_call {
	struct call_summary call; /* owned; no state: the place is empty */
	struct call_talk talk;    /* owned */
};

struct ended_calls {
	pthread_mutex_t lock;
	struct ended_call list[ENDED_CALLS]; /* a circle */
	size_t next;
};

void ended_calls_open(struct ended_calls *e);
void ended_calls_close(struct ended_calls *e);

/* Keeps copies, in place of the oldest call. Without memory it keeps nothing. */
void ended_calls_keep(struct ended_calls *e, const struct call_summary *call, const struct call_talk *talk);

/* Calls back with each, newest first. No lock is held during a callback. */
void ended_calls_each(struct ended_calls *e, void (*each)(void *arg, const struct call_summary *call), void *arg);

/* Copies the newest call of that CallSid, for the caller to free. False: none, or no
 * memory. */
bool ended_calls_one(struct ended_calls *e, const char *call_sid, struct call_summary *call, struct call_talk *talk);

#endif
