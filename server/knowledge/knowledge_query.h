#ifndef KNOWLEDGE_KNOWLEDGE_QUERY_H
#define KNOWLEDGE_KNOWLEDGE_QUERY_H
/* A question in a stranger's words becomes an FTS5 expression: its words, each
 * in quotation marks, joined by OR. So nothing a stranger writes is ever syntax.
 * A word of four letters or more also stands for longer words that begin with it
 * (menu, menus), and so does the last word, which may have been cut off. Words of
 * every sentence (the, is, el, der, …) are left out unless there are no others:
 * with them, "do you have sushi" would find anything one can have. Where a script
 * puts no blanks between words, any two neighbours are a word.
 *
 * Pure.
 */
#include "common/buf.h"

#include <stddef.h>

enum {
	QUERY_BYTES = 1000, /* of the question; the rest is ignored */
	QUERY_WORDS = 48,
	QUERY_WORD_MAX = 64 /* bytes; longer ones are cut */
};

/* Appends the expression and returns its number of words; 0: nothing to look for. */
size_t query_put_match(struct buf *out, const char *question);

#endif
