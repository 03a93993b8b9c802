#include "tools/kit/client.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

bool client_resolve(const char *host_port, struct sockaddr_in *to)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
	const char *colon = strrchr(host_port, ':');
	char host[256];

	if (!colon || (size_t)(colon - host_port) >= sizeof host)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)(colon - host_port), host_port);
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return false;
	memcpy(to, found->ai_addr, sizeof *to);
	freeaddrinfo(found);
	return true;
}

int client_ask(const struct sockaddr_in *to, const struct text *request, int limit_s, struct text *answer)
{
	struct timeval limit = { .tv_sec = limit_s };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char piece[4096];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 &&
	    send(fd, request->data, request->len, MSG_NOSIGNAL) == (ssize_t)request->len)
		while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
			text_add(answer, piece, (size_t)n);
	close(fd);
	return strncmp(text_str(answer), "HTTP/1.1 ", 9) ? 0 : atoi(text_str(answer) + 9);
}
