#ifndef COMMON_LETTERS_H
#define COMMON_LETTERS_H
/* A text as it is heard: its letters and digits, in small letters and without accents. Punctuation,
 * blanks, symbols and tags (<…>) are not heard.
 *
 * For accounts of a text by whoever spoke it, who need not write it as we did. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct letters { /* a reader of UTF-8; what is none is not heard */
	const char *text;
	size_t len, at;
};

/* One character or tag; *code is 0 if it is not heard. False at the end. */
bool letters_step(struct letters *r, int32_t *code);

/* The next that is heard; 0 at the end. */
int32_t letters_next(struct letters *r);

/* The two sound alike. */
bool letters_same(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
