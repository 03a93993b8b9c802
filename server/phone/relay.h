#ifndef PHONE_RELAY_H
#define PHONE_RELAY_H
/* Twilio ConversationRelay: Twilio listens and speaks, words go over the WebSocket.
 *
 * Each message is one JSON object whose `type` says what it is. A setup comes first and names
 * the session; no later message bears that name. Incoming messages are a stranger's until
 * proven otherwise: a field may be missing or of another type, and unknown kinds are normal.
 * Ten messages of ours in a row that Twilio cannot use make it close.
 */
#include "server/phone/channel.h"

extern const struct phone_channel relay_channel;

#endif
