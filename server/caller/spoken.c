#include "server/caller/spoken.h"

#include "common/letters.h"

#include <string.h>

static bool is_blank(const struct letters *r)
{
	return r->at < r->len && strchr(" \t\r\n", r->text[r->at]);
}

/* Over what belongs to the last word: marks, full stops, a closing quote. */
static void finish_word(struct letters *r)
{
	struct letters ahead = *r;
	int32_t code;

	while (!is_blank(&ahead) && letters_step(&ahead, &code) && !code)
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
static bool read_from(const struct spoken_text *s, uint64_t at, struct letters *r)
{
	if (at < s->begin || at > s->begin + s->text.len)
		return false;
	*r = (struct letters){ buf_text(&s->text), s->text.len, (size_t)(at - s->begin) };
	return true;
}

/* The reader goes on behind the account, if it begins with it. */
static bool read_account(struct letters *r, const char *account, size_t len)
{
	struct letters theirs = { account, len, 0 }, ours = *r;
	int32_t code;

	while ((code = letters_next(&theirs))) {
		if (letters_next(&ours) != code)
			return false;
		*r = ours;
	}
	return true;
}

bool spoken_from(const struct spoken_text *s, uint64_t at, const char *account, size_t len, uint64_t *end)
{
	struct letters r;

	if (!read_from(s, at, &r) || !read_account(&r, account, len))
		return false;
	if (s->begin + r.at > at)
		finish_word(&r);
	*end = s->begin + r.at;
	return true;
}

static bool is_sure(const char *account, size_t len)
{
	struct letters r = { account, len, 0 };
	int heard = 0;

	while (heard < SPOKEN_SURE && letters_next(&r))
		heard++;
	return heard == SPOKEN_SURE;
}

/* A word begins behind what is not heard; or, where a script has no blanks, anywhere. */
bool spoken_behind(const struct spoken_text *s, uint64_t at, const char *account, size_t len, uint64_t *end)
{
	bool word = true;
	struct letters r;
	int32_t code;

	if (!is_sure(account, len) || !read_from(s, at, &r))
		return false;
	for (size_t last = r.at + SPOKEN_AHEAD; r.at <= last;) {
		uint64_t here = s->begin + r.at;

		if (!letters_step(&r, &code))
			return false;
		if (code && (word || code >= 0x2e80) && spoken_from(s, here, account, len, end))
			return true;
		word = !code;
	}
	return false;
}

bool spoken_nothing(const char *account, size_t len)
{
	return !letters_next(&(struct letters){ account, len, 0 });
}

bool spoken_silent(const struct spoken_text *s, uint64_t from, uint64_t to)
{
	struct letters r;

	if (from >= to)
		return true;
	if (!read_from(s, from, &r) || to > s->begin + s->text.len)
		return false;
	r.len = (size_t)(to - s->begin);
	return !letters_next(&r);
}
