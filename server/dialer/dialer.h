#ifndef DIALER_DIALER_H
#define DIALER_DIALER_H
/* Calls we place: a queue before Twilio's REST API, and what became of each.
 *
 * What is asked for is in the store before Twilio hears of it, and again before
 * each request, so that a process that dies in between leaves a trace: the next
 * one searches Twilio's list instead of asking twice. One thread decides
 * (dialer_rules.h), a small pool of its own asks. Without a store all this
 * holds as long as the process lives.
 *
 * A call is known by our id until Twilio has named it; every URL we give Twilio
 * carries the id, so that its news find the call even if the answer to the
 * request was lost.
 *
 * All functions: any thread but a call's loops; none but dialer_place waits.
 */
#include "common/buf.h"
#include "server/config/config.h"
#include "server/dialer/dialer_rules.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dialer;
struct fleet;
struct store;

enum {
	OUT_ID_SIZE = 40,
	OUT_KEY_MAX = 255,    /* characters of an Idempotency-Key */
	OUT_QUEUE_MAX = 1000, /* calls that are not over */
	OUT_EXPIRE_S = 1800   /* a call that could not be placed for so long is not placed any more */
};

/* What it needs from those above; called on its own threads, with nothing held
 * by `over`, and quickly. */
struct dialer_hooks {
	int (*room)(void *arg); /* lines not taken; NULL: enough */
	/* A call is over that never reached the table of calls. `name` is its
	 * CallSid, or our id; `agent` the agent's name; `call` as in
	 * struct dialer_shown. */
	void (*over)(void *arg, const char *name, const char *agent, const char *call);
	void *arg;
};

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

/* `cfg`, `store` (or NULL), `fleet` (it knows the keys) and what `hooks` point to
 * outlive it. Takes up what an earlier process left. 0 or -errno. */
int dialer_open(struct dialer **out, const struct config *cfg, struct store *store, struct fleet *fleet,
    const struct dialer_hooks *hooks);

/* Places no more calls; those that ring go on. */
void dialer_drain(struct dialer *o);

/* Requests under way are given up. Fine with NULL. */
void dialer_close(struct dialer *o);

/* Takes the order, and waits for Twilio's word, a few seconds at most. */
void dialer_place(struct dialer *o, const struct dialer_ask *ask, struct dialer_reply *out);
void dialer_reply_free(struct dialer_reply *answer);

/* The voice webhook came, carrying our id: the call was answered. 0 and the
 * request (caller frees with cJSON_Delete; it also has `answered_by` if that is
 * known); -ENOENT: no such call; -EEXIST: the id belongs to another call, so
 * that this one should not be. */
int dialer_answered(struct dialer *o, const char *id, const char *call_sid, cJSON **request);

/* News of a status callback, in whatever order they come. `id` may be NULL. */
void dialer_news(struct dialer *o, const char *id, const char *call_sid, const char *status);

/* What detection found; the same request as above, or NULL if there is no such
 * call. Caller frees with cJSON_Delete. */
cJSON *dialer_detected(struct dialer *o, const char *id, const char *call_sid, const char *answered_by);

/* Hangs up, or takes it out of the queue. 0; -ENOENT: unknown or over. */
int dialer_cancel(struct dialer *o, const char *name);

/* By id or CallSid, also of calls long over. False: unknown. Free it either way. */
struct dialer_shown {
	struct buf order;               /* an object: what was asked for, and what has become of it */
	struct buf call;                /* the call as the table of calls would show it, if it never got there */
	char call_sid[TWILIO_SID_SIZE]; /* "" while it has none */
};
bool dialer_show(struct dialer *o, const char *name, struct dialer_shown *out);
void dialer_shown_free(struct dialer_shown *shown);

/* Calls not over and not answered yet, oldest first, each as in `call`. No lock
 * is held meanwhile. */
void dialer_each(struct dialer *o, void (*each)(void *arg, const char *json), void *arg);

/* An object for /status; "null" for NULL. */
void dialer_put_status(struct dialer *o, struct buf *out);

#endif
