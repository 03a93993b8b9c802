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

/* Ends the call if the link is gone and a caller is there. Before that nothing ends: the
 * stream's start looks at the link again. Nor while last words are heard: those end it. */
void conversation_mind_link(struct conversation *con);
/* The session is of no use any more, for that reason: the next one, or the end. */
void conversation_model_failed(struct conversation *con, enum call_end why);

/* The turn of an item of the session's (timeline_turn). */
struct turn *conversation_turn(struct conversation *con, enum turn_kind kind, const char *item_id, int64_t now_us);

/* The session is told how much of an agent's item was heard: until truncate_ms of its sound, or the words of its turn.
 * `turn` may be NULL. */
void conversation_tell_heard(struct conversation *con, const char *item_id, struct turn *turn, int64_t truncate_ms);
/* Before the result of a tool that was called in another session: the call. */
void conversation_tell_call(struct conversation *con, struct tool_run *run);
/* Ends the turns in progress that have no sound, with that status, and tells the model that
 * nothing of them was heard. */
void conversation_end_silent(struct conversation *con, const char *status);

/* The caller's audio need not be sent to another session: up to his speech, which begins, if nothing is
 * pending; a turn is over; it was written down; it is being answered. -1: the service does not say when. */
void conversation_speech_began(struct conversation *con, int64_t at_ms);
void conversation_speech_ended(struct conversation *con, int64_t at_ms);
void conversation_turn_over(struct conversation *con, struct turn *turn);
void conversation_written_down(struct conversation *con, const struct turn *turn);
void conversation_answered(struct conversation *con);

/* Tells the caller loop since when the caller waits in silence; the time at which nobody waits any longer for a model
 * that is not there. */
void conversation_mind_waiting(struct conversation *con, int64_t now_us);
int64_t conversation_give_up_us(const struct conversation *con);

void conversation_put_sessions(const struct conversation *con, struct buf *out);

#endif
