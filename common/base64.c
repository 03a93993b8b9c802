#include "common/base64.h"

#include <errno.h>
#include <stdbool.h>

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Value of each character plus one; 0 for what does not belong. */
static const uint8_t value_plus_one[256] = {
	['A'] = 1,
	['B'] = 2,
	['C'] = 3,
	['D'] = 4,
	['E'] = 5,
	['F'] = 6,
	['G'] = 7,
	['H'] = 8,
	['I'] = 9,
	['J'] = 10,
	['K'] = 11,
	['L'] = 12,
	['M'] = 13,
	['N'] = 14,
	['O'] = 15,
	['P'] = 16,
	['Q'] = 17,
	['R'] = 18,
	['S'] = 19,
	['T'] = 20,
	['U'] = 21,
	['V'] = 22,
	['W'] = 23,
	['X'] = 24,
	['Y'] = 25,
	['Z'] = 26,
	['a'] = 27,
	['b'] = 28,
	['c'] = 29,
	['d'] = 30,
	['e'] = 31,
	['f'] = 32,
	['g'] = 33,
	['h'] = 34,
	['i'] = 35,
	['j'] = 36,
	['k'] = 37,
	['l'] = 38,
	['m'] = 39,
	['n'] = 40,
	['o'] = 41,
	['p'] = 42,
	['q'] = 43,
	['r'] = 44,
	['s'] = 45,
	['t'] = 46,
	['u'] = 47,
	['v'] = 48,
	['w'] = 49,
	['x'] = 50,
	['y'] = 51,
	['z'] = 52,
	['0'] = 53,
	['1'] = 54,
	['2'] = 55,
	['3'] = 56,
	['4'] = 57,
	['5'] = 58,
	['6'] = 59,
	['7'] = 60,
	['8'] = 61,
	['9'] = 62,
	['+'] = 63,
	['/'] = 64,
};

size_t base64_encode(char *out, const uint8_t *bytes, size_t len)
{
	char *at = out;

	for (; len >= 3; len -= 3, bytes += 3) {
		uint32_t three = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

		*at++ = alphabet[three >> 18];
		*at++ = alphabet[three >> 12 & 63];
		*at++ = alphabet[three >> 6 & 63];
		*at++ = alphabet[three & 63];
	}
	if (len) {
		uint32_t rest = (uint32_t)bytes[0] << 16 | (len == 2 ? (uint32_t)bytes[1] << 8 : 0);

		*at++ = alphabet[rest >> 18];
		*at++ = alphabet[rest >> 12 & 63];
		*at++ = len == 2 ? alphabet[rest >> 6 & 63] : '=';
		*at++ = '=';
	}
	return (size_t)(at - out);
}

/* Four characters as 24 bits. One that does not belong counts as -1, and sets the bits beyond them. */
static uint32_t quad(const uint8_t *in)
{
	uint32_t a = value_plus_one[in[0]], b = value_plus_one[in[1]];
	uint32_t c = value_plus_one[in[2]], d = value_plus_one[in[3]];

	return (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
}

/* The last four, of which one or two are padding. Bits beyond the last byte must be zero: one text per
 * value. */
static ssize_t put_padded(uint8_t *out, const uint8_t *in)
{
	bool one_byte = in[2] == '=';
	uint8_t filled[4] = { in[0], in[1], one_byte ? 'A' : in[2], 'A' };
	uint32_t three = quad(filled);

	if (three > 0xffffff || three & (one_byte ? 0xffff : 0xff))
		return -EINVAL;
	out[0] = (uint8_t)(three >> 16);
	if (!one_byte)
		out[1] = (uint8_t)(three >> 8);
	return one_byte ? 1 : 2;
}

ssize_t base64_decode(uint8_t *out, const char *text, size_t len)
{
	const uint8_t *in = (const uint8_t *)text, *end = in + len;
	bool padded = len && text[len - 1] == '=';
	uint8_t *at = out;
	ssize_t last = 0;

	if (len % 4)
		return -EINVAL;
	if (padded)
		end -= 4;
	for (; in < end; in += 4) {
		uint32_t three = quad(in);

		if (three > 0xffffff)
			return -EINVAL;
		*at++ = (uint8_t)(three >> 16);
		*at++ = (uint8_t)(three >> 8);
		*at++ = (uint8_t)three;
	}
	if (padded)
		last = put_padded(at, in);
	return last < 0 ? last : at - out + last;
}
