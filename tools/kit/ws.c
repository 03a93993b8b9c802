#include "tools/kit/ws.h"

#include <openssl/evp.h>
#include <string.h>

#include "tools/kit/base64.h"

void ws_mask(uint8_t *bytes, size_t len, const uint8_t mask[4])
{
	uint64_t wide, word;
	size_t i = 0;

	memcpy(&wide, mask, 4);
	memcpy((uint8_t *)&wide + 4, mask, 4);
	for (; i + 8 <= len; i += 8) {
		memcpy(&word, bytes + i, 8);
		word ^= wide;
		memcpy(bytes + i, &word, 8);
	}
	for (; i < len; i++)
		bytes[i] ^= mask[i & 3];
}

long ws_read(uint8_t *bytes, size_t len, size_t most, struct ws_frame *f)
{
	int wide = len < 2 || (bytes[1] & 0x7F) < 126 ? 0 : (bytes[1] & 0x7F) == 126 ? 2 : 8;
	size_t head = 2 + (size_t)wide;
	uint64_t size = 0;

	f->head = 0;
	if (len < head)
		return 0;
	f->fin = bytes[0] & 0x80;
	f->rsv = bytes[0] >> 4 & 7;
	f->opcode = bytes[0] & 15;
	f->masked = bytes[1] & 0x80;
	for (int i = 0; i < wide; i++)
		size = size << 8 | bytes[2 + i];
	f->shortest = !wide || size >= (wide == 2 ? 126 : 65536);
	size = wide ? size : bytes[1] & 0x7F;
	f->len = (size_t)size;
	f->head = head += f->masked ? 4 : 0;
	f->payload = bytes + head;
	if (size > most)
		return -1;
	if (len < head || len - head < size)
		return 0;
	if (f->masked)
		ws_mask(f->payload, f->len, f->payload - 4);
	return (long)(head + size);
}

const char *ws_fault(const struct ws_frame *f, enum ws_side from, bool fragments)
{
	if (f->rsv)
		return "a reserved bit is set";
	if (f->masked != (from == WS_OF_CLIENT))
		return f->masked ? "a frame is masked" : "a frame is not masked";
	if ((f->opcode > WS_BINARY && f->opcode < WS_CLOSE) || f->opcode > WS_PONG)
		return "an opcode is not known";
	if (!f->shortest)
		return "a length is not written in the shortest way";
	if (f->opcode >= WS_CLOSE)
		return !f->fin ? "a control frame is fragmented" : f->len > 125 ? "a control frame is too long" : NULL;
	if (f->opcode == WS_CONTINUATION && !fragments)
		return "a continuation continues nothing";
	return f->opcode != WS_CONTINUATION && fragments ? "a message begins inside another" : NULL;
}

void ws_write(struct text *out, int first, const void *payload, size_t len, const uint8_t mask[4])
{
	uint8_t head[14] = { (uint8_t)first };
	int wide = len < 126 ? 0 : len < 65536 ? 2 : 8;
	size_t n = 2;

	head[1] = (uint8_t)((mask ? 0x80u : 0) | (wide == 0 ? len : wide == 2 ? 126 : 127));
	for (int i = wide - 1; i >= 0; i--)
		head[n++] = (uint8_t)((uint64_t)len >> (8 * i));
	if (mask) {
		memcpy(head + n, mask, 4);
		n += 4;
	}
	text_reserve(out, n + len);
	text_add(out, head, n);
	text_add(out, payload, len);
	if (mask)
		ws_mask((uint8_t *)out->data + out->len - len, len, mask);
}

void ws_accept(char out[WS_ACCEPT_MAX], const char *key)
{
	struct text all = { 0 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	text_printf(&all, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	EVP_Digest(text_str(&all), all.len, digest, &len, EVP_sha1(), NULL);
	out[base64_put(out, digest, len)] = '\0';
	text_free(&all);
}

bool ws_close_code_ok(int code)
{
	return code >= 1000 && code <= 4999 && !(code >= 1004 && code <= 1006) && !(code > 1014 && code < 3000);
}
