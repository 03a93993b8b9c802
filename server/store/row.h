#ifndef STORE_ROW_H
#define STORE_ROW_H
/* The calls by which the store's verbs write to it and ask it. For server/store/
 * and its tests; SQL is written nowhere else.
 *
 *	struct rows rows;
 *
 *	rows_ask(&rows, store, "SELECT name FROM x WHERE at > ?1", "i", since_ms);
 *	while (rows_next(&rows))
 *		take(row_text(&rows, 0));
 *	return rows_done(&rows);
 */
#include "common/json_out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sqlite3;
struct sqlite3_stmt;
struct store;

/* Queues a statement. Any thread; never waits for the disk. `sql` is a literal
 * (kept by pointer, prepared once). `format` has a letter a value: i int64_t, d
 * double, t const char * (NULL gives NULL), b const void * and size_t. False if
 * it had to be dropped; counted. NULL store: true, and nothing is kept (DATA_DIR
 * unset).
 *
 * A statement may be run twice, so it is written so that twice does no harm
 * (INSERT OR REPLACE, ON CONFLICT, UPDATE … WHERE). One that can never succeed (a
 * constraint, bad SQL) is dropped by itself, logged and counted as lost. */
bool store_write(struct store *store, const char *sql, const char *format, ...);

/* A read-only connection from a small pool, to be given back with its statements
 * finalized. NULL: none became free within a second. A query that takes 5 s is
 * stopped (SQLITE_INTERRUPT). Verbs use the calls below. */
struct sqlite3 *store_reader(struct store *store);
void store_reader_done(struct store *store, struct sqlite3 *reader);

struct readers; /* the pool of those connections, in struct store */
void readers_init(struct readers *r);
void readers_close(struct readers *r);

/* One query. It has a reading connection for itself until rows_done: not for a
 * call's loops. Columns count from 0; their texts are valid until the next row. */
struct rows {
	struct store *store;
	struct sqlite3 *db;
	struct sqlite3_stmt *stmt;
	int result; /* of the last step, SQLite's */
	int count;
};

/* Begins. `format` has a letter a value, as store_write has: i int64_t, d double,
 * t const char * (NULL gives NULL); texts must stay until rows_done, which also
 * tells of a failure here. */
void rows_ask(struct rows *rows, struct store *store, const char *sql, const char *format, ...);

/* The same while a caller waits: each wait of it ends after 50 ms. For a row that is found by its
 * key, and where -EIO is an answer to go on with. */
void rows_ask_soon(struct rows *rows, struct store *store, const char *sql, const char *format, ...);

/* True: the next row is there. */
bool rows_next(struct rows *rows);

/* Ends, after the last row or before it. How many rows there were, or -EIO: the
 * store cannot be read, takes too long, or is NULL. */
int rows_done(struct rows *rows);

/* rows_done for a query of one row: 0, -ENOENT or -EIO. */
int rows_done_one(struct rows *rows);

bool row_null(const struct rows *rows, int column);
int64_t row_int(const struct rows *rows, int column);        /* 0 for NULL */
double row_double(const struct rows *rows, int column);      /* 0 for NULL */
const char *row_text(const struct rows *rows, int column);   /* NULL for NULL */
const char *row_string(const struct rows *rows, int column); /* "" for NULL */
char *row_copy(const struct rows *rows, int column);         /* caller frees; NULL for NULL or out of memory */
void row_take(const struct rows *rows, int column, char *out, size_t size); /* cut short if need be; "" for NULL */

/* The column as a value of `j`: a text (null if empty), a time in ms. */
void row_put_text(const struct rows *rows, int column, struct json_out *j, const char *key);
void row_put_time(const struct rows *rows, int column, struct json_out *j, const char *key);

#endif
