#ifndef DIALER_DIALER_PRIVATE_H
#define DIALER_DIALER_PRIVATE_H
/* Shared by
 *   dialer.c        the queue: whose turn it is, and who is told of an end
 *   dialer_place.c  orders are taken, each once
 *   dialer_ask.c    Twilio is asked
 *   dialer_news.c   Twilio tells
 *   dialer_row.c    how an order is kept, and put into JSON
 *   dialer_show.c   what the API shows
 */
#include "common/buf.h"
#include "common/clock.h"
#include "server/dialer/dialer.h"
#include "server/fleet/fleet.h"
#include "server/work/due.h"

#include <cjson/cJSON.h>
#include <pthread.h>

enum { OUT_KEPT = 1000 /* orders that are over, in memory */ };

/* What is done next about an order. */
enum ask_kind { ASK_NOTHING /* it is not placed any more */, ASK_CREATE, ASK_SEARCH, ASK_FETCH, ASK_END };

struct order {
	struct due_item due; /* first; taken while Twilio is asked */

	/* Constant once it is in the list. */
	char id[OUT_ID_SIZE], hash[72];
	char *key;      /* owned; NULL without */
	cJSON *request; /* owned */
	int64_t created_ms;

	/* Under the lock. */
	struct out_try state;
	enum out_status status;
	enum ask_kind kind; /* constant while it is taken */
	char call_sid[TWILIO_SID_SIZE];
	char answered_by[24];
	int64_t asked_ms; /* when Twilio was asked last */
	int64_t heard_us; /* the last news of it */
	int code, http;   /* of the refusal */
	char message[TWILIO_MESSAGE_SIZE];
	const char *reason;     /* why it failed, a literal; "" else */
	bool cancel, cancelled; /* wanted; asked of Twilio */
	bool answered;          /* the table of calls has, or had, it */
	bool told;              /* hooks.over was called, or nobody needs to be told */
	int busy;               /* who else is about it without the lock */
	int waiting;            /* requests of POST /calls */
};

struct dialer {
	const struct config *cfg;
	struct store *store;
	struct fleet *fleet;
	struct dialer_hooks hooks;
	struct twilio twilio;
	struct jobs *jobs;
	struct due due;

	pthread_mutex_t lock;   /* all below */
	pthread_cond_t changed; /* who waits for an order */
	bool closing, draining;
	struct out_bucket bucket;
	int64_t room_us;      /* no line was free: not looked for again before */
	struct due_list list; /* oldest first; those that are over go when there are too many */
	int64_t last_seq;
	int waiting;
	uint64_t placed, made, refused, expired, held, unsure, repeated, duplicates, canceled;
};

static inline struct order *order_first(const struct dialer *o)
{
	return (struct order *)o->list.first;
}

static inline struct order *order_next(const struct order *e)
{
	return (struct order *)e->due.next;
}

/* --- dialer_row.c --- */
bool order_open(const struct order *e);
void order_free(struct order *e);
const char *order_text(const struct order *e, const char *name); /* of the request; NULL if it is not there */
void order_json(const struct order *e, bool all, struct buf *out);
/* As the table of calls would show it; `ended_ms` 0: it is not over. */
void order_summarize(const struct order *e, int64_t ended_ms, struct call_summary *out); /* to be freed */
/* Queues the row for writing. */
void order_write(struct dialer *o, const struct order *e);
/* The row of that id or CallSid; NULL if there is none. Owned by the caller. Not
 * under the lock. */
struct order *order_by_name(struct dialer *o, const char *name);
/* Calls back with all that are not over, each its own to free. How many, or -EIO. */
int orders_load(struct dialer *o, void (*each)(struct dialer *o, struct order *e));

/* --- dialer.c, all under the lock --- */
/* By id or CallSid; NULL, also for "" and NULL. */
struct order *order_find(struct dialer *o, const char *name);
size_t orders_open(const struct dialer *o); /* that are not over */
/* Follows what has changed: writes it, wakes who waits, tells of its end; for
 * that it leaves the lock for a moment. */
void order_changed(struct dialer *o, struct order *e);

/* --- dialer_ask.c, of the queue's policy (due.h) --- */
enum ask_kind ask_kind_of(const struct order *e);       /* under the lock: what is done about it when it is due */
void order_withdraw(struct dialer *o, struct order *e); /* under the lock: queued, it will not be asked for */
void ask_taken(void *o, struct due_item *order, int64_t now_ms);
void ask_dropped(void *o, struct due_item *order);
void ask_work(void *o, struct due_item *order);

#endif
