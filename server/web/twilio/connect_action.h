#ifndef WEB_TWILIO_CONNECT_ACTION_H
#define WEB_TWILIO_CONNECT_ACTION_H
/* POST /twilio/connect-action: the stream is over, and Twilio asks for the
 * next step. The way the call ended decides it. */
#include "server/web/routes.h"

route_handler webhook_connect_action;

/* POST /twilio/gather: a turn of a conversation by <Gather>; of one that is over, likewise. */
route_handler webhook_gather;

#endif
