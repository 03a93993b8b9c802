#include "server/web/page/openapi.h"

/* Made by the Makefile from openapi.json, a string literal a line. */
const char openapi_json[] =
#include "openapi.inc"
    ;

void openapi_get(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	(void)parts, (void)q, (void)arg;
	buf_puts(&r->body, openapi_json);
}
