#ifndef KIT_HTTP_H
#define KIT_HTTP_H
/* Pieces of HTTP/1.1 and of URLs, as text. No I/O. */
#include <stdbool.h>
#include <stddef.h>

#include "tools/kit/text.h"

struct http_field {
	const char *name, *value; /* borrowed from the head; no NUL behind them */
	size_t name_len, value_len;
};

/* The next header of a head (which ends in an empty line); `at` begins as the
 * head and moves on. False after the last one. A line without a colon is a
 * field whose value is NULL. */
bool http_next(const char **at, struct http_field *f);

/* Copies a header's value into `out`, "" if it is not there. Returns how often
 * it is: repeated ones are joined by ", ". */
int http_header(const char *head, const char *name, char *out, size_t size);

struct http_request {
	struct text head, body; /* the head with its empty line */
	char method[16], path[1024], query[2048];
};

/* The request at the front of `in`, taken out of it when all of it is there.
 * 1, 0 if it is not complete, -1 if it is no HTTP or larger than `most`. */
int http_request_take(struct http_request *q, struct text *in, size_t most);
void http_request_free(struct http_request *q);

/* Begins an answer: status line, Content-Type, Content-Length and `more`
 * ("Name: value\r\n" …), without the empty line. */
void http_begin(struct text *out, int status, const char *type, size_t body_len, const char *more);

/* Undoes %XX, and + if told. Returns the length; a NUL follows, whatever the
 * bytes are. `out` holds len + 1, and may be `s`. -1 if a %XX is broken. */
long url_decode(char *out, const char *s, size_t len, bool plus);

/* The n-th (from 0) value of a query parameter, decoded; NULL if there are fewer. */
const char *query_value(const char *query, const char *name, int n, char *out, size_t size);

#endif
