#ifndef COMMON_BUF_H
#define COMMON_BUF_H
/* Bytes that grow, up to a bound.
 *
 * Used wherever a message is put together: TwiML, JSON, WebSocket frames. A
 * buffer remembers its first error (-ENOMEM, or -E2BIG over its bound) and
 * ignores what is appended after it, so a run of appends needs one check at
 * its end. `data` is always NUL-terminated once something was put in.
 */
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* owned; NULL while empty */
	size_t len;
	size_t cap;
	size_t max; /* most bytes it may hold */
	int err;    /* first error, or 0 */
};

/* Holds nothing yet. `max` 0 means 16 MiB. */
void buf_init(struct buf *b, size_t max);
/* In memory of its user's, all of which it may take, NUL included; not to be freed. */
void buf_init_in(struct buf *b, char *room, size_t size);
void buf_free(struct buf *b);

/* Empties it and forgets the error; keeps the memory. */
void buf_reset(struct buf *b);

void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for `len` more bytes at data + len, to be written in place and then
 * announced by buf_grew; NULL when there is none (the error is kept). */
char *buf_room(struct buf *b, size_t len);
void buf_grew(struct buf *b, size_t len);

/* Takes the first `len` bytes away; the rest moves to the front. */
void buf_consume(struct buf *b, size_t len);

/* Memory behind its content goes back to the system, if it was in use up to `was` and is `least` bytes of whole
 * pages. The buffer still has it, and it is empty. */
void buf_give_back(const struct buf *b, size_t was, size_t least);

/* 0, -ENOMEM or -E2BIG. */
int buf_error(const struct buf *b);

/* The text, never NULL ("" while empty). Borrowed until the next change. */
const char *buf_text(const struct buf *b);

#endif
