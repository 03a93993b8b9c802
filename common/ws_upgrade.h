#ifndef COMMON_WS_UPGRADE_H
#define COMMON_WS_UPGRADE_H
/* The HTTP that opens a WebSocket, the client's side (RFC 6455 §4.1), without
 * sockets: text in, verdict out. */
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	WS_KEY_SIZE = 25,    /* base64 of 16 bytes and a NUL */
	WS_ACCEPT_SIZE = 29, /* base64 of a SHA-1 and a NUL */
	WS_RESPONSE_MAX = 16 << 10,
	WS_BODY_SIZE = 1024 /* an error of the service's in JSON, whole */
};

enum ws_verdict { WS_INCOMPLETE, WS_ACCEPTED, WS_REFUSED, WS_NOT_HTTP, WS_NOT_WEBSOCKET };

struct ws_response {
	enum ws_verdict verdict;
	size_t header_len;       /* once accepted: what follows are frames */
	int status;              /* once refused */
	bool more;               /* refused, and more of the body is to come that would be kept */
	char body[WS_BODY_SIZE]; /* refused: its start, on one line, printable; or "" */
};

/* A random Sec-WebSocket-Key, and the answer it must get. */
void ws_upgrade_key(char key[WS_KEY_SIZE]);
void ws_upgrade_accept(const char *key, char accept[WS_ACCEPT_SIZE]);

/* `headers`: "Name: value\r\n" lines, or "". */
void ws_upgrade_request(
    struct buf *out, const char *host, int port, const char *path, const char *headers, const char *key);

/* Judges what has come so far. No header may be longer than WS_RESPONSE_MAX. */
void ws_upgrade_judge(const char *text, size_t len, const char *accept, struct ws_response *out);

#endif
