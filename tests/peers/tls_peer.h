#ifndef TESTS_TLS_PEER_H
#define TESTS_TLS_PEER_H
/* A TLS server to test against: OpenSSL's, in a thread of the test, with
 * authorities and certificates made on the spot for PEER_NAME.
 *
 * It serves one connection after the other. Its thread must not use cmocka's
 * assertions; what went wrong is what the client then sees. */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#define PEER_NAME "model.test"

enum peer_certificate {
	PEER_GOOD,       /* by an intermediate of the authority in peer_authority_pem */
	PEER_OTHER_NAME, /* the same, for another host */
	PEER_EXPIRED,
	PEER_STRANGER,        /* by an authority nobody knows */
	PEER_RSA,             /* like PEER_GOOD, with an RSA key of 2048 bits */
	PEER_SHORT_KEY,       /* the same, of 1024 bits */
	PEER_SHORT_AUTHORITY, /* 2048 bits, by an intermediate of 1024 */
};

struct peer_options {
	enum peer_certificate certificate;
	bool tls13_only;
	bool no_resumption;
	bool offers_http2; /* the client does, beside HTTP/1.1, which is chosen */
};

typedef void peer_serve_fn(SSL *ssl, int fd, void *arg);

struct peer;

/* Aborts the test program when it cannot. `serve` is called after a successful
 * handshake; what it leaves open is closed without a word. */
struct peer *peer_start(const struct peer_options *options, peer_serve_fn *serve, void *arg);
void peer_stop(struct peer *p); /* waits for the connection being served */
int peer_port(const struct peer *p);

/* The authority of PEER_GOOD; lives as long as the program. */
const char *peer_authority_pem(void);

/* Another one, with an RSA key of so many bits; the caller frees it. */
char *peer_rsa_authority_pem(unsigned bits);

/* SSL_read and SSL_write in full; false at the end of the connection. */
bool peer_read(SSL *ssl, void *out, size_t len);
bool peer_write(SSL *ssl, const void *bytes, size_t len);

#endif
