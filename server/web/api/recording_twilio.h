#ifndef WEB_API_RECORDING_TWILIO_H
#define WEB_API_RECORDING_TWILIO_H
/* A recording that Twilio keeps, passed on: the server asks with its own
 * credentials, so that the listener needs none. It goes piece by piece, so
 * that its length costs no memory; a break on Twilio's side is a break here.
 */
#include "server/web/routes.h"

struct kept_recording;

void recording_twilio_get(const struct web_parts *parts, const struct request *q, const char *call_sid,
    const struct kept_recording *kept, struct response *r);

#endif
