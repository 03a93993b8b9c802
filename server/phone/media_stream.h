#ifndef PHONE_MEDIA_STREAM_H
#define PHONE_MEDIA_STREAM_H
/* Twilio Media Streams: the caller's sound over a WebSocket.
 *
 * Each message is one JSON object. Twilio drops a message of ours with a surplus
 * or a missing field, so exactly the documented ones are written. Incoming
 * messages are a stranger's until proven otherwise: numbers may be strings or
 * numbers, fields may be missing, and unknown events are normal. A message that
 * does not bear the streamSid of the start is invalid.
 */
#include "server/phone/channel.h"

extern const struct phone_channel media_stream_channel;

#endif
