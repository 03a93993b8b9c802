#ifndef ALL_ROUTES_H
#define ALL_ROUTES_H
/* Every route there is, in the order in which the documentation lists them: what
 * main opens the port with, and what the documents are held against.
 */
#include "server/web/routes.h"

/* Tables (see routes.h), ended by NULL. */
extern const struct route *const all_routes[];

#endif
