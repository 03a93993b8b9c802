#ifndef LINE_CALL_COST_H
#define LINE_CALL_COST_H
/* The cost of a call while it lasts: summed up from the model's reports of usage, and
 * booked on the day's account. Agent loop only, except call_cost_use.
 */
#include "server/line/call.h"
#include "server/money/cost.h"

struct call_spending { /* zeroed for a new call */
	int64_t minded_us;
	bool limit_told, unknown_told;
	struct model_usage last; /* of an answer, as it was reported */
};

/* A session at that endpoint (from 1) is used from now on, with this model. */
void call_cost_session(struct call *c, int endpoint, const char *model);

/* Adds one report of usage; the next call_cost_mind books it without delay. */
void call_cost_count(
    struct call *c, struct call_spending *spending, bool transcription, const struct model_usage *usage);

/* Adds an answer whose report will not come, by what came of it: so much sound, and text. It went in with as much as
 * the last one. */
void call_cost_estimate(struct call *c, struct call_spending *spending, int64_t sound_ms, size_t text_bytes);

/* Books the cost since the last booking: once a second, with `now` at once. True,
 * once in a call: it has reached the agent's max_call_cost, and a caller is there to
 * hear a goodbye. */
bool call_cost_mind(struct call *c, struct call_spending *spending, bool now, int64_t now_us);

/* When that may become true with nothing else happening; NEVER_US: it will not. */
int64_t call_cost_due_us(const struct call *c, const struct call_spending *spending);

/* The use so far. Any thread that knows the line to be taken. */
void call_cost_use(struct call *c, int64_t now_us, struct cost_use *out);

#endif
