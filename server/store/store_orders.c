#include "server/store/store_orders.h"

#include "server/store/row.h"

#include <limits.h>

/* At every step of an order, first of all before Twilio is asked: a process that dies in between
 * finds the order at its next start and does not place the call twice. */
void store_order_put(struct store *store, const struct order_row *row, int64_t forget_ms)
{
	/* A key whose time is over may be used again; the column is UNIQUE. */
	if (row->key && forget_ms)
		store_write(store,
		    "UPDATE outbound SET idempotency_key = NULL WHERE idempotency_key = ?1 AND id <> ?2 AND created_at < ?3",
		    "tti", row->key, row->id, forget_ms);
	store_write(store,
	    "INSERT INTO outbound (id, idempotency_key, request_hash, call_sid, status, created_at, json)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET"
	    " call_sid = excluded.call_sid, status = excluded.status, json = excluded.json",
	    "tttttit", row->id, row->key, row->hash, row->call_sid, row->status, row->created_ms, row->json);
}

void store_order_erase(struct store *store, const char *id)
{
	store_write(store, "DELETE FROM outbound WHERE id = ?1", "t", id);
}

/* ------------------------------------------------------------------------ reading */

#define COLUMNS "SELECT id, idempotency_key, request_hash, call_sid, status, created_at, json FROM outbound "

static void give(const struct rows *rows, store_order_each *each, void *arg)
{
	each(arg, &(struct order_row){ .id = row_string(rows, 0),
		      .key = row_text(rows, 1),
		      .hash = row_string(rows, 2),
		      .call_sid = row_text(rows, 3),
		      .status = row_text(rows, 4),
		      .created_ms = row_int(rows, 5),
		      .json = row_text(rows, 6) });
}

/* Calls back with the first row, if there is one. */
static int one(struct rows *rows, store_order_each *each, void *arg)
{
	if (rows_next(rows))
		give(rows, each, arg);
	return rows_done_one(rows);
}

int store_order_by_key(struct store *store, const char *key, int64_t since_ms, store_order_each *each, void *arg)
{
	struct rows rows;

	rows_ask(&rows, store, COLUMNS "WHERE idempotency_key = ?1 AND created_at > ?2", "ti", key, since_ms);
	return one(&rows, each, arg);
}

int store_order_by_name(struct store *store, const char *name, store_order_each *each, void *arg)
{
	struct rows rows;

	rows_ask(&rows, store, COLUMNS "WHERE id = ?1 OR call_sid = ?1", "t", name);
	return one(&rows, each, arg);
}

/* At start. The words are Twilio's final states of a call; any other state is an order to go on
 * with. */
int store_orders_open(struct store *store, int most, store_order_each *each, void *arg)
{
	struct rows rows;

	rows_ask(&rows, store,
	    COLUMNS "WHERE status NOT IN ('completed', 'busy', 'no-answer', 'failed', 'canceled')"
		    " ORDER BY created_at, rowid LIMIT ?1",
	    "i", (int64_t)most);
	while (rows_next(&rows))
		give(&rows, each, arg);
	return rows_done(&rows);
}

int store_orders_since(struct store *store, int64_t since_ms)
{
	struct rows rows;
	int64_t count = 0;
	int err;

	rows_ask(&rows, store, "SELECT COUNT(*) FROM outbound WHERE created_at >= ?1", "i", since_ms);
	if (rows_next(&rows))
		count = row_int(&rows, 0);
	err = rows_done_one(&rows);
	return err ? err : count > INT_MAX ? INT_MAX : (int)count;
}
