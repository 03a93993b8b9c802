#ifndef AGENT_LINK_NEXT_H
#define AGENT_LINK_NEXT_H
/* The session that comes after the one that talks. Agent loop only.
 *
 * link_renew dials it beside the other; link_step carries that on. Once it is ready it is told the
 * conversation (link_send_next), while the other goes on. Then link_may_swap, in each turn of the loop: when
 * the moment is good the writing side is asked back. With that, whatever is still to be learnt or told of the
 * current session comes first; then link_swap puts the next one in its place, REPLAYING: told the rest, it
 * talks. If the current one is lost before, the next one takes its place as soon as it is ready. If the next
 * one fails, nothing changes, and there is none again.
 */
#include "server/agent/link/link.h"

/* --- after a loss --- */

/* Something came of an answer: the session is a good one. */
void link_proved(struct link *l);
/* The session is of no use any more: as if its connection had ended. REFUSED: nor is another one of the
 * same service. */
void link_lose(struct link *l, enum call_end why);

/* The same for an error of the session, or the reason of its Close. One that is moderated is not followed by another. */
void link_lose_by(struct link *l, enum model_error error);

/* --- before it --- */

/* Dials it, at the first endpoint that is well, once the current session's time is nearly over. False: it is not time
 * for that, or it could not be dialled and is put off. */
bool link_renew(struct link *l, int64_t now_us);
int64_t link_renew_us(const struct link *l); /* that time; NEVER_US: none, or it is dialled */

/* An error of a session. A piece of the conversation that it would not be told is counted. */
void link_refused(struct link *l, const struct model_event *e);

/* Sends the next session one whole message. Only once it is ready. */
void link_send_next(struct link *l, const char *text, size_t len);

/* True: link_swap may follow. It may take some turns of the loop until the writer is back; a moment that is no
 * longer good by then takes the wish back. */
bool link_may_swap(struct link *l, bool now_is_good);
void link_swap(struct link *l);

#endif
