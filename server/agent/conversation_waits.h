#ifndef AGENT_CONVERSATION_WAITS_H
#define AGENT_CONVERSATION_WAITS_H
/* The caller waits in silence, whatever it is for. Agent loop only.
 *
 * HOLD_AFTER_MS after that began he hears the line for it, if that has its sound (conversation_known.h), at most every
 * 8 s; between, or without it, the caller loop's tone (caller/hold.h). Nobody waits for ever for a model that is gone, or mute.
 */
#include "server/agent/conversation.h"

/* In each turn of the loop, after all events; when it has something to do next. */
void conversation_mind_waiting(struct conversation *con, int64_t now_us);
int64_t conversation_waits_us(const struct conversation *con);

/* In each turn of the loop: the model is gone for good. The call ends, with the line for that if it is known. */
void conversation_mind_gone(struct conversation *con, int64_t now_us);

/* The time at which nobody waits any longer for a model that is not there, or does not answer. */
int64_t conversation_give_up_us(const struct conversation *con);

#endif
