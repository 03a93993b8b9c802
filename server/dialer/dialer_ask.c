/* Requests to Twilio about an order, one job each.
 *
 * ask_taken stores that Twilio may have been asked from now on. ask_work waits for the
 * disk to have it, asks without the lock, and takes the answer under it. A process that
 * dies in between leaves an order in PHASE_ASKING, and the next one searches for its
 * call. News of the call can overtake the answer, so each answer is judged by the
 * order's present phase.
 */
#include "common/backoff.h"
#include "common/json.h"
#include "common/log.h"
#include "server/dialer/dialer_private.h"
#include "server/store/store.h"

#include <stdio.h>
#include <string.h>

enum {
	FLUSH_MS = 2000,
	RING_SECONDS = 30,
	OVER_SECONDS = 60, /* Twilio's own limit lies so much behind ours */
	DISK_PAUSE_US = US_PER_S,
	MONEY_PAUSE_US = 5 * US_PER_S /* other agents' calls may cost less: theirs go on meanwhile */
};

static void remember_refusal(struct order *e, const struct twilio_answer *a, const char *reason)
{
	e->reason = reason;
	e->code = a->code;
	e->http = a->status;
	snprintf(e->message, sizeof e->message, "%s", a->message);
}

static void take_sid(struct order *e, const cJSON *call)
{
	const char *sid = json_str(call, "sid");

	if (!sid || e->call_sid[0])
		return;
	foreign_id_take(e->call_sid, sid, strlen(sid));
	if (!foreign_id_is_theirs(e->call_sid))
		log_warn(
		    "outbound", "the CallSid is longer than 512 bytes: the call cannot be looked up; id=%s", e->id);
}

static void take_status(struct order *e, const cJSON *call)
{
	const char *status = json_str(call, "status");
	int news = status ? out_status_of(status) : -1;

	if (news >= 0)
		e->status = out_status_after(e->status, (enum out_status)news);
}

/* ----------------------------------------------------------------------- creating */

static void put_url(struct buf *out, const struct dialer *o, const char *path, const struct order *e)
{
	buf_printf(out, "%s%s?out=%s", o->cfg->public_url, path, e->id);
}

/* Our id in each URL leads Twilio's news to the order, whatever becomes of the answer. */
static void create(struct dialer *o, struct order *e, struct twilio_answer *a)
{
	struct buf voice, status, amd;
	double longest;

	buf_init(&voice, 0);
	buf_init(&status, 0);
	buf_init(&amd, 0);
	put_url(&voice, o, "/twilio/voice", e);
	put_url(&status, o, "/twilio/call-status", e);
	put_url(&amd, o, "/twilio/amd", e);
	twilio_create_call(&o->twilio,
	    &(struct twilio_new_call){ .to = order_text(e, "to"),
		.from = order_text(e, "from"),
		.voice_url = buf_text(&voice),
		.status_url = buf_text(&status),
		.fallback_url = *o->cfg->fallback_url ? o->cfg->fallback_url : NULL,
		.amd_url = out_detects(e->request) ? buf_text(&amd) : NULL,
		.ring_seconds = RING_SECONDS,
		.longest_seconds =
		    json_num(e->request, "max_call_seconds", &longest) ? (int)longest + OVER_SECONDS : 0 },
	    a);
	buf_free(&voice);
	buf_free(&status);
	buf_free(&amd);
}

/* The five outcomes of a request to make a call, for the counters and the log. */
static void count_creation(struct dialer *o, const struct order *e, const struct twilio_answer *a)
{
	char to[16];

	log_number(order_text(e, "to"), to);
	switch (a->outcome) {
	case TWILIO_OK:
		o->made++;
		log_info("outbound", "call made; id=%s call=%s to=%s", e->id, e->call_sid, to);
		break;
	case TWILIO_REFUSED:
		o->refused++;
		log_warn("outbound", "Twilio refuses a call; id=%s to=%s status=%d code=%d: %s", e->id, to, a->status,
		    a->code, a->message);
		break;
	case TWILIO_BUSY:
		o->held++;
		log_warn("outbound", "Twilio asks for patience; id=%s status=%d code=%d", e->id, a->status, a->code);
		break;
	case TWILIO_NOT_SENT:
		log_warn("outbound", "Twilio cannot be reached; id=%s: %s", e->id, a->message);
		break;
	case TWILIO_UNKNOWN:
		o->unsure++;
		log_warn("outbound", "nobody knows whether a call was made: it is searched for; id=%s status=%d: %s",
		    e->id, a->status, a->message);
		break;
	}
}

/* Under the lock. A refusal may be outdated by news that prove the call, and then only
 * the CallSid is of use. A 429 holds back all orders, not this one alone. */
static void created(struct dialer *o, struct order *e, const struct twilio_answer *a, int64_t now)
{
	/* Its news were faster than the answer: the call was made. */
	if (e->state.phase == PHASE_MADE) {
		take_sid(e, a->outcome == TWILIO_OK ? a->json : NULL);
		return;
	}
	if (a->outcome == TWILIO_OK) {
		take_sid(e, a->json);
		e->heard_us = now;
		e->reason = "";
		e->message[0] = '\0';
		e->code = e->http = 0;
	} else {
		remember_refusal(e, a, a->outcome == TWILIO_NOT_SENT ? "twilio_unreachable" : "twilio_refused");
	}
	out_asked(&e->state, a->outcome, a->retry_after_s, backoff_chance(), now);
	if (a->outcome == TWILIO_BUSY)
		out_bucket_hold(&o->bucket, e->state.due_us);
	if (e->state.phase == PHASE_FAILED)
		e->status = OUT_FAILED;
	count_creation(o, e, a);
}

/* True: the store has PHASE_ASKING. Otherwise Twilio must not be asked: after a crash
 * nobody would know of the call. */
static bool on_disk(struct dialer *o)
{
	return !o->store || !store_flush(o->store, FLUSH_MS);
}

/* ----------------------------------------------------------------------- searching */

/* Under the lock. True: another order has this call. */
static bool is_taken(const struct dialer *o, const struct order *but, const char *sid)
{
	for (const struct order *e = order_first(o); e; e = order_next(e))
		if (e != but && !strcmp(e->call_sid, sid))
			return true;
	return false;
}

/* Under the lock. Twilio's list has no id of ours: numbers, direction and time must do. */
static void searched(struct dialer *o, struct order *e, const struct twilio_answer *a, int64_t now)
{
	const cJSON *found = NULL, *each;

	cJSON_ArrayForEach(each, json_get(a->outcome == TWILIO_OK ? a->json : NULL, "calls"))
	{
		/* The list begins with the newest; the last match is the oldest one. */
		if (out_matches(each, order_text(e, "to"), order_text(e, "from"), e->asked_ms) &&
		    !is_taken(o, e, json_str(each, "sid")))
			found = each;
	}
	if (e->state.phase != PHASE_UNSURE)
		return; /* its news were faster */
	out_searched(&e->state, a->outcome == TWILIO_OK, found != NULL, backoff_chance(), now);
	if (found) {
		take_sid(e, found);
		take_status(e, found);
		e->heard_us = now;
		e->message[0] = '\0';
		o->made++;
		log_info("outbound", "the call was made all the same; id=%s call=%s", e->id, e->call_sid);
	} else if (a->outcome != TWILIO_OK) {
		log_warn(
		    "outbound", "Twilio's calls cannot be searched; id=%s status=%d: %s", e->id, a->status, a->message);
	} else if (e->state.phase == PHASE_QUEUED) {
		o->repeated++;
		log_warn("outbound", "Twilio does not know the call: it is asked for again; id=%s", e->id);
	} else if (e->state.phase == PHASE_FAILED) {
		e->status = OUT_FAILED;
		e->reason = "outcome_unknown";
		log_error(
		    "outbound", "twice nobody knew whether a call was made, and it is not to be found; id=%s", e->id);
	}
}

/* ------------------------------------------------------------------ following it up */

/* Status callbacks get lost; a call without news for a minute is looked at. A CallSid that
 * Twilio does not know is a call that is over for us. */
static void fetched(struct dialer *o, struct order *e, const struct twilio_answer *a, int64_t now)
{
	(void)o;
	e->heard_us = now;
	if (a->outcome == TWILIO_OK)
		take_status(e, a->json);
	else if (a->outcome == TWILIO_REFUSED && a->status == 404)
		e->status = out_status_after(e->status, OUT_FAILED);
}

static void ended(struct dialer *o, struct order *e, const struct twilio_answer *a, int64_t now)
{
	(void)o;
	if (a->outcome == TWILIO_OK || a->outcome == TWILIO_REFUSED)
		e->cancelled = true; /* refused: the call is over, and its last news are on their way */
	else
		e->state.due_us = now + US_PER_S;
}

/* --------------------------------------------------------------------- its turn */

static bool expired(const struct order *e)
{
	return clock_wall_ms() > e->created_ms + OUT_EXPIRE_S * INT64_C(1000);
}

enum ask_kind ask_kind_of(const struct order *e)
{
	switch (e->state.phase) {
	case PHASE_QUEUED:
		return e->cancel || expired(e) ? ASK_NOTHING : ASK_CREATE;
	case PHASE_UNSURE:
		return ASK_SEARCH;
	case PHASE_MADE:
		if (!e->call_sid[0] || !foreign_id_is_theirs(e->call_sid))
			return ASK_NOTHING;
		return e->cancel && !e->cancelled ? ASK_END : ASK_FETCH;
	case PHASE_ASKING:
	case PHASE_FAILED:
		break;
	}
	return ASK_NOTHING;
}

/* The queue hands the order to a job. Whom we may dial can have changed since the order was
 * taken, by a start with other settings: then it is withdrawn. The phase is stored now, so
 * that the flush in `prepare` includes it, and the rate is used up, even if the job asks a
 * moment later. The hook `room` has looked whether any call can be paid for; whether this
 * one can is decided here. */
void ask_taken(void *owner, struct due_item *item, int64_t now_ms)
{
	struct order *e = (struct order *)item;
	struct dialer *o = owner;

	e->kind = ask_kind_of(e);
	if (e->kind != ASK_CREATE)
		return;
	if (o->hooks.may_dial && !o->hooks.may_dial(o->hooks.arg, order_text(e, "to"), e->id)) {
		e->left_out = true;
		e->kind = ASK_NOTHING;
		return;
	}
	if (!spending_reserve(o->spending, order_text(e, "agent"), false, &e->hold, NULL)) {
		e->kind = ASK_LATER;
		e->state.due_us = now_ms * US_PER_MS + MONEY_PAUSE_US;
		return;
	}
	out_bucket_take(&o->bucket, now_ms * US_PER_MS);
	e->state.phase = PHASE_ASKING;
	e->asked_ms = clock_wall_ms();
	order_write(o, e);
}

/* The job never ran, so Twilio was not asked. */
void ask_dropped(void *owner, struct due_item *item)
{
	struct order *e = (struct order *)item;

	if (e->state.phase != PHASE_ASKING)
		return;
	e->state.phase = PHASE_QUEUED;
	spending_settle(((struct dialer *)owner)->spending, &e->hold, NULL);
	order_write(owner, e);
}

void order_withdraw(struct dialer *o, struct order *e)
{
	e->state.phase = PHASE_FAILED;
	if (e->cancel) {
		o->canceled++;
		e->status = OUT_CANCELED;
		e->reason = "canceled";
		snprintf(e->message, sizeof e->message, "canceled before Twilio was asked");
	} else if (e->left_out) {
		e->status = OUT_FAILED;
		e->reason = "not_allowed";
		snprintf(e->message, sizeof e->message, "OUTBOUND_ALLOW does not let this number be dialled any more");
	} else {
		o->expired++;
		e->status = OUT_FAILED;
		e->reason = "expired";
		snprintf(e->message, sizeof e->message, "the call could not be placed within half an hour");
	}
	log_warn("outbound", "a call is not placed: %s; id=%s", e->reason, e->id);
}

/* True: Twilio may be asked. A broken disk puts the order back into the queue. */
static bool prepare(struct dialer *o, struct order *e)
{
	if (e->kind == ASK_NOTHING || e->kind == ASK_LATER)
		return false;
	if (e->kind != ASK_CREATE || on_disk(o))
		return true;
	pthread_mutex_lock(&o->lock);
	if (e->state.phase == PHASE_ASKING) {
		e->state.phase = PHASE_QUEUED;
		e->state.due_us = clock_now_us() + DISK_PAUSE_US;
	}
	pthread_mutex_unlock(&o->lock);
	log_warn("outbound", "a call waits for the disk; id=%s", e->id);
	return false;
}

static void ask_twilio(struct dialer *o, struct order *e, struct twilio_answer *a)
{
	switch (e->kind) {
	case ASK_NOTHING:
	case ASK_LATER:
		break;
	case ASK_CREATE:
		create(o, e, a);
		break;
	case ASK_SEARCH:
		twilio_list_calls(&o->twilio, order_text(e, "to"), order_text(e, "from"), a);
		break;
	case ASK_FETCH:
		twilio_fetch_call(&o->twilio, e->call_sid, a);
		break;
	case ASK_END:
		twilio_end_call(&o->twilio, e->call_sid, a);
		break;
	}
}

/* Under the lock. */
static void take_answer(struct dialer *o, struct order *e, const struct twilio_answer *a)
{
	static void (*const takers[])(struct dialer *, struct order *, const struct twilio_answer *, int64_t now) = {
		[ASK_CREATE] = created, [ASK_SEARCH] = searched, [ASK_FETCH] = fetched, [ASK_END] = ended
	};

	if (takers[e->kind])
		takers[e->kind](o, e, a, clock_now_us());
}

/* One job. The order is taken meanwhile: only news change it, and it stays in the list.
 * After due_list_let_go and order_changed it must not be used any more. */
void ask_work(void *owner, struct due_item *item)
{
	struct order *e = (struct order *)item;
	struct dialer *o = owner;
	struct twilio_answer a = { 0 };
	bool asked = prepare(o, e);

	if (asked)
		ask_twilio(o, e, &a);
	pthread_mutex_lock(&o->lock);
	if (asked)
		take_answer(o, e, &a);
	else if (e->kind == ASK_NOTHING && e->state.phase == PHASE_QUEUED)
		order_withdraw(o, e);
	due_list_let_go(&o->list, item);
	order_changed(o, e);
	pthread_mutex_unlock(&o->lock);
	twilio_answer_free(&a);
}
