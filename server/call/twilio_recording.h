#ifndef CALL_TWILIO_RECORDING_H
#define CALL_TWILIO_RECORDING_H
/* Recordings that Twilio makes and keeps: started through its REST API when the
 * stream starts, followed by what it reports. Here is only where they are.
 */
#include <stdbool.h>

struct call;
struct store;

/* At start; `store` may be NULL. */
void twilio_recording_open(struct store *store);

/* Agent loop, once the caller is there: asks for it on the background pool. */
void twilio_recording_start(struct call *c);

struct twilio_recording { /* borrowed; what Twilio says of it */
	const char *call_sid, *sid, *status, *url;
	long seconds, channels;
};

/* Any thread. News may come late, twice and out of order: what is final stays. */
void twilio_recording_note(const struct twilio_recording *r);

#endif
