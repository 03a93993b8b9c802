#include "server/web/sockets.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_between(int fd, const struct sockaddr_in *peer, int own_port)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;

	if (getpeername(fd, (struct sockaddr *)&a, &len) || len != sizeof a || a.sin_family != AF_INET)
		return false;
	if (a.sin_port != peer->sin_port || a.sin_addr.s_addr != peer->sin_addr.s_addr)
		return false;
	len = sizeof a;
	return !getsockname(fd, (struct sockaddr *)&a, &len) && ntohs(a.sin_port) == own_port;
}

/* Asking the kernel for each descriptor is cheap and needs no private field
 * of CivetWeb's. */
int socket_find(const char *peer, int peer_port, int own_port, int limit)
{
	struct sockaddr_in wanted = { .sin_port = htons((uint16_t)peer_port) };

	if (inet_pton(AF_INET, peer, &wanted.sin_addr) != 1)
		return -ENOENT;
	for (int fd = 0; fd < limit; fd++) {
		if (is_between(fd, &wanted, own_port))
			return fd;
	}
	return -ENOENT;
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
