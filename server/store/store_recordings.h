#ifndef STORE_STORE_RECORDINGS_H
#define STORE_STORE_RECORDINGS_H
/* The rows of `recordings`: sound of a call, in a file of ours or in Twilio's
 * keeping, and the messages that callers left. Times are Unix time in milliseconds.
 */
#include "common/foreign.h"
#include "common/json_out.h"

#include <stdbool.h>
#include <stdint.h>

struct call_summary;
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

/* The newest recording of a call, or the newest `message` that its caller left: 0, -ENOENT or -EIO. Caller frees
 * `out` with kept_recording_free in each case. Not for a call's loops. */
int store_recording_of_call(struct store *store, const char *call_sid, bool message, struct kept_recording *out);
void kept_recording_free(struct kept_recording *r);

/* -------------------------------------------------------------------------- messages */

/* What is still to be done for one: "fetching", then "transcribing"; "done". */
enum message_state { MESSAGE_FETCHING, MESSAGE_TRANSCRIBING, MESSAGE_DONE };

struct message_row {                                         /* owned: message_row_free */
	char id[FOREIGN_ID_SIZE], call_sid[FOREIGN_ID_SIZE]; /* the id: Twilio's RecordingSid */
	enum message_state state;
	int64_t at_ms; /* when Twilio told of it */
	int64_t seconds;
	char *url, *file;           /* Twilio's address of it; path below DATA_DIR. NULL: not known, not fetched */
	char *agent, *variant;      /* who had the call; "" for nobody */
	char *from, *to;            /* "" if they are not known */
	char *transcript, *problem; /* NULL without */
};

void message_row_free(struct message_row *row); /* all in it; fine with a zeroed one */

/* A message is to be fetched; only the first report of one counts. */
bool store_message_open(struct store *store, const struct message_row *row);

/* The call that it was left in, over by now, unless the store knows it: one that had no line. `json`: as the API shows
 * it. */
bool store_message_open_call(struct store *store, const struct call_summary *call, const char *json);

/* What has become of it: state, file, transcript and problem. */
bool store_message_set(struct store *store, const struct message_row *row);

/* Its words, or why there are none; the first of these stand, and none come after it is done. */
bool store_message_written(struct store *store, const char *id, const char *transcript, const char *problem);

/* Calls back with each message that is not done, the oldest first. How many, or -EIO. */
int store_messages_pending(struct store *store, void (*each)(void *arg, const char *id), void *arg);

/* The message of that id, unless it is done; free it with message_row_free. 0, -ENOENT, -EIO. */
int store_message_pending(struct store *store, const char *id, struct message_row *out);

/* Appends the newest message of a call as the API shows it, or null. */
void store_message_put_of_call(struct store *store, const char *call_sid, struct json_out *j, const char *key);

#endif
