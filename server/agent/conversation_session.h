#ifndef AGENT_CONVERSATION_SESSION_H
#define AGENT_CONVERSATION_SESSION_H
/* The sessions with the model that a conversation has, one after the other. Agent loop only.
 *
 * Each is told what was said before it (replay.h), and how much of that was heard. What the caller
 * said last, if nobody wrote it down or answered it, is sent to it again as sound. The next
 * session of one that is nearly over is told beforehand what cannot change any more.
 */
#include "server/agent/conversation.h"

/* In each turn of the loop: after link_step, what a session is to be told; after anything
 * that may lose one, and that it is lost. */
void conversation_mind_sessions(struct conversation *con, int64_t now_us);
void conversation_mind_loss(struct conversation *con, int64_t now_us);

/* Tells the caller loop since when the caller waits in silence; the time at which nobody waits any longer for a model
 * that is not there. */
void conversation_mind_waiting(struct conversation *con, int64_t now_us);
int64_t conversation_waits_us(const struct conversation *con); /* when it is to be told next */
int64_t conversation_give_up_us(const struct conversation *con);

/* At the end of the call, which ends the last one. */
void conversation_sessions_over(struct conversation *con, int64_t now_us);
void conversation_put_sessions(const struct conversation *con, struct buf *out);
void conversation_sessions_free(struct conversation *con);

#endif
