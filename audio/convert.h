#ifndef AUDIO_CONVERT_H
#define AUDIO_CONVERT_H
/* The caller's mu-law at 8 kHz from and to the format the model session speaks.
 *
 * One converter per call and per model session; bytes in, bytes out, nothing
 * allocated after opening. The two directions share no state, so one thread
 * may use converter_to_model while another uses converter_to_caller.
 *
 * PCMU is a plain copy. PCM is 16-bit little-endian at 24 kHz; its
 * resamplers hold back about 3 ms, so the first output of a direction comes
 * out short, by that much.
 */
#include "audio/format.h"

#include <stddef.h>
#include <stdint.h>

struct converter;

/* 0 or -ENOMEM; then *out is NULL. */
int converter_open(struct converter **out, enum audio_format model_format);

/* The session's format may have changed with the session: *c (NULL, or of another
 * format) becomes one for this format; NULL for PCMU, which needs none. One that
 * fits stays, with its past. 0 or -ENOMEM. */
int converter_switch(struct converter **c, enum audio_format model_format);

/* Caller to model. `out` must hold CONVERT_TO_MODEL_MAX(len) bytes, whatever the
 * format; returns how many were written. 16 bits at 24 kHz are six times as much, and
 * each piece of 60 ms may round up. */
#define CONVERT_TO_MODEL_MAX(mulaw_len) (6 * (mulaw_len) + 4 * ((mulaw_len) / 480 + 1))
size_t converter_to_model(struct converter *c, const uint8_t *mulaw, size_t len, uint8_t *out);

/* What follows has nothing to do with what went before: forget the past of that direction. */
void converter_reset_to_model(struct converter *c);

/* Model to caller. The pieces may be cut anywhere: half a sample waits for its
 * other half. `mulaw_out` must hold converter_to_caller_max(c, len) bytes. */
size_t converter_to_caller_max(const struct converter *c, size_t model_len);
size_t converter_to_caller(struct converter *c, const uint8_t *model_bytes, size_t len, uint8_t *mulaw_out);

/* The end of an item: what the resampler still holds back comes out, so that
 * the last consonant is not lost; then it starts afresh, as after
 * converter_reset_to_caller. `mulaw_out` must hold CONVERT_TAIL_MAX bytes. */
enum { CONVERT_TAIL_MAX = 64 };
size_t converter_finish_to_caller(struct converter *c, uint8_t *mulaw_out);

/* A new item follows, or the old one was cut: forget the past of that direction. */
void converter_reset_to_caller(struct converter *c);

void converter_close(struct converter *c); /* fine with NULL */

/* Milliseconds are rounded down. */
uint64_t convert_bytes_to_ms(enum audio_format format, uint64_t bytes);

#endif
