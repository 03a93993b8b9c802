#include "tools/standin_model/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (!p) {
		fputs("standin-model: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *must_alloc(size_t size)
{
	return must(calloc(1, size));
}

char *must_copy(const char *s)
{
	return must(strdup(s));
}

void text_reserve(struct text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 256;

	while (cap < t->len + more + 1)
		cap *= 2;
	if (cap != t->cap) {
		t->data = must(realloc(t->data, cap));
		t->cap = cap;
	}
}

void text_add(struct text *t, const void *data, size_t len)
{
	text_reserve(t, len);
	if (len)
		memcpy(t->data + t->len, data, len);
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
	int need;

	va_start(args, format);
	need = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (need < 0)
		abort();
	text_reserve(t, (size_t)need);
	va_start(args, format);
	vsnprintf(t->data + t->len, (size_t)need + 1, format, args);
	va_end(args);
	t->len += (size_t)need;
}

void text_json(struct text *t, const char *s)
{
	if (!s) {
		text_puts(t, "null");
		return;
	}
	text_add(t, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_printf(t, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			text_printf(t, "\\u%04x", (unsigned)*s);
		else
			text_add(t, s, 1);
	}
	text_add(t, "\"", 1);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_base64(struct text *t, const uint8_t *data, size_t len)
{
	text_reserve(t, len / 3 * 4 + 4);
	char *out = t->data + t->len;

	for (; len >= 3; data += 3, len -= 3) {
		*out++ = alphabet[data[0] >> 2];
		*out++ = alphabet[(data[0] & 3) << 4 | data[1] >> 4];
		*out++ = alphabet[(data[1] & 15) << 2 | data[2] >> 6];
		*out++ = alphabet[data[2] & 63];
	}
	if (len) {
		uint8_t second = len == 2 ? data[1] : 0;

		*out++ = alphabet[data[0] >> 2];
		*out++ = alphabet[(data[0] & 3) << 4 | second >> 4];
		*out++ = len == 2 ? alphabet[(second & 15) << 2] : '=';
		*out++ = '=';
	}
	*out = '\0';
	t->len = (size_t)(out - t->data);
}

void text_cut(struct text *t, size_t len)
{
	if (!len)
		return;
	memmove(t->data, t->data + len, t->len - len);
	t->len -= len;
	t->data[t->len] = '\0';
}

void text_clear(struct text *t)
{
	t->len = 0;
	if (t->data)
		t->data[0] = '\0';
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

/* Value of each base64 character, 255 for any other. Filled in before main. */
static uint8_t values[256];

__attribute__((constructor)) static void fill_values(void)
{
	memset(values, 255, sizeof values);
	for (uint8_t i = 0; i < 64; i++)
		values[(uint8_t)alphabet[i]] = i;
}

long base64_decode_strict(const char *in, size_t len, uint8_t *out)
{
	const uint8_t *s = (const uint8_t *)in;
	uint8_t *o = out;
	size_t pad = 0;

	if (len % 4)
		return -1;
	if (len && s[len - 1] == '=')
		pad = s[len - 2] == '=' ? 2 : 1;
	size_t whole = pad ? len - 4 : len;

	for (size_t i = 0; i < whole; i += 4) {
		unsigned a = values[s[i]], b = values[s[i + 1]], c = values[s[i + 2]], d = values[s[i + 3]];

		if ((a | b | c | d) & 0x80)
			return -1;
		*o++ = (uint8_t)(a << 2 | b >> 4);
		*o++ = (uint8_t)(b << 4 | c >> 2);
		*o++ = (uint8_t)(c << 6 | d);
	}
	if (pad) {
		unsigned a = values[s[whole]], b = values[s[whole + 1]];
		unsigned c = pad == 1 ? values[s[whole + 2]] : 0;

		if ((a | b | c) & 0x80)
			return -1;
		*o++ = (uint8_t)(a << 2 | b >> 4);
		if (pad == 1)
			*o++ = (uint8_t)(b << 4 | c >> 2);
	}
	return o - out;
}

bool utf8_valid(const char *text, size_t len)
{
	const uint8_t *s = (const uint8_t *)text, *end = s + len;

	while (s < end) {
		if (*s < 0x80) {
			s++;
			continue;
		}
		int more = *s >= 0xc2 && *s <= 0xdf ? 1 : (*s & 0xf0) == 0xe0 ? 2 : *s >= 0xf0 && *s <= 0xf4 ? 3 : 0;

		if (!more || end - s <= more)
			return false;
		/* The second byte's range is narrower after these: overlong forms, surrogates, past U+10FFFF. */
		if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) || (*s == 0xf0 && s[1] < 0x90) ||
		    (*s == 0xf4 && s[1] > 0x8f))
			return false;
		for (int i = 1; i <= more; i++)
			if ((s[i] & 0xc0) != 0x80)
				return false;
		s += more + 1;
	}
	return true;
}
