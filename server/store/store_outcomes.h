#ifndef STORE_STORE_OUTCOMES_H
#define STORE_STORE_OUTCOMES_H
/* The rows of `records`: the outcome of a call, one a call.
 *
 * A record is open from the start of its call until nothing more can be done for
 * it; its status tells its content so far. Writing goes through the store's queue,
 * reading takes one of its readers.
 */
#include "common/buf.h"
#include "common/foreign.h"
#include "server/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { OUTCOME_ID_SIZE = 32 };

/* "open" (nothing yet; not shown), "valid", "invalid" (does not follow the
 * schema) or "failed" (could not be filled in). */
struct outcome_row {
	char id[OUTCOME_ID_SIZE], call_sid[FOREIGN_ID_SIZE];
	char *agent, *variant;  /* variant "" without */
	char *status, *source;  /* source: "call", "after" or "" */
	char *json, *problems;  /* NULL without */
	char *from, *to;        /* of the call */
	int64_t at_ms, seconds; /* of the call: its start, how long */
	int attempts;           /* of filling it in after the call */
	bool voicemail;         /* the caller left a message (so far) */
};

void outcome_row_free(struct outcome_row *row); /* all in it; fine with a zeroed one */

/* The id depends on the CallSid alone, so that writing twice makes one row. */
void outcome_id(const char *call_sid, char out[OUTCOME_ID_SIZE]);

/* A call has begun whose agent has a record to fill in. */
bool store_outcome_open(
    struct store *store, const char *call_sid, const char *agent, const char *variant, int64_t wall_ms);

/* The agent saved it during the call; an invalid one never replaces a valid one. */
bool store_outcome_save(struct store *store, const char *call_sid, const char *agent, const char *variant,
    const char *status, const char *json, const char *problems, int64_t wall_ms);

/* The result of filling it in after the call; `next_ms`: the time of another try, or
 * 0: it is done. */
bool store_outcome_fill(struct store *store, const struct outcome_row *row, int64_t next_ms, int64_t wall_ms);

/* Nobody said anything: there will be no record. */
bool store_outcome_drop(struct store *store, const char *id);

/* Calls back with each open record whose call is over, and the time of its next try:
 * the earliest first. How many, or -EIO. */
int store_outcomes_pending(struct store *store, void (*each)(void *arg, const char *id, int64_t next_ms), void *arg);

/* The pending record of that id; free it with outcome_row_free. 0, -ENOENT, -EIO. */
int store_outcome_pending(struct store *store, const char *id, struct outcome_row *out);

/* Appends the conversation, a line a turn: "Caller: …". The number of the caller's
 * turns, or -EIO. Past `max` bytes a line says that the rest is left out. */
int store_outcome_transcript(struct store *store, const char *call_sid, size_t max, struct buf *out);

struct outcome_filter { /* NULL: any */
	const char *agent, *call_sid, *status;
	int64_t since_ms, until_ms; /* of the call's start; until is not in it */
	int limit;
	int64_t before_ms; /* with before_id a cursor: the last record of the page before */
	const char *before_id;
};

/* Appends {"records":[…],"next":"…"|null}. 0 or -EIO. */
int store_outcomes_list(struct store *store, const struct outcome_filter *filter, struct buf *out);

/* Appends one, by id. 0, -ENOENT or -EIO. */
int store_outcomes_one(struct store *store, const char *id, struct buf *out);

/* Appends {"id":…,"status":…} of a call's record, or null. */
void store_outcomes_of_call(struct store *store, const char *call_sid, struct buf *out);

/* Appends the row as those two show it. */
void outcome_put_json(const struct outcome_row *row, bool done, int64_t updated_ms, struct buf *out);

#endif
