#include "audio/wav.h"

#include <string.h>

/* A file is "RIFF" size "WAVE", then chunks of name (4), size (4) and body,
 * padded to an even length; all numbers little-endian. */
enum {
	FORMAT_MULAW = 7,
	RIFF_BEFORE = 8 /* bytes of the header that the RIFF size does not count */
};

static void put16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, value & 0xffff);
	put16(p + 2, value >> 16);
}

/* What is not PCM says so in a longer "fmt " and tells its length in "fact" too. */
void wav_mulaw_header(uint8_t out[WAV_MULAW_HEADER], unsigned rate_hz, unsigned channels, uint32_t frames)
{
	uint32_t bytes = frames * channels;

	memset(out, 0, WAV_MULAW_HEADER);
	memcpy(out, "RIFF....WAVEfmt ", 16);
	put32(out + 4, WAV_MULAW_HEADER - RIFF_BEFORE + bytes + (bytes & 1));
	put32(out + 16, 18);
	put16(out + 20, FORMAT_MULAW);
	put16(out + 22, channels);
	put32(out + 24, rate_hz);
	put32(out + 28, rate_hz * channels);
	put16(out + 32, channels);
	put16(out + 34, 8);
	memcpy(out + 38, "fact", 4);
	put32(out + 42, 4);
	put32(out + 46, frames);
	memcpy(out + 50, "data", 4);
	put32(out + 54, bytes);
}
