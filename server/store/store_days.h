#ifndef STORE_STORE_DAYS_H
#define STORE_STORE_DAYS_H
/* The rows of `spending`: the cost of a day's calls. A day is YYYY-MM-DD, UTC. */
#include <stdbool.h>

struct store;

/* Any thread. Replaces the day's sum. */
bool store_day_put(struct store *store, const char *day, double usd);

/* 0, -ENOENT (nothing was booked on it) or -EIO. Not for a call's loops. */
int store_day(struct store *store, const char *day, double *usd);

#endif
