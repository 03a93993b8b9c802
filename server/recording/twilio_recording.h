#ifndef RECORDING_TWILIO_RECORDING_H
#define RECORDING_TWILIO_RECORDING_H
/* Recordings that Twilio makes and keeps: asked for when the stream starts
 * (twilio_start.h), followed by what it reports. Here is only where they are.
 */
struct store;

/* At start; `store` may be NULL. */
void twilio_recording_open(struct store *store);

struct twilio_recording { /* borrowed; what Twilio says of it */
	const char *call_sid, *sid, *status, *url;
	long seconds, channels;
};

/* Any thread. News may come late, twice and out of order: what is final stays. */
void twilio_recording_note(const struct twilio_recording *r);

#endif
