#ifndef DIALER_DIALER_RULES_H
#define DIALER_DIALER_RULES_H
/* Decisions about outbound calls: when Twilio may be asked, what its answer means, which
 * news still count. Pure; time and chance are arguments.
 *
 * A call is made at most once, as far as anyone can know. Only a request that never
 * reached Twilio, or was turned away with 429, is simply repeated. If nobody knows
 * whether a call was made, Twilio's list is searched. After OUT_LOOKUPS searches in a
 * row without it, over half a minute, Twilio is asked a second and last time.
 */
#include "server/work/twilio_rest.h"

#include <stdbool.h>
#include <stdint.h>

/* Twilio's states of a call. A call only moves downwards in this list, and never leaves
 * a final state. */
enum out_status {
	OUT_QUEUED,
	OUT_INITIATED,
	OUT_RINGING,
	OUT_IN_PROGRESS,
	OUT_COMPLETED,
	OUT_BUSY,
	OUT_NO_ANSWER,
	OUT_FAILED,
	OUT_CANCELED,
	OUT_STATUS_COUNT
};

const char *out_status_name(enum out_status status);
int out_status_of(const char *name); /* -1: unknown */
bool out_status_final(enum out_status status);

/* The status after news of `news`, which may be late, doubled or out of order. */
enum out_status out_status_after(enum out_status now, enum out_status news);

/* --- the request to make a call --- */
enum out_phase {
	PHASE_QUEUED, /* Twilio is to be asked */
	PHASE_ASKING, /* Twilio may have been asked by now */
	PHASE_UNSURE, /* Twilio was asked, and the result is unknown */
	PHASE_MADE,   /* the call was made; it has a CallSid, or soon will */
	PHASE_FAILED  /* the call will not be made */
};

enum { OUT_LOOKUPS = 5 };

struct out_try {
	enum out_phase phase;
	int tries;     /* requests turned away or not sent, in a row */
	int lookups;   /* searches without it, in a row */
	bool repeated; /* Twilio was asked a second time after them */
	int64_t due_us;
};

/* After the answer to a request. `chance` spreads repetitions (common/backoff.h). */
void out_asked(struct out_try *t, enum twilio_outcome outcome, int64_t retry_after_s, uint32_t chance, int64_t now_us);
/* After a search. `searched`: Twilio gave the list. */
void out_searched(struct out_try *t, bool searched, bool found, uint32_t chance, int64_t now_us);
/* The answer will not come: it was lost, or the process that asked died. */
void out_lost_sight(struct out_try *t, int64_t now_us);

/* --- calls a second --- */
struct out_bucket {
	double per_second;
	int64_t next_us; /* time of the next call */
};

int64_t out_bucket_due(const struct out_bucket *b); /* time of the next call */
bool out_bucket_take(struct out_bucket *b, int64_t now_us);
/* Twilio has said "too many": no call before `until_us`. */
void out_bucket_hold(struct out_bucket *b, int64_t until_us);

/* --- calls a day, as MAX_DAY_COST has days (clock_day) --- */
struct out_day {
	int64_t day; /* the newest that was asked for */
	int count;   /* orders taken on it */
};

/* A clock that is put back does not begin the day anew. */
void out_day_add(struct out_day *d, int count, int64_t wall_ms);
int out_day_count(struct out_day *d, int64_t wall_ms);
int64_t out_day_begin_ms(int64_t wall_ms);
int out_day_left_s(int64_t wall_ms); /* until the next one; at least 1 */

/* --- an order and Twilio's calls --- */

/* True: the order wants machine detection, which Twilio bills for each answered call. */
bool out_detects(const cJSON *request);

/* True: this element of Twilio's list can be the call requested at `asked_ms`. */
bool out_matches(const cJSON *listed, const char *to, const char *from, int64_t asked_ms);

#endif
