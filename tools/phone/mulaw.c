#include "tools/phone/mulaw.h"

/* G.711 table 2a on a scale of 16 bits: where each segment's steps begin, and
 * how wide they are. Values within a step decode to its middle. */
static const struct {
	int first, width;
} segment[8] = {
	{ 0, 8 },
	{ 124, 16 },
	{ 380, 32 },
	{ 892, 64 },
	{ 1916, 128 },
	{ 3964, 256 },
	{ 8060, 512 },
	{ 16252, 1024 },
};

int16_t mulaw_to_pcm(uint8_t code)
{
	unsigned bits = (unsigned)code ^ 0xFF;
	unsigned s = bits >> 4 & 7, step = bits & 15;
	int value = segment[s].first + (int)step * segment[s].width;

	/* Segment 0's first step is zero itself: its values lie on the edges. */
	if (s)
		value += segment[s].width / 2;
	return (int16_t)(bits & 0x80 ? -value : value);
}

uint8_t mulaw_from_pcm(int sample)
{
	int size = sample < 0 ? -sample : sample;
	unsigned best = 0, s = 7;
	int step;

	while (s && size < segment[s].first)
		s--;
	step = s ? (size - segment[s].first) / segment[s].width : (size + 4) / 8;
	if (s == 0 && step > 15) {
		s = 1;
		step = 0;
	}
	if (step > 15)
		step = 15;
	best = s << 4 | (unsigned)step;
	return (uint8_t)((best | (sample < 0 && best ? 0x80u : 0)) ^ 0xFF);
}
