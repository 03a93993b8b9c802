#ifndef PHONE_GATHER_H
#define PHONE_GATHER_H
/* Twilio's <Gather> and <Say>, without a socket: Twilio hears and speaks, asks us at each turn what is
 * next, and gets TwiML (twiml_turn). Nothing comes of it as a message, so it parses none. */
#include "server/phone/channel.h"

/* put_text appends the plain words, and a line's end where an answer ends. */
extern const struct phone_channel gather_channel;

#endif
