#ifndef WEB_API_STEER_H
#define WEB_API_STEER_H
/* The operator's hand on a live call: words for the agent, keys to press, or a destination
 * for the caller. The order is posted to the call as a letter and answered
 * at once, with 202; its effect is seen by watchers.
 */
#include "server/web/routes.h"

route_handler control_say;      /* POST /calls/{CallSid}/say */
route_handler control_transfer; /* POST /calls/{CallSid}/transfer */
route_handler control_digits;   /* POST /calls/{CallSid}/digits */

#endif
