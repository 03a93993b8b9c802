#ifndef AUDIO_WAV_H
#define AUDIO_WAV_H
/* WAV files, mono or stereo: 16-bit PCM and mu-law read, mu-law's header made.
 *
 * Reading takes the file whole and answers 16-bit samples. It puts up with
 * what recorders leave behind: unknown chunks, and sizes of 0 or beyond the
 * end, which then mean "to the end of the file".
 */
#include <stddef.h>
#include <stdint.h>

struct wav {
	unsigned rate_hz;
	unsigned channels; /* 1 or 2 */
	size_t frames;     /* samples per channel */
	int16_t *samples;  /* owned; interleaved */
};

/* 0; -EINVAL if it is no WAV file or a damaged one, -ENOTSUP for a format not
 * named above, -ENOMEM. After an error there is nothing to free. */
int wav_parse(struct wav *out, const uint8_t *bytes, size_t len);

/* The same from a file of at most 1 GiB; also what open and read answer. */
int wav_load(struct wav *out, const char *path);
void wav_free(struct wav *w);

/* The header of a mu-law file with so many frames behind it, for who writes the
 * samples himself. */
enum { WAV_MULAW_HEADER = 58 };
void wav_mulaw_header(uint8_t out[WAV_MULAW_HEADER], unsigned rate_hz, unsigned channels, uint32_t frames);

#endif
