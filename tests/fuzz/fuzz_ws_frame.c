/* Frames from a stranger, on either side, in pieces. The first byte chooses who
 * we are and how large the pieces are. */
#include "common/json.h"
#include "common/ws_frame.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MESSAGE = 5000 };

struct source {
	const uint8_t *data;
	size_t size, at, piece;
};

static ssize_t read_piece(void *arg, uint8_t *out, size_t size)
{
	struct source *s = arg;
	size_t n = s->piece < size ? s->piece : size;

	if (n > s->size - s->at)
		n = s->size - s->at;
	memcpy(out, s->data + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

/* What was read and is written again must read the same. */
static void read_again(const struct ws_message *m, bool masked)
{
	static const uint8_t mask[4] = { 0xa5, 0x00, 0xff, 0x3c };
	struct ws_reader *r;
	struct ws_message again;
	struct source s;
	struct buf b;

	buf_init(&b, 0);
	if (m->opcode == WS_CLOSE)
		ws_put_close(&b, m->close_code, m->data, masked ? mask : NULL);
	else
		ws_put_frame(&b, m->opcode, m->data, m->len, masked ? mask : NULL);
	s = (struct source){ .data = (uint8_t *)b.data, .size = b.len, .piece = 4096 };
	if (ws_reader_open(&r, masked, MAX_MESSAGE, read_piece, &s))
		abort();
	if (ws_reader_next(r, &again) != 1 || again.opcode != m->opcode || again.close_code != m->close_code)
		abort();
	/* A reason with a NUL inside ends there when it is written as text. */
	if (m->opcode != WS_CLOSE && (again.len != m->len || memcmp(again.data, m->data, m->len)))
		abort();
	ws_reader_close(r);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source s = { .data = data + 1, .size = size - 1 };
	struct ws_reader *r;
	struct ws_message m;
	bool masked;
	int got;

	if (!size)
		return 0;
	masked = data[0] & 1;
	s.piece = 1u + (data[0] >> 1);
	if (ws_reader_open(&r, masked, MAX_MESSAGE, read_piece, &s))
		abort();
	while ((got = ws_reader_next(r, &m)) == 1) {
		if (m.len > MAX_MESSAGE || m.data[m.len])
			abort();
		if (m.opcode == WS_TEXT && !utf8_valid(m.data, m.len))
			abort();
		read_again(&m, masked);
	}
	if (got == 0 || ws_reader_next(r, &m) != got)
		abort();
	ws_reader_close(r);
	return 0;
}
