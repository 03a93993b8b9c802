#include "server/web/sockets.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool socket_ends_set(struct socket_ends *ends, const char *peer, int peer_port, const char *own, int own_port)
{
	*ends = (struct socket_ends){
		.peer.sin_port = htons((uint16_t)peer_port),
		.own.sin_port = htons((uint16_t)own_port),
	};
	return inet_pton(AF_INET, peer, &ends->peer.sin_addr) == 1 && inet_pton(AF_INET, own, &ends->own.sin_addr) == 1;
}

/* Asking the kernel for a descriptor is cheap and needs no private field of CivetWeb's. */
bool socket_is_between(int fd, const struct socket_ends *ends)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	if (getpeername(fd, (struct sockaddr *)&a, &len) || len != sizeof a || a.sin_family != AF_INET)
		return false;
	if (a.sin_port != ends->peer.sin_port || a.sin_addr.s_addr != ends->peer.sin_addr.s_addr)
		return false;
	len = sizeof a;
	if (getsockname(fd, (struct sockaddr *)&a, &len) || a.sin_port != ends->own.sin_port)
		return false;
	return ends->own.sin_addr.s_addr == INADDR_ANY || a.sin_addr.s_addr == ends->own.sin_addr.s_addr;
}

bool socket_has_bytes(int fd)
{
	int waiting = 0;

	return !ioctl(fd, FIONREAD, &waiting) && waiting > 0;
}

void socket_knock(const char *address, int port, int ms)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (inet_pton(AF_INET, address, &a.sin_addr) == 1 && !connect(fd, (struct sockaddr *)&a, sizeof a))
		socket_linger(fd, ms, 1);
	close(fd);
}

/* Half-closing tells the client that the answer is complete. Both bounds are
 * needed: a fast sender is stopped by the bytes, a slow one by the time. */
void socket_linger(int fd, int ms, size_t bytes)
{
	int64_t deadline = clock_now_us() + (int64_t)ms * US_PER_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char dropped[4096];
	size_t total = 0;

	shutdown(fd, SHUT_WR);
	while (total < bytes) {
		ssize_t n;

		if (poll(&p, 1, clock_poll_ms(clock_now_us(), deadline)) <= 0)
			return;
		n = recv(fd, dropped, sizeof dropped, MSG_DONTWAIT);
		if (n <= 0)
			return;
		total += (size_t)n;
		/* Someone who drips keeps poll returning; the clock decides. */
		if (clock_now_us() >= deadline)
			return;
	}
}

int socket_listen_error(const char *address, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd, on = 1, err = 0;

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		return -EINVAL;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1))
		err = -errno;
	close(fd);
	return err;
}
