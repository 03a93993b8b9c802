#ifndef PHONE_WAV_H
#define PHONE_WAV_H
/* Sound files: speech in, the call out. */
#include <stddef.h>
#include <stdint.h>

/* One utterance as the line carries it: mu-law, 8 kHz. */
struct speech {
	char *name;    /* owned; the file's, without folders */
	uint8_t *data; /* owned */
	size_t len;
	/* Where sound begins and ends, so that latency counts from the last
	 * word and not from the silence after it. Bytes; both 0 if all is silent. */
	size_t voice_begin, voice_end;
};

/* Reads a mono PCM16 WAV of any rate. 0, or -1 with a sentence in `why`. */
int wav_read(struct speech *out, const char *path, char *why, size_t why_size);
/* Words as chirps. */
void speech_of_words(struct speech *out, const char *words);
void speech_free(struct speech *s);

/* Writes two rows of mu-law, `len` bytes each, as a stereo PCM16 WAV of 8 kHz. 0 or -1 with errno set. */
int wav_write(const char *path, const uint8_t *left, const uint8_t *right, size_t len);

#endif
