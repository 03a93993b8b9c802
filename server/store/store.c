#include "server/store/store.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/store/row.h"
#include "server/store/store_db.h"
#include "server/store/store_writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	CLOSE_US = 5 * US_PER_S,
	STUCK_MS = 10000, /* a disk that neither takes it nor says no fails too */
	OPEN_SHOWN = 4
};

/* ------------------------------------------------------------------ for everybody */

int store_flush(struct store *s, int timeout_ms)
{
	return s ? queue_flush(&s->queue, timeout_ms) : 0;
}

/* Each number is right by itself. A disk that hangs makes no error; the age of the oldest pending
 * statement gives it away. */
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

/* `oldest_ms` grows while the disk fails. */
void store_put_status(struct store *store, struct json_out *j)
{
	struct store_health h;

	store_health(store, &h);
	json_put_bool(j, "failing", h.failing);
	json_put_uint(j, "written", h.written);
	json_put_uint(j, "failures", h.failures);
	json_put_uint(j, "lost", h.lost);
	json_put_uint(j, "waiting", h.waiting);
	json_put_int(j, "oldest_ms", h.oldest_ms);
	json_put_int(j, "db_bytes", h.db_bytes);
	json_put_text(j, "last_error", h.last_error[0] ? h.last_error : NULL);
}

/* ---------------------------------------------------------------- opening, closing */

/* Errors that may pass by themselves. Calls are taken meanwhile: a full disk must not be the end of
 * a telephone line. Any other error is a mistake in the set-up, and a person should hear of it now. */
static bool may_pass(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EIO || err == -EFBIG || err == -ENOMEM;
}

/* Opens the database and starts the writer. After an error that may pass the writer starts all the
 * same, with `db` NULL: it opens the database as soon as it can, and writes the statements queued
 * until then. */
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

/* Those that a start opens. One that another user's process has made keeps ours from starting. */
static int check_files(const char *dir, struct buf *problem)
{
	static const char *const names[] = { "lock", "trunkline.db" };
	char path[PATH_MAX];
	int err = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names && !err; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) && errno != ENOENT) {
			err = -errno;
			buf_printf(problem, "DATA_DIR: %s cannot be written: %s\n", path, strerror(-err));
		}
	}
	return err;
}

int store_check(const char *dir, struct buf *problem)
{
	char parent[PATH_MAX];
	struct stat st;
	int err = 0;

	if (stat(dir, &st)) {
		err = -errno;
		snprintf(parent, sizeof parent, "%s", dir); /* dirname cuts it */
		if (err == -ENOENT)
			err = faccessat(AT_FDCWD, dirname(parent), W_OK | X_OK, AT_EACCESS) ? -errno : 0;
		if (err)
			buf_printf(problem, "DATA_DIR: the directory %s cannot be made: %s\n", dir, strerror(-err));
	} else if (!S_ISDIR(st.st_mode)) {
		err = -ENOTDIR;
		buf_printf(problem, "DATA_DIR: %s is not a directory\n", dir);
	} else if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS)) {
		err = -errno;
		buf_printf(problem, "DATA_DIR: %s cannot be written: %s\n", dir, strerror(-err));
	} else {
		err = check_files(dir, problem);
	}
	return err;
}

static void put_open(struct buf *open, size_t *count, const char *dir, const char *name, mode_t mode)
{
	if (S_ISLNK(mode) || !(mode & (S_IRWXG | S_IRWXO)))
		return;
	if ((*count)++ < OPEN_SHOWN)
		buf_printf(
		    open, "%s%s%s%s (mode %04o)", open->len ? ", " : "", dir, *name ? "/" : "", name, mode & 07777);
}

/* What is a level deeper lies behind a directory that is looked at. A closed directory is not the end
 * of it: copies of what lies in it keep their modes. */
void store_warnings(const char *dir, struct buf *out)
{
	const struct dirent *entry;
	struct buf open;
	struct stat st;
	size_t count = 0;
	DIR *d = opendir(dir);

	if (!d)
		return;
	buf_init(&open, 0);
	if (!fstat(dirfd(d), &st))
		put_open(&open, &count, dir, "", st.st_mode);
	while ((entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			put_open(&open, &count, dir, entry->d_name, st.st_mode);
	closedir(d);
	if (count > OPEN_SHOWN)
		buf_printf(&open, " and %zu more", count - OPEN_SHOWN);
	if (count)
		buf_printf(out,
		    "DATA_DIR: others than the owner may get at %s, and it holds what callers said: `chmod -R go= %s` "
		    "mends it.\n",
		    buf_text(&open), dir);
	buf_free(&open);
}

/* By main, before any part that reads or writes; the only thread here is main's. */
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

/* False: the disk holds the writer fast, and joining it would hang the shutdown. */
static bool writer_left(struct store *s)
{
	struct timespec until;

	if (!s->running)
		return true;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CLOSE_US / US_PER_S + 5;
	return !pthread_timedjoin_np(s->thread, NULL, &until);
}

/* By main, after every part that writes: nobody may be in a verb any more. The writer gets CLOSE_US
 * to empty the queue. If it hangs in the disk, everything is left as it is: the thread still uses
 * it, and the process is about to end. */
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
