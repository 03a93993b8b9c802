/* common/ws_client.c and what it stands on, against a server that is not ours. */
#include "common/ws_client.h"

#include "common/clock.h"
#include "tests/peers/loopback.h"
#include "tests/peers/wire.h"
#include "tests/peers/ws_peer.h"
#include "tests/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HANG_MS = 60000, STEP_MS = 60000, MAX_MESSAGE = 1 << 20 };

static struct trust *trust;
static struct resolver *resolver;
static struct bell bell;

/* ---- Names ---- */

static sem_t slow_name;

static int look_up(const char *name, struct addresses *out)
{
	out->count = 1;
	out->at[0].v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (!strcmp(name, PEER_NAME))
		return 0;
	if (!strcmp(name, "two.test")) {
		/* Nobody listens on the first. */
		out->at[1] = out->at[0];
		out->at[0].v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
		out->count = 2;
		return 0;
	}
	if (!strcmp(name, "slow.test"))
		sem_wait(&slow_name);
	return -ENOENT;
}

/* ---- Our side ---- */

static struct ws_target target_for(const struct peer *peer)
{
	return (struct ws_target){
		.host = PEER_NAME,
		.port = peer ? peer_port(peer) : 1,
		.path = "/v1/realtime?model=test",
		.headers = "Authorization: Bearer sk-secret\r\n",
		.resolver = resolver,
		.trust = trust,
		.step_ms = STEP_MS,
		.max_message = MAX_MESSAGE,
	};
}

static void wait_dialling(struct ws_client *c)
{
	struct pollfd fds[] = {
		{ .fd = bell.fd, .events = POLLIN },
		{ .fd = ws_client_fd(c), .events = ws_client_events(c) },
	};

	assert_true(poll(fds, 2, HANG_MS) > 0);
	bell_clear(&bell);
}

static struct ws_client *dial(const struct ws_target *target, int *done)
{
	struct ws_client *c;

	assert_int_equal(ws_client_dial(&c, target, &bell), 0);
	while (!(*done = ws_client_step(c, clock_now_us())))
		wait_dialling(c);
	return c;
}

static struct ws_client *dial_open(const struct peer *peer)
{
	struct ws_target target = target_for(peer);
	int done;
	struct ws_client *c = dial(&target, &done);

	assert_int_equal(done, 1);
	return c;
}

static bool wait_for(struct ws_client *c, short events)
{
	struct pollfd p = { .fd = ws_client_fd(c), .events = events };

	return poll(&p, 1, HANG_MS) == 1;
}

static int flush(struct ws_client *c)
{
	int err;

	while ((err = ws_client_flush(c)) == -EAGAIN)
		if (!wait_for(c, POLLOUT))
			return -ETIMEDOUT;
	return err;
}

/* One thread that reads and, when told to, flushes. */
static int receive(struct ws_client *c, struct ws_message *m)
{
	for (;;) {
		bool wants_flush = false;
		int got = ws_client_read(c, m, &wants_flush);

		if (wants_flush)
			flush(c);
		if (got)
			return got;
		if (!wait_for(c, POLLIN))
			return -ETIMEDOUT;
	}
}

static void expect_text(struct ws_client *c, const char *text)
{
	struct ws_message m;

	assert_int_equal(receive(c, &m), 1);
	assert_int_equal(m.opcode, WS_TEXT);
	assert_int_equal(m.len, strlen(text));
	assert_string_equal(m.data, text);
}

static void expect_end(struct ws_client *c, int err)
{
	struct ws_message m;

	assert_int_equal(receive(c, &m), err);
	assert_int_equal(receive(c, &m), err); /* over is over */
}

static void say(struct ws_client *c, const char *text)
{
	assert_int_equal(ws_client_send_text(c, text, strlen(text)), 0);
	assert_int_equal(flush(c), 0);
}

/* ---- Their side ---- */

/* After the upgrade, what the server does; it leaves findings in `seen`. */
struct scene {
	void (*act)(SSL *ssl, int fd, struct scene *s);
	const char *send; /* for the simplest acts */
	size_t send_len;
	char request[WS_PEER_REQUEST];
	struct ws_peer_frame seen; /* the last frame that came */
	int count;
	sem_t go;
};

static void serve_scene(SSL *ssl, int fd, void *arg)
{
	struct scene *s = arg;
	char answer[1024];

	if (!ws_peer_request(ssl, s->request))
		return;
	ws_peer_answer(s->request, "", answer, sizeof answer);
	if (peer_write(ssl, answer, strlen(answer)))
		s->act(ssl, fd, s);
}

static void see(SSL *ssl, struct scene *s)
{
	struct ws_peer_frame f;

	if (!ws_peer_recv(ssl, &f))
		return;
	free(s->seen.payload);
	s->seen = f;
	s->count++;
}

static void act_echo(SSL *ssl, int fd, struct scene *s)
{
	struct ws_peer_frame f;

	(void)fd;
	while (ws_peer_recv(ssl, &f)) {
		bool went = f.masked && ws_peer_send(ssl, f.first, f.payload, (size_t)f.len);

		free(f.payload);
		if (!went)
			return;
		s->count++;
	}
}

/* Sends its bytes as they are, then looks at what comes back. */
static void act_send(SSL *ssl, int fd, struct scene *s)
{
	(void)fd;
	peer_write(ssl, s->send, s->send_len);
	see(ssl, s);
}

static struct peer *start(struct scene *s)
{
	return peer_start(&(struct peer_options){ 0 }, serve_scene, s);
}

static void finish(struct peer *peer, struct ws_client *c, struct scene *s)
{
	ws_client_free(c);
	peer_stop(peer);
	free(s->seen.payload);
	s->seen.payload = NULL;
}

/* Most tests have one scene, and a client that is in it. */
static struct scene scene;
static struct peer *far;
static struct ws_client *client;

static void begin(struct scene s)
{
	free(scene.seen.payload);
	scene = s;
	far = start(&scene);
	client = dial_open(far);
}

/* What was seen can still be looked at. */
static void end(void)
{
	ws_client_free(client);
	peer_stop(far);
}

static int open_all(void **state)
{
	(void)state;
	sem_init(&slow_name, 0, 0);
	return trust_from_pem(&trust, peer_authority_pem(), strlen(peer_authority_pem())) ||
	       resolver_open(&resolver, look_up) || bell_open(&bell);
}

static int close_all(void **state)
{
	(void)state;
	free(scene.seen.payload);
	resolver_close(resolver);
	bell_close(&bell);
	trust_close(trust);
	return 0;
}

/* ---- Dialling ---- */

static void a_message_goes_there_and_back(void **state)
{
	(void)state;
	begin((struct scene){ .act = act_echo });
	say(client, "hello");
	expect_text(client, "hello");
	say(client, "");
	expect_text(client, "");
	assert_int_equal(ws_client_unsent(client), 0);
	end();
}

static void the_request_is_what_rfc_6455_asks_for(void **state)
{
	char host[80];

	(void)state;
	begin((struct scene){ .act = act_echo });
	snprintf(host, sizeof host, "\r\nHost: " PEER_NAME ":%d\r\n", peer_port(far));
	say(client, "so that the request has been seen");
	expect_text(client, "so that the request has been seen");
	assert_int_equal(strncmp(scene.request, "GET /v1/realtime?model=test HTTP/1.1\r\n", 38), 0);
	assert_non_null(strstr(scene.request, host));
	assert_non_null(strstr(scene.request, "\r\nUpgrade: websocket\r\n"));
	assert_non_null(strstr(scene.request, "\r\nConnection: Upgrade\r\n"));
	assert_non_null(strstr(scene.request, "\r\nSec-WebSocket-Version: 13\r\n"));
	assert_non_null(strstr(scene.request, "\r\nAuthorization: Bearer sk-secret\r\n"));
	assert_null(strstr(scene.request, "Extensions"));
	end();
}

struct answer {
	const char *text;
	size_t len;
	bool then_wait;
};

static void serve_answer(SSL *ssl, int fd, void *arg)
{
	const struct answer *a = arg;
	char request[WS_PEER_REQUEST], one;

	(void)fd;
	if (!ws_peer_request(ssl, request))
		return;
	peer_write(ssl, a->text, a->len ? a->len : strlen(a->text));
	if (a->then_wait)
		peer_read(ssl, &one, 1);
}

static struct ws_failure failure_of(struct answer *a)
{
	struct peer *peer = peer_start(&(struct peer_options){ 0 }, serve_answer, a);
	struct ws_target target = target_for(peer);
	struct ws_failure failure;
	int done;
	struct ws_client *c = dial(&target, &done);

	failure = *ws_client_failure(c);
	assert_int_equal(failure.err, done);
	ws_client_free(c);
	peer_stop(peer);
	assert_null(strstr(failure.text, "secret"));
	return failure;
}

static void a_refused_upgrade_tells_why(void **state)
{
	struct answer answers[] = {
		{ .text = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 15\r\n\r\n{\"error\":\"key\"}",
		    .then_wait = true },
		{ .text = "HTTP/1.1 401 Unauthorized\r\n\r\n{\"error\":\"key\"}" },
		{ .text =
			"HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{\"error\":\"key\"}\r\n0\r\n\r\n",
		    .then_wait = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct ws_failure f = failure_of(&answers[i]);

		assert_int_equal(f.stage, WS_UPGRADE);
		assert_int_equal(f.err, -EPROTO);
		assert_int_equal(f.http_status, 401);
		assert_string_equal(f.body, "{\"error\":\"key\"}");
		assert_string_equal(f.text, "upgrade: the server refused with HTTP 401");
	}
}

static void an_answer_that_proves_nothing_is_refused(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct answer a = { .text = answers[i], .then_wait = true };
		struct ws_failure f = failure_of(&a);

		assert_int_equal(f.stage, WS_UPGRADE);
		assert_int_equal(f.err, -EPROTO);
		assert_int_equal(f.http_status, 0);
	}
}

static void an_endless_header_is_refused(void **state)
{
	enum { LEN = 20000 };
	char *text = malloc(LEN);
	struct answer a = { .text = text, .len = LEN, .then_wait = true };

	(void)state;
	memset(text, 'a', LEN);
	memcpy(text, "HTTP/1.1 101 S\r\nX: ", 19);
	assert_int_equal(failure_of(&a).err, -EPROTO);
	free(text);
}

static void a_connection_closed_instead_of_an_answer_is_told(void **state)
{
	struct answer a = { .text = "HTTP/1.1 1" };
	struct ws_failure f = failure_of(&a);

	(void)state;
	assert_int_equal(f.err, -ECONNRESET);
	assert_string_equal(f.text, "upgrade: the server closed the connection");
}

static void a_certificate_that_does_not_fit_is_told_in_words(void **state)
{
	static const struct {
		enum peer_certificate certificate;
		int error;
		const char *text;
	} cases[] = {
		{ PEER_OTHER_NAME, 56, "TLS: the certificate is not valid for this host name (BearSSL 56)" },
		{ PEER_EXPIRED, 54,
		    "TLS: the certificate has expired or is not valid yet; is this machine's clock right? (BearSSL 54)" },
		{ PEER_STRANGER, 62, "TLS: the certificate comes from no authority we trust (BearSSL 62)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene s = { .act = act_echo };
		struct peer *peer =
		    peer_start(&(struct peer_options){ .certificate = cases[i].certificate }, serve_scene, &s);
		struct ws_target target = target_for(peer);
		int done;
		struct ws_client *c = dial(&target, &done);

		assert_int_equal(done, -EPROTO);
		assert_int_equal(ws_client_failure(c)->stage, WS_TLS);
		assert_int_equal(ws_client_failure(c)->tls_error, cases[i].error);
		assert_string_equal(ws_client_failure(c)->text, cases[i].text);
		finish(peer, c, &s);
	}
}

/* As far as the number says it might be any other authority. */
static void an_authority_left_out_for_its_short_key_is_told(void **state)
{
	struct scene s = { .act = act_echo };
	struct peer *peer = peer_start(&(struct peer_options){ .certificate = PEER_STRANGER }, serve_scene, &s);
	char *weak = peer_rsa_authority_pem(1024), *sound = peer_rsa_authority_pem(2048), both[9000];
	struct ws_target target = target_for(peer);
	struct trust *some;
	struct ws_client *c;
	int done;

	(void)state;
	snprintf(both, sizeof both, "%s%s", weak, sound);
	assert_int_equal(trust_from_pem(&some, both, strlen(both)), 0);
	target.trust = some;
	c = dial(&target, &done);
	assert_int_equal(done, -EPROTO);
	assert_string_equal(ws_client_failure(c)->text,
	    "TLS: the certificate comes from no authority we trust, which leaves out RSA keys under 2048 bits (BearSSL 62)");
	finish(peer, c, &s);
	trust_close(some);
	free(weak);
	free(sound);
}

static void check_unreachable(const char *host, int err, int stage, const char *text)
{
	struct ws_target target = target_for(NULL);
	struct ws_client *c;
	int done;

	target.host = host;
	c = dial(&target, &done);
	assert_int_equal(done, err);
	assert_int_equal(ws_client_failure(c)->stage, stage);
	assert_string_equal(ws_client_failure(c)->text, text);
	ws_client_free(c);
}

static void a_name_that_does_not_exist_is_told(void **state)
{
	(void)state;
	check_unreachable("nowhere.test", -ENOENT, WS_LOOKUP, "look-up: no such name: nowhere.test");
}

static void a_refused_connection_is_told(void **state)
{
	(void)state;
	check_unreachable(PEER_NAME, -ECONNREFUSED, WS_CONNECT, "connect to " PEER_NAME " port 1: Connection refused");
}

static void the_second_address_is_tried_when_the_first_is_dead(void **state)
{
	struct scene s = { .act = act_echo };
	struct peer *peer = start(&s);
	struct ws_target target = target_for(peer);
	struct ws_client *c;
	int done;

	(void)state;
	target.host = "two.test";
	c = dial(&target, &done);
	/* It got as far as the certificate, which is for another name. */
	assert_int_equal(ws_client_failure(c)->tls_error, 56);
	finish(peer, c, &s);
}

/* Steps until the stage of the failure-to-be is reached, then lets time pass. */
static struct ws_failure late(const struct ws_target *target, int waits)
{
	struct ws_failure failure;
	struct ws_client *c;
	int done = 0;

	assert_int_equal(ws_client_dial(&c, target, &bell), 0);
	for (int i = 0; i < waits; i++) {
		done = ws_client_step(c, clock_now_us());
		assert_int_equal(done, 0);
		wait_dialling(c);
	}
	assert_int_equal(ws_client_step(c, clock_now_us()), 0);
	assert_true(ws_client_deadline_us(c) > clock_now_us());
	assert_int_equal(ws_client_step(c, ws_client_deadline_us(c)), -ETIMEDOUT);
	failure = *ws_client_failure(c);
	ws_client_free(c);
	return failure;
}

static void a_look_up_has_a_deadline(void **state)
{
	struct ws_target target = target_for(NULL);
	struct ws_failure f;

	(void)state;
	target.host = "slow.test";
	f = late(&target, 0);
	assert_int_equal(f.stage, WS_LOOKUP);
	assert_string_equal(f.text, "look-up: no answer after 60000 ms from slow.test");
	/* The answer comes after everybody has gone. */
	sem_post(&slow_name);
}

static void a_handshake_has_a_deadline(void **state)
{
	struct ws_target target = target_for(NULL);
	int listener = loopback_listen(&target.port);
	struct ws_client *c;

	(void)state;
	assert_int_equal(ws_client_dial(&c, &target, &bell), 0);
	/* Nobody accepts, so it gets as far as its hello and no further. */
	while (ws_client_events(c) != POLLIN || ws_client_fd(c) < 0) {
		assert_int_equal(ws_client_step(c, clock_now_us()), 0);
		if (ws_client_fd(c) >= 0 && ws_client_events(c) == POLLIN)
			break;
		wait_dialling(c);
	}
	assert_int_equal(ws_client_step(c, ws_client_deadline_us(c)), -ETIMEDOUT);
	assert_int_equal(ws_client_failure(c)->stage, WS_TLS);
	ws_client_free(c);
	close(listener);
}

static void serve_silence(SSL *ssl, int fd, void *arg)
{
	char one;

	(void)fd;
	sem_post(arg);
	while (peer_read(ssl, &one, 1))
		;
}

static void an_upgrade_has_a_deadline(void **state)
{
	sem_t upgraded;
	struct peer *peer = peer_start(&(struct peer_options){ 0 }, serve_silence, &upgraded);
	struct ws_target target = target_for(peer);
	struct ws_client *c;
	bool handshake_over = false;

	(void)state;
	sem_init(&upgraded, 0, 0);
	assert_int_equal(ws_client_dial(&c, &target, &bell), 0);
	while (!handshake_over) {
		assert_int_equal(ws_client_step(c, clock_now_us()), 0);
		/* The server's last flight may still be under way when it is done. */
		if (!sem_trywait(&upgraded)) {
			while (poll(&(struct pollfd){ .fd = ws_client_fd(c), .events = POLLIN }, 1, 0) == 1)
				assert_int_equal(ws_client_step(c, clock_now_us()), 0);
			handshake_over = true;
		} else {
			poll(&(struct pollfd){ .fd = ws_client_fd(c), .events = ws_client_events(c) }, 1, 10);
			bell_clear(&bell);
		}
	}
	assert_int_equal(ws_client_step(c, ws_client_deadline_us(c)), -ETIMEDOUT);
	assert_int_equal(ws_client_failure(c)->stage, WS_UPGRADE);
	ws_client_free(c);
	peer_stop(peer);
	sem_destroy(&upgraded);
}

static void a_target_that_could_forge_a_request_is_refused(void **state)
{
	struct ws_target bad[10];
	struct ws_client *c;

	(void)state;
	for (size_t i = 0; i < 10; i++)
		bad[i] = target_for(NULL);
	bad[0].host = "a b";
	bad[1].host = "";
	bad[2].path = "/x HTTP/1.1\r\nEvil: yes";
	bad[3].path = "no-slash";
	bad[4].headers = "A: b\r\n\r\nGET / HTTP/1.1\r\n";
	bad[5].headers = "A: b";
	bad[6].port = 0;
	bad[7].resolver = NULL;
	bad[8].headers = "\r\n";
	bad[9].max_message = 0;
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(ws_client_dial(&c, &bad[i], &bell), -EINVAL);
}

static void giving_up_in_any_state_leaves_nothing_behind(void **state)
{
	struct scene s = { .act = act_echo };
	struct peer *peer = start(&s);
	struct ws_target target = target_for(peer);

	(void)state;
	for (int steps = 0; steps < 12; steps++) {
		struct ws_client *c;

		assert_int_equal(ws_client_dial(&c, &target, &bell), 0);
		for (int i = 0; i < steps && !ws_client_step(c, clock_now_us()); i++)
			wait_dialling(c);
		ws_client_free(c);
	}
	ws_client_free(NULL);
	peer_stop(peer);
}

static void a_second_call_resumes_the_session(void **state)
{
	struct scene s = { .act = act_echo };
	struct peer *peer = start(&s);
	struct ws_target target = target_for(peer);

	(void)state;
	assert_int_equal(tls_sessions_open(&target.sessions), 0);
	for (int i = 0; i < 3; i++) {
		int done;
		struct ws_client *c = dial(&target, &done);

		assert_int_equal(done, 1);
		assert_int_equal(ws_client_resumed(c), i > 0);
		say(c, "hello");
		expect_text(c, "hello");
		ws_client_free(c);
	}
	peer_stop(peer);
	tls_sessions_close(target.sessions);
}

static void a_wire_that_gives_byte_by_byte_is_only_slow(void **state)
{
	struct scene s = { .act = act_echo };
	struct peer *peer = start(&s);
	struct wire *wire = wire_start(&(struct wire_options){ .to_port = peer_port(peer), .piece = 1 });
	struct ws_target target = target_for(peer);
	struct ws_client *c;
	int done;

	(void)state;
	target.port = wire_port(wire);
	c = dial(&target, &done);
	assert_int_equal(done, 1);
	say(c, "hello");
	expect_text(c, "hello");
	ws_client_free(c);
	wire_stop(wire);
	peer_stop(peer);
}

/* How far a call gets through a wire that is cut: -1000 when it opened and the
 * message came back, else the stage in which it failed. */
static int reach(const struct peer *peer, size_t cut_after, bool reset)
{
	struct wire *wire =
	    wire_start(&(struct wire_options){ .to_port = peer_port(peer), .cut_after = cut_after, .reset = reset });
	struct ws_target target = target_for(peer);
	struct ws_client *c;
	struct ws_message m;
	int done, stage;

	target.port = wire_port(wire);
	c = dial(&target, &done);
	stage = (int)ws_client_failure(c)->stage;
	if (done < 0) {
		/* A reset may be seen as the connection's end or by the next send. */
		assert_true(done == -ECONNRESET || done == -EPIPE || done == -EPROTO);
		assert_true(ws_client_failure(c)->text[0]);
	} else if (!ws_client_send_text(c, "hello", 5) && !flush(c) && receive(c, &m) == 1) {
		stage = -1000;
	}
	ws_client_free(c);
	wire_stop(wire);
	return stage;
}

static void a_wire_cut_anywhere_is_a_failure_with_a_name(void **state)
{
	struct scene s = { .act = act_echo };
	struct peer *peer = start(&s);
	bool seen[WS_OPEN + 1] = { false };
	int stage = 0;

	(void)state;
	for (size_t cut = 1; stage >= 0; cut += 41) {
		assert_true(cut < 10000);
		stage = reach(peer, cut, cut & 1);
		if (stage >= 0)
			seen[stage] = true;
	}
	assert_true(seen[WS_TLS]);
	assert_true(seen[WS_UPGRADE]);
	assert_true(seen[WS_OPEN]);
	peer_stop(peer);
}

/* ---- Reading ---- */

static void serve_all_at_once(SSL *ssl, int fd, void *arg)
{
	char request[WS_PEER_REQUEST], all[2048], one;

	(void)fd;
	(void)arg;
	if (!ws_peer_request(ssl, request))
		return;
	ws_peer_answer(request, "", all, sizeof all - 100);
	strcat(all, "\x81\x05"
		    "first"
		    "\x81\x06"
		    "second");
	peer_write(ssl, all, strlen(all));
	peer_read(ssl, &one, 1);
}

static void frames_that_come_with_the_answer_are_not_lost(void **state)
{
	struct peer *peer = peer_start(&(struct peer_options){ 0 }, serve_all_at_once, NULL);
	struct ws_client *c = dial_open(peer);
	struct ws_message m;
	bool wants_flush = false;

	(void)state;
	/* Without poll: the socket has nothing more to say. */
	assert_int_equal(ws_client_read(c, &m, &wants_flush), 1);
	assert_string_equal(m.data, "first");
	assert_int_equal(ws_client_read(c, &m, &wants_flush), 1);
	assert_string_equal(m.data, "second");
	assert_int_equal(ws_client_read(c, &m, &wants_flush), 0);
	assert_false(wants_flush);
	ws_client_free(c);
	peer_stop(peer);
}

static void all_that_is_buffered_comes_before_nothing(void **state)
{
	enum { MESSAGES = 2000 };
	char *many = malloc(MESSAGES * 7);
	struct scene s = { .act = act_send, .send = many, .send_len = MESSAGES * 7 };
	struct peer *peer = start(&s);
	struct ws_client *c;
	struct ws_message m;
	int seen = 0;

	(void)state;
	for (int i = 0; i < MESSAGES; i++)
		memcpy(many + 7 * i, "\x81\x05hello", 7);
	c = dial_open(peer);
	while (seen < MESSAGES) {
		bool wants_flush = false;
		struct pollfd p = { .fd = ws_client_fd(c), .events = POLLIN };
		int got;

		assert_int_equal(poll(&p, 1, HANG_MS), 1);
		while ((got = ws_client_read(c, &m, &wants_flush)) == 1) {
			assert_int_equal(m.len, 5);
			seen++;
		}
		assert_int_equal(got, 0);
	}
	finish(peer, c, &s);
	free(many);
}

static void a_ping_is_answered_by_whoever_flushes(void **state)
{
	struct ws_message m;
	bool wants_flush = false;

	(void)state;
	begin((struct scene){ .act = act_send,
	    .send = "\x89\x04"
		    "abcd",
	    .send_len = 6 });
	while (!wants_flush) {
		assert_true(wait_for(client, POLLIN));
		assert_int_equal(ws_client_read(client, &m, &wants_flush), 0);
	}
	assert_int_equal(flush(client), 0);
	/* The server leaves when it has seen a frame. */
	expect_end(client, -ECONNRESET);
	end();
	assert_int_equal(scene.seen.first, 0x8a);
	assert_true(scene.seen.masked);
	assert_string_equal(scene.seen.payload, "abcd");
}

static void of_many_pings_the_last_is_answered(void **state)
{
	struct ws_message m;
	bool wants_flush = false;
	int got;

	(void)state;
	begin((struct scene){ .act = act_send,
	    .send = "\x89\x01"
		    "a\x89\x01"
		    "b\x89\x01"
		    "c\x81\x01"
		    "!",
	    .send_len = 12 });
	while (!(got = ws_client_read(client, &m, &wants_flush)))
		assert_true(wait_for(client, POLLIN));
	assert_int_equal(got, 1);
	assert_string_equal(m.data, "!");
	assert_true(wants_flush);
	assert_int_equal(flush(client), 0);
	expect_end(client, -ECONNRESET);
	end();
	assert_string_equal(scene.seen.payload, "c");
}

static void act_pong(SSL *ssl, int fd, struct scene *s)
{
	(void)fd;
	see(ssl, s);
	ws_peer_send(ssl, 0x8a, s->seen.payload, (size_t)s->seen.len);
	see(ssl, s);
}

static void our_ping_is_answered_with_a_pong(void **state)
{
	struct ws_message m;

	(void)state;
	begin((struct scene){ .act = act_pong });
	assert_int_equal(ws_client_send_ping(client), 0);
	assert_int_equal(flush(client), 0);
	assert_int_equal(receive(client, &m), 1);
	assert_int_equal(m.opcode, WS_PONG);
	end();
}

static void act_fragments(SSL *ssl, int fd, struct scene *s)
{
	static const char piece[50000];
	char text[sizeof piece];

	(void)fd;
	memset(text, 'f', sizeof text);
	ws_peer_send(ssl, WS_TEXT, text, sizeof text);
	ws_peer_send(ssl, 0x80 | WS_PING, "between", 7);
	ws_peer_send(ssl, WS_CONTINUATION, text, sizeof text);
	ws_peer_send(ssl, WS_CONTINUATION, "", 0);
	ws_peer_send(ssl, 0x80 | WS_CONTINUATION, text, sizeof text);
	ws_peer_send(ssl, 0x80 | WS_TEXT, "end", 3);
	see(ssl, s);
}

static void fragments_are_joined_around_a_ping(void **state)
{
	struct ws_message m;

	(void)state;
	begin((struct scene){ .act = act_fragments });
	assert_int_equal(receive(client, &m), 1);
	assert_int_equal(m.len, 150000);
	for (size_t i = 0; i < m.len; i++)
		assert_int_equal(m.data[i], 'f');
	expect_text(client, "end");
	end();
}

/* The server breaks a rule; we tell it which with our Close. */
static void a_broken_frame_ends_the_stream_with_its_close_code(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t len;
		int err, code;
	} faults[] = {
		{ "masked, by a server", "\x81\x85maskxxxxx", 11, -EPROTO, 1002 },
		{ "RSV1: compression we did not offer", "\xc1\x02hi", 4, -EPROTO, 1002 },
		{ "no such opcode", "\x83\x02hi", 4, -EPROTO, 1002 },
		{ "continues nothing", "\x80\x02hi", 4, -EPROTO, 1002 },
		{ "a ping in fragments", "\x09\x02hi", 4, -EPROTO, 1002 },
		{ "not UTF-8", "\x81\x02\xff\xfe", 4, -EILSEQ, 1007 },
		{ "too large", "\x81\x7f\x00\x00\x00\x00\x00\x20\x00\x00x", 11, -EMSGSIZE, 1009 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		const uint8_t *said;

		begin((struct scene){ .act = act_send, .send = faults[i].bytes, .send_len = faults[i].len });
		expect_end(client, faults[i].err);
		end();
		assert_int_equal(scene.count, 1);
		assert_int_equal(scene.seen.first, 0x88);
		assert_true(scene.seen.len >= 2);
		said = (const uint8_t *)scene.seen.payload;
		if ((said[0] << 8 | said[1]) != faults[i].code)
			fail_msg("%s: closed with %d", faults[i].what, said[0] << 8 | said[1]);
	}
}

static void act_close(SSL *ssl, int fd, struct scene *s)
{
	(void)fd;
	ws_peer_send(ssl, 0x88,
	    "\x0f\xa1"
	    "session expired",
	    17);
	see(ssl, s);
	SSL_shutdown(ssl);
}

static void a_close_is_told_with_code_and_reason_and_echoed(void **state)
{
	(void)state;
	begin((struct scene){ .act = act_close });
	expect_end(client, -EPIPE);
	assert_string_equal(ws_client_close_reason(client), "session expired");
	assert_int_equal(ws_client_close_code(client), 4001);
	assert_int_equal(ws_client_send_text(client, "x", 1), -EPIPE);
	end();
	assert_int_equal(scene.seen.first, 0x88);
	assert_memory_equal(scene.seen.payload, "\x0f\xa1", 2);
}

static void act_cut(SSL *ssl, int fd, struct scene *s)
{
	(void)s;
	ws_peer_send(ssl, 0x81, "last words", 10);
	ws_peer_send(ssl, 0x01, "half a mess", 11);
	shutdown(fd, SHUT_RDWR);
}

static void a_stream_cut_off_is_no_clean_end(void **state)
{
	(void)state;
	begin((struct scene){ .act = act_cut });
	expect_text(client, "last words");
	expect_end(client, -ECONNRESET);
	assert_int_equal(ws_client_close_code(client), 0);
	end();
}

static void act_leave(SSL *ssl, int fd, struct scene *s)
{
	(void)fd;
	(void)s;
	SSL_shutdown(ssl);
}

static void close_notify_without_a_close_is_an_end(void **state)
{
	(void)state;
	begin((struct scene){ .act = act_leave });
	expect_end(client, -EPIPE);
	assert_int_equal(ws_client_close_code(client), 0);
	end();
}

/* ---- Writing ---- */

static void act_answer_close(SSL *ssl, int fd, struct scene *s)
{
	(void)fd;
	see(ssl, s);
	ws_peer_send(ssl, 0x81, "wait", 4);
	ws_peer_send(ssl, 0x88, s->seen.payload, (size_t)s->seen.len);
	SSL_shutdown(ssl);
}

static void nothing_follows_our_close_but_much_may_be_read(void **state)
{
	(void)state;
	begin((struct scene){ .act = act_answer_close });
	assert_int_equal(ws_client_send_close(client, WS_CLOSE_NORMAL), 0);
	assert_int_equal(ws_client_send_text(client, "x", 1), -EPIPE);
	assert_int_equal(ws_client_send_ping(client), -EPIPE);
	assert_int_equal(ws_client_send_close(client, WS_CLOSE_NORMAL), -EPIPE);
	assert_int_equal(flush(client), 0);
	expect_text(client, "wait");
	expect_end(client, -EPIPE);
	assert_int_equal(ws_client_close_code(client), 1000);
	end();
}

static void messages_of_all_sizes_arrive_as_they_were(void **state)
{
	static const size_t sizes[] = { 0, 1, 124, 125, 126, 127, 65535, 65536, 200000 };
	char *text = malloc(200000);

	(void)state;
	begin((struct scene){ .act = act_echo });
	for (size_t i = 0; i < 200000; i++)
		text[i] = (char)('a' + i % 23);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct ws_message m;

		assert_int_equal(ws_client_send_text(client, text, sizes[i]), 0);
		assert_int_equal(flush(client), 0);
		assert_int_equal(receive(client, &m), 1);
		assert_int_equal(m.len, sizes[i]);
		assert_memory_equal(m.data, text, sizes[i]);
	}
	free(text);
	end();
}

static void act_never_read(SSL *ssl, int fd, struct scene *s)
{
	(void)ssl;
	(void)fd;
	sem_wait(&s->go);
}

static void what_cannot_be_sent_is_counted_and_bounded(void **state)
{
	enum { PIECE = 1 << 20 };
	struct scene s = { .act = act_never_read };
	struct peer *peer;
	struct ws_client *c;
	char *text = calloc(1, PIECE);
	size_t unsent;
	int sent = 0, err;

	(void)state;
	sem_init(&s.go, 0, 0);
	peer = start(&s);
	c = dial_open(peer);
	memset(text, 'x', PIECE);
	while (!(err = ws_client_send_text(c, text, PIECE)) && sent < 100) {
		assert_true((err = ws_client_flush(c)) == 0 || err == -EAGAIN);
		sent++;
	}
	assert_int_equal(err, -E2BIG);
	unsent = ws_client_unsent(c);
	assert_true(unsent > 6u << 20 && unsent <= (8u << 20) + 1000);
	/* Refused is not queued, and smaller things still go. */
	assert_int_equal(ws_client_send_text(c, text, PIECE), -E2BIG);
	assert_int_equal(ws_client_unsent(c), unsent);
	assert_int_equal(ws_client_flush(c), -EAGAIN);
	sem_post(&s.go);
	finish(peer, c, &s);
	sem_destroy(&s.go);
	free(text);
}

static void act_gone(SSL *ssl, int fd, struct scene *s)
{
	struct linger now = { .l_onoff = 1 };

	(void)ssl;
	(void)s;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void a_dead_writing_side_ends_the_reading_side_too(void **state)
{
	struct ws_message m;
	bool wants_flush = false;
	int err, got;

	(void)state;
	begin((struct scene){ .act = act_gone });
	assert_true(wait_for(client, POLLIN));
	do
		err = ws_client_send_text(client, "x", 1) ? -EIO : ws_client_flush(client);
	while (!err);
	assert_true(err == -EPIPE || err == -ECONNRESET);
	assert_int_equal(ws_client_flush(client), err);
	assert_int_equal(ws_client_send_text(client, "x", 1), err);
	while (!(got = ws_client_read(client, &m, &wants_flush)))
		assert_true(wait_for(client, POLLIN));
	assert_true(got == -ECONNRESET || got == -EPIPE);
	end();
}

/* A peer that reads one, writes one, and so stops reading when we do: two
 * threads, both directions full, pings in between. */
enum { DUPLEX_MESSAGES = 100, DUPLEX_BYTES = 60000 };

struct writer {
	struct ws_client *c;
	struct bell bell; /* the reader's: something to flush */
	const char *text;
	int err;
};

static void *write_duplex(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; !w->err && i < DUPLEX_MESSAGES; i++) {
		w->err = ws_client_send_text(w->c, w->text, DUPLEX_BYTES);
		if (!w->err)
			w->err = flush(w->c);
		bell_clear(&w->bell);
	}
	return NULL;
}

static void act_slow_echo(SSL *ssl, int fd, struct scene *s)
{
	struct ws_peer_frame f;

	(void)fd;
	while (ws_peer_recv(ssl, &f)) {
		bool went = (f.first & 0x0f) != WS_TEXT || ws_peer_send(ssl, f.first, f.payload, (size_t)f.len);

		if (went && s->count++ % 7 == 0)
			went = ws_peer_send(ssl, 0x89, "are you there", 13);
		free(f.payload);
		if (!went)
			return;
	}
}

static void both_directions_full_at_once_do_not_lock_up(void **state)
{
	struct scene s = { .act = act_slow_echo };
	struct peer *peer = start(&s);
	char *text = malloc(DUPLEX_BYTES);
	struct writer w = { .c = dial_open(peer), .text = text };
	pthread_t thread;

	(void)state;
	memset(text, 'd', DUPLEX_BYTES);
	assert_int_equal(bell_open(&w.bell), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_duplex, &w), 0);
	for (int seen = 0; seen < DUPLEX_MESSAGES;) {
		struct ws_message m;
		bool wants_flush = false;
		int got = ws_client_read(w.c, &m, &wants_flush);

		if (wants_flush)
			bell_ring(&w.bell);
		assert_true(got >= 0);
		if (got) {
			assert_int_equal(m.len, DUPLEX_BYTES);
			assert_memory_equal(m.data, text, DUPLEX_BYTES);
			seen++;
		} else {
			assert_true(wait_for(w.c, POLLIN));
		}
	}
	pthread_join(thread, NULL);
	assert_int_equal(w.err, 0);
	bell_close(&w.bell);
	free(text);
	finish(peer, w.c, &s);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(an_authority_left_out_for_its_short_key_is_told),
	cmocka_unit_test(a_message_goes_there_and_back),
	cmocka_unit_test(the_request_is_what_rfc_6455_asks_for),
	cmocka_unit_test(a_refused_upgrade_tells_why),
	cmocka_unit_test(an_answer_that_proves_nothing_is_refused),
	cmocka_unit_test(an_endless_header_is_refused),
	cmocka_unit_test(a_connection_closed_instead_of_an_answer_is_told),
	cmocka_unit_test(a_certificate_that_does_not_fit_is_told_in_words),
	cmocka_unit_test(a_name_that_does_not_exist_is_told),
	cmocka_unit_test(a_refused_connection_is_told),
	cmocka_unit_test(the_second_address_is_tried_when_the_first_is_dead),
	cmocka_unit_test(a_look_up_has_a_deadline),
	cmocka_unit_test(a_handshake_has_a_deadline),
	cmocka_unit_test(an_upgrade_has_a_deadline),
	cmocka_unit_test(a_target_that_could_forge_a_request_is_refused),
	cmocka_unit_test(giving_up_in_any_state_leaves_nothing_behind),
	cmocka_unit_test(a_second_call_resumes_the_session),
	cmocka_unit_test(a_wire_that_gives_byte_by_byte_is_only_slow),
	cmocka_unit_test(a_wire_cut_anywhere_is_a_failure_with_a_name),
	cmocka_unit_test(frames_that_come_with_the_answer_are_not_lost),
	cmocka_unit_test(all_that_is_buffered_comes_before_nothing),
	cmocka_unit_test(a_ping_is_answered_by_whoever_flushes),
	cmocka_unit_test(of_many_pings_the_last_is_answered),
	cmocka_unit_test(our_ping_is_answered_with_a_pong),
	cmocka_unit_test(fragments_are_joined_around_a_ping),
	cmocka_unit_test(a_broken_frame_ends_the_stream_with_its_close_code),
	cmocka_unit_test(a_close_is_told_with_code_and_reason_and_echoed),
	cmocka_unit_test(a_stream_cut_off_is_no_clean_end),
	cmocka_unit_test(close_notify_without_a_close_is_an_end),
	cmocka_unit_test(nothing_follows_our_close_but_much_may_be_read),
	cmocka_unit_test(messages_of_all_sizes_arrive_as_they_were),
	cmocka_unit_test(what_cannot_be_sent_is_counted_and_bounded),
	cmocka_unit_test(a_dead_writing_side_ends_the_reading_side_too),
	cmocka_unit_test(both_directions_full_at_once_do_not_lock_up),
	GROUP(open_all, close_all),
};
