/* A text somebody put into a folder: cut up, nothing that is seen of it is lost or doubled, and
 * its words are words. */
#include "common/json.h"
#include "server/knowledge/knowledge_passages.h"
#include "server/knowledge/knowledge_words.h"
#include "tests/fuzz/fuzz.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct seen {
	struct buf text; /* all that readers see */
	const char *at;  /* behind the last passage */
	bool markdown;
};

static void blanks_only(const struct seen *s, const char *until)
{
	for (const char *p = s->at; !s->markdown && p < until; p++)
		if (!strchr(" \t\r\n", *p))
			abort();
}

static void look_at_words(const char *text, size_t len)
{
	struct buf words;

	buf_init(&words, 0);
	words_put(&words, text, len);
	if (buf_error(&words) || !utf8_valid(buf_text(&words), words.len) || strpbrk(buf_text(&words), "\"*()<\n"))
		abort();
	buf_free(&words);
}

static int look(void *arg, const char *heading, const char *text, size_t len)
{
	struct seen *s = arg;
	const char *end = buf_text(&s->text) + s->text.len, *at = memmem(s->at, (size_t)(end - s->at), text, len);

	if (!len || !at || strlen(heading) > PASSAGE_HEADING_MAX || len > PASSAGE_BYTES_MAX)
		abort();
	if (!utf8_valid(text, len) || !utf8_valid(heading, strlen(heading)))
		abort();
	blanks_only(s, at);
	look_at_words(text, len);
	s->at = at + len;
	return 0;
}

static void read_all(struct seen *s, const char *text, size_t len)
{
	struct lines lines;
	struct seen_line line;

	buf_init(&s->text, 0);
	if (lines_open(&lines, text, len, s->markdown))
		abort();
	while (lines_next(&lines, &line)) {
		buf_put(&s->text, line.p, (size_t)(line.end - line.p));
		buf_putc(&s->text, '\n');
	}
	lines_close(&lines);
	if (s->text.len > len + 1)
		abort();
	s->at = buf_text(&s->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen s = { .markdown = size && data[0] & 1 };
	const char *text = (const char *)data + 1;
	size_t len = size ? size - 1 : 0;
	struct unseen unseen;

	look_at_words(text, len); /* a question may be anything */
	if (!utf8_valid(text, len) || (len && memchr(text, '\0', len)))
		return 0;
	read_all(&s, text, len);
	if (passages_split(text, len, s.markdown, look, &s, &unseen))
		abort();
	blanks_only(&s, buf_text(&s.text) + s.text.len);
	buf_free(&s.text);
	return 0;
}
