#include "common/letters.h"

#include "common/json.h"

#include <string.h>

enum { TAG_MAX = 256 /* bytes; what is longer is no tag */ };

/* --------------------------------------------------------------------- letters */

struct range {
	int32_t from, to;
};

/* Nobody hears them: blanks, punctuation, symbols, marks above and below letters, emoji. In the
 * order of their codes. */
static const struct range silent[] = { { 0, 0x2f }, { 0x3a, 0x40 }, { 0x5b, 0x60 }, { 0x7b, 0xbf }, { 0xd7, 0xd7 },
	{ 0xf7, 0xf7 }, { 0x2b0, 0x36f }, { 0x483, 0x489 }, { 0x55a, 0x55f }, { 0x589, 0x5c7 }, { 0x5f3, 0x5f4 },
	{ 0x600, 0x61f }, { 0x640, 0x640 }, { 0x64b, 0x65f }, { 0x66a, 0x66d }, { 0x670, 0x670 }, { 0x6d4, 0x6d4 },
	{ 0x6d6, 0x6ed }, { 0x964, 0x965 }, { 0x1361, 0x1368 }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
	{ 0x2000, 0x206f }, { 0x20a0, 0x214f }, { 0x2190, 0x2bff }, { 0x2e00, 0x2e7f }, { 0x3000, 0x3004 },
	{ 0x3008, 0x3020 }, { 0x3030, 0x3030 }, { 0x303d, 0x303f }, { 0x30fb, 0x30fb }, { 0xfe00, 0xfe6f },
	{ 0xfeff, 0xff0f }, { 0xff1a, 0xff20 }, { 0xff3b, 0xff40 }, { 0xff5b, 0xff65 }, { 0xfff0, 0xffff },
	{ 0x1f000, 0x1faff }, { 0xe0000, 0xe0fff } };

/* U+00C0 to U+017F without accents, in small letters. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo ouuuuyts"
			    "aaaaaaaceeeeiiiidnooooo ouuuuyty"
			    "aaaaaaccccccccddddeeeeeeeeeegggg"
			    "gggghhhhiiiiiiiiiiiijjkkklllllll"
			    "lllnnnnnnnnnoooooooorrrrrrssssss"
			    "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/* The first of a range becomes `to`, and those behind it likewise, or all the same. */
static const struct {
	struct range from;
	int32_t to;
	bool all;
} folds[] = { { { 'A', 'Z' }, 'a', false }, { { 0x1a0, 0x1a1 }, 'o', true }, { { 0x1af, 0x1b0 }, 'u', true },
	{ { 0x386, 0x386 }, 0x3b1, true }, { { 0x388, 0x388 }, 0x3b5, true }, { { 0x389, 0x389 }, 0x3b7, true },
	{ { 0x38a, 0x38a }, 0x3b9, true }, { { 0x38c, 0x38c }, 0x3bf, true }, { { 0x38e, 0x38e }, 0x3c5, true },
	{ { 0x38f, 0x38f }, 0x3c9, true }, { { 0x390, 0x390 }, 0x3b9, true }, { { 0x391, 0x3a9 }, 0x3b1, false },
	{ { 0x3ac, 0x3ac }, 0x3b1, true }, { { 0x3ad, 0x3ad }, 0x3b5, true }, { { 0x3ae, 0x3ae }, 0x3b7, true },
	{ { 0x3af, 0x3af }, 0x3b9, true }, { { 0x3b0, 0x3b0 }, 0x3c5, true }, { { 0x3c2, 0x3c2 }, 0x3c3, true },
	{ { 0x3ca, 0x3ca }, 0x3b9, true }, { { 0x3cb, 0x3cb }, 0x3c5, true }, { { 0x3cc, 0x3cc }, 0x3bf, true },
	{ { 0x3cd, 0x3cd }, 0x3c5, true }, { { 0x3ce, 0x3ce }, 0x3c9, true }, { { 0x401, 0x401 }, 0x435, true },
	{ { 0x407, 0x407 }, 0x456, true }, { { 0x400, 0x40f }, 0x450, false }, { { 0x419, 0x419 }, 0x438, true },
	{ { 0x410, 0x42f }, 0x430, false }, { { 0x439, 0x439 }, 0x438, true }, { { 0x451, 0x451 }, 0x435, true },
	{ { 0x457, 0x457 }, 0x456, true }, { { 0x1ea0, 0x1eb7 }, 'a', true }, { { 0x1eb8, 0x1ec7 }, 'e', true },
	{ { 0x1ec8, 0x1ecb }, 'i', true }, { { 0x1ecc, 0x1ee3 }, 'o', true }, { { 0x1ee4, 0x1ef1 }, 'u', true },
	{ { 0x1ef2, 0x1ef9 }, 'y', true }, { { 0xff10, 0xff19 }, '0', false }, { { 0xff21, 0xff3a }, 'a', false },
	{ { 0xff41, 0xff5a }, 'a', false } };

static bool is_silent(int32_t code)
{
	for (size_t i = 0; i < sizeof silent / sizeof *silent && silent[i].from <= code; i++)
		if (code <= silent[i].to)
			return true;
	return false;
}

/* As it is compared; 0: not at all. */
static int32_t folded(int32_t code)
{
	if (is_silent(code))
		return 0;
	if (code >= 0xc0 && code < 0x180)
		return latin[code - 0xc0];
	for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
		if (code >= folds[i].from.from && code <= folds[i].from.to)
			return folds[i].to + (folds[i].all ? 0 : code - folds[i].from.from);
	return code;
}

/* ---------------------------------------------------------------------- reading */

/* Bytes of the tag that stands here: "<", a letter or a slash, and so on to ">"; 0: none does. */
static size_t tag_len(const struct letters *r)
{
	size_t left = r->len - r->at;
	const char *p = r->text + r->at, *end;

	if (left < 3 || *p != '<' || !(p[1] == '/' || (p[1] >= 'a' && p[1] <= 'z') || (p[1] >= 'A' && p[1] <= 'Z')))
		return 0;
	end = memchr(p, '>', left < TAG_MAX ? left : TAG_MAX);
	return end ? (size_t)(end - p) + 1 : 0;
}

bool letters_step(struct letters *r, int32_t *code)
{
	size_t n;

	*code = 0;
	if (r->at >= r->len)
		return false;
	if ((n = tag_len(r))) {
		r->at += n;
		return true;
	}
	n = utf8_sequence(r->text + r->at, r->len - r->at);
	if (n)
		*code = folded(utf8_code(r->text + r->at, n));
	r->at += n ? n : 1;
	return true;
}

int32_t letters_next(struct letters *r)
{
	int32_t code;

	while (letters_step(r, &code))
		if (code)
			return code;
	return 0;
}

bool letters_same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	struct letters of_a = { a, a_len, 0 }, of_b = { b, b_len, 0 };
	int32_t code;

	do {
		code = letters_next(&of_a);
		if (code != letters_next(&of_b))
			return false;
	} while (code);
	return true;
}
