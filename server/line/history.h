#ifndef LINE_HISTORY_H
#define LINE_HISTORY_H
/* Calls that are over. Two lists with two purposes: how each call of the last
 * two minutes ended, because Twilio asks what comes next when the call has long
 * left its line (and after a mass outage for hundreds at once); and the last
 * hundred with all that was said, for people.
 *
 * Any thread; one lock of its own, taken inside the table's. Time is given.
 */
#include "common/buf.h"
#include "server/line/calls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HISTORY_SHOWN = 100, /* ended calls that /calls shows */
	HISTORY_ENDINGS_MIN = 2048,
	HISTORY_KEPT_US = 120 * 1000000 /* how long an ending is known */
};

struct kept_ending {
	char call_sid[CALL_SID_SIZE];
	enum call_end end;
	char fallback[CALL_NUMBER_SIZE]; /* its agent's */
	int64_t at_us;
	bool asked;
};

struct ended_call {
	char call_sid[CALL_SID_SIZE];
	char *summary, *whole; /* owned; JSON */
};

struct history {
	pthread_mutex_t lock;
	struct kept_ending *endings; /* owned; a circle */
	size_t ending_count, ending_next;
	struct ended_call shown[HISTORY_SHOWN]; /* a circle */
	size_t shown_next;
};

/* Room for the endings of `max_calls` lines lost many times over. 0 or -ENOMEM. */
int history_open(struct history *h, int max_calls);
void history_close(struct history *h); /* fine with a zeroed one */

/* A call has ended. One without a name yet is not kept. */
void history_note(
    struct history *h, const char *call_sid, enum call_end end, const char *fallback_number, int64_t now_us);

/* How the call ended, the newest time if it streamed more than once, and marks
 * that Twilio asked; CALL_NOT_ENDED if that is not known (any more). */
enum call_end history_ask(struct history *h, const char *call_sid, int64_t now_us);

/* The fallback number noted with the newest ending; false if none is known. */
bool history_fallback(struct history *h, const char *call_sid, char out[CALL_NUMBER_SIZE]);

/* How often a call of that name has ended, as far back as is known. */
int history_times(struct history *h, const char *call_sid);

/* Endings since then that Twilio has not asked for and may still. */
int history_unasked(struct history *h, int64_t since_us);

/* Keeps a call to be shown; takes both strings, either may be NULL. */
void history_keep(struct history *h, const char *call_sid, char *summary, char *whole);

/* Calls back with the summaries, newest first; the lock is not held meanwhile. */
void history_each(struct history *h, void (*each)(void *arg, const char *json), void *arg);

/* Appends the newest call of that name; false if there is none. */
bool history_one(struct history *h, const char *call_sid, struct buf *out);

#endif
