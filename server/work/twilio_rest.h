#ifndef WORK_TWILIO_REST_H
#define WORK_TWILIO_REST_H
/* Twilio's REST API: calls made, changed, found; recordings started.
 *
 * Each function is one request and blocks until its answer is there or its
 * deadline has passed: for job threads only. Nothing is repeated here: the
 * outcome tells whether it may be.
 */
#include "common/buf.h"
#include "common/foreign.h"
#include "server/config/config.h"
#include "server/work/fetch.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TWILIO_MESSAGE_SIZE = 300,
	TWILIO_TIMEOUT_MS = 8000, /* of a request */
	TWILIO_TWIML_MAX = 3999   /* characters of a document in one */
};

struct twilio { /* all borrowed */
	const char *api_url, *account_sid;
	const char *user, *password; /* the account's token, or an API key and its secret */
	const char *ca_file;
	const _Atomic bool *cancel;
};

enum twilio_outcome {
	TWILIO_OK,
	TWILIO_REFUSED,  /* and would be again: `code` says why */
	TWILIO_BUSY,     /* too many requests: nothing was done, try again after `retry_after_s` */
	TWILIO_NOT_SENT, /* no byte reached them */
	TWILIO_UNKNOWN   /* done or not: no answer, a failure of theirs, or an unreadable answer */
};

struct twilio_answer {
	enum twilio_outcome outcome;
	int status;                        /* HTTP; 0: none */
	int code;                          /* Twilio's, as in 21211; 0: none */
	int64_t retry_after_s;             /* -1: absent */
	char message[TWILIO_MESSAGE_SIZE]; /* Twilio's, or ours; a sentence; "" on TWILIO_OK */
	cJSON *json;                       /* owned; on TWILIO_OK an object */
};

struct twilio_new_call { /* borrowed; NULL leaves it out */
	const char *to, *from;
	const char *voice_url, *status_url;
	const char *fallback_url; /* asked where voice_url does not answer */
	const char *amd_url;      /* asks for detection of answering machines, beside the conversation */
	int ring_seconds, longest_seconds;
};

/* The setting that is missing before it can be used, as the end of a
 * sentence; NULL: nothing. */
const char *twilio_missing(const struct config *cfg);
void twilio_from_config(struct twilio *t, const struct config *cfg, const _Atomic bool *cancel);

/* All fill in `out`, which twilio_answer_free ends. */
void twilio_create_call(const struct twilio *t, const struct twilio_new_call *call, struct twilio_answer *out);

/* Hangs up, or cancels before the answer. */
void twilio_end_call(const struct twilio *t, const char *call_sid, struct twilio_answer *out);

/* What the call does goes on with this document, whose addresses are absolute; what it was doing is over. */
void twilio_redirect_call(const struct twilio *t, const char *call_sid, const char *twiml, struct twilio_answer *out);

void twilio_fetch_call(const struct twilio *t, const char *call_sid, struct twilio_answer *out);

/* The newest calls between these two numbers: json has `calls`. */
void twilio_list_calls(const struct twilio *t, const char *to, const char *from, struct twilio_answer *out);

/* The account: json has `status`, "active" if calls are carried. An API key may not ask for it. */
void twilio_fetch_account(const struct twilio *t, struct twilio_answer *out);

/* The account's own number of this name: json has `incoming_phone_numbers`, one or none. */
void twilio_find_number(const struct twilio *t, const char *number, struct twilio_answer *out);

/* Both sides of a live call on a channel each; news go to `status_url`. json
 * has `sid`. */
void twilio_start_recording(
    const struct twilio *t, const char *call_sid, const char *status_url, struct twilio_answer *out);

void twilio_answer_free(struct twilio_answer *answer);

/* --- pure --- */

/* The meaning of an HTTP answer. */
void twilio_judge(const struct fetch_response *http, struct twilio_answer *out);

/* Appends a field to a form or query. */
void twilio_put_field(struct buf *form, const char *name, const char *value);

/* "Fri, 20 Nov 2026 10:15:28 +0000" as Unix time in s; -1 if it is none. */
int64_t twilio_date(const char *text);

#endif
