#include "tools/phone/request.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/phone/clock.h"

int connect_begin(const struct sockaddr_in *to, int receive_buffer)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	/* Before connecting, or the window is already promised. */
	if (receive_buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
	if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 && errno != EINPROGRESS) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static void finish(struct request *r, const char *error)
{
	timer_stop(r->loop, &r->timer);
	loop_drop(r->loop, &r->source);
	r->done(r, error);
	text_free(&r->out);
	http_free(&r->in);
	free(r);
}

static bool send_some(struct request *r)
{
	size_t until = r->drip_ms && r->sent >= r->drip_from ? r->sent + 1 : r->drip_ms ? r->drip_from : r->out.len;

	while (r->sent < r->out.len && r->sent < until) {
		ssize_t n = send(r->source.fd, r->out.data + r->sent, until - r->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return errno == EPIPE || errno == ECONNRESET; /* the answer may be there already */
		r->sent += (size_t)n;
	}
	if (r->sent == r->out.len || r->drip_ms)
		loop_change(r->loop, &r->source, EPOLLIN);
	return true;
}

static void on_ready(struct source *s, uint32_t events)
{
	struct request *r = (struct request *)s;
	char bytes[16384], why[160];
	int err = 0;
	socklen_t size = sizeof err;

	if (events & EPOLLERR && getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &size) == 0 && err == ECONNREFUSED) {
		finish(r, "11205 connection refused");
		return;
	}
	if (events & EPOLLOUT && !send_some(r)) {
		finish(r, "11205 the request could not be sent");
		return;
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	for (;;) {
		ssize_t n = recv(s->fd, bytes, sizeof bytes, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (http_feed(&r->in, bytes, n > 0 ? (size_t)n : 0, why, sizeof why) != 0) {
			finish(r, why);
			return;
		}
		if (r->in.done) {
			finish(r, NULL);
			return;
		}
	}
}

static void on_time(struct timer *t, uint64_t now_ns)
{
	struct request *r = OWNER(t, struct request, timer);

	if (r->failed) {
		finish(r, r->failed);
		return;
	}
	if (now_ns >= r->limit_ns) {
		finish(r, "11200 no answer in time");
		return;
	}
	if (r->drip_ms && r->sent < r->out.len && r->sent >= r->drip_from && !send_some(r)) {
		finish(r, "11205 the request could not be sent");
		return;
	}
	timer_set(r->loop, &r->timer, now_ns + (uint64_t)r->drip_ms * NS_PER_MS);
}

void request_begin(struct loop *loop, const struct sockaddr_in *to, struct text *bytes, long limit_ms, long drip_ms,
    void (*done)(struct request *, const char *error), void *owner, void *note)
{
	struct request *r = need(sizeof *r);
	const char *body = bytes->len ? memmem(bytes->data, bytes->len, "\r\n\r\n", 4) : NULL;
	int fd = connect_begin(to, 0);

	r->loop = loop;
	r->out = *bytes;
	*bytes = (struct text){ 0 };
	r->drip_ms = drip_ms;
	r->drip_from = body ? (size_t)(body - r->out.data) + 4 : 0;
	r->done = done;
	r->owner = owner;
	r->note = note;
	r->begun_ns = mono_ns();
	r->limit_ns = r->begun_ns + (uint64_t)limit_ms * NS_PER_MS;
	r->source = (struct source){ on_ready, fd };
	r->timer.fire = on_time;
	if (fd < 0 || loop_watch(loop, &r->source, EPOLLIN | EPOLLOUT) != 0) {
		r->failed = "11205 no connection";
		timer_set(loop, &r->timer, r->begun_ns);
		return;
	}
	timer_set(loop, &r->timer, drip_ms ? r->begun_ns + (uint64_t)drip_ms * NS_PER_MS : r->limit_ns);
}
