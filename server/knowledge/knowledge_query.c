#include "server/knowledge/knowledge_query.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct word {
	const char *p;
	size_t len;
};

/* English, Spanish, German, French, Portuguese, Italian; unsorted, since 200 comparisons are
 * nothing beside the search. Blanks around each word make strstr find whole words only. */
static const char stop_words[] =
    " a about am an and any are as at be been but by can could do does did for from had has have he her his how i if"
    " in into is it its just like me my of on or our please she should so some than that the their them there these"
    " they this to us was we were what when where which who why will with would you your s t re ve ll d m"
    " el la los las un una unos unas de del y o que qué en con por para es son mi su sus se lo al me te tu hay como"
    " cómo cuál cuándo dónde quién cuánto tiene tienen puedo"
    " der die das den dem des ein eine einen einem einer und oder ist sind ich sie er es wir ihr mein ihre was wie wo"
    " wer wann mit von zu zum zur im auf für haben habt hat gibt kann man"
    " le les l du et ou est sont je il elle nous vous mon ma mes votre vos ce cette au aux dans sur avec pour qui quoi"
    " quand où avez puis"
    " os um uma e do da dos das no na nos nas com são eu ele ela você meu minha tem qual quando onde"
    " il gli uno di che è sono io ho ha avete con per nel nella al alla cosa dove ";

static bool is_stop_word(const struct word *w)
{
	char lower[QUERY_WORD_MAX + 3] = " ";
	size_t len = w->len;

	for (size_t i = 0; i < len; i++)
		lower[i + 1] = (char)tolower((unsigned char)w->p[i]);
	lower[len + 1] = ' ';
	lower[len + 2] = '\0';
	return strstr(stop_words, lower);
}

/* The bytes of a gap between words at `p`; 0 inside a word. Beyond ASCII a gap is U+0080 to U+00BF,
 * U+2000 to U+207F or U+3000 to U+303F (western and ideographic punctuation). Other marks stay in
 * the word, and the index's own tokenizer drops them. */
static size_t gap_at(const char *p, const char *end)
{
	const unsigned char *b = (const unsigned char *)p;

	if (b[0] < 0x80)
		return !isalnum(b[0]);
	if (end - p >= 2 && b[0] == 0xC2)
		return 2;
	if (end - p >= 3 && ((b[0] == 0xE2 && (b[1] == 0x80 || b[1] == 0x81)) || (b[0] == 0xE3 && b[1] == 0x80)))
		return 3;
	return 0;
}

/* Characters, not bytes: two Chinese ones are a word. */
static size_t characters(const struct word *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->len; i++)
		n += ((unsigned char)w->p[i] & 0xC0) != 0x80;
	return n;
}

/* Never within a character. */
static size_t cut_word(const char *p, size_t len)
{
	if (len <= QUERY_WORD_MAX)
		return len;
	len = QUERY_WORD_MAX;
	while (len && ((unsigned char)p[len] & 0xC0) == 0x80)
		len--;
	return len;
}

static size_t find_words(const char *question, struct word words[QUERY_WORDS])
{
	const char *p = question, *end = p + strnlen(question, QUERY_BYTES);
	size_t count = 0;

	while (count < QUERY_WORDS) {
		const char *begin;
		size_t gap;

		while (p < end && (gap = gap_at(p, end)))
			p += gap;
		begin = p;
		while (p < end && !gap_at(p, end))
			p++;
		if (begin == p)
			break;
		words[count].p = begin;
		words[count].len = cut_word(begin, (size_t)(p - begin));
		count += words[count].len > 0;
	}
	return count;
}

/* Joined by OR and not by AND: callers ask in whole sentences, and the rank sorts out the rest. */
size_t query_put_match(struct buf *out, const char *question)
{
	struct word words[QUERY_WORDS];
	size_t count = find_words(question, words), telling = 0, put = 0;

	for (size_t i = 0; i < count; i++)
		telling += !is_stop_word(&words[i]);
	for (size_t i = 0; i < count; i++) {
		int len = (int)words[i].len;

		if (telling && is_stop_word(&words[i]))
			continue;
		/* The whole word beside its beginning, so that it counts for more. */
		buf_printf(out, "%s\"%.*s\"", put ? " OR " : "", len, words[i].p);
		if (characters(&words[i]) >= 4 || (i + 1 == count && characters(&words[i]) >= 2))
			buf_printf(out, " OR \"%.*s\" *", len, words[i].p);
		put++;
	}
	return put;
}
