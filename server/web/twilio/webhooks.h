#ifndef WEB_TWILIO_WEBHOOKS_H
#define WEB_TWILIO_WEBHOOKS_H
/* What Twilio asks of us: each handler checks the signature, does one thing
 * with the table of calls, and answers TwiML. Nothing here waits.
 */
#include "server/web/routes.h"

route_handler webhook_voice;
route_handler webhook_connect_action;
route_handler webhook_dial_done;
route_handler webhook_stream_status;
route_handler webhook_call_status;
route_handler webhook_recording_status;
route_handler webhook_amd;

/* Whether this upgrade may become a call's stream: signature, then token. True:
 * the line is claimed, `ref` names it. False: the refusal is in `r`. `token` is
 * "" for a stream that our TwiML did not announce. */
bool webhooks_admit(const struct web_parts *parts, const struct request *q, const char *token, struct response *r,
    struct call_ref *ref);

/* The address to give Twilio, in words; `port` is the one listened on. */
void webhooks_print_address(const struct config *cfg, int port, struct buf *out);

#endif
