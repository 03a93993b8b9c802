#ifndef KIT_TEXT_H
#define KIT_TEXT_H
/* A growing run of bytes, always followed by a NUL, for requests, answers and
 * messages. Memory that cannot be had ends the program: this is a test tool.
 */
#include <stddef.h>

struct text {
	char *data; /* NULL until something was added */
	size_t len, cap;
};

void text_add(struct text *t, const void *bytes, size_t len);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops `len` bytes from the front. */
void text_drop(struct text *t, size_t len);
/* The bytes as a string; "" if nothing was ever added. Borrowed. */
const char *text_str(const struct text *t);
/* Frees; the text is empty and usable after. */
void text_free(struct text *t);

/* malloc, realloc and strdup that do not return when there is no memory. */
void *need(size_t size);
void *need_more(void *old, size_t size);
char *need_copy(const char *s);
char *need_copy_n(const char *s, size_t len);

#endif
