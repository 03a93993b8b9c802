#ifndef RECORDING_TWILIO_RECORDING_H
#define RECORDING_TWILIO_RECORDING_H
/* Recordings that Twilio makes and keeps: asked for when the stream starts
 * (twilio_start.h), followed by what it reports. Here is only where they are.
 */
struct recorder;

struct twilio_recording { /* borrowed; what Twilio says of it */
	const char *call_sid, *sid, *status, *url;
	long seconds, channels;
};

/* Any thread. News may come late, twice and out of order: what is final stays.
 * Told to the journal, and kept where the recorder keeps its own (may be NULL). */
void twilio_recording_note(struct recorder *recorder, const struct twilio_recording *r);

#endif
