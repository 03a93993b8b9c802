/* What the server is told while a call goes on. */
#include "tools/kit/client.h"
#include "tools/kit/file.h"
#include "tools/twilio_rest/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool server_address(char *out, size_t size)
{
	struct text file = { 0 };
	bool fine = *options.server != '@' || !file_read(options.server + 1, &file);
	const char *address = *options.server == '@' ? text_str(&file) : options.server;

	snprintf(out, size, "%.*s", (int)strcspn(address, "\r\n"), address);
	text_free(&file);
	return fine;
}

void callback_send(const char *url, const struct form *f, const char *what, const char *sid)
{
	struct text out = { 0 }, body = { 0 }, answer = { 0 };
	struct sockaddr_in to;
	char address[128], signature[SIGNATURE_MAX];
	size_t origin = strlen(options.public_url);
	int status = 0;

	if (strncmp(url, options.public_url, origin) || url[origin] != '/') {
		report_complaint("the callback %s is not on %s", url, options.public_url);
		return;
	}
	form_encode(f, &body);
	sign(signature, options.token, url, f);
	text_printf(&out, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: TwilioProxy/1.1\r\nConnection: close\r\n",
	    url + origin, strstr(options.public_url, "://") + 3);
	text_printf(&out,
	    "X-Twilio-Signature: %s\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n", signature);
	text_printf(&out, "Content-Length: %zu\r\n\r\n", body.len);
	text_add(&out, body.data, body.len);
	if (server_address(address, sizeof address) && client_resolve(address, &to))
		status = client_ask(&to, &out, 15, &answer);
	report_callback(sid, what, status);
	text_free(&out);
	text_free(&body);
	text_free(&answer);
}

static void base_form(const struct call *c, struct form *f, const char *status)
{
	form_add(f, "AccountSid", options.account);
	form_add(f, "ApiVersion", "2010-04-01");
	form_add(f, "CallSid", c->sid);
	form_add(f, "Direction", "outbound-api");
	form_add(f, "From", c->from);
	form_add(f, "Caller", c->from);
	form_add(f, "To", c->to);
	form_add(f, "Called", c->to);
	form_add(f, "CallStatus", status);
}

/* One that is to come later, or twice, or after others. */
struct letter {
	struct form form;
	char url[1024], what[24], sid[SID_SIZE];
	long wait_ms;
	bool twice;
};

static void deliver(struct letter *l)
{
	sleep_ms(l->wait_ms);
	callback_send(l->url, &l->form, l->what, l->sid);
	if (l->twice)
		callback_send(l->url, &l->form, l->what, l->sid);
	form_free(&l->form);
	free(l);
}

static void *deliver_alone(void *arg)
{
	deliver(arg);
	return NULL;
}

static void final_fields(const struct call *c, struct form *f, const char *status)
{
	long seconds = c->started && c->ended ? (long)(c->ended - c->started) : 0;
	char number[24];

	snprintf(number, sizeof number, "%ld", seconds);
	form_add(f, "CallDuration", number);
	snprintf(number, sizeof number, "%ld", (seconds + 59) / 60);
	form_add(f, "Duration", number);
	form_add(f, "SipResponseCode",
	    !strcmp(status, "busy")        ? "486"
	    : !strcmp(status, "no-answer") ? "487"
	    : !strcmp(status, "failed")    ? "404"
					   : "200");
	if (c->answered_by)
		form_add(f, "AnsweredBy", c->answered_by);
}

/* `status` as callbacks have it: initiated, ringing, in-progress, completed … */
void callback_call_status(struct call *c, const char *status)
{
	static const char *const events[] = { "initiated", "ringing", "in-progress" };
	struct letter *l = need(sizeof *l);
	const char *late;
	char date[40], number[12];
	int event = 0;
	pthread_t thread;

	while (event < 3 && strcmp(events[event], status))
		event++;
	snprintf(number, sizeof number, "%d", c->sequence++);
	if (!c->status_url || !c->told[event] || rule_holds("silent", c->to, NULL)) {
		free(l);
		return;
	}
	base_form(c, &l->form, status);
	form_add(&l->form, "CallbackSource", "call-progress-events");
	form_add(&l->form, "SequenceNumber", number);
	rfc2822(date, time(NULL));
	form_add(&l->form, "Timestamp", date);
	if (event == 3)
		final_fields(c, &l->form, status);
	snprintf(l->url, sizeof l->url, "%s", c->status_url);
	snprintf(l->what, sizeof l->what, "%s", status);
	memcpy(l->sid, c->sid, sizeof l->sid);
	l->twice = rule_holds("doubled", c->to, NULL);
	if (rule_holds("late", c->to, &late))
		l->wait_ms = strtol(late, NULL, 10);
	if (!l->wait_ms)
		deliver(l);
	else if (!pthread_create(&thread, NULL, deliver_alone, l))
		pthread_detach(thread);
}
