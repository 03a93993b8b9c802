#include "server/store/store_db.h"

#include "server/store/store_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { BUSY_MS = 2000 /* a person with sqlite3 at hand may hold it for a moment */ };

void store_note_error(struct store *s, const char *text)
{
	pthread_mutex_lock(&s->error_lock);
	snprintf(s->last_error, sizeof s->last_error, "%s", text);
	pthread_mutex_unlock(&s->error_lock);
}

/* One process a database: two writers would each take the other's live calls for left over, and
 * close them. The lock is the kernel's and goes with the process, so a crash leaves nothing to
 * clean up. */
static int lock_dir(struct store *s, struct buf *problem)
{
	char path[PATH_MAX], pid[32] = "";
	struct stat ours, there;
	int fd, err = 0;
	ssize_t n;

	snprintf(path, sizeof path, "%s/lock", s->dir);
	/* Ours already, unless the directory was made anew. */
	if (s->lock_fd >= 0 && !fstat(s->lock_fd, &ours) && !stat(path, &there) && ours.st_ino == there.st_ino &&
	    ours.st_dev == there.st_dev)
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		err = -errno;
		buf_printf(problem, "%s cannot be written: %s", path, strerror(-err));
		return err;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		n = pread(fd, pid, sizeof pid - 1, 0);
		pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
		if (err == -EBUSY)
			buf_printf(
			    problem, "%s is in use by another trunkline (process %s)", s->dir, *pid ? pid : "unknown");
		else
			buf_printf(problem, "%s cannot be locked: %s", path, strerror(-err));
		close(fd);
		return err;
	}
	snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	/* The number is for people only, and the disk may be full: no error. */
	if (ftruncate(fd, 0) || pwrite(fd, pid, strlen(pid), 0) < 0)
		err = 0;
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	s->lock_fd = fd;
	return err;
}

static int make_dir(struct store *s, struct buf *problem)
{
	struct stat st;
	int err;

	/* What callers said is nobody else's business on this machine. */
	if (mkdir(s->dir, 0700) && errno != EEXIST) {
		err = -errno;
		buf_printf(problem, "the directory %s cannot be made: %s", s->dir, strerror(-err));
		return err;
	}
	if (!stat(s->dir, &st) && !S_ISDIR(st.st_mode)) {
		buf_printf(problem, "%s is not a directory", s->dir);
		return -ENOTDIR;
	}
	return 0;
}

/* Made here and not by SQLite, which would give it the permissions of the umask. */
static int make_file(struct store *s, struct buf *problem)
{
	int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int err = fd < 0 ? -errno : 0;

	if (err)
		buf_printf(problem, "%s cannot be written: %s", s->path, strerror(-err));
	else
		close(fd);
	return err;
}

/* Before the writer's first statement. synchronous=NORMAL with WAL commits without waiting for the
 * disk at each transaction: a loss of power may take the last ones, a crash of ours takes nothing.
 * Foreign keys are off because rows may come without their call (store_schema.c). */
static int configure(struct store *s, struct buf *problem)
{
	static const char settings[] =
	    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF;"
	    "PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY;"
	    "PRAGMA cell_size_check = ON";
	int err, rc;

	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (sqlite3_db_readonly(s->db, "main")) {
		buf_printf(problem, "%s is read-only", s->path);
		return -EROFS;
	}
	/* Works before the first table is made, or never. With it deleted rows give their
	 * room back to the disk. */
	rc = sqlite3_exec(s->db, "PRAGMA auto_vacuum = INCREMENTAL", NULL, NULL, NULL);
	if (rc == SQLITE_OK) {
		err = store_migrate(s->db, store_steps, store_version, problem);
		if (err)
			return err;
		rc = sqlite3_exec(s->db, settings, NULL, NULL, NULL);
	}
	if (rc != SQLITE_OK) {
		buf_printf(problem, "%s: %s", s->path, sqlite3_errmsg(s->db));
		return store_errno(rc);
	}
	return 0;
}

/* By the opener at start, and by the writer whenever the connection was closed after an error. An
 * error leaves everything closed but the directory's lock. */
int store_db_open(struct store *s, struct buf *problem)
{
	int err = make_dir(s, problem);
	int rc;

	if (!err)
		err = lock_dir(s, problem);
	if (!err)
		err = make_file(s, problem);
	if (err)
		return err;
	rc = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		buf_printf(problem, "%s: %s", s->path, sqlite3_errstr(rc));
		err = store_errno(rc);
	} else {
		err = configure(s, problem);
	}
	if (!err && stat(s->path, &s->file)) {
		err = -errno;
		buf_printf(problem, "%s: %s", s->path, strerror(-err));
	}
	if (err)
		store_db_close(s);
	return err;
}

void store_db_close(struct store *s)
{
	for (size_t i = 0; i < s->prepared_count; i++)
		sqlite3_finalize(s->prepared[i].stmt);
	s->prepared_count = 0;
	sqlite3_close_v2(s->db);
	s->db = NULL;
}

/* People delete or replace files under a running program. The writer looks before each batch. */
bool store_db_moved(struct store *s)
{
	struct stat now;

	/* A deleted file takes writes without complaint. */
	return stat(s->path, &now) || now.st_ino != s->file.st_ino || now.st_dev != s->file.st_dev;
}

/* For /status: the database and its write-ahead log, which may be the larger of the two. */
void store_db_measure(struct store *s)
{
	char wal[PATH_MAX + 8];
	struct stat st;
	int64_t bytes = 0;

	snprintf(wal, sizeof wal, "%s-wal", s->path);
	if (!stat(s->path, &st))
		bytes += st.st_size;
	if (!stat(wal, &st))
		bytes += st.st_size;
	atomic_store_explicit(&s->db_bytes, bytes, memory_order_relaxed);
}

/* Found by the address of its literal, as store_write keeps SQL by pointer. The newest stand first.
 * An error closes the connection and with it all statements, so none outlives its database. */
sqlite3_stmt *store_prepared(struct store *s, const char *sql, int *rc)
{
	enum { ROOM = sizeof s->prepared / sizeof *s->prepared };
	sqlite3_stmt *stmt = NULL;

	*rc = SQLITE_OK;
	for (size_t i = 0; i < s->prepared_count; i++)
		if (s->prepared[i].sql == sql)
			return s->prepared[i].stmt;
	*rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (*rc != SQLITE_OK)
		return NULL;
	if (s->prepared_count == ROOM) /* the oldest goes */
		sqlite3_finalize(s->prepared[ROOM - 1].stmt);
	else
		s->prepared_count++;
	memmove(&s->prepared[1], &s->prepared[0], (s->prepared_count - 1) * sizeof s->prepared[0]);
	s->prepared[0].sql = sql;
	s->prepared[0].stmt = stmt;
	return stmt;
}
