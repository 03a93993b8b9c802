#include "tests/peers/ws_peer.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ws_peer_request(SSL *ssl, char request[WS_PEER_REQUEST])
{
	size_t len = 0;

	for (;;) {
		if (len == WS_PEER_REQUEST - 1 || !peer_read(ssl, request + len, 1))
			return false;
		request[++len] = '\0';
		if (len >= 4 && !strcmp(request + len - 4, "\r\n\r\n"))
			return true;
	}
}

void ws_peer_answer(const char *request, const char *extra, char *answer, size_t size)
{
	const char *key = strstr(request, "Sec-WebSocket-Key: ");
	unsigned char joined[80], hash[SHA_DIGEST_LENGTH];
	char accept[40];

	snprintf((char *)joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
	    key ? key + strlen("Sec-WebSocket-Key: ") : "");
	SHA1(joined, strlen((char *)joined), hash);
	EVP_EncodeBlock((unsigned char *)accept, hash, sizeof hash);
	snprintf(answer, size,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n%s\r\n",
	    accept, extra);
}

bool ws_peer_upgrade(SSL *ssl)
{
	char request[WS_PEER_REQUEST], answer[1024];

	if (!ws_peer_request(ssl, request))
		return false;
	ws_peer_answer(request, "", answer, sizeof answer);
	return peer_write(ssl, answer, strlen(answer));
}

bool ws_peer_send(SSL *ssl, unsigned first, const void *payload, size_t len)
{
	unsigned char *frame = malloc(len + 10);
	size_t n = 2;
	bool sent;

	frame[0] = (unsigned char)first;
	if (len < 126) {
		frame[1] = (unsigned char)len;
	} else if (len < 65536) {
		frame[1] = 126;
		frame[n++] = (unsigned char)(len >> 8);
		frame[n++] = (unsigned char)len;
	} else {
		frame[1] = 127;
		for (int shift = 56; shift >= 0; shift -= 8)
			frame[n++] = (unsigned char)(len >> shift);
	}
	if (len)
		memcpy(frame + n, payload, len);
	sent = peer_write(ssl, frame, n + len);
	free(frame);
	return sent;
}

bool ws_peer_recv(SSL *ssl, struct ws_peer_frame *out)
{
	unsigned char head[2], more[8], mask[4] = { 0 };
	int extra;

	memset(out, 0, sizeof *out);
	if (!peer_read(ssl, head, 2))
		return false;
	out->first = head[0];
	out->masked = head[1] & 0x80;
	out->len = head[1] & 0x7f;
	extra = out->len == 126 ? 2 : out->len == 127 ? 8 : 0;
	if (extra) {
		if (!peer_read(ssl, more, (size_t)extra))
			return false;
		out->len = 0;
		for (int i = 0; i < extra; i++)
			out->len = out->len << 8 | more[i];
	}
	if (out->masked && !peer_read(ssl, mask, 4))
		return false;
	out->payload = malloc(out->len + 1);
	if (!peer_read(ssl, out->payload, out->len)) {
		free(out->payload);
		out->payload = NULL;
		return false;
	}
	for (uint64_t i = 0; i < out->len; i++)
		out->payload[i] ^= mask[i & 3];
	out->payload[out->len] = '\0';
	return true;
}
