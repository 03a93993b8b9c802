#ifndef KNOWLEDGE_KNOWLEDGE_PASSAGES_H
#define KNOWLEDGE_KNOWLEDGE_PASSAGES_H
/* Cuts a text into passages fit to be read out to a caller. It cuts at headings,
 * then at paragraphs once there are enough words. A paragraph that is too long by
 * itself is cut behind a sentence, else behind a word. Of what readers see, every
 * byte but headings, rules and blanks is in exactly one passage, in order; and so
 * is a heading with no text below it, or one too long for the path.
 *
 * Pure.
 */
#include "server/knowledge/knowledge_lines.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	PASSAGE_WORDS_ENOUGH = 120, /* then it ends with the paragraph */
	PASSAGE_WORDS_MAX = 200,
	PASSAGE_BYTES_MAX = 1600,   /* scripts that put no blanks between words */
	PASSAGE_HEADINGS = 6,       /* levels */
	PASSAGE_HEADING_BYTES = 79, /* of one, in a path */
	PASSAGE_HEADING_MAX = PASSAGE_HEADINGS * (PASSAGE_HEADING_BYTES + 3)
};

/* `heading` is the path to it, as in "Menu > Pizza"; "" before any. Not 0 stops. */
typedef int passage_taken(void *arg, const char *heading, const char *text, size_t len);

/* `text` is UTF-8. In Markdown, headings (# and underlined) are recognised outside of
 * code. `unseen` tells what was left out (knowledge_lines.h). 0, the value with
 * which `take` stopped it, or -ENOMEM. */
int passages_split(const char *text, size_t len, bool markdown, passage_taken *take, void *arg, struct unseen *unseen);

#endif
