#include "tools/kit/g711.h"

#include <stdlib.h>

static const struct {
	const char *name;
	int rate, bytes_per_ms;
} formats[FORMATS] = { { "audio/pcmu", 8000, 8 }, { "audio/pcma", 8000, 8 }, { "audio/pcm", 24000, 48 } };

const char *format_name(enum sound_format format)
{
	return formats[format].name;
}

int format_rate(enum sound_format format)
{
	return formats[format].rate;
}

int format_bytes_per_ms(enum sound_format format)
{
	return formats[format].bytes_per_ms;
}

/* G.711 by table. Decoding is the standard's arithmetic; encoding picks the
 * code whose value is nearest, so the two cannot disagree. */
static int16_t decoded[2][256];
static uint8_t encoded[2][65536];

static int16_t mulaw_value(unsigned code)
{
	unsigned bits = ~code & 0xff;
	int size = (int)(((bits & 15) * 2 + 33) << ((bits >> 4) & 7)) - 33;

	return (int16_t)(bits & 0x80 ? -size * 4 : size * 4);
}

static int16_t alaw_value(unsigned code)
{
	unsigned bits = code ^ 0x55, segment = (bits >> 4) & 7;
	int size = (int)(bits & 15) * 2 + 1;

	if (segment)
		size = (size + 32) << (segment - 1);
	return (int16_t)(bits & 0x80 ? size * 8 : -size * 8);
}

static int by_value[2][256]; /* codes in rising order of value */

static void sort_codes(int law)
{
	for (int i = 0; i < 256; i++) {
		int at = i;

		while (at > 0 && decoded[law][by_value[law][at - 1]] > decoded[law][i]) {
			by_value[law][at] = by_value[law][at - 1];
			at--;
		}
		by_value[law][at] = i;
	}
}

__attribute__((constructor)) static void fill_tables(void)
{
	for (unsigned code = 0; code < 256; code++) {
		decoded[FORMAT_PCMU][code] = mulaw_value(code);
		decoded[FORMAT_PCMA][code] = alaw_value(code);
	}
	for (int law = 0; law < 2; law++) {
		int at = 0;

		sort_codes(law);
		for (int sample = -32768; sample < 32768; sample++) {
			while (at < 255 && abs(decoded[law][by_value[law][at + 1]] - sample) <=
					       abs(decoded[law][by_value[law][at]] - sample))
				at++;
			encoded[law][sample + 32768] = (uint8_t)by_value[law][at];
		}
	}
}

size_t format_decode(enum sound_format format, const uint8_t *in, size_t len, int16_t *out)
{
	if (format == FORMAT_PCM24) {
		for (size_t i = 0; i < len / 2; i++)
			out[i] = (int16_t)(in[2 * i] | in[2 * i + 1] << 8);
		return len / 2;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = decoded[format][in[i]];
	return len;
}

size_t format_encode(enum sound_format format, const int16_t *in, size_t count, uint8_t *out)
{
	if (format == FORMAT_PCM24) {
		for (size_t i = 0; i < count; i++) {
			out[2 * i] = (uint8_t)in[i];
			out[2 * i + 1] = (uint8_t)((uint16_t)in[i] >> 8);
		}
		return count * 2;
	}
	for (size_t i = 0; i < count; i++)
		out[i] = encoded[format][in[i] + 32768];
	return count;
}
