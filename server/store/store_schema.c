/* The tables. Times are Unix time in milliseconds; `json` is an object as the API
 * shows it. A call is known by Twilio's CallSid, which other tables carry without a
 * foreign key: rows arrive in the order in which things happen, and a turn is worth
 * keeping even if its call's row was lost. */
#include "server/store/store_schema.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

/* "TRKL": tells our database from another program's. */
#define APPLICATION_ID 0x54524b4c

/* One string a version. Never change one that was released: add the next, at
 * the end, whatever table it is about. A step is a list of statements; columns
 * that are added need a default or may be NULL. */
const char *const store_steps[] = {
	/* 1: the first. */
	"CREATE TABLE calls ("
	" id INTEGER PRIMARY KEY,"
	" call_sid TEXT NOT NULL UNIQUE,"
	" direction TEXT, from_number TEXT, to_number TEXT, agent TEXT, variant TEXT,"
	" state TEXT NOT NULL DEFAULT 'reserved'," /* reserved, live, ended */
	" reserved_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER,"
	" ending TEXT, fault INTEGER," /* of the table of endings; NULL while it lasts */
	" seconds REAL, cost_usd REAL,"
	" metadata TEXT,"       /* of an outbound call: an object */
	" json TEXT NOT NULL);" /* all but the turns */
	"CREATE INDEX calls_reserved ON calls (reserved_at, id);"
	"CREATE INDEX calls_ended ON calls (ended_at);"
	"CREATE INDEX calls_open ON calls (state) WHERE state <> 'ended';"

	"CREATE TABLE turns ("
	" call_sid TEXT NOT NULL, no INTEGER NOT NULL," /* the conversation's order, from 0 */
	" kind TEXT, item_id TEXT, at_ms INTEGER, text TEXT,"
	" generated_ms INTEGER, heard_ms INTEGER, heard_text TEXT, interrupted INTEGER, status TEXT,"
	" written_at INTEGER NOT NULL, json TEXT NOT NULL,"
	" PRIMARY KEY (call_sid, no)) WITHOUT ROWID;"

	"CREATE TABLE events ("
	" id INTEGER PRIMARY KEY, call_sid TEXT NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, json TEXT);"
	"CREATE INDEX events_call ON events (call_sid, id);"

	"CREATE TABLE tool_calls ("
	" call_sid TEXT NOT NULL, call_id TEXT NOT NULL," /* the model's id of it */
	" at INTEGER NOT NULL, name TEXT, arguments TEXT, answer TEXT, ok INTEGER, took_ms INTEGER,"
	" PRIMARY KEY (call_sid, call_id));"

	"CREATE TABLE records ("
	" id TEXT PRIMARY KEY, call_sid TEXT, agent TEXT, at INTEGER NOT NULL, status TEXT NOT NULL,"
	" json TEXT, problems TEXT);"
	"CREATE INDEX records_call ON records (call_sid);"
	"CREATE INDEX records_at ON records (at);"

	"CREATE TABLE recordings ("
	" id TEXT PRIMARY KEY," /* Twilio's RecordingSid, or the file's name */
	" call_sid TEXT NOT NULL, at INTEGER NOT NULL, status TEXT, seconds REAL, channels INTEGER,"
	" file TEXT," /* relative to DATA_DIR; deleted with the row */
	" url TEXT, json TEXT);"
	"CREATE INDEX recordings_call ON recordings (call_sid);"

	"CREATE TABLE outbox ("
	" id INTEGER PRIMARY KEY, call_sid TEXT, seq INTEGER, at INTEGER NOT NULL, event TEXT NOT NULL,"
	" url TEXT NOT NULL, body TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER,"
	" state TEXT NOT NULL DEFAULT 'waiting'," /* waiting, delivered, parked */
	" last_error TEXT);"
	"CREATE INDEX outbox_due ON outbox (state, next_at);"
	"CREATE INDEX outbox_call ON outbox (call_sid, seq);"

	"CREATE TABLE outbound ("
	" id TEXT PRIMARY KEY, idempotency_key TEXT UNIQUE, request_hash TEXT, call_sid TEXT,"
	" status TEXT NOT NULL, created_at INTEGER NOT NULL, json TEXT);"
	"CREATE INDEX outbound_call ON outbound (call_sid);",

	/* 2: records are filled in after the call, whatever happens in between. One a
	 * call. `state`: open while something is still to be done. */
	"ALTER TABLE records ADD COLUMN variant TEXT;"
	"ALTER TABLE records ADD COLUMN state TEXT NOT NULL DEFAULT 'done';" /* open, done */
	"ALTER TABLE records ADD COLUMN source TEXT;"                        /* call, after */
	"ALTER TABLE records ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE records ADD COLUMN next_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE records ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;"
	"DROP INDEX records_call;"
	"CREATE UNIQUE INDEX records_call ON records (call_sid);"
	"CREATE INDEX records_open ON records (next_at) WHERE state = 'open';",

	/* 3: the outbox as it is used: an event is known by the id its receiver
	 * sees, before it is written. */
	"DROP INDEX outbox_due;"
	"DROP INDEX outbox_call;"
	"ALTER TABLE outbox RENAME TO outbox_before;"
	"CREATE TABLE outbox ("
	" id TEXT PRIMARY KEY, seq INTEGER NOT NULL,"                          /* the order in which things happened */
	" call_sid TEXT NOT NULL, agent TEXT NOT NULL, variant TEXT NOT NULL," /* "" if there is none */
	" event TEXT NOT NULL, url TEXT NOT NULL, body TEXT NOT NULL,"
	" at INTEGER NOT NULL,"    /* when it happened */
	" since INTEGER NOT NULL," /* when trying began */
	" next_at INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL DEFAULT 0,"   /* that failed */
	" state TEXT NOT NULL DEFAULT 'waiting'," /* waiting, delivered, parked */
	" tried_at INTEGER, last_status INTEGER, last_error TEXT);"
	"INSERT INTO outbox SELECT 'evt_' || id, coalesce(seq, id), coalesce(call_sid, ''), '', '', event, url, body,"
	" at, at, coalesce(next_at, at), attempts, state, NULL, NULL, last_error FROM outbox_before;"
	"DROP TABLE outbox_before;"
	"CREATE INDEX outbox_state ON outbox (state, seq);"
	"CREATE INDEX outbox_seq ON outbox (seq);"
	"CREATE INDEX outbox_call ON outbox (call_sid);",

	/* 4: the cost of a day's calls. */
	"CREATE TABLE spending (day TEXT PRIMARY KEY, usd REAL NOT NULL) WITHOUT ROWID;", /* YYYY-MM-DD, UTC */

	/* 5: messages that callers left are recordings of Twilio's that are fetched, and written down. `message`:
	 * fetching, transcribing or done; NULL: a recording of the call itself. */
	"ALTER TABLE recordings ADD COLUMN message TEXT;"
	"ALTER TABLE recordings ADD COLUMN agent TEXT;"
	"ALTER TABLE recordings ADD COLUMN variant TEXT;"
	"ALTER TABLE recordings ADD COLUMN from_number TEXT;"
	"ALTER TABLE recordings ADD COLUMN to_number TEXT;"
	"ALTER TABLE recordings ADD COLUMN transcript TEXT;"
	"ALTER TABLE recordings ADD COLUMN problem TEXT;" /* a sentence: why there is no sound, or no transcript */
	"CREATE INDEX recordings_messages ON recordings (at) WHERE message IS NOT NULL;",

	/* 6: the next goes here. */
};
const size_t store_version = sizeof store_steps / sizeof *store_steps;

int store_errno(int result)
{
	switch (result & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return -EUCLEAN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		return -EIO;
	}
}

/* The one number that a PRAGMA or a count gives; 0 if there is no row. */
static int number(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	*out = 0;
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* One step in one transaction, its new version number included: a process that dies in between
 * leaves the old version whole, and the next start tries again. */
static int step_forward(sqlite3 *db, const char *sql, size_t version)
{
	char mark[96];
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %zu", APPLICATION_ID, version);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, mark, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* At every opening; with nothing to do it only reads three numbers. A newer version's database is
 * left alone, since an older program could not know what it would break. An empty file has id 0 and
 * version 0 and becomes ours with step 1. */
int store_migrate(sqlite3 *db, const char *const *steps, size_t count, struct buf *problem)
{
	int64_t version, id, tables;
	int rc = number(db, "PRAGMA user_version", &version);

	if (rc == SQLITE_OK)
		rc = number(db, "PRAGMA application_id", &id);
	if (rc == SQLITE_OK)
		rc = number(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc != SQLITE_OK) {
		buf_printf(problem, "cannot read the database: %s", sqlite3_errmsg(db));
		return store_errno(rc);
	}
	if (tables && id != APPLICATION_ID) {
		buf_puts(problem, "the database belongs to another program");
		return -EINVAL;
	}
	if (version < 0 || (size_t)version > count) {
		buf_printf(problem, "the database is from a newer Trunkline: its version is %lld, this one knows %zu",
		    (long long)version, count);
		return -EPROTO;
	}
	for (size_t i = (size_t)version; i < count; i++) {
		rc = step_forward(db, steps[i], i + 1);
		if (rc != SQLITE_OK) {
			buf_printf(problem, "cannot bring the database from version %zu to %zu: %s", i, i + 1,
			    sqlite3_errstr(rc));
			return store_errno(rc);
		}
	}
	return 0;
}
