#include "server/web/writer.h"

#include "common/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	SNDBUF_BYTES = 64 * 1024, /* which Linux doubles */
	SLICE_MS = 250,           /* how soon `stop` is noticed where no bell tells of it */
	UNHEARD_MS = 30000,       /* bytes not acknowledged for so long: the client has vanished */
	UNASKED_MAX = 64 * 1024,  /* bytes from a client that has nothing to send */
};

void writer_init(struct writer *w, int fd, const _Atomic bool *stop)
{
	*w = (struct writer){ .fd = fd, .stop = stop };
}

void writer_bound(struct writer *w)
{
	int bytes = SNDBUF_BYTES, ms = UNHEARD_MS;

	setsockopt(w->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	setsockopt(w->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

static int fail(struct writer *w, int err)
{
	if (!w->err)
		w->err = err;
	return w->err;
}

static bool stopped(const struct writer *w)
{
	return w->stop && atomic_load_explicit(w->stop, memory_order_acquire);
}

/* `stop` has no bell: waits are cut into slices, between which it is looked at. */
static int slice_ms(int64_t now_us, int64_t deadline_us)
{
	int ms = clock_poll_ms(now_us, deadline_us);

	return ms < SLICE_MS ? ms : SLICE_MS;
}

/* Reads and drops the client's bytes. False: it has gone, or sends without
 * end. */
static bool still_there(struct writer *w)
{
	char unasked[1024];
	ssize_t n = recv(w->fd, unasked, sizeof unasked, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	w->dropped += (size_t)n;
	return n > 0 && w->dropped <= UNASKED_MAX;
}

/* Sends first and asks poll only when the socket is full: most answers fit. A peer
 * that is slow costs its own worker time, up to the deadline; after any failure the
 * rest is not tried. */
int writer_put(struct writer *w, const void *bytes, size_t len, int timeout_ms)
{
	int64_t deadline = clock_now_us() + (int64_t)timeout_ms * US_PER_MS;
	struct pollfd p = { .fd = w->fd, .events = POLLOUT };
	const char *at = bytes;

	while (len && !w->err) {
		ssize_t n = send(w->fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			at += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			fail(w, -EPIPE);
		} else if (stopped(w)) {
			fail(w, -ECANCELED);
		} else if (clock_now_us() >= deadline) {
			fail(w, -ETIMEDOUT);
		} else {
			poll(&p, 1, slice_ms(clock_now_us(), deadline));
		}
	}
	return w->err;
}

/* The client's leaving shows when its side is read. */
int writer_wait(struct writer *w, int bell_fd, int timeout_ms)
{
	int64_t deadline = clock_now_us() + (int64_t)timeout_ms * US_PER_MS;
	struct pollfd p[2] = { { .fd = w->fd, .events = POLLIN }, { .fd = bell_fd, .events = POLLIN } };

	while (!w->err) {
		int64_t now = clock_now_us();

		if (stopped(w))
			return fail(w, -ECANCELED);
		if (poll(p, 2, slice_ms(now, deadline)) > 0) {
			if (p[0].revents && !still_there(w))
				return fail(w, -EPIPE);
			if (p[1].revents)
				return 1;
		}
		if (clock_now_us() >= deadline)
			return 0;
	}
	return w->err;
}
