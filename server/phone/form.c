/* One pass over the body, into one block of text: every name and value ends
 * with a NUL of its own, and the fields point there.
 */
#include "server/phone/form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) % 16 : -1;
}

/* Decodes one name or value to *at and ends it with a NUL; *at moves behind
 * that. Decoded text is never longer than its source. */
static int decode(char **at, const char *source, const char *end)
{
	char *out = *at;

	for (; source < end; source++) {
		char c = *source;

		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = end - source > 2 ? hex_digit(source[1]) : -1;
			int low = high < 0 ? -1 : hex_digit(source[2]);

			if (low < 0)
				return -EINVAL;
			c = (char)(high * 16 + low);
			source += 2;
		}
		if (c == '\0')
			return -EINVAL;
		*out++ = c;
	}
	*out++ = '\0';
	*at = out;
	return 0;
}

/* One "name=value", or a name alone. Only the first '=' separates. */
static int add_field(struct form *f, char **at, const char *part, const char *end)
{
	const char *equals = memchr(part, '=', (size_t)(end - part));
	struct form_field *field = &f->fields[f->count];
	int err;

	if (f->count == FORM_MAX_FIELDS)
		return -E2BIG;
	field->name = *at;
	if ((err = decode(at, part, equals ? equals : end)))
		return err;
	field->value = *at;
	if ((err = decode(at, equals ? equals + 1 : end, end)))
		return err;
	f->count++;
	return 0;
}

void form_free(struct form *f)
{
	free(f->fields);
	free(f->text);
	*f = (struct form){ 0 };
}

/* A handful of fields: a search is quicker than an index. A name given twice
 * finds its first value. */
const char *form_get(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++) {
		if (!strcmp(f->fields[i].name, name))
			return f->fields[i].value;
	}
	return NULL;
}

int form_parse(struct form *f, const char *body, size_t len)
{
	const char *end = body + len;
	char *at;
	int err = 0;

	*f = (struct form){ 0 };
	if (len > FORM_MAX_BYTES)
		return -E2BIG;
	/* One NUL takes the place of each '=' and '&'; the last part has no '&',
	 * and every part may lack its '='. */
	f->text = malloc(len + FORM_MAX_FIELDS + 2);
	f->fields = calloc(FORM_MAX_FIELDS + 1, sizeof *f->fields);
	if (!f->text || !f->fields) {
		form_free(f);
		return -ENOMEM;
	}
	at = f->text;
	while (!err && body < end) {
		const char *next = memchr(body, '&', (size_t)(end - body));

		if (!next)
			next = end;
		if (next > body)
			err = add_field(f, &at, body, next);
		body = next + 1;
	}
	if (err)
		form_free(f);
	return err;
}
