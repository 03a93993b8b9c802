#include "server/web/api/operator.h"

#include "common/log.h"
#include "server/dialer/dialer_news.h"
#include "server/dialer/dialer_show.h"
#include "server/line/calls.h"
#include "server/model/health.h"
#include "server/news/journal_json.h"
#include "server/web/api/known_call.h"
#include "server/web/api/outcome_list.h"
#include "server/web/api/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* For a supervisor that restarts what does not answer: true as long as a
 * worker answers, whatever the model or the disk do. */
void operator_health(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct json_out j = json_out_to(&r->body);

	(void)parts, (void)q, (void)arg;
	json_put_object(&j, NULL);
	json_put_text(&j, "status", "ok");
	json_put_end(&j);
	buf_putc(&r->body, '\n');
}

/* One word, because the route is public, the names of the agents that alone are refused, and the states of
 * several endpoints. */
void operator_ready(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	static const char *const words[] = { "ready", "full", "cost", "model", "draining" };
	struct json_out j = json_out_to(&r->body);
	struct web_ready ready = { 0 };

	(void)q, (void)arg;
	if (parts->ready)
		parts->ready(parts->program, &ready);
	r->status = ready.why ? 503 : 200;
	json_put_object(&j, NULL);
	json_put_text(&j, "status", words[ready.why]);
	if (ready.store_failing)
		json_put_text(&j, "store", "failing");
	if (parts->health)
		model_health_put_ready(parts->health, &j);
	json_put_end(&j);
	buf_putc(&r->body, '\n');
}

void operator_status(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	(void)arg;
	status_json(parts, q->began_us, &r->body);
}

struct shown {
	struct call_summary call, order; /* order: the dialer's part of a call we placed; zeroed for none */
	struct call_talk talk;
};

/* A call we placed is shown with its order. `name` is a CallSid, or our id
 * of the order. An order whose call never began is shown as a call of its
 * own, so that one address serves from the order to the end. */
static int find(const struct web_parts *parts, const char *name, struct shown *s)
{
	int err = known_call(parts, name, &s->call, &s->talk);
	const char *sid = s->order.call_sid;

	if (!parts->dialer || (!err && strcmp(s->call.direction, "outbound") != 0) ||
	    !dialer_show(parts->dialer, name, &s->order))
		return err;
	if (err == -ENOENT && sid[0] && strcmp(sid, name) != 0)
		err = known_call(parts, sid, &s->call, &s->talk);
	if (err != -ENOENT)
		return err;
	memset(&s->talk, 0, sizeof s->talk);
	return call_summary_copy(&s->call, &s->order) ? 0 : -ENOMEM;
}

static void put_shown(const struct web_parts *parts, const char *call_sid, const struct shown *s, struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	journal_put_call(&j, &s->call, &s->talk, true);
	if (s->order.order && !s->call.ordered)
		json_put_json(&j, "outbound", s->order.order);
	outcome_list_put_of_call(parts, call_sid, &j);
	json_put_end(&j);
	buf_putc(out, '\n');
}

void operator_call(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct shown s = { 0 };
	int err = find(parts, arg, &s);

	(void)q;
	if (err == -ENOENT) {
		response_error(r, 404, "no_such_call", "no call of that CallSid is known here");
	} else if (err) {
		response_error(r, 503, "store_failing", "what is kept cannot be read now");
	} else {
		put_shown(parts, s.order.call_sid[0] ? s.order.call_sid : arg, &s, &r->body);
		call_summary_free(&s.call);
		call_talk_free(&s.talk);
	}
	call_summary_free(&s.order);
}

/* Ends a call we placed that is not answered yet, by id or CallSid; or gives
 * the CallSid of an id whose call is. 0, or -ENOENT. */
static int end_placed(const struct web_parts *parts, const char *name, char call_sid[FOREIGN_ID_SIZE], bool *canceled)
{
	struct call_summary shown;
	int err = -ENOENT;

	*canceled = false;
	call_sid[0] = '\0';
	if (!parts->dialer)
		return -ENOENT;
	if (!dialer_cancel(parts->dialer, name)) {
		*canceled = true;
		return 0;
	}
	if (!dialer_show(parts->dialer, name, &shown))
		return -ENOENT;
	if (shown.call_sid[0]) {
		snprintf(call_sid, FOREIGN_ID_SIZE, "%s", shown.call_sid);
		err = 0;
	}
	call_summary_free(&shown);
	return err;
}

/* First as a live call, then as an order, then as the live call of an order.
 * The end is only asked for here; the loops leave within a second, and the
 * record follows. */
void operator_end_call(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct json_out j = json_out_to(&r->body);
	enum call_end why = END_OPERATOR_ENDED;
	char placed[FOREIGN_ID_SIZE];
	bool canceled = false;

	if (calls_end(parts->calls, arg, END_OPERATOR_ENDED) &&
	    (end_placed(parts, arg, placed, &canceled) ||
		(!canceled && calls_end(parts->calls, placed, END_OPERATOR_ENDED)))) {
		known_call_refuse(parts, arg, r);
		return;
	}
	if (canceled)
		why = END_CANCELED;
	log_info("http", "operator ends a call: call=%s client=%s", arg, q->client);
	json_put_object(&j, NULL);
	json_put_text(&j, "call_sid", arg);
	json_put_text(&j, "ended", call_ending(why)->json);
	json_put_end(&j);
	buf_putc(&r->body, '\n');
}
