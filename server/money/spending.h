#ifndef MONEY_SPENDING_H
#define MONEY_SPENDING_H
/* The cost of all calls, by day (UTC): for /status and MAX_DAY_COST. The fleet
 * keeps the sums; a process that is killed loses those of its last two seconds.
 *
 * Without one (NULL) the prices are the built-in ones, and nothing is summed or limited.
 */
#include "common/json_out.h"
#include "server/money/prices.h"
#include "server/config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct fleet;
struct spending;

/* Loads the prices; `fleet` outlives it. 0 or -errno with a sentence in `problem`. */
int spending_open(struct spending **out, const struct config *cfg, struct fleet *fleet, struct buf *problem);

/* No call may be live any more. Fine with NULL. */
void spending_close(struct spending *spending);

const struct prices *spending_prices(const struct spending *spending);

/* Any thread; short. `wall_ms` tells the day it is booked on. */
void spending_add(struct spending *spending, double usd, int64_t wall_ms);

/* Any thread. True: today's sum has reached MAX_DAY_COST, so new calls are refused. */
bool cost_day_exceeded(struct spending *spending);

/* For /status, into the object that is open: today_usd, day, limit_usd, prices_of, days. */
void spending_put_status(struct spending *spending, struct json_out *j, int64_t wall_ms);

/* Logs that a model has no price, once for each name. Any thread. */
void spending_warn_unknown(struct spending *spending, const char *model);

#endif
