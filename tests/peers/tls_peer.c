#include "tests/peers/tls_peer.h"

#include "tests/peers/loopback.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DAY_S = 86400, PEM_SIZE = 4096 };

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};

struct peer {
	struct peer_options options;
	pthread_t thread;
	SSL_CTX *ctx;
	int listener;
	int port;
	_Atomic bool stopping;
	peer_serve_fn *serve;
	void *arg;
};

/* One authority for the whole run: made before the first peer starts. */
static struct identity root, intermediate;
static char root_pem[PEM_SIZE];

static void require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "tls_peer: %s failed\n", what);
	ERR_print_errors_fp(stderr);
	abort();
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	require(e && X509_add_ext(certificate, e, -1), "an extension");
	X509_EXTENSION_free(e);
}

/* `by` NULL: signs itself. `rsa_bits` 0: an elliptic curve. */
static struct identity make_identity_with(
    unsigned rsa_bits, const char *name, const struct identity *by, bool authority, long until_s)
{
	static long serial = 1;
	struct identity id = { rsa_bits ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256"), X509_new() };
	X509_NAME *subject;
	char alt[80];

	require(id.key && id.certificate, "making a key");
	X509_set_version(id.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(id.certificate), serial++);
	X509_gmtime_adj(X509_getm_notBefore(id.certificate), -2 * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(id.certificate), until_s);
	X509_set_pubkey(id.certificate, id.key);
	subject = X509_get_subject_name(id.certificate);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(id.certificate, by ? X509_get_subject_name(by->certificate) : subject);
	if (authority) {
		add_extension(id.certificate, NID_basic_constraints, "critical,CA:TRUE");
		add_extension(id.certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
	} else {
		snprintf(alt, sizeof alt, "DNS:%s", name);
		add_extension(id.certificate, NID_subject_alt_name, alt);
	}
	require(X509_sign(id.certificate, by ? by->key : id.key, EVP_sha256()) > 0, "signing");
	return id;
}

static struct identity make_identity(const char *name, const struct identity *by, bool authority, long until_s)
{
	return make_identity_with(0, name, by, authority, until_s);
}

static void free_identity(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->certificate);
}

static void free_authorities(void)
{
	free_identity(&root);
	free_identity(&intermediate);
}

static void write_pem(const struct identity *id, char pem[PEM_SIZE])
{
	BIO *out = BIO_new(BIO_s_mem());
	int len;

	PEM_write_bio_X509(out, id->certificate);
	len = BIO_read(out, pem, PEM_SIZE - 1);
	require(len > 0, "writing the authority");
	BIO_free(out);
}

char *peer_rsa_authority_pem(unsigned bits)
{
	struct identity id = make_identity_with(bits, "RSA Root", NULL, true, DAY_S);
	char *pem = calloc(1, PEM_SIZE);

	require(pem != NULL, "memory");
	write_pem(&id, pem);
	free_identity(&id);
	return pem;
}

static void make_authorities(void)
{
	root = make_identity("Test Root", NULL, true, DAY_S);
	intermediate = make_identity("Test Intermediate", &root, true, DAY_S);
	write_pem(&root, root_pem);
	atexit(free_authorities);
}

const char *peer_authority_pem(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_authorities);
	return root_pem;
}

/* `by` becomes the intermediate that goes with it; one without a key: none does. */
static struct identity make_server(enum peer_certificate kind, struct identity *by)
{
	struct identity stranger, id;

	*by = intermediate;

	switch (kind) {
	case PEER_OTHER_NAME:
		return make_identity("other.test", &intermediate, false, DAY_S);
	case PEER_EXPIRED:
		return make_identity(PEER_NAME, &intermediate, false, -DAY_S);
	case PEER_STRANGER:
		stranger = make_identity("Stranger", NULL, true, DAY_S);
		id = make_identity(PEER_NAME, &stranger, false, DAY_S);
		free_identity(&stranger);
		*by = (struct identity){ NULL, NULL };
		return id;
	case PEER_RSA:
		return make_identity_with(2048, PEER_NAME, &intermediate, false, DAY_S);
	case PEER_SHORT_KEY:
		return make_identity_with(1024, PEER_NAME, &intermediate, false, DAY_S);
	case PEER_SHORT_AUTHORITY:
		*by = make_identity_with(1024, "Short Intermediate", &root, true, DAY_S);
		return make_identity_with(2048, PEER_NAME, by, false, DAY_S);
	default:
		return make_identity(PEER_NAME, &intermediate, false, DAY_S);
	}
}

static int choose_protocol(
    SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *in, unsigned in_len, void *arg)
{
	const struct peer_options *o = arg;

	(void)ssl;
	/* Exactly one offer, and it is the one without which no upgrade is possible. */
	if (!o->offers_http2 && (in_len != 9 || memcmp(in, "\x08http/1.1", 9)))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	if (o->offers_http2 && (in_len != 12 || memcmp(in, "\x02h2\x08http/1.1", 12)))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = in + in_len - 8;
	*len = 8;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_context(const struct peer_options *o)
{
	struct identity by, id = make_server(o->certificate, &by);
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	require(ctx, "a context");
	SSL_CTX_set_security_level(ctx, 0); /* the client is to refuse, not this side */
	SSL_CTX_set_min_proto_version(ctx, o->tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
	/* Resumption by session id, the kind BearSSL knows. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, o->no_resumption ? SSL_SESS_CACHE_OFF : SSL_SESS_CACHE_SERVER);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"test", 4);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, (void *)o);
	require(SSL_CTX_use_certificate(ctx, id.certificate) == 1, "the certificate");
	require(SSL_CTX_use_PrivateKey(ctx, id.key) == 1, "the key");
	if (by.certificate)
		require(SSL_CTX_add1_chain_cert(ctx, by.certificate) == 1, "the chain");
	if (by.certificate != intermediate.certificate)
		free_identity(&by);
	free_identity(&id);
	return ctx;
}

static void serve_one(struct peer *p, int fd)
{
	SSL *ssl = SSL_new(p->ctx);

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1)
		p->serve(ssl, fd, p->arg);
	/* Without this OpenSSL drops the session from its cache. */
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
	ERR_clear_error();
}

static void *run(void *arg)
{
	struct peer *p = arg;
	sigset_t broken_pipe;

	/* OpenSSL writes without MSG_NOSIGNAL. Only here: our own side must do without. */
	sigemptyset(&broken_pipe);
	sigaddset(&broken_pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &broken_pipe, NULL);
	for (;;) {
		int fd = accept(p->listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		if (!atomic_load(&p->stopping))
			serve_one(p, fd);
		close(fd);
	}
}

struct peer *peer_start(const struct peer_options *options, peer_serve_fn *serve, void *arg)
{
	struct peer *p = calloc(1, sizeof *p);

	require(p != NULL, "memory");
	peer_authority_pem();
	p->options = *options;
	p->ctx = make_context(&p->options);
	p->serve = serve;
	p->arg = arg;
	p->listener = loopback_listen(&p->port);
	require(!pthread_create(&p->thread, NULL, run, p), "starting a thread");
	return p;
}

void peer_stop(struct peer *p)
{
	atomic_store(&p->stopping, true);
	loopback_stop(p->listener, p->thread);
	SSL_CTX_free(p->ctx);
	free(p);
}

int peer_port(const struct peer *p)
{
	return p->port;
}

bool peer_read(SSL *ssl, void *out, size_t len)
{
	char *to = out;

	while (len) {
		int got = SSL_read(ssl, to, (int)len);

		if (got <= 0)
			return false;
		to += got;
		len -= (size_t)got;
	}
	return true;
}

bool peer_write(SSL *ssl, const void *bytes, size_t len)
{
	return !len || SSL_write(ssl, bytes, (int)len) == (int)len;
}
