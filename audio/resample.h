#ifndef AUDIO_RESAMPLE_H
#define AUDIO_RESAMPLE_H
/* From one sample rate to another, a piece at a time (speexdsp, quality 3:
 * aliases below -90 dB, 3 ms of delay between 8 and 24 kHz).
 *
 * One state per direction. All that goes in is used at once. Output lines up
 * with input: the filter's delay is not heard as silence in front, it makes the
 * first piece come out short.
 */
#include <stddef.h>
#include <stdint.h>

struct resampler;

int resampler_open(struct resampler **out, unsigned from_hz, unsigned to_hz); /* 0, -ENOMEM or -EINVAL */
void resampler_close(struct resampler *r);                                    /* fine with NULL */

/* Most samples that `len` samples can become. */
size_t resampler_max(const struct resampler *r, size_t len);

/* `out` holds resampler_max(r, len) samples; returns how many were written. */
size_t resampler_run(struct resampler *r, const int16_t *in, size_t len, int16_t *out);

/* How many samples of silence must go in for the last real one to come out. */
size_t resampler_held(const struct resampler *r);

/* Forgets the past: what follows has nothing to do with what was. */
void resampler_reset(struct resampler *r);

#endif
