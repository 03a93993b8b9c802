#include "tools/kit/ws.h"

#include <string.h>

static uint64_t big_endian(const uint8_t *at, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v = v << 8 | at[i];
	return v;
}

long ws_read(const uint8_t *bytes, size_t len, struct ws_frame *f, const char **why)
{
	size_t head = 2;
	uint64_t size;

	if (len < 2)
		return 0;
	f->fin = bytes[0] & 0x80;
	f->opcode = bytes[0] & 15;
	size = bytes[1] & 0x7F;
	*why = NULL;
	if (bytes[0] & 0x70)
		*why = "a reserved bit is set";
	else if (bytes[1] & 0x80)
		*why = "a frame is masked";
	else if ((f->opcode > 2 && f->opcode < 8) || f->opcode > 10)
		*why = "an opcode is not known";
	else if (f->opcode >= 8 && !f->fin)
		*why = "a control frame is fragmented";
	else if (f->opcode >= 8 && size > 125)
		*why = "a control frame is too long";
	if (*why)
		return -1;
	if (size >= 126) {
		int wide = size == 126 ? 2 : 8;

		head += (size_t)wide;
		if (len < head)
			return 0;
		size = big_endian(bytes + 2, wide);
		if (size < 126 || (wide == 8 && size < 65536))
			*why = "a length is not written in the shortest way";
		else if (size > WS_MAX_PAYLOAD)
			*why = "a frame is larger than 1 MB";
		if (*why)
			return -1;
	}
	if (len - head < size)
		return 0;
	f->payload = bytes + head;
	f->len = (size_t)size;
	return (long)(head + size);
}

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

void ws_write(struct text *out, int first, const void *payload, size_t len, const uint8_t mask[4])
{
	uint8_t head[14] = { (uint8_t)first };
	size_t n = 2;
	uint8_t bit = mask ? 0x80 : 0;

	if (len < 126) {
		head[1] = (uint8_t)(bit | len);
	} else if (len < 65536) {
		head[1] = bit | 126;
		head[2] = (uint8_t)(len >> 8);
		head[3] = (uint8_t)len;
		n = 4;
	} else {
		head[1] = bit | 127;
		for (int i = 0; i < 8; i++)
			head[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
		n = 10;
	}
	if (mask) {
		memcpy(head + n, mask, 4);
		n += 4;
	}
	text_add(out, head, n);
	text_add(out, payload, len);
	if (mask)
		ws_mask((uint8_t *)out->data + out->len - len, len, mask);
}
