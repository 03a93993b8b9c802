#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H
/* Base64, RFC 4648 §4, strict: padding required, no spaces, no line breaks. */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BASE64_SIZE(n) (((n) + 2) / 3 * 4)  /* characters for n bytes, no NUL */
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3) /* most bytes n characters can hold */

/* Writes BASE64_SIZE(len) characters, no NUL; returns how many. */
size_t base64_encode(char *out, const uint8_t *bytes, size_t len);

/* Returns how many bytes were written to out (which holds at least
 * BASE64_DECODED_MAX(len)), or -EINVAL. */
ssize_t base64_decode(uint8_t *out, const char *text, size_t len);

#endif
