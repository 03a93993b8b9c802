#ifndef STORE_STORE_DAYS_H
#define STORE_STORE_DAYS_H
/* What was spent: the rows of `spending`, a day's calls together (a day is YYYY-MM-DD, of
 * the zone that TZ names), and what the last calls of each agent have cost. */
#include <stdbool.h>

struct store;

/* Any thread. Replaces the day's sum. */
bool store_day_put(struct store *store, const char *day, double usd);

/* 0, -ENOENT (nothing was booked on it) or -EIO. Not for a call's loops. */
int store_day(struct store *store, const char *day, double *usd);

/* At start. Calls back with the cost of the last `most` calls of each agent that have cost
 * anything, the oldest first. 0 or -EIO. */
typedef void store_costs_row(void *arg, const char *agent, double usd);
int store_costs(struct store *store, int most, store_costs_row *row, void *arg);

#endif
