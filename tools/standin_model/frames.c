#include "tools/standin_model/frames.h"

#include <string.h>

static void unmask(char *payload, size_t len, const uint8_t *mask)
{
	uint64_t wide, word;
	size_t i = 0;

	memcpy(&wide, mask, 4);
	memcpy((uint8_t *)&wide + 4, mask, 4);
	for (; i + 8 <= len; i += 8) {
		memcpy(&word, payload + i, 8);
		word ^= wide;
		memcpy(payload + i, &word, 8);
	}
	for (; i < len; i++)
		payload[i] = (char)(payload[i] ^ (char)mask[i & 3]);
}

long frame_take(char *data, size_t len, struct frame *frame)
{
	const uint8_t *head = (const uint8_t *)data;
	size_t need = 2, size;

	if (len < 2)
		return 0;
	size = head[1] & 0x7f;
	if (size >= 126) {
		int bytes = size == 126 ? 2 : 8;

		need += (size_t)bytes;
		if (len < need)
			return 0;
		size = 0;
		for (int i = 0; i < bytes; i++)
			size = size << 8 | head[2 + i];
	}
	if (size > FRAME_MAX)
		return -1;
	frame->masked = head[1] & 0x80;
	need += frame->masked ? 4 : 0;
	if (len < need + size)
		return 0;
	frame->fin = head[0] & 0x80;
	frame->rsv = (head[0] >> 4) & 7;
	frame->opcode = head[0] & 15;
	frame->payload = data + need;
	frame->len = size;
	if (frame->masked)
		unmask(frame->payload, size, head + need - 4);
	return (long)(need + size);
}

const char *frame_fault(const struct frame *f, bool fragments)
{
	if (!f->masked)
		return "frame is not masked";
	if (f->rsv)
		return "reserved bits are set";
	if (f->opcode >= 8)
		return f->opcode > OP_PONG ? "reserved opcode"
		       : !f->fin           ? "fragmented control frame"
		       : f->len > 125      ? "control frame longer than 125 bytes"
					   : NULL;
	if (f->opcode > OP_BINARY)
		return "reserved opcode";
	if (f->opcode == OP_MORE && !fragments)
		return "continuation of nothing";
	if (f->opcode != OP_MORE && fragments)
		return "new message inside a fragmented one";
	return f->opcode == OP_BINARY ? "binary message" : NULL;
}

void frame_put(
    struct text *out, bool fin, unsigned rsv, unsigned opcode, const uint8_t *mask, const void *payload, size_t len)
{
	uint8_t head[14];
	size_t n = 2;
	int bytes = len < 126 ? 0 : len < 65536 ? 2 : 8;

	head[0] = (uint8_t)((fin ? 0x80u : 0) | rsv << 4 | opcode);
	head[1] = (uint8_t)((mask ? 0x80u : 0) | (bytes == 0 ? len : bytes == 2 ? 126 : 127));
	for (int i = bytes - 1; i >= 0; i--)
		head[n++] = (uint8_t)((uint64_t)len >> (8 * i));
	if (mask) {
		memcpy(head + n, mask, 4);
		n += 4;
	}
	text_reserve(out, n + len);
	text_add(out, head, n);
	text_add(out, payload, len);
	if (mask)
		unmask(out->data + out->len - len, len, mask);
}
