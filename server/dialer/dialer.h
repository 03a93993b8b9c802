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
 * Orders are taken in dialer_place.h, Twilio's news of them in dialer_news.h, and
 * shown by dialer_show.h. All functions: any thread but a call's loops; none but
 * dialer_place waits.
 */
#include "server/config/config.h"
#include "server/dialer/dialer_rules.h"
#include "server/store/store_calls.h"

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
	 * CallSid, or our id; `call` as dialer_show gives it. */
	void (*over)(void *arg, const char *name, const struct call_summary *call);
	void *arg;
};

/* `cfg`, `store` (or NULL), `fleet` (it knows the keys) and what `hooks` point to
 * outlive it. Takes up what an earlier process left. 0 or -errno. */
int dialer_open(struct dialer **out, const struct config *cfg, struct store *store, struct fleet *fleet,
    const struct dialer_hooks *hooks);

/* Places no more calls; those that ring go on. */
void dialer_drain(struct dialer *o);

/* Requests under way are given up. Fine with NULL. */
void dialer_close(struct dialer *o);

#endif
