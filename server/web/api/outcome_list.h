#ifndef WEB_API_OUTCOME_LIST_H
#define WEB_API_OUTCOME_LIST_H
/* The outcomes that agents found out, for the operator: GET /records and
 * /records/{id}. */
#include "common/json_out.h"
#include "server/web/http.h"
#include "server/web/web_parts.h"

void outcome_list_list(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r);
void outcome_list_one(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r);

/* With a store: what the call left, into the call's object that is open:
 * "record":{"id","status"}, or null, and "voicemail":{…} likewise. */
void outcome_list_put_of_call(const struct web_parts *parts, const char *call_sid, struct json_out *j);

#endif
