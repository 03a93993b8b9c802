#ifndef KIT_WS_H
#define KIT_WS_H
/* WebSocket frames (RFC 6455), the client's way: what goes out is masked, what
 * comes in must not be. No I/O. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/kit/text.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

enum { WS_MAX_PAYLOAD = 1024 * 1024, WS_FIN = 0x80, WS_RSV1 = 0x40 };

struct ws_frame {
	bool fin;
	int opcode;
	const uint8_t *payload; /* borrowed from the bytes that were read */
	size_t len;
};

/* The frame at the front of `bytes`. Returns its whole length, 0 if it is not
 * complete, -1 with a sentence in `why` if a server may not send this. */
long ws_read(const uint8_t *bytes, size_t len, struct ws_frame *f, const char **why);

/* Appends a frame. `first` is the first byte (FIN, reserved bits, opcode);
 * `mask` NULL sends it unmasked, which no server may accept. */
void ws_write(struct text *out, int first, const void *payload, size_t len, const uint8_t mask[4]);

/* Applies a mask in place, from its first byte. */
void ws_mask(uint8_t *bytes, size_t len, const uint8_t mask[4]);

#endif
