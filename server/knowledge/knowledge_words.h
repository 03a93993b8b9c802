#ifndef KNOWLEDGE_KNOWLEDGE_WORDS_H
#define KNOWLEDGE_KNOWLEDGE_WORDS_H
/* Words as they are compared: texts and questions go through the same function,
 * so that what looks alike is alike, however it was typed. The index's tokenizer
 * does the rest: it folds capitals and takes accents off Latin letters.
 *
 * A word with something inside that a reader does not see, or may leave out
 * (marks of emphasis, a tag, an entity, a soft hyphen, a hyphen), is put twice:
 * joined, as it is read, and in pieces, as it is written.
 *
 * Pure.
 */
#include "common/buf.h"

#include <stddef.h>

/* Between characters that are words by themselves, in scripts that put no blanks
 * between words. No token has it, so a word in quotation marks stays a phrase. */
#define WORDS_JOINT "\xE2\x80\x8B"

/* The length of a tag, or of what stands behind the words of a link: a reader does not
 * see it, blanks in it part no words, and it is not to be cut. 0: neither begins here. */
size_t words_unit(const char *p, const char *end);

/* Appends the words of the text with a blank behind each: no quotation marks and
 * other punctuation, valid UTF-8 whatever came in. */
void words_put(struct buf *out, const char *text, size_t len);

#endif
