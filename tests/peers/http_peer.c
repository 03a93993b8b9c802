#include "tests/peers/http_peer.h"

#include "tests/peers/loopback.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 1 << 20 };

struct http_peer {
	pthread_t thread;
	int listener, port;
	peer_answer_fn *answer;
	void *arg;
	_Atomic bool stopping;
	_Atomic int busy;
	pthread_mutex_t lock;
	char *body; /* owned; under the lock, like the next */
	char type[80];
};

struct visit {
	struct http_peer *peer;
	int fd;
};

/* False if it was cut short. */
static bool read_request(int fd, char *to, size_t size)
{
	size_t len = 0, whole = SIZE_MAX;

	while (len < whole && len < size - 1) {
		ssize_t n = recv(fd, to + len, size - 1 - len, 0);
		const char *end, *length;

		if (n <= 0)
			return false;
		len += (size_t)n;
		to[len] = '\0';
		end = strstr(to, "\r\n\r\n");
		length = strstr(to, "Content-Length: ");
		if (end)
			whole = (size_t)(end + 4 - to) + (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
	}
	return len >= whole;
}

static void *serve(void *arg)
{
	struct visit *v = arg;
	char *request = malloc(REQUEST_MAX), answer[300], type[80], *body;
	int status = 0;

	if (request && read_request(v->fd, request, REQUEST_MAX))
		status = v->peer->answer(v->peer->arg, request);
	pthread_mutex_lock(&v->peer->lock);
	body = strdup(v->peer->body);
	snprintf(type, sizeof type, "%s", v->peer->type);
	pthread_mutex_unlock(&v->peer->lock);
	if (!body)
		abort();
	if (status) {
		snprintf(answer, sizeof answer, "HTTP/1.1 %d Whatever\r\n%s%s%sContent-Length: %zu\r\n\r\n", status,
		    *type ? "Content-Type: " : "", type, *type ? "\r\n" : "", strlen(body));
		send(v->fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_MORE);
		send(v->fd, body, strlen(body), MSG_NOSIGNAL);
	}
	free(request);
	free(body);
	close(v->fd);
	atomic_fetch_sub(&v->peer->busy, 1);
	free(v);
	return NULL;
}

static void visit(struct http_peer *p, int fd)
{
	struct visit *v = malloc(sizeof *v);
	pthread_t thread;

	if (!v)
		abort();
	*v = (struct visit){ p, fd };
	atomic_fetch_add(&p->busy, 1);
	if (pthread_create(&thread, NULL, serve, v))
		abort();
	pthread_detach(thread);
}

static void *run(void *arg)
{
	struct http_peer *p = arg;

	for (;;) {
		int fd = accept(p->listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		if (atomic_load(&p->stopping))
			close(fd);
		else
			visit(p, fd);
	}
}

void http_peer_say(struct http_peer *p, const char *body)
{
	http_peer_say_as(p, "", body);
}

void http_peer_say_as(struct http_peer *p, const char *content_type, const char *body)
{
	char *copy = strdup(body);

	if (!copy)
		abort();
	pthread_mutex_lock(&p->lock);
	free(p->body);
	p->body = copy;
	snprintf(p->type, sizeof p->type, "%s", content_type);
	pthread_mutex_unlock(&p->lock);
}

struct http_peer *http_peer_start(peer_answer_fn *answer, void *arg)
{
	struct http_peer *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	p->answer = answer;
	p->arg = arg;
	pthread_mutex_init(&p->lock, NULL);
	http_peer_say(p, "ok");
	p->listener = loopback_listen(&p->port);
	if (pthread_create(&p->thread, NULL, run, p))
		abort();
	return p;
}

void http_peer_stop(struct http_peer *p)
{
	atomic_store(&p->stopping, true);
	loopback_stop(p->listener, p->thread);
	while (atomic_load(&p->busy))
		usleep(1000);
	free(p->body);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int http_peer_port(const struct http_peer *p)
{
	return p->port;
}

const char *http_peer_header(const char *request, const char *name, char *out, size_t size)
{
	char begin[80];
	const char *found;

	snprintf(begin, sizeof begin, "\r\n%s: ", name);
	found = strstr(request, begin);
	snprintf(out, size, "%.*s", found ? (int)strcspn(found + strlen(begin), "\r") : 0,
	    found ? found + strlen(begin) : "");
	return out;
}
