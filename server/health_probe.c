#include "server/health_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The first bytes of the answer decide; the rest is left unread. */
static int ask(int fd, const struct sockaddr_in *address)
{
	static const char question[] = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	static const char wanted[] = "HTTP/1.1 200 ";
	char answer[sizeof wanted];
	size_t len = 0;

	if (connect(fd, (const struct sockaddr *)address, sizeof *address))
		return -errno;
	if (send(fd, question, sizeof question - 1, MSG_NOSIGNAL) != sizeof question - 1)
		return -EIO;
	while (len < sizeof wanted - 1) {
		ssize_t n = recv(fd, answer + len, sizeof wanted - 1 - len, 0);

		if (n < 0)
			return -errno;
		if (n == 0)
			return -EPROTO;
		len += (size_t)n;
	}
	return memcmp(answer, wanted, len) ? -EPROTO : 0;
}

int health_probe(const char *listen, int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct timeval patience = { .tv_sec = 3 };
	int fd, err;

	if (inet_pton(AF_INET, listen, &address.sin_addr) != 1)
		return -EINVAL;
	if (address.sin_addr.s_addr == htonl(INADDR_ANY))
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* On Linux the send timeout holds for connect, too. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	err = ask(fd, &address);
	close(fd);
	return err;
}
