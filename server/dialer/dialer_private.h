#ifndef DIALER_DIALER_PRIVATE_H
#define DIALER_DIALER_PRIVATE_H
/* Shared by
 *   outbound.c        the queue: whose turn it is, and who is told of an end
 *   dialer_place.c  orders are taken, each once
 *   dialer_ask.c    Twilio is asked
 *   dialer_news.c   Twilio tells
 *   dialer_row.c    how an order is kept, and put into JSON
 *   dialer_show.c   what the API shows
 */
#include "server/store/store.h"
#include "server/work/jobs.h"
#include "server/dialer/dialer.h"

#include <pthread.h>

enum { OUT_KEPT = 1000 /* orders that are over, in memory */ };

struct order {
	/* Constant once it is in the list. */
	char id[OUT_ID_SIZE], hash[72];
	char *key;      /* owned; NULL without */
	cJSON *request; /* owned */
	int64_t created_ms;

	/* Under the lock. */
	struct out_try state;
	enum out_status status;
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
	int busy;               /* who is about it without the lock */
	int waiting;            /* requests of POST /calls */
};

struct dialer {
	const struct config *cfg;
	struct store *store;
	struct dialer_hooks hooks;
	struct twilio twilio;
	struct jobs *jobs;
	pthread_t thread;
	bool running;

	pthread_mutex_t lock;   /* all below */
	pthread_cond_t wake;    /* the thread: something is to be done */
	pthread_cond_t changed; /* who waits for an order */
	bool closing, draining;
	struct out_bucket bucket;
	struct order **list; /* owned; oldest first; those that are over go when there are too many */
	size_t count;
	int waiting;
	uint64_t placed, made, refused, expired, held, unsure, repeated, duplicates, canceled;
};

/* --- dialer_row.c --- */
bool order_open(const struct order *e);
void order_free(struct order *e);
const char *order_text(const struct order *e, const char *name); /* of the request; NULL if it is not there */
void order_json(const struct order *e, bool all, struct buf *out);
/* As the table of calls would show it; `ended_ms` 0: it is not over. */
void order_call_json(const struct order *e, int64_t ended_ms, struct buf *out);
/* Queues the row for writing. */
void order_write(struct dialer *o, const struct order *e);
void order_erase(struct dialer *o, const struct order *e);
/* The row of that key (not older than OUT_KEY_S), id or CallSid; NULL if there
 * is none. Owned by the caller. Not under the lock. -EIO: whether there is one
 * cannot be read. */
int order_by_key(struct dialer *o, const char *key, struct order **out);
struct order *order_by_name(struct dialer *o, const char *name);
/* All that are not over. Before the thread runs. 0, or -EIO: some may be missing. */
int orders_load(struct dialer *o);

/* --- outbound.c, all under the lock --- */
/* By id or CallSid; NULL, also for "" and NULL. */
struct order *order_find(struct dialer *o, const char *name);
size_t orders_open(const struct dialer *o); /* that are not over */
/* Follows what has changed: writes it, wakes who waits, tells of its end; for
 * that it leaves the lock for a moment. */
void order_changed(struct dialer *o, struct order *e);

/* --- dialer_ask.c --- */
enum ask_kind { ASK_CREATE, ASK_SEARCH, ASK_FETCH, ASK_END };
/* Under the lock. False: the pool takes no more. */
bool ask_begin(struct dialer *o, struct order *e, enum ask_kind kind);

#endif
