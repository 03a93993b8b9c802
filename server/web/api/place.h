#ifndef WEB_API_PLACE_H
#define WEB_API_PLACE_H
/* POST /calls: the request is checked, completed from the agent's file, and
 * ordered from the dialer (server/dialer/dialer.h).
 */
#include "server/web/routes.h"

route_handler place_call;

#endif
