#ifndef RECORDING_TWILIO_START_H
#define RECORDING_TWILIO_START_H
/* Asks Twilio to record a call: a job of the background pool, tried again while
 * Twilio has certainly not done it. The result is noted (twilio_recording.h), also
 * if it is a failure. */

struct config;
struct recorder;
struct work;

/* Either loop; does not wait. `work` may be NULL, which is noted as a failure.
 * `recorder` (or NULL) outlives the pool. */
void twilio_start(const struct config *cfg, struct work *work, struct recorder *recorder, const char *call_sid);

#endif
