#ifndef AGENT_LINK_NEXT_H
#define AGENT_LINK_NEXT_H
/* The session that comes after the one that talks. Agent loop only.
 *
 * link_replace or link_renew dials it beside the other; link_step carries that on. Once
 * it is ready it is told the conversation (link_send_next), while the other goes on. Then link_swap,
 * in each turn of the loop: when the moment is good the writing side is asked back, and
 * with that the next session is in its place, REPLAYING: told the rest, it talks. If the other is lost
 * before, the next one takes its place as soon as it is ready. If the next one fails,
 * nothing changes, and `next` is NULL again.
 */
#include "server/agent/link.h"

/* --- after a loss --- */

/* Something came of an answer: the session is a good one. */
void link_proved(struct link *l);
/* The session is of no use any more: as if its connection had ended. REFUSED: nor is another one of the
 * same service. */
void link_lose(struct link *l, enum call_end why);

/* The same for an error of the session, or the reason of its Close. One that is moderated is not followed by another. */
void link_lose_by(struct link *l, enum model_error error);

/* --- before it --- */

/* Dials it, perhaps at another service (`access`). False: one is on its way already, or
 * there is none to be replaced. */
bool link_replace(struct link *l, const struct model_access *access, const struct model_wish *wish, int64_t now_us);
/* The same, once the session's time is nearly over. */
bool link_renew(struct link *l, int64_t now_us);

/* Sends the next session one whole message. Only once it is ready. */
void link_send_next(struct link *l, const char *text, size_t len);

/* True: it is in its place now, and is REPLAYING. It may take some turns of the loop until the writer is back; a moment that
 * is no longer good by then takes the wish back. */
bool link_swap(struct link *l, bool now_is_good);

#endif
