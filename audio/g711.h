#ifndef AUDIO_G711_H
#define AUDIO_G711_H
/* G.711: one byte per sample at 8 kHz, near the ear's own scale.
 *
 * mu-law is what American networks and Twilio speak, A-law what the rest of
 * the world does. Linear samples are 16 bit; encoding follows the standard's
 * decision values, so it is never further off than half a step.
 */
#include <stddef.h>
#include <stdint.h>

enum {
	G711_BYTES_PER_MS = 8,
	MULAW_SILENCE = 0xff, /* zero */
	ALAW_SILENCE = 0xd5,  /* +8: A-law has no zero */
};

int16_t mulaw_decode(uint8_t code);
uint8_t mulaw_encode(int16_t sample);

int16_t alaw_decode(uint8_t code);
uint8_t alaw_encode(int16_t sample);

/* The mean magnitude of the samples; of speech some thousand, of a quiet line some ten. `len` is not 0. */
int mulaw_level(const uint8_t *bytes, size_t len);

/* Where the last 20 ms end in which there is more than the noise of a line: bytes from the start; 0: in none. */
size_t mulaw_sound(const uint8_t *bytes, size_t len);

#endif
