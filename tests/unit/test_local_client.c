/* Against a peer that says what it likes. How it asks a server of ours is tested with the routes
 * (web/test_routes.c). */
#include "server/local_client.h"
#include "tests/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct peer {
	int listener;
	const char *answer; /* NULL: none, for as long as it is asked */
	size_t repeat;
	char asked[2048];
} peer;

static void *serve_one(void *arg)
{
	size_t len = 0;
	int fd = accept(peer.listener, NULL, NULL);
	ssize_t n = 1;

	(void)arg;
	while (n > 0 && !strstr(peer.asked, "\r\n\r\n")) {
		n = recv(fd, peer.asked + len, sizeof peer.asked - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
		peer.asked[len] = '\0';
	}
	if (!peer.answer)
		n = recv(fd, peer.asked, 1, 0); /* until the other side goes */
	for (size_t i = 0; peer.answer && i < peer.repeat; i++)
		if (send(fd, peer.answer, strlen(peer.answer), MSG_NOSIGNAL) < 0)
			break;
	close(fd);
	return NULL;
}

/* What local_get says of such an answer; `body` gets what it gives. */
static int told(int family, const char *answer, size_t repeat, int wait_ms, struct buf *body)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t size = family == AF_INET ? sizeof v4 : sizeof v6;
	struct local_server server = {
		.listen = family == AF_INET ? "0.0.0.0" : "::", .token = "t0k3n", .wait_ms = wait_ms
	};
	pthread_t thread;
	int status;

	peer = (struct peer){
		.listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), .answer = answer, .repeat = repeat
	};
	if (bind(peer.listener, address, size)) {
		close(peer.listener);
		return -EADDRNOTAVAIL;
	}
	assert_int_equal(listen(peer.listener, 1), 0);
	assert_int_equal(getsockname(peer.listener, address, &size), 0);
	server.port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	assert_int_equal(pthread_create(&thread, NULL, serve_one, NULL), 0);
	status = local_get(&server, "/calls/CA1", body);
	pthread_join(thread, NULL);
	close(peer.listener);
	return status;
}

static int told_of(const char *answer)
{
	struct buf body;
	int status;

	buf_init(&body, 65536);
	status = told(AF_INET, answer, 1, 60000, &body);
	buf_free(&body);
	return status;
}

static void body_stands_behind_the_head(void **state)
{
	struct buf body;

	(void)state;
	buf_init(&body, 65536);
	assert_int_equal(
	    told(AF_INET, "HTTP/1.1 404 Not Found\r\nX: y\r\ncontent-length: 7\r\n\r\n{\"a\":1}", 1, 60000, &body),
	    404);
	assert_string_equal(buf_text(&body), "{\"a\":1}");
	assert_string_equal(peer.asked, "GET /calls/CA1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
					"Authorization: Bearer t0k3n\r\n\r\n");
	buf_free(&body);
}

/* On a machine without IPv6 there is nothing to be tried. */
static void server_may_listen_on_ipv6(void **state)
{
	struct buf body;
	int status;

	(void)state;
	buf_init(&body, 65536);
	status = told(AF_INET6, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 1, 60000, &body);
	assert_true(status == 200 || status == -EADDRNOTAVAIL);
	buf_free(&body);
}

static void what_is_no_answer_is_none(void **state)
{
	(void)state;
	assert_int_equal(told_of(""), -EPROTO);
	assert_int_equal(told_of("SSH-2.0-OpenSSH\r\n\r\n"), -EPROTO);
	assert_int_equal(told_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), -EPROTO);
	assert_int_equal(told_of("HTTP/1.1 huh\r\nContent-Length: 2\r\n\r\n{}"), -EPROTO);
	assert_int_equal(told_of("HTTP/1.1 200 OK\r\n\r\n{}"), -EPROTO);
}

static void torn_answer_is_none(void **state)
{
	(void)state;
	assert_int_equal(told_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"), -EPROTO);
	assert_int_equal(told_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}"), -EPROTO);
}

static void endless_answer_has_an_end(void **state)
{
	struct buf body;

	(void)state;
	buf_init(&body, 65536);
	assert_int_equal(told(AF_INET, "HTTP/1.1 200 OK\r\n", 1 << 20, 60000, &body), -E2BIG);
	buf_free(&body);
}

static void server_that_says_nothing_is_left(void **state)
{
	struct buf body;

	(void)state;
	buf_init(&body, 65536);
	assert_int_equal(told(AF_INET, NULL, 0, 50, &body), -ETIMEDOUT);
	buf_free(&body);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(body_stands_behind_the_head),
	cmocka_unit_test(server_may_listen_on_ipv6),
	cmocka_unit_test(what_is_no_answer_is_none),
	cmocka_unit_test(torn_answer_is_none),
	cmocka_unit_test(endless_answer_has_an_end),
	cmocka_unit_test(server_that_says_nothing_is_left),
	{ 0 },
};
