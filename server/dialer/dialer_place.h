#ifndef DIALER_DIALER_PLACE_H
#define DIALER_DIALER_PLACE_H
/* POST /calls: an order is taken, once for its Idempotency-Key. */
#include "common/buf.h"
#include "server/dialer/dialer.h"

#include <cjson/cJSON.h>

struct dialer_ask { /* borrowed */
	/* to, from, agent (text, checked), and as they were given contact_name,
	 * business_name, greeting, record, machine (text), metadata (object),
	 * max_call_seconds (number). */
	const cJSON *request;
	const char *key;  /* Idempotency-Key, or NULL */
	const char *hash; /* of the body, hex; what a key stands for */
};

enum dialer_verdict {
	DIALER_PLACED,   /* taken; made, or waiting to be */
	DIALER_KNOWN,    /* the same key and body before: what became of that */
	DIALER_REFUSED,  /* by Twilio: code and message */
	DIALER_CONFLICT, /* the key stands for another body */
	DIALER_FULL,
	DIALER_DRAINING,
	DIALER_NO_DISK, /* it could not be written down, or its key not looked up: not placed */
	DIALER_NO_MEMORY
};

struct dialer_reply {
	enum dialer_verdict verdict;
	struct buf json; /* owned: id, call_sid, status, to, from, agent, created_at, metadata */
	char id[OUT_ID_SIZE];
	int code, status; /* REFUSED: Twilio's, and its HTTP status */
	char message[TWILIO_MESSAGE_SIZE];
};

/* Takes the order, and waits for Twilio's word, a few seconds at most. */
void dialer_place(struct dialer *o, const struct dialer_ask *ask, struct dialer_reply *out);
void dialer_reply_free(struct dialer_reply *answer);

#endif
