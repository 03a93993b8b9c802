/* common/tls.c against a server that is not ours: OpenSSL's. */
#include "common/tls.h"

#include "common/digest.h"
#include "tests/peers/tls_peer.h"
#include "tests/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HANG_MS = 60000 };

static struct trust *trust;

static int connect_to(const struct peer *peer)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)peer_port(peer)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static bool wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, HANG_MS) == 1;
}

static int shake_hands(struct tls *t, int fd)
{
	int done;

	while (!(done = tls_handshake(t)))
		if (!wait_for(fd, tls_events(t)))
			return -ETIMEDOUT;
	return done;
}

/* The reader's loop: exactly `len` bytes, or the end. */
static ssize_t read_all(struct tls *t, int fd, char *out, size_t len)
{
	bool wants_flush = false;
	size_t have = 0;

	while (have < len) {
		ssize_t got = tls_read(t, out + have, len - have, &wants_flush);

		if (got > 0)
			have += (size_t)got;
		else if (got != -EAGAIN)
			return got;
		else if (!wait_for(fd, POLLIN))
			return -ETIMEDOUT;
	}
	return (ssize_t)have;
}

/* The writer's. */
static int write_all(struct tls *t, int fd, const char *bytes, size_t len)
{
	while (len || tls_unsent(t)) {
		ssize_t taken = tls_write(t, bytes, len);

		if (taken < 0)
			return (int)taken;
		bytes += taken;
		len -= (size_t)taken;
		if (tls_unsent(t) && !wait_for(fd, POLLOUT))
			return -ETIMEDOUT;
	}
	return 0;
}

static void serve_nothing(SSL *ssl, int fd, void *arg)
{
	(void)ssl;
	(void)fd;
	(void)arg;
}

static void serve_echo(SSL *ssl, int fd, void *arg)
{
	char bytes[70000];
	int got;

	(void)fd;
	(void)arg;
	while ((got = SSL_read(ssl, bytes, sizeof bytes)) > 0)
		if (!peer_write(ssl, bytes, (size_t)got))
			break;
}

static int handshake_with(const struct peer_options *options, int *error)
{
	struct peer *peer = peer_start(options, serve_nothing, NULL);
	int fd = connect_to(peer);
	struct tls *t;
	int done;

	assert_int_equal(tls_open(&t, fd, PEER_NAME, trust, NULL), 0);
	done = shake_hands(t, fd);
	*error = tls_error(t);
	tls_close(t);
	close(fd);
	peer_stop(peer);
	return done;
}

static int open_trust(void **state)
{
	(void)state;
	return trust_from_pem(&trust, peer_authority_pem(), strlen(peer_authority_pem()));
}

static int close_trust(void **state)
{
	(void)state;
	trust_close(trust);
	return 0;
}

static void a_good_chain_is_accepted(void **state)
{
	int error;

	(void)state;
	assert_int_equal(handshake_with(&(struct peer_options){ .certificate = PEER_GOOD }, &error), 1);
	assert_int_equal(error, 0);
	assert_int_equal(handshake_with(&(struct peer_options){ .certificate = PEER_RSA }, &error), 1);
	assert_int_equal(error, 0);
}

static void what_cannot_be_trusted_is_refused_in_words(void **state)
{
	static const struct {
		int error;
		const char *words;
		struct peer_options peer;
	} cases[] = {
		{ 56, "host name", { .certificate = PEER_OTHER_NAME } },
		{ 54, "expired", { .certificate = PEER_EXPIRED } },
		{ 62, "no authority we trust", { .certificate = PEER_STRANGER } },
		{ 60, "RSA needs 2048 bits", { .certificate = PEER_SHORT_KEY } },
		{ 60, "RSA needs 2048 bits", { .certificate = PEER_SHORT_AUTHORITY } },
		{ 256 + 70, "TLS 1.2", { .tls13_only = true } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int error;

		assert_int_equal(handshake_with(&cases[i].peer, &error), -EPROTO);
		assert_int_equal(error, cases[i].error);
		assert_non_null(strstr(tls_error_text(error), cases[i].words));
	}
}

/* A connection that has shaken hands, and what to close afterwards. */
struct link {
	struct peer *peer;
	struct tls *t;
	int fd;
};

static struct link open_link(peer_serve_fn *serve, void *arg)
{
	struct link l = { .peer = peer_start(&(struct peer_options){ 0 }, serve, arg) };

	l.fd = connect_to(l.peer);
	assert_int_equal(tls_open(&l.t, l.fd, PEER_NAME, trust, NULL), 0);
	assert_int_equal(shake_hands(l.t, l.fd), 1);
	return l;
}

static void close_link(struct link *l)
{
	tls_close(l->t);
	close(l->fd);
	peer_stop(l->peer);
}

static void what_is_written_comes_back(void **state)
{
	/* Around the sizes of a record, of staging and of a batch. */
	static const size_t sizes[] = { 1, 2, 300, 4095, 4096, 4097, 16383, 16384, 16385, 60000, 1000000 };
	struct link l = open_link(serve_echo, NULL);
	char *sent = malloc(1000000), *back = malloc(1000000);

	(void)state;
	random_bytes(sent, 1000000);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		size_t at = 0;

		/* In turns, so that one thread is enough: what the far side can hold at once. */
		while (at < sizes[i]) {
			size_t piece = sizes[i] - at < 50000 ? sizes[i] - at : 50000;

			assert_int_equal(write_all(l.t, l.fd, sent + at, piece), 0);
			assert_int_equal(read_all(l.t, l.fd, back + at, piece), piece);
			at += piece;
		}
		assert_memory_equal(sent, back, sizes[i]);
	}
	free(sent);
	free(back);
	close_link(&l);
}

static void serve_one_record_of_each_size(SSL *ssl, int fd, void *arg)
{
	char bytes[200];

	(void)fd;
	(void)arg;
	memset(bytes, 'x', sizeof bytes);
	for (size_t n = 1; n <= sizeof bytes; n++)
		peer_write(ssl, bytes, n);
	SSL_shutdown(ssl);
}

static void many_small_records_are_all_read(void **state)
{
	struct link l = open_link(serve_one_record_of_each_size, NULL);
	char bytes[200 * 201 / 2], one;

	(void)state;
	assert_int_equal(read_all(l.t, l.fd, bytes, sizeof bytes), sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		assert_int_equal(bytes[i], 'x');
	assert_int_equal(read_all(l.t, l.fd, &one, 1), 0);
	close_link(&l);
}

static void serve_raw(SSL *ssl, int fd, void *arg)
{
	unsigned char bytes[1000];

	(void)ssl;
	/* One recv: what one send brought. GCM adds an 8-byte nonce and a 16-byte tag. */
	*(bool *)arg = recv(fd, bytes, sizeof bytes, 0) == 5 + 8 + 300 + 16 && bytes[0] == 23 &&
		       bytes[3] * 256 + bytes[4] == 8 + 300 + 16;
}

static void one_small_write_is_one_record(void **state)
{
	bool one_record = false;
	struct link l = open_link(serve_raw, &one_record);
	char text[300] = "";

	(void)state;
	assert_int_equal(tls_write(l.t, text, sizeof text), sizeof text);
	assert_int_equal(tls_unsent(l.t), 0);
	assert_true(wait_for(l.fd, POLLIN)); /* the peer has seen enough and left */
	close_link(&l);
	assert_true(one_record);
}

static void serve_goodbye(SSL *ssl, int fd, void *arg)
{
	char one;

	(void)fd;
	(void)arg;
	peer_write(ssl, "bye", 3);
	SSL_shutdown(ssl);
	/* Until the client has said goodbye too, or gone. */
	*(int *)arg = SSL_read(ssl, &one, 1) <= 0 && SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN;
}

static void close_notify_is_a_clean_end_and_is_answered(void **state)
{
	int answered = -1;
	struct link l = open_link(serve_goodbye, &answered);
	bool wants_flush = false;
	char text[3], one;
	ssize_t got;

	(void)state;
	assert_int_equal(read_all(l.t, l.fd, text, 3), 3);
	while ((got = tls_read(l.t, &one, 1, &wants_flush)) == -EAGAIN)
		assert_true(wait_for(l.fd, POLLIN));
	assert_int_equal(got, 0);
	assert_true(wants_flush);
	assert_int_equal(tls_write(l.t, NULL, 0), 0);
	/* What comes after the end is refused, and it stays the end. */
	assert_int_equal(tls_read(l.t, &one, 1, &wants_flush), 0);
	assert_int_equal(tls_write(l.t, "x", 1), -EPIPE);
	assert_int_equal(tls_error(l.t), 0);
	close_link(&l);
	assert_int_equal(answered, 1);
}

static void serve_truncation(SSL *ssl, int fd, void *arg)
{
	(void)arg;
	peer_write(ssl, "half", 4);
	shutdown(fd, SHUT_RDWR);
}

static void an_end_without_close_notify_is_a_cut(void **state)
{
	struct link l = open_link(serve_truncation, NULL);
	bool wants_flush = false;
	char text[5];

	(void)state;
	assert_int_equal(read_all(l.t, l.fd, text, 5), -ECONNRESET);
	assert_memory_equal(text, "half", 4);
	assert_int_equal(tls_read(l.t, text, 5, &wants_flush), -ECONNRESET);
	assert_int_equal(tls_error(l.t), 0);
	close_link(&l);
}

static void serve_reset(SSL *ssl, int fd, void *arg)
{
	struct linger now = { .l_onoff = 1 };

	(void)ssl;
	(void)arg;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void a_reset_is_a_cut(void **state)
{
	struct link l = open_link(serve_reset, NULL);
	char one;

	(void)state;
	assert_int_equal(read_all(l.t, l.fd, &one, 1), -ECONNRESET);
	close_link(&l);
}

static void serve_garbage(SSL *ssl, int fd, void *arg)
{
	/* A record header of application data, with nothing behind it that decrypts. */
	static const char forged[] = "\x17\x03\x03\x00\x20"
				     "0123456789abcdef0123456789abcdef";
	char one;

	(void)arg;
	peer_read(ssl, &one, 1);
	send(fd, forged, sizeof forged - 1, MSG_NOSIGNAL);
}

static void a_forged_record_is_an_error(void **state)
{
	struct link l = open_link(serve_garbage, NULL);
	char one = 'x';

	(void)state;
	assert_int_equal(write_all(l.t, l.fd, &one, 1), 0);
	assert_int_equal(read_all(l.t, l.fd, &one, 1), -EPROTO);
	assert_int_equal(tls_error(l.t), 7);
	assert_int_equal(tls_write(l.t, "x", 1), -EPIPE);
	close_link(&l);
}

static void a_dead_writer_wakes_the_reader(void **state)
{
	struct link l = open_link(serve_reset, NULL);
	char bytes[100] = "";
	bool wants_flush = false;
	ssize_t err;

	(void)state;
	assert_true(wait_for(l.fd, POLLIN));
	/* The reset may need a write to be noticed by the next. */
	do
		err = tls_write(l.t, bytes, sizeof bytes);
	while (err > 0);
	assert_true(err < 0);
	assert_int_equal(tls_write(l.t, bytes, sizeof bytes), err);
	assert_true(wait_for(l.fd, POLLIN));
	assert_true(tls_read(l.t, bytes, 1, &wants_flush) < 0);
	close_link(&l);
}

/* Renegotiation is off: each request is answered with an alert, which the
 * reader finds and only the writer sends. OpenSSL takes it as a refusal. */
static void serve_renegotiation(SSL *ssl, int fd, void *arg)
{
	char text[3];

	(void)fd;
	/* The handshake is over on the other side, too: or it would answer within that. */
	peer_read(ssl, text, 1);
	SSL_renegotiate(ssl);
	SSL_do_handshake(ssl);
	peer_write(ssl, "one", 3);
	*(int *)arg = peer_read(ssl, text, 3) && !memcmp(text, "two", 3);
}

static void the_reader_finds_an_alert_and_the_writer_sends_it(void **state)
{
	int done = -1;
	struct link l = open_link(serve_renegotiation, &done);
	bool wants_flush = false;
	char text[3];
	size_t have = 0;

	(void)state;
	assert_int_equal(write_all(l.t, l.fd, "?", 1), 0);
	while (have < 3) {
		ssize_t got = tls_read(l.t, text + have, 3 - have, &wants_flush);

		assert_true(got > 0 || got == -EAGAIN);
		if (got > 0)
			have += (size_t)got;
		else
			assert_true(wait_for(l.fd, POLLIN));
	}
	assert_memory_equal(text, "one", 3);
	assert_true(wants_flush);
	assert_int_equal(write_all(l.t, l.fd, "two", 3), 0);
	peer_stop(l.peer);
	tls_close(l.t);
	close(l.fd);
}

static bool resumes(struct peer *peer, const char *host, const struct trust *by, struct tls_sessions *sessions)
{
	int fd = connect_to(peer);
	struct tls *t;
	bool resumed;

	assert_int_equal(tls_open(&t, fd, host, by, sessions), 0);
	assert_int_equal(shake_hands(t, fd), 1);
	resumed = tls_resumed(t);
	tls_close(t);
	close(fd);
	return resumed;
}

static void a_second_connection_resumes_the_session(void **state)
{
	struct peer *peer = peer_start(&(struct peer_options){ 0 }, serve_nothing, NULL);
	struct tls_sessions *sessions;

	(void)state;
	assert_int_equal(tls_sessions_open(&sessions), 0);
	assert_false(resumes(peer, PEER_NAME, trust, sessions));
	for (int i = 0; i < 10; i++)
		assert_true(resumes(peer, PEER_NAME, trust, sessions));
	assert_false(resumes(peer, PEER_NAME, trust, NULL));
	tls_sessions_close(sessions);
	peer_stop(peer);
}

static void a_session_is_not_resumed_under_other_authorities(void **state)
{
	struct peer *peer = peer_start(&(struct peer_options){ 0 }, serve_nothing, NULL);
	struct tls_sessions *sessions;
	struct trust *same;

	(void)state;
	assert_int_equal(trust_from_pem(&same, peer_authority_pem(), strlen(peer_authority_pem())), 0);
	assert_int_equal(tls_sessions_open(&sessions), 0);
	assert_false(resumes(peer, PEER_NAME, trust, sessions));
	assert_false(resumes(peer, PEER_NAME, same, sessions));
	tls_sessions_close(sessions);
	trust_close(same);
	peer_stop(peer);
}

static void a_server_that_forgot_gets_a_full_handshake(void **state)
{
	struct peer *first = peer_start(&(struct peer_options){ 0 }, serve_nothing, NULL), *second;
	struct tls_sessions *sessions;

	(void)state;
	assert_int_equal(tls_sessions_open(&sessions), 0);
	assert_false(resumes(first, PEER_NAME, trust, sessions));
	peer_stop(first);
	second = peer_start(&(struct peer_options){ 0 }, serve_nothing, NULL);
	assert_false(resumes(second, PEER_NAME, trust, sessions));
	assert_true(resumes(second, PEER_NAME, trust, sessions));
	tls_sessions_close(sessions);
	peer_stop(second);
}

/* Two threads of ours, and a peer that reads a message, then writes it back,
 * then reads the next: with both directions full it waits for our reader, and
 * whoever lets the reader wait for the writer waits for ever. */
struct duplex {
	struct link link;
	char *bytes;
	size_t len;
	int messages, err;
};

static void *write_duplex(void *arg)
{
	struct duplex *d = arg;

	for (int i = 0; !d->err && i < d->messages; i++)
		d->err = write_all(d->link.t, d->link.fd, d->bytes, d->len);
	return NULL;
}

static void check_duplex(struct link link, int messages, size_t len)
{
	struct duplex d = { .link = link, .bytes = malloc(len), .len = len, .messages = messages };
	char *back = malloc(len);
	pthread_t writer;

	random_bytes(d.bytes, len);
	assert_int_equal(pthread_create(&writer, NULL, write_duplex, &d), 0);
	for (int i = 0; i < messages; i++) {
		assert_int_equal(read_all(d.link.t, d.link.fd, back, len), len);
		assert_memory_equal(back, d.bytes, len);
	}
	pthread_join(writer, NULL);
	assert_int_equal(d.err, 0);
	free(back);
	free(d.bytes);
	close_link(&d.link);
}

static void both_directions_full_at_once_do_not_lock_up(void **state)
{
	(void)state;
	check_duplex(open_link(serve_echo, NULL), 60, 60000);
}

enum { SMALL_BYTES = 400 };

static void serve_small_both_ways(SSL *ssl, int fd, void *arg)
{
	char bytes[SMALL_BYTES];

	(void)fd;
	(void)arg;
	while (peer_read(ssl, bytes, sizeof bytes))
		if (!peer_write(ssl, bytes, sizeof bytes))
			break;
}

/* The same engine from two threads in short turns: for the race checker. */
static void two_threads_share_the_engine(void **state)
{
	(void)state;
	check_duplex(open_link(serve_small_both_ways, NULL), 3000, SMALL_BYTES);
}

static void a_host_name_that_cannot_be_one_is_refused(void **state)
{
	char longer[300];
	struct tls *t;

	(void)state;
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(tls_open(&t, -1, longer, trust, NULL), -EINVAL);
	assert_int_equal(tls_open(&t, -1, "", trust, NULL), -EINVAL);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_good_chain_is_accepted),
	cmocka_unit_test(what_cannot_be_trusted_is_refused_in_words),
	cmocka_unit_test(what_is_written_comes_back),
	cmocka_unit_test(many_small_records_are_all_read),
	cmocka_unit_test(one_small_write_is_one_record),
	cmocka_unit_test(close_notify_is_a_clean_end_and_is_answered),
	cmocka_unit_test(an_end_without_close_notify_is_a_cut),
	cmocka_unit_test(a_reset_is_a_cut),
	cmocka_unit_test(a_forged_record_is_an_error),
	cmocka_unit_test(a_dead_writer_wakes_the_reader),
	cmocka_unit_test(the_reader_finds_an_alert_and_the_writer_sends_it),
	cmocka_unit_test(a_second_connection_resumes_the_session),
	cmocka_unit_test(a_session_is_not_resumed_under_other_authorities),
	cmocka_unit_test(a_server_that_forgot_gets_a_full_handshake),
	cmocka_unit_test(both_directions_full_at_once_do_not_lock_up),
	cmocka_unit_test(two_threads_share_the_engine),
	cmocka_unit_test(a_host_name_that_cannot_be_one_is_refused),
	GROUP(open_trust, close_trust),
};
