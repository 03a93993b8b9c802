/* Bytes are held one by one until what stands in front is decided: a "thing", a character, a mark, a
 * tag. So the pieces in which they came cannot matter. `whole`: it must be decided now, since the
 * text has ended, or no more can be held.
 */
#include "common/speakable.h"

#include <stdint.h>
#include <string.h>

static bool is_space(char c)
{
	return c == '\0' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Of a word in any script. */
static bool is_word(char c)
{
	return is_digit(c) || is_letter(c) || (c & 0x80);
}

/* The byte at `i`; '\0' behind the last. */
static char at(const struct speakable *s, size_t i)
{
	return i < s->len ? s->held[i] : '\0';
}

/* How often the first byte is repeated. */
static size_t run(const struct speakable *s)
{
	size_t n = 1;

	while (n < s->len && s->held[n] == s->held[0])
		n++;
	return n;
}

/* ------------------------------------------------------------------------ characters */

static const struct {
	uint32_t from, to;
} pictures[] = {
	{ 0x231a, 0x231b },   /* watch, hourglass */
	{ 0x2328, 0x2328 },   /* keyboard */
	{ 0x23cf, 0x23cf },   /* keys of a player … */
	{ 0x23e9, 0x23fa },   /* … */
	{ 0x2600, 0x266c },   /* weather, signs, cards */
	{ 0x2670, 0x27bf },   /* … but not flat, natural and sharp; dingbats */
	{ 0x2b00, 0x2bff },   /* arrows, stars */
	{ 0xfffd, 0xfffd },   /* what could not be read: half a picture, as a rule */
	{ 0x1f000, 0x1faff }, /* most of them; flags and colours of skin, too */
	{ 0xe0020, 0xe007f }, /* the rest of a flag */
};

static bool is_picture(uint32_t c)
{
	for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
		if (c >= pictures[i].from && c <= pictures[i].to)
			return true;
	return false;
}

/* Bytes of the character that begins so; 0: none begins so. */
static size_t character_len(char first)
{
	unsigned char c = (unsigned char)first;

	return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

/* A joiner between letters is part of the word, in Persian say; between pictures it is of theirs. */
static size_t take_character(struct speakable *s, struct buf *out, bool whole)
{
	size_t len = character_len(s->held[0]);
	uint32_t c;

	for (size_t i = 1; i < len && i < s->len; i++)
		if ((s->held[i] & 0xc0) != 0x80)
			return i; /* broken off */
	if (!len)
		return 1;
	if (s->len < len)
		return whole ? s->len : 0;
	c = (unsigned char)s->held[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s->held[i] & 0x3f);
	if (is_picture(c))
		s->after_emoji = true;
	else if (c != 0xfe0e && c != 0xfe0f && c != 0x20e3 && !(c == 0x200d && s->after_emoji)) {
		s->after_emoji = false;
		buf_put(out, s->held, len);
	}
	return len;
}

/* ------------------------------------------------------------------------------ tags */

static bool is_ssml(const char *name, size_t len)
{
	static const char *const names[] = { "break", "emphasis", "lang", "mark", "p", "phoneme", "prosody", "s",
		"say-as", "speak", "sub", "voice", "w" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return true;
	return memchr(name, ':', len) != NULL; /* a maker's own: amazon:effect */
}

static bool is_mailbox(const char *text, size_t len)
{
	return memchr(text, '@', len) && !memchr(text, ' ', len);
}

/* "<name …>", "</name>", "<name …/>". Within quotes ">" is no end. Another "<" shows that the first
 * began no tag; "<https://…>" is an address. */
static size_t take_tag(struct speakable *s, struct buf *out, bool whole)
{
	size_t name = at(s, 1) == '/' ? 2 : 1, end = name, len;
	char quote = '\0';

	if (s->len <= name && !whole)
		return 0;
	if (!is_letter(at(s, name))) {
		buf_putc(out, '<');
		return 1;
	}
	for (len = name; len < s->len && (quote || s->held[len] != '>') && s->held[len] != '<' && s->held[len] != '\n';
	     len++) {
		if (quote ? s->held[len] == quote : s->held[len] == '"' || s->held[len] == '\'')
			quote = quote ? '\0' : s->held[len];
	}
	if (len == s->len && !whole)
		return 0;
	if (at(s, len) != '>') {
		buf_putc(out, '<');
		return 1;
	}
	while (end < len && (is_letter(s->held[end]) || strchr("-:", s->held[end])))
		end++;
	if ((s->held[end] == '/' && s->held[end - 1] == ':') || is_mailbox(s->held + 1, len - 1))
		buf_put(out, s->held + 1, len - 1);
	else if (is_ssml(s->held + name, end - name))
		buf_put(out, s->held, len + 1);
	return len + 1;
}

/* ----------------------------------------------------------------------------- links */

/* Behind the address of "](…)", from `from` on; 0: it does not end yet. */
static size_t behind_address(const struct speakable *s, size_t from)
{
	for (size_t i = from; i < s->len; i++)
		if (s->held[i] == ')')
			return i + 1;
	return 0;
}

/* "[words](address)", or "![…". Once all of it is here, its words are said like any text, and then "]("
 * is known to be the end. Else the bracket is one like others. */
static size_t take_link(struct speakable *s, struct buf *out, bool whole)
{
	size_t open = s->held[0] == '!' ? 1 : 0, i;

	if (open && s->len == 1 && !whole)
		return 0;
	if (at(s, open) == '[' && !s->in_link) {
		for (i = open + 1; i < s->len && s->held[i] != ']' && s->held[i] != '[' && s->held[i] != '\n';)
			i++;
		if (!whole && (i == s->len || (s->held[i] == ']' && i + 1 == s->len)))
			return 0;
		if (at(s, i) == ']' && at(s, i + 1) == '(') {
			if (behind_address(s, i + 2)) {
				s->in_link = true;
				return open + 1;
			}
			if (!whole && !memchr(s->held + i, '\n', s->len - i))
				return 0;
		}
	}
	buf_putc(out, s->held[0]);
	return 1;
}

static size_t take_link_end(struct speakable *s, struct buf *out)
{
	size_t end = s->in_link && at(s, 1) == '(' ? behind_address(s, 2) : 0;

	if (!end)
		buf_putc(out, ']');
	s->in_link = false;
	return end ? end : 1;
}

/* ----------------------------------------------------------------------------- marks */

/* "# ", "- ", "> " and the like, and rules, at the beginning of a line. Leaves *taken at 0 for anything
 * else. False: more must be seen. */
static bool take_line_mark(struct speakable *s, bool whole, size_t *taken)
{
	size_t n = run(s);
	char c = s->held[0], next = at(s, n);

	*taken = 0;
	if (!c || !strchr("#-*+>_=", c))
		return true;
	if (n == s->len && !whole)
		return false;
	if (n >= 3 && strchr("-*_=", c) && (next == '\n' || next == '\r' || next == '\0'))
		*taken = n;
	else if (next == ' ' && ((c == '#' && n <= 6) || c == '>' || (n == 1 && strchr("-*+", c))))
		*taken = n + 1;
	return true;
}

/* "```" and the rest of its line, which names a language. */
static size_t take_fence(const struct speakable *s, bool whole)
{
	const char *end = memchr(s->held, '\n', s->len);

	return end ? (size_t)(end - s->held) + 1 : whole ? s->len : 0;
}

/* Emphasis touches the words it is about: "2 * 3", "5*3" and snake_case have none. */
static size_t take_emphasis(struct speakable *s, struct buf *out, bool whole)
{
	size_t n = run(s);
	char c = s->held[0], next = at(s, n);
	bool plain;

	if (n == s->len && !whole)
		return 0;
	if (c == '*')
		plain = n == 1 && ((is_space(s->last) && next == ' ') || (is_digit(s->last) && is_digit(next)));
	else if (c == '_')
		plain = is_word(s->last) && is_word(next);
	else
		plain = n == 1; /* "~5" */
	if (plain)
		buf_put(out, s->held, n);
	return n;
}

static size_t take_code(const struct speakable *s, bool whole)
{
	size_t n = run(s);

	if (n == s->len && !whole)
		return 0;
	return n >= 3 && !s->in_line ? take_fence(s, whole) : n;
}

/* "\*" is the character itself. */
static size_t take_escape(const struct speakable *s, struct buf *out, bool whole)
{
	if (s->len == 1 && !whole)
		return 0;
	if (at(s, 1) && strchr("\\`*_{}[]()#+-.!~>|", at(s, 1))) {
		buf_putc(out, at(s, 1));
		return 2;
	}
	buf_putc(out, '\\');
	return 1;
}

/* In a row of a table its bars go, and the line below the heads. */
static size_t take_row_mark(struct speakable *s, struct buf *out, bool whole)
{
	size_t n = run(s);

	s->in_row |= s->held[0] == '|' && !s->in_line;
	if (n == s->len && !whole)
		return 0;
	if (!s->in_row || (s->held[0] == '-' && n == 1))
		buf_put(out, s->held, n);
	return n;
}

/* The thing in front: its length, or 0 if it is not decided yet. What is to be said of it is appended. */
static size_t take(struct speakable *s, struct buf *out, bool whole)
{
	size_t taken;

	if (!s->in_line) {
		if (!take_line_mark(s, whole, &taken))
			return 0;
		if (taken)
			return taken;
	}
	switch (s->held[0]) {
	case '<':
		return take_tag(s, out, whole);
	case '!':
	case '[':
		return take_link(s, out, whole);
	case ']':
		return take_link_end(s, out);
	case '*':
	case '_':
	case '~':
		return take_emphasis(s, out, whole);
	case '`':
		return take_code(s, whole);
	case '\\':
		return take_escape(s, out, whole);
	case '|':
	case '-':
		return take_row_mark(s, out, whole);
	default:
		return take_character(s, out, whole);
	}
}

/* A mark at the beginning of a line is none behind another one: what follows "- " is text. Spaces
 * before it are. */
static void drop(struct speakable *s, size_t n)
{
	s->last = s->held[n - 1];
	if (!(s->last & 0x80))
		s->after_emoji = false;
	if (s->last == '\n')
		s->in_line = s->in_row = s->in_link = false;
	else if (n > 1 || !is_space(s->last))
		s->in_line = true;
	s->len -= n;
	memmove(s->held, s->held + n, s->len);
}

void speakable_put(struct speakable *s, struct buf *out, const char *text, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i++) {
		s->held[s->len++] = text[i];
		while (s->len && (n = take(s, out, s->len == SPEAKABLE_HELD)))
			drop(s, n);
	}
}

void speakable_end(struct speakable *s, struct buf *out)
{
	while (s->len)
		drop(s, take(s, out, true));
	*s = (struct speakable){ 0 };
}
