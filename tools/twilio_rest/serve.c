/* TLS, HTTP/1.1, one request a connection or several, a thread each. */
#include "tools/twilio_rest/rest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static SSL_CTX *context;
static int listener = -1;

static bool more(SSL *tls, struct text *in)
{
	char bytes[8192];
	int n = SSL_read(tls, bytes, sizeof bytes);

	if (n > 0)
		text_add(in, bytes, (size_t)n);
	return n > 0;
}

static void header(const char *head, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	*out = '\0';
	for (const char *line = strstr(head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, n) || line[2 + n] != ':')
			continue;
		line += 3 + n;
		line += strspn(line, " \t");
		snprintf(out, size, "%.*s", (int)strcspn(line, "\r"), line);
		return;
	}
}

/* What is in `in` of the next request is taken out of it. */
static bool read_request(SSL *tls, struct text *in, struct request *q)
{
	char length[24], target[3072] = "", *end, *mark;
	size_t head, body;

	while (!in->data || !(end = strstr(in->data, "\r\n\r\n")))
		if (in->len > TEXT_MAX || !more(tls, in))
			return false;
	*end = '\0';
	if (sscanf(in->data, "%7s %3071s HTTP/1.", q->method, target) != 2)
		return false;
	mark = strchr(target, '?');
	snprintf(q->query, sizeof q->query, "%s", mark ? mark + 1 : "");
	snprintf(q->path, sizeof q->path, "%.*s", (int)strcspn(target, "?"), target);
	header(in->data, "Authorization", q->authorization, sizeof q->authorization);
	header(in->data, "Content-Type", q->type, sizeof q->type);
	header(in->data, "Range", q->range, sizeof q->range);
	header(in->data, "Content-Length", length, sizeof length);
	*end = '\r';
	head = (size_t)(end - in->data) + 4;
	body = (size_t)strtoul(length, NULL, 10);
	if (body > TEXT_MAX)
		return false;
	while (in->len < head + body)
		if (!more(tls, in))
			return false;
	text_add(&q->body, in->data + head, body);
	memmove(in->data, in->data + head + body, in->len - head - body + 1);
	in->len -= head + body;
	return true;
}

static void put_chunks(struct text *out, const struct text *body)
{
	for (size_t at = 0, n; at < body->len; at += n) {
		n = body->len - at < 4000 ? body->len - at : 4000;
		text_printf(out, "%zx\r\n", n);
		text_add(out, body->data + at, n);
		text_printf(out, "\r\n");
	}
	text_printf(out, "0\r\n\r\n");
}

static bool answer(SSL *tls, struct answer *a, bool head_only)
{
	struct text out = { 0 };
	bool sent;

	usleep((useconds_t)a->wait_ms * 1000);
	text_printf(&out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%sTwilio-Request-Id: RQstandin\r\n", a->status,
	    a->status < 300 ? "Fine" : "Refused", a->type, a->headers);
	if (a->how == ANSWER_CHUNKS)
		text_printf(&out, "Transfer-Encoding: chunked\r\n\r\n");
	else
		text_printf(&out, "Content-Length: %zu\r\n\r\n", a->body.len);
	if (a->how == ANSWER_CHUNKS && !head_only)
		put_chunks(&out, &a->body);
	else if (!head_only)
		text_add(&out, a->body.data, a->how == ANSWER_CUT ? a->body.len / 2 : a->body.len);
	sent = SSL_write(tls, out.data, (int)out.len) > 0;
	text_free(&out);
	return sent && a->how != ANSWER_CUT;
}

static bool one(SSL *tls, struct text *in)
{
	struct request q = { 0 };
	struct answer a = { 0 };
	bool go_on = read_request(tls, in, &q);

	if (go_on) {
		api_serve(&q, &a);
		if (a.how == ANSWER_NEVER)
			while (more(tls, in)) /* until the other end gives up */
				;
		go_on = a.how != ANSWER_NEVER && a.how != ANSWER_RESET && answer(tls, &a, !strcmp(q.method, "HEAD"));
	}
	text_free(&q.body);
	text_free(&a.body);
	return go_on;
}

static void *connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct timeval limit = { .tv_sec = 60 };
	SSL *tls = SSL_new(context);
	struct text in = { 0 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	SSL_set_fd(tls, fd);
	if (SSL_accept(tls) == 1)
		while (one(tls, &in))
			;
	SSL_free(tls);
	ERR_clear_error();
	close(fd);
	text_free(&in);
	return NULL;
}

int serve_open(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)*port) };
	socklen_t size = sizeof at;
	char path[1024];
	int on = 1;

	context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	snprintf(path, sizeof path, "%s/%s.pem", options.dir, options.certificate);
	if (SSL_CTX_use_certificate_chain_file(context, path) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "twilio-rest: %s: no certificate and key; standin-model --make-ca makes them\n", path);
		return -1;
	}
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 64) ||
	    getsockname(listener, (struct sockaddr *)&at, &size)) {
		perror("twilio-rest: listen");
		return -1;
	}
	*port = ntohs(at.sin_port);
	return 0;
}

void serve_run(void)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pthread_t thread;

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			return;
		if (fd < 0)
			continue;
		if (pthread_create(&thread, NULL, connection, (void *)(intptr_t)fd))
			close(fd);
		else
			pthread_detach(thread);
	}
}

void serve_stop(void)
{
	shutdown(listener, SHUT_RDWR);
}
