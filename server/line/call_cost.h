#ifndef LINE_CALL_COST_H
#define LINE_CALL_COST_H
/* What a call costs, while it lasts: summed as the model tells, booked on the day.
 * Agent loop only, but for call_cost_use.
 */
#include "server/line/call.h"
#include "server/money/cost.h"

struct call_spending { /* zeroed: of a new call */
	int64_t minded_us;
	double booked_usd; /* on the day's account */
	bool limit_told, unknown_told;
};

/* The model used something. */
void call_cost_count(
    struct call *c, struct call_spending *spending, bool transcription, const struct model_usage *usage);

/* Books what is new, seldom; with `now` at once. True, once in a call: it has cost
 * what it may, and a caller is there to be told goodbye. */
bool call_cost_mind(struct call *c, struct call_spending *spending, bool now, int64_t now_us);

/* What it has used so far. Any thread that knows the line is taken. */
void call_cost_use(struct call *c, int64_t now_us, struct cost_use *out);

#endif
