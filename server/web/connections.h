#ifndef WEB_CONNECTIONS_H
#define WEB_CONNECTIONS_H
/* The connections that hold a worker now, and the end of those that hold it
 * too long (inflight.h has the rules).
 *
 * An entry is taken by the worker that got the connection and given back by
 * it just before the socket is closed, both under one lock. With that lock
 * held, a taken entry's connection exists. Each that comes has the others
 * judged: when workers run short nobody waits for a clock.
 */
#include "server/config/config.h"
#include "server/line/calls.h"
#include "server/web/inflight.h"
#include "server/web/sockets.h"

#include <stddef.h>
#include <stdint.h>

struct mg_connection;
struct connections;
struct upgrade; /* server/web/routes.h */

struct connection {
	struct mg_connection *conn;
	struct socket_ends ends;
	int fd;                        /* its socket, until it is given back; or negative: not to be told */
	char client[64];               /* its client's address for the log, else the peer's */
	bool answered;                 /* an answer has been sent, or it is a stream */
	const struct upgrade *upgrade; /* its upgrade may go on; NULL: it may not */
	struct call_ref ref;           /* the line that was claimed for it */
	int64_t cut_us;                /* when it was cut off, or 0 */
};

/* 0 or -ENOMEM. The settings are borrowed until it is closed. */
int connections_open(struct connections **out, const struct config *cfg, size_t workers);
void connections_close(struct connections *cs);

/* NULL if there are more than workers, which cannot be. The first connection of all gets
 * no `fd`: what is learned from it by connections_give_back, all others need. */
struct connection *connections_take(struct connections *cs, const struct mg_connection *conn);
void connections_give_back(struct connections *cs, struct connection *c);

/* True if its `fd` is known, and surely its own. */
bool connections_has_socket(const struct connections *cs, const struct connection *c);

/* Notes the address of its client (auth_client), once its headers have been read. */
void connections_of_client(struct connections *cs, struct connection *c, const char *client);

/* Whom it waits for from now on. False: it has been cut off, and nothing more can be read. True
 * without one (NULL). */
bool connections_stage(struct connections *cs, const struct connection *c, enum inflight_stage stage);

/* After an answer to a body that nobody has read: waits a moment for its end, as
 * socket_linger does. Not while workers run short. Fine with NULL. */
void connections_linger(struct connections *cs, const struct connection *c);

/* Cuts off the connections that take too long, about four times a second. */
void connections_tend(struct connections *cs, int64_t now_us);

#endif
