#ifndef DIALER_DIALER_PRIVATE_H
#define DIALER_DIALER_PRIVATE_H
/* Orders and their list, shared by
 *   dialer.c        the queue: turns, changes and ends
 *   dialer_place.c  takes orders, each once
 *   dialer_ask.c    asks Twilio
 *   dialer_news.c   takes Twilio's news
 *   dialer_row.c    an order as a row and as JSON
 *   dialer_show.c   orders for the API
 */
#include "common/buf.h"
#include "common/clock.h"
#include "server/dialer/dialer.h"
#include "server/fleet/fleet.h"
#include "server/money/spending.h"
#include "server/work/due.h"

#include <cjson/cJSON.h>
#include <pthread.h>

enum { OUT_KEPT = 1000 /* orders that are over, in memory */ };

/* The next request about an order. */
enum ask_kind {
	ASK_NOTHING /* none, or it is withdrawn */,
	ASK_LATER /* the day has no money for it now */,
	ASK_CREATE,
	ASK_SEARCH,
	ASK_FETCH,
	ASK_END
};

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
	char call_sid[FOREIGN_ID_SIZE];
	char answered_by[24];
	int64_t asked_ms; /* time of the last request to make the call; 0: none */
	int64_t heard_us; /* time of the last news of it */
	int code, http;   /* of the refusal */
	char message[TWILIO_MESSAGE_SIZE];
	const char *reason;        /* of its failure, a literal; else "" */
	bool cancel, cancelled;    /* the operator wants it; Twilio was asked */
	bool left_out;             /* its number may not be dialled any more */
	bool answered;             /* the table of calls has it, or had it */
	bool told;                 /* hooks.over was called, or need not be */
	int busy;                  /* users besides the queue's job, without the lock: it stays and is not due */
	struct spending_hold hold; /* while Twilio may make the call and no line has it */
	int waiting;               /* requests of POST /calls that wait for Twilio's answer */
};

struct dialer {
	const struct config *cfg;
	struct store *store;
	struct fleet *fleet;
	struct spending *spending;
	struct dialer_hooks hooks;
	struct twilio twilio;
	struct jobs *jobs;
	struct due due;
	bool unreadable; /* the queue's thread: the store could not be read, and that was said */

	pthread_mutex_t lock;   /* for all below */
	pthread_cond_t changed; /* an order has changed, or the dialer stops */
	bool closing, draining;
	struct out_bucket bucket;
	struct out_day day;
	int64_t room_us;      /* no line was free: time of the next look */
	struct due_list list; /* oldest first; holds up to OUT_KEPT orders that are over */
	int64_t last_seq;
	int waiting;
	uint64_t placed, made, refused, over_day, expired, held, unsure, repeated, duplicates, canceled;
};

static inline struct order *order_first(const struct dialer *o)
{
	return (struct order *)due_list_first(&o->list);
}

static inline struct order *order_next(const struct order *e)
{
	return (struct order *)due_item_next(&e->due);
}

/* --- dialer_row.c --- */
bool order_open(const struct order *e);
void order_free(struct order *e);
const char *order_text(const struct order *e, const char *name); /* from the request; NULL: not there */
void order_json(const struct order *e, bool all, struct buf *out);
/* The order as a call without a line; `ended_ms` 0: it is not over. */
void order_summarize(const struct order *e, int64_t ended_ms, struct call_summary *out); /* to be freed */
/* Queues the row for writing. */
void order_write(struct dialer *o, const struct order *e);
/* The stored order of that id or CallSid, for the caller to free; NULL: none. Waits for
 * the store: not under the lock. */
struct order *order_by_name(struct dialer *o, const char *name);
/* Calls back with all stored orders that are not over, each the callback's to free. How
 * many, or -EIO. */
int orders_load(struct dialer *o, void (*each)(struct dialer *o, struct order *e));

/* --- dialer.c, all under the lock --- */
/* By id or CallSid; NULL: none, also for "" and NULL. */
struct order *order_find(struct dialer *o, const char *name);
size_t orders_open(const struct dialer *o); /* how many are not over */
/* After every change: tells of an end, for which it leaves the lock for a moment;
 * writes the row; wakes waiting requests and the queue. */
void order_changed(struct dialer *o, struct order *e);

/* --- dialer_ask.c, of the queue's policy (due.h) --- */
enum ask_kind ask_kind_of(const struct order *e);       /* under the lock: the request that is next */
void order_withdraw(struct dialer *o, struct order *e); /* under the lock: ends an order that is only queued */
void ask_taken(void *o, struct due_item *order, int64_t now_ms);
void ask_dropped(void *o, struct due_item *order);
void ask_work(void *o, struct due_item *order);

#endif
