#ifndef WEB_API_OUTCOME_LIST_H
#define WEB_API_OUTCOME_LIST_H
/* What agents found out, for the operator: GET /records and /records/{id}. */
#include "server/web/http.h"
#include "server/web/web_parts.h"

void outcome_list_list(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r);
void outcome_list_one(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r);

/* With a store: puts "record" into the JSON object of a call that ends r->body: {"id","status"},
 * or null. */
void outcome_list_add_to_call(const struct web_parts *parts, const char *call_sid, struct response *r);

#endif
