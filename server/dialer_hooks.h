#ifndef DIALER_HOOKS_H
#define DIALER_HOOKS_H
/* The dialer's hooks: the number of free lines for calls that we place, whom they may go to,
 * and the end of a call that never reached the table of calls. They stand here because they need the
 * dialer and the table, and neither of these needs the other.
 */
#include "server/dialer/dialer.h"

struct agents;
struct calls;

/* Outlives the dialer; constant while that is open. */
struct dialer_view {
	struct calls *calls;
	struct agents *agents;
};

void dialer_hooks_of(struct dialer_view *view, struct dialer_hooks *out);

#endif
