#ifndef AGENT_CONVERSATION_PHONE_H
#define AGENT_CONVERSATION_PHONE_H
/* What the caller loop tells: the stream's begin and end, what was heard, keys; on a channel of text
 * also the caller's words, which the model is told here. Agent loop only.
 */
#include "server/agent/conversation.h"

void conversation_take_messages(struct conversation *con, int64_t now_us);

/* The other way, at the end of a turn: on a channel of requests it says what came of them. */
void conversation_answer_phone(struct conversation *con);

#endif
