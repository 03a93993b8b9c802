#include "server/money/spending.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/fleet/fleet.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATE_SIZE = 11, WARNED_MAX = 16 };
#define DAY_MS (24 * 3600 * INT64_C(1000))

struct spending {
	/* Constant once open. */
	struct prices prices;
	double limit;
	struct fleet *fleet; /* keeps the sums */

	pthread_mutex_t lock; /* guards the rest */
	char warned[WARNED_MAX][FOREIGN_ID_SIZE];
	size_t warned_count;
};

/* At start, after the fleet is open, since sums of earlier days count from the first call on. */
int spending_open(struct spending **out, const struct config *cfg, struct fleet *fleet, struct buf *problem)
{
	struct spending *s = calloc(1, sizeof *s);
	int err = s ? prices_load(&s->prices, cfg->prices_file, problem) : -ENOMEM;

	if (err) {
		free(s);
		return err;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->limit = cfg->max_day_cost;
	s->fleet = fleet;
	*out = s;
	return 0;
}

void spending_close(struct spending *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const struct prices *spending_prices(const struct spending *s)
{
	return s ? &s->prices : prices_builtin();
}

/* A call books the difference to what it booked last, every so often. A corrected estimate may make
 * it negative; 0 is left out. */
void spending_add(struct spending *s, double usd, int64_t wall_ms)
{
	if (s && (usd > 0 || usd < 0))
		s->fleet->ops->day_add(s->fleet, wall_ms / DAY_MS, usd);
}

/* Asked when a call comes in; calls that are up go on. */
bool cost_day_exceeded(struct spending *s)
{
	double usd[FLEET_DAYS];

	if (!s || s->limit <= 0)
		return false;
	s->fleet->ops->day_sums(s->fleet, clock_wall_ms() / DAY_MS, usd);
	return usd[0] >= s->limit;
}

static void date_of(int64_t wall_ms, char out[32])
{
	clock_iso8601(wall_ms, out, 32);
	out[DATE_SIZE - 1] = '\0';
}

/* Days go back from today, each with its date: the fleet knows them as numbers only. */
void spending_put_status(struct spending *s, struct json_out *j, int64_t wall_ms)
{
	double usd[FLEET_DAYS];
	char date[32];

	s->fleet->ops->day_sums(s->fleet, wall_ms / DAY_MS, usd);
	date_of(wall_ms, date);
	json_put_fixed(j, "today_usd", usd[0], 6);
	json_put_text(j, "day", date);
	if (s->limit > 0)
		json_put_fixed(j, "limit_usd", s->limit, 6);
	else
		json_put_null(j, "limit_usd");
	json_put_text(j, "prices_of", s->prices.date);
	json_put_array(j, "days");
	for (int back = 0; back < FLEET_DAYS; back++) {
		date_of(wall_ms - back * DAY_MS, date);
		json_put_object(j, NULL);
		json_put_text(j, "day", date);
		json_put_fixed(j, "usd", usd[back], 6);
		json_put_end(j);
	}
	json_put_end(j);
}

/* The list is bounded, and a full one silences further names: the log has said enough by then. */
void spending_warn_unknown(struct spending *s, const char *model)
{
	bool known = false;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->warned_count && !known; i++)
		known = !strncmp(s->warned[i], model, FOREIGN_ID_SIZE - 1);
	known |= s->warned_count == WARNED_MAX;
	if (!known)
		snprintf(s->warned[s->warned_count++], FOREIGN_ID_SIZE, "%s", model);
	pthread_mutex_unlock(&s->lock);
	if (!known)
		log_warn("cost",
		    "there is no price for %.60s: what calls with it cost is not known; add it to PRICES_FILE", model);
}
