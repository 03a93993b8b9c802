#ifndef LINE_CALLS_CARRY_H
#define LINE_CALLS_CARRY_H
/* The caller loop's side of a line: the HTTP server's thread that brings a stream
 * carries its call, too. */
#include "server/line/calls.h"

/* Carries a claimed call over the phone's socket, in the channel's messages. Returns
 * when the call is over, Close handshake included; at once if the claim has expired.
 * `fd` is made non-blocking; its owner closes it. */
void calls_carry(struct calls *calls, struct call_ref ref, int fd, const struct phone_channel *channel);

/* Instead of calls_carry, when Twilio has reset the stream's socket right after the
 * upgrade. Ends the claimed call as STREAM_LOST. */
void calls_abandon(struct calls *calls, struct call_ref ref);

#endif
