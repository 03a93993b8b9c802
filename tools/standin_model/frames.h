#ifndef STANDIN_FRAMES_H
#define STANDIN_FRAMES_H
/* WebSocket frames as a server reads and writes them (RFC 6455 §5.2). No sockets. */
#include "tools/standin_model/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

enum { FRAME_MAX = 17 << 20 };

struct frame {
	bool fin, masked;
	unsigned rsv, opcode;
	char *payload; /* in the buffer, unmasked in place */
	size_t len;
};

/* The first frame in the buffer. How many bytes it takes, 0 if it is not all
 * there, -1 if it is longer than FRAME_MAX. Call once for each frame: the
 * payload is unmasked where it lies. */
long frame_take(char *data, size_t len, struct frame *frame);

/* What RFC 6455 forbids a client, or NULL. `fragments` tells whether a
 * fragmented message is under way. */
const char *frame_fault(const struct frame *frame, bool fragments);

/* One frame. `mask` is NULL unless the server misbehaves. */
void frame_put(
    struct text *out, bool fin, unsigned rsv, unsigned opcode, const uint8_t *mask, const void *payload, size_t len);

#endif
