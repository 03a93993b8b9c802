#ifndef WEB_TWILIO_STREAM_H
#define WEB_TWILIO_STREAM_H
/* The upgrades that become calls, and their right to a line. */
#include "server/web/routes.h"

/* For struct upgrade. `token` is that of the path, or "" for a stream that our
 * TwiML did not announce. */
bool stream_admit(const struct upgrade *upgrade, const struct web_parts *parts, const struct request *q,
    const char *token, struct response *r, struct call_ref *ref);

#endif
