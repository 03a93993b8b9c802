#include "common/ws_frame.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { MAX_MESSAGE = 100000 };

/* A transport that gives its bytes in pieces, with nothing in between. */
struct source {
	const uint8_t *bytes;
	size_t len, at;
	size_t first, piece; /* the first piece's size, and the others' */
	bool pause;          /* say -EAGAIN once before each piece */
	bool paused;
	int end; /* what comes after: 0, or an errno */
};

static ssize_t read_source(void *arg, uint8_t *out, size_t size)
{
	struct source *s = arg;
	size_t n = s->at ? s->piece : s->first;

	if (s->pause && !s->paused) {
		s->paused = true;
		return -EAGAIN;
	}
	s->paused = false;
	if (s->at == s->len)
		return s->end;
	if (n > s->len - s->at)
		n = s->len - s->at;
	if (n > size)
		n = size;
	memcpy(out, s->bytes + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

static struct source whole(const void *bytes, size_t len)
{
	return (struct source){ .bytes = bytes, .len = len, .first = len, .piece = len };
}

/* Reads on through pauses: a message, or the end. */
static int next(struct ws_reader *r, struct ws_message *m)
{
	int got;

	while (!(got = ws_reader_next(r, m)))
		;
	return got;
}

static struct ws_reader *reader(bool masked, struct source *s)
{
	struct ws_reader *r;

	assert_int_equal(ws_reader_open(&r, masked, MAX_MESSAGE, read_source, s), 0);
	return r;
}

static struct ws_message first(struct ws_reader *r)
{
	struct ws_message m;

	assert_int_equal(next(r, &m), 1);
	return m;
}

static void expect(struct ws_reader *r, enum ws_opcode opcode, const char *text, size_t len)
{
	struct ws_message m;

	assert_int_equal(next(r, &m), 1);
	assert_int_equal(m.opcode, opcode);
	assert_int_equal(m.len, len);
	assert_memory_equal(m.data, text, len);
	assert_int_equal(m.data[len], 0);
}

/* What a server would get of bytes: the first result that is no message. */
static int outcome(bool masked, const char *bytes, size_t len, int *messages)
{
	struct source s = whole(bytes, len);
	struct ws_reader *r = reader(masked, &s);
	struct ws_message m;
	int got;

	*messages = 0;
	while ((got = next(r, &m)) == 1)
		++*messages;
	assert_int_equal(next(r, &m), got); /* over is over */
	ws_reader_close(r);
	return got;
}

static void refuse(const char *bytes, size_t len, int err)
{
	int messages;

	assert_int_equal(outcome(false, bytes, len, &messages), err);
	assert_int_equal(messages, 0);
}

/* One of everything: plain, empty, extended lengths, fragments around a ping. */
struct stream {
	struct buf bytes;
	char *medium, *large;
};

enum { MEDIUM = 300, LARGE = 70000 };

static void put_raw(struct buf *b, unsigned first, const char *payload, const uint8_t *mask)
{
	size_t at = b->len;

	ws_put_frame(b, first & 0x0f, payload, strlen(payload), mask);
	b->data[at] = (char)first;
}

static struct stream make_stream(const uint8_t *mask)
{
	struct stream s = { .medium = malloc(MEDIUM), .large = malloc(LARGE) };

	memset(s.medium, 'm', MEDIUM);
	memset(s.large, 'l', LARGE);
	buf_init(&s.bytes, 0);
	ws_put_frame(&s.bytes, WS_TEXT, "hello", 5, mask);
	ws_put_frame(&s.bytes, WS_TEXT, "", 0, mask);
	ws_put_frame(&s.bytes, WS_BINARY, s.medium, MEDIUM, mask);
	put_raw(&s.bytes, WS_TEXT, "gr\xc3", mask); /* a character cut in two by the frames */
	ws_put_frame(&s.bytes, WS_PING, "beat", 4, mask);
	put_raw(&s.bytes, WS_CONTINUATION, "", mask);
	ws_put_frame(&s.bytes, WS_PONG, "", 0, mask);
	put_raw(&s.bytes, 0x80 | WS_CONTINUATION, "\xbc\xc3\x9f", mask);
	ws_put_frame(&s.bytes, WS_TEXT, s.large, LARGE, mask);
	ws_put_close(&s.bytes, 4001, "gr\xc3\xbc\xc3\x9f", mask);
	assert_int_equal(buf_error(&s.bytes), 0);
	return s;
}

static void free_stream(struct stream *s)
{
	buf_free(&s->bytes);
	free(s->medium);
	free(s->large);
}

static void expect_stream(struct ws_reader *r, const struct stream *s)
{
	struct ws_message m;

	expect(r, WS_TEXT, "hello", 5);
	expect(r, WS_TEXT, "", 0);
	expect(r, WS_BINARY, s->medium, MEDIUM);
	expect(r, WS_PING, "beat", 4);
	expect(r, WS_PONG, "", 0);
	expect(r, WS_TEXT, "gr\xc3\xbc\xc3\x9f", 6);
	expect(r, WS_TEXT, s->large, LARGE);
	assert_int_equal(next(r, &m), 1);
	assert_int_equal(m.opcode, WS_CLOSE);
	assert_int_equal(m.close_code, 4001);
	assert_string_equal(m.data, "gr\xc3\xbc\xc3\x9f");
	assert_int_equal(next(r, &m), -EPIPE);
}

static void a_stream_is_the_same_in_pieces_of_any_size(void **state)
{
	static const uint8_t mask[4] = { 0x12, 0xff, 0x00, 0x80 };
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 4095, 4096, 4097, 1 << 20 };

	(void)state;
	for (int masked = 0; masked < 2; masked++) {
		struct stream s = make_stream(masked ? mask : NULL);

		for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
			struct source from = whole(s.bytes.data, s.bytes.len);
			struct ws_reader *r = reader(masked, &from);

			from.first = from.piece = pieces[i];
			from.pause = true;
			expect_stream(r, &s);
			ws_reader_close(r);
		}
		free_stream(&s);
	}
}

static void a_stream_is_the_same_split_at_every_offset(void **state)
{
	struct stream s = make_stream(NULL);

	(void)state;
	/* Up to where only the large message's payload is left. */
	for (size_t cut = 1; cut < 600; cut++) {
		struct source from = whole(s.bytes.data, s.bytes.len);
		struct ws_reader *r = reader(false, &from);

		from.first = cut;
		from.pause = true;
		expect_stream(r, &s);
		ws_reader_close(r);
	}
	free_stream(&s);
}

static void all_messages_of_a_piece_come_before_nothing(void **state)
{
	static const char two[] = "\x81\x03one\x81\x03two\x81\x05th";
	struct source s = whole(two, sizeof two - 1);
	struct ws_reader *r = reader(false, &s);
	struct ws_message m;

	(void)state;
	s.end = -EAGAIN;
	assert_int_equal(ws_reader_next(r, &m), 1);
	assert_string_equal(m.data, "one");
	assert_int_equal(ws_reader_next(r, &m), 1);
	assert_string_equal(m.data, "two");
	assert_int_equal(ws_reader_next(r, &m), 0);
	assert_int_equal(ws_reader_next(r, &m), 0);
	ws_reader_close(r);
}

static void the_end_of_the_transport_is_passed_on(void **state)
{
	static const int ends[][2] = { { 0, -EPIPE }, { -ECONNRESET, -ECONNRESET } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct source s = whole("\x81\x05half", 6);
		struct ws_reader *r = reader(false, &s);
		struct ws_message m;

		s.end = ends[i][0];
		assert_int_equal(ws_reader_next(r, &m), ends[i][1]);
		s.end = -EAGAIN;
		assert_int_equal(ws_reader_next(r, &m), ends[i][1]);
		ws_reader_close(r);
	}
}

static void masking_the_wrong_way_round_is_refused(void **state)
{
	int messages;

	(void)state;
	refuse("\x81\x85"
	       "abcdxxxxx",
	    11, -EPROTO); /* from a server: masked */
	assert_int_equal(outcome(true, "\x81\x05hello", 7, &messages), -EPROTO);
	assert_int_equal(messages, 0);
	/* An empty frame has a mask too. */
	assert_int_equal(outcome(true, "\x81\x00", 2, &messages), -EPROTO);
	assert_int_equal(outcome(true,
			     "\x81\x80"
			     "abcd",
			     6, &messages),
	    -EPIPE);
	assert_int_equal(messages, 1);
}

static void reserved_bits_and_opcodes_are_refused(void **state)
{
	(void)state;
	for (unsigned rsv = 0x10; rsv <= 0x70; rsv += 0x10) {
		char frame[] = { (char)(0x81 | rsv), 1, 'x' };

		refuse(frame, 3, -EPROTO);
		frame[0] = (char)(0x89 | rsv);
		refuse(frame, 3, -EPROTO);
	}
	for (unsigned opcode = 0; opcode < 16; opcode++) {
		char frame[] = { (char)(0x80 | opcode), 0 };

		if ((opcode >= 3 && opcode <= 7) || opcode >= 11)
			refuse(frame, 2, -EPROTO);
	}
}

static void fragments_out_of_order_are_refused(void **state)
{
	int messages;

	(void)state;
	refuse("\x80\x01x", 3, -EPROTO);          /* continues nothing */
	refuse("\x01\x01x\x81\x01y", 6, -EPROTO); /* a new message inside another */
	/* After a whole message, nothing is left to continue. */
	assert_int_equal(outcome(false, "\x81\x01x\x80\x01y", 6, &messages), -EPROTO);
	assert_int_equal(messages, 1);
}

static void control_frames_are_short_and_whole(void **state)
{
	char longest[127] = "\x89\x7d";
	int messages;

	(void)state;
	assert_int_equal(outcome(false, longest, sizeof longest, &messages), -EPIPE);
	assert_int_equal(messages, 1);
	refuse("\x89\x7e\x00\x7e", 4, -EPROTO);
	refuse("\x09\x01x", 3, -EPROTO);
	refuse("\x08\x00", 2, -EPROTO);
}

static void lengths_are_written_the_short_way(void **state)
{
	(void)state;
	refuse("\x81\x7e\x00\x7dx", 5, -EPROTO);
	refuse("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xffx", 11, -EPROTO);
	refuse("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00x", 11, -EPROTO);
}

static void a_message_may_be_as_large_as_the_limit_and_no_larger(void **state)
{
	char *payload = calloc(1, MAX_MESSAGE + 1);
	struct buf bytes;
	int messages;

	(void)state;
	buf_init(&bytes, 0);
	ws_put_frame(&bytes, WS_BINARY, payload, MAX_MESSAGE, NULL);
	assert_int_equal(outcome(false, bytes.data, bytes.len, &messages), -EPIPE);
	assert_int_equal(messages, 1);
	buf_reset(&bytes);
	ws_put_frame(&bytes, WS_BINARY, payload, MAX_MESSAGE + 1, NULL);
	refuse(bytes.data, bytes.len, -EMSGSIZE);
	/* The header is enough: nobody waits for 2^62 bytes, nor makes room for them. */
	refuse("\x82\x7f\x40\x00\x00\x00\x00\x00\x00\x00x", 11, -EMSGSIZE);
	/* In fragments, each of them small. */
	buf_reset(&bytes);
	for (int i = 0; i <= MAX_MESSAGE; i += 1000) {
		size_t at = bytes.len;

		ws_put_frame(&bytes, i ? WS_CONTINUATION : WS_BINARY, payload, 1000, NULL);
		bytes.data[at] &= 0x7f;
	}
	refuse(bytes.data, bytes.len, -EMSGSIZE);
	buf_free(&bytes);
	free(payload);
}

static void text_must_be_utf8_and_binary_need_not(void **state)
{
	int messages;

	(void)state;
	refuse("\x81\x02\xff\xfe", 4, -EILSEQ);
	refuse("\x81\x01\xc3", 3, -EILSEQ);
	refuse("\x81\x03\xed\xa0\x80", 5, -EILSEQ); /* a surrogate */
	assert_int_equal(outcome(false, "\x82\x02\xff\xfe", 4, &messages), -EPIPE);
	assert_int_equal(messages, 1);
}

static void a_bad_byte_is_seen_wherever_it_stands(void **state)
{
	char frame[2 + 40] = "\x81\x28";
	int messages;

	(void)state;
	for (size_t at = 2; at < sizeof frame; at++) {
		memset(frame + 2, 'a', sizeof frame - 2);
		frame[at] = '\xff';
		refuse(frame, sizeof frame, -EILSEQ);
		if (at + 1 == sizeof frame)
			break;
		memcpy(frame + at, "\xc3\xbc", 2);
		assert_int_equal(outcome(false, frame, sizeof frame, &messages), -EPIPE);
		assert_int_equal(messages, 1);
	}
}

static void a_close_frame_carries_a_code_that_may_travel(void **state)
{
	int messages;

	(void)state;
	refuse("\x88\x01x", 3, -EPROTO);
	refuse("\x88\x04\x03\xe8\xff\xff", 6, -EILSEQ);
	for (int code = 0; code < 65536; code++) {
		char frame[] = { (char)0x88, 2, (char)(code >> 8), (char)code };
		bool valid =
		    (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);

		assert_int_equal(outcome(false, frame, 4, &messages), valid ? -EPIPE : -EPROTO);
		assert_int_equal(messages, valid);
	}
}

static void an_empty_close_means_no_code(void **state)
{
	struct source s = whole("\x88\x00", 2);
	struct ws_reader *r = reader(false, &s);
	struct ws_message m = first(r);

	(void)state;
	assert_int_equal(m.close_code, 1005);
	assert_string_equal(m.data, "");
	ws_reader_close(r);
}

static void nothing_is_read_after_a_close(void **state)
{
	int messages;

	(void)state;
	assert_int_equal(outcome(false, "\x88\x00\x81\x01x", 5, &messages), -EPIPE);
	assert_int_equal(messages, 1);
}

static void a_message_may_be_changed_in_place(void **state)
{
	struct source s = whole("\x81\x03one\x81\x03two", 10);
	struct ws_reader *r = reader(false, &s);
	struct ws_message m = first(r);

	(void)state;
	memset(m.data, 'x', m.len);
	expect(r, WS_TEXT, "two", 3);
	ws_reader_close(r);
}

static void headers_are_as_rfc_6455_draws_them(void **state)
{
	static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	/* The examples of §5.7. */
	ws_put_frame(&b, WS_TEXT, "Hello", 5, NULL);
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.data, "\x81\x05Hello", 7);
	buf_reset(&b);
	ws_put_frame(&b, WS_TEXT, "Hello", 5, mask);
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.data, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
	buf_free(&b);
}

static void frames_of_every_length_class_can_be_read_again(void **state)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	static const size_t lengths[] = { 0, 1, 7, 8, 9, 125, 126, 127, 128, 65535, 65536, 65537 };
	char *payload = malloc(65537);
	struct buf b;

	(void)state;
	for (size_t i = 0; i < 65537; i++)
		payload[i] = (char)(i * 7);
	buf_init(&b, 0);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		for (int masked = 0; masked < 2; masked++) {
			struct source s;
			struct ws_reader *r;

			buf_reset(&b);
			ws_put_frame(&b, WS_BINARY, payload, lengths[i], masked ? mask : NULL);
			s = whole(b.data, b.len);
			r = reader(masked, &s);
			expect(r, WS_BINARY, payload, lengths[i]);
			ws_reader_close(r);
		}
	}
	buf_free(&b);
	free(payload);
}

static void what_we_write_fits_a_control_frame(void **state)
{
	char reason[201];
	struct buf b;
	struct source s;
	struct ws_reader *r;
	struct ws_message m;

	(void)state;
	/* Two bytes each: the cut must not halve one. */
	for (int i = 0; i < 200; i += 2)
		memcpy(reason + i, "\xc3\xbc", 2);
	reason[200] = '\0';
	buf_init(&b, 0);
	ws_put_close(&b, 1000, reason, NULL);
	ws_put_close(&b, 1005, "ignored", NULL);
	s = whole(b.data, b.len);
	r = reader(false, &s);
	assert_int_equal(next(r, &m), 1);
	assert_int_equal(m.close_code, 1000);
	assert_int_equal(m.len, 122);
	ws_reader_close(r);
	assert_memory_equal(b.data + b.len - 2, "\x88\x00", 2);
	buf_free(&b);
}

static void a_full_buffer_takes_no_half_frame(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	ws_put_frame(&b, WS_TEXT, "12345", 5, NULL);
	ws_put_frame(&b, WS_TEXT, "12345", 5, NULL);
	assert_int_equal(buf_error(&b), -E2BIG);
	assert_int_equal(b.len, 7);
	buf_free(&b);
}

static void each_fault_has_its_close_code(void **state)
{
	(void)state;
	assert_int_equal(ws_close_code(-EPROTO), 1002);
	assert_int_equal(ws_close_code(-EMSGSIZE), 1009);
	assert_int_equal(ws_close_code(-EILSEQ), 1007);
	assert_int_equal(ws_close_code(-ENOMEM), 1011);
	assert_int_equal(ws_close_code(-EPIPE), 1000);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_stream_is_the_same_in_pieces_of_any_size),
	cmocka_unit_test(a_stream_is_the_same_split_at_every_offset),
	cmocka_unit_test(all_messages_of_a_piece_come_before_nothing),
	cmocka_unit_test(the_end_of_the_transport_is_passed_on),
	cmocka_unit_test(masking_the_wrong_way_round_is_refused),
	cmocka_unit_test(reserved_bits_and_opcodes_are_refused),
	cmocka_unit_test(fragments_out_of_order_are_refused),
	cmocka_unit_test(control_frames_are_short_and_whole),
	cmocka_unit_test(lengths_are_written_the_short_way),
	cmocka_unit_test(a_message_may_be_as_large_as_the_limit_and_no_larger),
	cmocka_unit_test(text_must_be_utf8_and_binary_need_not),
	cmocka_unit_test(a_bad_byte_is_seen_wherever_it_stands),
	cmocka_unit_test(a_close_frame_carries_a_code_that_may_travel),
	cmocka_unit_test(an_empty_close_means_no_code),
	cmocka_unit_test(nothing_is_read_after_a_close),
	cmocka_unit_test(a_message_may_be_changed_in_place),
	cmocka_unit_test(headers_are_as_rfc_6455_draws_them),
	cmocka_unit_test(frames_of_every_length_class_can_be_read_again),
	cmocka_unit_test(what_we_write_fits_a_control_frame),
	cmocka_unit_test(a_full_buffer_takes_no_half_frame),
	cmocka_unit_test(each_fault_has_its_close_code),
	{ 0 },
};
