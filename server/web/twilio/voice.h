#ifndef WEB_TWILIO_VOICE_H
#define WEB_TWILIO_VOICE_H
/* POST /twilio/voice: a call comes in, or one that we placed is answered. A line is
 * reserved for it; what cannot have one hears why, or is dialled on to the number
 * that is there for that. */
#include "server/web/routes.h"

route_handler webhook_voice;

#endif
