#include "server/web/page/openapi.h"

/* Made by the Makefile from openapi.json, a string literal a line. */
const char openapi_json[] =
#include "openapi.inc"
    ;

/* The text is copied once per request; it is asked for rarely. */
void openapi_get(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	(void)parts, (void)q, (void)arg;
	buf_puts(&r->body, openapi_json);
}

const struct route page_routes[] = {
	{ "GET", "/openapi.json", ROUTE_OPEN, BODY_NONE, NULL, openapi_get, "this API as an OpenAPI 3.1 document",
	    NULL },
	{ .path = NULL },
};
