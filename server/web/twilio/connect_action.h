#ifndef WEB_TWILIO_CONNECT_ACTION_H
#define WEB_TWILIO_CONNECT_ACTION_H
/* POST /twilio/connect-action: the stream is over, and Twilio asks what comes
 * next. How the call ended says it. */
#include "server/web/routes.h"

route_handler webhook_connect_action;

#endif
