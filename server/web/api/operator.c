#include "server/web/api/operator.h"

#include "common/json.h"
#include "common/log.h"
#include "server/dialer/dialer_news.h"
#include "server/dialer/dialer_show.h"
#include "server/line/calls.h"
#include "server/model/health.h"
#include "server/store/store.h"
#include "server/web/api/known_call.h"
#include "server/web/api/outcome_list.h"
#include "server/web/api/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void operator_health(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	(void)parts, (void)q, (void)arg;
	buf_puts(&r->body, "{\"status\":\"ok\"}\n");
}

/* Why no call should be sent here now, in one word; "ready" if none. */
static const char *readiness(const struct web_parts *parts)
{
	struct calls_count count;

	calls_count(parts->calls, &count);
	if (count.draining)
		return "draining";
	if (model_health_blocks())
		return "model";
	if (count.day_spent)
		return "cost";
	return count.live + count.reserved >= count.limit ? "full" : "ready";
}

void operator_ready(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	const char *word = readiness(parts);
	struct store_health store;

	(void)q, (void)arg;
	store_health(parts->store, &store);
	r->status = strcmp(word, "ready") ? 503 : 200;
	/* Calls go on without a disk: it is named, and is no reason to send them
	 * elsewhere. */
	buf_printf(&r->body, "{\"status\":\"%s\"%s}\n", word, store.failing ? ",\"store\":\"failing\"" : "");
}

void operator_status(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	(void)arg;
	status_json(parts, q->began_us, &r->body);
}

/* What was asked for of a call we placed goes with it; one that never came to be
 * is nothing but that. `name` may be our id; `call_sid` is Twilio's. */
static int with_order(
    const struct web_parts *parts, const char *name, int err, char call_sid[TWILIO_SID_SIZE], struct buf *out)
{
	struct dialer_shown shown;
	struct span known;

	if (!parts->dialer || (!err && !strstr(buf_text(out), "\"direction\":\"outbound\"")))
		return err;
	if (dialer_show(parts->dialer, name, &shown)) {
		if (shown.call_sid[0])
			snprintf(call_sid, TWILIO_SID_SIZE, "%s", shown.call_sid);
		if (err == -ENOENT && shown.call_sid[0] && strcmp(shown.call_sid, name))
			err = known_call(parts, shown.call_sid, out);
		if (err == -ENOENT) {
			buf_put(out, shown.call.data, shown.call.len);
			err = 0;
		} else if (!err && out->len && !json_scan(buf_text(out), out->len, "outbound", &known)) {
			out->len--;
			buf_printf(out, ",\"outbound\":%s}", buf_text(&shown.order));
		}
	}
	dialer_shown_free(&shown);
	return err;
}

void operator_call(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	char call_sid[TWILIO_SID_SIZE];
	int err;

	(void)q;
	snprintf(call_sid, sizeof call_sid, "%s", arg);
	err = with_order(parts, arg, known_call(parts, arg, &r->body), call_sid, &r->body);
	if (err == -ENOENT)
		response_error(r, 404, "no_such_call", "no call of that CallSid is known here");
	else if (err)
		response_error(r, 503, "store_failing", "what is kept cannot be read now");
	if (err)
		return;
	outcome_list_add_to_call(parts, call_sid, r);
	buf_putc(&r->body, '\n');
}

/* Ends one we placed that is not answered yet, by id or CallSid; or gives the
 * CallSid of an id whose call is. 0, or -ENOENT. */
static int end_placed(const struct web_parts *parts, const char *name, char call_sid[TWILIO_SID_SIZE], bool *canceled)
{
	struct dialer_shown shown;
	int err = -ENOENT;

	*canceled = false;
	call_sid[0] = '\0';
	if (!parts->dialer)
		return -ENOENT;
	if (!dialer_cancel(parts->dialer, name)) {
		*canceled = true;
		return 0;
	}
	if (dialer_show(parts->dialer, name, &shown) && shown.call_sid[0]) {
		snprintf(call_sid, TWILIO_SID_SIZE, "%s", shown.call_sid);
		err = 0;
	}
	dialer_shown_free(&shown);
	return err;
}

void operator_end_call(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	enum call_end why = END_OPERATOR_ENDED;
	char placed[TWILIO_SID_SIZE];
	bool canceled = false;

	if (calls_end(parts->calls, arg, END_OPERATOR_ENDED) &&
	    (end_placed(parts, arg, placed, &canceled) ||
		(!canceled && calls_end(parts->calls, placed, END_OPERATOR_ENDED)))) {
		known_call_refuse(parts, arg, r);
		return;
	}
	if (canceled)
		why = END_CANCELED;
	log_info("http", "operator ends a call: call=%s peer=%s", arg, q->peer);
	buf_puts(&r->body, "{\"call_sid\":");
	json_put_cstring(&r->body, arg);
	buf_printf(&r->body, ",\"ended\":\"%s\"}\n", call_ending(why)->json);
}
