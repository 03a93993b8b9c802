#ifndef WEB_VALIDATE_H
#define WEB_VALIDATE_H
/* Strict parsing of a request's query and body: a text that two readers
 * could take for two things is refused. Pure; false leaves the refusal in
 * `r`.
 */
#include "server/web/http.h"

/* `names`: the known parameters, blank-separated. Each may be there once.
 * `out` is to be freed with form_free either way. */
bool validate_query(const char *query, const char *names, struct form *out, struct response *r);

/* An object without doubled names; *out is to be deleted either way, or NULL. */
bool validate_json(const char *body, size_t len, cJSON **out, struct response *r);

#endif
