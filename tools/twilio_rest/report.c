/* What was asked, what was told, what was wrong. */
#include "tools/twilio_rest/rest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct text requests, callbacks, complaints;
static size_t request_count, complaint_count;
static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;

void report_request(const char *method, const char *path, int status, int code)
{
	pthread_mutex_lock(&report_lock);
	request_count++;
	text_printf(&requests, "%s{\"at_ms\":%lld,\"method\":\"%s\",\"path\":", requests.len ? "," : "",
	    (long long)now_ms(), method);
	text_json(&requests, path);
	text_printf(&requests, ",\"status\":%d,\"code\":%d}", status, code);
	pthread_mutex_unlock(&report_lock);
}

void report_callback(const char *sid, const char *what, int status)
{
	pthread_mutex_lock(&report_lock);
	text_printf(&callbacks, "%s{\"at_ms\":%lld,\"call_sid\":\"%s\",\"what\":\"%s\",\"answer\":%d}",
	    callbacks.len ? "," : "", (long long)now_ms(), sid, what, status);
	pthread_mutex_unlock(&report_lock);
}

void report_complaint(const char *format, ...)
{
	char line[400];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	pthread_mutex_lock(&report_lock);
	complaint_count++;
	if (complaints.len)
		text_add(&complaints, ",", 1);
	text_json(&complaints, line);
	pthread_mutex_unlock(&report_lock);
}

static void put_calls(struct text *out)
{
	int64_t before = 0;
	struct call *c;
	size_t shown = 0;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; (c = call_at(i)); i++) {
		if (c->adopted)
			continue;
		text_printf(out, "%s{\"sid\":\"%s\",\"to\":\"%s\",\"from\":\"%s\",\"status\":\"%s\",",
		    shown++ ? "," : "", c->sid, c->to, c->from, status_name(c->status));
		text_printf(
		    out, "\"since_last_ms\":%lld,\"phone_exit\":", before ? (long long)(c->at_ms - before) : -1);
		if (c->phone_exit < 0)
			text_printf(out, "null");
		else
			text_printf(out, "%d", c->phone_exit);
		text_field(out, "url", c->url);
		text_field(out, "fallback_url", c->fallback_url);
		text_field(out, "status_callback", c->status_url);
		text_printf(out, ",\"detection\":\"%s\",\"async\":%s,\"record\":%s,\"timeout\":%d}", c->detection,
		    c->async_detection ? "true" : "false", c->record ? "true" : "false", c->timeout_s);
		before = c->at_ms;
	}
	pthread_mutex_unlock(&lock);
}

void report_put(struct text *out)
{
	text_printf(out, "{\"created\":[");
	put_calls(out);
	pthread_mutex_lock(&report_lock);
	text_printf(out, "],\"request_count\":%zu,\"requests\":[%s],\"callbacks\":[%s],", request_count,
	    requests.len ? requests.data : "", callbacks.len ? callbacks.data : "");
	text_printf(out, "\"complaint_count\":%zu,\"complaints\":[%s]}\n", complaint_count,
	    complaints.len ? complaints.data : "");
	pthread_mutex_unlock(&report_lock);
}
