#include "server/store/store.h"
#include "server/store/store_deliveries.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/store/row.h"
#include "server/store/store_calls.h"
#include "server/store/store_db.h"
#include "server/store/store_recordings.h"
#include "server/store/store_retain.h"
#include "server/store/store_schema.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[128];

#define EVENT "INSERT INTO events (call_sid, at, type, json) VALUES (?1, ?2, ?3, ?4)"
#define RECORD "INSERT INTO records (id, call_sid, at, status) VALUES (?1, ?2, ?3, 'kept')"

static int fresh_dir(void **state)
{
	folder_begin(state);
	snprintf(path, sizeof path, "%s/trunkline.db", folder);
	return 0;
}

static int bear_full_disks(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	return 0;
}

static struct store *opened(int retain_days)
{
	struct store *store = NULL;
	struct buf problem;

	buf_init(&problem, 0);
	if (store_open(&store, folder, retain_days, &problem))
		fail_msg("%s", buf_text(&problem));
	assert_int_equal(problem.len, 0);
	return store;
}

static struct store *reopened(struct store *store)
{
	store_close(store);
	return opened(0);
}

static void refused(int err, const char *words)
{
	struct store *store = NULL;
	struct buf problem;

	buf_init(&problem, 0);
	assert_int_equal(store_open(&store, folder, 0, &problem), err);
	assert_null(store);
	if (!strstr(buf_text(&problem), words))
		fail_msg("not a word of '%s' in '%s'", words, buf_text(&problem));
	buf_free(&problem);
}

/* By --check too, which opens nothing. */
static void refused_unopened(int err, const char *words)
{
	struct buf problem;

	refused(err, words);
	buf_init(&problem, 0);
	assert_int_equal(store_check(folder, &problem), err);
	if (!strstr(buf_text(&problem), words))
		fail_msg("not a word of '%s' in '%s'", words, buf_text(&problem));
	buf_free(&problem);
}

/* The one number of a query; -1 if it cannot be had. */
static int64_t ask_db(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t number = -1;

	if (!sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) && sqlite3_step(stmt) == SQLITE_ROW)
		number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return number;
}

static int64_t ask(struct store *store, const char *sql)
{
	sqlite3 *db = store_reader(store);
	int64_t number;

	assert_non_null(db);
	number = ask_db(db, sql);
	store_reader_done(store, db);
	return number;
}

/* As another program: without the store. */
static sqlite3 *by_hand(void)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	return db;
}

static void run(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why))
		fail_msg("%s: %s", sql, why);
}

static struct store_health health(struct store *store)
{
	struct store_health h;

	store_health(store, &h);
	return h;
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static bool note(struct store *store, int64_t at)
{
	return store_write(store, EVENT, "titt", "CA1", at, "note", NULL);
}

/* ------------------------------------------------------------------ writing, reading */

static void what_is_written_is_read_in_its_order(void **state)
{
	struct store *store = opened(0);

	(void)state;
	for (int i = 0; i < 2000; i++)
		assert_true(note(store, i));
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM events"), 2000);
	assert_int_equal(ask(store, "SELECT count(*) FROM events WHERE at <> id - 1"), 0);
	assert_int_equal(health(store).written, 2000);
	assert_int_equal(health(store).waiting, 0);
	assert_false(health(store).failing);
	assert_true(health(store).db_bytes > 4096);
	store = reopened(store);
	assert_int_equal(ask(store, "SELECT count(*) FROM events"), 2000);
	store_close(store);
}

static void every_kind_of_value_arrives(void **state)
{
	static const char sql[] = "INSERT INTO recordings (id, call_sid, at, seconds, json, url, file)"
				  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	struct store *store = opened(0);
	char copied[] = "CA\xc3\xa9 '; DROP TABLE calls; --";

	(void)state;
	assert_true(
	    store_write(store, sql, "ttidbbt", "x", copied, INT64_MIN, 0.25, "a\0b", (size_t)3, NULL, (size_t)0, NULL));
	memset(copied, '?', sizeof copied); /* it had to be copied */
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM recordings WHERE id = 'x' AND call_sid ="
				    " 'CA\xc3\xa9 ''; DROP TABLE calls; --' AND at = -9223372036854775807 - 1"
				    " AND seconds = 0.25 AND json = x'610062' AND url IS NULL AND file IS NULL"),
	    1);
	store_close(store);
}

static void without_a_store_nothing_is_kept_and_nobody_minds(void **state)
{
	(void)state;
	assert_true(note(NULL, 1));
	assert_int_equal(store_flush(NULL, 1000), 0);
	assert_null(store_reader(NULL));
	store_reader_done(NULL, NULL);
	assert_int_equal(health(NULL).written, 0);
	store_close(NULL);
}

enum { WRITERS = 4, EACH = 400 };

struct writer {
	struct store *store;
	char name[16];
	int refused;
};

static void *write_many(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < EACH; i++)
		w->refused += !store_write(w->store, EVENT, "titt", w->name, (int64_t)i, "note", "{}");
	return NULL;
}

static void many_threads_write_and_each_keeps_its_order(void **state)
{
	struct writer w[WRITERS];
	pthread_t threads[WRITERS];
	struct store *store = opened(0);

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .store = store };
		snprintf(w[i].name, sizeof w[i].name, "CA%d", i);
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &w[i]), 0);
	}
	/* Somebody reads and asks meanwhile. */
	for (int i = 0; i < 20; i++) {
		assert_true(ask(store, "SELECT count(*) FROM events") >= 0);
		assert_int_equal(health(store).lost, 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(w[i].refused, 0);
	}
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM events"), WRITERS * EACH);
	assert_int_equal(ask(store, "SELECT count(*) FROM (SELECT at - lag(at) OVER (PARTITION BY call_sid ORDER BY id)"
				    " AS step FROM events) WHERE step <> 1"),
	    0);
	store_close(store);
}

static void readers_are_few_and_come_back(void **state)
{
	struct store *store = opened(0);
	sqlite3 *out[STORE_READERS];

	(void)state;
	for (int i = 0; i < STORE_READERS; i++) {
		out[i] = store_reader(store);
		assert_non_null(out[i]);
		assert_int_equal(sqlite3_exec(out[i], "DELETE FROM events", NULL, NULL, NULL) & 0xff, SQLITE_READONLY);
	}
	assert_null(store_reader(store)); /* after a second */
	store_reader_done(store, out[1]);
	assert_ptr_equal(store_reader(store), out[1]);
	for (int i = 0; i < STORE_READERS; i++)
		store_reader_done(store, out[i]);
	store_close(store);
}

/* More kinds of statements than are kept prepared. */
static void there_may_be_many_kinds_of_statements(void **state)
{
	enum { KINDS = 150 };
	static char sql[KINDS][128];
	struct store *store = opened(0);

	(void)state;
	for (int i = 0; i < KINDS; i++)
		snprintf(sql[i], sizeof sql[i],
		    "INSERT INTO events (call_sid, at, type) VALUES ('CA1', ?1 * 1000 + %d, 'note')", i);
	for (int64_t round = 0; round < 3; round++) {
		for (int i = 0; i < KINDS; i++) {
			assert_true(store_write(store, sql[i], "i", round));
			assert_true(note(store, -1)); /* and one that is used all the time */
		}
	}
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(ask(store, "SELECT count(DISTINCT at) FROM events WHERE at >= 0"), 3 * KINDS);
	assert_int_equal(ask(store, "SELECT count(*) FROM events WHERE at = -1"), 3 * KINDS);
	assert_int_equal(health(store).lost, 0);
	store_close(store);
}

static void a_statement_that_cannot_succeed_is_dropped_alone(void **state)
{
	struct store *store = opened(0);

	(void)state;
	assert_true(note(store, 1));
	assert_true(store_write(store, RECORD, "tti", "r", "CA1", (int64_t)1));
	assert_true(store_write(store, RECORD, "tti", "r", "CA1", (int64_t)2)); /* twice the same key */
	assert_true(store_write(store, "INSERT INTO no_such_table VALUES (?1)", "i", (int64_t)1));
	assert_true(store_write(store, "this is not SQL", ""));
	assert_true(store_write(store, "INSERT INTO events (call_sid) VALUES (?1)", "ii", (int64_t)1, (int64_t)2));
	assert_true(store_write(store,
	    "INSERT INTO calls (call_sid, reserved_at, json) VALUES (?1, 1,"
	    " json_extract(?2, '$.a'))",
	    "tt", "CA1", "{broken"));
	assert_true(note(store, 2));
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM events"), 2);
	assert_int_equal(ask(store, "SELECT at FROM records"), 1);
	assert_int_equal(health(store).lost, 5);
	assert_int_equal(health(store).written, 3);
	assert_int_equal(health(store).failures, 0);
	assert_false(health(store).failing);
	assert_true(health(store).last_error[0]);
	store_close(store);
}

/* ------------------------------------------------------------------------ the disk */

static void a_full_disk_is_waited_for(void **state)
{
	struct store *store = opened(0);
	char large[4000];

	(void)state;
	memset(large, 'x', sizeof large);
	large[sizeof large - 1] = '\0';
	assert_true(note(store, 0));
	assert_int_equal(store_flush(store, 60000), 0);
	limit_files(32 * 1024);
	for (int i = 1; i <= 50; i++)
		assert_true(store_write(store, EVENT, "titt", "CA1", (int64_t)i, "note", large));
	until_true(health(store).failing);
	assert_int_equal(store_flush(store, 60000), -EIO); /* at once: who waits for it can say so */
	assert_true(health(store).failures > 0);
	assert_true(health(store).waiting > 0);
	assert_true(health(store).last_error[0]);
	limit_files(RLIM_INFINITY);
	until_true(!health(store).waiting);
	assert_false(health(store).failing);
	assert_int_equal(health(store).lost, 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM events WHERE at = id - 1"), 51);
	store_close(store);
}

static void a_disk_full_at_the_start_keeps_nobody_from_starting(void **state)
{
	struct store *store;

	(void)state;
	limit_files(0);
	store = opened(0);
	assert_true(health(store).failing);
	assert_true(note(store, 1));
	limit_files(RLIM_INFINITY);
	until_true(!health(store).waiting);
	assert_int_equal(ask(store, "SELECT count(*) FROM events"), 1);
	store_close(store);
}

static void a_deleted_directory_is_made_anew(void **state)
{
	struct store *store = opened(0);

	assert_true(note(store, 1));
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(ask(store, "SELECT at FROM events"), 1); /* a reader is open on the old file */
	assert_int_equal(folder_end(state), 0);
	assert_true(note(store, 2));
	until_true(!health(store).waiting);
	assert_int_equal(ask(store, "SELECT at FROM events"), 2);
	store = reopened(store);
	assert_int_equal(ask(store, "SELECT at FROM events"), 2);
	store_close(store);
}

static void a_database_that_another_program_holds_is_waited_for(void **state)
{
	struct store *store = opened(0);
	sqlite3 *other = by_hand();

	(void)state;
	run(other, "BEGIN EXCLUSIVE");
	assert_true(note(store, 1));
	until_true(health(store).failing);
	run(other, "COMMIT");
	until_true(!health(store).waiting);
	assert_int_equal(health(store).lost, 0);
	sqlite3_close(other);
	store_close(store);
}

static void over_its_bound_the_queue_refuses_and_counts(void **state)
{
	struct store *store = opened(0);
	sqlite3 *other = by_hand();
	int taken = 0, refused_count = 0;

	(void)state;
	run(other, "BEGIN EXCLUSIVE");
	pthread_mutex_lock(&store->queue.lock);
	store->queue.bytes_max = 10000;
	pthread_mutex_unlock(&store->queue.lock);
	for (int i = 0; i < 200; i++) {
		if (note(store, i))
			taken++;
		else
			refused_count++;
	}
	assert_true(taken > 10);
	assert_true(refused_count > 10);
	assert_int_equal(health(store).lost, refused_count);
	assert_int_equal(health(store).waiting, taken);
	run(other, "COMMIT");
	sqlite3_close(other);
	until_true(!health(store).waiting);
	/* The oldest, without a gap: they were promised. */
	assert_int_equal(ask(store, "SELECT count(*) FROM events WHERE at = id - 1"), taken);
	assert_true(note(store, taken));
	assert_int_equal(store_flush(store, 60000), 0);
	store_close(store);
}

static void after_a_kill_all_that_was_flushed_is_there(void **state)
{
	struct store *store;
	int status;
	pid_t child = fork();

	(void)state;
	if (!child) {
		store = opened(0);
		for (int i = 0; i < 100; i++)
			note(store, i);
		if (store_flush(store, 60000))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	store = opened(0);
	assert_int_equal(ask(store, "SELECT count(*) FROM events"), 100);
	store_close(store);
}

static void what_waits_is_written_at_the_end(void **state)
{
	struct store *store = opened(0);

	(void)state;
	for (int i = 0; i < 3000; i++)
		note(store, i);
	store = reopened(store);
	assert_int_equal(ask(store, "SELECT count(*) FROM events"), 3000);
	store_close(store);
}

/* ------------------------------------------------------------------- what it refuses */

static void a_second_process_is_told_who_is_first(void **state)
{
	struct store *store = opened(0);
	char name[32];

	(void)state;
	snprintf(name, sizeof name, "(process %ld)", (long)getpid());
	refused(-EBUSY, name);
	store_close(store);
	store_close(opened(0));
}

static void still_has(const char *query, int64_t value)
{
	sqlite3 *db = by_hand();

	assert_int_equal(ask_db(db, query), value);
	sqlite3_close(db);
}

static void a_newer_version_is_refused(void **state)
{
	sqlite3 *db;

	(void)state;
	store_close(opened(0));
	db = by_hand();
	run(db, "PRAGMA user_version = 1000");
	sqlite3_close(db);
	refused(-EPROTO, "newer Trunkline: its version is 1000");
	still_has("PRAGMA user_version", 1000);
}

static void another_programs_database_is_refused(void **state)
{
	sqlite3 *db = by_hand();

	(void)state;
	run(db, "CREATE TABLE bookmarks (url); INSERT INTO bookmarks VALUES ('x')");
	sqlite3_close(db);
	refused(-EINVAL, "belongs to another program");
	still_has("SELECT count(*) FROM sqlite_schema", 1);
}

static void a_file_that_is_no_database_is_refused_and_left(void **state)
{
	FILE *file = fopen(path, "w");
	char text[8] = "";

	(void)state;
	assert_non_null(file);
	for (int i = 0; i < 2000; i++)
		fputs("not a database\n", file);
	fclose(file);
	refused(-EUCLEAN, "not a database");
	file = fopen(path, "r");
	assert_int_equal(fread(text, 1, 3, file), 3);
	assert_string_equal(text, "not");
	fclose(file);
}

static void a_file_in_place_of_the_directory_is_refused(void **state)
{
	FILE *file;

	(void)state;
	assert_int_equal(rmdir(folder), 0);
	file = fopen(folder, "w");
	assert_non_null(file);
	fclose(file);
	refused_unopened(-ENOTDIR, "not a directory");
}

static void a_missing_parent_is_refused(void **state)
{
	(void)state;
	assert_int_equal(rmdir(folder), 0);
	snprintf(folder + strlen(folder), sizeof folder - strlen(folder), "/x");
	refused_unopened(-ENOENT, "cannot be made");
	*strrchr(folder, '/') = '\0';
}

/* root may write everywhere; nobody may not. */
static void become(uid_t uid)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(uid), 0);
}

static void a_directory_that_cannot_be_written_is_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod(folder, 0555), 0);
	become(65534);
	refused_unopened(-EACCES, "cannot be written");
	become(0);
	chmod(folder, 0755);
}

static void a_check_makes_and_holds_nothing(void **state)
{
	struct store *store;
	struct buf problem;

	(void)state;
	buf_init(&problem, 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(store_check(folder, &problem), 0);
	assert_int_equal(access(folder, F_OK), -1);
	store = opened(0);
	assert_int_equal(store_check(folder, &problem), 0); /* in use, which is no mistake */
	assert_int_equal(problem.len, 0);
	store_close(store);
	buf_free(&problem);
}

static void a_database_that_cannot_be_written_is_refused(void **state)
{
	char lock[128];

	(void)state;
	store_close(opened(0));
	snprintf(lock, sizeof lock, "%s/lock", folder);
	assert_int_equal(chmod(folder, 0777) | chmod(lock, 0666) | chmod(path, 0444), 0);
	become(65534);
	refused_unopened(-EACCES, "cannot be written");
	become(0);
}

static void warned(const char *words)
{
	struct buf said;

	buf_init(&said, 0);
	store_warnings(folder, &said);
	if (words ? !strstr(buf_text(&said), words) : said.len != 0)
		fail_msg("not '%s' but '%s'", words ? words : "", buf_text(&said));
	if (words)
		assert_ptr_equal(strchr(buf_text(&said), '\n'), said.data + said.len - 1); /* one line */
	buf_free(&said);
}

static void who_may_get_at_it_is_told_with_what_mends_it(void **state)
{
	char words[300], at[200];

	(void)state;
	assert_int_equal(chmod(folder, 0700), 0);
	store_close(opened(0));
	warned(NULL);
	assert_int_equal(chmod(folder, 0750), 0);
	snprintf(words, sizeof words,
	    "may get at %s (mode 0750), and it holds what callers said: `chmod -R go= %s` mends", folder, folder);
	warned(words);
	assert_int_equal(chmod(folder, 0700) | chmod(path, 0604), 0);
	snprintf(words, sizeof words, "may get at %s (mode 0604), and", path);
	warned(words);
	assert_int_equal(chmod(path, 0600), 0);
	warned(NULL);
	snprintf(at, sizeof at, "%s/link", folder);
	assert_int_equal(symlink("/nowhere", at), 0);
	warned(NULL); /* every link has 0777, which means nothing */
	assert_int_equal(unlink(at), 0);
	for (int i = 0; i < 6; i++) {
		snprintf(at, sizeof at, "%s/%d", folder, i);
		assert_int_equal(mkdir(at, 0700) | chmod(at, 0710), 0);
	}
	warned(" and 2 more, and it holds");
	for (int i = 0; i < 6; i++) {
		snprintf(at, sizeof at, "%s/%d", folder, i);
		assert_int_equal(rmdir(at), 0);
	}
}

static void nobody_else_can_read_it(void **state)
{
	struct store *store;
	struct stat st;

	(void)state;
	assert_int_equal(rmdir(folder), 0);
	store = opened(0);
	note(store, 1);
	store_flush(store, 60000);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	strcat(path, "-wal");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
	store_close(store);
}

/* ---------------------------------------------------------------------- migrations */

static void old_data_comes_along(void **state)
{
	const char *const steps[] = { store_steps[0], "ALTER TABLE calls ADD COLUMN mood TEXT DEFAULT 'unknown'",
		"UPDATE calls SET mood = 'good' WHERE ending = 'caller_hung_up';"
		"CREATE TABLE moods (mood TEXT PRIMARY KEY);"
		"INSERT INTO moods SELECT DISTINCT mood FROM calls" };
	const char *const broken[] = { steps[0], steps[1], steps[2],
		"CREATE TABLE half (a); INSERT INTO half VALUES (1); INSERT INTO nowhere VALUES (1)" };
	struct buf problem;
	sqlite3 *db = by_hand();

	(void)state;
	buf_init(&problem, 0);
	assert_int_equal(store_migrate(db, steps, 1, &problem), 0);
	run(db, "INSERT INTO calls (call_sid, state, reserved_at, ending, json) VALUES"
		" ('CA1', 'ended', 1, 'caller_hung_up', '{}'), ('CA2', 'live', 2, NULL, '{}')");
	assert_int_equal(store_migrate(db, steps, 3, &problem), 0);
	assert_int_equal(ask_db(db, "PRAGMA user_version"), 3);
	assert_int_equal(ask_db(db, "SELECT count(*) FROM calls WHERE call_sid = 'CA1' AND mood = 'good'"), 1);
	assert_int_equal(ask_db(db, "SELECT count(*) FROM moods"), 2);
	assert_int_equal(store_migrate(db, steps, 3, &problem), 0); /* nothing to do */
	assert_int_equal(problem.len, 0);
	/* A step that fails leaves nothing of itself. */
	assert_int_equal(store_migrate(db, broken, 4, &problem), -EIO);
	assert_non_null(strstr(buf_text(&problem), "from version 3 to 4"));
	assert_int_equal(ask_db(db, "PRAGMA user_version"), 3);
	assert_int_equal(ask_db(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
	/* An older program does not touch it. */
	buf_reset(&problem);
	assert_int_equal(store_migrate(db, steps, 2, &problem), -EPROTO);
	buf_free(&problem);
	sqlite3_close(db);
}

/* A database as version 1 left it, every table filled. */
static void version_1_becomes_the_newest_with_all_its_rows(void **state)
{
	static const char rows[] =
	    "INSERT INTO calls (call_sid, direction, from_number, to_number, agent, state, reserved_at, json)"
	    " VALUES ('CA1', 'inbound', '+12025550100', '+12025550101', 'default', 'ended', 1, '{}');"
	    "INSERT INTO turns (call_sid, no, kind, text, written_at, json) VALUES ('CA1', 0, 'agent', 'Hello', 2, '{}');"
	    "INSERT INTO events (call_sid, at, type, json) VALUES ('CA1', 3, 'call.started', '{}');"
	    "INSERT INTO tool_calls (call_sid, call_id, at, name) VALUES ('CA1', 'call_1', 4, 'end_call');"
	    "INSERT INTO records (id, call_sid, agent, at, status, json) VALUES ('rec_1', 'CA1', 'default', 5, 'ok', '{}');"
	    "INSERT INTO recordings (id, call_sid, at, status) VALUES ('RE1', 'CA1', 6, 'completed');"
	    "INSERT INTO outbox (call_sid, seq, at, event, url, body) VALUES ('CA1', 1, 7, 'call.ended', 'http://x', '{}');"
	    "INSERT INTO outbound (id, idempotency_key, call_sid, status, created_at) VALUES ('out_1', 'k', 'CA1', 'ok', 8)";
	static const char *const tables[] = { "calls", "turns", "events", "tool_calls", "records", "recordings",
		"outbox", "outbound" };
	struct store *store;
	struct buf problem;
	sqlite3 *db = by_hand();
	char sql[80];

	(void)state;
	buf_init(&problem, 0);
	assert_int_equal(store_migrate(db, store_steps, 1, &problem), 0);
	run(db, rows);
	sqlite3_close(db);
	store = opened(0);
	assert_int_equal(ask(store, "PRAGMA user_version"), store_version);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", tables[i]);
		assert_int_equal(ask(store, sql), 1);
	}
	store_close(store);
}

/* ------------------------------------------------------------------------ retention */

static void make_file(const char *name)
{
	char at[160];
	FILE *file;

	snprintf(at, sizeof at, "%s/%s", folder, name);
	file = fopen(at, "w");
	assert_non_null(file);
	fclose(file);
}

static bool is_there(const char *name)
{
	char at[160];

	snprintf(at, sizeof at, "%s/%s", folder, name);
	return !access(at, F_OK);
}

static void add_call(struct store *store, const char *sid, int64_t days_ago, bool ended)
{
	int64_t at = clock_wall_ms() - days_ago * 86400000;

	store_write(store, "INSERT INTO calls (call_sid, state, reserved_at, json) VALUES (?1, 'live', ?2, '{}')", "ti",
	    sid, at);
	if (ended)
		store_write(
		    store, "UPDATE calls SET state = 'ended', ended_at = ?2 WHERE call_sid = ?1", "ti", sid, at);
}

static void fill_for_retention(struct store *store)
{
	char sid[24], file[32];

	for (int i = 0; i < 100; i++) {
		snprintf(sid, sizeof sid, "CAold%d", i);
		add_call(store, sid, 31, true);
		store_write(
		    store, "INSERT INTO turns (call_sid, no, written_at, json) VALUES (?1, 0, 1, '{}')", "t", sid);
		store_write(store, EVENT, "titt", sid, (int64_t)1, "note", NULL);
		store_write(store, RECORD, "tti", sid, sid, (int64_t)1);
		store_write(store, "INSERT INTO tool_calls (call_sid, call_id, at) VALUES (?1, 'x', 1)", "t", sid);
	}
	add_call(store, "CAlive", 31, false);
	add_call(store, "CAnew", 29, true);
	for (const char **name = (const char *[]){ "CAold0", "CAlive", "CAnew", NULL }; *name; name++) {
		snprintf(file, sizeof file, "%s.wav", *name);
		make_file(file);
		store_write(
		    store, "INSERT INTO recordings (id, call_sid, at, file) VALUES (?1, ?1, 1, ?2)", "tt", *name, file);
	}
	make_file("message.wav"); /* of a call of which nothing else is known */
	store_write(store,
	    "INSERT INTO recordings (id, call_sid, at, file, message) VALUES ('RE1', 'CAunknown', 1, 'message.wav', 'done')",
	    "");
	make_file("keep");
	store_write(store, "INSERT INTO recordings (id, call_sid, at, file) VALUES ('out', 'CAold1', 1, ?1)", "t",
	    "x/../../keep");
	store_write(store,
	    "INSERT INTO outbox (id, seq, agent, variant, since, next_at, call_sid, at, event, url, body, state) VALUES"
	    " ('evt_1', 1, '', '', 1, 1, 'CAold0', 1, 'call.ended', '', '', 'delivered'),"
	    " ('evt_2', 2, '', '', 1, 1, 'CAold0', 1, 'call.ended', '', '', 'waiting'),"
	    " ('evt_3', 3, '', '', 1, 1, 'CAold1', 1, 'call.ended', '', '', 'parked')",
	    "");
	store_write(store, RECORD, "tti", "orphan", "CAgone", (int64_t)1);
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(health(store).lost, 0);
}

static void what_is_old_goes_and_the_rest_stays(void **state)
{
	struct store *store = opened(0);

	(void)state;
	fill_for_retention(store);
	store_close(store);
	store = opened(0); /* 0 days: for ever */
	note(store, 1);
	store_flush(store, 60000);
	assert_int_equal(ask(store, "SELECT count(*) FROM calls"), 102);
	store_close(store);
	store = opened(30);
	until_true(ask(store, "SELECT count(*) FROM calls") == 2);
	until_true(ask(store, "SELECT count(*) FROM records") == 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM calls WHERE call_sid IN ('CAlive', 'CAnew')"), 2);
	assert_int_equal(ask(store, "SELECT (SELECT count(*) FROM turns) + (SELECT count(*) FROM tool_calls)"), 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM events WHERE call_sid <> 'CA1'"), 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM recordings"), 2);
	assert_int_equal(ask(store, "SELECT count(*) FROM outbox WHERE state IN ('waiting', 'parked')"), 2);
	assert_int_equal(ask(store, "SELECT count(*) FROM outbox"), 2);
	assert_false(is_there("message.wav"));
	assert_false(is_there("CAold0.wav"));
	assert_true(is_there("CAlive.wav") && is_there("CAnew.wav") && is_there("keep"));
	store_close(store);
}

static void put_seq(void *arg, const struct delivery_row *row)
{
	buf_printf(arg, "%d:%s ", (int)row->seq, row->id);
}

/* So that whoever holds some of them in memory comes back for the next. */
static void waiting_deliveries_are_read_page_by_page(void **state)
{
	struct delivery_row row = { .call_sid = "CA1", .agent = "", .variant = "", .event = "call.ended", .url = "u" };
	struct store *store = opened(0);
	struct buf said;

	(void)state;
	for (row.seq = 15; row.seq > 10; row.seq--) {
		snprintf(row.id, sizeof row.id, "e%d", (int)row.seq);
		store_delivery_put(store, &row, "{}");
	}
	store_delivery_park(store, "e13", "why");
	assert_int_equal(store_flush(store, 60000), 0);
	buf_init(&said, 0);
	assert_int_equal(store_deliveries_waiting(store, 0, 3, put_seq, &said), 3);
	assert_int_equal(store_deliveries_waiting(store, 14, 3, put_seq, &said), 1);
	assert_int_equal(store_deliveries_waiting(store, 15, 3, put_seq, &said), 0);
	assert_string_equal(buf_text(&said), "11:e11 12:e12 14:e14 15:e15 ");
	buf_free(&said);
	store_close(store);
}

/* How the recording of a call stands that was being saved when the call ended, once this is known of it. */
static void expect_recording(const char *state, const char *status, const char *expected)
{
	struct store *store = opened(0);
	struct call_summary call;
	struct call_talk talk;

	store_write(store,
	    "INSERT OR REPLACE INTO calls (call_sid, direction, from_number, to_number, agent, state, reserved_at, json)"
	    " VALUES ('CA1', 'inbound', '', '', '', ?1, 1, '{\"recording\":{\"state\":\"saving\",\"seconds\":8}}')",
	    "t", state);
	store_recording_put(store, &(struct recording_row){ .id = "f",
				       .file = "f",
				       .call_sid = "CA1",
				       .at_ms = 1,
				       .status = status,
				       .json = "{\"state\":\"now\",\"seconds\":9}" });
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(store_call(store, "CA1", &call, &talk), 0);
	assert_string_equal(call.kept, expected);
	call_summary_free(&call);
	call_talk_free(&talk);
	store_close(store);
}

static void count_pending(void *arg, const char *id)
{
	int *count = arg;

	assert_string_equal(id, "RE1");
	++*count;
}

/* Beside the call's own recording, which it does not hide; and its first report stays. */
static void a_message_has_its_own_way(void **state)
{
	struct store *store = opened(0);
	struct message_row row = { .id = "RE1",
		.call_sid = "CA1",
		.at_ms = 9,
		.seconds = 4,
		.url = "https://x/RE1",
		.agent = "desk",
		.variant = "",
		.from = "+1",
		.to = "+2" },
			   got;
	struct kept_recording kept;
	int pending = 0;

	(void)state;
	store_recording_put(store,
	    &(struct recording_row){
		.id = "f.wav", .file = "f.wav", .call_sid = "CA1", .at_ms = 1, .status = "completed", .json = "{}" });
	store_message_open(store, &row);
	row.url = "https://y/RE1";
	store_message_open(store, &row);
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(store_recording_of_call(store, "CA1", false, &kept), 0);
	assert_string_equal(kept.id, "f.wav");
	assert_true(kept.local);
	kept_recording_free(&kept);
	assert_int_equal(store_recording_of_call(store, "CA1", true, &kept), 0);
	assert_string_equal(kept.id, "RE1");
	assert_string_equal(kept.url, "https://x/RE1");
	assert_false(kept.local);
	kept_recording_free(&kept);
	assert_int_equal(store_messages_pending(store, count_pending, &pending), 1);
	assert_int_equal(store_message_pending(store, "RE1", &got), 0);
	assert_int_equal(got.state, MESSAGE_FETCHING);
	assert_string_equal(got.agent, "desk");
	assert_null(got.file);
	message_row_free(&got);
	row.state = MESSAGE_TRANSCRIBING;
	row.file = "m.wav";
	store_message_set(store, &row);
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(store_message_pending(store, "RE1", &got), 0);
	assert_int_equal(got.state, MESSAGE_TRANSCRIBING);
	assert_string_equal(got.file, "m.wav");
	message_row_free(&got);
	row.state = MESSAGE_DONE;
	store_message_set(store, &row);
	store_message_open(store, &row);
	assert_int_equal(store_flush(store, 60000), 0);
	assert_int_equal(store_message_pending(store, "RE1", &got), -ENOENT);
	assert_int_equal(store_messages_pending(store, count_pending, &pending), 0);
	assert_int_equal(pending, 1);
	store_close(store);
}

static void a_recording_stands_as_is_known_of_it_now(void **state)
{
	(void)state;
	expect_recording("ended", "in-progress", "{\"recording\":{\"state\":\"saving\",\"seconds\":8}}");
	expect_recording("live", "completed", "{\"recording\":{\"state\":\"saving\",\"seconds\":8}}");
	expect_recording("ended", "completed", "{\"recording\":{\"state\":\"now\",\"seconds\":9}}");
	expect_recording("ended", "interrupted", "{\"recording\":{\"state\":\"interrupted\",\"seconds\":8}}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_dir, folder_end)

const struct CMUnitTest unit_tests[] = {
	TEST(what_is_written_is_read_in_its_order),
	TEST(every_kind_of_value_arrives),
	TEST(a_message_has_its_own_way),
	TEST(a_recording_stands_as_is_known_of_it_now),
	TEST(without_a_store_nothing_is_kept_and_nobody_minds),
	TEST(many_threads_write_and_each_keeps_its_order),
	TEST(readers_are_few_and_come_back),
	TEST(there_may_be_many_kinds_of_statements),
	TEST(a_statement_that_cannot_succeed_is_dropped_alone),
	TEST(a_full_disk_is_waited_for),
	TEST(a_disk_full_at_the_start_keeps_nobody_from_starting),
	TEST(a_deleted_directory_is_made_anew),
	TEST(a_database_that_another_program_holds_is_waited_for),
	TEST(over_its_bound_the_queue_refuses_and_counts),
	TEST(after_a_kill_all_that_was_flushed_is_there),
	TEST(what_waits_is_written_at_the_end),
	TEST(a_second_process_is_told_who_is_first),
	TEST(a_newer_version_is_refused),
	TEST(another_programs_database_is_refused),
	TEST(a_file_that_is_no_database_is_refused_and_left),
	TEST(a_file_in_place_of_the_directory_is_refused),
	TEST(a_missing_parent_is_refused),
	TEST(a_directory_that_cannot_be_written_is_refused),
	TEST(a_check_makes_and_holds_nothing),
	TEST(a_database_that_cannot_be_written_is_refused),
	TEST(who_may_get_at_it_is_told_with_what_mends_it),
	TEST(nobody_else_can_read_it),
	TEST(old_data_comes_along),
	TEST(version_1_becomes_the_newest_with_all_its_rows),
	TEST(what_is_old_goes_and_the_rest_stays),
	TEST(waiting_deliveries_are_read_page_by_page),
	GROUP(bear_full_disks, NULL),
};
