#include "server/store/store.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/store/store_private.h"
#include "server/store/store_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
	CLOSE_US = 5 * US_PER_S,
	BUSY_MS = 2000,  /* a person with sqlite3 at hand may hold it for a moment */
	STUCK_MS = 10000 /* a disk that neither takes it nor says no fails too */
};

/* ------------------------------------------------------------------ for everybody */

int store_flush(struct store *s, int timeout_ms)
{
	return s ? queue_flush(&s->queue, timeout_ms) : 0;
}

void store_health(struct store *s, struct store_health *out)
{
	int64_t oldest;

	memset(out, 0, sizeof *out);
	if (!s)
		return;
	pthread_mutex_lock(&s->queue.lock);
	out->failing = s->queue.failing;
	out->failures = s->queue.failures;
	out->lost = s->queue.lost;
	out->waiting = s->queue.count;
	oldest = s->queue.oldest_us;
	pthread_mutex_unlock(&s->queue.lock);
	if (oldest != NEVER_US)
		out->oldest_ms = (clock_now_us() - oldest) / US_PER_MS;
	out->failing |= out->oldest_ms > STUCK_MS;
	out->written = atomic_load_explicit(&s->written, memory_order_relaxed);
	out->db_bytes = atomic_load_explicit(&s->db_bytes, memory_order_relaxed);
	pthread_mutex_lock(&s->error_lock);
	memcpy(out->last_error, s->last_error, sizeof out->last_error);
	pthread_mutex_unlock(&s->error_lock);
}

/* ------------------------- the connection that writes, its file and its directory */

void store_note_error(struct store *s, const char *text)
{
	pthread_mutex_lock(&s->error_lock);
	snprintf(s->last_error, sizeof s->last_error, "%s", text);
	pthread_mutex_unlock(&s->error_lock);
}

/* One process a database: two writers would each believe the other's live
 * calls to be left over. */
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
	/* For people only, and the disk may be full. */
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
	/* Before the first table, or never: so that what is deleted gives its
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

bool store_db_moved(struct store *s)
{
	struct stat now;

	/* A deleted file takes writes without complaint. */
	return stat(s->path, &now) || now.st_ino != s->file.st_ino || now.st_dev != s->file.st_dev;
}

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

/* ---------------------------------------------------------------- opening, closing */

/* What may pass by itself: calls are taken meanwhile, a full disk must not be
 * the end of a telephone line. The rest is a mistake that a person should hear
 * of now. */
static bool may_pass(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EIO || err == -EFBIG || err == -ENOMEM;
}

static int start(struct store *s, struct buf *problem)
{
	struct buf why;
	int err;

	buf_init(&why, 0);
	err = store_db_open(s, &why);
	if (may_pass(err)) {
		store_note_error(s, buf_text(&why));
		log_error("store", "writing fails: %s; calls are taken all the same", s->last_error);
		s->failing_since_us = clock_now_us();
		s->queue.failing = true;
		err = 0;
	} else if (err) {
		buf_printf(problem, "DATA_DIR: %s\n", buf_text(&why));
	}
	buf_free(&why);
	if (!err)
		store_db_measure(s);
	if (!err && (err = -pthread_create(&s->thread, NULL, store_writer, s)))
		buf_printf(problem, "DATA_DIR: no thread to write with: %s\n", strerror(-err));
	else if (!err)
		s->running = true;
	return err;
}

int store_open(struct store **out, const char *dir, int retain_days, struct buf *problem)
{
	struct store *s = calloc(1, sizeof *s);
	int err;

	if (!s)
		return -ENOMEM;
	s->lock_fd = -1;
	s->retain_days = retain_days;
	pthread_mutex_init(&s->error_lock, NULL);
	queue_init(&s->queue);
	readers_init(&s->readers);
	if (strlen(dir) >= sizeof s->dir) {
		buf_puts(problem, "DATA_DIR: the path is too long\n");
		err = -ENAMETOOLONG;
	} else {
		snprintf(s->dir, sizeof s->dir, "%s", dir);
		snprintf(s->path, sizeof s->path, "%s/trunkline.db", dir);
		err = start(s, problem);
	}
	if (err)
		store_close(s);
	else
		*out = s;
	return err;
}

/* False: the disk holds it fast. What it holds stays as it is; the process is
 * about to end. */
static bool writer_left(struct store *s)
{
	struct timespec until;

	if (!s->running)
		return true;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CLOSE_US / US_PER_S + 5;
	return !pthread_timedjoin_np(s->thread, NULL, &until);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->queue.lock);
	s->queue.closing = true;
	s->queue.close_until_us = clock_now_us() + CLOSE_US;
	pthread_cond_broadcast(&s->queue.wake);
	pthread_mutex_unlock(&s->queue.lock);
	if (!writer_left(s)) {
		log_error("store", "the disk neither takes what is written nor fails; it is left alone");
		return;
	}
	if (s->queue.count)
		log_error("store", "%zu statements were not written: %s", s->queue.count, s->last_error);
	if (s->batch) {
		s->queue.count = 0;
		queue_committed(&s->queue, s->batch); /* for its memory */
	}
	readers_close(&s->readers);
	store_db_close(s);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	queue_free(&s->queue);
	pthread_mutex_destroy(&s->error_lock);
	free(s);
}
