#ifndef LINE_CALLS_AFTER_H
#define LINE_CALLS_AFTER_H
/* What Twilio asks once a call's stream is over, here or anywhere in the fleet: how
 * it ended, whom to dial, whether it comes back. Any thread but a call's loops.
 */
#include "server/line/calls.h"

/* How the call ended, now that Twilio says its stream is over: what is still
 * live or reserved ends as STREAM_LOST or NEVER_STREAMED by this. CALL_NOT_ENDED:
 * unknown here (another instance's, or over for more than two minutes). */
enum call_end calls_after_stream(struct calls *calls, const char *call_sid);

/* Calls of the last 5 s whose connect-action has not been asked for. */
int calls_unasked(struct calls *calls);

/* The number to dial when the call cannot be served here (any more): that of its
 * own agent, or while no agent has it, that of the agent who answers `to`. ""
 * if there is none. */
void calls_fallback(struct calls *calls, const char *call_sid, const char *to, char out[CALL_NUMBER_SIZE]);

/* A call that ended as TRANSFERRED: whom to dial, and for how long. False if
 * that is not known (any more). */
bool calls_destination(struct calls *calls, const char *call_sid, char number[CALL_NUMBER_SIZE], int *ring_seconds);

/* They were answered there: who comes back after that is not known any more. */
void calls_stay_away(struct calls *calls, const char *call_sid);

/* Nobody answered there: the caller comes back to the agent, on a line of the
 * same name; asked again before the stream is there, to the same. `why` is
 * Twilio's DialCallStatus. CALL_NO_SID: not known (any more). */
enum admission calls_come_back(struct calls *calls, const char *call_sid, const char *why, char token[CALL_TOKEN_SIZE]);

#endif
