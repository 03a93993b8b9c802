#include "server/knowledge/knowledge_query.h"

#include "server/knowledge/knowledge_words.h"

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

	if (len > QUERY_WORD_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		lower[i + 1] = (char)tolower((unsigned char)w->p[i]);
	lower[len + 1] = ' ';
	lower[len + 2] = '\0';
	return strstr(stop_words, lower);
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

static bool next_word(const char **at, struct word *out)
{
	out->p = *at + strspn(*at, " ");
	out->len = strcspn(out->p, " ");
	*at = out->p + out->len;
	return out->len;
}

/* The place of the next joint in the word, or its end. */
static const char *part_end(const char *p, const char *end)
{
	while (p < end && strncmp(p, WORDS_JOINT, strlen(WORDS_JOINT)) != 0)
		p++;
	return p;
}

static void put_phrase(struct buf *out, const char *p, const char *end)
{
	buf_printf(out, "%s\"%.*s\"", out->len ? " OR " : "", (int)(end - p), p);
}

/* Where no blanks are, nobody knows where words begin: any two neighbours are looked for, and the
 * whole counts for more. Returns how many expressions that makes. */
static size_t put_unspaced(struct buf *out, const char *p, const char *end, size_t most)
{
	const char *first_end = part_end(p, end), *next, *next_end;
	size_t put = 1;

	put_phrase(out, p, p + cut_word(p, (size_t)(end - p)));
	for (; first_end < end && put < most; put++) {
		next = first_end + strlen(WORDS_JOINT);
		next_end = part_end(next, end);
		put_phrase(out, p, next_end);
		p = next;
		first_end = next_end;
	}
	return put;
}

/* Joined by OR and not by AND: callers ask in whole sentences, and the rank sorts out the rest. */
static size_t put_words(struct buf *out, const char *words)
{
	size_t telling = 0, put = 0;
	const char *at = words;
	struct word w;

	while (next_word(&at, &w))
		telling += !is_stop_word(&w);
	for (at = words; put < QUERY_WORDS && next_word(&at, &w);) {
		const char *end = w.p + w.len;

		if (telling && is_stop_word(&w))
			continue;
		if (part_end(w.p, end) < end) {
			put += put_unspaced(out, w.p, end, QUERY_WORDS - put);
			continue;
		}
		w.len = cut_word(w.p, w.len);
		/* The whole word beside its beginning, so that it counts for more. */
		put_phrase(out, w.p, w.p + w.len);
		if (characters(&w) >= 4 || (!at[1] && characters(&w) >= 2)) {
			put_phrase(out, w.p, w.p + w.len);
			buf_puts(out, " *");
		}
		put++;
	}
	return put;
}

size_t query_put_match(struct buf *out, const char *question)
{
	struct buf words;
	size_t put;

	buf_init(&words, 0);
	words_put(&words, question, strnlen(question, QUERY_BYTES));
	put = put_words(out, buf_text(&words));
	buf_free(&words);
	return put;
}
