#ifndef WEB_TWILIO_STATUSES_H
#define WEB_TWILIO_STATUSES_H
/* News from Twilio that needs no answer: about a stream, a call, a recording,
 * and about who has answered. They come late, twice, and out of order: a
 * final state stays.
 */
#include "server/web/routes.h"

route_handler webhook_stream_status;
route_handler webhook_call_status;
route_handler webhook_recording_status;
route_handler webhook_transcription; /* of a message, where Twilio was asked for it */
route_handler webhook_amd;           /* the result of Twilio's detection in mid-call: machine or person */

#endif
