#ifndef WEB_API_OPERATOR_H
#define WEB_API_OPERATOR_H
/* The operator's questions: is it alive, does it take calls, which calls are
 * there, end that one. The names in its JSON stay.
 */
#include "server/web/routes.h"

route_handler operator_health;
route_handler operator_ready;
route_handler operator_status;
route_handler operator_call;
route_handler operator_end_call;

#endif
