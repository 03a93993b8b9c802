#include "server/knowledge/knowledge_lines.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_LINES = 50, TAB = 4, CODE_INDENT = 4, FENCE_LEAST = 3 };

/* -------------------------------------------------------------------- one spelling */

/* A line end or blank of another kind at `p`: its bytes, and what stands for it ('\0': nothing). A
 * byte order mark may also stand inside a file, where two were joined. */
static size_t other_blank(const unsigned char *p, size_t left, char *instead)
{
	if (*p == '\r') {
		*instead = '\n';
		return left > 1 && p[1] == '\n' ? 2 : 1;
	}
	*instead = *p == '\v' || *p == '\f' ? '\n' : ' ';
	if (*instead == '\n')
		return 1;
	if (left >= 2 && p[0] == 0xC2 && (p[1] == 0x85 || p[1] == 0xA0)) { /* U+0085, U+00A0 */
		*instead = p[1] == 0x85 ? '\n' : ' ';
		return 2;
	}
	if (left < 3)
		return 0;
	if (p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9)) { /* U+2028, U+2029 */
		*instead = '\n';
		return 3;
	}
	if (!memcmp(p, "\xEF\xBB\xBF", 3)) {
		*instead = '\0';
		return 3;
	}
	/* U+2000 to U+200A, U+202F, U+205F, U+1680, U+3000 */
	return (p[0] == 0xE2 && p[1] == 0x80 && (p[2] <= 0x8A || p[2] == 0xAF)) || !memcmp(p, "\xE2\x81\x9F", 3) ||
		       !memcmp(p, "\xE1\x9A\x80", 3) || !memcmp(p, "\xE3\x80\x80", 3)
		   ? 3
		   : 0;
}

static size_t copy_plain(char *to, const char *text, size_t len)
{
	const char *begin = to;

	for (size_t i = 0, n; i < len; i += n) {
		char instead;

		n = other_blank((const unsigned char *)text + i, len - i, &instead);
		if (!n)
			*to++ = text[i++];
		else if (instead)
			*to++ = instead;
	}
	return (size_t)(to - begin);
}

/* ------------------------------------------------------------------- kinds of lines */

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

bool line_blank(const struct seen_line *l)
{
	for (const char *p = l->p; p < l->end; p++)
		if (!blank(*p))
			return false;
	return true;
}

bool line_of(const struct seen_line *l, char c, int least)
{
	const char *p = l->p;

	while (p < l->end && *p == c)
		p++;
	if (p - l->p < least)
		return false;
	while (p < l->end && blank(*p))
		p++;
	return p == l->end;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && blank(*p))
		p++;
	return p;
}

/* In columns. */
static size_t indent_of(const struct seen_line *l, const char *until)
{
	size_t columns = 0;

	for (const char *p = l->p; p < until; p++)
		columns += *p == '\t' ? TAB - columns % TAB : 1;
	return columns;
}

size_t line_item(const struct seen_line *l)
{
	const char *p = skip_blanks(l->p, l->end), *mark = p;

	while (p < l->end && p - mark < 9 && isdigit((unsigned char)*p))
		p++;
	if (p == l->end || !strchr(p > mark ? ".)" : "-*+", *p) || (++p < l->end && !blank(*p)))
		return 0;
	return (size_t)(skip_blanks(p, l->end) - l->p);
}

/* Behind the marks of quotes and list items that may stand before a fence. */
static const char *inner(const struct seen_line *l, bool *quoted)
{
	const char *p = skip_blanks(l->p, l->end);

	for (*quoted = false; p < l->end && *p == '>'; *quoted = true)
		p = skip_blanks(p + 1, l->end);
	return p + line_item(&(struct seen_line){ p, l->end, false });
}

static size_t run_of(const char *p, const char *end)
{
	const char *begin = p;

	while (p < end && *p == *begin)
		p++;
	return (size_t)(p - begin);
}

/* ``` or ~~~ and what kind of code follows. */
static bool opens_fence(struct lines *l, const struct seen_line *line)
{
	bool quoted;
	const char *p = inner(line, &quoted);
	size_t length = p < line->end ? run_of(p, line->end) : 0;

	if (length < FENCE_LEAST || (*p != '`' && *p != '~'))
		return false;
	/* With a ` behind it, it is code within a line. */
	if (*p == '`' && memchr(p + length, '`', (size_t)(line->end - p) - length))
		return false;
	l->fence = (struct fence){ *p, length, !quoted && indent_of(line, p) >= l->indent ? l->indent : 0, quoted };
	return true;
}

/* The line belongs to the open fence. Without a closing line, a fence ends with the quote or the
 * list item it stands in. */
static bool in_fence(struct lines *l, const struct seen_line *line)
{
	const char *p = skip_blanks(line->p, line->end);
	struct fence *f = &l->fence;
	size_t length;
	bool quoted = false;

	if (!f->c)
		return false;
	if (p < line->end && indent_of(line, p) < f->indent)
		f->c = '\0';
	if (f->quoted) {
		p = inner(line, &quoted);
		if (!quoted)
			f->c = '\0';
	}
	if (!f->c)
		return false;
	length = p < line->end && *p == f->c ? run_of(p, line->end) : 0;
	if (length >= f->length && skip_blanks(p + length, line->end) == line->end)
		f->c = '\0';
	return true;
}

/* Follows lists, and tells whether the line is code by its indentation. In a list, that begins
 * further right. */
static bool indented_code(struct lines *l, const struct seen_line *line)
{
	const char *p = skip_blanks(line->p, line->end);
	size_t indent = indent_of(line, p), item = line_item(line);

	if (p == line->end)
		return l->in_code;
	if (l->after_blank && indent < l->indent)
		l->indent = indent;
	if ((l->after_blank || l->in_code) && indent >= l->indent + CODE_INDENT)
		return true;
	if (item)
		l->indent = indent_of(line, line->p + item);
	return false;
}

/* ------------------------------------------------------------ what a page does not show */

static const struct {
	const char *begin, *end;
} hidden_parts[] = {
	{ "<!--", "-->" },
	{ "<?", "?>" },
	{ "<script", "</script>" },
	{ "<style", "</style>" },
};

static const char *find_part(const char *p, const char *end, const char *part)
{
	size_t len = strlen(part);

	for (; (size_t)(end - p) >= len; p++)
		if (!strncasecmp(p, part, len))
			return p;
	return NULL;
}

/* What ends the hidden part that begins at `p`, from `len` bytes on; NULL: none begins. */
static const char *begins_hidden(const char *p, const char *end, size_t *len)
{
	for (size_t i = 0; *p == '<' && i < sizeof hidden_parts / sizeof *hidden_parts; i++) {
		*len = strlen(hidden_parts[i].begin);
		if ((size_t)(end - p) < *len || strncasecmp(p, hidden_parts[i].begin, *len) != 0)
			continue;
		/* <!--> and <!---> are whole. */
		if (*hidden_parts[i].end == '-')
			*len = 2;
		else if (isalpha((unsigned char)p[*len - 1]) && p + *len < end && isalnum((unsigned char)p[*len]))
			continue; /* <stylesheet> */
		return hidden_parts[i].end;
	}
	return NULL;
}

/* `code` within a line: behind it; NULL: the ` is only a `. */
static const char *behind_span(const char *p, const char *end)
{
	size_t length = run_of(p, end), other;

	for (p += length; (p = memchr(p, '`', (size_t)(end - p))); p += other)
		if ((other = run_of(p, end)) == length)
			return p + length;
	return NULL;
}

/* Behind what is shown as it is: an escaped character, code, or text up to the next mark. */
static const char *behind_shown(const char *p, const char *end)
{
	const char *behind = p + 1;

	if (*p == '\\' && behind < end)
		return behind + 1;
	if (*p == '`')
		return (behind = behind_span(p, end)) ? behind : p + run_of(p, end);
	while (behind < end && !strchr("\\`<", *behind))
		behind++;
	return behind;
}

/* Takes over what of a line is seen. Who forgets to close a comment wants it hidden all the same:
 * the rest of the text goes with it, and `unseen` says where. */
static void take_seen(struct lines *l, const struct seen_line *line)
{
	const char *p = line->p, *end = line->end, *behind;
	size_t len;

	while (p < end) {
		if (l->hidden) {
			behind = find_part(p, end, l->hidden);
			p = behind ? behind + strlen(l->hidden) : end;
			l->hidden = behind ? NULL : l->hidden;
		} else if ((l->hidden = begins_hidden(p, end, &len))) {
			l->unseen.comments = true;
			p += len;
			if (!find_part(p, l->end, l->hidden))
				l->unseen.open_line = l->number;
		} else {
			behind = behind_shown(p, end);
			memmove(l->to, p, (size_t)(behind - p));
			l->to += behind - p;
			p = behind;
		}
	}
}

/* [//]: # (a note), a link that leads nowhere and is never used. */
static bool is_note(const struct seen_line *line)
{
	const char *p = skip_blanks(line->p, line->end), *label = p;
	static const char *const nowhere[] = { "#", "<#>", "<>" };

	p = p < line->end && *p == '[' ? memchr(p, ']', (size_t)(line->end - p)) : NULL;
	if (!p || label[1] == '^' || line->end - p < 2 || p[1] != ':')
		return false;
	p = skip_blanks(p + 2, line->end);
	for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
		size_t len = strlen(nowhere[i]);

		if ((size_t)(line->end - p) >= len && !memcmp(p, nowhere[i], len) &&
		    (p + len == line->end || blank(p[len])))
			return true;
	}
	return false;
}

/* ---------------------------------------------------------------------- front matter */

static bool next_raw(struct lines *l, struct seen_line *out)
{
	const char *nl;

	if (l->at >= l->end)
		return false;
	nl = memchr(l->at, '\n', (size_t)(l->end - l->at));
	*out = (struct seen_line){ l->at, nl ? nl : l->end, false };
	l->at = nl ? nl + 1 : l->end;
	l->number++;
	return true;
}

/* `key: value`; people's own words before a colon begin with a capital. */
static bool is_field(const struct seen_line *line)
{
	const char *p = line->p;

	while (p < line->end && !blank(*p) && !(*p == ':' && (p + 1 == line->end || blank(p[1]))))
		p++;
	return p < line->end && *p == ':' && islower((unsigned char)*line->p);
}

/* A head between --- lines is for publishing tools if each of its lines is a field, belongs to one,
 * or is blank; else it is text between two rules. */
static void skip_front_matter(struct lines *l)
{
	const struct lines begin = *l;
	struct seen_line line;
	size_t fields = 0;

	if (!next_raw(l, &line) || !line_of(&line, '-', 3) || run_of(line.p, line.end) > 3) {
		*l = begin;
		return;
	}
	for (int i = 0; i < HEAD_LINES && next_raw(l, &line); i++) {
		if (fields && (line_of(&line, '-', 3) || line_of(&line, '.', 3))) {
			l->unseen.front_matter = true;
			return;
		}
		if (is_field(&line))
			fields++;
		else if (line.p < line.end && !strchr("# \t", *line.p) &&
			 !(fields && *line.p == '-' && line_item(&line)))
			break;
	}
	*l = begin;
}

/* ---------------------------------------------------------------------- line by line */

int lines_open(struct lines *l, const char *text, size_t len, bool markdown)
{
	*l = (struct lines){ .bytes = malloc(len + 2), .markdown = markdown, .after_blank = true };
	if (!l->bytes)
		return -ENOMEM;
	l->at = l->to = l->bytes;
	l->end = l->at + copy_plain(l->bytes, text, len);
	if (markdown)
		skip_front_matter(l);
	return 0;
}

void lines_close(struct lines *l)
{
	free(l->bytes);
	l->bytes = NULL;
}

/* What is seen is written over what was read, which is never shorter. */
static void keep(struct lines *l, const struct seen_line *line)
{
	memmove(l->to, line->p, (size_t)(line->end - line->p));
	l->to += line->end - line->p;
}

/* Code first, because in it nothing is hidden; and a comment ends only where it ends. A line that a
 * comment hides wholly is no blank line: what stands around it may be one paragraph. */
bool lines_next(struct lines *l, struct seen_line *out)
{
	struct seen_line line;
	bool in_comment;

	do {
		if (!next_raw(l, &line))
			return false;
		in_comment = l->hidden;
		*out = (struct seen_line){ l->to, l->to, false };
		if (l->markdown && !in_comment) {
			out->code = in_fence(l, &line);
			if (!out->code)
				out->code = l->in_code = indented_code(l, &line);
			if (!out->code)
				out->code = opens_fence(l, &line);
		}
		if (!l->markdown || out->code)
			keep(l, &line);
		else if (!in_comment && is_note(&line))
			l->unseen.comments = true;
		else
			take_seen(l, &line);
	} while (in_comment && l->to == out->p);
	out->end = l->to;
	l->after_blank = line_blank(out);
	*l->to++ = '\n';
	return true;
}
