/* The thread that carries the text API's answers, against a server in this process. */
#include "server/work/text_stream.h"

#include "common/clock.h"
#include "server/work/fetch.h"
#include "tests/peers/loopback.h"
#include "tests/peers/tls_peer.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	GUARD_MS = 60000,
	SHORT_MS = 300,
	CALLS = 200,
	WORDS = 40,
	LARGE = 16 << 20 /* more than ring and sockets hold */
};

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	/* A function from an object pointer, the way POSIX wants it. */
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(strstr(name, ".test") ? "127.0.0.1" : name, service, hints, out);
}

/* How often libcurl asks whether a socket is ready. */
static _Atomic int asked;

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int (*real)(struct pollfd *, nfds_t, int);

	*(void **)&real = dlsym(RTLD_NEXT, "poll");
	atomic_fetch_add(&asked, 1);
	return real(fds, count, timeout);
}

/* ------------------------------------------------------------------------- the service */

static int listener, port;
static pthread_t accepting;
static _Atomic bool stopping;
static _Atomic int connections, requests, ended;
static void (*_Atomic serve)(int fd); /* a request was read; false ends the connection */
static sem_t go;
static pthread_mutex_t got_lock = PTHREAD_MUTEX_INITIALIZER;
static char got[4096]; /* the last request's head and body; under the lock */

static bool read_request(int fd)
{
	char text[4096];
	size_t len = 0;
	const char *end;

	while (len < sizeof text - 1) {
		ssize_t n = recv(fd, text + len, sizeof text - 1 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
		end = strstr(text, "\r\n\r\n");
		if (end && strstr(end, "{}")) {
			pthread_mutex_lock(&got_lock);
			snprintf(got, sizeof got, "%s", text);
			pthread_mutex_unlock(&got_lock);
			return true;
		}
	}
	return false;
}

static void *serve_one(void *arg)
{
	int fd = (int)(intptr_t)arg;

	while (read_request(fd)) {
		atomic_fetch_add(&requests, 1);
		atomic_load (&serve)(fd);
	}
	atomic_fetch_add(&ended, 1);
	close(fd);
	return NULL;
}

static void *accept_all(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_attr_t small;
		pthread_t thread;

		if (fd < 0 || atomic_load(&stopping)) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		atomic_fetch_add(&connections, 1);
		pthread_attr_init(&small);
		pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
		if (pthread_create(&thread, &small, serve_one, (void *)(intptr_t)fd))
			abort();
		pthread_attr_destroy(&small);
	}
}

static void say(int fd, const char *text)
{
	loopback_say(fd, text, strlen(text));
}

/* ---------------------------------------------------------------------------- the user */

static struct text_carrier *carrier;
static struct bell bell;
static struct buf body;
static char url[64];
static struct text_call call;

static void begin(void (*how)(int fd))
{
	serve = how;
	atomic_store(&stopping, false);
	atomic_store(&connections, 0);
	atomic_store(&requests, 0);
	atomic_store(&ended, 0);
	sem_init(&go, 0, 0);
	listener = loopback_listen(&port);
	assert_int_equal(pthread_create(&accepting, NULL, accept_all, NULL), 0);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/v1/responses", port);
	assert_int_equal(bell_open(&bell), 0);
	buf_init(&body, 0);
	buf_puts(&body, "{}");
	call = (struct text_call){ .url = url,
		.headers = { "Content-Type: application/json", "Authorization: Bearer k" },
		.header_count = 2,
		.body = &body,
		.connect_ms = GUARD_MS,
		.first_ms = GUARD_MS,
		.silent_ms = GUARD_MS };
	assert_int_equal(text_streams_open(&carrier, CALLS), 0);
}

static void end(void)
{
	int64_t until_us = clock_now_us() + GUARD_MS * US_PER_MS;

	text_streams_close(carrier);
	atomic_store(&stopping, true);
	loopback_stop(listener, accepting);
	while (atomic_load(&ended) < atomic_load(&connections) && clock_now_us() < until_us)
		usleep(1000);
	assert_int_equal(ended, connections);
	bell_close(&bell);
	buf_free(&body);
}

static struct text_stream *start(void)
{
	struct text_stream *s = carrier->start(carrier, &call, &bell);

	assert_non_null(s);
	return s;
}

static void wait_for_bell(void)
{
	struct pollfd p = { .fd = bell.fd, .events = POLLIN };

	if (!poll(&p, 1, GUARD_MS))
		fail_msg("the bell did not ring");
	bell_clear(&bell);
}

/* The next piece's text, added to `out`; false: over. */
static bool take(struct text_stream *s, struct buf *out)
{
	const char *bytes;
	size_t len;
	int is;

	while (!(is = carrier->next(s, &bytes, &len)))
		wait_for_bell();
	if (is < 0)
		return false;
	buf_put(out, bytes, len);
	carrier->taken(s);
	return true;
}

static void expect_over(struct text_stream *s, enum text_over how, int status, const char *text)
{
	const char *words;
	struct buf out;

	buf_init(&out, 0);
	while (take(s, &out))
		;
	if (carrier->over(s, &words) != how)
		fail_msg("over: %s", words);
	assert_string_equal(buf_text(&out), text);
	assert_int_equal(carrier->status(s), status);
	assert_true(!*words == (how == TEXT_OVER_WHOLE));
	buf_free(&out);
	carrier->leave(s, true);
}

/* --------------------------------------------------------------------------- the tests */

static void tell_in_two(int fd)
{
	say(fd, CHUNKED "5\r\nfirst\r\n");
	sem_wait(&go);
	say(fd, "6\r\nsecond\r\n0\r\n\r\n");
}

static void an_answer_is_read_while_it_is_made(void **state)
{
	struct text_stream *s;
	struct buf out;

	(void)state;
	begin(tell_in_two);
	s = start();
	buf_init(&out, 0);
	assert_true(take(s, &out));
	assert_string_equal(buf_text(&out), "first");
	assert_int_equal(carrier->status(s), 200);
	buf_free(&out);
	sem_post(&go);
	expect_over(s, TEXT_OVER_WHOLE, 200, "second");
	pthread_mutex_lock(&got_lock);
	assert_non_null(strstr(got, "POST /v1/responses HTTP/1.1\r\n"));
	assert_non_null(strstr(got, "Authorization: Bearer k\r\n"));
	assert_non_null(strstr(got, "User-Agent: trunkline/"));
	assert_null(strstr(got, "Expect:"));
	pthread_mutex_unlock(&got_lock);
	end();
}

static void tell_at_once(int fd)
{
	say(fd, HEAD "Content-Length: 2\r\n\r\nok");
}

static void a_connection_serves_one_answer_after_the_other(void **state)
{
	(void)state;
	begin(tell_at_once);
	for (int i = 0; i < 5; i++)
		expect_over(start(), TEXT_OVER_WHOLE, 200, "ok");
	assert_int_equal(connections, 1);
	end();
}

static void ask_to_wait(int fd)
{
	say(fd, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno");
}

static void a_request_can_be_sent_later_and_the_service_asks_for_that(void **state)
{
	struct text_stream *s, *never;
	struct buf out;
	int64_t before_us;

	(void)state;
	begin(ask_to_wait);
	call.delay_ms = GUARD_MS;
	never = start();
	call.delay_ms = 300;
	before_us = clock_now_us();
	s = start();
	buf_init(&out, 0);
	while (take(s, &out))
		;
	buf_free(&out);
	assert_true(clock_now_us() - before_us >= 300 * US_PER_MS);
	assert_int_equal(carrier->retry_after_ms(s), 3000);
	carrier->leave(s, true);
	assert_int_equal(connections, 1);
	carrier->leave(never, false); /* before it is sent */
	end();
}

static void tell_when_all_are_here(int fd)
{
	say(fd, CHUNKED "2\r\n1 \r\n");
	sem_wait(&go);
	say(fd, "1\r\n2\r\n0\r\n\r\n");
}

/* And those that follow come by the same connections. */
static void two_hundred_answers_are_made_at_once(void **state)
{
	static struct text_stream *all[CALLS];
	struct buf out;

	(void)state;
	begin(tell_when_all_are_here);
	for (int again = 0; again < 2; again++) {
		buf_init(&out, 0);
		for (int i = 0; i < CALLS; i++)
			all[i] = start();
		for (int i = 0; i < CALLS; i++)
			assert_true(take(all[i], &out));
		assert_int_equal(out.len, 2 * CALLS);
		buf_free(&out);
		for (int i = 0; i < CALLS; i++)
			sem_post(&go);
		for (int i = 0; i < CALLS; i++)
			expect_over(all[i], TEXT_OVER_WHOLE, 200, "2");
	}
	assert_int_equal(connections, CALLS);
	end();
}

static void tell_one_in_words(int fd)
{
	bool talks = atomic_load(&requests) == CALLS;
	char byte;

	say(fd, CHUNKED "2\r\n1 \r\n");
	for (int i = 0; talks && i < WORDS; i++) {
		sem_wait(&go);
		say(fd, "2\r\nw \r\n");
	}
	while (recv(fd, &byte, 1, 0) > 0)
		;
}

/* Each word of one is looked for in its own socket, and not in those of all that are silent. */
static void silent_answers_cost_a_talking_one_nothing(void **state)
{
	static struct text_stream *all[CALLS];
	struct buf out;
	int before;

	(void)state;
	begin(tell_one_in_words);
	buf_init(&out, 0);
	for (int i = 0; i < CALLS; i++) {
		all[i] = start();
		assert_true(take(all[i], &out));
	}
	before = atomic_load(&asked);
	for (int i = 0; i < WORDS; i++) {
		sem_post(&go);
		assert_true(take(all[CALLS - 1], &out));
	}
	assert_in_range(atomic_load(&asked) - before, 0, WORDS * CALLS / 4);
	buf_free(&out);
	for (int i = 0; i < CALLS; i++)
		carrier->leave(all[i], false);
	end();
}

/* Until the other side leaves. */
static void tell_a_word_and_wait(int fd)
{
	char byte;

	say(fd, CHUNKED "2\r\n1 \r\n");
	while (recv(fd, &byte, 1, 0) > 0)
		;
	sem_post(&go);
}

static void who_leaves_ends_the_transfer(void **state)
{
	struct text_stream *s;
	struct buf out;

	(void)state;
	begin(tell_a_word_and_wait);
	buf_init(&out, 0);
	s = start();
	assert_true(take(s, &out));
	buf_free(&out);
	carrier->leave(s, false);
	sem_wait(&go);
	carrier->leave(start(), false); /* perhaps before it is begun */
	end();
}

static void tell_much(int fd)
{
	char *text = malloc(LARGE);
	int few = 64 * 1024; /* left alone, the kernel takes as much as that */

	memset(text, 'x', LARGE);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &few, sizeof few);
	say(fd, HEAD "Content-Length: 16777216\r\n\r\n");
	loopback_say(fd, text, LARGE);
	sem_post(&go);
	free(text);
}

static void tell_much_or_little(int fd)
{
	if (atomic_load(&requests) > 1)
		tell_at_once(fd);
	else
		tell_much(fd);
}

/* Nobody reads the first, which is far larger than ring and sockets: the second comes all the same. */
static void a_slow_reader_keeps_nobody_else_waiting_and_loses_nothing(void **state)
{
	struct text_stream *slow, *other;
	struct buf out;

	(void)state;
	begin(tell_much_or_little);
	slow = start();
	buf_init(&out, LARGE + 1);
	assert_true(take(slow, &out));
	other = start();
	expect_over(other, TEXT_OVER_WHOLE, 200, "ok");
	assert_int_equal(sem_trywait(&go), -1); /* the first is held up */
	while (take(slow, &out))
		;
	assert_int_equal(out.len, LARGE);
	assert_int_equal(strspn(buf_text(&out), "x"), LARGE);
	carrier->leave(slow, true);
	buf_free(&out);
	end();
}

static void a_reader_of_a_full_ring_may_leave(void **state)
{
	(void)state;
	for (int drain = 0; drain < 2; drain++) {
		struct text_stream *s;
		struct buf out;

		begin(tell_much);
		s = start();
		buf_init(&out, 0);
		assert_true(take(s, &out));
		buf_free(&out);
		carrier->leave(s, drain);
		end();
	}
}

static void tell_nothing(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) > 0)
		;
}

static void break_off(int fd)
{
	say(fd, CHUNKED "5\r\nfir");
	shutdown(fd, SHUT_RDWR);
}

static void refuse(int fd)
{
	say(fd, "HTTP/1.1 429 Too Many\r\nContent-Length: 2\r\n\r\nno");
}

static void what_goes_wrong_has_a_name(void **state)
{
	(void)state;
	begin(refuse);
	expect_over(start(), TEXT_OVER_WHOLE, 429, "no");
	serve = break_off;
	expect_over(start(), TEXT_OVER_BROKEN, 200, "fir");
	serve = tell_nothing;
	call.first_ms = SHORT_MS;
	expect_over(start(), TEXT_OVER_TIMEOUT, 0, "");
	serve = tell_a_word_and_wait;
	call.first_ms = GUARD_MS;
	call.silent_ms = SHORT_MS;
	expect_over(start(), TEXT_OVER_TIMEOUT, 200, "1 ");
	end();
	begin(refuse);
	call.url = "http://127.0.0.1:1/v1/responses";
	expect_over(start(), TEXT_OVER_CONNECT, 0, "");
	call.url = "file:///etc/passwd";
	expect_over(start(), TEXT_OVER_CONNECT, 0, "");
	call.headers[0] = "A: b\r\nC: d";
	assert_null(carrier->start(carrier, &call, &bell));
	end();
}

static void serve_tls(SSL *ssl, int fd, void *arg)
{
	static const char answer[] = HEAD "Content-Length: 2\r\nConnection: close\r\n\r\nok";
	char text[2048];

	(void)fd, (void)arg;
	SSL_read(ssl, text, sizeof text);
	peer_write(ssl, answer, sizeof answer - 1);
}

static void a_certificate_is_verified(void **state)
{
	static char ca_file[] = "build/tmp/test_text_stream_XXXXXX", tls_url[100];
	int fd = mkstemp(ca_file);

	(void)state;
	assert_true(fd >= 0);
	assert_true(write(fd, peer_authority_pem(), strlen(peer_authority_pem())) > 0);
	close(fd);
	begin(refuse);
	for (enum peer_certificate c = PEER_GOOD; c <= PEER_STRANGER; c++) {
		struct peer_options options = { .certificate = c, .offers_http2 = true };
		struct peer *peer = peer_start(&options, serve_tls, NULL);

		snprintf(tls_url, sizeof tls_url, "https://" PEER_NAME ":%d/", peer_port(peer));
		call.url = tls_url;
		call.ca_file = ca_file;
		expect_over(start(), c == PEER_GOOD ? TEXT_OVER_WHOLE : TEXT_OVER_CONNECT, c == PEER_GOOD ? 200 : 0,
		    c == PEER_GOOD ? "ok" : "");
		peer_stop(peer);
	}
	unlink(ca_file);
	end();
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(an_answer_is_read_while_it_is_made),
	cmocka_unit_test(a_connection_serves_one_answer_after_the_other),
	cmocka_unit_test(a_request_can_be_sent_later_and_the_service_asks_for_that),
	cmocka_unit_test(two_hundred_answers_are_made_at_once),
	cmocka_unit_test(silent_answers_cost_a_talking_one_nothing),
	cmocka_unit_test(who_leaves_ends_the_transfer),
	cmocka_unit_test(a_slow_reader_keeps_nobody_else_waiting_and_loses_nothing),
	cmocka_unit_test(a_reader_of_a_full_ring_may_leave),
	cmocka_unit_test(what_goes_wrong_has_a_name),
	cmocka_unit_test(a_certificate_is_verified),
	GROUP(http_begin, http_end),
};
