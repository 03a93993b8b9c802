#ifndef RECORDING_RECORDING_FILE_H
#define RECORDING_RECORDING_FILE_H
/* A call's recording on the disk: DIR/recordings/YYYY-MM-DD/CALLSID.wav, stereo
 * mu-law at 8 kHz, 1 MB a minute. The header is brought up to date after every
 * write, so the file can be read at any time, even if the process was killed.
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

/* The folders in DATA_DIR: of calls, by their CallSid, and of messages that callers left, as Twilio had them, by
 * its RecordingSid. */
#define RECORDING_CALLS "recordings"
#define RECORDING_MESSAGES "voicemail"

/* "recordings/2026-11-21/CA….wav"; the day is that of `wall_ms` in UTC. False
 * if the Sid is not fit for a file name. */
bool recording_path(char out[RECORDING_PATH_SIZE], const char *folder, const char *sid, int64_t wall_ms);

/* Opens that file of `dir` with this ending behind its name, made anew and empty, for writing: its
 * descriptor, or -errno. */
int recording_file_make(const char *dir, const char *path, const char *ending);

/* Makes the file and the directories above it. An existing file belongs to the same
 * call before it came back (from a transfer, say) and is continued: the time between
 * is silence. 0 or -errno; -EINVAL if the CallSid is not fit for a name. */
int recording_file_open(struct recording_file *f, const char *dir, const char *call_sid, int64_t wall_ms);

/* Interleaved mu-law. 0 or -errno; -EFBIG at 2 GiB. */
int recording_file_write(struct recording_file *f, const uint8_t *mix, size_t frames);

/* Forces new frames to the disk itself. 0 or -errno. */
int recording_file_sync(struct recording_file *f);

/* Syncs and closes. 0 or the first error. Fine with fd -1. */
int recording_file_close(struct recording_file *f);

/* The path of the newest file of that name, whatever its day. False: there is none. */
bool recording_file_find(const char *dir, const char *folder, const char *sid, char out[RECORDING_PATH_SIZE]);

#endif
