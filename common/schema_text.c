#include "common/schema_text.h"

#include "common/buf.h"
#include "common/schema.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* a{1,50} is compiled as fifty copies, a+ as two, and copies of copies
 * multiply: what a pattern costs is counted before the library sees it. */
enum { COST_MAX = 2000, GROUPS_MAX = 12 };

struct cost {
	long sum[GROUPS_MAX], last[GROUPS_MAX]; /* of each open group: all of it, its newest part */
	int depth;
	bool repeated; /* the newest part has its *, +, ? or { } */
};

size_t schema_text_length(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xC0) != 0x80;
	return n;
}

/* ------------------------------------------------------------------ patterns */

/* JSON Schema's patterns are JavaScript's; what people use of them outside
 * POSIX is translated, and what cannot be is refused: glibc would read \d as
 * the letter d. */
static const char *put_escape(struct buf *out, char c, bool in_brackets)
{
	switch (c) {
	case 'd':
		buf_puts(out, in_brackets ? "0-9" : "[0-9]");
		return NULL;
	case 'w':
		buf_puts(out, in_brackets ? "A-Za-z0-9_" : "[A-Za-z0-9_]");
		return NULL;
	case 's':
		buf_puts(out, in_brackets ? "[:space:]" : "[[:space:]]");
		return NULL;
	case 'D':
	case 'W':
	case 'S':
		if (in_brackets)
			return "must not use \\D, \\W or \\S inside [ ]";
		buf_puts(out, c == 'D' ? "[^0-9]" : c == 'W' ? "[^A-Za-z0-9_]" : "[^[:space:]]");
		return NULL;
	default:
		break;
	}
	if (!ispunct((unsigned char)c))
		return "must not use a backslash before anything but d, w, s and punctuation";
	/* In POSIX brackets a backslash is itself; these three would need one. */
	if (in_brackets && strchr("]^-", c))
		return "must put ] first, - last and ^ not first inside [ ], without a backslash";
	if (!in_brackets)
		buf_putc(out, '\\');
	buf_putc(out, c);
	return NULL;
}

static const char too_costly[] = "must repeat less: with the numbers in { } multiplied out it is too long";

static void cost_part(struct cost *c, long cost)
{
	c->repeated = false;
	c->last[c->depth] = cost;
	c->sum[c->depth] += cost;
}

static const char *cost_repeat(struct cost *c, long copies)
{
	long more;

	if (copies > COST_MAX)
		return too_costly;
	more = c->last[c->depth] * (copies - 1);
	c->last[c->depth] += more;
	c->sum[c->depth] += more;
	return c->sum[c->depth] > COST_MAX ? too_costly : NULL;
}

static const char *cost_braces(struct cost *c, const char *at)
{
	char *end;
	long least, most;

	if (!isdigit((unsigned char)at[1]))
		return "must have a number behind {; a brace itself is written \\{";
	least = most = strtol(at + 1, &end, 10);
	if (*end == ',') {
		end++;
		most = isdigit((unsigned char)*end) ? strtol(end, &end, 10) : least < COST_MAX ? least + 1 : least;
	}
	if (*end != '}' || most < least)
		return "must have {n}, {n,} or {n,m} for repetitions";
	return cost_repeat(c, most > 1 ? most : 1);
}

/* A character outside brackets, behind no backslash. */
static const char *cost_plain(struct cost *c, const char *at)
{
	long inside;

	/* A chain of them means nothing, and some chains take the library hours. */
	if (strchr("*+{", *at) || (*at == '?' && !c->repeated)) {
		if (c->repeated)
			return "must not have two of *, + and { } in a row";
		if (!c->last[c->depth])
			return "must be a regular expression: there is nothing to repeat";
		c->repeated = true;
	}
	switch (*at) {
	case '(':
		if (at[1] == '?')
			return "must not use (?…): look-ahead and the like are not known here";
		if (c->depth + 1 >= GROUPS_MAX)
			return "must nest less deeply";
		c->depth++;
		c->repeated = false;
		c->sum[c->depth] = c->last[c->depth] = 0;
		return NULL;
	case ')':
		if (!c->depth)
			return "must be a regular expression: a ) closes nothing";
		inside = c->sum[c->depth--];
		cost_part(c, inside + 1);
		return NULL;
	case '{':
		return cost_braces(c, at);
	case '+':
		return cost_repeat(c, 2);
	case '*':
		return cost_repeat(c, 1);
	case '?':
		return NULL; /* also the one of a lazy *?, which matches the same */
	case '|':
		c->last[c->depth] = 0;
		c->sum[c->depth]++;
		return NULL;
	default:
		cost_part(c, 1);
		return NULL;
	}
}

/* Copies a bracket expression; how long it is in `used`. */
static const char *put_brackets(struct buf *out, const char *at, size_t *used)
{
	size_t first = at[1] == '^' ? 2 : 1, i = 1;
	const char *wrong = NULL;

	buf_putc(out, '[');
	for (; at[i] && !wrong && (at[i] != ']' || i == first); i++) {
		if (at[i] == '\\' && at[i + 1]) {
			wrong = put_escape(out, at[++i], true);
		} else if (at[i] == '[' && at[i + 1] == ':') {
			for (; at[i] && at[i] != ']'; i++)
				buf_putc(out, at[i]);
			if (!at[i])
				break;
			buf_putc(out, ']');
		} else {
			buf_putc(out, at[i]);
		}
	}
	if (!wrong && at[i] != ']')
		wrong = "must be a regular expression: a [ is not closed";
	buf_putc(out, ']');
	*used = i + 1;
	return wrong;
}

static const char *translate(const char *pattern, struct buf *out)
{
	struct cost cost = { .depth = 0 };
	const char *wrong = NULL;
	size_t used;

	if (strlen(pattern) > SCHEMA_PATTERN_MAX)
		return "must be at most 256 bytes long";
	for (size_t i = 0; pattern[i] && !wrong; i++) {
		if (pattern[i] == '\\') {
			if (!pattern[++i])
				return "must not end with a backslash";
			cost_part(&cost, 1);
			wrong = put_escape(out, pattern[i], false);
		} else if (pattern[i] == '[') {
			cost_part(&cost, 1);
			wrong = put_brackets(out, pattern + i, &used);
			if (wrong)
				break;
			i += used - 1;
		} else {
			wrong = cost_plain(&cost, pattern + i);
			if (!wrong && pattern[i] == '{')
				for (; pattern[i] != '}'; i++)
					buf_putc(out, pattern[i]);
			buf_putc(out, pattern[i]);
		}
	}
	return wrong;
}

/* NULL and a compiled `regex`, or what is wrong. */
static const char *compile(const char *pattern, regex_t *regex)
{
	struct buf posix;
	const char *wrong;

	buf_init(&posix, 8 * SCHEMA_PATTERN_MAX);
	wrong = translate(pattern, &posix);
	if (!wrong && (buf_error(&posix) || regcomp(regex, buf_text(&posix), REG_EXTENDED | REG_NOSUB)))
		wrong = "must be a regular expression";
	buf_free(&posix);
	return wrong;
}

const char *schema_pattern_wrong(const char *pattern)
{
	regex_t regex;
	const char *wrong = compile(pattern, &regex);

	if (!wrong)
		regfree(&regex);
	return wrong;
}

bool schema_pattern_matches(const char *pattern, const char *text)
{
	regex_t regex;
	bool matches;

	if (strlen(text) > SCHEMA_MATCHED_MAX || compile(pattern, &regex))
		return false;
	matches = regexec(&regex, text, 0, NULL, 0) == 0;
	regfree(&regex);
	return matches;
}

/* ------------------------------------------------------------------- formats */

/* Follows a shape in which 0 stands for a digit: the rest of the text, or NULL. */
static const char *follow(const char *text, const char *shape)
{
	for (; *shape; shape++, text++)
		if (*shape == '0' ? !isdigit((unsigned char)*text) : *shape != *text)
			return NULL;
	return text;
}

static int two_digits(const char *p)
{
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* The rest behind a date that is in the calendar. */
static const char *skip_date(const char *text)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const char *rest = follow(text, "0000-00-00");
	int year, month, day;

	if (!rest)
		return NULL;
	year = two_digits(text) * 100 + two_digits(text + 2);
	month = two_digits(text + 5);
	day = two_digits(text + 8);
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return NULL;
	if (month == 2 && day == 29 && (year % 4 || (year % 100 == 0 && year % 400)))
		return NULL;
	return rest;
}

static bool is_date(const char *text)
{
	const char *rest = skip_date(text);

	return rest && !*rest;
}

/* RFC 3339, but seconds and zone may be missing: models leave them out, and a
 * caller seldom says either. */
static bool is_date_time(const char *text)
{
	const char *at = skip_date(text), *time;

	if (!at || !strchr("Tt ", *at) || !*at)
		return false;
	time = at + 1;
	at = follow(time, "00:00");
	if (!at || two_digits(time) > 23 || two_digits(time + 3) > 59)
		return false;
	if (*at == ':') {
		if (!follow(at, ":00") || two_digits(at + 1) > 60)
			return false;
		at += 3;
		if (*at == '.' && isdigit((unsigned char)at[1]))
			at += 1 + strspn(at + 1, "0123456789");
	}
	if (*at == 'Z' || *at == 'z')
		at++;
	else if (*at == '+' || *at == '-')
		at = follow(at + 1, "00:00");
	return at && !*at;
}

static bool is_email(const char *text)
{
	const char *at = strchr(text, '@');
	const char *dot = at ? strrchr(at, '.') : NULL;

	return at && at > text && !strchr(at + 1, '@') && dot && dot > at + 1 && dot[1] &&
	       !strpbrk(text, " \t\r\n,;<>");
}

/* As people say and write them; at least seven digits are a number one can call. */
static bool is_phone(const char *text)
{
	size_t digits = 0;

	for (const char *p = text; *p; p++) {
		digits += isdigit((unsigned char)*p) != 0;
		if (!isdigit((unsigned char)*p) && !strchr(" -./()", *p) && !(*p == '+' && p == text))
			return false;
	}
	return digits >= 7 && digits <= 15;
}

static const struct text_format {
	const char *name;
	bool (*fits)(const char *);
	const char *sentence;
} formats[] = {
	{ "date-time", is_date_time, "must be a date and time such as 2026-11-20T10:15:00Z" },
	{ "date", is_date, "must be a date such as 2026-11-20" },
	{ "email", is_email, "must be an e-mail address" },
	{ "phone", is_phone, "must be a telephone number of 7 to 15 digits" },
};

enum { FORMATS = sizeof formats / sizeof *formats };

static const struct text_format *format_of(const char *name)
{
	for (size_t i = 0; i < FORMATS; i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

bool schema_format_known(const char *format)
{
	return format_of(format);
}

const char *schema_format_wrong(const char *format, const char *text)
{
	const struct text_format *f = format_of(format);

	return !f || f->fits(text) ? NULL : f->sentence;
}
