#include "tools/kit/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { BACKLOG = 1024, PIECE = 65536, WRITE_MAX = 1 << 20 };

int server_listen(const char *program, const char *address, int *port, const char *shown)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)*port) };
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	signal(SIGPIPE, SIG_IGN);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1 || bind(fd, (struct sockaddr *)&at, sizeof at) ||
	    listen(fd, BACKLOG) || getsockname(fd, (struct sockaddr *)&at, &size)) {
		fprintf(stderr, "%s: cannot listen on %s:%d: %s\n", program, address, *port, strerror(errno));
		exit(1);
	}
	*port = ntohs(at.sin_port);
	printf("listening %s:%d\n", shown, *port);
	fflush(stdout);
	return fd;
}

SSL_CTX *server_tls(const char *program, const char *chain_file, const char *key_file)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	if (SSL_CTX_use_certificate_chain_file(tls, chain_file) == 1 &&
	    SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) == 1)
		return tls;
	fprintf(stderr, "%s: %s: no certificate and key; standin-model --make-ca makes them\n", program, chain_file);
	ERR_clear_error();
	SSL_CTX_free(tls);
	return NULL;
}

bool peer_more(struct peer *p)
{
	long n;

	text_reserve(&p->in, PIECE);
	n = p->ssl ? SSL_read(p->ssl, p->in.data + p->in.len, PIECE) : recv(p->fd, p->in.data + p->in.len, PIECE, 0);
	p->in.len += n > 0 ? (size_t)n : 0;
	p->in.data[p->in.len] = '\0';
	return n > 0;
}

bool peer_write(struct peer *p, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len) {
		size_t piece = len < WRITE_MAX ? len : WRITE_MAX;
		long n = p->ssl ? SSL_write(p->ssl, from, (int)piece) : send(p->fd, from, piece, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

bool peer_request(struct peer *p, struct http_request *q, size_t most)
{
	int got;

	*q = (struct http_request){ 0 };
	while ((got = http_request_take(q, &p->in, most)) == 0)
		if (!peer_more(p))
			return false;
	return got > 0;
}

void peer_end(struct peer *p)
{
	if (p->ssl)
		SSL_shutdown(p->ssl);
	shutdown(p->fd, SHUT_WR);
}

struct visit {
	struct peer peer;
	SSL_CTX *tls;
	void (*serve)(struct peer *p);
};

static void *run(void *arg)
{
	struct visit *v = arg;
	struct peer *p = &v->peer;

	if (v->tls) {
		p->ssl = SSL_new(v->tls);
		SSL_set_fd(p->ssl, p->fd);
	}
	if (!p->ssl || SSL_accept(p->ssl) == 1)
		v->serve(p);
	SSL_free(p->ssl);
	ERR_clear_error();
	close(p->fd);
	text_free(&p->in);
	free(v);
	return NULL;
}

void server_run(int listener, SSL_CTX *tls, int idle_s, void (*serve)(struct peer *p))
{
	struct timeval idle = { .tv_sec = idle_s };
	int on = 1;

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct visit *v;
		pthread_t thread;

		if (fd < 0 && (errno == EINVAL || errno == EBADF))
			return; /* server_stop */
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
		setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* as the services do: small events go out at once */
		v = need(sizeof *v);
		*v = (struct visit){ { .fd = fd }, tls, serve };
		if (pthread_create(&thread, NULL, run, v)) {
			close(fd);
			free(v);
		} else {
			pthread_detach(thread);
		}
	}
}

void server_stop(int listener)
{
	shutdown(listener, SHUT_RDWR);
}
