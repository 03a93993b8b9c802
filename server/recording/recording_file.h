#ifndef RECORDING_RECORDING_FILE_H
#define RECORDING_RECORDING_FILE_H
/* A call's recording on the disk: DIR/recordings/YYYY-MM-DD/CALLSID.wav, stereo
 * mu-law at 8 kHz, 1 MB a minute. The header tells of what is behind it after
 * every write, so the file can be read at any time, also after the process was
 * killed.
 *
 * Blocks on the disk: for the writer's thread and for HTTP workers.
 */
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECORDING_HZ = 8000,
	RECORDING_CHANNELS = 2,
	RECORDING_HEADER = 58,
	RECORDING_PATH_SIZE = 96 /* relative to DATA_DIR */
};

struct recording_file {
	int fd; /* -1: none */
	uint32_t frames;
	int64_t synced_frames;
	char path[RECORDING_PATH_SIZE]; /* relative to the directory it was opened in */
};

/* "recordings/2026-11-21/CA….wav"; the day is that of `wall_ms` in UTC. False
 * if the CallSid is not fit for a file name. */
bool recording_path(char out[RECORDING_PATH_SIZE], const char *call_sid, int64_t wall_ms);

/* Makes the file and the directories above it. A file of that name, of the same
 * call before it came back (after a transfer, say), is continued: the time
 * between is silence. 0 or -errno; -EINVAL for a CallSid that is none. */
int recording_file_open(struct recording_file *f, const char *dir, const char *call_sid, int64_t wall_ms);

/* Interleaved mu-law. 0 or -errno; -EFBIG at 2 GiB. */
int recording_file_write(struct recording_file *f, const uint8_t *mix, size_t frames);

/* On to the disk itself, if there is anything new. */
int recording_file_sync(struct recording_file *f);

/* The first error of syncing and closing. Fine with fd -1. */
int recording_file_close(struct recording_file *f);

/* Where the file of a call is, whatever its day: the newest. False: nowhere. */
bool recording_file_find(const char *dir, const char *call_sid, char out[RECORDING_PATH_SIZE]);

#endif
