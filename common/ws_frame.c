#include "common/ws_frame.h"

#include "common/json.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

enum {
	CONTROL_MAX = 125,
	HEADER_MAX = 14,
	CLOSE_NO_CODE = 1005,
	KEEP_BYTES = 16 << 10, /* an idle reader holds on to no more than this */
};

struct ws_reader {
	wslay_frame_context_ptr frames; /* owned */
	bool masked;
	ws_read_fn *read;
	void *arg;
	int said; /* what the callback answered last: 0 when it gave bytes */
	int err;  /* set once it is over */

	/* The frame being read. */
	bool in_frame;
	size_t frame_got;

	/* The data message being joined; control frames may come in between. */
	enum ws_opcode opcode; /* 0: none begun */
	struct buf message;
	bool handed_out;

	char control[CONTROL_MAX + 1];
};

static ssize_t read_transport(uint8_t *out, size_t size, int flags, void *arg)
{
	struct ws_reader *r = arg;
	ssize_t got = r->read(r->arg, out, size);

	(void)flags;
	assert(got <= (ssize_t)size);
	if (got > 0)
		r->said = 0;
	else
		r->said = got ? (int)got : -EPIPE;
	return got > 0 ? got : -1;
}

int ws_reader_open(struct ws_reader **out, bool masked, size_t max_message, ws_read_fn *read, void *arg)
{
	struct wslay_frame_callbacks callbacks = { .recv_callback = read_transport };
	struct ws_reader *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	r->masked = masked;
	r->read = read;
	r->arg = arg;
	buf_init(&r->message, max_message);
	if (wslay_frame_context_init(&r->frames, &callbacks, r)) {
		free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

static bool is_control(unsigned opcode)
{
	return opcode >= WS_CLOSE;
}

/* What RFC 6455 §5.2 and §5.4 demand of a frame's header, as far as wslay
 * leaves it to us. It has seen to it that control frames are whole and short
 * and that lengths are minimal. */
static int check_header(const struct ws_reader *r, const struct wslay_frame_iocb *f)
{
	if (f->rsv || (f->mask != 0) != r->masked)
		return -EPROTO;
	switch (f->opcode) {
	case WS_CLOSE:
	case WS_PING:
	case WS_PONG:
		return 0;
	case WS_TEXT:
	case WS_BINARY:
		if (r->opcode)
			return -EPROTO; /* the message before is not finished */
		break;
	case WS_CONTINUATION:
		if (!r->opcode)
			return -EPROTO;
		break;
	default:
		return -EPROTO;
	}
	return f->payload_length > r->message.max - r->message.len ? -EMSGSIZE : 0;
}

static int begin_frame(struct ws_reader *r, const struct wslay_frame_iocb *f)
{
	int err = check_header(r, f);

	if (err)
		return err;
	r->in_frame = true;
	r->frame_got = 0;
	if (is_control(f->opcode))
		return 0;
	if (f->opcode != WS_CONTINUATION)
		r->opcode = f->opcode;
	/* The usual message in one step; a huge one has to come before memory is
	 * spent on it. */
	if (f->payload_length <= KEEP_BYTES && !buf_room(&r->message, (size_t)f->payload_length))
		return buf_error(&r->message);
	return 0;
}

/* Codes that may travel (RFC 6455 §7.4). */
static bool close_code_valid(int code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static int hand_out_close(struct ws_message *out)
{
	if (out->len == 1)
		return -EPROTO;
	if (out->len < 2) {
		out->close_code = CLOSE_NO_CODE;
		return 1;
	}
	out->close_code = (unsigned char)out->data[0] << 8 | (unsigned char)out->data[1];
	out->data += 2;
	out->len -= 2;
	if (!close_code_valid(out->close_code))
		return -EPROTO;
	return utf8_valid(out->data, out->len) ? 1 : -EILSEQ;
}

static int hand_out(struct ws_reader *r, unsigned opcode, struct ws_message *out)
{
	memset(out, 0, sizeof *out);
	if (is_control(opcode)) {
		r->control[r->frame_got] = '\0';
		out->opcode = opcode;
		out->data = r->control;
		out->len = r->frame_got;
		return opcode == WS_CLOSE ? hand_out_close(out) : 1;
	}
	out->opcode = r->opcode;
	out->data = r->message.data;
	out->len = r->message.len;
	r->handed_out = true;
	return out->opcode == WS_BINARY || utf8_valid(out->data, out->len) ? 1 : -EILSEQ;
}

/* Takes what wslay has of a frame. 1: that completed a message. */
static int take_piece(struct ws_reader *r, const struct wslay_frame_iocb *f, struct ws_message *out)
{
	int err = r->in_frame ? 0 : begin_frame(r, f);

	if (err)
		return err;
	if (is_control(f->opcode)) {
		if (f->data_length)
			memcpy(r->control + r->frame_got, f->data, f->data_length);
	} else {
		buf_put(&r->message, f->data, f->data_length);
		if (buf_error(&r->message))
			return buf_error(&r->message);
	}
	r->frame_got += f->data_length;
	if (r->frame_got < f->payload_length)
		return 0;
	r->in_frame = false;
	return is_control(f->opcode) || f->fin ? hand_out(r, f->opcode, out) : 0;
}

static void forget_message(struct ws_reader *r)
{
	r->handed_out = false;
	r->opcode = 0;
	buf_reset(&r->message);
	if (r->message.cap > KEEP_BYTES)
		buf_free(&r->message);
}

int ws_reader_next(struct ws_reader *r, struct ws_message *out)
{
	struct wslay_frame_iocb frame;
	int done = 0;

	if (r->handed_out)
		forget_message(r);
	while (!r->err && !done) {
		/* Also returns when a read was short and the callback may have more. */
		ssize_t got = wslay_frame_recv(r->frames, &frame);

		if (got >= 0)
			done = take_piece(r, &frame, out);
		else if (got != WSLAY_ERR_WANT_READ)
			done = -EPROTO;
		else if (r->said == -EAGAIN)
			return 0;
		else
			done = r->said;
		if (done < 0)
			r->err = done;
	}
	if (done == 1 && out->opcode == WS_CLOSE)
		r->err = -EPIPE; /* nothing may follow */
	return done ? done : r->err;
}

void ws_reader_close(struct ws_reader *r)
{
	if (!r)
		return;
	wslay_frame_context_free(r->frames);
	buf_free(&r->message);
	free(r);
}

int ws_close_code(int err)
{
	switch (err) {
	case -EPROTO:
		return WS_CLOSE_PROTOCOL;
	case -EMSGSIZE:
		return WS_CLOSE_TOO_BIG;
	case -EILSEQ:
		return WS_CLOSE_BAD_DATA;
	case -EPIPE:
		return WS_CLOSE_NORMAL;
	default:
		return WS_CLOSE_INTERNAL;
	}
}

/* RFC 6455 §5.2: FIN and opcode, mask bit and length in its shortest form,
 * then the mask. */
static size_t put_header(uint8_t *to, enum ws_opcode opcode, size_t len, const uint8_t *mask)
{
	size_t n = 2;

	to[0] = (uint8_t)(0x80 | opcode);
	if (len < 126) {
		to[1] = (uint8_t)len;
	} else if (len < 65536) {
		to[1] = 126;
		for (unsigned shift = 16; shift; shift -= 8)
			to[n++] = (uint8_t)(len >> (shift - 8));
	} else {
		to[1] = 127;
		for (unsigned shift = 64; shift; shift -= 8)
			to[n++] = (uint8_t)((uint64_t)len >> (shift - 8));
	}
	if (mask) {
		to[1] |= 0x80;
		memcpy(to + n, mask, 4);
		n += 4;
	}
	return n;
}

/* Eight bytes at a time: the mask repeats every four. */
static void copy_masked(char *to, const char *from, size_t len, const uint8_t *mask)
{
	uint64_t twice, word;
	size_t i = 0;

	memcpy(&twice, mask, 4);
	memcpy((char *)&twice + 4, mask, 4);
	for (; len - i >= sizeof word; i += sizeof word) {
		memcpy(&word, from + i, sizeof word);
		word ^= twice;
		memcpy(to + i, &word, sizeof word);
	}
	for (; i < len; i++)
		to[i] = (char)(from[i] ^ (char)mask[i & 3]);
}

void ws_put_frame(struct buf *out, enum ws_opcode opcode, const void *payload, size_t len, const uint8_t *mask)
{
	uint8_t header[HEADER_MAX];
	size_t header_len;
	char *room;

	if (is_control(opcode) && len > CONTROL_MAX)
		len = CONTROL_MAX;
	header_len = put_header(header, opcode, len, mask);
	room = buf_room(out, header_len + len);
	if (!room)
		return;
	memcpy(room, header, header_len);
	if (mask)
		copy_masked(room + header_len, payload, len, mask);
	else if (len)
		memcpy(room + header_len, payload, len);
	buf_grew(out, header_len + len);
}

void ws_put_close(struct buf *out, int code, const char *reason, const uint8_t *mask)
{
	char payload[CONTROL_MAX];
	size_t len = strlen(reason);

	if (code == CLOSE_NO_CODE) {
		ws_put_frame(out, WS_CLOSE, "", 0, mask);
		return;
	}
	/* Cut where a character begins: the reason has to stay UTF-8. */
	if (len > CONTROL_MAX - 2)
		for (len = CONTROL_MAX - 2; len && ((unsigned char)reason[len] & 0xc0) == 0x80;)
			len--;
	payload[0] = (char)(code >> 8);
	payload[1] = (char)code;
	memcpy(payload + 2, reason, len);
	ws_put_frame(out, WS_CLOSE, payload, len + 2, mask);
}
