#ifndef STANDIN_SOUND_H
#define STANDIN_SOUND_H
/* Samples: G.711 both ways, WAV files, change of rate, and a voice made of
 * nothing for when there is no recording.
 *
 * Inside the program sound is 16-bit at 8000 or 24000 Hz; on the wire it has
 * one of three formats.
 */
#include <stddef.h>
#include <stdint.h>

enum sound_format { FORMAT_PCMU, FORMAT_PCMA, FORMAT_PCM24 };
enum { FORMATS = 3 };

struct sound {
	int16_t *samples; /* owned */
	size_t count;
	int rate_hz;
};

const char *format_name(enum sound_format format); /* "audio/pcmu" … */
int format_rate(enum sound_format format);         /* samples a second */
int format_bytes_per_ms(enum sound_format format);

/* Bytes on the wire to samples at the format's own rate; how many samples.
 * `out` holds as many samples as there are bytes. An odd last byte of PCM is
 * dropped. */
size_t format_decode(enum sound_format format, const uint8_t *in, size_t len, int16_t *out);

/* Samples at the format's rate to bytes; how many bytes. */
size_t format_encode(enum sound_format format, const int16_t *in, size_t count, uint8_t *out);

/* 16-bit PCM WAV, any rate, first channel. 0, or -1 with a word in *why. */
int sound_load(struct sound *s, const char *path, const char **why);
int sound_save(const struct sound *s, const char *path);

/* Speech-like tones, about as long as the text would take to say. */
void sound_invent(struct sound *s, const char *text);

/* Every sample, at another rate. */
void sound_resample(struct sound *out, const struct sound *in, int rate_hz);
void sound_append(struct sound *s, const struct sound *more); /* of the same rate */
void sound_append_silence(struct sound *s, int ms);
void sound_free(struct sound *s);
int sound_ms(const struct sound *s);

#endif
