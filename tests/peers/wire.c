#include "tests/peers/wire.h"

#include "tests/peers/loopback.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct wire {
	struct wire_options options;
	pthread_t thread;
	int listener, port;
};

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
}

/* One piece. False when there is nothing more to come. */
static bool pass_on(int from, int to, size_t most)
{
	char bytes[4096];
	ssize_t got = recv(from, bytes, most && most < sizeof bytes ? most : sizeof bytes, 0);

	if (got <= 0) {
		shutdown(to, SHUT_WR);
		return false;
	}
	for (ssize_t at = 0; at < got;) {
		ssize_t sent = send(to, bytes + at, (size_t)(got - at), MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		at += sent;
	}
	return true;
}

static void carry(const struct wire_options *o, int client, int server)
{
	struct pollfd fds[] = { { .fd = client, .events = POLLIN }, { .fd = server, .events = POLLIN } };
	size_t left = o->cut_after ? o->cut_after : SIZE_MAX;

	while (left && (fds[0].fd >= 0 || fds[1].fd >= 0) && poll(fds, 2, -1) > 0) {
		size_t piece = o->cut_after ? 1 : o->piece;

		if (fds[0].fd >= 0 && fds[0].revents && !pass_on(client, server, o->piece))
			fds[0].fd = -1;
		if (fds[1].fd < 0 || !fds[1].revents)
			continue;
		if (!pass_on(server, client, piece))
			fds[1].fd = -1;
		else if (o->cut_after)
			left--;
	}
}

static void serve_one(const struct wire *w, int client)
{
	struct linger now = { .l_onoff = 1 };
	struct sockaddr_in to = loopback(w->options.to_port);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (!connect(server, (struct sockaddr *)&to, sizeof to))
		carry(&w->options, client, server);
	if (w->options.reset)
		setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(server);
	close(client);
}

static void *run(void *arg)
{
	const struct wire *w = arg;
	int client;

	while ((client = accept(w->listener, NULL, NULL)) >= 0)
		serve_one(w, client);
	return NULL;
}

struct wire *wire_start(const struct wire_options *options)
{
	struct wire *w = calloc(1, sizeof *w);

	if (!w)
		abort();
	w->options = *options;
	w->listener = loopback_listen(&w->port);
	if (pthread_create(&w->thread, NULL, run, w))
		abort();
	return w;
}

void wire_stop(struct wire *w)
{
	loopback_stop(w->listener, w->thread);
	free(w);
}

int wire_port(const struct wire *w)
{
	return w->port;
}
