/* Which resource is asked for, by whom, and what Twilio answers. */
#include "tools/twilio_rest/rest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json"

enum { TWIML_IN_A_FORM = 4000 };

void answer_error(struct answer *a, int status, int code, const char *message)
{
	a->status = status;
	a->code = code;
	a->type = JSON_TYPE;
	text_free(&a->body);
	text_printf(&a->body, "{\"code\":%d", code);
	text_field(&a->body, "message", message);
	text_printf(&a->body, ",\"more_info\":\"https://www.twilio.com/docs/errors/%d\",\"status\":%d}", code, status);
}

void answer_not_found(struct answer *a, const struct http_request *q)
{
	char line[1200];

	snprintf(line, sizeof line, "The requested resource %s was not found", q->path);
	answer_error(a, 404, 20404, line);
}

static bool credentials(const char *header, const char *user, const char *password)
{
	char plain[300], coded[420] = "Basic ";
	int n = snprintf(plain, sizeof plain, "%s:%s", user ? user : "", password ? password : "");

	if (!user || !password || n < 0 || (size_t)n >= sizeof plain)
		return false;
	EVP_EncodeBlock((unsigned char *)coded + 6, (unsigned char *)plain, n);
	return !strcmp(header, coded);
}

/* ---------------------------------------------------------------------- creating */

static void spoil(struct answer *a, const char *to)
{
	const char *value;

	if (rule_holds("timeout", to, NULL))
		a->how = ANSWER_NEVER;
	if (rule_holds("reset", to, NULL))
		a->how = ANSWER_RESET;
	if (rule_holds("500", to, NULL))
		answer_error(a, 500, 20500, "An internal server error has occurred");
	if (rule_holds("garbage", to, NULL)) {
		text_free(&a->body);
		text_printf(&a->body, "<html><body>upstream said something</body></html>");
		a->type = "text/html";
	}
	if (rule_holds("slow", to, &value))
		a->wait_ms = strtol(value, NULL, 10);
}

static bool turned_away(struct answer *a, const char *to)
{
	static _Thread_local char header[64];
	const char *value;

	if (rule_holds("429", to, &value)) {
		answer_error(a, 429, 20429, "Too Many Requests");
		if (*value) {
			snprintf(header, sizeof header, "Retry-After: %s\r\n", value);
			a->headers = header;
		}
	} else if (rule_holds("401", to, NULL)) {
		answer_error(a, 401, 20003, "Authenticate");
	} else if (rule_holds("500-lost", to, NULL)) {
		answer_error(a, 500, 20500, "An internal server error has occurred");
	} else {
		return false;
	}
	return true;
}

static void create(const struct form *f, struct answer *a)
{
	const char *to = form_get(f, "To") ? form_get(f, "To") : "";
	struct call made = { 0 }, *c;
	char why[300];
	int code;

	if (turned_away(a, to))
		return;
	code = create_check(f, &made, why, sizeof why);
	if (code) {
		answer_error(a, 400, code, why);
		return;
	}
	pthread_mutex_lock(&lock);
	c = call_new();
	*c = made;
	c->phone_exit = -1;
	sid_new(c->sid, "CA");
	c->created = time(NULL);
	c->at_ms = now_ms();
	a->status = 201;
	call_json(c, &a->body);
	life_begin(c);
	pthread_mutex_unlock(&lock);
	spoil(a, to);
}

/* ---------------------------------------------------------------------- changing */

static void not_changeable(struct answer *a)
{
	answer_error(a, 400, 21220, "Call is not in-progress. Cannot redirect.");
}

static void set_status(struct call *c, const char *status, struct answer *a)
{
	bool cancel = !strcmp(status, "canceled");

	if (!cancel && strcmp(status, "completed")) {
		answer_error(a, 400, 21218, "Invalid Status.");
	} else if (is_final(c->status) || (cancel && c->status == IN_PROGRESS)) {
		not_changeable(a);
	} else if (c->status != IN_PROGRESS) {
		c->cancel = true;
		c->status = c->status == QUEUED ? CANCELED : c->status;
		call_json(c, &a->body);
	} else {
		if (!phone_order(c, "hangup"))
			report_complaint("no phone to hang up: %s", c->sid);
		call_json(c, &a->body);
	}
}

/* In a document that came over the API all addresses are whole ones (protocols: "action URLs in it must be absolute"). */
static bool is_relative(const char *twiml)
{
	static const char *const names[] = { " action=\"", " url=\"", " statusCallback=\"" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (const char *at = twiml; (at = strstr(at, names[i]));) {
			at += strlen(names[i]);
			if (strncmp(at, "https://", 8) && strncmp(at, "wss://", 6))
				return true;
		}
	return false;
}

/* The last part of the stream's path is another: the server will not open it. */
static void lose_stream(char *twiml)
{
	char *at = strstr(twiml, "<Stream url=\""), *end = at ? strchr(at + strlen("<Stream url=\""), '"') : NULL;

	if (end)
		end[-1] = end[-1] == '0' ? '1' : '0';
}

static void redirect(struct call *c, const char *url, const char *twiml, struct answer *a)
{
	const char *code;
	struct text order = { 0 };

	if (turned_away(a, c->to))
		return;
	if (rule_holds("refuse-update", c->to, &code)) {
		answer_error(a, 400, (int)strtol(code, NULL, 10), "The update was refused.");
		return;
	}
	if (twiml && (strlen(twiml) > TWIML_IN_A_FORM || is_relative(twiml))) {
		report_complaint("TwiML with an address that is not whole, or too long: %.300s", twiml);
		answer_error(a, 400, 21205, "Twiml is not valid.");
		return;
	}

	if (url && twiml) {
		answer_error(a, 400, 21205, "Url and Twiml exclude each other.");
		return;
	}
	if (c->status != IN_PROGRESS) {
		not_changeable(a);
		return;
	}
	text_printf(&order, url ? "url %s" : "twiml\n%s", url ? url : twiml);
	if (rule_holds("lose-stream", c->to, NULL))
		lose_stream(order.data);
	if (rule_holds("ignore-update", c->to, NULL) || phone_order(c, order.data))
		call_json(c, &a->body);
	else
		not_changeable(a);
	text_free(&order);
	if (a->status == 200)
		spoil(a, c->to);
}

static void update(struct call *c, const struct form *f, struct answer *a)
{
	const char *status = form_get(f, "Status"), *url = form_get(f, "Url"), *twiml = form_get(f, "Twiml");

	if (status)
		set_status(c, status, a);
	else if (url || twiml)
		redirect(c, url, twiml, a);
	else
		call_json(c, &a->body);
}

/* -------------------------------------------------------------------- recordings */

static void record(struct call *c, const struct form *f, struct answer *a)
{
	static const char *const events[] = { "in-progress", "completed", "absent" };
	const char *channels = form_get(f, "RecordingChannels"), *track = form_get(f, "RecordingTrack");
	const char *url = form_get(f, "RecordingStatusCallback");
	struct recording *r;
	bool any = false;

	if (c->status != IN_PROGRESS) {
		answer_error(a, 400, 21220, "Requested resource is not eligible for recording");
		return;
	}
	if ((channels && strcmp(channels, "mono") && strcmp(channels, "dual")) ||
	    (track && strcmp(track, "inbound") && strcmp(track, "outbound") && strcmp(track, "both"))) {
		answer_error(a, 400, 20001, "RecordingChannels or RecordingTrack is not valid");
		return;
	}
	r = recording_new(c, "StartCallRecordingAPI");
	r->channels = channels && !strcmp(channels, "dual") ? 2 : 1;
	snprintf(r->track, sizeof r->track, "%s", track ? track : "both");
	r->url = url ? need_copy(url) : NULL;
	for (size_t i = 0; i < f->count; i++) {
		/* Repeated, or several words in one. */
		for (int e = 0; e < 3 && !strcmp(f->field[i].name, "RecordingStatusCallbackEvent"); e++)
			any |= r->told[e] = r->told[e] || strstr(f->field[i].value, events[e]);
	}
	if (!any)
		r->told[1] = true;
	a->status = 201;
	recording_json(r, &a->body);
	recording_tell(r, "in-progress");
}

static void change_recording(
    struct call *c, const char *sid, const struct form *f, struct answer *a, const struct http_request *q)
{
	const char *status = form_get(f, "Status");
	struct recording *r = recording_find(sid), *each;

	for (size_t i = 0; !strcmp(sid, "Twilio.CURRENT") && (each = recording_at(i)); i++)
		if (!strcmp(each->call_sid, c->sid) && strcmp(each->status, "completed"))
			r = each;
	if (!r || strcmp(r->call_sid, c->sid)) {
		answer_not_found(a, q);
	} else if (!status ||
		   (strcmp(status, "stopped") && strcmp(status, "paused") && strcmp(status, "in-progress"))) {
		answer_error(a, 400, 20001, "Status is not valid");
	} else if (!strcmp(status, "stopped")) {
		recording_tell(r, "completed");
		recording_json(r, &a->body);
	} else {
		r->status = !strcmp(status, "paused") ? "paused" : "in-progress";
		recording_json(r, &a->body);
	}
}

/* ------------------------------------------------------------------------ routes */

/* Behind /Calls/: SID.json, SID/Recordings.json, SID/Recordings/SID.json. */
static void one_call(const char *rest, const struct http_request *q, const struct form *f, struct answer *a)
{
	bool post = !strcmp(q->method, "POST");
	char sid[SID_SIZE], recording[SID_SIZE] = "";
	struct call *c;

	snprintf(sid, sizeof sid, "%.*s", (int)strcspn(rest, "./"), rest);
	rest += strcspn(rest, "./");
	pthread_mutex_lock(&lock);
	c = call_find(sid);
	if (!c)
		answer_not_found(a, q);
	else if (!strcmp(rest, ".json") && post)
		update(c, f, a);
	else if (!strcmp(rest, ".json"))
		call_json(c, &a->body);
	else if (!strcmp(rest, "/Recordings.json") && post)
		record(c, f, a);
	else if (sscanf(rest, "/Recordings/%34[A-Za-z0-9.]", recording) == 1 && post) {
		char *json = strstr(recording, ".json");

		if (json)
			*json = '\0';
		change_recording(c, recording, f, a, q);
	} else
		answer_not_found(a, q);
	pthread_mutex_unlock(&lock);
}

/* Its own numbers, all of which lead to the server under test; the account. */
static void put_numbers(const struct form *query, struct text *out)
{
	const char *wanted = form_get(query, "PhoneNumber"), *before = "";

	text_printf(out, "{\"page\":0,\"incoming_phone_numbers\":[");
	for (size_t i = 0; i < options.own_count; i++) {
		if (wanted && strcmp(wanted, options.own[i]))
			continue;
		text_printf(out, "%s{\"sid\":\"PN%032zu\",\"phone_number\":\"%s\",\"voice_url\":\"%s/twilio/voice\"}",
		    before, i, options.own[i], options.public_url);
		before = ",";
	}
	text_printf(out, "]}");
}

static void route(const struct http_request *q, const char *rest, struct answer *a)
{
	bool post = !strcmp(q->method, "POST");
	struct form f = { 0 }, query = { 0 };
	char type[128];

	http_header(text_str(&q->head), "Content-Type", type, sizeof type);
	if (post && strncmp(type, "application/x-www-form-urlencoded", 33)) {
		answer_error(a, 415, 20415, "The body must be a form");
	} else if ((post && !form_read(&f, text_str(&q->body), q->body.len)) ||
		   !form_read(&query, q->query, strlen(q->query))) {
		answer_error(a, 400, 20001, "The form cannot be read");
	} else if (!strcmp(rest, "/Calls.json") && post) {
		create(&f, a);
	} else if (!strcmp(rest, "/Calls.json")) {
		pthread_mutex_lock(&lock);
		calls_list(&query, &a->body);
		pthread_mutex_unlock(&lock);
	} else if (!strncmp(rest, "/Calls/", 7)) {
		one_call(rest + 7, q, &f, a);
	} else if (!strcmp(rest, "/IncomingPhoneNumbers.json")) {
		put_numbers(&query, &a->body);
	} else if (!strncmp(rest, "/Recordings/", 12)) {
		media_serve(rest + 12, a, q);
	} else {
		answer_not_found(a, q);
	}
	form_free(&f);
	form_free(&query);
}

void api_serve(const struct http_request *q, struct answer *a)
{
	char mine[100], account[100], shown[512];
	int n = snprintf(mine, sizeof mine, "/2010-04-01/Accounts/%s/", options.account);

	snprintf(account, sizeof account, "/2010-04-01/Accounts/%s.json", options.account);
	a->status = 200;
	a->type = JSON_TYPE;
	a->headers = "";
	/* Not Twilio's: for whoever tests with us. */
	if (!strcmp(q->path, "/standin/report")) {
		report_put(&a->body);
		return;
	}
	http_header(text_str(&q->head), "Authorization", shown, sizeof shown);
	if (!credentials(shown, options.account, options.token) &&
	    !credentials(shown, options.key_sid, options.key_secret))
		answer_error(a, 401, 20003, "Authenticate");
	else if (!strcmp(q->path, account))
		text_printf(&a->body, "{\"sid\":\"%s\",\"status\":\"active\",\"type\":\"Full\"}", options.account);
	else if (strncmp(q->path, mine, (size_t)n))
		answer_not_found(a, q);
	else if (strcmp(q->method, "GET") && strcmp(q->method, "HEAD") && strcmp(q->method, "POST"))
		answer_error(a, 405, 20004, "Method not allowed");
	else
		route(q, q->path + n - 1, a);
	report_request(q->method, q->path, a->status, a->code);
}
