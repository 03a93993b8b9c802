#ifndef AGENT_CONVERSATION_ORDERS_H
#define AGENT_CONVERSATION_ORDERS_H
/* Telling the dialogue, and carrying out what it orders. Agent loop only. */
#include "server/agent/conversation.h"

/* Something happened. Everything that comes of it is done on return. False: it
 * changed nothing (dialogue_take). */
bool conversation_tell(struct conversation *con, const struct dialogue_event *event, int64_t now_us);

/* Does what is due, once all that has happened was told. */
void conversation_do_due(struct conversation *con, int64_t now_us);

/* Sends what is in con->message, which the link's protocol has put there, and empties
 * it. Dropped without a session, and once the call has ended. */
void conversation_send(struct conversation *con);

/* Our name for the next message to the model, by which an error may refer to it.
 * Valid until the next call. */
const char *conversation_next_id(struct conversation *con, enum model_request request);

/* The number of a request for an answer in the model's words; 0: it is none. */
uint32_t conversation_request_no(const struct model_event *event);

/* Ends the call if the link is gone; but that is told to a caller, not before. */
void conversation_mind_link(struct conversation *con);
/* The model cannot go on. */
void conversation_model_failed(struct conversation *con, enum call_end why);

/* The farewell that has begun hands the caller over, to that person. */
void conversation_hand_over_to(struct conversation *con, const char *name, const char *number, int ring_seconds);

#endif
