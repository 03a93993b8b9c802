/* Forms, read, written and signed as Twilio does. */
#include "tools/twilio_rest/rest.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

static char *decode(const char *s, size_t len)
{
	char *out = malloc(len + 1), *at = out;

	if (!out)
		abort();
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '+') {
			*at++ = ' ';
		} else if (s[i] == '%') {
			char hex[3] = { 0 };

			if (i + 2 >= len || !isxdigit((unsigned char)s[i + 1]) || !isxdigit((unsigned char)s[i + 2])) {
				free(out);
				return NULL;
			}
			memcpy(hex, s + i + 1, 2);
			*at = (char)strtol(hex, NULL, 16);
			if (!*at++) {
				free(out);
				return NULL;
			}
			i += 2;
		} else {
			*at++ = s[i];
		}
	}
	*at = '\0';
	return out;
}

bool form_read(struct form *f, const char *text, size_t len)
{
	const char *end = text + len;

	memset(f, 0, sizeof *f);
	while (text < end) {
		const char *stop = memchr(text, '&', (size_t)(end - text)), *equals;

		stop = stop ? stop : end;
		equals = memchr(text, '=', (size_t)(stop - text));
		if (f->count == FIELDS_MAX)
			return false;
		f->field[f->count].name = decode(text, (size_t)((equals ? equals : stop) - text));
		f->field[f->count].value = equals ? decode(equals + 1, (size_t)(stop - equals - 1)) : need_copy("");
		f->count++;
		if (!f->field[f->count - 1].name || !f->field[f->count - 1].value)
			return false;
		text = stop + 1;
	}
	return true;
}

void form_add(struct form *f, const char *name, const char *value)
{
	if (f->count == FIELDS_MAX)
		abort();
	f->field[f->count].name = need_copy(name);
	f->field[f->count++].value = need_copy(value);
}

const char *form_get(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->field[i].name, name))
			return f->field[i].value;
	return NULL;
}

static void encode(struct text *out, const char *s)
{
	for (; *s; s++) {
		if (isalnum((unsigned char)*s) || strchr("-_.", *s))
			text_add(out, s, 1);
		else if (*s == ' ')
			text_add(out, "+", 1);
		else
			text_printf(out, "%%%02X", (unsigned char)*s);
	}
}

void form_encode(const struct form *f, struct text *out)
{
	for (size_t i = 0; i < f->count; i++) {
		if (i)
			text_add(out, "&", 1);
		encode(out, f->field[i].name);
		text_add(out, "=", 1);
		encode(out, f->field[i].value);
	}
}

static const struct form *sorting;

static int by_name(const void *a, const void *b)
{
	return strcmp(sorting->field[*(const size_t *)a].name, sorting->field[*(const size_t *)b].name);
}

void form_sign(const struct form *f, const char *token, const char *url, char out[32])
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	size_t order[FIELDS_MAX];
	struct text all = { 0 };
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	text_printf(&all, "%s", url);
	for (size_t i = 0; i < f->count; i++)
		order[i] = i;
	pthread_mutex_lock(&one);
	sorting = f;
	qsort(order, f->count, sizeof *order, by_name);
	pthread_mutex_unlock(&one);
	for (size_t i = 0; i < f->count; i++)
		text_printf(&all, "%s%s", f->field[order[i]].name, f->field[order[i]].value);
	HMAC(EVP_sha1(), token, (int)strlen(token), (unsigned char *)all.data, all.len, mac, &len);
	EVP_EncodeBlock((unsigned char *)out, mac, (int)len);
	text_free(&all);
}

void form_free(struct form *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->field[i].name);
		free(f->field[i].value);
	}
	f->count = 0;
}
