#ifndef KIT_SOUND_H
#define KIT_SOUND_H
/* Samples in memory, 16-bit, one channel: from and to WAV files, at another rate, joined. */
#include <stddef.h>
#include <stdint.h>

struct sound {
	int16_t *samples; /* owned */
	size_t count;
	int rate_hz;
	int channels; /* that the file had; the first was taken */
};

/* 16-bit PCM WAV of any rate. 0, or -1 with a word in *why. */
int sound_load(struct sound *s, const char *path, const char **why);

/* A WAV of so many channels, a row of `count` samples for each. 0, or -1 with errno set. */
int sound_save(const char *path, int rate_hz, int channels, const int16_t *const *rows, size_t count);

/* Every sample, at another rate. */
void sound_resample(struct sound *out, const struct sound *in, int rate_hz);
void sound_append(struct sound *s, const struct sound *more); /* of the same rate */
void sound_append_silence(struct sound *s, int ms);
void sound_free(struct sound *s);
int sound_ms(const struct sound *s);

#endif
