#ifndef WEB_PAGE_OPENAPI_H
#define WEB_PAGE_OPENAPI_H
/* The API in words machines read: openapi.json, built into the program as it
 * is. Anyone may have it; it is the same everywhere and holds nothing of this
 * server's. test_openapi holds it against the table of routes.
 */
#include "server/web/routes.h"

extern const char openapi_json[];

route_handler openapi_get;

/* What is served as it was made into the binary; ended by a row without a path. */
extern const struct route page_routes[];

#endif
