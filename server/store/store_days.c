#include "server/store/store_days.h"

#include "server/store/row.h"

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
