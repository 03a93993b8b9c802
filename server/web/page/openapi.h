#ifndef WEB_PAGE_OPENAPI_H
#define WEB_PAGE_OPENAPI_H
/* The API in a machine's words: openapi.json, built into the program as it
 * is. Anyone may have it: it is the same everywhere and holds nothing of
 * this server's. test_openapi holds it against the table of routes.
 */
#include "server/web/routes.h"

extern const char openapi_json[];

route_handler openapi_get;

/* Files served as they were built in; ended by a row without a path. */
extern const struct route page_routes[];

#endif
