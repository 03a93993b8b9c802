#ifndef TEXT_CARRIER_H
#define TEXT_CARRIER_H
/* How requests of a text session get to the service and answers come back: a seam, so that a
 * session has no threads and no sockets of its own. No function waits.
 *
 * A stream belongs to the thread that started it. Its pieces are the bytes of the answer's body,
 * in order; the carrier reads no further ahead than its own bound. */
#include "common/bell.h"
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_HEADERS_MAX = 8 };

struct text_call { /* all borrowed for as long as start takes */
	const char *url;
	const char *headers[TEXT_HEADERS_MAX]; /* "Name: value" */
	size_t header_count;
	const struct buf *body;
	const char *ca_file; /* "" or NULL: the system's */
	int delay_ms;        /* before it is begun: all other times count from then */
	int connect_ms;      /* for name, connection and TLS */
	int first_ms;        /* from the start to the first byte of the body */
	int silent_ms;       /* between its bytes, while there is room for them */
};

enum text_over {
	TEXT_OVER_WHOLE,   /* the body came to its end */
	TEXT_OVER_CONNECT, /* no such name, no connection, TLS refused: nothing reached the service */
	TEXT_OVER_TIMEOUT,
	TEXT_OVER_BROKEN
};

struct text_stream; /* the carrier's */

struct text_carrier {
	/* NULL without memory. The bell is rung when there is something to read. */
	struct text_stream *(*start)(struct text_carrier *carrier, const struct text_call *call, struct bell *bell);
	/* 1: a piece, borrowed until `taken`. 0: nothing now; the bell will ring. -1: over. */
	int (*next)(struct text_stream *stream, const char **bytes, size_t *len);
	void (*taken)(struct text_stream *stream);
	int (*status)(const struct text_stream *stream); /* HTTP, with the first piece at the latest; 0: none */
	/* After next said -1; *words is a sentence without credentials, "" with WHOLE. */
	enum text_over (*over)(const struct text_stream *stream, const char **words);
	/* After next said -1: how long the service asks to wait; -1: it does not say. */
	int64_t (*retry_after_ms)(const struct text_stream *stream);
	/* The end of the stream for its owner. What is not over is aborted, or with `drain` read to its
	 * end by the carrier, which spares a connection. */
	void (*leave)(struct text_stream *stream, bool drain);
};

#endif
