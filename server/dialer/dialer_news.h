#ifndef DIALER_DIALER_NEWS_H
#define DIALER_DIALER_NEWS_H
/* What Twilio tells of calls we placed, and that one is not wanted any more. */
#include "server/dialer/dialer.h"

#include <cjson/cJSON.h>

/* The voice webhook came, carrying our id: the call was answered. 0 and the
 * request (caller frees with cJSON_Delete; it also has `answered_by` if that is
 * known); -ENOENT: no such call; -EEXIST: the id belongs to another call, so
 * that this one should not be. */
int dialer_answered(struct dialer *o, const char *id, const char *call_sid, cJSON **request);

/* News of a status callback, in whatever order they come. `id` may be NULL. */
void dialer_news(struct dialer *o, const char *id, const char *call_sid, const char *status);

/* What detection found; the same request as above, or NULL if there is no such
 * call. Caller frees with cJSON_Delete. */
cJSON *dialer_detected(struct dialer *o, const char *id, const char *call_sid, const char *answered_by);

/* Hangs up, or takes it out of the queue. 0; -ENOENT: unknown or over. */
int dialer_cancel(struct dialer *o, const char *name);

#endif
