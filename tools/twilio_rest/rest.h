#ifndef TWILIO_REST_H
#define TWILIO_REST_H
/* A stand-in for Twilio's REST API, over TLS, that drives the simulated phone.
 *
 *   serve.c     reads the requests of a connection, writes answers, badly too
 *   api.c       which resource, whose account; recordings; the list
 *   media.c     the sound of a recording, or a part of it
 *   create.c    every parameter of a new call
 *   calls.c     the calls there are, and how Twilio shows them
 *   life.c      what becomes of one: rings, is answered, ends; a thread a call
 *   callback.c  what it tells the server meanwhile, signed
 *   rules.c     what it is told to do to which number
 *   report.c    what was asked of it
 *
 * It shares no code with the server: it judges it.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "tools/kit/clock.h"
#include "tools/kit/form.h"
#include "tools/kit/server.h"
#include "tools/kit/sid.h"

#define SHAPE(at) __attribute__((format(printf, at, at + 1)))

enum { CALLS_MAX = 1000, RECORDINGS_MAX = 200, EVENTS_MAX = 6, TEXT_MAX = 64 * 1024 };

/* --- rules.c: NAME[=VALUE][@NUMBER][xTIMES] --- */
bool rule_add(const char *text);
/* Whether the rule holds for this number, now; counts it as used. `value` may
 * be NULL, else gets what stands behind '=', or "". */
bool rule_holds(const char *name, const char *number, const char **value);
void rules_help(void);

/* --- options --- */
struct options {
	const char *dir, *certificate;
	const char *account, *token, *key_sid, *key_secret;
	const char *server; /* HOST:PORT, or @FILE that holds it */
	const char *public_url;
	const char *phone, *work; /* the program; where its reports and sockets go */
	const char *report;
	const char *own[16]; /* numbers that calls may come from; none: any */
	size_t own_count;
	char **phone_arg;
	int phone_args;
	int port, ring_ms;
};
extern struct options options;

/* Where the bridge is now: from a file it may change, as when it was restarted. */
bool server_address(char *out, size_t size);

/* --- calls.c --- */
enum status { QUEUED, RINGING, IN_PROGRESS, COMPLETED, BUSY, FAILED, NO_ANSWER, CANCELED };
const char *status_name(enum status s);
bool is_final(enum status s);

struct call {
	char sid[SID_SIZE], to[32], from[32];
	char *url, *twiml, *fallback_url, *status_url, *amd_url, *recording_url;
	bool told[EVENTS_MAX]; /* which events were asked for: initiated ringing answered completed */
	char detection[24];    /* "", Enable, DetectMessageEnd */
	bool async_detection, record;
	const char *answered_by;
	enum status status;
	time_t created, started, ended;
	int64_t at_ms; /* when it was created */
	pid_t phone;   /* 0: none */
	bool cancel, adopted;
	int sequence, timeout_s;
	pthread_t thread;
	int phone_exit; /* -1: none yet */
};

struct recording {
	char sid[SID_SIZE], call_sid[SID_SIZE];
	int channels;
	const char *source, *status;
	char track[12];
	char *url;             /* of the callback, or NULL */
	bool told[EVENTS_MAX]; /* in-progress completed absent */
	time_t started;
	int64_t at_ms;
	long seconds;
};

extern pthread_mutex_t lock; /* all calls, recordings and what is reported */
extern pthread_cond_t changed;
struct call *call_new(void); /* all these under the lock */
struct call *call_find(const char *sid);
struct call *call_at(size_t i); /* NULL past the end */
void call_json(const struct call *c, struct text *out);
int64_t now_ms(void);
void rfc2822(char out[40], time_t when);
void calls_list(const struct form *query, struct text *out);
struct recording *recording_new(const struct call *c, const char *source);
struct recording *recording_find(const char *sid);
struct recording *recording_at(size_t i);
void recording_json(const struct recording *r, struct text *out);
void recording_tell(struct recording *r, const char *status); /* under the lock, which it leaves meanwhile */

/* --- create.c: 0, or Twilio's code, with a sentence --- */
int create_check(const struct form *f, struct call *c, char *why, size_t size);

/* --- life.c --- */
void life_begin(struct call *c); /* under the lock */
void life_end_all(void);
/* Hands an order to the phone of a call. False: there is none. */
bool phone_order(const struct call *c, const char *order);
bool phone_listens(const char *sid);

/* --- callback.c --- */
void callback_send(const char *url, const struct form *f, const char *what, const char *sid);
void callback_call_status(struct call *c, const char *status);

/* --- report.c --- */
void report_request(const char *method, const char *path, int status, int code);
void report_callback(const char *sid, const char *what, int status);
void report_complaint(const char *format, ...) SHAPE(1);
void report_put(struct text *out);

/* --- api.c --- */
struct answer {
	int status, code; /* Twilio's, for the report */
	const char *type, *headers;
	struct text body;
	enum { ANSWER_SEND, ANSWER_NEVER, ANSWER_RESET, ANSWER_CUT, ANSWER_CHUNKS } how;
	long wait_ms;
};
void api_serve(const struct http_request *q, struct answer *a);
void answer_error(struct answer *a, int status, int code, const char *message);
void answer_not_found(struct answer *a, const struct http_request *q);

/* --- media.c --- */
void media_serve(const char *name, struct answer *a, const struct http_request *q);

/* --- serve.c --- */
void serve(struct peer *p);

#endif
