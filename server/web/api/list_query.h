#ifndef WEB_API_LIST_QUERY_H
#define WEB_API_LIST_QUERY_H
/* What queries of lists have in common: times, and how much of a list is a page.
 * Each returns false when it has refused the request: a 400 that names the
 * parameter is in `r`.
 */
#include "server/web/http.h"

#include <stdbool.h>
#include <stdint.h>

enum { LIST_LIMIT_DEFAULT = 50, LIST_LIMIT_MAX = 200 };

/* Always false. */
bool list_refuse(struct response *r, const char *name, const char *sentence);

/* In ms of Unix time; `out` stays as it is if the parameter was left out. */
bool list_time(const struct request *q, const char *name, int64_t *out, struct response *r);

/* The parameter "limit": 1 to LIST_LIMIT_MAX. */
bool list_limit(const struct request *q, int *out, struct response *r);

#endif
