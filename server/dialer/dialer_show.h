#ifndef DIALER_DIALER_SHOW_H
#define DIALER_DIALER_SHOW_H
/* Calls we place, as the operator's API shows them. */
#include "common/buf.h"
#include "server/dialer/dialer.h"

#include <stdbool.h>

/* By id or CallSid, also of calls long over. False: unknown. Free it either way. */
struct dialer_shown {
	struct buf order;               /* an object: what was asked for, and what has become of it */
	struct buf call;                /* the call as the table of calls would show it, if it never got there */
	char call_sid[TWILIO_SID_SIZE]; /* "" while it has none */
};
bool dialer_show(struct dialer *o, const char *name, struct dialer_shown *out);
void dialer_shown_free(struct dialer_shown *shown);

/* Calls not over and not answered yet, oldest first, each as in `call`. No lock
 * is held meanwhile. */
void dialer_each(struct dialer *o, void (*each)(void *arg, const char *json), void *arg);

/* An object for /status; "null" for NULL. */
void dialer_put_status(struct dialer *o, struct buf *out);

#endif
