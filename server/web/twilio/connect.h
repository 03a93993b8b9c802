#ifndef WEB_TWILIO_CONNECT_H
#define WEB_TWILIO_CONNECT_H
/* The answer that gives a call with a line to its agent, by whatever channel. */
#include "server/web/routes.h"

struct ladder_at;

/* Answers with the stream or the session that this token opens, or with the first turn, by the channel of its call.
 * `at`: the rung of the ladder which that is; NULL: the call's own. */
void connect_call(const struct web_parts *parts, const struct request *q, const char *token, const struct ladder_at *at,
    struct response *r);

#endif
