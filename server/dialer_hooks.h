#ifndef DIALER_HOOKS_H
#define DIALER_HOOKS_H
/* What the dialer needs from those above it: how many lines are free for calls we
 * place, and that one is over which never reached the table of calls. It stands
 * here because it sees both, and neither sees it.
 */
#include "server/dialer/dialer.h"

struct agents;
struct calls;

/* Outlives the dialer; constant once it is open. */
struct dialer_view {
	struct calls *calls;
	struct agents *agents;
};

void dialer_hooks_of(struct dialer_view *view, struct dialer_hooks *out);

#endif
