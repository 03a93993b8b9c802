#ifndef AGENT_CONVERSATION_MODEL_H
#define AGENT_CONVERSATION_MODEL_H
/* What is said to the model, and what its session knows of the conversation. Agent loop only. */
#include "server/agent/conversation.h"

/* Sends con->message, which the link's protocol has filled, and empties it. It is dropped
 * without a session that is ready and after the end of the call. */
void conversation_send(struct conversation *con);

/* The id of the next message to the model; an error may refer to it. Valid until the
 * next call. */
const char *conversation_next_id(struct conversation *con, enum model_request request);

/* Tells the model a piece of the conversation. */
void conversation_tell_item(struct conversation *con, enum model_request why, enum model_role role, const char *text);

/* True: the link is gone, and a caller is there. Before that nothing ends: the stream's start looks at the link
 * again. Nor while last words are heard: those end it. */
static inline bool conversation_is_gone(const struct conversation *con)
{
	return con->link.state == LINK_GONE && con->dialogue.caller && con->dialogue.farewell.state != FAREWELL_HEARING;
}
/* Then ends the call; if there is a known line for that, it is the loop that does (conversation_mind_gone). */
void conversation_mind_link(struct conversation *con);
/* The session is of no use any more, for that reason: the next one, or the end. */
void conversation_model_failed(struct conversation *con, enum call_end why);

/* The turn of an item of the session's (timeline_turn). */
struct turn *conversation_turn(struct conversation *con, enum turn_kind kind, const char *item_id, int64_t now_us);

/* The session is told how much of an agent's item was heard: until truncate_ms of its sound, or the words of its turn.
 * `turn` may be NULL. */
void conversation_tell_heard(struct conversation *con, const char *item_id, struct turn *turn, int64_t truncate_ms);
/* … of one that cannot be truncated, once it is over. */
void conversation_shorten(struct conversation *con, struct turn *turn);
/* Before the result of a tool that was called in another session: the call. */
void conversation_tell_call(struct conversation *con, struct tool_run *run);
/* True: the session knows some words of the last answer. If that broke off before the first, it is begun anew. */
bool conversation_said_some(const struct conversation *con);
/* True: what came of the answer to the caller's newest turn is sound, of which there was no word, and no tool. */
bool conversation_answer_unheard(const struct conversation *con);
/* Ends the turns in progress that have no sound, with that status, and tells the model that
 * nothing of them was heard. */
void conversation_end_silent(struct conversation *con, const char *status);

/* What of the caller's audio need not be sent to another session. His speech begins, and ends (-1: the service does
 * not say when); a turn is over (false: it was heard before); it was written down, or cannot be (true: it was put in
 * its place); something comes of an answer. */
void conversation_speech_began(struct conversation *con, int64_t at_ms);
void conversation_speech_ended(struct conversation *con, int64_t at_ms);
bool conversation_turn_over(struct conversation *con, const char *item_id, int64_t now_us);
bool conversation_written_down(struct conversation *con, struct turn *turn);
void conversation_answered(struct conversation *con);

/* A turn that was answered, and heard again by another session, stands behind its answer and would be a question
 * anew: its words, if they are known by now, are put where it was said, and its sound is taken away. Before
 * anything is asked for. False: there is none. */
bool conversation_place_turn(struct conversation *con);

#endif
