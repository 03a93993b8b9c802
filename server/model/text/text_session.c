#include "server/model/text/text_session.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/sse.h"
#include "server/model/realtime_say.h"
#include "server/model/realtime_tools.h"
#include "server/model/text/reply.h"
#include "server/model/text/talk.h"
#include "server/model/text/text_access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	EVENT_MAX = 1 << 20,   /* of the service's: response.completed repeats the whole answer */
	REFUSAL_MAX = 16384,   /* bytes of a refusal's body that are looked at */
	REQUEST_MAX = 2 << 20, /* the conversation, the instructions and the tools, escaped */
	FIRST_MS = 30000,
	SILENT_MS = 20000
};

/* An answer, or an aside beside one. */
struct answer {
	bool open;
	struct text_stream *stream; /* owned; NULL: over, or never begun */
	struct text_reply reply;
	struct sse sse;
	struct buf refusal; /* the body of a status that is not 200 */
	struct span piece;  /* of the stream's, what is not looked at yet */
	bool in_piece;
};

enum { ANSWER, ASIDE, ANSWERS };

struct text_session {
	struct model_session base; /* first: one is the other */
	struct bell *bell;
	struct talk talk;
	struct answer answers[ANSWERS];
	struct model_event refused; /* an answer that cannot be made now */
	bool has_refused;
};

/* ------------------------------------------------------------------------ the requests */

static void close_answer(struct text_session *s, struct answer *a, bool drain)
{
	const struct text_carrier *carrier = s->base.access->carrier;

	if (!a->open)
		return;
	if (a->stream)
		carrier->leave(a->stream, drain);
	text_reply_free(&a->reply);
	sse_free(&a->sse);
	buf_free(&a->refusal);
	memset(a, 0, sizeof *a);
}

static void put_body(struct text_session *s, const cJSON *response, struct buf *out)
{
	const char *instructions = json_str(response, "instructions"), *choice = json_str(response, "tool_choice");
	const struct talk_request request = { .talk = &s->talk,
		.agent = s->base.wish.agent,
		.instructions = instructions ? instructions : s->base.wish.instructions,
		.tools = s->base.wish.tools,
		.tools_off = choice && !strcmp(choice, "none"),
		.max_tokens = s->base.wish.agent->max_output_tokens };

	if (s->base.access->cfg->text_api == TEXT_API_CHAT)
		talk_put_chat(out, &request);
	else
		talk_put_responses(out, &request);
}

/* NULL: it cannot be begun. */
static struct text_stream *start(struct text_session *s, const struct buf *body)
{
	const struct model_access *access = s->base.access;
	struct text_call call = { .body = body,
		.ca_file = access->cfg->https_ca_file,
		.connect_ms = access->cfg->model_connect_ms,
		.first_ms = FIRST_MS,
		.silent_ms = SILENT_MS };
	struct text_stream *stream = NULL;
	struct buf url, headers;
	const char *line;

	buf_init(&url, 0);
	buf_init(&headers, 0);
	text_access_put_url(access->cfg, &url);
	call.header_count = text_access_put_headers(access->cfg, &headers);
	line = buf_text(&headers);
	for (size_t i = 0; !buf_error(&headers) && i < call.header_count; i++, line += strlen(line) + 1)
		call.headers[i] = line;
	call.url = buf_text(&url);
	if (!buf_error(&url) && !buf_error(&headers) && !buf_error(body))
		stream = access->carrier->start(access->carrier, &call, s->bell);
	if (headers.data)
		explicit_bzero(headers.data, headers.cap);
	buf_free(&headers);
	buf_free(&url);
	return stream;
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

/* The answer's id is made of the request's, which the call gives once. */
static void create(struct text_session *s, const cJSON *message)
{
	const cJSON *response = json_get(message, "response");
	const char *event_id = json_str(message, "event_id");
	struct answer *a = &s->answers[json_str(response, "conversation") ? ASIDE : ANSWER];
	struct buf body;
	char id[64];

	bell_ring(s->bell); /* there is something to read already */
	if (a->open) {
		refuse_as_busy(s, event_id ? event_id : "");
		return;
	}
	buf_init(&body, REQUEST_MAX);
	put_body(s, response, &body);
	snprintf(id, sizeof id, "resp_%s", event_id ? event_id : "");
	a->open = true;
	text_reply_begin(&a->reply, s->base.access->cfg->text_api, id, a == &s->answers[ASIDE], body.len);
	sse_init(&a->sse, EVENT_MAX);
	buf_init(&a->refusal, REFUSAL_MAX);
	a->stream = start(s, &body);
	if (!a->stream)
		text_reply_end(&a->reply, &(struct reply_failure){ .code = "not_sent",
					      .text = buf_error(&body) ? "the conversation is too large for a request"
								       : "out of memory for a request" });
	buf_free(&body);
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

static void end_stream(struct text_session *s, struct answer *a)
{
	static const char *const codes[] = { "", "connection", "timeout", "connection" };
	const struct text_carrier *carrier = s->base.access->carrier;
	int status = carrier->status(a->stream);
	struct reply_failure failure = { 0 };
	enum text_over how = carrier->over(a->stream, &failure.text);

	if (status != 200 && status) {
		failure.status = status;
		failure.body = buf_text(&a->refusal);
		if (strstr(failure.body, *s->base.access->cfg->text_api_key ? s->base.access->cfg->text_api_key
									    : s->base.access->cfg->openai_api_key))
			failure.body = "";
	}
	failure.code = codes[how];
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
			a->in_piece = true;
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

static void release(struct model_session *s, struct model_event *event)
{
	(void)s;
	text_event_release(event);
}

/* ----------------------------------------------------------------------------- the body */

static int step(struct model_session *s, int64_t now_us)
{
	(void)s, (void)now_us;
	return 1;
}

static void nothing_to_poll(const struct model_session *s, struct pollfd *fd)
{
	(void)s;
	*fd = (struct pollfd){ .fd = -1 };
}

static int64_t no_deadline(const struct model_session *s)
{
	(void)s;
	return NEVER_US;
}

static void no_limit(struct model_session *s, int64_t until_us)
{
	(void)s, (void)until_us;
}

static bool connected(const struct model_session *s)
{
	(void)s;
	return true;
}

static bool resumed(const struct model_session *s)
{
	(void)s;
	return false;
}

static struct ws_client *no_client(struct model_session *s)
{
	(void)s;
	return NULL;
}

/* An answer that falls silent ends by the carrier's deadlines. */
static bool is_alive(struct model_session *s)
{
	(void)s;
	return true;
}

static int flush(struct model_session *s)
{
	(void)s;
	return 0;
}

static struct model_ended ended(const struct model_session *s)
{
	(void)s;
	return (struct model_ended){ .reason = "" };
}

static void leave(struct model_session *session)
{
	struct text_session *s = (struct text_session *)session;

	for (size_t i = 0; i < ANSWERS; i++)
		close_answer(s, &s->answers[i], false);
}

static void hang_up(struct model_session *s, int64_t until_us)
{
	(void)until_us;
	leave(s);
}

static void close_session(struct model_session *session)
{
	struct text_session *s = (struct text_session *)session;

	leave(session);
	talk_free(&s->talk);
	free(s);
}

static const struct model_session_body body = {
	.step = step,
	.poll = nothing_to_poll,
	.deadline_us = no_deadline,
	.limit = no_limit,
	.connected = connected,
	.resumed = resumed,
	.client = no_client,
	.read = read_event,
	.release = release,
	.send = send_command,
	.ping = is_alive,
	.flush = flush,
	.ended = ended,
	.leave = leave,
	.hang_up = hang_up,
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
	s->base.connect_ms = -1;
	s->bell = bell;
	talk_init(&s->talk);
	*out = &s->base;
	return 0;
}

static unsigned no_extras(const struct agent *agent)
{
	(void)agent;
	return 0;
}

/* Only a service over a WebSocket says something with its Close. */
static enum model_error close_class(const char *reason)
{
	(void)reason;
	return MODEL_HARMLESS;
}

const struct model_protocol text_protocol = {
	.name = "text",
	.text = true,
	.by_requests = true,
	.can_cancel = true,
	.can_aside = true,
	.extras = no_extras,
	.item = realtime_item,
	.ask = realtime_ask,
	.greet = realtime_greet,
	.say = realtime_say,
	.aside = realtime_aside,
	.cancel = realtime_cancel,
	.unheard = realtime_unheard,
	.tool_call = realtime_tool_call,
	.tool_result = realtime_tool_result,
	.approve = realtime_approve,
	.release = text_event_release,
	.close_class = close_class,
};

void text_access(struct model_access *access, struct text_carrier *carrier)
{
	access->requests_protocol = &text_protocol;
	access->text_open = open_session;
	access->carrier = carrier;
}
