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
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct recorder;
struct recording;
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

/* --- caller loop; nothing here blocks. --- */

/* The stream has started. Held by the caller; NULL: nothing is recorded. */
struct recording *recording_begin(
    struct recorder *recorder, const char *call_sid, const struct agent *agent, int64_t wall_ms, int64_t now_us);

void recording_caller(
    struct recording *r, bool has_timestamp, uint64_t timestamp_ms, const uint8_t *mulaw, size_t len, int64_t now_us);

/* The rest is as in recording_mix.h. */
void recording_sent(struct recording *r, uint64_t pos, const uint8_t *mulaw, size_t len, bool dry, int64_t now_us);
void recording_echo(struct recording *r, uint64_t pos, int64_t now_us);
void recording_cut(struct recording *r, uint64_t heard, int64_t now_us);

/* Nothing more comes. What is known of it stays until the release. */
void recording_end(struct recording *r, int64_t now_us);

/* --- any thread that holds it --- */

void recording_release(struct recording *r);

/* After its end: waits for the writer to be done with it, `timeout_ms` at most.
 * Fine with NULL. */
void recording_settle(const struct recording *r, int timeout_ms);

/* How it is doing. */
void recording_tell(const struct recording *r, struct call_recording *out);

#endif
