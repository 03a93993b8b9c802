#ifndef TESTS_WS_PEER_H
#define TESTS_WS_PEER_H
/* The server's end of a WebSocket over a tls_peer, as bad as a test wants it.
 * Blocking; returns false at the end of the connection. */
#include "tests/peers/tls_peer.h"

#include <stdint.h>

enum { WS_PEER_REQUEST = 8192 };

struct ws_peer_frame {
	unsigned first; /* the first byte: FIN, RSV, opcode */
	bool masked;
	uint64_t len;
	unsigned char *payload; /* unmasked; free it */
};

/* Reads the request up to its blank line. */
bool ws_peer_request(SSL *ssl, char request[WS_PEER_REQUEST]);

/* The 101 that this request must get; `extra` are further header lines. */
void ws_peer_answer(const char *request, const char *extra, char *answer, size_t size);

/* Both of them. */
bool ws_peer_upgrade(SSL *ssl);

/* One frame; `first` as above, with 0x80 for the last of a message. */
bool ws_peer_send(SSL *ssl, unsigned first, const void *payload, size_t len);
bool ws_peer_recv(SSL *ssl, struct ws_peer_frame *out);

#endif
