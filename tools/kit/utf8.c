#include "tools/kit/utf8.h"

#include <stdint.h>

bool utf8_ok(const void *bytes, size_t len)
{
	const uint8_t *at = bytes, *end = at + len;

	while (at < end) {
		uint8_t c = *at++;
		uint8_t low = 0x80, high = 0xBF; /* bounds of the second byte */
		int more;

		if (c < 0x80)
			continue;
		if (c >= 0xC2 && c <= 0xDF)
			more = 1;
		else if (c >= 0xE0 && c <= 0xEF)
			more = 2;
		else if (c >= 0xF0 && c <= 0xF4)
			more = 3;
		else
			return false;
		if (c == 0xE0)
			low = 0xA0;
		else if (c == 0xED)
			high = 0x9F;
		else if (c == 0xF0)
			low = 0x90;
		else if (c == 0xF4)
			high = 0x8F;
		for (; more; more--, at++) {
			if (at == end || *at < low || *at > high)
				return false;
			low = 0x80;
			high = 0xBF;
		}
	}
	return true;
}
