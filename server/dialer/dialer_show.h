#ifndef DIALER_DIALER_SHOW_H
#define DIALER_DIALER_SHOW_H
/* Orders, as the operator's API shows them. */
#include "common/json_out.h"
#include "server/dialer/dialer.h"

#include <stdbool.h>

/* By id or CallSid, also of calls long over: the call in the shape of the table of calls,
 * with the request as its `order`, and without a call_sid until Twilio has named it. For
 * the caller to free. False: unknown, and nothing to free. */
bool dialer_show(struct dialer *o, const char *name, struct call_summary *out);

/* Calls back with the orders that are neither over nor answered, oldest first, each as
 * above. No lock is held during a callback. */
void dialer_each(struct dialer *o, void (*each)(void *arg, const struct call_summary *call), void *arg);

/* For /status, into the object that is open. */
void dialer_put_status(struct dialer *o, struct json_out *j);

#endif
