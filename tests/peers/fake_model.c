#include "tests/peers/fake_model.h"

#include "common/bell.h"
#include "common/clock.h"
#include "common/resolver.h"
#include "common/tls.h"
#include "common/trust.h"
#include "common/ws_frame.h"
#include "server/model/session.h"
#include "tests/peers/fake_protocol.h"
#include "tests/peers/ws_peer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 4096, TO_TELL = 256, GUARD_SECONDS = 60, STEP_MS = 20000, FIN = 0x80 };

struct fake_model {
	const struct fake_answer *answers;
	struct peer *peer;
	struct bell bell;     /* something is to be told */
	pthread_mutex_t lock; /* everything below */
	pthread_cond_t came;
	char *lines[LINES];
	size_t line_count;
	char *to_tell[TO_TELL];
	size_t told, tell_count;
	bool resting;
};

/* ------------------------------------------------------------------ its own thread */

static bool send_message(SSL *ssl, const char *text, size_t len)
{
	char close[126] = { WS_CLOSE_NORMAL >> 8, (char)(WS_CLOSE_NORMAL & 0xff) };

	if (text[0] != '!')
		return ws_peer_send(ssl, FIN | WS_TEXT, text, len);
	memcpy(close + 2, text + 1, len - 1);
	return ws_peer_send(ssl, FIN | WS_CLOSE, close, len + 1);
}

static void answer(struct fake_model *m, SSL *ssl, const char *line)
{
	for (const struct fake_answer *a = m->answers; a->to; a++) {
		if (a->to[0] ? strncmp(line, a->to, strlen(a->to)) != 0 : line[0] != '\0')
			continue;
		for (const char *at = a->say; *at; at += strcspn(at, "\n"), at += *at == '\n')
			send_message(ssl, at, strcspn(at, "\n"));
		return;
	}
}

static void keep(struct fake_model *m, const char *line)
{
	pthread_mutex_lock(&m->lock);
	if (m->line_count < LINES)
		m->lines[m->line_count++] = strdup(line);
	pthread_cond_broadcast(&m->came);
	pthread_mutex_unlock(&m->lock);
}

static void tell_all(struct fake_model *m, SSL *ssl)
{
	bell_clear(&m->bell);
	pthread_mutex_lock(&m->lock);
	for (; m->told < m->tell_count; m->told++)
		send_message(ssl, m->to_tell[m->told], strlen(m->to_tell[m->told]));
	pthread_mutex_unlock(&m->lock);
}

static bool is_resting(struct fake_model *m)
{
	bool resting;

	pthread_mutex_lock(&m->lock);
	resting = m->resting;
	pthread_mutex_unlock(&m->lock);
	return resting;
}

static bool receive(struct fake_model *m, SSL *ssl)
{
	struct ws_peer_frame frame;
	bool more = ws_peer_recv(ssl, &frame);

	if (more && frame.first == (FIN | WS_TEXT)) {
		keep(m, (char *)frame.payload);
		answer(m, ssl, (char *)frame.payload);
	}
	if (more && frame.first == (FIN | WS_PING))
		ws_peer_send(ssl, FIN | WS_PONG, (char *)frame.payload, frame.len);
	more = more && frame.first != (FIN | WS_CLOSE);
	free(frame.payload);
	return more;
}

static void serve(SSL *ssl, int fd, void *arg)
{
	struct fake_model *m = arg;
	struct pollfd fds[2] = { { .fd = fd }, { .fd = m->bell.fd, .events = POLLIN } };
	bool resting;

	if (!ws_peer_upgrade(ssl))
		return;
	answer(m, ssl, "");
	for (;;) {
		resting = is_resting(m);
		fds[0].events = resting ? 0 : POLLIN;
		if (resting || !SSL_pending(ssl))
			poll(fds, 2, GUARD_SECONDS * 1000);
		if (fds[1].revents)
			tell_all(m, ssl);
		if (resting ? fds[0].revents : (SSL_pending(ssl) || fds[0].revents) && !receive(m, ssl))
			break;
	}
	keep(m, "(end)");
}

/* --------------------------------------------------------------------- the test's */

struct fake_model *fake_model_start(const struct fake_answer *answers)
{
	struct fake_model *m = calloc(1, sizeof *m);

	if (!m || bell_open(&m->bell))
		abort();
	m->answers = answers;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->came, NULL);
	m->peer = peer_start(&(struct peer_options){ 0 }, serve, m);
	return m;
}

void fake_model_stop(struct fake_model *m)
{
	peer_stop(m->peer);
	for (size_t i = 0; i < m->line_count; i++)
		free(m->lines[i]);
	for (size_t i = 0; i < m->tell_count; i++)
		free(m->to_tell[i]);
	bell_close(&m->bell);
	pthread_cond_destroy(&m->came);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static int look_up(const char *name, struct addresses *out)
{
	out->count = 1;
	out->at[0].v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return strcmp(name, PEER_NAME) ? -ENOENT : 0;
}

void fake_model_access(const struct fake_model *m, struct model_access *access, struct config *cfg)
{
	memset(access, 0, sizeof *access);
	cfg->model_connect_ms = STEP_MS;
	cfg->openai_api_key = "a-key";
	access->cfg = cfg;
	access->number = 1;
	access->key = cfg->openai_api_key;
	access->protocol = &fake_protocol;
	access->format = AUDIO_PCMU;
	access->port = peer_port(m->peer);
	snprintf(access->host, sizeof access->host, "%s", PEER_NAME);
	if (resolver_open(&access->resolver, look_up) || tls_sessions_open(&access->sessions) ||
	    trust_from_pem(&access->trust, peer_authority_pem(), strlen(peer_authority_pem())))
		abort();
}

void fake_model_access_close(struct model_access *access)
{
	resolver_close(access->resolver);
	tls_sessions_close(access->sessions);
	trust_close(access->trust);
}

void fake_model_tell(struct fake_model *m, const char *message)
{
	pthread_mutex_lock(&m->lock);
	if (m->tell_count == TO_TELL)
		abort();
	m->to_tell[m->tell_count++] = strdup(message);
	pthread_mutex_unlock(&m->lock);
	bell_ring(&m->bell);
}

void fake_model_rest(struct fake_model *m, bool on)
{
	pthread_mutex_lock(&m->lock);
	m->resting = on;
	pthread_mutex_unlock(&m->lock);
	bell_ring(&m->bell);
}

/* Under the lock. */
static size_t count(const struct fake_model *m, const char *beginning, size_t nth, const char **found)
{
	size_t n = 0;

	for (size_t i = 0; i < m->line_count; i++)
		if (!strncmp(m->lines[i], beginning, strlen(beginning)) && n++ == nth)
			*found = m->lines[i];
	return n;
}

size_t fake_model_count(struct fake_model *m, const char *beginning)
{
	const char *line;
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = count(m, beginning, SIZE_MAX, &line);
	pthread_mutex_unlock(&m->lock);
	return n;
}

void fake_model_line(struct fake_model *m, const char *beginning, size_t n, char *out, size_t size)
{
	const char *line = "";

	pthread_mutex_lock(&m->lock);
	count(m, beginning, n, &line);
	snprintf(out, size, "%s", line);
	pthread_mutex_unlock(&m->lock);
}

void fake_model_wait(struct fake_model *m, const char *beginning, size_t wanted)
{
	struct timespec until;
	const char *line;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += GUARD_SECONDS;
	pthread_mutex_lock(&m->lock);
	while (count(m, beginning, SIZE_MAX, &line) < wanted)
		if (pthread_cond_timedwait(&m->came, &m->lock, &until)) {
			fprintf(stderr, "the model was not told \"%s\" %zu times\n", beginning, wanted);
			abort();
		}
	pthread_mutex_unlock(&m->lock);
}

struct model_session *fake_model_meet(const struct model_access *access, const struct model_wish *wish)
{
	struct model_session *session = NULL;
	struct bell bell;
	int done = bell_open(&bell);

	if (!done)
		done = model_session_open(&session, access, wish, &bell, clock_now_us());
	while (!done && !(done = model_session_step(session, clock_now_us()))) {
		struct pollfd fds[2] = { { .fd = bell.fd, .events = POLLIN } };

		model_session_poll(session, &fds[1]);
		poll(fds, 2, 10);
		bell_clear(&bell);
	}
	if (done != 1) {
		fprintf(stderr, "no session with the model: %d\n", done);
		abort();
	}
	bell_close(&bell);
	return session;
}
