#ifndef DIALER_DIALER_PLACE_H
#define DIALER_DIALER_PLACE_H
/* POST /calls: takes an order, once for each Idempotency-Key. */
#include "common/buf.h"
#include "server/dialer/dialer.h"

#include <cjson/cJSON.h>

struct dialer_ask { /* borrowed */
	/* An object. to, from and agent (checked) are there; contact_name,
	 * business_name, greeting, record, machine (text), metadata (object) and
	 * max_call_seconds (number) if they were given. */
	const cJSON *request;
	const char *key;  /* Idempotency-Key, or NULL */
	const char *hash; /* of the body, hex: a key stands for one body */
};

enum dialer_verdict {
	DIALER_PLACED,   /* the order is taken; its call is made, or pending */
	DIALER_KNOWN,    /* the same key and body came before: the state of that order */
	DIALER_REFUSED,  /* by Twilio: code and message */
	DIALER_CONFLICT, /* the key stands for another body */
	DIALER_FULL,
	DIALER_DAY_FULL, /* the day has had its OUTBOUND_MAX_DAY orders */
	DIALER_DRAINING,
	DIALER_NO_DISK, /* not placed: the order could not be stored, or its key not looked up */
	DIALER_NO_MEMORY
};

struct dialer_reply {
	enum dialer_verdict verdict;
	struct buf json; /* owned: id, call_sid, status, to, from, agent, created_at, metadata */
	char id[OUT_ID_SIZE];
	int code, status;  /* REFUSED: Twilio's, and its HTTP status */
	int retry_after_s; /* DAY_FULL: until the day is over */
	char message[TWILIO_MESSAGE_SIZE];
};

/* Takes the order, and waits for Twilio's answer, a few seconds at most. Blocks: for HTTP
 * workers. */
void dialer_place(struct dialer *o, const struct dialer_ask *ask, struct dialer_reply *out);
void dialer_reply_free(struct dialer_reply *answer);

#endif
