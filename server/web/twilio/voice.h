#ifndef WEB_TWILIO_VOICE_H
#define WEB_TWILIO_VOICE_H
/* POST /twilio/voice: a call comes in, or one that we placed is answered. A
 * line is reserved for it. A call that cannot have one hears an apology, or
 * is dialled on to the fallback number; a caller who may not have one hears why.
 * A call that is over starts nothing. */
#include "server/web/routes.h"

route_handler webhook_voice;

#endif
