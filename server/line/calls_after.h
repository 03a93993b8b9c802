#ifndef LINE_CALLS_AFTER_H
#define LINE_CALLS_AFTER_H
/* Answers to Twilio once a call's stream is over, here or on another instance: how it
 * ended, whom to dial, whether the caller comes back or the session is opened anew. Any thread except a call's loops:
 * the fleet may have to wait for its answer. The same question at the same time waits for the first.
 */
#include "server/line/calls.h"

/* How the call ended. Twilio says that its stream is over, so a call that is still up
 * here ends by this: as `why`, or where that is STREAM_LOST and no stream came, as NEVER_STREAMED.
 * `session`: Twilio's name of the one that is over, "" of a stream: a call that goes on
 * because that one broke off stays as it is.
 * CALL_NOT_ENDED: unknown, or over for more than two minutes. *after: what the caller is to hear now. */
enum call_end calls_after_stream(
    struct calls *calls, const char *call_sid, const char *session, enum call_end why, enum call_after *after);

/* The call's stream number `stream` (0: its first on this line) is over, but the call is not: parks it, if that was not
 * known, and gives the token of the stream that carries it on, once the caller loop has left, for which it waits. The same
 * question gets the same answer, also once that stream is there; one about an earlier stream ends nothing. False: there is no such call, or it does not go on: calls_after_stream. `session`: as there. */
bool calls_go_on(
    struct calls *calls, const char *call_sid, const char *session, unsigned stream, char token[CALL_TOKEN_SIZE]);

/* How many calls ended in the last 5 s and still expect Twilio's connect-action. */
int calls_unasked(struct calls *calls);

/* Who speaks to a caller that is not, or no longer, talking to an agent, retained for our
 * caller: the agent of the call, live or over. Else the one that the facts name, or the
 * one of our number in them. Never NULL. */
const struct agent *calls_speaker(struct calls *calls, const struct call_facts *facts);

/* After an end as TRANSFERRED: whom to dial, and for how long. False: not known, or
 * forgotten by now. */
bool calls_destination(struct calls *calls, const char *call_sid, char number[FOREIGN_ID_SIZE], int *ring_seconds);

/* The person answered: the caller will not come back, and what was kept for that is
 * forgotten. */
void calls_stay_away(struct calls *calls, const char *call_sid);

/* Nobody answered: reserves a line for the caller's return to the agent, with the same
 * CallSid. A repetition before the stream came gets the same token. `why` is Twilio's
 * DialCallStatus. CALL_NO_SID: not known, or forgotten by now. */
enum admission calls_come_back(struct calls *calls, const char *call_sid, const char *why, char token[CALL_TOKEN_SIZE]);

/* That session, which has a name, broke off, or its process died: reserves a line for the next one of the call,
 * which goes on with the conversation, as it is kept here or by the store. A repetition for the same session
 * gets the same token. CALL_NO_SID: not known, or it was such a next one itself. */
enum admission calls_reconnect(
    struct calls *calls, const char *call_sid, const char *session, char token[CALL_TOKEN_SIZE]);

/* A conversation by gather in the agent's place, over the text API, with what was said before as far as it is known:
 * for a call that ended by a fault, here or with its process, or that had none yet. A repetition for the same
 * `session`, which is not "", gets the same token. `agent`: of a call of which nothing is known. CALL_NO_SID: the call
 * ended otherwise, or by gather. */
enum admission calls_in_text(struct calls *calls, const struct call_facts *facts, const struct agent *agent,
    const char *session, char token[CALL_TOKEN_SIZE]);

#endif
