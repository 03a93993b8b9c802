#include "server/knowledge/knowledge_words.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NO_CHAR = 0xFFFD, UNIT_MAX = 400, ENTITY_MAX = 32 };

/* ------------------------------------------------------------------ one character */

/* Never reads beyond `end`; a byte that is no UTF-8 is taken alone. */
static uint32_t decode(const char **at, const char *end)
{
	const unsigned char *p = (const unsigned char *)*at;
	size_t more = *p < 0xC2 ? 0 : *p < 0xE0 ? 1 : *p < 0xF0 ? 2 : *p < 0xF5 ? 3 : 0;
	uint32_t c = *p < 0x80 ? *p : more ? *p & (0x3Fu >> more) : NO_CHAR;

	if ((size_t)(end - *at) <= more) {
		++*at;
		return NO_CHAR;
	}
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xC0) != 0x80) {
			++*at;
			return NO_CHAR;
		}
		c = c << 6 | (p[i] & 0x3F);
	}
	*at += more + 1;
	return c < 0xD800 || (c > 0xDFFF && c < 0x110000) ? c : NO_CHAR;
}

static void encode(struct buf *out, uint32_t c)
{
	char b[4];
	size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

	for (size_t i = more; i; i--, c >>= 6)
		b[i] = (char)(0x80 | (c & 0x3F));
	b[0] = (char)(more ? (0xFF00u >> (more + 1) & 0xFF) | c : c);
	buf_put(out, b, more + 1);
}

static bool within(uint32_t c, uint32_t from, uint32_t to)
{
	return c >= from && c <= to;
}

/* Full-width and half-width forms, and letters of formulas that people use for bold and italic. */
static uint32_t plain_form(uint32_t c)
{
	static const char half_kana[] =
	    "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモ"
	    "ヤユヨラリルレロワン\u3099\u309A";

	if (within(c, 0xFF01, 0xFF5E))
		return c - 0xFEE0;
	if (within(c, 0xFF66, 0xFF9F)) {
		const char *at = half_kana + (size_t)(c - 0xFF66) * 3;

		return decode(&at, half_kana + sizeof half_kana);
	}
	if (within(c, 0x1D400, 0x1D6A3))
		return (c - 0x1D400) % 52 < 26 ? 'A' + (c - 0x1D400) % 52 : 'a' + (c - 0x1D400) % 52 - 26;
	return within(c, 0x1D7CE, 0x1D7FF) ? '0' + (c - 0x1D7CE) % 10 : c;
}

/* A character that was written as two or three becomes one: kana with a sound mark, and the
 * syllables of Korean. Marks on other letters are left out instead (is_mark). */
static uint32_t compose(uint32_t c, const char **at, const char *end)
{
	const char *next = *at;
	uint32_t mark = next < end ? plain_form(decode(&next, end)) : 0;

	if (within(c, 0x3041, 0x30FF) && (mark == 0x3099 || mark == 0x309A)) {
		*at = next;
		return c == 0x3046 || c == 0x30A6 ? c + 0x4E : c + mark - 0x3098;
	}
	if (within(c, 0x1100, 0x1112) && within(mark, 0x1161, 0x1175)) {
		*at = next;
		c = 0xAC00 + ((c - 0x1100) * 21 + mark - 0x1161) * 28;
		mark = next < end ? decode(&next, end) : 0;
		if (within(mark, 0x11A8, 0x11C2)) {
			*at = next;
			c += mark - 0x11A7;
		}
	}
	return c;
}

static uint32_t read_char(const char **at, const char *end)
{
	uint32_t c = plain_form(decode(at, end));

	return compose(c, at, end);
}

/* What the tokenizer does not take for the same: letters that are two, letters that nobody can type,
 * and the accents of Greek, Cyrillic and Arabic. */
static const char *spelling_of(uint32_t c)
{
	static const struct {
		uint32_t c;
		const char *as;
	} rows[] = { { 0xAA, "a" }, { 0xB2, "2" }, { 0xB3, "3" }, { 0xB9, "1" }, { 0xBA, "o" }, { 0xC6, "ae" },
		{ 0xD8, "o" }, { 0xDF, "ss" }, { 0xE6, "ae" }, { 0xF8, "o" }, { 0x110, "d" }, { 0x111, "d" },
		{ 0x131, "i" }, { 0x132, "ij" }, { 0x133, "ij" }, { 0x141, "l" }, { 0x142, "l" }, { 0x152, "oe" },
		{ 0x153, "oe" }, { 0x17F, "s" }, { 0x386, "α" }, { 0x388, "ε" }, { 0x389, "η" }, { 0x38A, "ι" },
		{ 0x38C, "ο" }, { 0x38E, "υ" }, { 0x38F, "ω" }, { 0x390, "ι" }, { 0x3AA, "ι" }, { 0x3AB, "υ" },
		{ 0x3AC, "α" }, { 0x3AD, "ε" }, { 0x3AE, "η" }, { 0x3AF, "ι" }, { 0x3B0, "υ" }, { 0x3C2, "σ" },
		{ 0x3CA, "ι" }, { 0x3CB, "υ" }, { 0x3CC, "ο" }, { 0x3CD, "υ" }, { 0x3CE, "ω" }, { 0x400, "е" },
		{ 0x401, "е" }, { 0x403, "г" }, { 0x407, "і" }, { 0x40C, "к" }, { 0x40D, "и" }, { 0x40E, "у" },
		{ 0x419, "и" }, { 0x439, "и" }, { 0x450, "е" }, { 0x451, "е" }, { 0x453, "г" }, { 0x457, "і" },
		{ 0x45C, "к" }, { 0x45D, "и" }, { 0x45E, "у" }, { 0x622, "ا" }, { 0x623, "ا" }, { 0x624, "و" },
		{ 0x625, "ا" }, { 0x626, "ي" }, { 0x671, "ا" }, { 0x1E9E, "ss" }, { 0xFB00, "ff" }, { 0xFB01, "fi" },
		{ 0xFB02, "fl" }, { 0xFB03, "ffi" }, { 0xFB04, "ffl" }, { 0xFB05, "st" }, { 0xFB06, "st" } };
	static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";

	if (c == 0x2070 || within(c, 0x2074, 0x2079) || within(c, 0x2080, 0x2089))
		return &digits[c % 16 * 2];
	for (size_t i = 0; i < sizeof rows / sizeof *rows && rows[i].c <= c; i++)
		if (rows[i].c == c)
			return rows[i].as;
	return NULL;
}

/* Small digits, fractions, and the small letters of 1º and 2ª: joined to a word, they may be a note to
 * it or a part of it. */
static bool is_small(uint32_t c)
{
	return c == 0xAA || c == 0xB2 || c == 0xB3 || within(c, 0xB9, 0xBA) || within(c, 0xBC, 0xBE) ||
	       within(c, 0x2070, 0x2089);
}

/* Accents and vowel signs, in scripts that can be read without. */
static bool is_mark(uint32_t c)
{
	return within(c, 0x300, 0x36F) || within(c, 0x591, 0x5BD) || within(c, 0x5BF, 0x5C7) ||
	       within(c, 0x64B, 0x65F) || c == 0x640 || c == 0x670 || within(c, 0x1AB0, 0x1AFF) ||
	       within(c, 0x1DC0, 0x1DFF) || c == 0x3099 || c == 0x309A;
}

/* Marks of emphasis, hyphens, and what has no width. */
static bool is_soft(uint32_t c)
{
	return (c < 0x80 && c && strchr("*_~`-[]", (int)c)) || c == 0xAD || within(c, 0x2B9, 0x2BC) || c == 0x34F ||
	       c == 0x61C || c == 0x180E || within(c, 0x200B, 0x2011) || within(c, 0x202A, 0x202E) ||
	       within(c, 0x2060, 0x206F) || within(c, 0xFE00, 0xFE0F) || c == 0xFEFF;
}

/* Punctuation and pictures. Whatever else is no letter, the tokenizer drops. */
static bool is_gap(uint32_t c)
{
	if (c < 0x80)
		return !isalnum((int)c);
	return (within(c, 0x80, 0xBF) && c != 0xB5 && !is_small(c)) || c == 0xD7 || c == 0xF7 || c == 0x5BE ||
	       within(c, 0x2000, 0x206F) || within(c, 0x20A0, 0x20CF) || within(c, 0x2190, 0x245F) ||
	       within(c, 0x249C, 0x2BFF) || (within(c, 0x3000, 0x303F) && !within(c, 0x3005, 0x3007)) || c == 0x30FB ||
	       within(c, 0xFF5F, 0xFF65) || c == NO_CHAR || within(c, 0x1F000, 0x1FAFF);
}

/* Scripts that put no blanks between words. Korean puts some, but not before each small one. */
static bool is_unspaced(uint32_t c)
{
	return within(c, 0xE00, 0xEFF) || within(c, 0x1000, 0x109F) || within(c, 0x1780, 0x17FF) ||
	       within(c, 0x2E80, 0xA4CF) || within(c, 0xAC00, 0xD7A3) || within(c, 0xF900, 0xFAFF) ||
	       within(c, 0x20000, 0x3FFFF);
}

/* A vowel or tone of those scripts that is written on the letter before. */
static bool leans(uint32_t c)
{
	uint32_t thai = within(c, 0xE80, 0xEFF) ? c - 0x80 : c; /* Lao is laid out like Thai */

	return thai == 0xE31 || within(thai, 0xE34, 0xE3A) || within(thai, 0xE47, 0xE4E) || within(c, 0x102B, 0x103E) ||
	       within(c, 0x17B4, 0x17D3);
}

/* ------------------------------------------------------------------------- markup */

/* &eacute; and its like: the letter without its accent, which is how it is compared. */
static uint32_t letter_named(const char *name, size_t len)
{
	static const char *const accents[] = { "acute", "grave", "circ", "uml", "tilde", "cedil", "caron", "ring",
		"slash", "strok", "ogon", "breve", "macr", "dot", "dblac" };
	static const char *const greek[] = { "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta",
		"iota", "kappa", "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigmaf", "sigma", "tau",
		"upsilon", "phi", "chi", "psi", "omega" };
	static const struct {
		const char *name;
		uint32_t c;
	} others[] = { { "amp", '&' }, { "shy", 0xAD }, { "zwj", 0x200D }, { "zwnj", 0x200C }, { "nbsp", ' ' },
		{ "szlig", 0xDF }, { "aelig", 0xE6 }, { "AElig", 0xC6 }, { "oelig", 0x153 }, { "OElig", 0x152 },
		{ "eth", 0xF0 }, { "ETH", 0xD0 }, { "thorn", 0xFE }, { "THORN", 0xDE }, { "inodot", 0x131 },
		{ "imath", 0x131 }, { "fflig", 0xFB00 }, { "filig", 0xFB01 }, { "fllig", 0xFB02 }, { "hyphen", 0x2010 },
		{ "ZeroWidthSpace", 0x200B }, { "NoBreak", 0x2060 } };

	for (size_t i = 0; isalpha((unsigned char)*name) && i < sizeof accents / sizeof *accents; i++)
		if (strlen(accents[i]) == len - 1 && !memcmp(name + 1, accents[i], len - 1))
			return (unsigned char)*name;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (strlen(others[i].name) == len && !memcmp(name, others[i].name, len))
			return others[i].c;
	for (uint32_t i = 0; i < sizeof greek / sizeof *greek; i++)
		if (strlen(greek[i]) == len && !strncasecmp(name, greek[i], len))
			return 0x3B1 + i;
	return 0;
}

/* The character that an entity at `p` (&#8217; &#x2019; &szlig;) stands for, and its length; 0: none
 * that matters here. Without its name, punctuation is a gap all the same. */
static uint32_t entity_at(const char *p, const char *end, size_t *len)
{
	size_t most = (size_t)(end - p) < ENTITY_MAX ? (size_t)(end - p) : ENTITY_MAX;
	const char *semicolon = *p == '&' ? memchr(p, ';', most) : NULL;
	char number[ENTITY_MAX], *behind;
	unsigned long c;

	if (!semicolon || semicolon - p < 3)
		return 0;
	*len = (size_t)(semicolon - p) + 1;
	if (p[1] != '#')
		return letter_named(p + 1, *len - 2);
	memcpy(number, p + 2, *len - 3);
	number[*len - 3] = '\0';
	c = tolower((unsigned char)*number) == 'x' ? strtoul(number + 1, &behind, 16) : strtoul(number, &behind, 10);
	return *behind || !c ? 0 : c < 0x110000 && !within((uint32_t)c, 0xD800, 0xDFFF) ? (uint32_t)c : NO_CHAR;
}

size_t words_unit(const char *p, const char *end)
{
	size_t most = (size_t)(end - p) < UNIT_MAX ? (size_t)(end - p) : UNIT_MAX;
	bool tag = most > 2 && *p == '<' && (isalpha((unsigned char)p[1]) || p[1] == '/');
	const char *close;

	if (!tag && (most < 3 || *p != ']' || p[1] != '('))
		return 0;
	close = memchr(p, tag ? '>' : ')', most);
	return close && !memchr(p, '\n', (size_t)(close - p)) ? (size_t)(close - p) + 1 : 0;
}

/* ----------------------------------------------------------------------- one word */

struct word {
	struct buf *out;
	bool in_pieces; /* as it is written; else joined, as it is read */
	uint32_t last;  /* character that was put; 0: none, or a gap */
	bool soft;      /* something was left out behind it */
	bool differs;   /* in pieces it is another word */
};

/* What comes next belongs to the word, and has to be told from `last` by a joint. */
static void go_on(struct word *w, uint32_t c)
{
	w->differs |= w->soft;
	w->soft = false;
	if (w->last && (is_unspaced(c) || is_unspaced(w->last)) && !leans(c))
		buf_puts(w->out, WORDS_JOINT);
	w->last = c;
}

/* Most text by far: the ASCII letters and digits at `p`, in one piece. How many bytes. */
static size_t put_ascii(struct word *w, const char *p, const char *end)
{
	const char *begin = p;

	while (p < end && isalnum((unsigned char)*p))
		p++;
	if (p > begin) {
		go_on(w, (unsigned char)*begin);
		buf_put(w->out, begin, (size_t)(p - begin));
	}
	return (size_t)(p - begin);
}

static void put_char(struct word *w, uint32_t c)
{
	const char *as = spelling_of(c);

	if (is_mark(c))
		return;
	if (is_soft(c) || is_small(c)) {
		w->soft = w->last;
		if (w->in_pieces && w->last)
			buf_putc(w->out, ' ');
		if (w->in_pieces)
			w->last = 0;
		if (is_soft(c))
			return;
	}
	if (is_gap(c)) {
		if (w->last)
			buf_putc(w->out, ' ');
		w->last = 0;
		w->soft = false;
		return;
	}
	go_on(w, c);
	if (as)
		buf_puts(w->out, as);
	else
		encode(w->out, c);
}

/* True if it would be another word in pieces. */
static bool put_word(struct buf *out, const char *p, const char *end, bool in_pieces)
{
	struct word w = { .out = out, .in_pieces = in_pieces };
	size_t len;

	while ((p += put_ascii(&w, p, end)) < end) {
		uint32_t entity = in_pieces ? 0 : entity_at(p, end, &len);

		if (entity) {
			w.differs = true;
			put_char(&w, plain_form(entity));
			p += len;
		} else if (!in_pieces && (len = words_unit(p, end))) {
			w.differs = true;
			w.soft = w.last;
			p += len;
		} else {
			put_char(&w, read_char(&p, end));
		}
	}
	if (w.last)
		buf_putc(out, ' ');
	return w.differs;
}

/* A word goes from blank to blank, but a tag is not torn. */
void words_put(struct buf *out, const char *text, size_t len)
{
	const char *p = text, *end = text + len;

	while (p < end) {
		const char *begin = p;
		size_t unit;

		while (p < end && !isspace((unsigned char)*p))
			p += (unit = words_unit(p, end)) ? unit : 1;
		if (p > begin && put_word(out, begin, p, false))
			put_word(out, begin, p, true);
		p += p < end;
	}
}
