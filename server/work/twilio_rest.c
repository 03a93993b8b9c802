/* Requests are forms, answers JSON (API version 2010-04-01). The caller
 * decides about repeating by the outcome: a placed call rings at a person's,
 * so "unknown" is never simply tried again.
 */
#include "server/work/twilio_rest.h"

#include "common/foreign.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	ANSWER_MAX = 512 * 1024, /* a list of twenty calls has about 50 KB */
	LISTED = 20
};

/* ---------------------------------------------------------------------- settings */

const char *twilio_missing(const struct config *cfg)
{
	if (!*cfg->twilio_account_sid)
		return "TWILIO_ACCOUNT_SID is not set";
	if (*cfg->twilio_api_key_sid && !*cfg->twilio_api_key_secret)
		return "TWILIO_API_KEY_SID is set, but not TWILIO_API_KEY_SECRET";
	if (!*cfg->twilio_api_key_sid && !cfg->twilio_auth_token_count)
		return "neither TWILIO_AUTH_TOKEN nor TWILIO_API_KEY_SID is set";
	return NULL;
}

/* An API key is preferred: it can be revoked without changing the token that
 * signs Twilio's webhooks. */
void twilio_from_config(struct twilio *t, const struct config *cfg, const _Atomic bool *cancel)
{
	bool key = *cfg->twilio_api_key_sid;

	*t = (struct twilio){
		.api_url = cfg->twilio_api_url,
		.account_sid = cfg->twilio_account_sid,
		.user = key ? cfg->twilio_api_key_sid : cfg->twilio_account_sid,
		.password = key                            ? cfg->twilio_api_key_secret
			    : cfg->twilio_auth_token_count ? cfg->twilio_auth_tokens[0]
							   : "",
		.ca_file = cfg->https_ca_file,
		.cancel = cancel,
	};
}

/* -------------------------------------------------------------------------- pure */

/* RFC 3986 §2.3 leaves these; a space becomes %20, never '+'. */
void twilio_put_field(struct buf *form, const char *name, const char *value)
{
	buf_printf(form, "%s%s=", form->len ? "&" : "", name);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (isalnum(c) || strchr("-_.~", c))
			buf_putc(form, (char)c);
		else
			buf_printf(form, "%%%02X", c);
	}
}

static void put_number(struct buf *form, const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	twilio_put_field(form, name, text);
}

/* RFC 2822, and always UTC. */
int64_t twilio_date(const char *text)
{
	struct tm tm = { 0 };
	const char *end = text ? strptime(text, "%a, %d %b %Y %H:%M:%S +0000", &tm) : NULL;

	return end && !*end ? (int64_t)timegm(&tm) : -1;
}

/* Text of theirs for our logs and answers: one line, UTF-8. */
static void take_message(struct twilio_answer *out, const char *text)
{
	size_t len = strlen(text);

	if (len >= sizeof out->message) {
		len = sizeof out->message - 1;
		/* Back to the start of a character. */
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
	}
	snprintf(out->message, sizeof out->message, "%.*s", (int)len, text);
	for (char *p = out->message; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

/* The one distinction that matters for a new call: it may have been placed,
 * or it was certainly not. */
static void no_answer(const struct fetch_response *http, struct twilio_answer *out)
{
	out->outcome = http->sent ? TWILIO_UNKNOWN : TWILIO_NOT_SENT;
	take_message(out, http->error[0] ? http->error : fetch_failure_name(http->failure));
}

/* A proxy or a load balancer answers without JSON: the status comes first.
 * 429 is Twilio's promise that nothing was done. */
void twilio_judge(const struct fetch_response *http, struct twilio_answer *out)
{
	double code;
	char text[64];

	*out = (struct twilio_answer){ .status = http->status, .retry_after_s = http->retry_after_s };
	if (http->failure != FETCH_OK) {
		no_answer(http, out);
		return;
	}
	out->json = foreign_json(buf_text(&http->body), http->body.len);
	if (http->status >= 200 && http->status < 300) {
		out->outcome = cJSON_IsObject(out->json) ? TWILIO_OK : TWILIO_UNKNOWN;
		if (out->outcome == TWILIO_UNKNOWN)
			take_message(out, "Twilio's answer is not a JSON object");
		return;
	}
	out->outcome = http->status == 429                          ? TWILIO_BUSY
		       : http->status >= 500 || http->status == 408 ? TWILIO_UNKNOWN
								    : TWILIO_REFUSED;
	if (json_num(out->json, "code", &code) && code > 0 && code < 1000000)
		out->code = (int)code;
	snprintf(text, sizeof text, "Twilio answered with HTTP status %d", http->status);
	take_message(out, json_str(out->json, "message") ? json_str(out->json, "message") : text);
}

void twilio_answer_free(struct twilio_answer *answer)
{
	cJSON_Delete(answer->json);
	answer->json = NULL;
}

/* ---------------------------------------------------------------------- requests */

/* `path` behind the account's, with the query of a GET in it. */
static void ask(
    const struct twilio *t, const char *method, const char *path, const struct buf *form, struct twilio_answer *out)
{
	struct fetch_response http;
	struct buf url;

	buf_init(&url, 0);
	buf_printf(&url, "%s/2010-04-01/Accounts/%s%s", t->api_url, t->account_sid, path);
	if (buf_error(&url) || (form && buf_error(form))) {
		*out = (struct twilio_answer){ .outcome = TWILIO_NOT_SENT, .retry_after_s = -1 };
		take_message(out, "out of memory");
	} else {
		fetch(&(struct fetch_request){ .method = method,
			  .url = buf_text(&url),
			  .headers = { "Content-Type: application/x-www-form-urlencoded", "Accept: application/json" },
			  .header_count = 2,
			  .user = t->user,
			  .password = t->password,
			  .body = form ? buf_text(form) : NULL,
			  .body_len = form ? form->len : 0,
			  .timeout_ms = TWILIO_TIMEOUT_MS,
			  .response_max = ANSWER_MAX,
			  .ca_file = t->ca_file,
			  .cancel = t->cancel },
		    &http);
		twilio_judge(&http, out);
		fetch_response_free(&http);
	}
	buf_free(&url);
}

/* One field an event, the way Twilio wants its lists. All four go to the
 * dialer, which must see a call end in every way. */
static void put_status_callback(struct buf *form, const char *url)
{
	twilio_put_field(form, "StatusCallback", url);
	twilio_put_field(form, "StatusCallbackMethod", "POST");
	twilio_put_field(form, "StatusCallbackEvent", "initiated");
	twilio_put_field(form, "StatusCallbackEvent", "ringing");
	twilio_put_field(form, "StatusCallbackEvent", "answered");
	twilio_put_field(form, "StatusCallbackEvent", "completed");
}

/* Detection runs beside the conversation: the person called hears no silence
 * while Twilio listens for a machine. "DetectMessageEnd" reports a machine
 * at its beep, when a message can be spoken. */
static void put_detection(struct buf *form, const char *url)
{
	twilio_put_field(form, "MachineDetection", "DetectMessageEnd");
	twilio_put_field(form, "AsyncAmd", "true");
	twilio_put_field(form, "AsyncAmdStatusCallback", url);
	twilio_put_field(form, "AsyncAmdStatusCallbackMethod", "POST");
}

/* An answer without a sid is "unknown": the call may be ringing. */
void twilio_create_call(const struct twilio *t, const struct twilio_new_call *call, struct twilio_answer *out)
{
	struct buf form;

	buf_init(&form, 0);
	twilio_put_field(&form, "To", call->to);
	twilio_put_field(&form, "From", call->from);
	twilio_put_field(&form, "Url", call->voice_url);
	twilio_put_field(&form, "Method", "POST");
	if (call->fallback_url)
		twilio_put_field(&form, "FallbackUrl", call->fallback_url);
	if (call->status_url)
		put_status_callback(&form, call->status_url);
	if (call->amd_url)
		put_detection(&form, call->amd_url);
	if (call->ring_seconds)
		put_number(&form, "Timeout", call->ring_seconds);
	if (call->longest_seconds)
		put_number(&form, "TimeLimit", call->longest_seconds);
	ask(t, "POST", "/Calls.json", &form, out);
	buf_free(&form);
	if (out->outcome == TWILIO_OK && !json_str(out->json, "sid")) {
		out->outcome = TWILIO_UNKNOWN;
		take_message(out, "Twilio's answer names no call");
	}
}

static void update_call(
    const struct twilio *t, const char *call_sid, const char *name, const char *value, struct twilio_answer *out)
{
	char path[FOREIGN_ID_SIZE + 32];
	struct buf form;

	buf_init(&form, 0);
	twilio_put_field(&form, name, value);
	snprintf(path, sizeof path, "/Calls/%s.json", call_sid);
	ask(t, "POST", path, &form, out);
	buf_free(&form);
}

/* "canceled" would be refused once it is answered; this never is. */
void twilio_end_call(const struct twilio *t, const char *call_sid, struct twilio_answer *out)
{
	update_call(t, call_sid, "Status", "completed", out);
}

void twilio_redirect_call(const struct twilio *t, const char *call_sid, const char *twiml, struct twilio_answer *out)
{
	update_call(t, call_sid, "Twiml", twiml, out);
}

void twilio_fetch_call(const struct twilio *t, const char *call_sid, struct twilio_answer *out)
{
	char path[FOREIGN_ID_SIZE + 32];

	snprintf(path, sizeof path, "/Calls/%s.json", call_sid);
	ask(t, "GET", path, NULL, out);
}

/* Of a list it must be one: what it is called there is a member of the answer. */
static void want_list(struct twilio_answer *out, const char *name)
{
	if (out->outcome != TWILIO_OK || cJSON_IsArray(json_get(out->json, name)))
		return;
	out->outcome = TWILIO_UNKNOWN;
	take_message(out, "Twilio's answer holds no such list");
}

void twilio_fetch_account(const struct twilio *t, struct twilio_answer *out)
{
	ask(t, "GET", ".json", NULL, out);
}

/* Asks for a list of what fits the query, which is freed. */
static void ask_for_list(
    const struct twilio *t, const char *resource, struct buf *query, const char *name, struct twilio_answer *out)
{
	struct buf path;

	buf_init(&path, 0);
	buf_printf(&path, "/%s.json?%s", resource, buf_text(query));
	ask(t, "GET", buf_text(&path), NULL, out);
	buf_free(&path);
	buf_free(query);
	want_list(out, name);
}

void twilio_find_number(const struct twilio *t, const char *number, struct twilio_answer *out)
{
	struct buf query;

	buf_init(&query, 0);
	twilio_put_field(&query, "PhoneNumber", number);
	ask_for_list(t, "IncomingPhoneNumbers", &query, "incoming_phone_numbers", out);
}

/* For an order whose answer was lost: the dialer looks whether its call is
 * there. */
void twilio_list_calls(const struct twilio *t, const char *to, const char *from, struct twilio_answer *out)
{
	struct buf query;

	buf_init(&query, 0);
	twilio_put_field(&query, "To", to);
	twilio_put_field(&query, "From", from);
	put_number(&query, "PageSize", LISTED);
	ask_for_list(t, "Calls", &query, "calls", out);
}

/* "absent" is reported too: without it we would wait for a recording that
 * never comes. */
void twilio_start_recording(
    const struct twilio *t, const char *call_sid, const char *status_url, struct twilio_answer *out)
{
	struct buf form;
	char path[FOREIGN_ID_SIZE + 32];

	buf_init(&form, 0);
	twilio_put_field(&form, "RecordingChannels", "dual");
	twilio_put_field(&form, "RecordingTrack", "both");
	twilio_put_field(&form, "RecordingStatusCallback", status_url);
	twilio_put_field(&form, "RecordingStatusCallbackMethod", "POST");
	twilio_put_field(&form, "RecordingStatusCallbackEvent", "in-progress");
	twilio_put_field(&form, "RecordingStatusCallbackEvent", "completed");
	twilio_put_field(&form, "RecordingStatusCallbackEvent", "absent");
	snprintf(path, sizeof path, "/Calls/%s/Recordings.json", call_sid);
	ask(t, "POST", path, &form, out);
	buf_free(&form);
}
