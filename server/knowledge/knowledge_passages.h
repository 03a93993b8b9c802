#ifndef KNOWLEDGE_KNOWLEDGE_PASSAGES_H
#define KNOWLEDGE_KNOWLEDGE_PASSAGES_H
/* Cuts a text into passages fit to be read out to a caller: at headings, then
 * at paragraphs until there are enough words, and only when a paragraph alone
 * is too long at the end of a sentence, or of a word. Every byte of the text but
 * headings and blanks is in exactly one passage, in order.
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

/* Valid UTF-8. Headings (# and underlined, not inside ``` fences) and a head
 * between --- lines, which is left out, are looked for in Markdown only. What
 * `take` returned, or 0. */
int passages_split(const char *text, size_t len, bool markdown, passage_taken *take, void *arg);

#endif
