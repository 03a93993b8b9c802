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

/* The rules for a caller of whom nothing is heard, before the dialogue begins. By requests the phone asks by itself
 * (caller/gather.h), and there are none. */
void conversation_set_quiet(struct conversation *con, struct dialogue_rules *rules);

/* Words that were ordered are not said: by order of the dialogue, or if `o` is NULL, because they are
 * too many. The operator was told that they are accepted: log, counter and watchers hear otherwise. */
void conversation_leave_unsaid(struct conversation *con, const struct dialogue_order *o, int64_t now_us);

#endif
