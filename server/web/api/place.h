#ifndef WEB_API_PLACE_H
#define WEB_API_PLACE_H
/* POST /calls: what is asked for is checked, filled up with what the agent says,
 * and ordered from the dialer (server/dialer/dialer.h).
 */
#include "server/web/routes.h"

route_handler place_call;

#endif
