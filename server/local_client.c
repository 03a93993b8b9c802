#include "server/local_client.h"

#include "common/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX = 16384, PART = 16384, HEALTH_WAIT_MS = 3000, HEALTH_ANSWER_MAX = 65536 };

/* ------------------------------------------------------------------------ address */

/* Its size; 0: the text is no address. */
static socklen_t address_of(const struct local_server *s, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, s->listen, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)s->port);
		if (v4->sin_addr.s_addr == htonl(INADDR_ANY))
			v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, s->listen, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)s->port);
		if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
			v6->sin6_addr = in6addr_loopback;
		return sizeof *v6;
	}
	return 0;
}

/* -------------------------------------------------------------------- one exchange */

static int wait_for(int fd, short events, int64_t until_us)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, clock_poll_ms(clock_now_us(), until_us));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int connect_to(int fd, const struct sockaddr_storage *address, socklen_t size, int64_t until_us)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (!connect(fd, (const struct sockaddr *)address, size))
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if ((err = wait_for(fd, POLLOUT, until_us)))
		return err;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) ? -errno : -err;
}

static int send_all(int fd, const struct buf *request, int64_t until_us)
{
	size_t sent = 0;
	int err;

	while (sent < request->len) {
		ssize_t n = send(fd, request->data + sent, request->len - sent, MSG_NOSIGNAL);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return -errno;
		else if ((err = wait_for(fd, POLLOUT, until_us)))
			return err;
	}
	return 0;
}

/* To its end, which is that of the connection. */
static int receive_all(int fd, struct buf *answer, int64_t until_us)
{
	int err;

	for (;;) {
		char *room = buf_room(answer, PART);
		ssize_t n;

		if (!room)
			return buf_error(answer);
		n = recv(fd, room, PART, 0);
		if (n > 0)
			buf_grew(answer, (size_t)n);
		else if (n == 0)
			return 0;
		else if (errno != EAGAIN && errno != EINTR)
			return -errno;
		else if ((err = wait_for(fd, POLLIN, until_us)))
			return err;
	}
}

/* ------------------------------------------------------------------------- answer */

/* Takes the head off: the status, or -EPROTO. The server tells the length of all that is
 * asked for here, so a shorter body is a torn one. */
static int take_head(struct buf *answer)
{
	static const char version[] = "HTTP/1.1 ", length[] = "\r\nContent-Length:";
	char *head = answer->data, *end = head ? strstr(head, "\r\n\r\n") : NULL, *told;
	unsigned long long body;
	int status;

	if (!end || end - head > HEAD_MAX || strncmp(head, version, sizeof version - 1) != 0)
		return -EPROTO;
	*end = '\0';
	status = atoi(head + sizeof version - 1);
	told = strcasestr(head, length);
	body = told ? strtoull(told + sizeof length - 1, NULL, 10) : 0;
	buf_consume(answer, (size_t)(end + 4 - head));
	return status < 100 || status > 599 || !told || body != answer->len ? -EPROTO : status;
}

static int exchange(int fd, const struct local_server *s, const char *path, struct buf *answer)
{
	int64_t until_us = clock_now_us() + (int64_t)s->wait_ms * US_PER_MS;
	struct sockaddr_storage address;
	socklen_t size = address_of(s, &address);
	struct buf request;
	int err;

	if (!size)
		return -EINVAL;
	buf_init(&request, 0);
	buf_printf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", path);
	if (s->token && *s->token)
		buf_printf(&request, "Authorization: Bearer %s\r\n", s->token);
	buf_puts(&request, "\r\n");
	err = buf_error(&request);
	err = err ? err : connect_to(fd, &address, size, until_us);
	err = err ? err : send_all(fd, &request, until_us);
	err = err ? err : receive_all(fd, answer, until_us);
	if (request.data)
		explicit_bzero(request.data, request.len);
	buf_free(&request);
	return err ? err : take_head(answer);
}

int local_get(const struct local_server *server, const char *path, struct buf *body)
{
	bool v6 = strchr(server->listen, ':');
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), status;

	if (fd < 0)
		return -errno;
	status = exchange(fd, server, path, body);
	close(fd);
	return status;
}

int local_health(const char *listen, int port)
{
	struct local_server server = { .listen = listen, .port = port, .wait_ms = HEALTH_WAIT_MS };
	struct buf body;
	int status;

	buf_init(&body, HEALTH_ANSWER_MAX);
	status = local_get(&server, "/health", &body);
	buf_free(&body);
	return status == 200 ? 0 : status > 0 || status == -E2BIG ? -EPROTO : status;
}
