#ifndef KNOWLEDGE_KNOWLEDGE_PASSAGES_H
#define KNOWLEDGE_KNOWLEDGE_PASSAGES_H
/* Cuts a text into passages fit to be read out to a caller. It cuts at headings,
 * then at paragraphs once there are enough words. A paragraph that is too long by
 * itself is cut behind a sentence, else behind a word. Every byte but headings and
 * blanks is in exactly one passage, in order.
 *
 * Pure.
 */
#include <stdbool.h>
#include <stddef.h>

enum {
	PASSAGE_WORDS_ENOUGH = 120, /* then it ends with the paragraph */
	PASSAGE_WORDS_MAX = 200,
	PASSAGE_BYTES_MAX = 1600, /* scripts that put no blanks between words */
	PASSAGE_HEADING_MAX = 240
};

/* `heading` is the path to it, as in "Menu > Pizza"; "" before any. Not 0 stops. */
typedef int passage_taken(void *arg, const char *heading, const char *text, size_t len);

/* `text` is valid UTF-8. In Markdown, headings (# and underlined, outside ```
 * fences) are recognised, and a head between --- lines is left out. 0, or the
 * value with which `take` stopped it. */
int passages_split(const char *text, size_t len, bool markdown, passage_taken *take, void *arg);

#endif
