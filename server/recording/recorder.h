#ifndef RECORDING_RECORDER_H
#define RECORDING_RECORDER_H
/* Records calls to DATA_DIR: the caller loop tells what it receives, sends and
 * learns; one thread, shared by all calls, puts it together (recording_mix.h) and
 * writes it down (recording_file.h).
 *
 * Each recorded call has a ring to that thread. It holds half a minute; when
 * the disk is slower than that, what does not fit is dropped, counted, and
 * silence in the file. A disk that fails or is full ends the recording, never
 * the call.
 *
 * Without a recorder (NULL) nothing is recorded.
 */
#include "common/json_out.h"
#include "server/recording/recording.h"

struct store;

/* 0 or -errno. `dir` is copied; `store` (may be NULL) outlives it. */
int recorder_open(struct recorder **out, const char *dir, struct store *store);

/* Finishes what is being written. No call may be live any more; what calls still
 * hold of their recordings stays until they release it. Fine with NULL. */
void recorder_close(struct recorder *recorder);

/* Where recordings are noted, those of others, too; NULL for NULL. */
struct store *recorder_store(const struct recorder *recorder);

/* What goes to /status, into the object that is open: active, last_error. */
void recorder_put_json(struct recorder *recorder, struct json_out *j);

#endif
