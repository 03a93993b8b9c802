#ifndef COMMON_SPEAKABLE_H
#define COMMON_SPEAKABLE_H
/* Takes out of a text what a machine that reads it aloud would spell out or stumble over, while the
 * text is still coming.
 *
 *   goes      emoji with their joiners and colours; the marks of markdown: headings, emphasis, lists,
 *             quotes, rules, tables, code; the address of a link; tags that are not SSML's
 *   stays     all else, byte for byte: spaces at the edges, the words of a link, numbers of a
 *             list, addresses that stand alone; tags of SSML, whole
 *
 * What cannot be judged yet waits, up to SPEAKABLE_HELD bytes: half a character, a tag or a link
 * without its end. However a text is cut into pieces, the same comes out. Pure; one thread.
 */
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { SPEAKABLE_HELD = 256 }; /* a longer tag or link is taken for plain text */

struct speakable { /* zeroed is ready */
	char held[SPEAKABLE_HELD];
	size_t len;
	char last;    /* the byte before what is held; '\0': none */
	bool in_line; /* something other than spaces stands before it in its line */
	bool in_row;  /* the line is one of a table */
	bool in_link; /* its words are being said */
	bool after_emoji;
};

/* Appends to `out` what can be said by now. */
void speakable_put(struct speakable *s, struct buf *out, const char *text, size_t len);
/* The text ends: appends what waits, except half a character. Ready for another. */
void speakable_end(struct speakable *s, struct buf *out);

#endif
