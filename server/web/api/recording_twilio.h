#ifndef WEB_API_RECORDING_TWILIO_H
#define WEB_API_RECORDING_TWILIO_H
/* A recording that Twilio keeps, passed on: the server asks for it with its own
 * credentials, which the listener needs none of. Piece by piece, so that its
 * length costs no memory; what Twilio breaks off breaks off here.
 */
#include "server/web/routes.h"

struct kept_recording;

void recording_twilio_get(const struct web_parts *parts, const struct request *q, const char *call_sid,
    const struct kept_recording *kept, struct response *r);

#endif
