#include "common/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEFAULT_MAX = 16 << 20, FIRST_CAP = 256 };

void buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof *b);
	b->max = max ? max : DEFAULT_MAX;
}

void buf_init_in(struct buf *b, char *room, size_t size)
{
	*b = (struct buf){ .data = room, .cap = size, .max = size - 1 };
	room[0] = '\0';
}

void buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = 0;
	if (b->data)
		b->data[0] = '\0';
}

char *buf_room(struct buf *b, size_t len)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;
	char *grown;

	if (b->err)
		return NULL;
	if (len > b->max - b->len) {
		b->err = -E2BIG;
		return NULL;
	}
	/* One more than asked for: the NUL. */
	while (cap < b->len + len + 1)
		cap *= 2;
	if (cap > b->cap) {
		grown = realloc(b->data, cap);
		if (!grown) {
			b->err = -ENOMEM;
			return NULL;
		}
		b->data = grown;
		b->cap = cap;
	}
	return b->data + b->len;
}

void buf_grew(struct buf *b, size_t len)
{
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
	char *room = buf_room(b, len);

	if (!room)
		return;
	if (len)
		memcpy(room, bytes, len);
	buf_grew(b, len);
}

void buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void buf_puts(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	char *room;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	room = buf_room(b, (size_t)len);
	if (!room)
		return;
	va_start(args, format);
	vsnprintf(room, (size_t)len + 1, format, args);
	va_end(args);
	buf_grew(b, (size_t)len);
}

void buf_consume(struct buf *b, size_t len)
{
	if (!len)
		return;
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
	b->data[b->len] = '\0';
}

void buf_give_back(const struct buf *b, size_t was, size_t least)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)b->data + b->len + page) & ~(page - 1);
	uintptr_t to = ((uintptr_t)b->data + was) & ~(page - 1);

	if (to >= from + least)
		madvise((void *)from, to - from, MADV_DONTNEED);
}

int buf_error(const struct buf *b)
{
	return b->err;
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}
