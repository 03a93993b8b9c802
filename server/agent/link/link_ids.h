#ifndef AGENT_LINK_IDS_H
#define AGENT_LINK_IDS_H
/* The ids that a service gives to its items, responses and calls of tools.
 *
 * Some begin anew with each session ("item_1"), and a call may have many sessions. So what comes from a session has the
 * session's number in front ("2.item_1"), but for the first one's; and only what is told to that session is without
 * it again. Everybody between compares ids as they are. Agent loop only.
 */
#include "server/agent/link/link.h"

/* For link_read_some, after each event. Valid until the next one. */
void link_ids_come(struct link *l, uint32_t session, struct model_event *e);

/* How the session that talks knows it: borrowed from `id`. One of another session's is as it is. */
const char *link_ids_tell(const struct link *l, const char *id);

#endif
