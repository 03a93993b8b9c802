#ifndef WEB_API_RECORDING_H
#define WEB_API_RECORDING_H
/* The recording of a call, to listen to. */
#include "server/web/routes.h"

/* The file, or the part of it that Range asks for; of a live call the part
 * recorded so far. A recording that Twilio keeps is fetched from there and
 * passed on (recording_twilio.h). */
route_handler recording_get;

/* The same of the message that the caller left; until it is fetched, Twilio's is passed on. */
route_handler recording_message_get;

/* The part of a file of `size` bytes that a Range header asks for. 200: all
 * of it (none, one of another unit, several, or one that makes no sense);
 * 206: `first` to `last`; 416: nothing that is there. Pure. */
int recording_range(const char *range, int64_t size, int64_t *first, int64_t *last);

#endif
