#include "tools/kit/form.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/base64.h"
#include "tools/kit/http.h"

static char *decode(const char *s, size_t len)
{
	char *out = need(len + 1);
	long n = url_decode(out, s, len, true);

	if (n < 0 || memchr(out, 0, (size_t)n)) {
		free(out);
		return NULL;
	}
	return out;
}

bool form_read(struct form *f, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *stop = memchr(text, '&', (size_t)(end - text)), *equals;

		stop = stop ? stop : end;
		equals = memchr(text, '=', (size_t)(stop - text));
		if (f->count == FORM_MAX)
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

const char *form_get(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->field[i].name, name) == 0)
			return f->field[i].value;
	return NULL;
}

void form_add(struct form *f, const char *name, const char *value)
{
	if (f->count == FORM_MAX)
		abort();
	f->field[f->count].name = need_copy(name);
	f->field[f->count++].value = need_copy(value);
}

void form_set(struct form *f, const char *name, const char *value)
{
	size_t i = 0;

	while (i < f->count && strcmp(f->field[i].name, name) != 0)
		i++;
	if (i == f->count) {
		form_add(f, name, value);
		return;
	}
	free(f->field[i].value);
	f->field[i].value = need_copy(value);
}

void form_free(struct form *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->field[i].name);
		free(f->field[i].value);
	}
	f->count = 0;
}

static void encode(struct text *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-_.*", c))
			text_add(out, s, 1);
		else if (c == ' ')
			text_puts(out, "+");
		else
			text_printf(out, "%%%02X", c);
	}
}

void form_encode(const struct form *f, struct text *out)
{
	for (size_t i = 0; i < f->count; i++) {
		if (i)
			text_puts(out, "&");
		encode(out, f->field[i].name);
		text_puts(out, "=");
		encode(out, f->field[i].value);
	}
}

void sign_webhook_url(struct text *out, const char *url)
{
	const char *host = strstr(url, "://");
	const char *end, *at, *port;

	if (!host) {
		text_puts(out, url);
		return;
	}
	host += 3;
	end = host + strcspn(host, "/?#");
	at = memchr(host, '@', (size_t)(end - host));
	text_add(out, url, (size_t)(host - url));
	if (at)
		host = at + 1;
	port = memchr(host, ':', (size_t)(end - host));
	if (port && strncmp(url, "https://", 8) == 0)
		text_add(out, host, (size_t)(port - host));
	else
		text_add(out, host, (size_t)(end - host));
	text_add(out, end, strcspn(end, "#"));
}

static int by_name_and_value(const void *a, const void *b)
{
	char *const *x = a, *const *y = b;
	int order = strcmp(x[0], y[0]);

	return order ? order : strcmp(x[1], y[1]);
}

void sign(char out[SIGNATURE_MAX], const char *token, const char *url, const struct form *f)
{
	struct text all = { 0 };
	char *pair[FORM_MAX][2];
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	text_puts(&all, url);
	if (f) {
		for (size_t i = 0; i < f->count; i++) {
			pair[i][0] = f->field[i].name;
			pair[i][1] = f->field[i].value;
		}
		qsort(pair, f->count, sizeof pair[0], by_name_and_value);
		for (size_t i = 0; i < f->count; i++) {
			/* Of equal name and value, one counts. */
			if (i && by_name_and_value(pair[i - 1], pair[i]) == 0)
				continue;
			text_puts(&all, pair[i][0]);
			text_puts(&all, pair[i][1]);
		}
	}
	HMAC(EVP_sha1(), token, (int)strlen(token), (const unsigned char *)text_str(&all), all.len, digest, &len);
	out[base64_put(out, digest, len)] = '\0';
	text_free(&all);
}
