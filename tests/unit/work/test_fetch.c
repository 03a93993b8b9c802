#include "server/work/fetch.h"

#include "tests/peers/tls_peer.h"
#include "tests/peers/loopback.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { GUARD_MS = 60000, SHORT_MS = 300 };

static char ca_file[] = "build/tmp/test_fetch_XXXXXX";

/* ------------------------------------------------------------ a name server of ours */

static sem_t name_answer; /* hang.test waits for it */

/* In place of the system's, for libcurl's threads too. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	/* A function from an object pointer, the way POSIX wants it. */
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!strcmp(name, "hang.test"))
		sem_wait(&name_answer);
	if (!strcmp(name, "nobody.test") || !strcmp(name, "hang.test"))
		return EAI_NONAME;
	return real(strstr(name, ".test") ? "127.0.0.1" : name, service, hints, out);
}

/* --------------------------------------------------------------------- the far end */

/* Serves one connection after the other, as told; keeps what it was sent. */
struct far {
	pthread_t thread;
	int listener, port;
	void (*serve)(struct far *far, int fd);
	const char *answer; /* for serve_answer and drip */
	size_t body_len;    /* for serve_bytes, whose body may have zeros in it */
	char got[8192];
	size_t got_len;
	_Atomic int connections;
	_Atomic bool stopping;
};

static void say(int fd, const char *text)
{
	loopback_say(fd, text, strlen(text));
}

/* Head and body. */
static void read_request(struct far *far, int fd)
{
	const char *end = NULL, *length;

	far->got_len = 0;
	while (far->got_len < sizeof far->got - 1) {
		ssize_t n = recv(fd, far->got + far->got_len, sizeof far->got - 1 - far->got_len, 0);

		if (n <= 0)
			return;
		far->got_len += (size_t)n;
		far->got[far->got_len] = '\0';
		end = strstr(far->got, "\r\n\r\n");
		if (!end)
			continue;
		length = strstr(far->got, "Content-Length: ");
		if (far->got_len >= (size_t)(end + 4 - far->got) + (length ? strtoul(length + 16, NULL, 10) : 0))
			return;
	}
}

static void serve_answer(struct far *far, int fd)
{
	read_request(far, fd);
	say(fd, far->answer);
}

/* `answer` is the head, and behind its zero the body. */
static void serve_bytes(struct far *far, int fd)
{
	read_request(far, fd);
	say(fd, far->answer);
	loopback_say(fd, far->answer + strlen(far->answer) + 1, far->body_len);
}

/* A reset, not an orderly end. */
static void reset(int fd)
{
	struct linger hard = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

static void close_unread(struct far *far, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	(void)far;
	/* Once it was sent: before, it would rightly be told as not sent. */
	poll(&p, 1, GUARD_MS);
	reset(fd);
}

static void close_read(struct far *far, int fd)
{
	read_request(far, fd);
}

/* Until the client gives up. */
static void wait_for_the_end(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) > 0)
		;
}

static void never_answer(struct far *far, int fd)
{
	read_request(far, fd);
	wait_for_the_end(fd);
}

static void drip(struct far *far, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	read_request(far, fd);
	say(fd, far->answer);
	while (!poll(&p, 1, 50) && send(fd, ".", 1, MSG_NOSIGNAL) == 1)
		;
}

static void answer_endlessly(struct far *far, int fd)
{
	static char block[65536];

	read_request(far, fd);
	memset(block, 'x', sizeof block);
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n");
	while (send(fd, block, sizeof block, MSG_NOSIGNAL) > 0)
		;
}

static void *far_run(void *arg)
{
	struct far *far = arg;

	for (;;) {
		int fd = accept(far->listener, NULL, NULL);

		if (fd < 0 || atomic_load(&far->stopping)) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		atomic_fetch_add(&far->connections, 1);
		far->serve(far, fd);
		close(fd);
	}
}

static void far_start(struct far *far, void (*serve)(struct far *, int), const char *text)
{
	memset(far, 0, sizeof *far);
	far->serve = serve;
	far->answer = text;
	far->listener = loopback_listen(&far->port);
	assert_int_equal(pthread_create(&far->thread, NULL, far_run, far), 0);
}

static void far_stop(struct far *far)
{
	atomic_store(&far->stopping, true);
	loopback_stop(far->listener, far->thread);
}

/* ----------------------------------------------------------------------- asking it */

/* Of the test under way; the answer is freed by the next one. */
static struct far far_end;
static struct fetch_response answer;

/* The URL is valid until the thread's next. */
static struct fetch_request request_to(int port)
{
	static _Thread_local char url[100];

	snprintf(url, sizeof url, "http://127.0.0.1:%d/hook?a=1", port);
	return (struct fetch_request){
		.method = "POST",
		.url = url,
		.headers = { "Content-Type: application/json", "Idempotency-Key: k1" },
		.header_count = 2,
		.body = "{\"a\":1}",
		.body_len = 7,
		.timeout_ms = GUARD_MS,
		.response_max = 65536,
	};
}

static void ask_as(const struct fetch_request *q)
{
	fetch_response_free(&answer);
	fetch(q, &answer);
}

/* A far end, and a request to it; it is asked once and then there is none. */
static struct fetch_request begin(void (*serve)(struct far *, int), const char *text)
{
	far_start(&far_end, serve, text);
	return request_to(far_end.port);
}

static void end(const struct fetch_request *q)
{
	ask_as(q);
	far_stop(&far_end);
}

static void ask(void (*serve)(struct far *, int), const char *text, int timeout_ms)
{
	struct fetch_request q = begin(serve, text);

	q.timeout_ms = timeout_ms;
	end(&q);
}

static void came_to(enum fetch_failure failure, int status)
{
	assert_int_equal(answer.failure, failure);
	assert_int_equal(answer.status, status);
}

/* What comes of asking so. */
static void check_ask(
    enum fetch_failure failure, int status, void (*serve)(struct far *, int), const char *text, int timeout_ms)
{
	ask(serve, text, timeout_ms);
	came_to(failure, status);
}

static void a_post_arrives_and_is_answered(void **state)
{
	(void)state;
	check_ask(FETCH_OK, 200, serve_answer,
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 11\r\n\r\n"
	    "{\"ok\":true}",
	    GUARD_MS);
	assert_true(answer.sent);
	assert_string_equal(buf_text(&answer.body), "{\"ok\":true}");
	assert_string_equal(answer.content_type, "application/json; charset=utf-8");
	assert_string_equal(answer.error, "");
	assert_int_equal(answer.retry_after_s, -1);
	assert_non_null(strstr(far_end.got, "POST /hook?a=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(far_end.got, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(far_end.got, "Idempotency-Key: k1\r\n"));
	assert_non_null(strstr(far_end.got, "User-Agent: trunkline/"));
	assert_null(strstr(far_end.got, "Expect:"));
	assert_non_null(strstr(far_end.got, "\r\n\r\n{\"a\":1}"));
}

#define GZIPPED(bytes) "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n\0" bytes

static void ask_decoded(const char *head_and_body, size_t size, bool decoded)
{
	struct fetch_request q = begin(serve_bytes, head_and_body);

	far_end.body_len = size - 1 - (strlen(head_and_body) + 1);
	q.decoded = decoded;
	end(&q);
}

static void body_that_comes_compressed_is_decoded_and_bounded(void **state)
{
	static const char small[] =
	    GZIPPED("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\xcf\x56\xb2\x2a\x29\x2a\x4d\xad\x05\x00\x90"
		    "\x5f\xd4\xa7\x0b\x00\x00\x00");
	/* 100,000 times the same letter. */
	static const char bomb[] =
	    GZIPPED("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00\x00\xc2\xa0\xda\x8b\x6f\x0d\x0f"
		    "\xa0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
		    "\x00\x80\x57\x03\x71\x11\x07\xfe\xa0\x86\x01\x00");

	(void)state;
	ask_decoded(small, sizeof small, true);
	came_to(FETCH_OK, 200);
	assert_string_equal(buf_text(&answer.body), "{\"ok\":true}");
	ask_decoded(small, sizeof small, false);
	came_to(FETCH_OK, 200);
	assert_int_equal(answer.body.data[0], '\x1f');
	assert_null(strstr(far_end.got, "Accept-Encoding"));
	assert_true(sizeof bomb < 1000);
	ask_decoded(bomb, sizeof bomb, true);
	came_to(FETCH_TOO_LARGE, 200);
	assert_true(answer.body.len <= 65536);
	/* Nothing can be made of these, and it was sent all the same. */
	ask_decoded(GZIPPED("no such thing"), sizeof GZIPPED("no such thing"), true);
	came_to(FETCH_GARBLED, 200);
	assert_true(answer.sent);
}

/* The file goes out as it lies there. */
static void a_form_has_its_fields_and_its_file(void **state)
{
	const struct fetch_part parts[] = { { .name = "model", .value = "m 1" },
		{ .name = "file", .file = ca_file, .name_there = "message.wav", .type = "audio/wav" } };
	struct fetch_request q = begin(serve_answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

	(void)state;
	q.body = NULL;
	q.header_count = 0;
	q.parts = parts;
	q.part_count = 2;
	end(&q);
	assert_int_equal(answer.failure, FETCH_OK);
	assert_non_null(strstr(far_end.got, "POST /hook?a=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(far_end.got, "Content-Type: multipart/form-data; boundary="));
	assert_non_null(strstr(far_end.got, "form-data; name=\"model\"\r\n\r\nm 1\r\n"));
	assert_non_null(strstr(
	    far_end.got, "name=\"file\"; filename=\"message.wav\"\r\nContent-Type: audio/wav\r\n\r\n-----BEGIN"));
	assert_null(strstr(far_end.got, "Expect:"));
}

static void a_form_without_its_file_is_not_sent(void **state)
{
	const struct fetch_part part = {
		.name = "file", .file = "build/tmp/nowhere", .name_there = "x", .type = "audio/wav"
	};
	struct fetch_request q = begin(serve_answer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

	(void)state;
	q.body = NULL;
	q.parts = &part;
	q.part_count = 1;
	end(&q);
	assert_int_equal(answer.failure, FETCH_NOT_SENT);
	assert_false(answer.sent);
}

static void every_method_says_what_it_is(void **state)
{
	static const struct {
		const char *method, *body, *line;
	} cases[] = {
		{ "GET", NULL, "GET /hook?a=1 " },
		{ "DELETE", NULL, "DELETE /hook?a=1 " },
		{ "PUT", "x", "PUT /hook?a=1 " },
		{ "POST", NULL, "POST /hook?a=1 " },
		{ "HEAD", NULL, "HEAD /hook?a=1 " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fetch_request q;

		q = begin(serve_answer, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
		q.method = cases[i].method;
		q.body = cases[i].body;
		q.body_len = cases[i].body ? 1 : 0;
		q.user = "AC1";
		q.password = "secret";
		end(&q);
		assert_int_equal(answer.failure, FETCH_OK);
		assert_int_equal(answer.status, 204);
		assert_int_equal(strncmp(far_end.got, cases[i].line, strlen(cases[i].line)), 0);
		assert_non_null(strstr(far_end.got, "Authorization: Basic QUMxOnNlY3JldA==\r\n"));
	}
}

static void a_redirect_is_the_answer(void **state)
{
	(void)state;
	check_ask(FETCH_OK, 302, serve_answer,
	    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n", GUARD_MS);
	assert_int_equal(far_end.connections, 1);
}

static void retry_after_is_seconds_whether_number_or_date(void **state)
{
	char text[300], date[64];
	time_t soon = time(NULL) + 1000;

	(void)state;
	ask(serve_answer, "HTTP/1.1 429 No\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n", GUARD_MS);
	assert_int_equal(answer.status, 429);
	assert_int_equal(answer.retry_after_s, 17);
	ask(serve_answer, "HTTP/1.1 503 No\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n", GUARD_MS);
	assert_int_equal(answer.retry_after_s, 0);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&soon));
	snprintf(text, sizeof text, "HTTP/1.1 503 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", date);
	ask(serve_answer, text, GUARD_MS);
	assert_in_range(answer.retry_after_s, 1000 - GUARD_MS / 1000, 1000);
}

/* --------------------------------------- was it sent? callers repeat it if not */

static void who_closes_before_an_answer_may_have_it(void **state)
{
	void (*const ways[])(struct far *, int) = { close_unread, close_read };

	(void)state;
	for (int i = 0; i < 2; i++) {
		check_ask(FETCH_UNKNOWN, 0, ways[i], NULL, GUARD_MS);
		assert_true(answer.sent);
		assert_int_equal(far_end.connections, 1); /* and nobody asked twice */
		assert_string_not_equal(answer.error, "");
	}
}

static void an_answer_cut_short_is_none_but_its_status_is_told(void **state)
{
	(void)state;
	check_ask(
	    FETCH_UNKNOWN, 201, serve_answer, "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nhalf", GUARD_MS);
	assert_string_equal(buf_text(&answer.body), "half");
}

static void what_is_no_http_is_no_answer(void **state)
{
	(void)state;
	check_ask(FETCH_UNKNOWN, 0, serve_answer, "220 mail.example.com ESMTP\r\n", GUARD_MS);
}

static void silence_ends_at_the_deadline(void **state)
{
	(void)state;
	ask(never_answer, NULL, SHORT_MS);
	assert_int_equal(answer.failure, FETCH_TIMEOUT);
	assert_true(answer.sent);
	assert_true(answer.took_ms >= SHORT_MS - 1);
	assert_string_equal(answer.error, "no whole answer within 300 ms");
}

static void dripping_does_not_put_off_the_deadline(void **state)
{
	(void)state;
	check_ask(FETCH_TIMEOUT, 200, drip, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", SHORT_MS);
}

static void a_huge_answer_is_cut_off(void **state)
{
	(void)state;
	check_ask(FETCH_TOO_LARGE, 200, answer_endlessly, NULL, GUARD_MS);
	assert_int_equal(answer.body.len, 65536);
}

static void an_answer_of_exactly_the_bound_is_whole(void **state)
{
	struct fetch_request q;

	(void)state;
	for (size_t most = 3; most <= 4; most++) {
		q = begin(serve_answer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
		q.response_max = most;
		end(&q);
		assert_int_equal(answer.failure, most == 4 ? FETCH_OK : FETCH_TOO_LARGE);
		assert_int_equal(answer.body.len, most);
	}
}

/* --------------------------------------------------------- in pieces, to a sink */

struct taken {
	struct fetch_response *answer; /* which must know its head by then */
	size_t bytes, most;            /* wants no more than that */
	int status;
	int64_t length;
	char range[80];
};

static struct taken taken;

static bool take_piece(void *arg, const char *bytes, size_t len)
{
	struct taken *t = arg;

	(void)bytes;
	t->status = t->answer->status;
	t->length = t->answer->length;
	snprintf(t->range, sizeof t->range, "%s", t->answer->content_range);
	t->bytes += len;
	return t->bytes <= t->most;
}

static void stream(void (*serve)(struct far *, int), const char *text, size_t most, int idle_ms)
{
	const struct fetch_sink sink = { take_piece, &taken, idle_ms };
	struct fetch_request q;

	taken = (struct taken){ .answer = &answer, .most = most };
	q = begin(serve, text);
	q.response_max = 16;
	fetch_response_free(&answer);
	fetch_stream(&q, &sink, &answer);
	far_stop(&far_end);
}

static void a_sink_gets_what_comes_and_knows_its_head(void **state)
{
	(void)state;
	stream(serve_answer,
	    "HTTP/1.1 206 Partial Content\r\nContent-Type: audio/x-wav\r\nContent-Range: bytes 5-24/100\r\n"
	    "Content-Length: 20\r\n\r\n01234567890123456789",
	    1000, GUARD_MS);
	assert_int_equal(answer.failure, FETCH_OK);
	assert_int_equal(taken.bytes, 20); /* more than response_max */
	assert_int_equal(taken.status, 206);
	assert_int_equal(taken.length, 20);
	assert_string_equal(taken.range, "bytes 5-24/100");
	assert_string_equal(answer.content_type, "audio/x-wav");
	assert_int_equal(answer.body.len, 0);
}

static void what_is_no_success_is_kept_from_the_sink(void **state)
{
	(void)state;
	stream(serve_answer, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", 1000, GUARD_MS);
	came_to(FETCH_OK, 404);
	assert_int_equal(taken.bytes, 0);
	assert_string_equal(buf_text(&answer.body), "none");
	stream(serve_answer, "HTTP/1.1 500 No\r\nContent-Length: 20\r\n\r\n01234567890123456789", 1000, GUARD_MS);
	assert_int_equal(answer.failure, FETCH_TOO_LARGE);
	assert_int_equal(taken.bytes, 0);
}

static void a_sink_that_wants_no_more_ends_it(void **state)
{
	(void)state;
	stream(answer_endlessly, NULL, 100000, GUARD_MS);
	came_to(FETCH_CANCELLED, 200);
	assert_int_equal(answer.length, 10485760);
	assert_in_range(taken.bytes, 100001, 1000000);
	assert_int_equal(answer.body.len, 0);
}

static void a_break_in_the_middle_is_told_after_what_came(void **state)
{
	(void)state;
	stream(serve_answer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 1000, GUARD_MS);
	assert_int_equal(answer.failure, FETCH_UNKNOWN);
	assert_int_equal(taken.bytes, 4);
}

static void say_half_and_wait(struct far *far, int fd)
{
	serve_answer(far, fd);
	wait_for_the_end(fd);
}

static void a_sink_does_not_wait_for_ever(void **state)
{
	(void)state;
	stream(say_half_and_wait, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 1000, SHORT_MS);
	assert_int_equal(answer.failure, FETCH_TIMEOUT);
	assert_int_equal(taken.bytes, 4);
	assert_string_equal(answer.error, "nothing came for 300 ms");
	stream(never_answer, NULL, 1000, SHORT_MS);
	came_to(FETCH_TIMEOUT, 0);
}

static void nothing_is_sent_to(const char *url, const char *word)
{
	struct fetch_request q = request_to(1);

	q.url = url;
	ask_as(&q);
	if (answer.failure != FETCH_NOT_SENT || answer.sent || answer.status || !strstr(answer.error, word))
		fail_msg("%s: failure=%s sent=%d status=%d: %s", url, fetch_failure_name(answer.failure), answer.sent,
		    answer.status, answer.error);
}

static void what_cannot_be_reached_was_not_sent(void **state)
{
	char refused[64];

	(void)state;
	far_start(&far_end, close_read, NULL);
	far_stop(&far_end);
	snprintf(refused, sizeof refused, "http://127.0.0.1:%d/", far_end.port);
	nothing_is_sent_to(refused, "connect");
	nothing_is_sent_to("http://nobody.test/", "nobody.test");
	nothing_is_sent_to("ftp://127.0.0.1/x", "rotocol");
	nothing_is_sent_to("file:///etc/passwd", "rotocol");
	nothing_is_sent_to("", "URL");
	nothing_is_sent_to("http://", "URL");
	nothing_is_sent_to("http://127.0.0.1:99999/", "URL");
	nothing_is_sent_to("gopher://127.0.0.1/", "rotocol");
}

static void a_header_in_a_header_is_refused(void **state)
{
	struct fetch_request q;

	(void)state;
	q = begin(serve_answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	q.headers[1] = "X-Name: a\r\nX-Evil: b";
	end(&q);
	assert_int_equal(answer.failure, FETCH_NOT_SENT);
	assert_int_equal(far_end.connections, 0);
	assert_non_null(strstr(answer.error, "line break"));
}

static void a_dead_name_server_does_not_outlast_the_deadline(void **state)
{
	struct fetch_request q = request_to(1);

	(void)state;
	q.url = "http://hang.test/";
	q.timeout_ms = SHORT_MS;
	ask_as(&q); /* would hang, if it waited for the look-up */
	assert_int_equal(answer.failure, FETCH_NOT_SENT);
	assert_false(answer.sent);
	sem_post(&name_answer);
}

/* ------------------------------------------------------------------------- TLS */

static void serve_tls(SSL *ssl, int fd, void *arg)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
	char head[2048];
	_Atomic int *served = arg;

	(void)fd;
	if (SSL_read(ssl, head, sizeof head) > 0 && peer_write(ssl, ok, strlen(ok)))
		atomic_fetch_add(served, 1);
}

static void ask_tls(const struct peer_options *options, const char *ca, int expect_served)
{
	_Atomic int served = 0;
	struct peer *peer = peer_start(options, serve_tls, &served);
	struct fetch_request q = request_to(1);
	char url[100];

	snprintf(url, sizeof url, "https://%s:%d/", PEER_NAME, peer_port(peer));
	q.url = url;
	q.ca_file = ca;
	ask_as(&q);
	peer_stop(peer);
	assert_int_equal(served, expect_served);
}

static void a_certificate_by_our_authority_is_good(void **state)
{
	struct peer_options old = { .certificate = PEER_GOOD }, new = { .tls13_only = true },
			    rsa = { .certificate = PEER_RSA };

	(void)state;
	ask_tls(&old, ca_file, 1);
	assert_int_equal(answer.failure, FETCH_OK);
	assert_string_equal(buf_text(&answer.body), "hi");
	ask_tls(&new, ca_file, 1);
	assert_int_equal(answer.failure, FETCH_OK);
	ask_tls(&rsa, ca_file, 1);
	assert_int_equal(answer.failure, FETCH_OK);
}

static void any_other_certificate_is_refused_before_a_word_is_said(void **state)
{
	static const enum peer_certificate bad[] = { PEER_OTHER_NAME, PEER_EXPIRED, PEER_STRANGER, PEER_SHORT_KEY,
		PEER_SHORT_AUTHORITY };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct peer_options o = { .certificate = bad[i] };

		ask_tls(&o, ca_file, 0);
		assert_int_equal(answer.failure, FETCH_NOT_SENT);
		assert_false(answer.sent);
		assert_non_null(strstr(answer.error, "certificate"));
		assert_int_equal(strstr(answer.error, "too weak") != NULL,
		    bad[i] == PEER_SHORT_KEY || bad[i] == PEER_SHORT_AUTHORITY);
	}
}

/* The system's authorities do not vouch for it; nor do they remain beside ours. */
static void our_authority_is_not_the_systems(void **state)
{
	struct peer_options o = { .certificate = PEER_GOOD };

	(void)state;
	ask_tls(&o, "", 0);
	assert_int_equal(answer.failure, FETCH_NOT_SENT);
	ask_tls(&o, NULL, 0);
	assert_int_equal(answer.failure, FETCH_NOT_SENT);
}

/* ---------------------------------------------------------------------- the rest */

static _Atomic bool cancel;

static void *cancel_when_asked(void *arg)
{
	struct far *far = arg;

	while (!atomic_load(&far->connections))
		sched_yield();
	atomic_store(&cancel, true);
	return NULL;
}

static void who_is_told_to_stop_stops(void **state)
{
	struct fetch_request q;
	pthread_t thread;

	(void)state;
	far_start(&far_end, never_answer, NULL);
	atomic_store(&cancel, false);
	pthread_create(&thread, NULL, cancel_when_asked, &far_end);
	q = request_to(far_end.port);
	q.cancel = &cancel;
	ask_as(&q); /* or the deadline, a minute later */
	pthread_join(thread, NULL);
	far_stop(&far_end);
	assert_int_equal(answer.failure, FETCH_CANCELLED);
}

static void no_password_is_in_an_error(void **state)
{
	struct fetch_request q = request_to(1);
	static const char *const proxies[] = { "http://joe:pass-word@nobody.test:3128",
		"weird://joe:pass-word@127.0.0.1:1", "http://joe:pass-word@127.0.0.1:1", "http://joe:pass-word@:x" };

	(void)state;
	for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) {
		setenv("http_proxy", proxies[i], 1);
		q.url = "http://user:pass-word@model.test/";
		q.password = "pass-word";
		q.user = "user";
		ask_as(&q);
		unsetenv("http_proxy");
		assert_int_equal(answer.failure, FETCH_NOT_SENT);
		assert_string_not_equal(answer.error, "");
		assert_null(strstr(answer.error, "pass-word"));
	}
}

/* Asks for a URL, with the far end as the proxy of that variable. */
static void ask_through_proxy(const char *variable, const char *text, const char *url)
{
	struct fetch_request q = begin(serve_answer, text);
	char proxy[64];

	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", far_end.port);
	setenv(variable, proxy, 1);
	q.url = url;
	end(&q);
	unsetenv(variable);
}

static void the_environments_proxy_is_used(void **state)
{
	(void)state;
	ask_through_proxy("http_proxy", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "http://far.away.example/x");
	assert_int_equal(answer.failure, FETCH_OK);
	assert_non_null(strstr(far_end.got, "POST http://far.away.example/x HTTP/1.1\r\n"));
}

/* The tunnel's refusal is not the far end's answer. */
static void what_a_proxy_refuses_was_not_sent(void **state)
{
	(void)state;
	ask_through_proxy(
	    "https_proxy", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "https://far.away.example/x");
	came_to(FETCH_NOT_SENT, 0);
}

static void *fetch_often(void *arg)
{
	struct far *far = arg;

	for (int i = 0; i < 20; i++) {
		struct fetch_request q = request_to(far->port);
		struct fetch_response a;

		fetch(&q, &a);
		if (a.failure != FETCH_OK || a.status != 200)
			abort();
		fetch_response_free(&a);
	}
	return NULL;
}

static void many_threads_fetch_at_once(void **state)
{
	pthread_t threads[4];

	(void)state;
	far_start(&far_end, serve_answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, fetch_often, &far_end);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	far_stop(&far_end);
	assert_int_equal(far_end.connections, 80);
}

static int set_up(void **state)
{
	static const char *const proxies[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",
		"NO_PROXY" };
	int fd = mkstemp(ca_file);
	const char *pem = peer_authority_pem();

	for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++)
		unsetenv(proxies[i]);
	sem_init(&name_answer, 0, 0);
	if (fd < 0 || write(fd, pem, strlen(pem)) != (ssize_t)strlen(pem))
		return -1;
	close(fd);
	return http_begin(state);
}

static int tear_down(void **state)
{
	fetch_response_free(&answer);
	unlink(ca_file);
	return http_end(state);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_post_arrives_and_is_answered),
	cmocka_unit_test(body_that_comes_compressed_is_decoded_and_bounded),
	cmocka_unit_test(a_form_has_its_fields_and_its_file),
	cmocka_unit_test(a_form_without_its_file_is_not_sent),
	cmocka_unit_test(every_method_says_what_it_is),
	cmocka_unit_test(a_redirect_is_the_answer),
	cmocka_unit_test(retry_after_is_seconds_whether_number_or_date),
	cmocka_unit_test(who_closes_before_an_answer_may_have_it),
	cmocka_unit_test(an_answer_cut_short_is_none_but_its_status_is_told),
	cmocka_unit_test(what_is_no_http_is_no_answer),
	cmocka_unit_test(silence_ends_at_the_deadline),
	cmocka_unit_test(dripping_does_not_put_off_the_deadline),
	cmocka_unit_test(a_huge_answer_is_cut_off),
	cmocka_unit_test(an_answer_of_exactly_the_bound_is_whole),
	cmocka_unit_test(a_sink_gets_what_comes_and_knows_its_head),
	cmocka_unit_test(what_is_no_success_is_kept_from_the_sink),
	cmocka_unit_test(a_sink_that_wants_no_more_ends_it),
	cmocka_unit_test(a_break_in_the_middle_is_told_after_what_came),
	cmocka_unit_test(a_sink_does_not_wait_for_ever),
	cmocka_unit_test(what_cannot_be_reached_was_not_sent),
	cmocka_unit_test(a_header_in_a_header_is_refused),
	cmocka_unit_test(a_dead_name_server_does_not_outlast_the_deadline),
	cmocka_unit_test(a_certificate_by_our_authority_is_good),
	cmocka_unit_test(any_other_certificate_is_refused_before_a_word_is_said),
	cmocka_unit_test(our_authority_is_not_the_systems),
	cmocka_unit_test(who_is_told_to_stop_stops),
	cmocka_unit_test(no_password_is_in_an_error),
	cmocka_unit_test(the_environments_proxy_is_used),
	cmocka_unit_test(what_a_proxy_refuses_was_not_sent),
	cmocka_unit_test(many_threads_fetch_at_once),
	GROUP(set_up, tear_down),
};
