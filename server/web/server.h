#ifndef WEB_SERVER_H
#define WEB_SERVER_H
/* The HTTP port: CivetWeb, and everything it needs to be told or kept from.
 *
 * One context serves webhooks, the operator and the streams. Each connection
 * holds one of a fixed number of worker threads; a call's stream holds its own
 * for the length of the call, and a long answer (server-sent events, a file)
 * until it is done. So there are as many as lines, plus MAX_WATCHERS for long
 * answers, plus a reserve for HTTP that neither can take. CivetWeb's header is
 * included here and by connections.c, nowhere else.
 */
#include "common/buf.h"
#include "server/web/web_parts.h"

#include <stdint.h>

struct web;

/* Starts to listen. The parts outlive it. Signals meant for main must
 * be blocked before, since CivetWeb's threads inherit the mask. 0, or -errno
 * with a sentence in `problem`. */
int web_open(struct web **out, const struct web_parts *parts, struct buf *problem);

/* Ends the long answers, at once, and admits no more of them. Any thread. */
void web_end_streams(struct web *web);

/* Stops; calls must have ended before, for it joins every worker. It takes up
 * to 2 s. Fine with NULL. */
void web_close(struct web *web);

int web_port(const struct web *web); /* the port listened on, also if PORT was 0 */

/* Housekeeping, about four times a second: cuts off requests that take too
 * long, sooner when workers run short. */
void web_tend(struct web *web, int64_t now_us);

/* The number of connections that can be served at once. */
int web_workers(const struct config *cfg);

#endif
