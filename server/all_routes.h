#ifndef ALL_ROUTES_H
#define ALL_ROUTES_H
/* Every route, in the order of the documentation. The web server serves them, and tests
 * compare the documents with them.
 */
#include "server/web/routes.h"

/* Tables (see routes.h), ended by NULL. */
extern const struct route *const all_routes[];

#endif
