/* Requests to the bridge's webhooks, as Twilio makes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/phone/call.h"
#include "tools/phone/clock.h"
#include "tools/phone/request.h"

struct asked {
	struct call *call;
	webhook_done *done;
	char *path; /* owned */
	int tries;  /* by #rc= in the address: how often it may be asked again */
	struct text bytes;
	struct timer retry;
};

/* rp=all alone: after any failure. */
static int tries_of(const char *url)
{
	const char *fragment = strchr(url, '#'), *count = fragment ? strstr(fragment, "rc=") : NULL;

	return count && strstr(fragment, "rp=all") ? atoi(count + 3) : 0;
}

static size_t origin_length(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
}

char *webhook_resolve(const struct call *c, const char *reference)
{
	struct text url = { 0 };
	const char *base = c->document_url ? c->document_url : c->options->public_url;
	char *copy;

	if (strstr(reference, "://")) {
		text_puts(&url, reference);
	} else if (*reference == '/') {
		text_add(&url, base, origin_length(base));
		text_puts(&url, reference);
	} else if (!*reference) {
		text_puts(&url, base);
	} else {
		const char *path = base + origin_length(base);
		const char *slash = memrchr(path, '/', strcspn(path, "?#"));

		text_add(&url, base, slash ? (size_t)(slash + 1 - base) : origin_length(base));
		if (!slash)
			text_puts(&url, "/");
		text_puts(&url, reference);
	}
	copy = need_copy(text_str(&url));
	text_free(&url);
	return copy;
}

const char *webhook_path(const struct call *c, const char *url)
{
	const char *host = strstr(url, "://"), *mine = strstr(c->options->public_url, "://");
	size_t n;

	if (!host || !mine)
		return NULL;
	host += 3;
	mine += 3;
	n = strcspn(mine, "/?#");
	if (strcspn(host, "/?#") != n || strncmp(host, mine, n) != 0)
		return NULL;
	return host[n] ? host + n : "/";
}

void webhook_base_form(const struct call *c, struct form *f, const char *call_status)
{
	form_set(f, "AccountSid", c->options->account);
	form_set(f, "ApiVersion", "2010-04-01");
	form_set(f, "CallSid", c->sid);
	form_set(f, "Direction", c->options->outbound ? "outbound-api" : "inbound");
	form_set(f, "From", c->from);
	form_set(f, "Caller", c->from);
	form_set(f, "To", c->options->to);
	form_set(f, "Called", c->options->to);
	form_set(f, "CallStatus", call_status);
}

void webhook_dial_form(const struct call *c, struct form *f)
{
	bool completed = strcmp(c->options->dial, "completed") == 0;

	webhook_base_form(c, f, "in-progress");
	form_set(f, "DialCallStatus", c->options->dial);
	form_set(f, "DialCallSid", "CAdddddddddddddddddddddddddddddddd");
	form_set(f, "DialCallDuration", completed ? "12" : "0");
	form_set(f, "DialBridged", completed ? "true" : "false");
}

void webhook_add_cities(struct form *f)
{
	static const char *const sides[] = { "From", "Caller", "To", "Called" };

	for (int i = 0; i < 4; i++) {
		char name[20];

		snprintf(name, sizeof name, "%sCity", sides[i]);
		form_set(f, name, i < 2 ? "WASHINGTON" : "");
		snprintf(name, sizeof name, "%sState", sides[i]);
		form_set(f, name, "DC");
		snprintf(name, sizeof name, "%sZip", sides[i]);
		form_set(f, name, i < 2 ? "20005" : "");
		snprintf(name, sizeof name, "%sCountry", sides[i]);
		form_set(f, name, "US");
	}
	form_set(f, "StirVerstat", "TN-Validation-Passed-A");
}

void webhook_headers(const struct call *c, struct text *out)
{
	const char *host = strstr(c->options->public_url, "://");

	host = host ? host + 3 : c->options->public_url;
	text_printf(out, "Host: %.*s\r\n", (int)strcspn(host, "/?#"), host);
	for (size_t i = 0; i < c->options->header_count; i++)
		text_printf(out, "%s\r\n", c->options->header[i]);
}

static void add_signature(struct call *c, struct text *out, const char *url, const struct form *f)
{
	struct text signed_url = { 0 };
	char signature[SIGNATURE_MAX];

	if (!c->options->token || has_fault(c->options, FAULT_NO_SIGNATURE))
		return;
	sign_webhook_url(&signed_url, url);
	sign(signature, c->options->token, text_str(&signed_url), f);
	if (has_fault(c->options, FAULT_BAD_SIGNATURE))
		signature[0] = signature[0] == 'A' ? 'B' : 'A';
	text_printf(out, "X-Twilio-Signature: %s\r\n", signature);
	text_free(&signed_url);
}

static void ask_again(struct timer *t, uint64_t now_ns);

static void on_answer(struct request *r, const char *error)
{
	struct asked *a = r->note;
	struct call *c = a->call;
	char warning[300];

	if (a->tries && (error || r->in.status > 299)) {
		a->tries--;
		a->retry.fire = ask_again;
		note_event(c, "asks %s again: %s", a->path, error ? error : "it was refused");
		timer_set(c->loop, &a->retry, mono_ns() + (uint64_t)c->options->retry_ms * NS_PER_MS);
		return;
	}
	c->requests--;
	if (!error && (r->in.status < 200 || r->in.status > 299)) {
		snprintf(warning, sizeof warning, "11200 %.200s answered %d", a->path, r->in.status);
		note_warning(c, warning);
	} else if (error) {
		snprintf(warning, sizeof warning, "%.40s (%.200s)", error, a->path);
		note_warning(c, warning);
	}
	a->done(c, r, error);
	free(a->path);
	text_free(&a->bytes);
	free(a);
}

static void ask_again(struct timer *t, uint64_t now_ns)
{
	struct asked *a = OWNER(t, struct asked, retry);
	struct text out = { 0 };

	(void)now_ns;
	text_add(&out, text_str(&a->bytes), a->bytes.len);
	request_begin(a->call->loop, &a->call->options->address, &out, a->call->options->patience_s * 1000, 0,
	    on_answer, a->call, a);
}

void webhook_ask(struct call *c, const char *reference, bool get, const struct form *form, webhook_done *done)
{
	struct asked *a = need(sizeof *a);
	char *url = webhook_resolve(c, reference);
	const char *path = webhook_path(c, url);
	struct text out = { 0 }, body = { 0 };
	bool first = c->documents == 0;
	struct text full = { 0 };

	*a = (struct asked){ .call = c, .done = done, .path = need_copy(path ? path : url), .tries = tries_of(url) };
	c->requests++;
	if (!path) {
		/* Twilio would go there; this phone speaks to one server only. */
		struct request elsewhere = { .note = a };

		on_answer(&elsewhere, "11200 the URL names another host");
		free(url);
		return;
	}
	form_encode(form, &body);
	text_puts(&full, url);
	if (get && body.len) {
		text_puts(&full, strchr(url, '?') ? "&" : "?");
		text_add(&full, body.data, body.len);
		path = webhook_path(c, text_str(&full));
	}
	text_printf(&out, "%s %.*s HTTP/1.1\r\n", get ? "GET" : "POST", (int)strcspn(path, "#"), path);
	webhook_headers(c, &out);
	text_puts(&out, "User-Agent: TwilioProxy/1.1\r\nAccept: */*\r\nConnection: close\r\n");
	text_printf(&out, "I-Twilio-Idempotency-Token: %s-%d\r\n", c->sid, c->documents);
	add_signature(c, &out, text_str(&full), get ? NULL : form);
	if (!get)
		text_printf(&out,
		    "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: %zu\r\n",
		    body.len);
	text_puts(&out, "\r\n");
	if (!get)
		text_add(&out, text_str(&body), body.len);
	text_add(&a->bytes, text_str(&out), out.len);
	if (first)
		mischief_webhook(c, &out, form);
	request_begin(c->loop, &c->options->address, &out, c->options->patience_s * 1000,
	    first && has_fault(c->options, FAULT_SLOW_BODY) ? c->options->fault[FAULT_SLOW_BODY].value : 0, on_answer,
	    c, a);
	text_free(&body);
	text_free(&full);
	free(url);
}

void webhook_ignore(struct call *c, const struct request *r, const char *error)
{
	(void)r;
	(void)error;
	if (c->finishing && !c->requests)
		c->over(c);
}

void webhook_stream_status(struct call *c, const char *event, const char *error)
{
	struct form f = { 0 };
	char stamp[40], now[64];
	struct timespec t;
	struct tm tm;
	const struct verb *v = c->stream.verb;

	if (c->options->no_status || !v->status_url)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(now, sizeof now, "%s.%03ldZ", stamp, t.tv_nsec / 1000000);
	form_set(&f, "AccountSid", c->options->account);
	form_set(&f, "CallSid", c->sid);
	form_set(&f, "StreamSid", c->stream.sid);
	form_set(&f, "StreamName", v->name ? v->name : c->stream.sid);
	form_set(&f, "Timestamp", now);
	form_set(&f, "StreamEvent", event);
	if (error)
		form_set(&f, "StreamError", error);
	webhook_ask(c, v->status_url, v->status_get, &f, webhook_ignore);
	form_free(&f);
}

void webhook_call_status(struct call *c, const char *status)
{
	struct form f = { 0 };
	char stamp[64], seconds[24], minutes[24];
	struct text url = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	uint64_t lasted = (mono_ns() - c->begun_ns) / NS_PER_S;

	/* Who placed the call tells what becomes of it. */
	if (c->options->no_status || c->options->outbound)
		return;
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)lasted);
	snprintf(minutes, sizeof minutes, "%llu", (unsigned long long)(lasted + 59) / 60);
	webhook_base_form(c, &f, status);
	form_set(&f, "CallbackSource", "call-progress-events");
	form_set(&f, "SequenceNumber", "0");
	form_set(&f, "Timestamp", stamp);
	form_set(&f, "CallDuration", seconds);
	form_set(&f, "Duration", minutes);
	form_set(&f, "SipResponseCode", strcmp(status, "busy") == 0 ? "486" : "200");
	text_printf(&url, "%s%s", c->options->public_url, c->options->status_path);
	webhook_ask(c, text_str(&url), false, &f, webhook_ignore);
	text_free(&url);
	form_free(&f);
}
