#ifndef WEB_SOCKETS_H
#define WEB_SOCKETS_H
/* The descriptor that CivetWeb keeps to itself. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/* Both ends of a connection; `own` 0.0.0.0: any of our addresses. */
struct socket_ends {
	struct sockaddr_in peer, own;
};

/* False if one is no IPv4 address. */
bool socket_ends_set(struct socket_ends *ends, const char *peer, int peer_port, const char *own, int own_port);

/* True if that descriptor is a connection between them (0.2 us). */
bool socket_is_between(int fd, const struct socket_ends *ends);

/* True if bytes have come that nobody has read yet. */
bool socket_has_bytes(int fd);

/* Connects, says nothing, and waits up to `ms` until the other side is done with it. */
void socket_knock(const char *address, int port, int ms);

/* Ends a conversation in which the other side may still be sending: says we are
 * done, then reads and drops up to `bytes` for up to `ms`. Closing with bytes
 * unread would reset the connection, and the answer would be lost on the way. */
void socket_linger(int fd, int ms, size_t bytes);

/* The reason why listening there fails: -errno, or 0 if it works. CivetWeb
 * does not tell. */
int socket_listen_error(const char *address, int port);

#endif
