/* The phone's socket without a loop: time is given by hand. */
#include "common/clock.h"
#include "server/caller/phone_socket.h"
#include "tests/unit.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

ONE_THREAD;

static int sockets[2]; /* ours, the phone's */
static struct phone_socket s;
static struct ws_reader *reader;
static int64_t now;

static ssize_t read_phone(void *arg, uint8_t *out, size_t size)
{
	ssize_t n = recv(sockets[1], out, size, MSG_DONTWAIT);

	(void)arg;
	return n < 0 ? -errno : n;
}

static int begin(void **state)
{
	(void)state;
	now = 1000 * (int64_t)US_PER_S;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) || phone_socket_open(&s, sockets[0], now) ||
	       ws_reader_open(&reader, false, 65536, read_phone, NULL);
}

static int end(void **state)
{
	(void)state;
	phone_socket_close(&s);
	ws_reader_close(reader);
	close(sockets[0]);
	close(sockets[1]);
	return 0;
}

/* Up to the next ping; whether the phone still counts as there. */
static bool next_ping(void)
{
	now = phone_socket_deadline_us(&s);
	return phone_socket_ping(&s, now) && phone_socket_flush(&s, now) == CALL_NOT_ENDED;
}

static void expect_pings(int count)
{
	struct ws_message m;

	for (; ws_reader_next(reader, &m) == 1; count--)
		assert_int_equal(m.opcode, WS_PING);
	assert_int_equal(count, 0);
}

static void phone_sends(enum ws_opcode opcode)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	struct ws_message m;
	struct buf out;

	buf_init(&out, 0);
	ws_put_frame(&out, opcode, "x", 1, mask);
	assert_int_equal(send(sockets[1], out.data, out.len, MSG_NOSIGNAL), out.len);
	buf_free(&out);
	phone_socket_woken(&s);
	assert_int_equal(phone_socket_next(&s, &m), 1);
}

static void nobody_is_pinged_who_is_not_watched(void **state)
{
	(void)state;
	assert_true(phone_socket_deadline_us(&s) == NEVER_US);
	assert_true(phone_socket_ping(&s, now + 3600 * (int64_t)US_PER_S));
	assert_int_equal(s.out.len, 0);
}

static void a_ping_every_twenty_seconds_and_two_may_be_missed(void **state)
{
	(void)state;
	phone_socket_watch(&s, now);
	assert_true(phone_socket_ping(&s, now + 20 * US_PER_S - 1));
	assert_int_equal(s.out.len, 0);
	assert_true(phone_socket_deadline_us(&s) == now + 20 * US_PER_S);
	assert_true(next_ping());
	assert_true(next_ping());
	expect_pings(2);
	assert_false(next_ping());
	expect_pings(0);
}

static void a_phone_that_answers_is_there(void **state)
{
	(void)state;
	phone_socket_watch(&s, now);
	for (int i = 0; i < 10; i++) {
		assert_true(next_ping());
		assert_true(next_ping());
		phone_sends(i % 2 ? WS_PONG : WS_TEXT);
	}
	expect_pings(20);
	assert_true(next_ping() && next_ping());
	assert_false(next_ping());
}

/* What did not fit into the buffer is the phone's fault, who has not read; what had no memory is ours. */
static void a_frame_that_is_missing_ends_the_call(void **state)
{
	(void)state;
	s.out.err = -E2BIG;
	assert_int_equal(phone_socket_flush(&s, now), END_STREAM_STALLED);
	s.out.err = -ENOMEM;
	assert_int_equal(phone_socket_flush(&s, now), END_INTERNAL_ERROR);
	assert_int_equal(phone_socket_flush(&s, now), CALL_NOT_ENDED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	TEST(nobody_is_pinged_who_is_not_watched),
	TEST(a_ping_every_twenty_seconds_and_two_may_be_missed),
	TEST(a_phone_that_answers_is_there),
	TEST(a_frame_that_is_missing_ends_the_call),
	{ 0 },
};
