#ifndef COMMON_WS_FRAME_H
#define COMMON_WS_FRAME_H
/* WebSocket frames (RFC 6455 §5), for both ends, without sockets.
 *
 * The reader takes bytes from a callback, checks what wslay's frame API lets
 * through (reserved bits and opcodes, masking the wrong way round, size), joins
 * fragments under a limit and hands out whole messages. The writer appends one
 * complete frame to a buffer.
 */
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* RFC 6455 §7.4.1. */
enum { WS_CLOSE_NORMAL = 1000, WS_CLOSE_GOING_AWAY = 1001, WS_CLOSE_PROTOCOL = 1002, WS_CLOSE_BAD_DATA = 1007 };
enum { WS_CLOSE_POLICY = 1008, WS_CLOSE_TOO_BIG = 1009, WS_CLOSE_INTERNAL = 1011 };

struct ws_message {
	enum ws_opcode opcode; /* TEXT, BINARY, CLOSE, PING or PONG */
	char *data;            /* borrowed until the next ws_reader_next; writable, NUL-terminated, never NULL */
	size_t len;
	int close_code; /* CLOSE only: its code, 1005 if it carried none; data is then the reason alone */
};

/* Fills in up to `size` bytes: how many, 0 for end of stream, -EAGAIN for
 * nothing now, another negative errno for a broken transport. */
typedef ssize_t ws_read_fn(void *arg, uint8_t *out, size_t size);

struct ws_reader;

/* Reads nothing yet. `masked`: frames must be masked (we are the server) or must not (we are the
 * client). A message over max_message bytes ends the stream with -EMSGSIZE. */
int ws_reader_open(struct ws_reader **out, bool masked, size_t max_message, ws_read_fn *read, void *arg);

/* 1: a message. 0: the callback has nothing more for now, and nothing whole is
 * held back; poll the transport. Else over for good: -EPIPE end of stream, or
 * what came after a CLOSE; -EPROTO not RFC 6455; -EMSGSIZE; -EILSEQ text that
 * is not UTF-8; -ENOMEM; or the callback's error. */
int ws_reader_next(struct ws_reader *r, struct ws_message *out);

void ws_reader_close(struct ws_reader *r); /* fine with NULL */

/* The close code that tells the peer about such an error. */
int ws_close_code(int err);

/* Append one unfragmented frame. `mask` (4 bytes) for a client, NULL for a
 * server. A control frame's payload is cut at 125 bytes. */
void ws_put_frame(struct buf *out, enum ws_opcode opcode, const void *payload, size_t len, const uint8_t *mask);
/* Code 1005 means none: an empty Close. */
void ws_put_close(struct buf *out, int code, const char *reason, const uint8_t *mask);

#endif
