#ifndef AGENT_CONVERSATION_ORDERS_H
#define AGENT_CONVERSATION_ORDERS_H
/* Tells the dialogue events, and carries out its orders. Agent loop only. */
#include "audio/g711.h"
#include "server/agent/conversation.h"

enum { SPOKEN_BYTES = SPOKEN_MS_PER_BYTE * G711_BYTES_PER_MS /* of mu-law, for a byte of text that is spoken */ };

/* Tells an event; all its orders are carried out on return. False: it changed nothing
 * (dialogue_take). */
bool conversation_tell(struct conversation *con, const struct dialogue_event *event, int64_t now_us);
#define TELL(con, now, ...) conversation_tell(con, &(struct dialogue_event){ __VA_ARGS__ }, now)

/* Carries out what is due by the clock, after all events were told. */
void conversation_do_due(struct conversation *con, int64_t now_us);

/* Sends con->message, which the link's protocol has filled, and empties it. It is dropped
 * without a session that is ready and after the end of the call. */
void conversation_send(struct conversation *con);

/* The id of the next message to the model; an error may refer to it. Valid until the
 * next call. */
const char *conversation_next_id(struct conversation *con, enum model_request request);

/* Tells the model a piece of the conversation. */
void conversation_tell_item(struct conversation *con, enum model_request why, enum model_role role, const char *text);

/* Words that were ordered are not said: by order of the dialogue, or if `o` is NULL, because they are
 * too many. The operator was told that they are accepted: log, counter and watchers hear otherwise. */
void conversation_leave_unsaid(struct conversation *con, const struct dialogue_order *o, int64_t now_us);

#endif
