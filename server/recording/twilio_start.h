#ifndef RECORDING_TWILIO_START_H
#define RECORDING_TWILIO_START_H
/* Asks Twilio to record a call: a job of the background pool, tried again while
 * it was certainly not done. What comes of it is noted (twilio_recording.h), a
 * failure too. */

struct config;
struct recorder;
struct work;

/* Either loop; does not wait. `work` may be NULL: that is noted as a failure.
 * `recorder` (or NULL) outlives the pool. */
void twilio_start(const struct config *cfg, struct work *work, struct recorder *recorder, const char *call_sid);

#endif
