#ifndef DIALER_DIALER_NEWS_H
#define DIALER_DIALER_NEWS_H
/* Twilio's news of calls that we placed, and the cancelling of orders. */
#include "server/dialer/dialer.h"

#include <cjson/cJSON.h>

/* The voice webhook came with our id: the call was answered. 0 and the order's request,
 * with `answered_by` if that is known (caller frees with cJSON_Delete); -ENOENT: no such
 * order; -EEXIST: the order has another call, and this one should not exist. */
int dialer_answered(struct dialer *o, const char *id, const char *call_sid, cJSON **request);

/* The table of calls has it, or has refused it: the order lets go of what it reserved. */
void dialer_on_line(struct dialer *o, const char *id);

/* A status callback; they may come in any order. `id` may be NULL. */
void dialer_news(struct dialer *o, const char *id, const char *call_sid, const char *status);

/* The result of machine detection. The same request as above (caller frees with
 * cJSON_Delete), or NULL: no such order. */
cJSON *dialer_detected(struct dialer *o, const char *id, const char *call_sid, const char *answered_by);

/* Cancels an order: hangs up, or takes it out of the queue, soon. 0; -ENOENT: unknown,
 * answered or over. */
int dialer_cancel(struct dialer *o, const char *name);

#endif
