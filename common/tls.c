#include "common/tls.h"

#include "common/buf.h"
#include "common/digest.h"
#include "common/tls_sessions.h"
#include "common/trust_anchors.h"

#include <bearssl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	STAGING_BYTES = 4096,   /* a quarter of the largest record: small events in one recv, long ones in a few */
	BATCH_BYTES = 16384,    /* encrypted bytes made before they are sent */
	KEEP_WIRE_BYTES = 4096, /* an idle connection holds on to no more than this */
	ASIDE_MAX = 1024        /* thirty alerts: nobody honest needs two */
};

_Static_assert((int)TLS_NOT_TRUSTED == BR_ERR_X509_NOT_TRUSTED, "the number is BearSSL's");
enum { UNRECOGNIZED_NAME = 112 }; /* RFC 6066 §3; BearSSL has no name for it */

/* The AEAD suites of TLS 1.2, AES first: it has hardware behind it. */
static const uint16_t suites[] = {
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
};

/* With "h2" on offer a server could choose it, and no WebSocket would open. */
static const char *protocols[] = { "http/1.1" };

struct tls {
	/* Constant once open. */
	int fd;
	char host[TLS_HOST_MAX + 1];
	const struct trust *trust;
	struct tls_sessions *sessions;
	uint8_t *buffers; /* owned: the engine's, input and output */

	/* Whoever holds the lock. */
	pthread_mutex_t lock;
	unsigned canary; /* see enter */
	br_ssl_client_context client;
	struct buf aside; /* records the reader found, for the writer to send */

	/* The handshake's. */
	br_x509_minimal_context *x509; /* owned; gone when it is done */
	br_ssl_session_parameters offered;
	bool done, resumed;

	/* Reader only. */
	uint8_t staging[STAGING_BYTES]; /* received, not yet decrypted */
	size_t staging_at, staging_len;
	bool drained; /* the last recv brought less than asked for */
	bool over;
	int end; /* once over: 0 or a negative errno */

	/* Writer only. */
	struct buf wire; /* encrypted, not yet sent */
	size_t wire_at;
	int dead; /* the error that ended this side */
};

/* BearSSL's engine has no locks of its own, and a packaged library is not
 * instrumented: a race checker sees no use of it. The canary is a plain
 * variable that every use touches, so that a missing lock shows. */
static br_ssl_engine_context *enter(struct tls *t)
{
	pthread_mutex_lock(&t->lock);
	t->canary++;
	return &t->client.eng;
}

static void leave(struct tls *t)
{
	t->canary++;
	pthread_mutex_unlock(&t->lock);
}

static void set_up_engine(struct tls *t)
{
	br_ssl_engine_context *eng = &t->client.eng;
	uint8_t seed[32];

	br_ssl_client_init_full(&t->client, t->x509, trust_anchors(t->trust), trust_count(t->trust));
	br_x509_minimal_set_minrsa(t->x509, TRUST_RSA_BYTES);
	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(eng, suites, sizeof suites / sizeof suites[0]);
	br_ssl_engine_set_protocol_names(eng, protocols, sizeof protocols / sizeof protocols[0]);
	br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_buffers_bidi(
	    eng, t->buffers, BR_SSL_BUFSIZE_INPUT, t->buffers + BR_SSL_BUFSIZE_INPUT, BR_SSL_BUFSIZE_OUTPUT);
	/* By itself it would trust a virtual machine's RDRAND alone. */
	random_bytes(seed, sizeof seed);
	br_ssl_engine_inject_entropy(eng, seed, sizeof seed);
	explicit_bzero(seed, sizeof seed);
}

/* With the lock held, after everything that may have made the engine speak:
 * it goes on only when its records have been taken. */
static int take_records(br_ssl_engine_context *eng, struct buf *into)
{
	unsigned char *record;
	size_t len;

	while ((record = br_ssl_engine_sendrec_buf(eng, &len))) {
		buf_put(into, record, len);
		if (buf_error(into))
			return buf_error(into);
		br_ssl_engine_sendrec_ack(eng, len);
	}
	return 0;
}

/* With the lock held: gives the engine what was received, until it has data
 * for us or wants no more. */
static int feed(struct tls *t, br_ssl_engine_context *eng, struct buf *replies)
{
	int err = 0;

	while (!err && t->staging_at < t->staging_len) {
		size_t room, left = t->staging_len - t->staging_at;
		unsigned char *to = br_ssl_engine_recvrec_buf(eng, &room);

		if (!to)
			break;
		if (room > left)
			room = left;
		memcpy(to, t->staging + t->staging_at, room);
		t->staging_at += room;
		br_ssl_engine_recvrec_ack(eng, room);
		err = take_records(eng, replies);
	}
	return err;
}

/* Staging must be empty. 0: it no longer is. */
static int receive(struct tls *t)
{
	ssize_t got;

	if (t->drained) {
		t->drained = false;
		return -EAGAIN;
	}
	do
		got = recv(t->fd, t->staging, sizeof t->staging, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	if (got == 0)
		return -ECONNRESET; /* a clean end would have been announced */
	t->staging_at = 0;
	t->staging_len = (size_t)got;
	t->drained = (size_t)got < sizeof t->staging;
	return 0;
}

static int send_wire(struct tls *t)
{
	while (t->wire_at < t->wire.len) {
		ssize_t sent = send(t->fd, t->wire.data + t->wire_at, t->wire.len - t->wire_at, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		t->wire_at += (size_t)sent;
	}
	t->wire_at = 0;
	buf_reset(&t->wire);
	if (t->wire.cap > KEEP_WIRE_BYTES)
		buf_free(&t->wire);
	return 0;
}

/* With the lock held. What was put aside is older than anything made from now
 * on, and the far side counts records: it goes first. */
static void take_aside(struct tls *t)
{
	if (!t->aside.len)
		return;
	buf_put(&t->wire, t->aside.data, t->aside.len);
	buf_free(&t->aside);
}

/* A server that is left without a word may think the stream was cut off, and
 * OpenSSL then forgets the session that the next call could resume. */
static void say_goodbye(struct tls *t)
{
	br_ssl_engine_context *eng;

	if (!t->done || t->dead || tls_unsent(t))
		return;
	eng = enter(t);
	take_aside(t);
	br_ssl_engine_close(eng);
	take_records(eng, &t->wire);
	leave(t);
	send_wire(t);
}

void tls_close(struct tls *t)
{
	if (!t)
		return;
	say_goodbye(t);
	pthread_mutex_destroy(&t->lock);
	buf_free(&t->aside);
	buf_free(&t->wire);
	free(t->x509);
	free(t->buffers);
	explicit_bzero(t, sizeof *t);
	free(t);
}

int tls_open(struct tls **out, int fd, const char *host, const struct trust *trust, struct tls_sessions *sessions)
{
	struct tls *t;
	bool resume;

	if (!*host || strlen(host) > TLS_HOST_MAX)
		return -EINVAL;
	t = calloc(1, sizeof *t);
	if (!t)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	buf_init(&t->aside, ASIDE_MAX);
	buf_init(&t->wire, 0);
	t->fd = fd;
	t->trust = trust;
	t->sessions = sessions;
	strcpy(t->host, host);
	/* Not cleared: pages that no record reaches are never touched. */
	t->buffers = malloc(BR_SSL_BUFSIZE_BIDI);
	t->x509 = malloc(sizeof *t->x509);
	if (!t->buffers || !t->x509) {
		tls_close(t);
		return -ENOMEM;
	}
	set_up_engine(t);
	resume = sessions && tls_sessions_recall(sessions, t->host, trust, &t->offered);
	if (resume)
		br_ssl_engine_set_session_parameters(&t->client.eng, &t->offered);
	if (!br_ssl_client_reset(&t->client, t->host, resume)) {
		tls_close(t);
		return -EINVAL;
	}
	*out = t;
	return 0;
}

static void finish_handshake(struct tls *t, br_ssl_engine_context *eng)
{
	br_ssl_session_parameters agreed;

	br_ssl_engine_get_session_parameters(eng, &agreed);
	t->resumed = t->offered.session_id_len &&
		     bytes_equal(agreed.master_secret, t->offered.master_secret, sizeof agreed.master_secret);
	if (t->sessions)
		tls_sessions_remember(t->sessions, t->host, t->trust, &agreed);
	explicit_bzero(&agreed, sizeof agreed);
	/* Nothing is verified from here on: there is no renegotiation. */
	br_ssl_engine_set_x509(eng, NULL);
	free(t->x509);
	t->x509 = NULL;
	t->done = true;
}

/* Gives the engine what has come and takes what it says. The engine's state,
 * or a negative errno. */
static int turn_engine(struct tls *t)
{
	br_ssl_engine_context *eng = enter(t);
	int err = take_records(eng, &t->wire);
	int state;

	if (!err)
		err = feed(t, eng, &t->wire);
	state = (int)br_ssl_engine_current_state(eng);
	if (!err && (state & BR_SSL_SENDAPP) && !t->done)
		finish_handshake(t, eng);
	leave(t);
	return err ? err : state;
}

static int handshake(struct tls *t)
{
	for (;;) {
		int state = turn_engine(t);
		int err;

		if (state < 0)
			return state;
		err = send_wire(t);
		if (state == BR_SSL_CLOSED)
			return tls_error(t) ? -EPROTO : -ECONNRESET;
		if (err)
			return err;
		if (state & BR_SSL_SENDAPP)
			return 0;
		err = receive(t);
		if (err)
			return err;
	}
}

int tls_handshake(struct tls *t)
{
	int err = handshake(t);

	if (!err)
		return 1;
	if (err == -EAGAIN)
		return 0;
	if (t->sessions)
		tls_sessions_forget(t->sessions, &t->offered);
	return err;
}

short tls_events(const struct tls *t)
{
	return tls_unsent(t) ? POLLOUT : POLLIN;
}

bool tls_resumed(const struct tls *t)
{
	return t->resumed;
}

static size_t take_data(br_ssl_engine_context *eng, void *out, size_t size)
{
	size_t len;
	unsigned char *data = br_ssl_engine_recvapp_buf(eng, &len);

	if (!data)
		return 0;
	if (len > size)
		len = size;
	memcpy(out, data, len);
	br_ssl_engine_recvapp_ack(eng, len);
	return len;
}

/* Decrypts what is here already, several records if they fit. How many bytes;
 * 0 when it takes more from the socket, or never any more (then t->over). */
static size_t read_engine(struct tls *t, uint8_t *out, size_t size, bool *wants_flush)
{
	br_ssl_engine_context *eng = enter(t);
	size_t total = 0, got;
	int err;

	do {
		err = feed(t, eng, &t->aside);
		got = take_data(eng, out + total, size - total);
		total += got;
	} while (!err && got && total < size);

	if (t->aside.len)
		*wants_flush = true;
	if (!total && (err || br_ssl_engine_current_state(eng) == BR_SSL_CLOSED)) {
		t->over = true;
		if (err)
			t->end = err == -E2BIG ? -EPROTO : err;
		else
			t->end = br_ssl_engine_last_error(eng) ? -EPROTO : 0;
	}
	leave(t);
	return total;
}

ssize_t tls_read(struct tls *t, void *out, size_t size, bool *wants_flush)
{
	while (!t->over) {
		size_t got = read_engine(t, out, size, wants_flush);
		int err;

		if (got)
			return (ssize_t)got;
		if (t->over)
			break;
		err = receive(t);
		if (err == -EAGAIN)
			return err;
		if (err) {
			t->over = true;
			t->end = err;
		}
	}
	return t->end;
}

/* Turns data into records, a batch at most. How many bytes of it. */
static size_t write_engine(struct tls *t, const uint8_t *data, size_t len, int *err)
{
	br_ssl_engine_context *eng = enter(t);
	size_t taken = 0, room;
	unsigned char *to;

	take_aside(t);
	*err = buf_error(&t->wire);

	while (!*err && taken < len && t->wire.len < BATCH_BYTES) {
		to = br_ssl_engine_sendapp_buf(eng, &room);
		if (!to) {
			*err = -EPIPE; /* closed, by the peer or by an error */
			break;
		}
		if (room > len - taken)
			room = len - taken;
		memcpy(to, data + taken, room);
		br_ssl_engine_sendapp_ack(eng, room);
		br_ssl_engine_flush(eng, 0);
		taken += room;
		*err = take_records(eng, &t->wire);
	}
	leave(t);
	return taken;
}

ssize_t tls_write(struct tls *t, const void *data, size_t len)
{
	size_t taken = 0;
	int err, refused = 0;

	if (t->dead)
		return t->dead;
	err = send_wire(t);
	if (!err) {
		taken = write_engine(t, data, len, &refused);
		err = send_wire(t);
	}
	if (err == -EAGAIN)
		err = 0;
	if (!err)
		err = refused;
	if (err) {
		t->dead = err;
		shutdown(t->fd, SHUT_RDWR);
		return err;
	}
	return (ssize_t)taken;
}

size_t tls_unsent(const struct tls *t)
{
	return t->wire.len - t->wire_at;
}

int tls_error(struct tls *t)
{
	int error = br_ssl_engine_last_error(enter(t));

	leave(t);
	return error;
}

const char *tls_error_text(int error)
{
	static const struct {
		int error;
		const char *text;
	} known[] = {
		{ BR_ERR_UNSUPPORTED_VERSION, "the server does not speak TLS, or not version 1.2" },
		{ BR_ERR_BAD_VERSION, "the server does not speak TLS, or not version 1.2" },
		{ BR_ERR_BAD_MAC, "a record was damaged on its way" },
		{ BR_ERR_X509_EMPTY_CHAIN, "the server sent no certificate" },
		{ BR_ERR_X509_BAD_SIGNATURE, "the certificate's signature is wrong" },
		{ BR_ERR_X509_EXPIRED,
		    "the certificate has expired or is not valid yet; is this machine's clock right?" },
		{ BR_ERR_X509_BAD_SERVER_NAME, "the certificate is not valid for this host name" },
		{ BR_ERR_X509_NOT_CA, "the certificate was issued by one that may not issue any" },
		{ BR_ERR_X509_WEAK_PUBLIC_KEY, "a key in the certificate's chain is too short: RSA needs 2048 bits" },
		{ BR_ERR_X509_NOT_TRUSTED, "the certificate comes from no authority we trust" },
		{ BR_ERR_RECV_FATAL_ALERT + BR_ALERT_HANDSHAKE_FAILURE, "the server found no cipher suite in common" },
		{ BR_ERR_RECV_FATAL_ALERT + BR_ALERT_PROTOCOL_VERSION, "the server does not accept TLS 1.2" },
		{ BR_ERR_RECV_FATAL_ALERT + UNRECOGNIZED_NAME, "the server does not know this host name" },
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i].error == error)
			return known[i].text;
	if (error >= BR_ERR_SEND_FATAL_ALERT)
		return "we refused what the server sent";
	if (error >= BR_ERR_RECV_FATAL_ALERT)
		return "the server refused with an alert";
	if (error > BR_ERR_X509_OK && error <= BR_ERR_X509_NOT_TRUSTED)
		return "the certificate could not be verified";
	return "the server broke the rules of TLS";
}
