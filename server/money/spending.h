#ifndef MONEY_SPENDING_H
#define MONEY_SPENDING_H
/* The cost of all calls, by day (in TZ): for /status and MAX_DAY_COST.
 *
 * Each call that is let in holds back what it may cost, until it is over: the median of
 * its agent's last 50 calls that cost anything; without such, the agent's max_call_cost,
 * or 1 USD. What it has cost already is booked second by second and
 * counts in place of what it held. The day is full when what was spent, what is held and
 * what the next call would hold pass MAX_DAY_COST; all of that is compared under one
 * lock. A call that holds more than all of MAX_DAY_COST is let in alone, while anything
 * of the day is left: else nobody ever would be.
 *
 * The fleet keeps the sums; a process that is killed loses those of its last two seconds,
 * and all that is held.
 *
 * Without one (NULL) the prices are the built-in ones, and nothing is summed or limited.
 * All functions but open and close: any thread, short, with locks held.
 */
#include "common/json_out.h"
#include "server/money/cost.h"
#include "server/money/prices.h"
#include "server/config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct agents;
struct fleet;
struct spending;
struct store;

enum { SPENDING_CALLS = 50 };

/* Part of a call or of an order; zeroed: holds nothing. Guarded by the lock in struct
 * spending. */
struct spending_hold {
	bool live;
	int64_t held; /* millionths of a USD, like all sums that are compared */
	double booked_usd;
};

struct spending_day {
	double spent_usd, reserved_usd; /* reserved: held, beyond what was spent already */
	double limit_usd;               /* 0: none */
	bool full;                      /* no call is let in now, of whatever agent */
	bool over;                      /* nor when the live ones are over, if they cost no more */
};

/* Loads the prices, and what the last calls have cost (waits for `store`, NULL without).
 * `fleet` outlives it. 0 or -errno with a sentence in `problem`. */
int spending_open(
    struct spending **out, const struct config *cfg, struct fleet *fleet, struct store *store, struct buf *problem);

/* No call may be live any more. Fine with NULL. */
void spending_close(struct spending *spending);

const struct prices *spending_prices(const struct spending *spending);

/* At start and after a reload: max_call_cost of each agent (0 without); of one, and of all. */
void spending_know(struct spending *spending, const char *agent, double max_call_cost);
void spending_follow_agents(struct spending *spending, struct agents *agents);

/* Holds back what a call of that agent may cost. False: MAX_DAY_COST would be passed,
 * nothing is held, and `refused` (NULL: not wanted) has the figures that decided it;
 * `must`: it is held all the same, for a call that is up already. */
bool spending_reserve(
    struct spending *spending, const char *agent, bool must, struct spending_hold *hold, struct spending_day *refused);

/* The call has cost so much by now. The difference to last time is booked, on the day of
 * `wall_ms`; a corrected estimate may be less. */
void spending_book(struct spending *spending, struct spending_hold *hold, double usd, int64_t wall_ms);

/* The cost of something that belongs to no call, booked now: in USD. A model without a price is told of. */
double spending_book_apart(struct spending *spending, const struct cost_use *use);

/* Lets go of what is held, and zeroes it. If the call has cost anything, that counts
 * among the last of `agent`. Fine with a zeroed one. */
void spending_settle(struct spending *spending, struct spending_hold *hold, const char *agent);

void spending_look(struct spending *spending, struct spending_day *out);

/* For /status, into the object that is open: today_usd, reserved_usd, day, limit_usd,
 * prices_of, days. */
void spending_put_status(struct spending *spending, struct json_out *j, int64_t wall_ms);

/* Appends a line for each agent whose calls hold more than all of MAX_DAY_COST, where its own limit
 * or its last calls are the reason. */
void spending_warnings(struct spending *spending, struct buf *out);

/* Logs that a model has no price, or not all, once for each name. */
void spending_warn_unknown(struct spending *spending, const char *model);

/* --- deciding; pure --- */

/* What a call may hold that wants to hold `want`; -1: it is refused. `live`: how many
 * calls hold something. `limit` 0: none. */
int64_t spending_fits(int64_t limit, int64_t spent, int64_t held, int live, int64_t want);

/* Sorts them. The mean of the middle two of an even count; 0 of none. */
int64_t spending_median(int64_t *costs, int count);

#endif
