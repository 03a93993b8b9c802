#ifndef MONEY_SPENDING_H
#define MONEY_SPENDING_H
/* The cost of all calls, by day (UTC): for /status and MAX_DAY_COST. The fleet
 * keeps the sums; a process that is killed loses those of its last two seconds.
 *
 * There is one in the process. Without spending_open the prices are the built-in
 * ones, and nothing is limited.
 */
#include "common/buf.h"
#include "server/money/prices.h"
#include "server/config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct fleet;

/* Loads the prices; `fleet` (may be NULL: nothing is summed) outlives it. 0 or
 * -errno with a sentence in `problem`. */
int spending_open(const struct config *cfg, struct fleet *fleet, struct buf *problem);

/* No call may be live any more. */
void spending_close(void);

const struct prices *spending_prices(void);

/* Any thread; short. `wall_ms` tells the day it is booked on. */
void spending_add(double usd, int64_t wall_ms);

/* Any thread. True: today's sum has reached MAX_DAY_COST, so new calls are refused. */
bool cost_day_exceeded(void);

/* {"today_usd":…,"day":"2026-11-21","limit_usd":…,"days":[…]} */
void spending_put_json(struct buf *out, int64_t wall_ms);

/* Logs that a model has no price, once for each name. Any thread. */
void spending_warn_unknown(const char *model);

#endif
