#ifndef WEB_CONNECTIONS_H
#define WEB_CONNECTIONS_H
/* The connections that hold a worker now, and the end of those that hold it
 * too long (inflight.h has the rules).
 *
 * An entry is taken by the worker that got the connection and given back by
 * it just before the socket is closed, both under one lock. With that lock
 * held, a taken entry's connection exists.
 */
#include "server/line/calls.h"

#include <stddef.h>
#include <stdint.h>

struct mg_connection;
struct connections;
struct upgrade; /* server/web/routes.h */

struct connection {
	struct mg_connection *conn;
	bool answered;                 /* an answer has been sent, or it is a stream */
	const struct upgrade *upgrade; /* its upgrade may go on; NULL: it may not */
	struct call_ref ref;           /* the line that was claimed for it */
	int times_cut;                 /* attempts to cut it off so far */
};

int connections_open(struct connections **out, size_t workers); /* 0 or -ENOMEM */
void connections_close(struct connections *cs);

/* NULL if there are more than workers, which cannot be. */
struct connection *connections_take(struct connections *cs, const struct mg_connection *conn);
void connections_give_back(struct connections *cs, struct connection *c);

/* Notes its client (inflight_client), once its headers have been read. */
void connections_of_client(struct connections *cs, const struct connection *c, uint32_t client);

/* It has become a call or a long answer, which have limits of their own. */
void connections_has_limits(struct connections *cs, const struct connection *c);

/* Cuts off the connections that take too long. */
void connections_tend(struct connections *cs, int64_t now_us);

/* The socket under a connection that is not yet being closed; -ENOENT. */
int connections_socket(const struct connections *cs, const struct mg_connection *conn);

#endif
