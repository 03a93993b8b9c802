#ifndef WEB_TWILIO_STATUSES_H
#define WEB_TWILIO_STATUSES_H
/* News that Twilio tells and wants no answer to: of a stream, a call, a recording,
 * and of who has answered. They come late, twice, and out of order: what is final
 * stays.
 */
#include "server/web/routes.h"

route_handler webhook_stream_status;
route_handler webhook_call_status;
route_handler webhook_recording_status;
route_handler webhook_amd; /* a machine answered, or a person, says Twilio's detection in mid-call */

#endif
