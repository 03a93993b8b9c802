#ifndef WEB_SOCKETS_H
#define WEB_SOCKETS_H
/* The descriptor that CivetWeb keeps to itself. */
#include <stddef.h>

/* The socket of ours that is connected to `peer` (IPv4, text) at `peer_port`
 * and is served on `own_port`: found by asking each descriptor below `limit`
 * (0.2 us each). Borrowed, and only as long as its connection is kept from
 * closing. -ENOENT. */
int socket_find(const char *peer, int peer_port, int own_port, int limit);

/* Ends a conversation in which the other side may still be sending: says we are
 * done, then reads and drops up to `bytes` for up to `ms`. Closing with bytes
 * unread would reset the connection, and the answer would be lost on the way. */
void socket_linger(int fd, int ms, size_t bytes);

/* The reason why listening there fails: -errno, or 0 if it works. CivetWeb
 * does not tell. */
int socket_listen_error(const char *address, int port);

#endif
