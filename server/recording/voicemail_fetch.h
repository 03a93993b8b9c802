#ifndef RECORDING_VOICEMAIL_FETCH_H
#define RECORDING_VOICEMAIL_FETCH_H
/* The sound of a message that a caller left at Twilio, fetched into a file of DATA_DIR:
 * voicemail/YYYY-MM-DD/RECORDINGSID.wav, in the form in which Twilio has it. Blocks: for background jobs. */
#include "server/recording/recording_file.h"
#include "server/store/store_recordings.h"
#include "server/work/twilio_rest.h"

#include <stdatomic.h>

/* What became of one thing that was to be done for a message. */
enum voicemail_step {
	VOICEMAIL_DONE,
	VOICEMAIL_LATER, /* what is in the way may pass */
	VOICEMAIL_NEVER,
	VOICEMAIL_STOPPED /* the server is being stopped; the next start goes on */
};

struct voicemail_why { /* it was not done */
	char text[TWILIO_MESSAGE_SIZE];
	int64_t retry_after_s; /* -1: nobody said */
};

/* Fills in `why`, and returns the step. */
enum voicemail_step voicemail_because(struct voicemail_why *why, enum voicemail_step step, const char *text);

/* Of a file: ten minutes, the longest a message may be, are 10 MB; the transcription API takes 25. */
enum { VOICEMAIL_MAX = 16 * 1024 * 1024 };

/* Fetches it, whole or not at all. VOICEMAIL_DONE: `path` is that of the file, below DATA_DIR. `cancel` as for
 * fetch. */
enum voicemail_step voicemail_fetch(const struct config *cfg, const _Atomic bool *cancel, const struct message_row *row,
    char path[RECORDING_PATH_SIZE], struct voicemail_why *why);

#endif
