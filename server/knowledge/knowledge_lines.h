#ifndef KNOWLEDGE_KNOWLEDGE_LINES_H
#define KNOWLEDGE_KNOWLEDGE_LINES_H
/* The lines of a text, as its readers see them: one kind of line end, one kind of
 * blank, no byte order mark. Of Markdown, what a page does not show is left out:
 * comments (<!-- -->, and the [//]: # kind), scripts, styles, and front matter
 * between --- lines. In code it is shown, and stays.
 *
 * A line knows whether it is code, where # and --- mean nothing. Lists and quotes
 * are followed as far as that takes.
 *
 * Pure.
 */
#include <stdbool.h>
#include <stddef.h>

/* In the bytes of `struct lines`, each line behind the one before, a line feed
 * between them. */
struct seen_line {
	const char *p, *end;
	bool code;
};

struct unseen { /* what was left out */
	bool front_matter, comments;
	size_t open_line; /* where a comment begins that never ends; it hides the rest. 0: none */
};

struct fence {
	char c; /* '\0': none is open */
	size_t length, indent;
	bool quoted;
};

struct lines {
	char *bytes; /* owned */
	const char *at, *end;
	char *to;
	bool markdown;
	struct unseen unseen;
	size_t number;      /* of the line last read, from 1 */
	struct fence fence; /* that the last line was in */
	const char *hidden; /* what ends the comment that the last line was in; NULL: none */
	size_t indent;      /* of the list item the last line was in */
	bool after_blank, in_code;
};

/* `text` is UTF-8, borrowed for the call. 0 or -ENOMEM. */
int lines_open(struct lines *l, const char *text, size_t len, bool markdown);
void lines_close(struct lines *l);

/* Valid until lines_close. False: there are no more. */
bool lines_next(struct lines *l, struct seen_line *out);

bool line_blank(const struct seen_line *l);

/* How many bytes before the words of a list item ("- ", "12. "), blanks before it
 * included; 0: it is none. */
size_t line_item(const struct seen_line *l);

/* True for a line of `c` alone, at least `least` times, with blanks behind. */
bool line_of(const struct seen_line *l, char c, int least);

#endif
