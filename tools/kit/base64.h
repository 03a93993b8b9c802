#ifndef KIT_BASE64_H
#define KIT_BASE64_H
/* Base64 with padding (RFC 4648 §4), strict when reading. */
#include <stddef.h>
#include <stdint.h>

static inline size_t base64_size(size_t len)
{
	return (len + 2) / 3 * 4;
}

/* Writes base64_size(len) characters and no NUL; returns how many. */
size_t base64_put(char *out, const uint8_t *bytes, size_t len);

/* Reads `len` characters into `out` (room for len / 4 * 3). Returns how many
 * bytes, or -1 for a foreign character, wrong padding, a length that is no
 * multiple of 4, or bits set where padding leaves none. */
long base64_get(uint8_t *out, const char *text, size_t len);

#endif
