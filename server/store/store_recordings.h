#ifndef STORE_STORE_RECORDINGS_H
#define STORE_STORE_RECORDINGS_H
/* The rows of `recordings`: sound of a call, in a file of ours or in Twilio's
 * keeping. Times are Unix time in milliseconds.
 */
#include "common/foreign.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

struct recording_row {  /* borrowed */
	const char *id; /* the file's path below DATA_DIR, or Twilio's RecordingSid */
	const char *call_sid;
	const char *status; /* in-progress, completed, failed, absent; interrupted */
	const char *file;   /* NULL: Twilio has it */
	const char *url;    /* Twilio's address of it; NULL: not known */
	const char *json;   /* as the API shows it */
	int64_t at_ms;      /* its start; the first value stays */
	double seconds;
	int channels;
};

/* Any thread. A file may go on after it was complete, when its call comes back. Of
 * Twilio's recordings a final state stays, whatever comes late. */
bool store_recording_put(struct store *store, const struct recording_row *row);

/* At start: marks the files that a dead process was writing as interrupted. */
bool store_recordings_interrupt(struct store *store);

struct kept_recording {
	char id[FOREIGN_ID_SIZE], status[FOREIGN_ID_SIZE];
	char *url;  /* owned; NULL without */
	bool local; /* in a file of ours */
};

/* The newest recording of a call: 0, -ENOENT or -EIO. Caller frees `out` with
 * kept_recording_free in each case. Not for a call's loops. */
int store_recording_of_call(struct store *store, const char *call_sid, struct kept_recording *out);
void kept_recording_free(struct kept_recording *r);

#endif
