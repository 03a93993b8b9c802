#include "server/money/spending.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "common/log.h"
#include "server/fleet/fleet.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { DATE_SIZE = 11, WARNED_MAX = 16 };
#define DAY_MS (24 * 3600 * INT64_C(1000))

/* Prices, limit and fleet are set before the first call and then only read; the lock guards the
 * list of models that were warned of. */
static struct {
	struct prices prices;
	bool loaded;
	double limit;
	struct fleet *fleet; /* keeps the sums; NULL: nothing is counted */

	pthread_mutex_t lock; /* guards the rest */
	char warned[WARNED_MAX][PRICES_NAME_SIZE];
	size_t warned_count;
} spending = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* At start, after the fleet is open, since sums of earlier days count from the first call on. */
int spending_open(const struct config *cfg, struct fleet *fleet, struct buf *problem)
{
	int err = prices_load(&spending.prices, cfg->prices_file, problem);

	if (err)
		return err;
	spending.loaded = true;
	spending.limit = cfg->max_day_cost;
	spending.fleet = fleet;
	return 0;
}

void spending_close(void)
{
	spending.fleet = NULL;
	spending.limit = 0;
}

const struct prices *spending_prices(void)
{
	return spending.loaded ? &spending.prices : prices_builtin();
}

/* A call books the difference to what it booked last, every so often. A corrected estimate may make
 * it negative; 0 is left out. */
void spending_add(double usd, int64_t wall_ms)
{
	if (spending.fleet && (usd > 0 || usd < 0))
		spending.fleet->ops->day_add(spending.fleet, wall_ms / DAY_MS, usd);
}

static void sums(double usd[FLEET_DAYS], int64_t wall_ms)
{
	memset(usd, 0, FLEET_DAYS * sizeof *usd);
	if (spending.fleet)
		spending.fleet->ops->day_sums(spending.fleet, wall_ms / DAY_MS, usd);
}

/* Asked when a call comes in; calls that are up go on. */
bool cost_day_exceeded(void)
{
	double usd[FLEET_DAYS];

	if (spending.limit <= 0)
		return false;
	sums(usd, clock_wall_ms());
	return usd[0] >= spending.limit;
}

static void date_of(int64_t wall_ms, char out[32])
{
	clock_iso8601(wall_ms, out, 32);
	out[DATE_SIZE - 1] = '\0';
}

/* Days go back from today, each with its date: the fleet knows them as numbers only. */
void spending_put_json(struct buf *out, int64_t wall_ms)
{
	struct json_out j = json_out_to(out);
	double usd[FLEET_DAYS];
	char date[32];

	sums(usd, wall_ms);
	date_of(wall_ms, date);
	json_put_object(&j, NULL);
	json_put_fixed(&j, "today_usd", usd[0], 6);
	json_put_text(&j, "day", date);
	if (spending.limit > 0)
		json_put_fixed(&j, "limit_usd", spending.limit, 6);
	else
		json_put_null(&j, "limit_usd");
	json_put_text(&j, "prices_of", spending_prices()->date);
	json_put_array(&j, "days");
	for (int back = 0; back < FLEET_DAYS; back++) {
		date_of(wall_ms - back * DAY_MS, date);
		json_put_object(&j, NULL);
		json_put_text(&j, "day", date);
		json_put_fixed(&j, "usd", usd[back], 6);
		json_put_end(&j);
	}
	json_put_end(&j);
	json_put_end(&j);
}

/* The list is bounded, and a full one silences further names: the log has said enough by then. */
void spending_warn_unknown(const char *model)
{
	bool known = false;

	pthread_mutex_lock(&spending.lock);
	for (size_t i = 0; i < spending.warned_count && !known; i++)
		known = !strncmp(spending.warned[i], model, PRICES_NAME_SIZE - 1);
	known |= spending.warned_count == WARNED_MAX;
	if (!known)
		snprintf(spending.warned[spending.warned_count++], PRICES_NAME_SIZE, "%s", model);
	pthread_mutex_unlock(&spending.lock);
	if (!known)
		log_warn("cost",
		    "there is no price for %.60s: what calls with it cost is not known; add it to PRICES_FILE", model);
}
