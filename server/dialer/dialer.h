#ifndef DIALER_DIALER_H
#define DIALER_DIALER_H
/* Calls that we place: a queue in front of Twilio's REST API.
 *
 * An order is a call that the operator asked for. It is in the store before Twilio hears
 * of it, and again before each request. So a process that dies in between leaves a
 * trace, and the next one searches Twilio's list instead of asking twice. One thread
 * decides (dialer_rules.h); a small pool of its own asks. Without a store this holds as
 * long as the process lives.
 *
 * A call is known by our id until Twilio has named it. Every URL given to Twilio carries
 * the id, so that its news find the order even if the answer to the request was lost.
 *
 * dialer_place.h takes orders, dialer_news.h takes Twilio's news, dialer_show.h shows
 * both. All functions: any thread except a call's loops. Only dialer_place waits.
 */
#include "server/config/config.h"
#include "server/dialer/dialer_rules.h"
#include "server/store/store_calls.h"

struct dialer;
struct fleet;
struct spending;
struct store;

enum {
	OUT_ID_SIZE = 40,
	OUT_KEY_MAX = 255,    /* characters of an Idempotency-Key */
	OUT_QUEUE_MAX = 1000, /* orders that are not over */
	OUT_EXPIRE_S = 1800   /* age at which an order that could not be placed is given up */
};

/* Functions of the parts above it. They return quickly. Called on any of the dialer's
 * threads: `over` without its lock, the others under it. */
struct dialer_hooks {
	int (*room)(void *arg); /* how many lines are free; NULL: enough */
	/* Whether that number may be dialled, asked right before it is; NULL: every one.
	 * A no is logged under `id`. */
	bool (*may_dial)(void *arg, const char *number, const char *id);
	/* A call that never reached the table of calls is over. `name` is its
	 * CallSid, or our id; `call` is as dialer_show gives it. */
	void (*over)(void *arg, const char *name, const struct call_summary *call);
	void *arg;
};

/* `cfg`, `store` (or NULL), `fleet` (for the keys), `spending` (or NULL; see spending.h:
 * a call reserves before Twilio is asked for it) and the argument of the hooks outlive
 * it. Takes up the orders of an earlier process. 0 or -errno. */
int dialer_open(struct dialer **out, const struct config *cfg, struct store *store, struct fleet *fleet,
    struct spending *spending, const struct dialer_hooks *hooks);

/* Places no more calls. Those that ring go on. Fine with NULL. */
void dialer_drain(struct dialer *o);

/* Cancels the requests under way, and frees. Fine with NULL. */
void dialer_close(struct dialer *o);

#endif
