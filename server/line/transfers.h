#ifndef LINE_TRANSFERS_H
#define LINE_TRANSFERS_H
/* Calls on their way to a person: what is to be dialled once the stream is
 * closed, and with what the caller comes back to the agent if nobody answers.
 *
 * Any thread; one lock, held for a copy. Kept for ten minutes: a telephone
 * rings for no longer than that. Time is given.
 */
#include "server/agents/agent.h"
#include "server/line/calls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	TRANSFERS_MAX = 256, /* at once; the oldest makes way */
	TRANSFER_NAME_SIZE = 80,
	TRANSFER_KEPT_US = 600 * 1000000
};

struct transfer {
	char call_sid[CALL_SID_SIZE]; /* "": free */
	char name[TRANSFER_NAME_SIZE];
	char number[CALL_NUMBER_SIZE];
	int ring_seconds;
	char record[8];            /* as in struct call_facts */
	const struct agent *agent; /* retained: the agent the caller comes back to */
	char from[CALL_NUMBER_SIZE], to[CALL_NUMBER_SIZE], direction[24];
	char *contact_name, *business_name, *metadata; /* owned, as in struct call_context */
	char *said;                                    /* owned: the conversation, as a JSON array of {"role","text"} */
	int64_t at_us;
};

struct transfers {
	pthread_mutex_t lock;
	struct transfer list[TRANSFERS_MAX];
};

void transfers_open(struct transfers *t);
void transfers_close(struct transfers *t);

/* Takes what `transfer` owns; one of the same call is replaced. */
void transfers_put(struct transfers *t, struct transfer *transfer, int64_t now_us);

/* Whom to dial; it stays. False if that is not known. */
bool transfers_number(
    struct transfers *t, const char *call_sid, char number[CALL_NUMBER_SIZE], int *ring_seconds, int64_t now_us);

/* Hands it out, to be freed. False if that is not known (any more). */
bool transfers_take(struct transfers *t, const char *call_sid, struct transfer *out, int64_t now_us);

void transfer_free(struct transfer *transfer); /* fine with a zeroed one */

#endif
