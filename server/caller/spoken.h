#ifndef CALLER_SPOKEN_H
#define CALLER_SPOKEN_H
/* Finds in the text that was sent what the phone says it has spoken.
 *
 * Caller loop only, and pure. The phone's account comes from its voice, not from our text: case,
 * accents, punctuation, blanks and tags (<…>) may differ and are not compared. Positions are bytes
 * of all the text of the call, and never reset; only the newest text is kept.
 */
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SPOKEN_KEPT = 32 * 1024, /* bytes; over half an hour of speech */
	SPOKEN_AHEAD = 4 * 1024, /* how far spoken_behind looks */
	SPOKEN_SURE = 12         /* letters and digits; fewer may stand in many places */
};

struct spoken_text {
	struct buf text; /* what is kept */
	uint64_t begin;  /* its position */
};

void spoken_init(struct spoken_text *s);
void spoken_free(struct spoken_text *s);

/* `text` was sent, UTF-8. Without memory it is taken for silence, and no account will be found in it. */
void spoken_sent(struct spoken_text *s, const char *text, size_t len);

/* True: the account begins at `at`; *end is behind its last word and what belongs to that. One in which
 * there is nothing to be heard ends where it begins. */
bool spoken_from(const struct spoken_text *s, uint64_t at, const char *account, size_t len, uint64_t *end);

/* The same for the first word at or behind `at` with which the account begins, if it is long enough
 * to be sure. */
bool spoken_behind(const struct spoken_text *s, uint64_t at, const char *account, size_t len, uint64_t *end);

bool spoken_nothing(const char *account, size_t len); /* there is nothing in it to be heard */

/* True: between the two there is nothing to be heard. */
bool spoken_silent(const struct spoken_text *s, uint64_t from, uint64_t to);

#endif
