#ifndef KIT_TEXT_H
#define KIT_TEXT_H
/* A growing run of bytes, always followed by a NUL, for requests, answers and
 * messages. Memory that cannot be had ends the program: these are test tools.
 */
#include <stddef.h>
#include <stdint.h>

struct text {
	char *data; /* NULL until something was added */
	size_t len, cap;
};

void text_reserve(struct text *t, size_t more); /* room for that many further bytes */
void text_add(struct text *t, const void *bytes, size_t len);
void text_puts(struct text *t, const char *s);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line more: a newline comes before it unless it is the first. */
void text_line(struct text *t, const char *line);
/* A JSON string, or null for NULL. */
void text_json(struct text *t, const char *s);
/* A member of the JSON object that is being written: "name":"value" or null,
 * behind a comma if something stands before it. */
void text_field(struct text *t, const char *name, const char *value);
/* Base64, not quoted. */
void text_base64(struct text *t, const uint8_t *bytes, size_t len);
/* Drops `len` bytes from the front. */
void text_drop(struct text *t, size_t len);
/* Empties, and keeps the memory. */
void text_clear(struct text *t);
/* The bytes as a string; "" if nothing was ever added. Borrowed. */
const char *text_str(const struct text *t);
/* Frees; the text is empty and usable after. */
void text_free(struct text *t);

/* calloc, realloc and strdup that do not return when there is no memory. */
void *need(size_t size);
void *need_more(void *old, size_t size);
char *need_copy(const char *s);
char *need_copy_n(const char *s, size_t len);

#endif
