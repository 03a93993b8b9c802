#ifndef RECORDING_RECORDING_H
#define RECORDING_RECORDING_H
/* One call's recording, as its call sees it: what it received, sent and learnt
 * goes into a ring, and the recorder's thread (recorder.h) takes it from there.
 */
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct recorder;
struct recording;

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
