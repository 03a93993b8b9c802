#ifndef LINE_CALLS_ADMIT_H
#define LINE_CALLS_ADMIT_H
/* Lines for new calls, and the call that a stream belongs to. Any thread; no function
 * waits for a call's loops. */
#include "server/line/calls.h"

/* Reserves a line and wakes its agent loop. A repetition for the same CallSid, before
 * or after its stream opened, gets the same token and CALL_ADMITTED. CALL_COST, which is
 * logged here, refuses new inbound calls only, neither returning calls nor those that we
 * place; so do the refusals of one caller among others. Of these a call is kept, ended when
 * it came; a repetition gets the same answer and leaves nothing. Not for a call's loops: the
 * fleet may have to wait for its answer. */
enum admission calls_reserve(struct calls *calls, const struct call_facts *facts, char token[CALL_TOKEN_SIZE]);

/* True: that call is over, so its voice webhook has been sent once more, by whoever has
 * got hold of it. For two minutes after a fault it may be Twilio, which asks again where
 * its owner told it to (a fallback address): false then, twice at most. */
bool calls_over(struct calls *calls, const char *call_sid);

/* Spends a token, once, for a call that comes by this channel. 0; -ENOENT: unknown, expired or used;
 * -EPROTOTYPE: its call comes by another channel, and the token stays good. */
int calls_claim(struct calls *calls, const char *token, const struct phone_channel *channel, struct call_ref *out);

/* Claims a line for a stream without a voice webhook of ours; its facts come with its
 * start message. 0; -EBUSY: no line free; -ESHUTDOWN: draining; -EDQUOT: as CALL_COST;
 * or an error of call_context_make. */
int calls_claim_unannounced(struct calls *calls, struct call_ref *out);

/* Caller loop: takes the facts from the start message of an unannounced stream, and
 * wakes the agent loop. NULL; or why it cannot be carried, in words. */
const char *call_name(struct call *c, const struct call_facts *facts);

#endif
