#ifndef LINE_ENDED_CALLS_H
#define LINE_ENDED_CALLS_H
/* The last hundred calls that are over, with all that was said, for people.
 *
 * Any thread; one lock of its own, taken inside the table's.
 */
#include "server/store/store_calls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { ENDED_CALLS = 100 };

struct ended_call {
	struct call_summary call; /* owned; without a state: none */
	struct call_talk talk;    /* owned */
};

struct ended_calls {
	pthread_mutex_t lock;
	struct ended_call list[ENDED_CALLS]; /* a circle */
	size_t next;
};

void ended_calls_open(struct ended_calls *e);
void ended_calls_close(struct ended_calls *e);

/* Keeps copies; nothing if there is no memory. */
void ended_calls_keep(struct ended_calls *e, const struct call_summary *call, const struct call_talk *talk);

/* Calls back, newest first; the lock is not held meanwhile. */
void ended_calls_each(struct ended_calls *e, void (*each)(void *arg, const struct call_summary *call), void *arg);

/* The newest call of that name, copied; false if there is none. */
bool ended_calls_one(struct ended_calls *e, const char *call_sid, struct call_summary *call, struct call_talk *talk);

#endif
