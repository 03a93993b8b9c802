#ifndef WEB_API_CALL_LIST_H
#define WEB_API_CALL_LIST_H
/* GET /calls: one list of the calls in memory (live ones, the last that
 * ended) and those in the store, filtered and in pages, none twice.
 *
 * Live calls come first, then those that ended, each newest first by their
 * time of arrival. A cursor names the last call of its page, so that pages
 * neither repeat nor skip one when others begin meanwhile; a call that ends
 * between two pages moves from the first part to the second.
 */
#include "server/web/routes.h"

#define CALL_LIST_QUERY "agent from to since until ending direction limit cursor"

route_handler call_list_get;

#endif
