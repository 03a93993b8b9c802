#ifndef RECORDING_TWILIO_RECORDING_H
#define RECORDING_TWILIO_RECORDING_H
/* Recordings that Twilio makes and keeps: requested when the stream starts
 * (twilio_start.h), then followed by Twilio's reports. We keep only their address.
 */
struct recorder;

struct twilio_recording { /* borrowed; Twilio's report */
	const char *call_sid, *sid, *status, *url;
	long seconds, channels;
};

/* Any thread. Reports may come late, twice and out of order: a final state stays.
 * Told to the journal, and kept in the recorder's store (`recorder` may be NULL). */
void twilio_recording_note(struct recorder *recorder, const struct twilio_recording *r);

#endif
