#ifndef STORE_STORE_CALLS_H
#define STORE_STORE_CALLS_H
/* The calls that are kept, as the API shows them.
 *
 * Not for a call's loops. Times are Unix time in milliseconds.
 */
#include "common/buf.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct store;

/* What is asked for; NULL, INT64_MIN and INT64_MAX: no matter. Texts are equal
 * or they are not. */
struct call_filter {
	const char *agent, *from, *to, *ending, *direction;
	int64_t since_ms, until_ms; /* when the call came in: since <= it < until */
};

/* Where a call stands in the order of lists: newest first. */
struct call_mark {
	int64_t reserved_ms;
	char call_sid[64];
};

/* Below 0: x comes before y. */
int call_mark_order(const struct call_mark *x, const struct call_mark *y);

/* The mark of a call as JSON; false if it has no time. */
bool call_mark_of(const cJSON *call, struct call_mark *out);

/* Whether a call as JSON is asked for: the same answer as store_calls gives. */
bool call_filter_matches(const struct call_filter *filter, const cJSON *call);

/* Calls back for those behind `after` (NULL: all), in order, until it says
 * false. `json` is the call without what was said. 0, or -EIO: the database
 * cannot be read, or takes too long. */
typedef bool store_calls_row(void *arg, const struct call_mark *mark, const char *json);
int store_calls(struct store *store, const struct call_filter *filter, const struct call_mark *after,
    store_calls_row *row, void *arg);

/* Appends one call with its turns. 0, -ENOENT or -EIO. */
int store_call(struct store *store, const char *call_sid, struct buf *out);

/* Appends its turns before that number, as an array. 0 or -EIO. */
int store_turns_before(struct store *store, const char *call_sid, int64_t no, struct buf *out);

#endif
