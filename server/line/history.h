#ifndef LINE_HISTORY_H
#define LINE_HISTORY_H
/* The last hundred calls that are over, with all that was said, for people.
 *
 * Any thread; one lock of its own, taken inside the table's.
 */
#include "common/buf.h"
#include "server/line/calls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTORY_SHOWN = 100 };

struct ended_call {
	char call_sid[CALL_SID_SIZE];
	char *summary, *whole; /* owned; JSON */
};

struct history {
	pthread_mutex_t lock;
	struct ended_call shown[HISTORY_SHOWN]; /* a circle */
	size_t shown_next;
};

void history_open(struct history *h);
void history_close(struct history *h);

/* Keeps a call to be shown; takes both strings, either may be NULL. */
void history_keep(struct history *h, const char *call_sid, char *summary, char *whole);

/* Calls back with the summaries, newest first; the lock is not held meanwhile. */
void history_each(struct history *h, void (*each)(void *arg, const char *json), void *arg);

/* Appends the newest call of that name; false if there is none. */
bool history_one(struct history *h, const char *call_sid, struct buf *out);

#endif
