#ifndef WEB_API_STEER_H
#define WEB_API_STEER_H
/* The operator's hand on a live call: what it is to say, where it is to go. A
 * letter is posted to the call and answered at once, with 202; what comes of it
 * is seen by those who watch.
 */
#include "server/web/routes.h"

route_handler control_say;      /* POST /calls/{CallSid}/say */
route_handler control_transfer; /* POST /calls/{CallSid}/transfer */

#endif
