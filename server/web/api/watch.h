#ifndef WEB_API_WATCH_H
#define WEB_API_WATCH_H
/* Watching calls: server-sent events (the HTML standard, §9.2) of one call
 * or of all, from the hub to the client, for as long as the client stays.
 */
#include "server/web/routes.h"

route_handler watch_call; /* GET /calls/{CallSid}/events */
route_handler watch_all;  /* GET /events */

#endif
