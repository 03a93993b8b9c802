#ifndef LINE_CALLS_ADMIT_H
#define LINE_CALLS_ADMIT_H
/* Who gets a line, and whose a stream is. Any thread; none waits for a call's loops. */
#include "server/line/calls.h"

/* The same CallSid again, before or after its stream opened, gets the same
 * token and CALL_ADMITTED. CALL_COST is for calls that come in only: not for one
 * that comes back, or that we asked for ourselves. */
enum admission calls_reserve(struct calls *calls, const struct call_facts *facts, char token[CALL_TOKEN_SIZE]);

/* Spends a token. 0, or -ENOENT: unknown, expired or used. */
int calls_claim(struct calls *calls, const char *token, struct call_ref *out);

/* A line for a stream nobody announced; its facts come with its start message.
 * 0, -EBUSY: no line free, -ESHUTDOWN: draining, -EDQUOT: as CALL_COST. */
int calls_claim_unannounced(struct calls *calls, struct call_ref *out);

/* Caller loop: fills in what a stream nobody announced tells in its start message.
 * False if that call is on another line already, or this one is over. */
bool call_name(struct call *c, const struct call_facts *facts);

#endif
