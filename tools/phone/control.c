/* Orders for a call that is up, as Twilio gets them over its REST API: one to a
 * connection of a Unix socket, answered "ok" or "gone". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/phone/call.h"

enum { ORDER_MAX = 64 * 1024 };

struct control {
	struct source source; /* listens */
	struct source order;  /* the one being read; fd -1: none */
	struct text text;
	struct call *call;
	struct sockaddr_un address;
};

static bool obey(struct call *c, const char *order)
{
	if (!strncmp(order, "url ", 4))
		return call_order(c, order + 4, NULL);
	if (!strncmp(order, "twiml\n", 6))
		return call_order(c, NULL, order + 6);
	if (!strcmp(order, "hangup"))
		return call_order(c, NULL, NULL);
	note_warning(c, "an order that is none came in over --control");
	return false;
}

static void on_order(struct source *s, uint32_t events)
{
	struct control *k = OWNER(s, struct control, order);
	char bytes[4096];
	ssize_t n;

	(void)events;
	while ((n = recv(s->fd, bytes, sizeof bytes, 0)) > 0 && k->text.len < ORDER_MAX)
		text_add(&k->text, bytes, (size_t)n);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 0 && obey(k->call, text_str(&k->text)))
		send(s->fd, "ok\n", 3, MSG_NOSIGNAL);
	else
		send(s->fd, "gone\n", 5, MSG_NOSIGNAL);
	text_free(&k->text);
	loop_drop(k->call->loop, s);
	loop_change(k->call->loop, &k->source, EPOLLIN);
}

/* One at a time: the next waits in the socket's queue. */
static void on_connection(struct source *s, uint32_t events)
{
	struct control *k = (struct control *)s;

	(void)events;
	k->order = (struct source){ on_order, accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC) };
	if (k->order.fd < 0)
		return;
	loop_change(k->call->loop, s, 0);
	loop_watch(k->call->loop, &k->order, EPOLLIN);
}

struct control *control_open(struct call *c)
{
	struct control *k = need(sizeof *k);
	struct stat st;
	const char *path = c->options->control;
	bool folder = !stat(path, &st) && S_ISDIR(st.st_mode);
	size_t room = sizeof k->address.sun_path;

	*k = (struct control){ .call = c, .order.fd = -1, .address.sun_family = AF_UNIX };
	k->source = (struct source){ on_connection, socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) };
	if ((size_t)snprintf(k->address.sun_path, room, "%s%s%s%s", path, folder ? "/" : "", folder ? c->sid : "",
		folder ? ".sock" : "") >= room) {
		fprintf(stderr, "phone: --control: the path is too long\n");
		exit(2);
	}
	unlink(k->address.sun_path);
	if (k->source.fd < 0 || bind(k->source.fd, (struct sockaddr *)&k->address, sizeof k->address) != 0 ||
	    listen(k->source.fd, 8) != 0 || loop_watch(c->loop, &k->source, EPOLLIN) != 0) {
		fprintf(stderr, "phone: --control: %s: %s\n", k->address.sun_path, strerror(errno));
		exit(2);
	}
	return k;
}

void control_close(struct control *k)
{
	if (!k)
		return;
	loop_drop(k->call->loop, &k->order);
	loop_drop(k->call->loop, &k->source);
	unlink(k->address.sun_path);
	text_free(&k->text);
	free(k);
}
