#include "server/recording/recording_file.h"

#include "audio/wav.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/foreign.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	MULAW_ZERO = 0xff,
	SILENCE_AT_ONCE = 8000,
	BETWEEN_MAX_S = 3600, /* the longest silence put in for a call that was away */
	DAY_SIZE = 11,        /* YYYY-MM-DD */
	NAME_SIZE = 65        /* of a file, without ".wav" */
};

/* Just under 2 GiB of audio, more than 37 hours: WAV's sizes are 32 bits, and some readers take them
 * for signed. */
static const uint32_t FRAMES_MAX = 0x3fffff00;

_Static_assert((int)RECORDING_HEADER == (int)WAV_MULAW_HEADER, "two opinions about a header");

/* Sids come from requests, and this one becomes part of a path: no dots, no slashes. */
static bool usable(const char *sid)
{
	size_t len = strlen(sid);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)sid[i]) && sid[i] != '-' && sid[i] != '_')
			return false;
	return len > 0 && len < FOREIGN_ID_SIZE;
}

/* A file system has no names of every length, so the end of a long one is a hash. */
static const char *file_name(const char *sid, char room[NAME_SIZE])
{
	uint8_t hash[SHA256_BYTES];
	int at;

	if (strlen(sid) < NAME_SIZE)
		return sid;
	sha256(sid, strlen(sid), hash);
	at = snprintf(room, NAME_SIZE, "%.31s-", sid);
	for (size_t i = 0; i < 16; i++)
		at += snprintf(room + at, NAME_SIZE - (size_t)at, "%02x", hash[i]);
	return room;
}

bool recording_path(char out[RECORDING_PATH_SIZE], const char *folder, const char *sid, int64_t wall_ms)
{
	char when[32], name[NAME_SIZE];

	if (!usable(sid))
		return false;
	clock_iso8601(wall_ms, when, sizeof when);
	when[DAY_SIZE - 1] = '\0';
	snprintf(out, RECORDING_PATH_SIZE, "%.10s/%.10s/%.64s.wav", folder, when, file_name(sid, name));
	return true;
}

static int write_at(int fd, const uint8_t *bytes, size_t len, off_t at)
{
	while (len) {
		ssize_t done = pwrite(fd, bytes, len, at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		at += done;
		len -= (size_t)done;
	}
	return 0;
}

/* Written after the audio it counts. A process killed in between leaves a file that is longer than
 * its header says, which readers put up with; the other way round they would read past the end. */
static int write_header(struct recording_file *f)
{
	uint8_t header[WAV_MULAW_HEADER];

	wav_mulaw_header(header, RECORDING_HZ, RECORDING_CHANNELS, f->frames);
	return write_at(f->fd, header, sizeof header, 0);
}

/* Everything above the last slash. 0700: what callers said is nobody else's business on this machine. */
static int make_directories(const char *path)
{
	char part[PATH_MAX];

	if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part)
		return -ENAMETOOLONG;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0700) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* Continues a file: silence for the time the call was away, told by the file's last change. The
 * header is not believed for the length, as a killed process may have left it behind. */
static int go_on(struct recording_file *f, const struct stat *st, int64_t wall_ms)
{
	uint8_t silence[SILENCE_AT_ONCE * RECORDING_CHANNELS];
	int64_t away_ms = wall_ms - (int64_t)st->st_mtim.tv_sec * 1000 - st->st_mtim.tv_nsec / 1000000;
	int64_t frames;
	int err = 0;

	f->frames = (uint32_t)((st->st_size - RECORDING_HEADER) / RECORDING_CHANNELS);
	if (away_ms < 0)
		away_ms = 0;
	if (away_ms > BETWEEN_MAX_S * INT64_C(1000))
		away_ms = BETWEEN_MAX_S * INT64_C(1000);
	memset(silence, MULAW_ZERO, sizeof silence);
	for (frames = away_ms * (RECORDING_HZ / 1000); frames > 0 && !err; frames -= SILENCE_AT_ONCE)
		err = recording_file_write(f, silence, frames < SILENCE_AT_ONCE ? (size_t)frames : SILENCE_AT_ONCE);
	return err;
}

int recording_file_make(const char *dir, const char *path, const char *ending)
{
	char whole[PATH_MAX];
	int fd, err;

	if ((size_t)snprintf(whole, sizeof whole, "%s/%s%s", dir, path, ending) >= sizeof whole)
		return -ENAMETOOLONG;
	if ((err = make_directories(whole)))
		return err;
	fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* The writer's thread. O_NOFOLLOW and S_ISREG: whatever stands in the directory, only a file is
 * written. */
int recording_file_open(struct recording_file *f, const char *dir, const char *call_sid, int64_t wall_ms)
{
	char path[PATH_MAX];
	struct stat st;
	int err;

	*f = (struct recording_file){ .fd = -1 };
	if (!recording_path(f->path, RECORDING_CALLS, call_sid, wall_ms))
		return -EINVAL;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, f->path) >= sizeof path)
		return -ENAMETOOLONG;
	if ((err = make_directories(path)))
		return err;
	f->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -errno;
	if (fstat(f->fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (st.st_size > RECORDING_HEADER && st.st_size / RECORDING_CHANNELS < FRAMES_MAX)
		err = go_on(f, &st, wall_ms);
	if (!err)
		err = write_header(f);
	if (err) {
		close(f->fd);
		f->fd = -1;
	}
	return err;
}

/* Positions are worked out from `frames`, so a failed write changes nothing that the header counts. */
int recording_file_write(struct recording_file *f, const uint8_t *mix, size_t frames)
{
	int err;

	if (!frames)
		return 0;
	if (frames > FRAMES_MAX - f->frames)
		return -EFBIG;
	err =
	    write_at(f->fd, mix, frames * RECORDING_CHANNELS, RECORDING_HEADER + (off_t)f->frames * RECORDING_CHANNELS);
	if (err)
		return err;
	f->frames += (uint32_t)frames;
	return write_header(f);
}

int recording_file_sync(struct recording_file *f)
{
	if (f->synced_frames == f->frames)
		return 0;
	f->synced_frames = f->frames;
	return fdatasync(f->fd) ? -errno : 0;
}

int recording_file_close(struct recording_file *f)
{
	int err;

	if (f->fd < 0)
		return 0;
	err = recording_file_sync(f);
	if (close(f->fd) && !err)
		err = -errno;
	f->fd = -1;
	return err;
}

/* The day of a call is not known from its CallSid, so the days' directories are looked through: for
 * HTTP workers, and only as many as RETAIN_DAYS leaves. */
bool recording_file_find(const char *dir, const char *folder, const char *sid, char out[RECORDING_PATH_SIZE])
{
	char path[PATH_MAX], best[DAY_SIZE] = "", room[NAME_SIZE];
	const char *name;
	struct dirent *day;
	struct stat st;
	DIR *days;

	if (!usable(sid))
		return false;
	name = file_name(sid, room);
	snprintf(path, sizeof path, "%s/%s", dir, folder);
	days = opendir(path);
	if (!days)
		return false;
	while ((day = readdir(days))) {
		char file[RECORDING_PATH_SIZE];

		if (strlen(day->d_name) != DAY_SIZE - 1 || strcmp(day->d_name, best) <= 0)
			continue;
		snprintf(file, sizeof file, "%.10s/%.64s.wav", day->d_name, name);
		if (fstatat(dirfd(days), file, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		memcpy(best, day->d_name, DAY_SIZE);
	}
	closedir(days);
	if (best[0])
		snprintf(out, RECORDING_PATH_SIZE, "%.10s/%.10s/%.64s.wav", folder, best, name);
	return best[0];
}
