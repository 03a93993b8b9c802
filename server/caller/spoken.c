#include "server/caller/spoken.h"

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

struct reader {
	const char *text;
	size_t len, at;
};

/* Bytes of the tag that stands here: "<", a letter or a slash, and so on to ">"; 0: none does. */
static size_t tag_len(const struct reader *r)
{
	size_t left = r->len - r->at;
	const char *p = r->text + r->at, *end;

	if (left < 3 || *p != '<' || !(p[1] == '/' || (p[1] >= 'a' && p[1] <= 'z') || (p[1] >= 'A' && p[1] <= 'Z')))
		return 0;
	end = memchr(p, '>', left < TAG_MAX ? left : TAG_MAX);
	return end ? (size_t)(end - p) + 1 : 0;
}

/* One character or tag; *code is 0 if it is not heard. False at the end. */
static bool step(struct reader *r, int32_t *code)
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

/* The next that is heard; 0 at the end. */
static int32_t next_heard(struct reader *r)
{
	int32_t code;

	while (step(r, &code))
		if (code)
			return code;
	return 0;
}

static bool is_blank(const struct reader *r)
{
	return r->at < r->len && strchr(" \t\r\n", r->text[r->at]);
}

/* Over what belongs to the last word: marks, full stops, a closing quote. */
static void finish_word(struct reader *r)
{
	struct reader ahead = *r;
	int32_t code;

	while (!is_blank(&ahead) && step(&ahead, &code) && !code)
		*r = ahead;
}

/* --------------------------------------------------------------------- the text */

void spoken_init(struct spoken_text *s)
{
	buf_init(&s->text, 2 * SPOKEN_KEPT);
	s->begin = 0;
}

void spoken_free(struct spoken_text *s)
{
	buf_free(&s->text);
}

/* Half of it goes at once, so that a long answer in small pieces is not moved for each. */
static void make_room(struct spoken_text *s, size_t len)
{
	size_t keep = len < SPOKEN_KEPT / 2 ? SPOKEN_KEPT / 2 - len : 0;

	if (s->text.len + len <= SPOKEN_KEPT || s->text.len <= keep)
		return;
	s->begin += s->text.len - keep;
	buf_consume(&s->text, s->text.len - keep);
}

void spoken_sent(struct spoken_text *s, const char *text, size_t len)
{
	size_t skipped = len > SPOKEN_KEPT ? len - SPOKEN_KEPT : 0;

	make_room(s, len);
	if (skipped) {
		s->begin += s->text.len + skipped;
		buf_reset(&s->text);
	}
	buf_put(&s->text, text + skipped, len - skipped);
	if (buf_error(&s->text)) {
		s->begin += s->text.len + len - skipped;
		buf_reset(&s->text);
	}
}

/* Reads on from `at`; false: that is not kept. */
static bool read_from(const struct spoken_text *s, uint64_t at, struct reader *r)
{
	if (at < s->begin || at > s->begin + s->text.len)
		return false;
	*r = (struct reader){ buf_text(&s->text), s->text.len, (size_t)(at - s->begin) };
	return true;
}

/* The reader goes on behind the account, if it begins with it. */
static bool read_account(struct reader *r, const char *account, size_t len)
{
	struct reader theirs = { account, len, 0 }, ours = *r;
	int32_t code;

	while ((code = next_heard(&theirs))) {
		if (next_heard(&ours) != code)
			return false;
		*r = ours;
	}
	return true;
}

bool spoken_from(const struct spoken_text *s, uint64_t at, const char *account, size_t len, uint64_t *end)
{
	struct reader r;

	if (!read_from(s, at, &r) || !read_account(&r, account, len))
		return false;
	if (s->begin + r.at > at)
		finish_word(&r);
	*end = s->begin + r.at;
	return true;
}

static bool is_sure(const char *account, size_t len)
{
	struct reader r = { account, len, 0 };
	int heard = 0;

	while (heard < SPOKEN_SURE && next_heard(&r))
		heard++;
	return heard == SPOKEN_SURE;
}

/* A word begins behind what is not heard; or, where a script has no blanks, anywhere. */
bool spoken_behind(const struct spoken_text *s, uint64_t at, const char *account, size_t len, uint64_t *end)
{
	bool word = true;
	struct reader r;
	int32_t code;

	if (!is_sure(account, len) || !read_from(s, at, &r))
		return false;
	for (size_t last = r.at + SPOKEN_AHEAD; r.at <= last;) {
		uint64_t here = s->begin + r.at;

		if (!step(&r, &code))
			return false;
		if (code && (word || code >= 0x2e80) && spoken_from(s, here, account, len, end))
			return true;
		word = !code;
	}
	return false;
}

bool spoken_nothing(const char *account, size_t len)
{
	return !next_heard(&(struct reader){ account, len, 0 });
}

bool spoken_silent(const struct spoken_text *s, uint64_t from, uint64_t to)
{
	struct reader r;

	if (from >= to)
		return true;
	if (!read_from(s, from, &r) || to > s->begin + s->text.len)
		return false;
	r.len = (size_t)(to - s->begin);
	return !next_heard(&r);
}
