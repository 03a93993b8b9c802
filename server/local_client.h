#ifndef LOCAL_CLIENT_H
#define LOCAL_CLIENT_H
/* HTTP to the server that runs on this machine: for --health, --check, and the operator's
 * commands. One request a connection; blocks, within a limit. */
#include "common/buf.h"

struct local_server {
	const char *listen; /* LISTEN: an address; 0.0.0.0 and :: stand for this machine's own */
	int port;
	const char *token; /* for the operator's routes; "" or NULL: none */
	int wait_ms;       /* for the whole of a request */
};

enum { LOCAL_ANSWER_MAX = 16 << 20 }; /* more of an answer is an error */

/* GET path: its status, or a negative errno. -ETIMEDOUT: it took longer; -EPROTO: what
 * came is no HTTP answer, or not all of one; -E2BIG: too long; -EINVAL: `listen` is no
 * address. `body`, initialised by the caller, gets what came behind the head. */
int local_get(const struct local_server *server, const char *path, struct buf *body);

/* GET /health at the address, within 3 s. 0; -EPROTO: the answer was not 200; or another -errno. */
int local_health(const char *listen, int port);

#endif
