#ifndef WEB_API_PLACE_H
#define WEB_API_PLACE_H
/* POST /calls: the request is checked, completed from the agent's file, and
 * ordered from the dialer (server/dialer/dialer.h).
 */
#include "server/web/routes.h"

struct agents;

route_handler place_call;

/* Whether this number, of that field of the request, may be dialled; for transfers too. Else the
 * refusal is in `r`, and logged under `tag`. */
bool place_may_dial(struct agents *agents, const char *number, const char *tag, const char *field, struct response *r);

#endif
