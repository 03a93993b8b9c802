/* Calls older than RETAIN_DAYS are deleted with all that belongs to them, a few at a
 * time, because pending statements come first. Live calls stay, and so do deliveries
 * that have not reached their receiver. */
#include "server/store/store_retain.h"

#include "common/foreign.h"
#include "common/log.h"
#include "server/store/store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	CALLS_AT_ONCE = 32 /* the LIMIT below */
};
#define DAY_MS (24 * 3600 * INT64_C(1000))

/* Each takes a CallSid. The call's own row goes last. */
static const char *const of_a_call[] = {
	"DELETE FROM turns WHERE call_sid = ?1",
	"DELETE FROM events WHERE call_sid = ?1",
	"DELETE FROM tool_calls WHERE call_sid = ?1",
	"DELETE FROM records WHERE call_sid = ?1",
	"DELETE FROM recordings WHERE call_sid = ?1",
	"DELETE FROM outbound WHERE call_sid = ?1",
	"DELETE FROM outbox WHERE call_sid = ?1 AND state = 'delivered'",
	"DELETE FROM calls WHERE call_sid = ?1",
};

/* Each takes a time, and deletes rows that belong to no call, or whose call is gone. */
static const char *const of_none[] = {
	"DELETE FROM records WHERE id IN (SELECT id FROM records r WHERE at < ?1"
	" AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.call_sid = r.call_sid) LIMIT 100)",
	"DELETE FROM outbound WHERE id IN (SELECT id FROM outbound o WHERE created_at < ?1"
	" AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.call_sid = o.call_sid) LIMIT 100)",
	"DELETE FROM outbox WHERE id IN (SELECT id FROM outbox o WHERE state = 'delivered' AND at < ?1"
	" AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.call_sid = o.call_sid) LIMIT 100)",
};

static int run_text(struct store *s, const char *sql, const char *text)
{
	int rc;
	sqlite3_stmt *stmt = store_prepared(s, sql, &rc);

	if (!stmt)
		return rc;
	sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run_time(struct store *s, const char *sql, int64_t before)
{
	int rc;
	sqlite3_stmt *stmt = store_prepared(s, sql, &rc);

	if (!stmt)
		return rc;
	sqlite3_bind_int64(stmt, 1, before);
	rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A path that stays inside DATA_DIR. The database may have been edited by a person. */
static bool inside(const char *file)
{
	return *file && *file != '/' && strncmp(file, "../", 3) != 0 && !strstr(file, "/../");
}

/* The files of one call. A file that cannot be deleted is logged, and its row goes all the same. */
static int delete_files(struct store *s, const char *call_sid)
{
	static const char sql[] = "SELECT file FROM recordings WHERE call_sid = ?1 AND file IS NOT NULL";
	int rc;
	sqlite3_stmt *stmt = store_prepared(s, sql, &rc);

	if (!stmt)
		return rc;
	sqlite3_bind_text(stmt, 1, call_sid, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *file = (const char *)sqlite3_column_text(stmt, 0);
		char path[2 * PATH_MAX];

		if (!file || !inside(file))
			continue;
		snprintf(path, sizeof path, "%s/%s", s->dir, file);
		if (unlink(path) && errno != ENOENT)
			log_warn(call_sid, "an old recording cannot be deleted: %s", strerror(errno));
		/* The day's directory, once it is empty. */
		if (strchr(file, '/')) {
			*strrchr(path, '/') = '\0';
			rmdir(path);
		}
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The oldest calls over the limit, CALLS_AT_ONCE at most; also those of which nothing but a message is known. */
static int choose(struct store *s, int64_t before, char sids[CALLS_AT_ONCE][FOREIGN_ID_SIZE], size_t *count)
{
	static const char sql[] =
	    "SELECT call_sid, ended_at AS at FROM calls WHERE ended_at < ?1 AND state = 'ended'"
	    " UNION ALL SELECT call_sid, at FROM recordings r WHERE message IS NOT NULL AND at < ?1"
	    " AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.call_sid = r.call_sid)"
	    " ORDER BY at LIMIT 32";
	int rc;
	sqlite3_stmt *stmt = store_prepared(s, sql, &rc);

	*count = 0;
	if (!stmt)
		return rc;
	sqlite3_bind_int64(stmt, 1, before);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && *count < CALLS_AT_ONCE)
		snprintf(sids[(*count)++], FOREIGN_ID_SIZE, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_reset(stmt);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* One piece of the work, in one transaction. Files cannot be rolled back: if the transaction fails,
 * the rows are still there and the next try finds their files gone already, which is no error. */
int store_retain(struct store *s, int64_t now_wall_ms)
{
	int64_t before = now_wall_ms - s->retain_days * DAY_MS;
	char sids[CALLS_AT_ONCE][FOREIGN_ID_SIZE];
	size_t count;
	int rc;

	if (s->retain_days <= 0)
		return SQLITE_OK;
	rc = choose(s, before, sids, &count);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
		/* Files go before rows: a file without a row would stay for ever. */
		rc = delete_files(s, sids[i]);
		for (size_t k = 0; k < sizeof of_a_call / sizeof *of_a_call && rc == SQLITE_OK; k++)
			rc = run_text(s, of_a_call[k], sids[i]);
	}
	for (size_t k = 0; k < sizeof of_none / sizeof *of_none && rc == SQLITE_OK; k++)
		rc = run_time(s, of_none[k], before);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK) {
		if (!sqlite3_get_autocommit(s->db))
			sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return rc;
	}
	if (count)
		log_info("store", "deleted %zu calls older than %d days", count, s->retain_days);
	rc = sqlite3_exec(s->db, "PRAGMA incremental_vacuum(256)", NULL, NULL, NULL); /* pages, back to the disk */
	return rc == SQLITE_OK && count == CALLS_AT_ONCE ? SQLITE_ROW : rc;
}
