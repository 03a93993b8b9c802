#include "server/knowledge/knowledge_passages.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LEVELS = 6, HEADING_SIZE = 80, HEAD_LINES = 50 };

struct splitter {
	passage_taken *take;
	void *arg;
	int stopped;                         /* the value of `take` that stopped us; 0: go on */
	char headings[LEVELS][HEADING_SIZE]; /* "" where a level is skipped */
	const char *begin, *end;             /* of the passage being gathered; NULL: none */
	size_t words;
};

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t count_words(const char *p, const char *end)
{
	size_t words = 0;

	for (bool in = false; p < end; p++) {
		words += !in && !blank(*p);
		in = !blank(*p);
	}
	return words;
}

/* ------------------------------------------------------------------- giving out */

/* A passage is gathered from whole paragraphs between s->begin and s->end. It is given out when it
 * holds enough words, when the next paragraph would not fit, and at each heading, so that a passage
 * never speaks of two things. */

/* The headings above a passage, outermost first, as far as they fit. */
static void put_heading_path(const struct splitter *s, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (int i = 0; i < LEVELS; i++) {
		size_t more = strlen(s->headings[i]);

		if (!more || len + more + 4 > size)
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%s", len ? " > " : "", s->headings[i]);
	}
}

static void give(struct splitter *s, const char *p, const char *end)
{
	char heading[PASSAGE_HEADING_MAX + 1];

	while (p < end && blank(*p))
		p++;
	while (end > p && blank(end[-1]))
		end--;
	if (p == end || s->stopped)
		return;
	put_heading_path(s, heading, sizeof heading);
	s->stopped = s->take(s->arg, heading, p, (size_t)(end - p));
}

static void give_gathered(struct splitter *s)
{
	if (s->begin)
		give(s, s->begin, s->end);
	s->begin = NULL;
	s->words = 0;
}

static bool sentence_ends(const char *p, const char *end)
{
	/* Ideographic full stop and its like: E3 80 82, EF BC 81, EF BC 9F. */
	static const char *const wide[] = { "\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F" };

	if (strchr(".!?", *p))
		return p + 1 == end || blank(p[1]);
	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		if (end - p >= 3 && !memcmp(p, wide[i], 3))
			return true;
	return *p == '\n';
}

static const char *behind_sentence(const char *p)
{
	return p + ((unsigned char)*p >= 0x80 ? 3 : 1);
}

/* The place to cut a paragraph that is too long: behind the last sentence that fits, else the last
 * word, else the last whole character. A sentence or word that ends in the first half does not
 * count, since it would leave a stump. */
static const char *cut_at(const char *p, const char *end)
{
	const char *sentence = NULL, *word = NULL, *at = p;
	size_t words = 0;

	for (bool in = false; at < end && (size_t)(at - p) < PASSAGE_BYTES_MAX - 3; at++) {
		if (!in && !blank(*at) && ++words > PASSAGE_WORDS_MAX)
			break;
		if (in && blank(*at))
			word = at;
		in = !blank(*at);
		if (*at && sentence_ends(at, end))
			sentence = behind_sentence(at);
	}
	if (sentence && sentence - p > (at - p) / 2)
		return sentence;
	if (word && word - p > (at - p) / 2)
		return word;
	while (at > p + 1 && ((unsigned char)*at & 0xC0) == 0x80)
		at--;
	return at;
}

/* Adds a paragraph to the passage, or gives out the passage first if both together are too long. A
 * paragraph too long by itself is cut, and its remainder begins the next passage. */
static void take_paragraph(struct splitter *s, const char *p, const char *end)
{
	size_t words = count_words(p, end);

	if (s->begin && (s->words + words > PASSAGE_WORDS_MAX || (size_t)(end - s->begin) > PASSAGE_BYTES_MAX))
		give_gathered(s);
	while (!s->stopped && (words > PASSAGE_WORDS_MAX || end - p > PASSAGE_BYTES_MAX)) {
		const char *cut = cut_at(p, end);

		give(s, p, cut);
		for (p = cut; p < end && blank(*p);)
			p++;
		words = count_words(p, end);
	}
	if (p == end)
		return;
	if (!s->begin)
		s->begin = p;
	s->end = end;
	s->words += words;
	if (s->words >= PASSAGE_WORDS_ENOUGH)
		give_gathered(s);
}

/* -------------------------------------------------------------------- Markdown */

/* As much of CommonMark as people write in such folders. Anything else counts as text: a wrong guess
 * costs a worse cut and never a lost word. */

struct line {
	const char *p, *end; /* without the line break */
};

static bool next_line(const char **at, const char *end, struct line *out)
{
	const char *nl;

	if (*at >= end)
		return false;
	nl = memchr(*at, '\n', (size_t)(end - *at));
	out->p = *at;
	out->end = nl ? nl : end;
	*at = nl ? nl + 1 : end;
	if (out->end > out->p && out->end[-1] == '\r')
		out->end--;
	return true;
}

static bool line_blank(const struct line *l)
{
	for (const char *p = l->p; p < l->end; p++)
		if (!blank(*p))
			return false;
	return true;
}

/* True for a line of `c` alone, at least `least` times, with blanks behind. */
static bool line_of(const struct line *l, char c, int least)
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

/* ``` or ~~~, indented by up to three. */
static char fence_of(const struct line *l)
{
	const char *p = l->p;

	while (p < l->end && p - l->p < 3 && *p == ' ')
		p++;
	return l->end - p >= 3 && (*p == '`' || *p == '~') && p[1] == *p && p[2] == *p ? *p : '\0';
}

/* The level of "## Opening hours ##", and its words; 0: not a heading. */
static int heading_of(const struct line *l, struct line *words)
{
	const char *p = l->p, *end = l->end;
	int level = 0;

	while (p < end && p - l->p < 3 && *p == ' ')
		p++;
	for (; p < end && *p == '#'; p++)
		level++;
	if (level < 1 || level > LEVELS || (p < end && !blank(*p)))
		return 0;
	while (end > p && (blank(end[-1]) || end[-1] == '#'))
		end--;
	*words = (struct line){ p, end };
	return level;
}

/* A new heading closes the passage before it and clears all deeper levels. A long one is cut at a
 * whole character. */
static void set_heading(struct splitter *s, int level, const struct line *words)
{
	const char *p = words->p, *end = words->end;
	char *out = s->headings[level - 1];
	size_t len = 0;

	give_gathered(s);
	while (p < end && blank(*p))
		p++;
	/* Marks of emphasis are for the eye only. */
	for (; p < end && len < HEADING_SIZE - 1; p++)
		if (*p != '*' && *p != '`')
			out[len++] = *p == '\t' ? ' ' : *p;
	if (p < end)
		while (len && ((unsigned char)out[len - 1] & 0xC0) == 0x80)
			len--;
	if (p < end && len && (unsigned char)out[len - 1] >= 0xC0)
		len--;
	while (len && blank(out[len - 1]))
		len--;
	out[len] = '\0';
	for (int i = level; i < LEVELS; i++)
		s->headings[i][0] = '\0';
}

/* The text behind a head between --- lines ("front matter"), which is written for publishing tools. */
static const char *skip_head(const char *text, const char *end)
{
	const char *at = text;
	struct line l;

	if (!next_line(&at, end, &l) || !line_of(&l, '-', 3) || l.end - l.p != 3)
		return text;
	for (int i = 0; i < HEAD_LINES && next_line(&at, end, &l); i++)
		if (line_of(&l, '-', 3))
			return at;
	return text;
}

/* ---------------------------------------------------------------- line by line */

/* The loop gathers lines into a paragraph and hands it on at a blank line or a heading. An
 * underline is looked for first, since it makes a heading of the single line before it; inside a
 * fence neither # nor --- means anything. */
int passages_split(const char *text, size_t len, bool markdown, passage_taken *take, void *arg)
{
	struct splitter s = { .take = take, .arg = arg };
	const char *end = text + len, *at = markdown ? skip_head(text, end) : text;
	struct line paragraph = { NULL, NULL }, l, words;
	int lines = 0; /* of the paragraph */
	char fence = '\0';

	while (!s.stopped && next_line(&at, end, &l)) {
		char mark = markdown ? fence_of(&l) : '\0';
		int level = markdown && !fence ? heading_of(&l, &words) : 0;

		/* A line underlined with === or --- is a heading, too. */
		if (markdown && !fence && lines == 1 && (line_of(&l, '=', 2) || line_of(&l, '-', 2))) {
			set_heading(&s, *l.p == '=' ? 1 : 2, &paragraph);
			lines = 0;
			continue;
		}
		if (mark && (!fence || fence == mark))
			fence = fence ? '\0' : mark;
		if (lines && (level || line_blank(&l))) {
			take_paragraph(&s, paragraph.p, paragraph.end);
			lines = 0;
		}
		if (level)
			set_heading(&s, level, &words);
		else if (!line_blank(&l)) {
			if (!lines++)
				paragraph.p = l.p;
			paragraph.end = l.end;
		}
	}
	if (lines && !s.stopped)
		take_paragraph(&s, paragraph.p, paragraph.end);
	give_gathered(&s);
	return s.stopped;
}
