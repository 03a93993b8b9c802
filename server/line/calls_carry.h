#ifndef LINE_CALLS_CARRY_H
#define LINE_CALLS_CARRY_H
/* A stream that has come in is carried by the thread that brought it. */
#include "server/line/calls.h"

/* Carries the call over the phone's socket until it is over, Close handshake
 * included, in the channel's messages. `fd` is made non-blocking; closing it stays
 * with its owner. Returns at once if the claim has expired. */
void calls_carry(struct calls *calls, struct call_ref ref, int fd, const struct phone_channel *channel);

/* Instead, when the stream's socket was gone before it could be carried: a
 * Twilio that reset it behind its request. */
void calls_abandon(struct calls *calls, struct call_ref ref);

#endif
