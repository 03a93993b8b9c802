#ifndef AUDIO_WAV_H
#define AUDIO_WAV_H
/* WAV files: 16-bit PCM and mu-law, mono or stereo.
 *
 * Reading takes the file whole and answers 16-bit samples. It puts up with
 * what recorders leave behind: unknown chunks, and sizes of 0 or beyond the
 * end, which then mean "to the end of the file". Writing is a stream: the
 * header is brought up to date about once a second, so a file whose writer was
 * killed still plays, up to its last second at worst.
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

struct wav_writer;

/* Replaces the file. 0 or negative errno. */
int wav_create(struct wav_writer **out, const char *path, unsigned rate_hz, unsigned channels);

/* Interleaved samples. 0, or negative errno: of this or an earlier write;
 * -EFBIG at 2 GiB. May block on the disk. */
int wav_write(struct wav_writer *w, const int16_t *samples, size_t frames);

/* Writes what is left; the first error of the whole file. Fine with NULL. */
int wav_close(struct wav_writer *w);

#endif
