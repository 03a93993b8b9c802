#ifndef MONEY_SPENDING_H
#define MONEY_SPENDING_H
/* What all calls cost, by day (UTC): for /status and MAX_DAY_COST. Kept in the
 * store, so that a restart goes on with the day's sum; a process that is killed
 * loses what the last two seconds cost.
 *
 * There is one. Without spending_open the prices are the built-in ones, and
 * nothing is limited.
 */
#include "common/buf.h"
#include "server/money/prices.h"
#include "server/config/config.h"

#include <stdbool.h>
#include <stdint.h>

enum { SPENDING_DAYS = 7 };

struct store;

/* Loads the prices, and the last days from the store (may be NULL). 0 or -errno
 * with a sentence in `problem`. */
int spending_open(const struct config *cfg, struct store *store, struct buf *problem);

/* Writes what is new. No call may be live any more. */
void spending_close(void);

const struct prices *spending_prices(void);

/* Any thread; short. `wall_ms` tells the day it is booked on. */
void spending_add(double usd, int64_t wall_ms);

/* Any thread. True: today's sum has passed MAX_DAY_COST, new calls are not for today. */
bool cost_day_exceeded(void);

/* Main's tick: hands what is new to the store, now and then. */
void spending_tend(int64_t now_us);

/* {"today_usd":…,"day":"2026-11-21","limit_usd":…,"days":[…]} */
void spending_put_json(struct buf *out, int64_t wall_ms);

/* A model without a price: said once for each name. Any thread. */
void spending_warn_unknown(const char *model);

#endif
