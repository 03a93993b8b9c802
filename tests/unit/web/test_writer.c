#include "server/web/writer.h"

#include "common/bell.h"
#include "tests/unit.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

ONE_THREAD;

enum { GUARD_MS = 60000 }; /* only so that a fault ends the test */

static struct {
	int ours, theirs;
	_Atomic bool stop;
	struct writer w;
} t;

static int open_pair(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	t.ours = fds[0];
	t.theirs = fds[1];
	t.stop = false;
	writer_init(&t.w, t.ours, &t.stop);
	return 0;
}

static int close_pair(void **state)
{
	(void)state;
	close(t.ours);
	if (t.theirs >= 0)
		close(t.theirs);
	return 0;
}

static void what_is_put_arrives(void **state)
{
	char got[6] = "";

	(void)state;
	assert_int_equal(writer_put(&t.w, "hello", 5, GUARD_MS), 0);
	assert_int_equal(recv(t.theirs, got, 5, 0), 5);
	assert_string_equal(got, "hello");
}

static void client_that_reads_nothing_costs_no_more_than_the_deadline(void **state)
{
	char *much = calloc(1, 8 << 20);

	(void)state;
	assert_int_equal(writer_put(&t.w, much, 8 << 20, 50), -ETIMEDOUT);
	/* And nothing more is sent, for half an event is on the wire. */
	assert_int_equal(writer_put(&t.w, "x", 1, GUARD_MS), -ETIMEDOUT);
	assert_int_equal(writer_wait(&t.w, -1, GUARD_MS), -ETIMEDOUT);
	free(much);
}

static void client_that_has_gone_is_noticed_asleep_and_writing(void **state)
{
	struct writer second;

	(void)state;
	writer_init(&second, t.ours, NULL);
	close(t.theirs);
	t.theirs = -1;
	assert_int_equal(writer_wait(&t.w, -1, GUARD_MS), -EPIPE);
	assert_int_equal(writer_put(&second, "x", 1, GUARD_MS), -EPIPE);
}

static void bell_wakes_it_and_time_ends_it(void **state)
{
	struct bell bell;

	(void)state;
	assert_int_equal(bell_open(&bell), 0);
	assert_int_equal(writer_wait(&t.w, bell.fd, 1), 0);
	bell_ring(&bell);
	assert_int_equal(writer_wait(&t.w, bell.fd, GUARD_MS), 1);
	bell_close(&bell);
}

static void server_that_stops_takes_it_back(void **state)
{
	char *much = calloc(1, 8 << 20);
	struct writer second;

	(void)state;
	writer_init(&second, t.ours, &t.stop);
	t.stop = true;
	assert_int_equal(writer_wait(&t.w, -1, GUARD_MS), -ECANCELED);
	assert_int_equal(writer_put(&second, much, 8 << 20, GUARD_MS), -ECANCELED);
	free(much);
}

static void client_may_talk_a_little_but_not_for_ever(void **state)
{
	char much[4096] = "";

	(void)state;
	assert_int_equal(send(t.theirs, "hello", 5, 0), 5);
	assert_int_equal(writer_wait(&t.w, -1, 20), 0);
	for (int i = 0; i < 20; i++)
		send(t.theirs, much, sizeof much, MSG_DONTWAIT);
	assert_int_equal(writer_wait(&t.w, -1, GUARD_MS), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

const struct CMUnitTest unit_tests[] = {
	TEST(what_is_put_arrives),
	TEST(client_that_reads_nothing_costs_no_more_than_the_deadline),
	TEST(client_that_has_gone_is_noticed_asleep_and_writing),
	TEST(bell_wakes_it_and_time_ends_it),
	TEST(server_that_stops_takes_it_back),
	TEST(client_may_talk_a_little_but_not_for_ever),
	{ 0 },
};
