#ifndef RECORDING_VOICEMAIL_H
#define RECORDING_VOICEMAIL_H
/* Messages that callers left at Twilio: fetched into DATA_DIR, written down, and told.
 *
 * The store has the truth: a message is a row from Twilio's report on, and a background job takes it
 * through its states (store_recordings.h), again and again for VOICEMAIL_GIVE_UP_SECONDS where
 * something is in the way. A server that dies in between finds it at the next start, and goes on from
 * the state it was in. Then the journal is told (voicemail.left) what there is: at least once, and
 * once if nobody dies. A message that was not fetched is still passed on from Twilio to who asks.
 */
#include "server/config/config.h"

struct agents;
struct jobs;
struct spending;
struct store;
struct twilio_recording;
struct voicemail;

/* Whom the message is for and from, "" if that is not known; borrowed. */
struct voicemail_party {
	const char *agent, *variant, *from, *to;
};

/* After all sinks that take JOURNAL_NOTE. Takes up the messages that are not done. All arguments
 * outlive it; without `spending` nothing is booked. 0 or -errno. */
int voicemail_open(struct voicemail **out, const struct config *cfg, struct store *store, struct agents *agents,
    struct jobs *background, struct spending *spending);

/* After the last background job. Fine with NULL. */
void voicemail_close(struct voicemail *v);

/* Any thread, waits for nothing: Twilio's report of such a recording. Reports may come late, twice, out of order. With
 * NULL (no DATA_DIR) it is only counted and logged. */
void voicemail_news(struct voicemail *v, const struct twilio_recording *news, const struct voicemail_party *party);

/* The same: what Twilio has written down of it; NULL: it could not. */
void voicemail_written(
    struct voicemail *v, const struct twilio_recording *of, const struct voicemail_party *party, const char *words);

#endif
