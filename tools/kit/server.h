#ifndef KIT_SERVER_H
#define KIT_SERVER_H
/* A port on this machine, and a thread for each connection to it, plain or TLS. */
#include <openssl/ssl.h>
#include <stdbool.h>

#include "tools/kit/http.h"

/* One connection; belongs to its thread. */
struct peer {
	int fd;
	SSL *ssl;       /* NULL: plain */
	struct text in; /* read and not yet taken */
};

/* Listens, and prints "listening SHOWN:PORT"; *port 0 picks one and is set to it. A write to who
 * has gone is an error from then on, no signal. Ends the program with a line on
 * stderr if it cannot. */
int server_listen(const char *program, const char *address, int *port, const char *shown);

/* A context with a certificate chain and its key, TLS 1.2 at least. NULL, and a
 * line on stderr, if the files will not do. */
SSL_CTX *server_tls(const char *program, const char *chain_file, const char *key_file);

/* Accepts until server_stop. `serve` has the connection once TLS (if `tls`) is
 * agreed; it is cut when `serve` returns, and when nothing comes for `idle_s`
 * (0: for ever) reading ends. */
void server_run(int listener, SSL_CTX *tls, int idle_s, void (*serve)(struct peer *p));
void server_stop(int listener); /* any thread */

/* Reads something more into p->in; false at the end. */
bool peer_more(struct peer *p);
bool peer_write(struct peer *p, const void *bytes, size_t len);
/* The next request; false if the end came first or it is none. To be freed either way. */
bool peer_request(struct peer *p, struct http_request *q, size_t most);
/* Ends it in good order: TLS's end, then TCP's. */
void peer_end(struct peer *p);

#endif
