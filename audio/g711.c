#include "audio/g711.h"

/* mu-law: every bit is sent inverted; put right, a byte is sign (1) segment (3)
 * step (4). Each segment's steps are twice as wide as those of the one below,
 * and BIAS makes them join up: with it added, a magnitude's highest bit tells
 * the segment and the four bits below it the step. */
enum {
	BIAS = 0x84,
	MULAW_MOST = 32767 - BIAS, /* louder is clipped, so that the bias still fits */
	SIGN = 0x80,
};

/* How far the highest bit of a magnitude stands above bit 7; 0 to 7. */
static unsigned segment_of(unsigned magnitude)
{
	unsigned segment = 0;

	while (magnitude >> (segment + 8))
		segment++;
	return segment;
}

/* Every code's sample, from the loudest of a sign to its zero. */
#define STEP(sign, segment, step) (sign(((((step) << 3) + BIAS) << (segment)) - BIAS))
#define FOUR(sign, segment, step) \
	STEP(sign, segment, step), STEP(sign, segment, (step)-1), STEP(sign, segment, (step)-2), \
	    STEP(sign, segment, (step)-3)
#define SEGMENT(sign, segment) \
	FOUR(sign, segment, 15), FOUR(sign, segment, 11), FOUR(sign, segment, 7), FOUR(sign, segment, 3)
#define HALF(sign) \
	SEGMENT(sign, 7), SEGMENT(sign, 6), SEGMENT(sign, 5), SEGMENT(sign, 4), SEGMENT(sign, 3), SEGMENT(sign, 2), \
	    SEGMENT(sign, 1), SEGMENT(sign, 0)
static const int16_t mulaw_samples[256] = { HALF(-), HALF(+) };

int16_t mulaw_decode(uint8_t code)
{
	return mulaw_samples[code];
}

uint8_t mulaw_encode(int16_t sample)
{
	int magnitude = sample < 0 ? -(int)sample : sample;
	unsigned sign = sample < 0 ? SIGN : 0;
	unsigned biased, segment;

	if (magnitude > MULAW_MOST)
		magnitude = MULAW_MOST;
	biased = (unsigned)(magnitude + BIAS);
	segment = segment_of(biased);
	return (uint8_t) ~(sign | segment << 4 | ((biased >> (segment + 3)) & 15));
}

/* A-law: every other bit is sent inverted (0x55), and here a set sign bit means
 * positive. The two lowest segments have steps of 16; above, they double as in
 * mu-law. Decoding answers the middle of the step. */
enum { ALAW_FLIP = 0x55 };

int16_t alaw_decode(uint8_t code)
{
	unsigned bits = code ^ ALAW_FLIP;
	unsigned segment = (bits >> 4) & 7;
	unsigned middle = ((bits & 15) << 4) + 8;
	int magnitude = (int)(segment ? (middle + 0x100) << (segment - 1) : middle);

	return (int16_t)(bits & SIGN ? magnitude : -magnitude);
}

uint8_t alaw_encode(int16_t sample)
{
	/* ~ instead of minus, as ITU-T G.191 has it: -1 mirrors 0, since there is no zero. */
	unsigned magnitude = (unsigned)(sample < 0 ? ~sample : sample);
	unsigned segment = segment_of(magnitude);
	unsigned step = segment ? magnitude >> (segment + 3) : magnitude >> 4;

	return (uint8_t)(((sample < 0 ? 0 : SIGN) | segment << 4 | (step & 15)) ^ ALAW_FLIP);
}

/* Speech is ten times as loud, on average, and noise at most half. */
int mulaw_level(const uint8_t *bytes, size_t len)
{
	long sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += mulaw_samples[bytes[i] | SIGN];
	return (int)(sum / (long)len);
}

size_t mulaw_sound(const uint8_t *bytes, size_t len)
{
	enum { FRAME = 20 * G711_BYTES_PER_MS, QUIET = 150 };
	size_t end = 0;

	for (size_t at = 0; at < len; at += FRAME) {
		size_t n = len - at < FRAME ? len - at : FRAME;

		if (mulaw_level(bytes + at, n) >= QUIET)
			end = at + n;
	}
	return end;
}
