#ifndef WEB_TWILIO_DIAL_DONE_H
#define WEB_TWILIO_DIAL_DONE_H
/* POST /twilio/dial-done: a person was dialled for a caller. Their conversation is
 * over; or nobody answered, and the caller comes back to the agent. */
#include "server/web/routes.h"

route_handler webhook_dial_done;

#endif
