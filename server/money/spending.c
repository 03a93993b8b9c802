#include "server/money/spending.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "server/store/store_fleet.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { DAY_MS = 24 * 3600 * 1000, DATE_SIZE = 11, TEND_US = 2 * US_PER_S, WARNED_MAX = 16 };

static struct {
	struct prices prices;
	bool loaded;
	double limit;
	struct store *store;
	int64_t tended_us;

	pthread_mutex_t lock;      /* held for microseconds */
	int64_t day;               /* the newest, counted from 1970 */
	double usd[SPENDING_DAYS]; /* by day % SPENDING_DAYS */
	bool news;
	char warned[WARNED_MAX][PRICES_NAME_SIZE];
	size_t warned_count;
} spending = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void date_of(int64_t day, char out[32])
{
	clock_iso8601(day * DAY_MS, out, 32);
	out[DATE_SIZE - 1] = '\0';
}

/* Under the lock. Days without a call cost nothing. */
static void turn_to(int64_t day)
{
	if (day <= spending.day)
		return;
	if (day - spending.day >= SPENDING_DAYS)
		memset(spending.usd, 0, sizeof spending.usd);
	else
		while (spending.day < day)
			spending.usd[++spending.day % SPENDING_DAYS] = 0;
	spending.day = day;
}

static void write_today(void)
{
	char date[32];
	double usd = 0;
	bool news;

	pthread_mutex_lock(&spending.lock);
	news = spending.news;
	spending.news = false;
	if (news) {
		date_of(spending.day, date);
		usd = spending.usd[spending.day % SPENDING_DAYS];
	}
	pthread_mutex_unlock(&spending.lock);
	if (news)
		store_day_put(spending.store, date, usd);
}

static void read_days(int64_t today)
{
	int err = 0;

	for (int64_t day = today - SPENDING_DAYS + 1; day <= today && spending.store && err != -EIO; day++) {
		char date[32];

		date_of(day, date);
		err = store_day(spending.store, date, &spending.usd[day % SPENDING_DAYS]);
	}
	if (err == -EIO)
		log_error("cost", "what was spent before cannot be read: MAX_DAY_COST counts from now");
}

int spending_open(const struct config *cfg, struct store *store, struct buf *problem)
{
	int err = prices_load(&spending.prices, cfg->prices_file, problem);

	if (err)
		return err;
	spending.loaded = true;
	spending.limit = cfg->max_day_cost;
	spending.store = store;
	spending.news = false;
	spending.day = clock_wall_ms() / DAY_MS;
	memset(spending.usd, 0, sizeof spending.usd);
	read_days(spending.day);
	return 0;
}

void spending_close(void)
{
	write_today();
	spending.store = NULL;
	spending.limit = 0;
}

const struct prices *spending_prices(void)
{
	return spending.loaded ? &spending.prices : prices_builtin();
}

void spending_add(double usd, int64_t wall_ms)
{
	if (!(usd > 0 || usd < 0))
		return;
	pthread_mutex_lock(&spending.lock);
	turn_to(wall_ms / DAY_MS);
	spending.usd[spending.day % SPENDING_DAYS] += usd;
	spending.news = true;
	pthread_mutex_unlock(&spending.lock);
}

bool cost_day_exceeded(void)
{
	bool exceeded;

	if (spending.limit <= 0)
		return false;
	pthread_mutex_lock(&spending.lock);
	turn_to(clock_wall_ms() / DAY_MS);
	exceeded = spending.usd[spending.day % SPENDING_DAYS] >= spending.limit;
	pthread_mutex_unlock(&spending.lock);
	return exceeded;
}

void spending_tend(int64_t now_us)
{
	if (now_us < spending.tended_us + TEND_US)
		return;
	spending.tended_us = now_us;
	write_today();
}

void spending_put_json(struct buf *out, int64_t wall_ms)
{
	double usd[SPENDING_DAYS];
	char date[32];
	int64_t day;

	pthread_mutex_lock(&spending.lock);
	turn_to(wall_ms / DAY_MS);
	day = spending.day;
	memcpy(usd, spending.usd, sizeof usd);
	pthread_mutex_unlock(&spending.lock);
	date_of(day, date);
	buf_printf(out, "{\"today_usd\":%.6f,\"day\":\"%s\",\"limit_usd\":", usd[day % SPENDING_DAYS], date);
	if (spending.limit > 0)
		buf_printf(out, "%.6f", spending.limit);
	else
		buf_puts(out, "null");
	buf_printf(out, ",\"prices_of\":\"%s\",\"days\":[", spending_prices()->date);
	for (int64_t back = 0; back < SPENDING_DAYS; back++) {
		date_of(day - back, date);
		buf_printf(
		    out, "%s{\"day\":\"%s\",\"usd\":%.6f}", back ? "," : "", date, usd[(day - back) % SPENDING_DAYS]);
	}
	buf_puts(out, "]}");
}

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
