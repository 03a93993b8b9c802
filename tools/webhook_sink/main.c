/* webhook-sink: somebody else's server, for tests: receives webhooks and calls
 * of tools, checks their signature, writes down what came, and answers as it is
 * told, badly too. */
#include "tools/webhook_sink/conduct.h"
#include "tools/webhook_sink/http.h"
#include "tools/webhook_sink/record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DRIP_MS = 500, BODY_MAX = 1 << 20 };

static struct {
	const char *port, *out, *secret, *answers, *cert, *key;
	struct conduct conduct; /* for every request */
} options = { .port = "0", .answers = "." };

static SSL_CTX *tls; /* NULL: plain */

static int usage(void)
{
	fprintf(stderr,
	    "usage: webhook-sink [--port N] [--secret TEXT] [--out FILE] [--answers DIR] [--cert FILE --key FILE]\n"
	    "                    [--WORD VALUE]...\n"
	    "prints \"listening 127.0.0.1:PORT\", then a line of JSON for each request (into FILE with --out).\n"
	    "The answer is {\"ok\":true}, unless words say otherwise, here or in an address (/hook?status=500&first=2):\n"
	    "  status CODE   slow MS   redirect URL   retry-after S   type CONTENT-TYPE\n"
	    "  answer FILE   the text of that file in DIR      echo 1   the request's own body\n"
	    "  html 1        a page of HTML                    huge N   N bytes\n"
	    "  fail close|unread|cut|never|drip|garbage\n"
	    "  first N       the bad ones of these hold for the first N requests of an address, then all is well\n");
	return 2;
}

static void fail(const char *what)
{
	fprintf(stderr, "webhook-sink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pause_ms(int ms)
{
	struct timespec t = { ms / 1000, (ms % 1000) * 1000000L };

	nanosleep(&t, NULL);
}

/* --------------------------------------------------------------------- the answer */

/* Only a plain name: the address is the client's. */
static size_t read_answer(const char *name, char *body)
{
	char path[1024];
	FILE *file;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", options.answers, name);
	file = *name && !strchr(name, '/') ? fopen(path, "r") : NULL;
	if (!file)
		return (size_t)snprintf(body, BODY_MAX, "{\"error\":\"no file %s\"}", name);
	n = fread(body, 1, BODY_MAX, file);
	fclose(file);
	return n;
}

/* Body and its type. */
static size_t make_body(const struct sink_request *q, const struct conduct *c, char *body, const char **type)
{
	static const char page[] = "<!DOCTYPE html><html><body><h1>It works!</h1></body></html>\n";

	*type = c->html ? "text/html" : "application/json";
	if (*c->type)
		*type = c->type;
	if (c->html)
		return (size_t)snprintf(body, BODY_MAX, "%s", page);
	if (*c->answer)
		return read_answer(c->answer, body);
	if (c->echo && q->body_len <= BODY_MAX) {
		memcpy(body, q->body, q->body_len);
		return q->body_len;
	}
	return (size_t)snprintf(body, BODY_MAX, "{\"ok\":%s}", c->status / 100 == 2 ? "true" : "false");
}

static bool put_huge(struct line *l, long left)
{
	static char block[65536];
	bool ok = true;

	memset(block, 'x', sizeof block);
	for (; ok && left > 0; left -= (long)sizeof block)
		ok = line_write(l, block, left < (long)sizeof block ? (size_t)left : sizeof block);
	return ok;
}

static void drip(struct line *l, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && line_write(l, bytes + i, 1); i++)
		pause_ms(DRIP_MS);
}

static void answer(struct line *l, const struct sink_request *q, const struct conduct *c)
{
	char head[1024], *body = malloc(BODY_MAX + 1);
	const char *type;
	size_t len = make_body(q, c, body, &type);
	int n;

	n = snprintf(head, sizeof head,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n",
	    *c->redirect ? 302 : c->status, c->status / 100 == 2 ? "OK" : "No", type, c->huge ? (size_t)c->huge : len);
	if (*c->redirect)
		n += snprintf(head + n, sizeof head - (size_t)n, "Location: %s\r\n", c->redirect);
	if (c->retry_after >= 0)
		n += snprintf(head + n, sizeof head - (size_t)n, "Retry-After: %d\r\n", c->retry_after);
	n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
	if (c->way == CONDUCT_DRIP)
		drip(l, head, (size_t)n);
	else if (line_write(l, head, (size_t)n) && c->huge)
		put_huge(l, c->huge);
	else
		line_write(l, body, c->way == CONDUCT_CUT ? len / 2 : len);
	free(body);
}

static void wait_for_the_end(struct line *l)
{
	char byte;

	while (line_read(l, &byte, 1) > 0)
		;
}

static void respond(struct line *l, const struct sink_request *q, const struct conduct *c)
{
	pause_ms(c->slow_ms);
	switch (c->way) {
	case CONDUCT_CLOSE:
	case CONDUCT_UNREAD:
		return;
	case CONDUCT_NEVER:
		wait_for_the_end(l);
		return;
	case CONDUCT_GARBAGE:
		line_write(l, "220 mail.example.com ESMTP\r\n", 28);
		return;
	default:
		answer(l, q, c);
	}
}

static void serve(struct line *l)
{
	struct conduct c = options.conduct;
	struct sink_request q;

	if (c.way == CONDUCT_UNREAD)
		return;
	if (request_read(l, &q)) {
		conduct_set_query(&c, q.query);
		conduct_forgive(&c, q.path, q.query);
		record_request(&q, &c);
		respond(l, &q, &c);
	}
	request_free(&q);
}

/* ---------------------------------------------------------------------- the port */

static void *run(void *arg)
{
	struct line l = { .fd = (int)(long)arg };

	if (tls) {
		l.ssl = SSL_new(tls);
		SSL_set_fd(l.ssl, l.fd);
	}
	if (!l.ssl || SSL_accept(l.ssl) == 1)
		serve(&l);
	if (l.ssl) {
		SSL_shutdown(l.ssl);
		SSL_free(l.ssl);
	}
	shutdown(l.fd, SHUT_WR);
	close(l.fd);
	return NULL;
}

static void open_tls(void)
{
	if (!options.cert && !options.key)
		return;
	tls = SSL_CTX_new(TLS_server_method());
	if (!options.cert || !options.key || !tls || SSL_CTX_use_certificate_chain_file(tls, options.cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, options.key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "webhook-sink: --cert and --key: not a certificate and its key\n");
		exit(1);
	}
}

static int open_listener(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	at.sin_port = htons((uint16_t)atoi(options.port));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 256) ||
	    getsockname(fd, (struct sockaddr *)&at, &size))
		fail("listen");
	printf("listening 127.0.0.1:%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static bool parse_options(int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} own[] = { { "--port", &options.port }, { "--out", &options.out }, { "--secret", &options.secret },
		{ "--answers", &options.answers }, { "--cert", &options.cert }, { "--key", &options.key } };

	conduct_init(&options.conduct);
	for (int i = 1; i < argc; i += 2) {
		size_t n = 0;

		if (i + 1 == argc || strncmp(argv[i], "--", 2))
			return false;
		while (n < sizeof own / sizeof *own && strcmp(argv[i], own[n].name))
			n++;
		if (n < sizeof own / sizeof *own)
			*own[n].value = argv[i + 1];
		else if (!conduct_set(&options.conduct, argv[i] + 2, argv[i + 1]))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	int listener;

	if (!parse_options(argc, argv))
		return usage();
	signal(SIGPIPE, SIG_IGN);
	open_tls();
	record_open(options.out, options.secret);
	listener = open_listener();
	for (;;) {
		pthread_t thread;
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (pthread_create(&thread, NULL, run, (void *)(long)fd))
			close(fd);
		else
			pthread_detach(thread);
	}
}
