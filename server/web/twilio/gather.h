#ifndef WEB_TWILIO_GATHER_H
#define WEB_TWILIO_GATHER_H
/* A turn of a conversation by <Gather>, from the form of a request and into TwiML. The address says by `step`, last in
 * its query, which answer of ours the request follows, so that one that comes twice is answered twice in the same
 * way; what stands before it is kept. */
#include "server/web/routes.h"

/* The first turn of a call that has its line: what the agent says first. `query`: of the address of the next ones,
 * with its '?'; "" without. Both false: the call is over, and nothing is answered. */
bool gather_first(const struct web_parts *parts, const struct request *q, const char *query, struct response *r);

/* A later one. */
bool gather_turn(const struct web_parts *parts, const struct request *q, struct response *r);

#endif
