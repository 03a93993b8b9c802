#include "tools/phone/xml.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/text.h"
#include "tools/kit/utf8.h"

enum { DEPTH_MAX = 32 };

struct reader {
	const char *begin, *at, *end;
	char *why;
	size_t why_size;
	bool failed;
};

static void fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct reader *r, const char *format, ...)
{
	va_list args;
	int n;

	if (r->failed)
		return;
	r->failed = true;
	n = snprintf(r->why, r->why_size, "at byte %td: ", r->at - r->begin);
	va_start(args, format);
	if (n >= 0 && (size_t)n < r->why_size)
		vsnprintf(r->why + n, r->why_size - (size_t)n, format, args);
	va_end(args);
}

static bool looking_at(const struct reader *r, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(r->end - r->at) >= n && memcmp(r->at, s, n) == 0;
}

static void skip_space(struct reader *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
		r->at++;
}

/* Moves past the next `s`. */
static void skip_past(struct reader *r, const char *s, const char *what)
{
	while (r->at < r->end && !looking_at(r, s))
		r->at++;
	if (r->at == r->end)
		fail(r, "%s is not closed", what);
	else
		r->at += strlen(s);
}

/* Space, comments and processing instructions around the root. */
static void skip_misc(struct reader *r)
{
	for (;;) {
		skip_space(r);
		if (looking_at(r, "<!--"))
			skip_past(r, "-->", "a comment");
		else if (looking_at(r, "<?"))
			skip_past(r, "?>", "a processing instruction");
		else
			return;
		if (r->failed)
			return;
	}
}

static bool name_char(char c, bool first)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (c & 0x80);

	return letter || (!first && ((c >= '0' && c <= '9') || c == '-' || c == '.'));
}

static char *read_name(struct reader *r)
{
	const char *from = r->at;

	if (r->at == r->end || !name_char(*r->at, true)) {
		fail(r, "a name was expected");
		return need_copy("");
	}
	while (r->at < r->end && name_char(*r->at, false))
		r->at++;
	return need_copy_n(from, (size_t)(r->at - from));
}

static void add_code_point(struct text *out, unsigned long c)
{
	char b[4];
	size_t n = 0;

	if (c < 0x80) {
		b[n++] = (char)c;
	} else if (c < 0x800) {
		b[n++] = (char)(0xC0 | c >> 6);
		b[n++] = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		b[n++] = (char)(0xE0 | c >> 12);
		b[n++] = (char)(0x80 | (c >> 6 & 63));
		b[n++] = (char)(0x80 | (c & 63));
	} else {
		b[n++] = (char)(0xF0 | c >> 18);
		b[n++] = (char)(0x80 | (c >> 12 & 63));
		b[n++] = (char)(0x80 | (c >> 6 & 63));
		b[n++] = (char)(0x80 | (c & 63));
	}
	text_add(out, b, n);
}

static bool legal_char(unsigned long c)
{
	return c == 9 || c == 10 || c == 13 || (c >= 0x20 && c < 0xD800) || (c >= 0xE000 && c < 0xFFFE) ||
	       (c >= 0x10000 && c < 0x110000);
}

static void read_entity(struct reader *r, struct text *out)
{
	static const struct {
		const char *name, *is;
	} known[] = { { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" }, { "&quot;", "\"" }, { "&apos;", "'" } };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (looking_at(r, known[i].name)) {
			text_puts(out, known[i].is);
			r->at += strlen(known[i].name);
			return;
		}
	}
	if (looking_at(r, "&#")) {
		bool hex = looking_at(r, "&#x");
		const char *digits = r->at + (hex ? 3 : 2), *at = digits;
		unsigned long c = 0;

		for (; at < r->end && at - digits < 8 && *at != ';'; at++) {
			const char *all = "0123456789abcdef";
			const char *found = *at ? strchr(all, *at | ((*at & 0x40) ? 0x20 : 0)) : NULL;

			if (!found || (!hex && found - all > 9))
				break;
			c = c * (hex ? 16 : 10) + (unsigned long)(found - all);
		}
		if (at > digits && at < r->end && *at == ';' && legal_char(c)) {
			add_code_point(out, c);
			r->at = at + 1;
			return;
		}
	}
	fail(r, "& begins no entity that XML knows");
}

static void read_attr(struct reader *r, struct xml *x, struct xml_attr **last)
{
	struct xml_attr *a = need(sizeof *a);
	struct text value = { 0 };
	char quote;

	*last = a;
	a->name = read_name(r);
	for (struct xml_attr *b = x->attrs; b != a; b = b->next)
		if (strcmp(b->name, a->name) == 0)
			fail(r, "attribute %s is there twice", a->name);
	skip_space(r);
	if (!looking_at(r, "="))
		fail(r, "attribute %s has no value", a->name);
	else
		r->at++;
	skip_space(r);
	quote = r->at < r->end ? *r->at : 0;
	if (quote != '"' && quote != '\'')
		fail(r, "the value of attribute %s is not quoted", a->name);
	else
		r->at++;
	while (!r->failed && r->at < r->end && *r->at != quote) {
		if (*r->at == '&')
			read_entity(r, &value);
		else if (*r->at == '<')
			fail(r, "unescaped < in attribute %s", a->name);
		else
			text_add(&value, r->at++, 1);
	}
	if (!r->failed && r->at == r->end)
		fail(r, "the value of attribute %s is not closed", a->name);
	if (!r->failed)
		r->at++;
	a->value = need_copy(text_str(&value));
	text_free(&value);
}

static struct xml *read_element(struct reader *r, int depth);

static void read_content(struct reader *r, struct xml *x, int depth)
{
	struct text text = { 0 };
	struct xml **last = &x->children;

	while (!r->failed && !looking_at(r, "</")) {
		if (r->at == r->end)
			fail(r, "<%s> is not closed", x->name);
		else if (looking_at(r, "<!--"))
			skip_past(r, "-->", "a comment");
		else if (looking_at(r, "<![CDATA[")) {
			const char *from = r->at += 9;

			skip_past(r, "]]>", "CDATA");
			if (!r->failed)
				text_add(&text, from, (size_t)(r->at - 3 - from));
		} else if (looking_at(r, "<?"))
			skip_past(r, "?>", "a processing instruction");
		else if (*r->at == '<') {
			*last = read_element(r, depth + 1);
			last = &(*last)->next;
		} else if (*r->at == '&')
			read_entity(r, &text);
		else if (looking_at(r, "]]>"))
			fail(r, "]]> outside CDATA");
		else
			text_add(&text, r->at++, 1);
	}
	x->text = need_copy(text_str(&text));
	text_free(&text);
}

/* At '<'. Always returns an element, half-read when the reader failed. */
static struct xml *read_element(struct reader *r, int depth)
{
	struct xml *x = need(sizeof *x);
	struct xml_attr **last = &x->attrs;
	char *closing;

	if (depth > DEPTH_MAX)
		fail(r, "nested too deeply");
	if (looking_at(r, "<!"))
		fail(r, "a document type or declaration is not allowed");
	r->at++;
	x->name = read_name(r);
	while (!r->failed) {
		const char *before = r->at;

		skip_space(r);
		if (looking_at(r, "/>")) {
			r->at += 2;
			x->text = need_copy("");
			return x;
		}
		if (looking_at(r, ">"))
			break;
		if (r->at == before)
			fail(r, "a space, / or > was expected in <%s>", x->name);
		else
			read_attr(r, x, last), last = &(*last)->next;
	}
	if (r->failed) {
		x->text = need_copy("");
		return x;
	}
	r->at++;
	read_content(r, x, depth);
	if (r->failed)
		return x;
	r->at += 2;
	closing = read_name(r);
	if (!r->failed && strcmp(closing, x->name) != 0)
		fail(r, "<%s> is closed by </%s>", x->name, closing);
	free(closing);
	skip_space(r);
	if (!looking_at(r, ">"))
		fail(r, "</%s is not closed", x->name);
	else
		r->at++;
	return x;
}

static void check_bytes(struct reader *r)
{
	if (!utf8_ok(r->begin, (size_t)(r->end - r->begin)))
		fail(r, "the document is not UTF-8");
	for (const char *c = r->begin; c < r->end && !r->failed; c++)
		if ((unsigned char)*c < 0x20 && !strchr("\t\r\n", *c))
			fail(r, "a control character is in the document");
	for (const char *c = r->begin; c < r->end && !r->failed; c++)
		if (!*c)
			fail(r, "a NUL byte is in the document");
}

struct xml *xml_read(const char *data, size_t len, char *why, size_t why_size)
{
	struct reader r = { data, data, data + len, why, why_size, false };
	struct xml *x = NULL;

	check_bytes(&r);
	if (!r.failed && looking_at(&r, "\xEF\xBB\xBF"))
		r.at += 3;
	if (!r.failed && !looking_at(&r, "<"))
		fail(&r, "the document does not begin with <");
	if (!r.failed)
		skip_misc(&r);
	if (!r.failed && !looking_at(&r, "<"))
		fail(&r, "there is no element");
	if (!r.failed)
		x = read_element(&r, 0);
	if (!r.failed)
		skip_misc(&r);
	if (!r.failed && r.at != r.end)
		fail(&r, "there is more after the end of <%s>", x->name);
	if (r.failed) {
		xml_free(x);
		return NULL;
	}
	return x;
}

void xml_free(struct xml *x)
{
	while (x) {
		struct xml *next = x->next;

		while (x->attrs) {
			struct xml_attr *a = x->attrs;

			x->attrs = a->next;
			free(a->name);
			free(a->value);
			free(a);
		}
		xml_free(x->children);
		free(x->name);
		free(x->text);
		free(x);
		x = next;
	}
}

const char *xml_attr(const struct xml *x, const char *name)
{
	for (const struct xml_attr *a = x->attrs; a; a = a->next)
		if (strcmp(a->name, name) == 0)
			return a->value;
	return NULL;
}
