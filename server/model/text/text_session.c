#include "server/model/text/text_session.h"

#include "common/clock.h"
#include "common/foreign.h"
#include "common/json.h"
#include "common/log.h"
#include "common/sse.h"
#include "server/model/errors.h"
#include "server/model/realtime_parse.h"
#include "server/model/realtime_say.h"
#include "server/model/realtime_tools.h"
#include "server/model/text/reply.h"
#include "server/model/text/talk.h"
#include "server/model/text/text_request.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	EVENT_MAX = 1 << 20,   /* of the service's: response.completed repeats the whole answer */
	REFUSAL_MAX = 16384,   /* bytes of a refusal's body that are looked at */
	GIVEN_UP_US = US_PER_S /* an answer that is asked for so soon after one that failed has no time of its own */
};

/* An answer, or an aside beside one. */
struct answer {
	bool open;
	cJSON *asked;               /* owned: response.create's own "response", or NULL */
	struct text_stream *stream; /* owned; NULL: over, or never begun */
	struct text_reply reply;
	struct sse sse;
	struct buf refusal; /* the body of a status that is not 200 */
	struct span piece;  /* of the stream's, what is not looked at yet */
	bool in_piece;
	bool received;     /* something of an answer */
	int tries;         /* requests that brought nothing */
	int64_t until_us;  /* no request is sent again after this */
	int64_t begins_us; /* the one that is to be sent again */
};

enum { ANSWER, ASIDE, ANSWERS };

struct text_session {
	struct model_session base; /* first: one is the other */
	struct bell *bell;
	struct talk talk;
	struct answer answers[ANSWERS];
	struct model_event refused; /* an answer that cannot be made now */
	bool has_refused;
	int64_t given_up_us; /* when the last answer failed that brought nothing; 0: never */
};

/* ------------------------------------------------------------------------ the requests */

static void close_answer(struct text_session *s, struct answer *a, bool drain)
{
	const struct text_carrier *carrier = s->base.access->carrier;

	if (!a->open)
		return;
	if (a->stream)
		carrier->leave(a->stream, drain);
	cJSON_Delete(a->asked);
	text_reply_free(&a->reply);
	sse_free(&a->sse);
	buf_free(&a->refusal);
	memset(a, 0, sizeof *a);
}

/* As the Realtime service refuses it. */
static void refuse_as_busy(struct text_session *s, const char *event_id)
{
	struct model_event *e = &s->refused;

	memset(e, 0, sizeof *e);
	e->type = MODEL_ERROR;
	e->reason = MODEL_BUSY;
	e->text = "another answer is being made";
	snprintf(e->code, sizeof e->code, "conversation_already_has_active_response");
	snprintf(e->refused_id, sizeof e->refused_id, "%s", event_id);
	e->refused = model_request_of(e->refused_id);
	s->has_refused = true;
}

/* With the conversation and the extras of this moment. */
static void request(struct text_session *s, struct answer *a, int delay_ms)
{
	struct reply_failure failure = { .code = MODEL_NOT_SENT };

	a->stream =
	    text_request_start(&s->base, &s->talk, a->asked, delay_ms, s->bell, &a->reply.asked_bytes, &failure.text);
	if (!a->stream)
		text_reply_end(&a->reply, &failure);
}

/* The answer's id is made of the request's, which the call gives once. */
static void create(struct text_session *s, cJSON *message)
{
	cJSON *response = cJSON_DetachItemFromObjectCaseSensitive(message, "response");
	const char *event_id = json_str(message, "event_id");
	struct answer *a = &s->answers[json_str(response, "conversation") ? ASIDE : ANSWER];
	int64_t now = clock_now_us();
	char id[64];

	bell_ring(s->bell); /* there is something to read already */
	if (a->open) {
		refuse_as_busy(s, event_id ? event_id : "");
		cJSON_Delete(response);
		return;
	}
	snprintf(id, sizeof id, "resp_%s", event_id ? event_id : "");
	a->open = true;
	a->asked = response;
	text_reply_begin(&a->reply, s->base.access->cfg->text_api, id, a == &s->answers[ASIDE]);
	sse_init(&a->sse, EVENT_MAX);
	buf_init(&a->refusal, REFUSAL_MAX);
	/* What is said beside an answer has its moment, and a trial has nobody who waits. */
	if (a == &s->answers[ANSWER] && !s->base.wish.trial && (!s->given_up_us || now >= s->given_up_us + GIVEN_UP_US))
		a->until_us = now + s->base.access->cfg->slow_answer_max_ms * US_PER_MS;
	request(s, a, 0);
}

/* One that is over is let be, as the Realtime service does. */
static void cancel(struct text_session *s, const cJSON *message)
{
	const char *id = json_str(message, "response_id");

	for (size_t i = 0; i < ANSWERS; i++) {
		struct answer *a = &s->answers[i];

		if (!a->open || !id || strcmp(a->reply.id, id) != 0)
			continue;
		if (a->stream)
			s->base.access->carrier->leave(a->stream, false);
		a->stream = NULL;
		a->in_piece = false;
		if (clock_now_us() < a->begins_us)
			a->reply.asked_bytes = 0; /* it was not sent */
		text_reply_cancel(&a->reply);
		bell_ring(s->bell);
	}
}

static int send_command(struct model_session *session, const char *text, size_t len)
{
	struct text_session *s = (struct text_session *)session;
	cJSON *message = json_parse(text, len);
	const char *type = json_str(message, "type");

	if (type && !strcmp(type, "response.create"))
		create(s, message);
	else if (type && !strcmp(type, "response.cancel"))
		cancel(s, message);
	else
		talk_take(&s->talk, message);
	cJSON_Delete(message);
	return 0;
}

/* ------------------------------------------------------------------------- the answers */

/* The request has an extra that the service does not know, or not so: once more without that one, and
 * so in the rest of the session. */
static bool again_without(struct text_session *s, struct answer *a)
{
	cJSON *body = foreign_json(buf_text(&a->refusal), a->refusal.len);
	unsigned extras = realtime_extras_at_fault(json_str(json_get(body, "error"), "param"));

	cJSON_Delete(body);
	extras &= text_protocol.extras(s->base.wish.agent) & ~s->base.without;
	if (!extras)
		return false;
	s->base.without |= extras;
	s->base.access->carrier->leave(a->stream, true);
	buf_reset(&a->refusal);
	request(s, a, 0);
	return true;
}

/* Nothing of an answer came, and that may pass while the caller waits: the same once more, in a while. */
static bool again_later(struct text_session *s, struct answer *a, const struct reply_failure *failure)
{
	const struct text_carrier *carrier = s->base.access->carrier;
	int64_t now = clock_now_us(), pause_ms;

	if (a->received || text_reply_class(failure) != MODEL_RETRY)
		return false;
	pause_ms = text_request_pause_ms(++a->tries, carrier->retry_after_ms(a->stream));
	a->begins_us = now + pause_ms * US_PER_MS;
	if (a->begins_us >= a->until_us) {
		s->given_up_us = now;
		return false;
	}
	stat_add(model_resent, 1);
	if (a->tries == 1)
		log_warn(model_session_tag(&s->base),
		    "model: nothing came of a request to the text API (%s%d): it is sent again in %d ms; agent=%s",
		    failure->status ? "http_" : failure->code, failure->status, (int)pause_ms,
		    s->base.wish.agent->name);
	carrier->leave(a->stream, true);
	buf_reset(&a->refusal);
	request(s, a, (int)pause_ms);
	return true;
}

static void end_stream(struct text_session *s, struct answer *a)
{
	static const char *const codes[] = { "", "connection", "timeout", "connection" };
	const struct text_carrier *carrier = s->base.access->carrier;
	int status = carrier->status(a->stream);
	struct reply_failure failure = { 0 };
	enum text_over how = carrier->over(a->stream, &failure.text);

	if (status == 400 && again_without(s, a))
		return;
	if (status != 200 && status) {
		failure.status = status;
		failure.body = buf_text(&a->refusal);
		if (strstr(failure.body, *s->base.access->cfg->text_api_key ? s->base.access->cfg->text_api_key
									    : s->base.access->cfg->openai_api_key))
			failure.body = "";
	}
	failure.code = codes[how];
	if (again_later(s, a, &failure))
		return;
	text_reply_end(&a->reply, status == 200 && how == TEXT_OVER_WHOLE ? NULL : &failure);
	carrier->leave(a->stream, true);
	a->stream = NULL;
}

/* Until an event is made, or nothing is there. */
static void look(struct text_session *s, struct answer *a)
{
	const struct text_carrier *carrier = s->base.access->carrier;
	struct span data;
	int got;

	while (a->stream && !a->reply.queued) {
		if (a->in_piece) {
			if (sse_next(&a->sse, &a->piece, &data)) {
				text_reply_take(&a->reply, data.p, data.n);
				continue;
			}
			a->in_piece = false;
			carrier->taken(a->stream);
		}
		got = carrier->next(a->stream, &a->piece.p, &a->piece.n);
		if (!got)
			return;
		if (got < 0) {
			end_stream(s, a);
		} else if (carrier->status(a->stream) == 200) {
			a->in_piece = a->received = true;
		} else {
			size_t room = REFUSAL_MAX - 1 - a->refusal.len;

			buf_put(&a->refusal, a->piece.p, a->piece.n < room ? a->piece.n : room);
			carrier->taken(a->stream);
		}
	}
}

/* What the model says becomes part of the conversation as it comes. */
static void keep(struct text_session *s, const struct model_event *e)
{
	if (e->aside)
		return;
	if (e->type == MODEL_ITEM_ADDED && *e->item_id)
		talk_put(&s->talk, TALK_AGENT, e->item_id, "", "");
	if (e->type == MODEL_TEXT_DELTA)
		talk_add(&s->talk, e->item_id, e->text);
	for (size_t i = 0; e->type == MODEL_ITEM_DONE && i < e->call_count; i++)
		talk_put_call(&s->talk, &e->calls[i]);
}

/* The place of an answer is free before its end is told: the next one may be asked for then. */
static int read_event(struct model_session *session, struct model_event *out, bool *wants_flush)
{
	struct text_session *s = (struct text_session *)session;

	(void)wants_flush;
	if (s->has_refused) {
		s->has_refused = false;
		*out = s->refused;
		return 1;
	}
	for (size_t i = 0; i < ANSWERS; i++) {
		struct answer *a = &s->answers[i];

		if (!a->open)
			continue;
		look(s, a);
		if (!text_reply_next(&a->reply, out))
			continue;
		keep(s, out);
		if (out->type == MODEL_RESPONSE_DONE)
			close_answer(s, a, true);
		return 1;
	}
	return 0;
}

/* ----------------------------------------------------------------------------- the body */

static void leave(struct model_session *session)
{
	struct text_session *s = (struct text_session *)session;

	for (size_t i = 0; i < ANSWERS; i++)
		close_answer(s, &s->answers[i], false);
}

static void close_session(struct model_session *session)
{
	struct text_session *s = (struct text_session *)session;

	leave(session);
	talk_free(&s->talk);
	free(s);
}

/* No deadline either: an answer that falls silent ends by those of the carrier. */
static const struct model_session_body body = {
	.read = read_event,
	.send = send_command,
	.leave = leave,
	.close = close_session,
};

static int open_session(struct model_session **out, const struct model_access *access, const struct model_wish *wish,
    struct bell *bell, int64_t now_us)
{
	struct text_session *s = calloc(1, sizeof *s);

	(void)now_us;
	if (!s)
		return -ENOMEM;
	s->base.body = &body;
	s->base.access = access;
	s->base.protocol = &text_protocol;
	s->base.wish = *wish;
	s->base.without = wish->without;
	s->base.connect_ms = -1;
	s->bell = bell;
	talk_init(&s->talk);
	*out = &s->base;
	return 0;
}

/* Only a service over a WebSocket says something with its Close. */
static enum model_error close_class(const char *reason)
{
	(void)reason;
	return MODEL_HARMLESS;
}

const struct model_protocol text_protocol = {
	.text = true,
	.by_requests = true,
	.extras = realtime_extras_text,
	REALTIME_ITEMS,
	.close_class = close_class,
};

void text_access(struct model_access *access, struct text_carrier *carrier)
{
	access->requests_protocol = &text_protocol;
	access->text_open = open_session;
	access->carrier = carrier;
}
