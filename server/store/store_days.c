#include "server/store/store_days.h"

#include "server/store/row.h"

#include <errno.h>

bool store_day_put(struct store *store, const char *day, double usd)
{
	return store_write(store,
	    "INSERT INTO spending (day, usd) VALUES (?1, ?2) ON CONFLICT (day) DO UPDATE SET usd = excluded.usd", "td",
	    day, usd);
}

int store_day(struct store *store, const char *day, double *usd)
{
	struct rows r;

	rows_ask(&r, store, "SELECT usd FROM spending WHERE day = ?1", "t", day);
	if (rows_next(&r))
		*usd = row_double(&r, 0);
	return rows_done_one(&r);
}

/* A call that never had a stream has cost nothing and says nothing of the next one. */
int store_costs(struct store *store, int most, store_costs_row *row, void *arg)
{
	struct rows r;

	rows_ask(&r, store,
	    "SELECT agent, cost_usd FROM (SELECT agent, cost_usd,"
	    " row_number() OVER (PARTITION BY agent ORDER BY ended_at DESC, id DESC) AS back FROM calls"
	    " WHERE state = 'ended' AND agent IS NOT NULL AND cost_usd > 0) WHERE back <= ?1 ORDER BY back DESC",
	    "i", (int64_t)most);
	while (rows_next(&r))
		row(arg, row_text(&r, 0), row_double(&r, 1));
	return rows_done(&r) < 0 ? -EIO : 0;
}
