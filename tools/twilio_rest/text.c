/* Bytes that grow, times and names. */
#include "tools/twilio_rest/rest.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void room(struct text *t, size_t more)
{
	if (t->len + more + 1 <= t->cap)
		return;
	t->cap = (t->len + more + 1) * 2;
	t->data = realloc(t->data, t->cap);
	if (!t->data)
		abort();
}

void text_add(struct text *t, const void *bytes, size_t len)
{
	room(t, len);
	if (len)
		memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		abort();
	room(t, (size_t)n);
	va_start(args, format);
	vsnprintf(t->data + t->len, (size_t)n + 1, format, args);
	va_end(args);
	t->len += (size_t)n;
}

void text_json(struct text *t, const char *s)
{
	if (!s) {
		text_add(t, "null", 4);
		return;
	}
	text_add(t, "\"", 1);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			text_printf(t, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			text_printf(t, "\\u%04x", *s);
		else
			text_add(t, s, 1);
	}
	text_add(t, "\"", 1);
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

char *need_copy(const char *s)
{
	char *copy = strdup(s);

	if (!copy)
		abort();
	return copy;
}

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void rfc2822(char out[40], time_t when)
{
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(out, 40, "%a, %d %b %Y %H:%M:%S +0000", &tm);
}

void random_sid(char out[SID_SIZE], const char *prefix)
{
	unsigned char bytes[16];

	RAND_bytes(bytes, sizeof bytes);
	memcpy(out, prefix, 2);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(out + 2 + 2 * i, 3, "%02x", bytes[i]);
}
