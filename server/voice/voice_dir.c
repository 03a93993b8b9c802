#include "server/voice/voice_dir.h"

#include "common/log.h"
#include "server/stats/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 2 * SHA256_BYTES + sizeof ".ulaw", PATH_SIZE = sizeof((struct voice_dir *)0)->path + NAME_SIZE + 1 };

void voice_dir_open(struct voice_dir *d, const char *data_dir)
{
	struct stat st;

	d->files_max = VOICE_FILES_MAX;
	d->bytes_max = (int64_t)VOICE_DIR_MB * 1024 * 1024;
	d->path[0] = '\0';
	if (!data_dir[0])
		return;
	if ((size_t)snprintf(d->path, sizeof d->path, "%s/voice", data_dir) >= sizeof d->path)
		errno = ENAMETOOLONG;
	else if ((!mkdir(d->path, 0700) || errno == EEXIST) && !stat(d->path, &st) &&
		 (S_ISDIR(st.st_mode) || (errno = ENOTDIR, false)))
		return;
	log_warn("voice", "lines are kept in memory only: %s/voice cannot be used: %s", data_dir, strerror(errno));
	d->path[0] = '\0';
}

static void file_path(const struct voice_dir *d, const struct voice_key *key, const char *ending, char out[PATH_SIZE])
{
	int at = snprintf(out, PATH_SIZE, "%s/", d->path);

	for (size_t i = 0; i < SHA256_BYTES; i++)
		at += snprintf(out + at, PATH_SIZE - (size_t)at, "%02x", key->hash[i]);
	snprintf(out + at, PATH_SIZE - (size_t)at, "%s", ending);
}

/* Whatever stands under the name, only a file is read, and no more than one can have. 0 or -errno. */
static int read_whole(const char *path, struct buf *file)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t got = 1;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > VOICE_FILE_MAX)
		err = -EFBIG;
	while (!err && got > 0) {
		char *room = buf_room(file, 65536);

		got = room ? read(fd, room, 65536) : 0;
		if (got > 0)
			buf_grew(file, (size_t)got);
		err = !room ? buf_error(file) : got < 0 && errno != EINTR ? -errno : 0;
		got = got < 0 ? 1 : got;
	}
	close(fd);
	return err;
}

static bool throw_away(const char *path, const char *why)
{
	int err = unlink(path) ? errno : 0;

	stat_add(voice_files_bad, 1);
	log_warn("voice", "a file is thrown away: %s%s%s; file=%s", why, err ? ", but cannot be removed: " : "",
	    err ? strerror(err) : "", strrchr(path, '/') + 1);
	return false;
}

/* On a full disk that is so of all lines. */
static int tell_unwritten(int err)
{
	static struct log_kind lines;
	unsigned more;

	stat_add(voice_files_failed, 1);
	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_warn("voice", "a line is kept in memory only: its file cannot be written: %s; more_before=%u",
		    strerror(-err), more);
	return err;
}

bool voice_dir_load(
    const struct voice_dir *d, const struct voice_key *key, struct buf *file, const uint8_t **ulaw, size_t *len)
{
	enum voice_file_state state;
	char path[PATH_SIZE];
	int err;

	if (!d->path[0])
		return false;
	file_path(d, key, ".ulaw", path);
	err = read_whole(path, file);
	if (err == -ENOENT || err == -ENOMEM || err == -EMFILE || err == -ENFILE)
		return false; /* the last three are no fault of the file */
	if (err)
		return throw_away(path, err == -EFBIG || err == -E2BIG ? "no file, or too long" : strerror(-err));
	state = voice_file_read((const uint8_t *)buf_text(file), file->len, key, ulaw, len);
	if (state != VOICE_FILE_GOOD)
		return throw_away(path, voice_file_word(state));
	voice_dir_touch(d, key);
	return true;
}

void voice_dir_touch(const struct voice_dir *d, const struct voice_key *key)
{
	char path[PATH_SIZE];

	if (!d->path[0])
		return;
	file_path(d, key, ".ulaw", path);
	utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

static int write_whole(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		len -= (size_t)done;
	}
	return fsync(fd) ? -errno : 0;
}

/* The name itself is on the disk only once the directory is. */
static int sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

int voice_dir_save(const struct voice_dir *d, const struct voice_key *key, const uint8_t *ulaw, size_t len)
{
	char path[PATH_SIZE], fresh[PATH_SIZE];
	struct buf file;
	int fd, err;

	if (!d->path[0])
		return 0;
	buf_init(&file, VOICE_FILE_MAX + 1);
	voice_file_put(&file, key, ulaw, len);
	file_path(d, key, ".ulaw", path);
	file_path(d, key, ".new", fresh);
	unlink(fresh);
	fd = buf_error(&file) ? -1 : open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	err = buf_error(&file) ? buf_error(&file) : fd < 0 ? -errno : write_whole(fd, file.data, file.len);
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (!err && rename(fresh, path))
		err = -errno;
	if (!err)
		err = sync_directory(d->path);
	else if (fd >= 0)
		unlink(fresh);
	buf_free(&file);
	return err ? tell_unwritten(err) : 0;
}

/* ------------------------------------------------------------------------- bounds */

struct entry {
	char name[NAME_SIZE];
	struct timespec used;
	int64_t bytes;
};

struct entries {
	struct entry *list; /* owned */
	size_t count, room;
	int64_t bytes;
};

static int compare_used(const void *x, const void *y)
{
	const struct timespec *a = &((const struct entry *)x)->used, *b = &((const struct entry *)y)->used;

	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return (a->tv_nsec > b->tv_nsec) - (a->tv_nsec < b->tv_nsec);
}

static bool ends_in(const char *name, const char *ending)
{
	size_t len = strlen(name), n = strlen(ending);

	return len > n && !strcmp(name + len - n, ending);
}

/* Of a name that fits. False, without memory: the rest is left for another day. */
static bool add_entry(struct entries *all, const char *name, const struct stat *st)
{
	struct entry *more;

	if (all->count == all->room) {
		all->room = all->room ? 2 * all->room : 64;
		more = realloc(all->list, all->room * sizeof *more);
		if (!more)
			return false;
		all->list = more;
	}
	all->list[all->count] = (struct entry){ .used = st->st_mtim, .bytes = st->st_size };
	memcpy(all->list[all->count++].name, name, strlen(name) + 1);
	all->bytes += st->st_size;
	return true;
}

/* Nothing but what has a name as we give it is ours. */
static void gather(int dir_fd, DIR *dir, struct entries *all)
{
	struct dirent *each;
	struct stat st;

	while ((each = readdir(dir))) {
		if (ends_in(each->d_name, ".new"))
			unlinkat(dir_fd, each->d_name, 0);
		else if (ends_in(each->d_name, ".ulaw") && strlen(each->d_name) < NAME_SIZE &&
			 !fstatat(dir_fd, each->d_name, &st, AT_SYMLINK_NOFOLLOW) && !S_ISDIR(st.st_mode) &&
			 !add_entry(all, each->d_name, &st))
			return;
	}
}

void voice_dir_tidy(const struct voice_dir *d)
{
	struct entries all = { 0 };
	size_t gone = 0;
	DIR *dir;

	if (!d->path[0] || !(dir = opendir(d->path)))
		return;
	gather(dirfd(dir), dir, &all);
	if (all.count)
		qsort(all.list, all.count, sizeof *all.list, compare_used);
	while (gone < all.count && (all.count - gone > d->files_max || all.bytes > d->bytes_max)) {
		unlinkat(dirfd(dir), all.list[gone].name, 0);
		all.bytes -= all.list[gone++].bytes;
	}
	if (gone)
		log_info("voice", "files that were not used for the longest time are removed; files=%zu", gone);
	closedir(dir);
	free(all.list);
}
