#ifndef STORE_STORE_H
#define STORE_STORE_H
/* The store: one SQLite database (WAL) in DATA_DIR, one writer.
 *
 * Each kind of row has its verbs in a header of its own (store_calls.h,
 * store_orders.h, …). A verb copies its values into a queue, and one thread writes
 * them, many statements in one transaction. Nobody waits for the disk: when it is
 * full or broken, writes are pending in the queue (bounded), are tried again, and
 * are counted. They are written in the order given, each at least once until
 * committed.
 *
 * Committed rows survive the death of the process, but not every loss of power:
 * SQLite's synchronous=NORMAL.
 *
 * Readers have connections of their own, for HTTP workers and jobs. row.h shows
 * how a verb is written, store_schema.c the tables and where new ones go.
 */
#include "common/json_out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

struct store_health {
	bool failing;                     /* the last attempt to write failed, or hangs */
	uint64_t written, failures, lost; /* statements, attempts, statements dropped over the bound */
	size_t waiting;                   /* statements in the queue */
	int64_t oldest_ms;                /* how long the oldest has waited */
	int64_t db_bytes;
	char last_error[200]; /* "" if none yet */
};

/* Opens or makes the database in `dir` (made if missing) and migrates it forward.
 * 0, or -errno with a line in `problem`: not a directory, read-only, from a newer
 * version, in use by another process, not a database. A full or failing disk is no
 * error: 0, and store_health says so. Calls older than `retain_days` are deleted at
 * start and hourly; 0 keeps them for ever. */
int store_open(struct store **out, const char *dir, int retain_days, struct buf *problem);

/* Whether store_open could use `dir`, as far as that can be told without making or opening
 * anything: a server may have it open. 0, or -errno with a line in `problem`. */
int store_check(const char *dir, struct buf *problem);

/* Appends a line if others than its owner may get at `dir` or at what lies in it; nothing if not, or if
 * `dir` cannot be read or is "". */
void store_warnings(const char *dir, struct buf *out);

/* Writes the queue, for 5 s at most, and closes. Fine with NULL. */
void store_close(struct store *store);

/* Waits until everything queued before is committed, at most `timeout_ms`. Not for
 * a call's loops. 0, -ETIMEDOUT, or -EIO as soon as the disk refuses: the queue
 * stays as it is. */
int store_flush(struct store *store, int timeout_ms);

/* Any thread; fills in zeros for NULL. */
void store_health(struct store *store, struct store_health *out);

/* For /status, into the object that is open. */
void store_put_status(struct store *store, struct json_out *j);

#endif
