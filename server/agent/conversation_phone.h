#ifndef AGENT_CONVERSATION_PHONE_H
#define AGENT_CONVERSATION_PHONE_H
/* What the caller loop tells: the stream's begin and end, what was heard, keys; on a channel of text
 * also the caller's words, which the model is told here. Agent loop only.
 */
#include "server/agent/conversation.h"

void conversation_take_messages(struct conversation *con, int64_t now_us);

/* A session talks, before the dialogue hears of it: it is told what was said on a channel of text while
 * there was none. */
void conversation_tell_untold(struct conversation *con);

#endif
