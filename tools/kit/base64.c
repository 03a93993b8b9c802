#include "tools/kit/base64.h"

#include <pthread.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint8_t values[256]; /* 64 for what is no letter */
static pthread_once_t values_once = PTHREAD_ONCE_INIT;

static void fill_values(void)
{
	for (int i = 0; i < 256; i++)
		values[i] = 64;
	for (uint8_t i = 0; i < 64; i++)
		values[(uint8_t)letters[i]] = i;
}

size_t base64_put(char *out, const uint8_t *bytes, size_t len)
{
	char *at = out;
	size_t i = 0;

	for (; i + 3 <= len; i += 3) {
		uint32_t v = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];

		*at++ = letters[v >> 18];
		*at++ = letters[v >> 12 & 63];
		*at++ = letters[v >> 6 & 63];
		*at++ = letters[v & 63];
	}
	if (i < len) {
		uint32_t v = (uint32_t)bytes[i] << 16 | (i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0);

		*at++ = letters[v >> 18];
		*at++ = letters[v >> 12 & 63];
		*at++ = i + 1 < len ? letters[v >> 6 & 63] : '=';
		*at++ = '=';
	}
	return (size_t)(at - out);
}

long base64_get(uint8_t *out, const char *text, size_t len)
{
	const uint8_t *in = (const uint8_t *)text;
	uint8_t *at = out;
	size_t padding = 0;

	pthread_once(&values_once, fill_values);
	if (len % 4)
		return -1;
	if (len && in[len - 1] == '=')
		padding = len > 1 && in[len - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < len; i += 4) {
		size_t letters_here = i + 4 == len ? 4 - padding : 4;
		uint8_t a = values[in[i]], b = values[in[i + 1]];
		uint8_t c = letters_here > 2 ? values[in[i + 2]] : 0;
		uint8_t d = letters_here > 3 ? values[in[i + 3]] : 0;

		if ((a | b | c | d) & 64)
			return -1;
		*at++ = (uint8_t)(a << 2 | b >> 4);
		if (letters_here > 2)
			*at++ = (uint8_t)(b << 4 | c >> 2);
		else if (b & 15)
			return -1;
		if (letters_here > 3)
			*at++ = (uint8_t)(c << 6 | d);
		else if (letters_here == 3 && (c & 3))
			return -1;
	}
	return at - out;
}
