#include "tools/kit/text.h"

#include "tools/kit/base64.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *have(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *need(size_t size)
{
	return have(calloc(1, size ? size : 1));
}

void *need_more(void *old, size_t size)
{
	return have(realloc(old, size ? size : 1));
}

char *need_copy(const char *s)
{
	return have(strdup(s));
}

char *need_copy_n(const char *s, size_t len)
{
	char *copy = need(len + 1);

	memcpy(copy, s, len);
	return copy;
}

void text_reserve(struct text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 256;

	while (cap < t->len + more + 1)
		cap *= 2;
	if (cap == t->cap)
		return;
	t->data = need_more(t->data, cap);
	t->cap = cap;
}

void text_add(struct text *t, const void *bytes, size_t len)
{
	text_reserve(t, len);
	if (len)
		memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void text_puts(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return;
	text_reserve(t, (size_t)len);
	va_start(args, format);
	vsnprintf(t->data + t->len, (size_t)len + 1, format, args);
	va_end(args);
	t->len += (size_t)len;
}

void text_line(struct text *t, const char *line)
{
	if (t->len)
		text_puts(t, "\n");
	text_puts(t, line);
}

void text_json(struct text *t, const char *s)
{
	if (!s) {
		text_puts(t, "null");
		return;
	}
	text_puts(t, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_printf(t, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			text_printf(t, "\\u%04x", (unsigned)*s);
		else
			text_add(t, s, 1);
	}
	text_puts(t, "\"");
}

void text_field(struct text *t, const char *name, const char *value)
{
	bool first = !t->len || strchr("{[,", t->data[t->len - 1]);

	text_printf(t, "%s\"%s\":", first ? "" : ",", name);
	text_json(t, value);
}

void text_base64(struct text *t, const uint8_t *bytes, size_t len)
{
	text_reserve(t, base64_size(len));
	t->len += base64_put(t->data + t->len, bytes, len);
	t->data[t->len] = '\0';
}

void text_drop(struct text *t, size_t len)
{
	if (len > t->len)
		len = t->len;
	if (!len)
		return;
	memmove(t->data, t->data + len, t->len - len + 1);
	t->len -= len;
}

void text_clear(struct text *t)
{
	text_drop(t, t->len);
}

const char *text_str(const struct text *t)
{
	return t->data ? t->data : "";
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}
