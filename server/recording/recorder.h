#ifndef RECORDING_RECORDER_H
#define RECORDING_RECORDER_H
/* Records calls to DATA_DIR: a call tells its recording (recording.h) the audio
 * and marks it handles; one thread, shared by all calls, puts them together
 * (recording_mix.h) and writes the result (recording_file.h).
 *
 * A disk that fails or is full ends the recording, never the call. Without a
 * recorder (NULL) nothing is recorded.
 */
#include "common/json_out.h"
#include "server/recording/recording.h"

struct store;

/* 0 or -errno. `dir` is copied; `store` (may be NULL) outlives it. */
int recorder_open(struct recorder **out, const char *dir, struct store *store);

/* Finishes the files that are being written. No call may be live any more; a
 * recording that is still held stays until its release. Fine with NULL. */
void recorder_close(struct recorder *recorder);

/* The store that notes recordings, Twilio's too; NULL for NULL. */
struct store *recorder_store(const struct recorder *recorder);

/* For /status, into the object that is open: active, last_error. */
void recorder_put_json(struct recorder *recorder, struct json_out *j);

#endif
