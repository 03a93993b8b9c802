#ifndef KIT_WS_H
#define KIT_WS_H
/* WebSocket frames (RFC 6455 §5.2), of both sides, good and bad ones. No I/O. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/kit/text.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

enum { WS_FIN = 0x80, WS_RSV1 = 0x40 };

enum ws_side { WS_OF_CLIENT, WS_OF_SERVER };

struct ws_frame {
	bool fin, masked, shortest; /* shortest: the length is written in as few bytes as can be */
	int rsv, opcode;
	uint8_t *payload; /* borrowed from the bytes that were read, unmasked there */
	size_t head, len; /* head 0: not all of it is there yet, and nothing else is known */
};

/* The frame at the front of `bytes`. Returns its whole length, 0 if it is not
 * complete, -1 if its payload is longer than `most`; the head is known before
 * the rest is there. Call once for each whole frame: a masked payload is
 * unmasked where it lies. */
long ws_read(uint8_t *bytes, size_t len, size_t most, struct ws_frame *f);

/* What that side may not send, by the frame's head, or NULL. `fragments` tells
 * whether a fragmented message is under way. */
const char *ws_fault(const struct ws_frame *f, enum ws_side from, bool fragments);

/* Appends a frame. `first` is the first byte (FIN, reserved bits, opcode);
 * `mask` NULL sends it unmasked. */
void ws_write(struct text *out, int first, const void *payload, size_t len, const uint8_t mask[4]);

/* Applies a mask in place, from its first byte. */
void ws_mask(uint8_t *bytes, size_t len, const uint8_t mask[4]);

/* Base64 of the SHA-1 of a key and RFC 6455's GUID. */
enum { WS_ACCEPT_MAX = 32 };
void ws_accept(char out[WS_ACCEPT_MAX], const char *key);

/* Whether a close frame may carry this code. */
bool ws_close_code_ok(int code);

#endif
