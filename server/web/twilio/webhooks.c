#include "server/web/twilio/webhooks.h"

#include "common/base64.h"
#include "common/log.h"
#include "server/line/mailbox.h"
#include "server/money/spending.h"
#include "server/stats/stats.h"
#include "server/recording/twilio_recording.h"
#include "server/phone/form.h"
#include "server/phone/twiml.h"
#include "server/web/auth.h"
#include "server/web/twilio/dialer_web.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SORRY_FULL "We are sorry, all our lines are busy. Please call again in a few minutes. Goodbye."
#define SORRY_DRAINING "We are sorry, we cannot take your call right now. Please call again in a few minutes. Goodbye."
#define SORRY_COST SORRY_DRAINING
#define SORRY_FAULT "We are sorry, we have a technical problem. Please call again in a few minutes. Goodbye."
#define SORRY_AWAY "We are sorry, nobody can take your call right now. Please call again later. Goodbye."
#define FAREWELL "Thank you for calling. Goodbye."

/* ------------------------------------------------------- who is it, and what */

static const char *field(const struct form *f, const char *name)
{
	const char *value = form_get(f, name);

	return value ? value : "";
}

/* Twilio's are CA and 32 hex digits; what we need is that one can be logged,
 * kept and put into a URL. */
static bool is_sid(const char *sid)
{
	size_t len = strlen(sid);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)sid[i]) && sid[i] != '-' && sid[i] != '_')
			return false;
	}
	return len > 0 && len < CALL_SID_SIZE;
}

static bool signature_passes(
    const struct web_parts *parts, const struct request *q, const struct form *fields, struct response *r)
{
	struct buf url;
	bool passes;

	buf_init(&url, 0);
	passes = auth_twilio(parts->cfg, q, fields, &url);
	if (!passes) {
		response_refusal(r, 403, "the signature of this request is not Twilio's");
		stat_add(http_refused_signature, 1);
		log_warn("http", "refused: X-Twilio-Signature %s; checked %s %.*s peer=%s",
		    request_header(q, "X-Twilio-Signature") ? "does not fit" : "is missing", q->method,
		    url_loggable(buf_text(&url)), buf_text(&url), q->peer);
	}
	buf_free(&url);
	return passes;
}

/* Reads and checks a webhook. True: `f` is filled in and must be freed. */
static bool webhook_begin(const struct web_parts *parts, const struct request *q, struct form *f, struct response *r)
{
	int err = form_parse(f, q->body, q->body_len);

	r->type = TWIML_TYPE;
	if (err) {
		response_refusal(r, err == -ENOMEM ? 500 : err == -E2BIG ? 413 : 400, "the form cannot be read");
		return false;
	}
	if (!signature_passes(parts, q, f, r)) {
		form_free(f);
		return false;
	}
	return true;
}

/* ------------------------------------------------------------ a call comes in */

static void put_connect(const char *base, const struct form *f, const char *token, struct response *r)
{
	struct buf stream, action, status;

	buf_init(&stream, 0);
	buf_init(&action, 0);
	buf_init(&status, 0);
	buf_printf(&stream, "ws%s/twilio/stream/%s", base + strlen("http"), token);
	buf_printf(&action, "%s/twilio/connect-action", base);
	buf_printf(&status, "%s/twilio/stream-status", base);
	twiml_connect_stream(&r->body, &(struct twiml_stream){ .stream_url = buf_text(&stream),
					   .action_url = buf_text(&action),
					   .status_url = buf_text(&status),
					   .caller = field(f, "From"),
					   .called = field(f, "To") });
	buf_free(&stream);
	buf_free(&action);
	buf_free(&status);
}

/* A call that is here already, or that we asked for ourselves, is no new one. */
static bool too_dear(const struct web_parts *parts, const struct call_facts *facts)
{
	struct call_ref ref;

	if (!cost_day_exceeded() || !strcmp(facts->direction, "outbound") ||
	    !calls_find(parts->calls, facts->call_sid, &ref))
		return false;
	stat_add(calls_refused_cost, 1);
	log_warn("http", "call refused: the day has cost MAX_DAY_COST; call=%s", facts->call_sid);
	return true;
}

static void admit(const struct web_parts *parts, const char *base, const struct form *f, const struct call_facts *facts,
    struct response *r)
{
	char token[CALL_TOKEN_SIZE], instead[CALL_NUMBER_SIZE] = "";
	enum admission admission;

	if (too_dear(parts, facts)) {
		calls_fallback(parts->calls, facts->call_sid, facts->to, instead);
		twiml_dial_or_say(&r->body, instead, SORRY_COST);
		return;
	}
	admission = calls_reserve(parts->calls, facts, token);
	if (admission != CALL_ADMITTED)
		calls_fallback(parts->calls, facts->call_sid, facts->to, instead);
	switch (admission) {
	case CALL_ADMITTED:
		put_connect(base, f, token, r);
		break;
	case CALL_FULL:
		twiml_dial_or_say(&r->body, instead, SORRY_FULL);
		log_warn("http", "call refused: every line is taken; call=%s", facts->call_sid);
		break;
	case CALL_DRAINING:
		twiml_dial_or_say(&r->body, instead, SORRY_DRAINING);
		log_info("http", "call refused: shutting down; call=%s", facts->call_sid);
		break;
	case CALL_NO_SID:
		response_refusal(r, 400, "CallSid is missing");
		break;
	case CALL_NO_AGENT:
	case CALL_NO_MEMORY:
		twiml_dial_or_say(&r->body, instead, SORRY_FAULT);
		break;
	}
}

/* Of a call we placed: what was asked for, and whom it is to be told. */
static void answer_placed(const struct web_parts *parts, const char *base, const struct form *f, const char *id,
    struct call_facts *facts, struct response *r)
{
	struct dialer_web_text text;
	const char *found;
	int err = dialer_web_facts(parts, id, facts, &text);

	if (err) {
		log_error(facts->call_sid, "%s: it is ended; id=%s",
		    err == -EEXIST ? "answered, but its order has another call" : "answered, but nobody has ordered it",
		    id);
		twiml_hangup(&r->body);
		return;
	}
	admit(parts, base, f, facts, r);
	/* Detection may have been faster. */
	if ((found = json_str(text.request, "answered_by")))
		dialer_web_found(parts, facts->call_sid, text.request, found);
	dialer_web_text_free(&text);
}

static void answer_call(
    const struct web_parts *parts, const struct request *q, const char *base, const struct form *f, struct response *r)
{
	struct call_facts facts = {
		.call_sid = field(f, "CallSid"),
		.account_sid = field(f, "AccountSid"),
		.from = field(f, "From"),
		.to = field(f, "To"),
		/* Of Twilio's words for those we place, outbound-api and outbound-dial, one is enough. */
		.direction = strncmp(field(f, "Direction"), "outbound", 8) ? "inbound" : "outbound",
	};
	char id[OUT_ID_SIZE];

	dialer_web_id(q, id);
	if (id[0])
		answer_placed(parts, base, f, id, &facts, r);
	else
		admit(parts, base, f, &facts, r);
}

void webhook_voice(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct buf base;
	struct form f;

	(void)arg;
	if (!webhook_begin(parts, q, &f, r))
		return;
	r->timing = &stats.webhook_to_twiml;
	buf_init(&base, 0);
	if (!is_sid(field(&f, "CallSid")))
		response_refusal(r, 400, "CallSid is missing or malformed");
	else if (!auth_public_url(parts->cfg, q, &base) || buf_error(&base))
		response_refusal(r, 400, "the request has no usable Host, and PUBLIC_URL is not set");
	else
		answer_call(parts, q, buf_text(&base), &f, r);
	buf_free(&base);
	form_free(&f);
}

/* ------------------------------------------------------------ what comes next */

/* The agent has handed the caller over. */
static void put_dial(const struct web_parts *parts, const struct request *q, const char *call_sid, struct response *r)
{
	char number[CALL_NUMBER_SIZE];
	struct buf action;
	int ring_seconds;

	buf_init(&action, 0);
	if (calls_destination(parts->calls, call_sid, number, &ring_seconds) &&
	    auth_public_url(parts->cfg, q, &action) && !buf_error(&action)) {
		buf_puts(&action, "/twilio/dial-done");
		twiml_dial_person(&r->body, number, ring_seconds, buf_text(&action));
	} else {
		twiml_say_hangup(&r->body, SORRY_FAULT);
	}
	buf_free(&action);
}

/* The person's telephone was answered and the conversation is over, or it was
 * not, and the caller comes back to the agent. */
static void after_dial(const struct web_parts *parts, const struct form *f, const char *base, struct response *r)
{
	const char *sid = field(f, "CallSid"), *status = field(f, "DialCallStatus"), *call = field(f, "CallStatus");
	char token[CALL_TOKEN_SIZE], instead[CALL_NUMBER_SIZE] = "";
	bool answered = !strcmp(status, "completed") || !strcmp(status, "answered");

	log_info(sid, "transfer: %.40s", status[0] ? status : "no DialCallStatus");
	if (answered) {
		calls_stay_away(parts->calls, sid);
		twiml_hangup(&r->body);
		return;
	}
	/* Nobody answered, and the caller did not wait for it. */
	if (call[0] && strcmp(call, "in-progress")) {
		twiml_hangup(&r->body);
		return;
	}
	if (calls_come_back(parts->calls, sid, status[0] ? status : "failed", token) == CALL_ADMITTED) {
		put_connect(base, f, token, r);
		return;
	}
	log_warn(sid, "transfer: the caller cannot come back to the agent");
	calls_fallback(parts->calls, sid, field(f, "To"), instead);
	twiml_dial_or_say(&r->body, instead, SORRY_AWAY);
}

void webhook_dial_done(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct buf base;
	struct form f;

	(void)arg;
	if (!webhook_begin(parts, q, &f, r))
		return;
	buf_init(&base, 0);
	if (!is_sid(field(&f, "CallSid")))
		response_refusal(r, 400, "CallSid is missing or malformed");
	else if (!auth_public_url(parts->cfg, q, &base) || buf_error(&base))
		response_refusal(r, 400, "the request has no usable Host, and PUBLIC_URL is not set");
	else
		after_dial(parts, &f, buf_text(&base), r);
	buf_free(&base);
	form_free(&f);
}

void webhook_connect_action(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	char instead[CALL_NUMBER_SIZE];
	enum call_end end;
	struct form f;

	(void)arg;
	if (!webhook_begin(parts, q, &f, r))
		return;
	end = calls_after_stream(parts->calls, field(&f, "CallSid"));
	/* A call we do not know was another process's, and ended with it. */
	switch (end == CALL_NOT_ENDED ? AFTER_APOLOGY : call_ending(end)->after) {
	case AFTER_HANGUP:
		twiml_hangup(&r->body);
		break;
	case AFTER_FAREWELL:
		twiml_say_hangup(&r->body, FAREWELL);
		break;
	case AFTER_TRANSFER:
		put_dial(parts, q, field(&f, "CallSid"), r);
		break;
	case AFTER_APOLOGY:
		calls_fallback(parts->calls, field(&f, "CallSid"), field(&f, "To"), instead);
		twiml_dial_or_say(&r->body, instead, SORRY_FAULT);
		break;
	}
	form_free(&f);
}

void webhook_stream_status(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct form f;

	(void)arg;
	if (!webhook_begin(parts, q, &f, r))
		return;
	if (!strcmp(field(&f, "StreamEvent"), "stream-error")) {
		/* 31921 is how Twilio books every close by our side, the intended ones too. */
		bool our_close = !strncmp(field(&f, "StreamError"), "31921", 5);

		log_write(our_close ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, field(&f, "CallSid"),
		    "Twilio reports a stream error: stream=%.40s error=%.200s", field(&f, "StreamSid"),
		    field(&f, "StreamError"));
	} else
		log_debug(
		    "http", "stream status: call=%.40s event=%.40s", field(&f, "CallSid"), field(&f, "StreamEvent"));
	r->status = 204;
	form_free(&f);
}

static bool is_final(const char *call_status)
{
	static const char *const final[] = { "completed", "busy", "no-answer", "failed", "canceled" };

	for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
		if (!strcmp(call_status, final[i]))
			return true;
	}
	return false;
}

void webhook_call_status(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	const char *sid, *status;
	char id[OUT_ID_SIZE];
	struct form f;

	(void)arg;
	if (!webhook_begin(parts, q, &f, r))
		return;
	sid = field(&f, "CallSid");
	status = field(&f, "CallStatus");
	dialer_web_id(q, id);
	if (parts->dialer && is_sid(sid))
		dialer_news(parts->dialer, id, sid, status);
	log_debug("http", "call status: call=%.40s status=%.40s", sid, status);
	/* The line need not wait for a stream that will not come. */
	if (is_final(status))
		calls_end(parts->calls, sid, END_CALLER_HUNG_UP);
	r->status = 204;
	form_free(&f);
}

/* A machine answered, or a person, says Twilio's detection in mid-call. */
void webhook_amd(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	const char *sid, *found;
	char id[OUT_ID_SIZE];
	cJSON *request = NULL;
	struct form f;

	(void)arg;
	if (!webhook_begin(parts, q, &f, r))
		return;
	sid = field(&f, "CallSid");
	found = field(&f, "AnsweredBy");
	dialer_web_id(q, id);
	if (parts->dialer && is_sid(sid))
		request = dialer_detected(parts->dialer, id, sid, found);
	if (request)
		dialer_web_found(parts, sid, request, found);
	cJSON_Delete(request);
	r->status = 204;
	form_free(&f);
}

/* They come late, twice, and out of order: what is final stays. */
void webhook_recording_status(
    const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct twilio_recording news;
	struct form f;

	(void)arg;
	if (!webhook_begin(parts, q, &f, r))
		return;
	news = (struct twilio_recording){
		.call_sid = field(&f, "CallSid"),
		.sid = field(&f, "RecordingSid"),
		.status = field(&f, "RecordingStatus"),
		.url = field(&f, "RecordingUrl"),
		.seconds = strtol(field(&f, "RecordingDuration"), NULL, 10),
		.channels = strtol(field(&f, "RecordingChannels"), NULL, 10),
	};
	r->status = 204;
	if (is_sid(news.call_sid) && is_sid(news.sid) && is_sid(news.status)) {
		log_info(news.call_sid, "Twilio reports a recording: %s %s", news.sid, news.status);
		twilio_recording_note(&news);
	} else {
		response_refusal(r, 400, "CallSid, RecordingSid or RecordingStatus is missing or malformed");
	}
	form_free(&f);
}

/* --------------------------------------------------------------- the stream */

/* CivetWeb checks less than RFC 6455 §4.2.1 asks, and fails a key that is too
 * long after we have claimed the line. */
static bool handshake_sound(const struct request *q, struct response *r)
{
	const char *version = request_header(q, "Sec-WebSocket-Version");
	const char *key = request_header(q, "Sec-WebSocket-Key");
	uint8_t nonce[BASE64_DECODED_MAX(24)];

	if (!request_is_upgrade(q)) {
		response_refusal(r, 426, "this address is for WebSockets");
		response_header(r, "Upgrade", "websocket");
	} else if (!version || strcmp(version, "13")) {
		response_refusal(r, 426, "the version of the WebSocket protocol must be 13");
		response_header(r, "Upgrade", "websocket");
		response_header(r, "Sec-WebSocket-Version", "13");
	} else if (!key || strlen(key) != 24 || base64_decode(nonce, key, 24) != 16) {
		response_refusal(r, 400, "Sec-WebSocket-Key must be 16 bytes in base64");
	} else {
		return true;
	}
	return false;
}

static bool admit_announced(const struct web_parts *parts, const char *token, struct response *r, struct call_ref *ref)
{
	if (!calls_claim(parts->calls, token, ref))
		return true;
	response_refusal(r, 403, "this stream was not announced, or is already in use, or came too late");
	stat_add(http_refused_token, 1);
	log_warn("http", "refused: a stream with an unknown, used or expired token");
	return false;
}

static bool admit_unannounced(const struct web_parts *parts, struct response *r, struct call_ref *ref)
{
	int err;

	if (!parts->cfg->stream_unannounced) {
		response_refusal(r, 403, "streams of other TwiML are taken with STREAM_UNANNOUNCED=on only");
		stat_add(http_refused_token, 1);
		log_warn("http", "refused: an unannounced stream, STREAM_UNANNOUNCED is off");
		return false;
	}
	if (cost_day_exceeded()) {
		response_refusal(r, 503, "no more calls today");
		stat_add(calls_refused_cost, 1);
		log_warn("http", "refused: an unannounced stream, the day has cost MAX_DAY_COST");
		return false;
	}
	if (!(err = calls_claim_unannounced(parts->calls, ref)))
		return true;
	response_refusal(r, 503, err == -ESHUTDOWN ? "shutting down" : "every line is taken");
	log_warn("http", "refused: an unannounced stream, %s", err == -ESHUTDOWN ? "shutting down" : "no line is free");
	return false;
}

bool webhooks_admit(
    const struct web_parts *parts, const struct request *q, const char *token, struct response *r, struct call_ref *ref)
{
	if (!handshake_sound(q, r) || !signature_passes(parts, q, NULL, r))
		return false;
	return *token ? admit_announced(parts, token, r, ref) : admit_unannounced(parts, r, ref);
}

/* ------------------------------------------------------------------ at start */

void webhooks_print_address(const struct config *cfg, int port, struct buf *out)
{
	if (*cfg->public_url) {
		buf_printf(out, "Twilio: when a call comes in, webhook, HTTP POST: %s/twilio/voice\n", cfg->public_url);
		buf_printf(
		    out, "Twilio: call status changes, HTTP POST:           %s/twilio/call-status\n", cfg->public_url);
		return;
	}
	buf_printf(out,
	    "Twilio: when a call comes in, webhook, HTTP POST: https://(your tunnel or proxy)/twilio/voice, "
	    "leading to http://%s:%d/twilio/voice; set PUBLIC_URL to that https:// address\n",
	    !strcmp(cfg->listen, "0.0.0.0") ? "127.0.0.1" : cfg->listen, port);
}
