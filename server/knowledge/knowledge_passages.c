#include "server/knowledge/knowledge_passages.h"

#include "server/knowledge/knowledge_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LEVELS = PASSAGE_HEADINGS, HEADING_SIZE = PASSAGE_HEADING_BYTES + 1 };

struct splitter {
	passage_taken *take;
	void *arg;
	int stopped;                         /* the value of `take` that stopped us; 0: go on */
	char headings[LEVELS][HEADING_SIZE]; /* "" where a level is skipped */
	const char *begin, *end;             /* of the passage being gathered; NULL: none */
	size_t words;
	int level;             /* of the last heading */
	struct seen_line bare; /* its words, until a passage has it in its path; p is NULL then */
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

/* The headings above a passage, outermost first. */
static void put_heading_path(const struct splitter *s, int levels, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (int i = 0; i < levels; i++)
		if (*s->headings[i])
			len += (size_t)snprintf(out + len, size - len, "%s%s", len ? " > " : "", s->headings[i]);
}

static void give(struct splitter *s, int levels, const char *p, const char *end)
{
	char heading[PASSAGE_HEADING_MAX + 1];

	while (p < end && blank(*p))
		p++;
	while (end > p && blank(end[-1]))
		end--;
	if (p == end || s->stopped)
		return;
	put_heading_path(s, levels, heading, sizeof heading);
	s->bare.p = NULL;
	s->stopped = s->take(s->arg, heading, p, (size_t)(end - p));
}

static void give_gathered(struct splitter *s)
{
	if (s->begin)
		give(s, LEVELS, s->begin, s->end);
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
		size_t unit = words_unit(at, end);

		if (!in && !blank(*at) && ++words > PASSAGE_WORDS_MAX)
			break;
		if ((size_t)(at - p) + unit > PASSAGE_BYTES_MAX - 3)
			break;
		if (unit) {
			in = true;
			at += unit - 1;
			continue;
		}
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

		give(s, LEVELS, p, cut);
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

/* The level of "## Opening hours ##", and its words; 0: not a heading. */
static int heading_of(const struct seen_line *l, struct seen_line *words)
{
	const char *p = l->p, *end = l->end, *last;
	int level = 0;

	while (p < end && p - l->p < 3 && *p == ' ')
		p++;
	for (; p < end && *p == '#'; p++)
		level++;
	if (level < 1 || level > LEVELS || (p < end && !blank(*p)))
		return 0;
	while (end > p && blank(end[-1]))
		end--;
	for (last = end; last > p && last[-1] == '#';)
		last--;
	/* "C#" ends with a letter of its own. */
	if (last == p || blank(last[-1]))
		end = last;
	*words = (struct seen_line){ p, end, false };
	return level;
}

/* A line under it makes it a heading, and not a rule behind it. */
static bool may_be_heading(const struct seen_line *l)
{
	const char *p = l->p;

	while (p < l->end && blank(*p))
		p++;
	return !l->code && *p != '>' && *p != '|' && !line_item(l);
}

/* "---", "* * *" and their like divide and say nothing. */
static bool is_rule(const struct seen_line *l)
{
	const char *p = l->p;
	char mark = '\0';
	int marks = 0;

	for (; p < l->end; p++) {
		if (blank(*p))
			continue;
		if (!strchr("-*_", *p) || (mark && *p != mark))
			return false;
		mark = *p;
		marks++;
	}
	return marks >= 3;
}

static bool of_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Marks of emphasis around words are for the eye only; within a word they may be anything. Behind
 * the mark or marks at `p`, `drop` tells which. */
static const char *behind_marks(const struct seen_line *words, const char *p, bool *drop)
{
	const char *begin = p;

	while (p < words->end && (*p == '*' || *p == '`'))
		p++;
	*drop = begin == words->p || p == words->end || !of_word(begin[-1]) || !of_word(*p);
	return p;
}

/* Copies the words of a heading, cut at a whole character if they are long. False: they were. */
static bool put_heading(char out[HEADING_SIZE], const struct seen_line *words)
{
	const char *p = words->p, *end = words->end;
	size_t len = 0;

	while (p < end && len < HEADING_SIZE - 1) {
		bool drop = false;
		const char *behind = *p == '*' || *p == '`' ? behind_marks(words, p, &drop) : p + 1;

		for (; p < behind && !drop && len < HEADING_SIZE - 1; p++)
			out[len++] = *p == '\t' ? ' ' : *p;
		if (drop)
			p = behind;
	}
	if (p < end)
		while (len && ((unsigned char)out[len - 1] & 0xC0) == 0x80)
			len--;
	if (p < end && len && (unsigned char)out[len - 1] >= 0xC0)
		len--;
	while (len && blank(out[len - 1]))
		len--;
	out[len] = '\0';
	return p == end;
}

/* A heading over nothing says all there is to say: its words are a passage. Over a deeper heading it
 * is not bare, but a part of the paths to come. */
static void give_bare(struct splitter *s, int next_level)
{
	if (s->bare.p && next_level <= s->level)
		give(s, s->level - 1, s->bare.p, s->bare.end);
	s->bare.p = NULL;
}

/* A new heading closes the passage before it and clears all deeper levels. Of a long one the path
 * has the beginning, and the text has it all. */
static void set_heading(struct splitter *s, int level, struct seen_line words)
{
	give_gathered(s);
	give_bare(s, level);
	while (words.p < words.end && blank(*words.p))
		words.p++;
	for (int i = level; i < LEVELS; i++)
		s->headings[i][0] = '\0';
	s->level = level;
	s->bare = words;
	if (!put_heading(s->headings[level - 1], &words))
		take_paragraph(s, words.p, words.end);
}

/* ---------------------------------------------------------------- line by line */

/* Gathers lines into a paragraph and hands it on at a blank line or a heading. An underline is
 * looked for first, since it makes a heading of the single line before it. */
static void split_lines(struct splitter *s, struct lines *in)
{
	struct seen_line paragraph = { NULL, NULL, false }, l, words;
	int lines = 0; /* of the paragraph */

	while (!s->stopped && lines_next(in, &l)) {
		bool markup = in->markdown && !l.code;
		int level = markup ? heading_of(&l, &words) : 0;
		bool nothing = line_blank(&l) || (markup && is_rule(&l));

		/* A line underlined with === or --- is a heading, too. */
		if (markup && lines == 1 && may_be_heading(&paragraph) &&
		    (line_of(&l, '=', 2) || line_of(&l, '-', 2))) {
			set_heading(s, *l.p == '=' ? 1 : 2, paragraph);
			lines = 0;
			continue;
		}
		if (lines && (level || nothing)) {
			take_paragraph(s, paragraph.p, paragraph.end);
			lines = 0;
		}
		if (level)
			set_heading(s, level, words);
		else if (!nothing && !lines++)
			paragraph = l;
		else if (!nothing)
			paragraph.end = l.end;
	}
	if (lines && !s->stopped)
		take_paragraph(s, paragraph.p, paragraph.end);
	give_gathered(s);
	give_bare(s, 1);
}

int passages_split(const char *text, size_t len, bool markdown, passage_taken *take, void *arg, struct unseen *unseen)
{
	struct splitter s = { .take = take, .arg = arg };
	struct lines in;
	int err = lines_open(&in, text, len, markdown);

	if (err)
		return err;
	split_lines(&s, &in);
	*unseen = in.unseen;
	lines_close(&in);
	return s.stopped;
}
