#ifndef COMMON_SSE_H
#define COMMON_SSE_H
/* Server-sent events as a stranger sends them (HTML Living Standard §9.2), cut into pieces
 * anywhere. Only "data" is kept: names, ids, retry times and comments are passed over. */
#include "common/buf.h"
#include "common/json.h"

#include <stdbool.h>
#include <stddef.h>

struct sse {
	struct buf line; /* the one that is unfinished */
	struct buf data; /* of the event that is unfinished, or was told last */
	size_t max;      /* bytes of a line, and of an event's data */
	bool begun;      /* a byte order mark can no longer come */
	bool told;       /* `data` is to be forgotten */
	bool after_cr;   /* a LF would belong to the line before */
	bool spoilt;     /* a part of this event was too long */
	size_t dropped;  /* events that were too long */
};

/* A longer line or event is dropped, and counted. */
void sse_init(struct sse *s, size_t max);
void sse_free(struct sse *s);

/* Takes from the front of `bytes` up to the next event's end. True: `data` is its data, until the
 * next call. False: all bytes are taken, and no event is whole. An event that the stream does not end
 * with an empty line is none. */
bool sse_next(struct sse *s, struct span *bytes, struct span *data);

#endif
