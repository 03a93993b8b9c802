#ifndef AGENT_CONVERSATION_SESSION_H
#define AGENT_CONVERSATION_SESSION_H
/* The sessions with the model that a conversation has, one after the other. Agent loop only.
 *
 * Each is told what was said before it (replay.h), and how much of that was heard. What the caller
 * said last, if nobody wrote it down or answered it, is sent to it again as sound. The next
 * session of one that is nearly over is told beforehand what cannot change any more.
 */
#include "server/agent/conversation.h"

/* In each turn of the loop: that a session was lost, before link_step lets it go, and after anything that may lose
 * one; behind link_step, what a session is to be told. */
void conversation_mind_loss(struct conversation *con, int64_t now_us);
void conversation_mind_sessions(struct conversation *con, int64_t now_us);
int64_t conversation_renew_us(const struct conversation *con); /* when the next one is to be dialled */

/* At the end of the call, which ends the last one. */
void conversation_sessions_over(struct conversation *con, int64_t now_us);
/* Appends the newest, as a JSON array; how many there were before these. */
size_t conversation_put_sessions(const struct conversation *con, struct buf *out);
void conversation_sessions_free(struct conversation *con);

#endif
