#ifndef DIALER_DIALER_RULES_H
#define DIALER_DIALER_RULES_H
/* What is decided about an outbound call: when it may be asked for, what an
 * answer of Twilio's means for it, which news still count. Pure; `now_us` and
 * chance are arguments.
 *
 * A call is asked for at most once, as far as anyone can know: only what never
 * reached Twilio, or was turned away with 429, is simply repeated. When nobody
 * knows whether a call was made, Twilio's list is searched; only after it has
 * not shown the call for LOOKUPS times in a row, over half a minute, is it asked
 * for a second and last time.
 */
#include "server/work/twilio_rest.h"

#include <stdbool.h>
#include <stdint.h>

/* As Twilio names them; they only move downwards in this list, and never out of
 * the final ones. */
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
int out_status_of(const char *name); /* -1: none of them */
bool out_status_final(enum out_status status);

/* The status after news that say `news`, which may be late, doubled or out of
 * order. */
enum out_status out_status_after(enum out_status now, enum out_status news);

/* --- how far the asking has come --- */
enum out_phase {
	PHASE_QUEUED, /* to be asked for */
	PHASE_ASKING, /* Twilio may have been asked by now */
	PHASE_UNSURE, /* it was asked, and nobody knows what came of it */
	PHASE_MADE,   /* it has a CallSid */
	PHASE_FAILED  /* it will not be made */
};

enum { OUT_LOOKUPS = 5 };

struct out_try {
	enum out_phase phase;
	int tries;     /* turned away or not sent, in a row */
	int lookups;   /* searched for, and not there */
	bool repeated; /* asked for again after that */
	int64_t due_us;
};

/* `chance` in 0 … 1 spreads what is repeated. */
void out_asked(struct out_try *t, enum twilio_outcome outcome, int64_t retry_after_s, double chance, int64_t now_us);
/* `searched`: the list could be had. */
void out_searched(struct out_try *t, bool searched, bool found, double chance, int64_t now_us);
/* The process that asked is gone, or the answer will not come. */
void out_lost_sight(struct out_try *t, int64_t now_us);

/* --- calls a second --- */
struct out_bucket {
	double per_second;
	int64_t next_us; /* not before */
};

int64_t out_bucket_due(const struct out_bucket *b); /* when the next may be taken */
bool out_bucket_take(struct out_bucket *b, int64_t now_us);
/* Twilio said: too many. Nothing more for so long. */
void out_bucket_hold(struct out_bucket *b, int64_t until_us);

/* --- which of Twilio's calls is it --- */

/* What was asked for: is Twilio to tell people from machines? It bills that for
 * each call that is answered, by whomever. */
bool out_detects(const cJSON *request);

/* An element of Twilio's list: is it the call asked for at `asked_ms`? */
bool out_matches(const cJSON *listed, const char *to, const char *from, int64_t asked_ms);

#endif
