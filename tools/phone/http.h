#ifndef PHONE_HTTP_H
#define PHONE_HTTP_H
/* The answer to one HTTP/1.1 request, read as its bytes come. No I/O. */
#include <stdbool.h>
#include <stddef.h>

#include "tools/kit/http.h"

struct http_answer {
	int status;       /* 0 until the head is complete */
	struct text head; /* raw, with the empty line */
	struct text body;
	struct text raw; /* not yet understood; after a 101, what followed the head */
	size_t left;     /* of the body, or of the chunk */
	bool chunked, until_close, last_chunk, done;
};

/* Takes more bytes; `len` 0 means the connection ended. Returns 0, or -1 with
 * a sentence in `why` if this is no HTTP. `done` says when it is complete. */
int http_feed(struct http_answer *a, const void *bytes, size_t len, char *why, size_t why_size);

void http_free(struct http_answer *a);

#endif
