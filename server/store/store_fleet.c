#include "server/store/store_fleet.h"

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

int store_key(struct store *store, const char *key, int64_t since_ms, char *order, size_t order_size, char *hash,
    size_t hash_size)
{
	struct rows r;

	rows_ask(&r, store, "SELECT id, request_hash FROM outbound WHERE idempotency_key = ?1 AND created_at > ?2",
	    "ti", key, since_ms);
	if (rows_next(&r)) {
		row_take(&r, 0, order, order_size);
		row_take(&r, 1, hash, hash_size);
	}
	return rows_done_one(&r);
}
