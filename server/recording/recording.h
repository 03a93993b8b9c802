#ifndef RECORDING_RECORDING_H
#define RECORDING_RECORDING_H
/* One call's recording, as its call sees it: audio and marks go into a ring, and
 * the recorder's thread (recorder.h) takes them from there.
 *
 * The ring holds half a minute. When the disk is slower than that, further audio
 * is dropped, counted, and silence in the file.
 */
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct recorder;
struct recording;

/* --- caller loop; nothing here blocks. --- */

/* The stream has started. Returns one reference; NULL: nothing is recorded. */
struct recording *recording_begin(
    struct recorder *recorder, const char *call_sid, const struct agent *agent, int64_t wall_ms, int64_t now_us);

void recording_caller(
    struct recording *r, bool has_timestamp, uint64_t timestamp_ms, const uint8_t *mulaw, size_t len, int64_t now_us);

/* The rest is as in recording_mix.h. */
void recording_sent(struct recording *r, uint64_t pos, const uint8_t *mulaw, size_t len, bool dry, int64_t now_us);
void recording_echo(struct recording *r, uint64_t pos, int64_t now_us);
void recording_cut(struct recording *r, uint64_t heard, int64_t now_us);
void recording_tone(struct recording *r, const uint8_t *mulaw, size_t len, int64_t now_us);

/* Nothing more comes. recording_tell works until the release. */
void recording_end(struct recording *r, int64_t now_us);

/* --- any thread that holds it --- */

void recording_release(struct recording *r);

/* After recording_end: waits until the writer has finished the file, `timeout_ms` at
 * most. Fine with NULL. */
void recording_settle(const struct recording *r, int timeout_ms);

/* Its state now; texts are literal. */
void recording_tell(const struct recording *r, struct call_recording *out);

#endif
