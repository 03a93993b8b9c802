#ifndef DIALER_DIALER_SHOW_H
#define DIALER_DIALER_SHOW_H
/* Calls we place, as the operator's API shows them. */
#include "common/buf.h"
#include "server/dialer/dialer.h"

#include <stdbool.h>

/* By id or CallSid, also of calls long over: the call as the table of calls would
 * show it if it never got there, with what was asked for as its `order`; without a
 * call_sid while Twilio has not named it. To be freed. False: unknown, and nothing
 * to free. */
bool dialer_show(struct dialer *o, const char *name, struct call_summary *out);

/* Calls not over and not answered yet, oldest first, each as above. No lock is held
 * meanwhile. */
void dialer_each(struct dialer *o, void (*each)(void *arg, const struct call_summary *call), void *arg);

/* An object for /status; "null" for NULL. */
void dialer_put_status(struct dialer *o, struct buf *out);

#endif
