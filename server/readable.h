#ifndef READABLE_H
#define READABLE_H
/* Values, and text that strangers wrote, as a person reads them on a terminal.
 *
 * What a caller said or how a caller is called may hold anything. Here it can neither
 * steer the terminal (controls, escape sequences) nor turn around or hide what stands
 * beside it (bidirectional and invisible format characters): each such character becomes
 * U+FFFD, each blank one, as a line's end, a blank. Pure.
 */
#include "common/buf.h"

#include <stddef.h>

/* Appends the text; NULL: nothing. */
void readable_text(struct buf *out, const char *text);

/* The same, but line ends stay. */
void readable_lines(struct buf *out, const char *text);

/* As readable_text, of at most so many characters: of a longer text the last is "…". */
void readable_start(struct buf *out, const char *text, size_t most);

/* The same, and filled up with blanks to that width, and one more. */
void readable_cell(struct buf *out, const char *text, size_t width);

/* JSON as it is, but for such characters in its strings, which are written as \uXXXX. */
void readable_json(struct buf *out, const char *json, size_t len);

/* What a line is about, before what it says. */
void readable_label(struct buf *out, const char *label);

/* A time of our JSON (ISO 8601) in the time zone of the process, as in "2026-11-20 10:15:30"; "-" for NULL. */
void readable_time(struct buf *out, const char *iso8601);

/* "0:07", "12:30", "1:02:03"; "3 days 1:02:03". */
void readable_seconds(struct buf *out, double seconds);

/* "$1.24"; of less than a dollar four places. */
void readable_usd(struct buf *out, double usd);

/* "812 bytes", "1.2 MB". */
void readable_bytes(struct buf *out, double bytes);

#endif
