#ifndef WEB_API_DELIVERIES_H
#define WEB_API_DELIVERIES_H
/* The operator's view of webhooks out: the list of them, and another
 * attempt. */
#include "server/web/routes.h"

route_handler deliveries_list;
route_handler deliveries_retry;

#endif
