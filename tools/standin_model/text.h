#ifndef STANDIN_TEXT_H
#define STANDIN_TEXT_H
/* A growing run of bytes, JSON strings and base64.
 *
 * Running out of memory ends the program: this is a tool for tests.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data; /* NUL-terminated once anything was added */
	size_t len, cap;
};

void text_reserve(struct text *t, size_t more); /* room for that many further bytes */
void text_add(struct text *t, const void *data, size_t len);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_json(struct text *t, const char *s);                     /* quoted and escaped; null for NULL */
void text_base64(struct text *t, const uint8_t *data, size_t len); /* not quoted */
void text_cut(struct text *t, size_t len);                         /* drops bytes at the front */
void text_clear(struct text *t);                                   /* keeps the memory */
void text_free(struct text *t);

/* Decodes into `out` (3/4 of len at most). Strict: whole groups, padding only
 * at the end, no other byte. -1 if it is anything else. */
long base64_decode_strict(const char *in, size_t len, uint8_t *out);

bool utf8_valid(const char *s, size_t len);

void *must_alloc(size_t size); /* zeroed */
char *must_copy(const char *s);

#endif
