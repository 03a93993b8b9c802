#ifndef AUDIO_WAV_H
#define AUDIO_WAV_H
/* The header of a mu-law WAV file, for who writes the samples himself. */
#include <stdint.h>

enum { WAV_MULAW_HEADER = 58 };

/* For so many frames (samples of all channels) behind it. */
void wav_mulaw_header(uint8_t out[WAV_MULAW_HEADER], unsigned rate_hz, unsigned channels, uint32_t frames);

#endif
