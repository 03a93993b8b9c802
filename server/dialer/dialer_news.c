/* Twilio's own news of our calls. They come late, doubled, or out of order, and sometimes
 * before the answer to the request that made the call. */
#include "server/dialer/dialer_news.h"

#include "common/log.h"
#include "server/dialer/dialer_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Under the lock. Our id comes first: the CallSid may not be known yet. Only orders that
 * are long over have left memory, and they need no news. */
static struct order *of_news(struct dialer *o, const char *id, const char *call_sid)
{
	struct order *e = order_find(o, id);

	return e ? e : order_find(o, call_sid);
}

/* Under the lock. News prove that the call was made, even if the request had no answer,
 * or one that said otherwise; the order leaves its search and its failure. False: the
 * order has another call already, so one order has made two calls. */
static bool prove(struct dialer *o, struct order *e, const char *call_sid)
{
	if (e->call_sid[0] && strcmp(e->call_sid, call_sid)) {
		o->duplicates++;
		log_error(call_sid, "a second call of the same order; id=%s call=%s", e->id, e->call_sid);
		return false;
	}
	if (e->state.phase != PHASE_MADE) {
		log_info("outbound", "Twilio's news prove that the call was made; id=%s call=%s", e->id, call_sid);
		e->state.phase = PHASE_MADE;
		o->made++;
		e->status = out_status_final(e->status) ? OUT_QUEUED : e->status;
		e->message[0] = '\0';
	}
	if (!e->call_sid[0])
		snprintf(e->call_sid, sizeof e->call_sid, "%s", call_sid);
	e->heard_us = clock_now_us();
	return true;
}

static cJSON *request_of(const struct order *e)
{
	cJSON *request = cJSON_Duplicate(e->request, true);

	if (request && e->answered_by[0])
		cJSON_AddStringToObject(request, "answered_by", e->answered_by);
	return request;
}

/* From here on the table of calls tells of the call's end (`answered`). Only our id
 * finds the order: the voice webhook of a call that comes in has none. */
int dialer_answered(struct dialer *o, const char *id, const char *call_sid, cJSON **request)
{
	struct order *e;
	int err = -ENOENT;

	*request = NULL;
	pthread_mutex_lock(&o->lock);
	e = order_find(o, id);
	if (e) {
		err = prove(o, e, call_sid) ? 0 : -EEXIST;
		if (!err) {
			e->status = out_status_after(e->status, OUT_IN_PROGRESS);
			e->answered = true;
			*request = request_of(e);
			order_changed(o, e);
		}
	}
	pthread_mutex_unlock(&o->lock);
	return !err && !*request ? -ENOENT : err;
}

void dialer_on_line(struct dialer *o, const char *id)
{
	struct order *e;

	pthread_mutex_lock(&o->lock);
	e = order_find(o, id);
	if (e)
		spending_settle(o->spending, &e->hold, NULL);
	pthread_mutex_unlock(&o->lock);
}

void dialer_news(struct dialer *o, const char *id, const char *call_sid, const char *status)
{
	int news = out_status_of(status);
	struct order *e;

	if (news < 0)
		return;
	pthread_mutex_lock(&o->lock);
	e = of_news(o, id, call_sid);
	if (e && prove(o, e, call_sid)) {
		enum out_status before = e->status;

		e->status = out_status_after(e->status, (enum out_status)news);
		if (e->status != before)
			log_info(call_sid, "outbound call: %s; id=%s", out_status_name(e->status), e->id);
		order_changed(o, e);
	}
	pthread_mutex_unlock(&o->lock);
}

cJSON *dialer_detected(struct dialer *o, const char *id, const char *call_sid, const char *answered_by)
{
	cJSON *request = NULL;
	struct order *e;

	pthread_mutex_lock(&o->lock);
	e = of_news(o, id, call_sid);
	if (e && prove(o, e, call_sid)) {
		snprintf(e->answered_by, sizeof e->answered_by, "%s", answered_by);
		request = request_of(e);
		order_changed(o, e);
	}
	pthread_mutex_unlock(&o->lock);
	return request;
}

/* Three cases. An order in the queue is withdrawn at once. One that Twilio is being asked
 * about keeps the wish, and its call is ended as soon as it has a CallSid. A call that
 * was answered is ended by the table of calls instead (calls_end). */
int dialer_cancel(struct dialer *o, const char *name)
{
	struct order *e;
	int err = -ENOENT;

	pthread_mutex_lock(&o->lock);
	e = order_find(o, name);
	if (e && order_open(e) && !e->answered) {
		e->cancel = true;
		if (e->state.phase == PHASE_QUEUED && !e->busy && !e->due.taken)
			order_withdraw(o, e);
		err = 0;
		order_changed(o, e);
	}
	pthread_mutex_unlock(&o->lock);
	return err;
}
