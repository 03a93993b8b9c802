/* Every parameter of a new call, judged as Twilio judges it. */
#include "tools/twilio_rest/rest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_e164(const char *s)
{
	size_t digits = *s == '+' ? strspn(s + 1, "0123456789") : 0;

	return digits >= 7 && digits <= 15 && !s[1 + digits] && s[1] != '0';
}

static bool is_url(const char *s)
{
	const char *host;
	size_t n;

	if (strncmp(s, "https://", 8) && strncmp(s, "http://", 7))
		return false;
	host = strstr(s, "://") + 3;
	n = strcspn(host, ":/?#");
	/* A host with an underscore, or without a dot, Twilio cannot reach. */
	return n && !memchr(host, '_', n) && memchr(host, '.', n) && !strchr(s, ' ') && strlen(s) < 4000;
}

static bool one_of(const char *s, const char *words)
{
	size_t n = strlen(s);

	for (const char *at = words; (at = strstr(at, s)); at += n)
		if ((at == words || at[-1] == '|') && (at[n] == '|' || !at[n]) && n)
			return true;
	return false;
}

static bool number_between(const char *s, long from, long to)
{
	char *end;
	long n = strtol(s, &end, 10);

	return *s && !*end && n >= from && n <= to;
}

static int refuse(char *why, size_t size, int code, const char *format, ...) SHAPE(4);
static int refuse(char *why, size_t size, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, size, format, args);
	va_end(args);
	return code;
}

enum shape { ANY, URL, WORD, NUMBER, EVENTS };

static const struct {
	const char *name;
	enum shape shape;
	const char *words; /* WORD, EVENTS */
	long from, to;     /* NUMBER */
	int code;          /* what Twilio says to a wrong one */
} parameters[] = {
	{ .name = "To" },
	{ .name = "From" },
	{ "Url", URL, .code = 21205 },
	{ .name = "Twiml" },
	{ "Method", WORD, .words = "GET|POST", .code = 21207 },
	{ "FallbackUrl", URL, .code = 21205 },
	{ "FallbackMethod", WORD, .words = "GET|POST", .code = 21207 },
	{ "StatusCallback", URL, .code = 21609 },
	{ "StatusCallbackMethod", WORD, .words = "GET|POST", .code = 21207 },
	{ "StatusCallbackEvent", EVENTS, .words = "initiated|ringing|answered|completed", .code = 21626 },
	{ "Timeout", NUMBER, .from = 1, .to = 600, .code = 20001 },
	{ "TimeLimit", NUMBER, .from = 1, .to = 86400, .code = 20001 },
	{ .name = "SendDigits" },
	{ "Record", WORD, .words = "true|false", .code = 20001 },
	{ "RecordingChannels", WORD, .words = "mono|dual", .code = 20001 },
	{ "RecordingTrack", WORD, .words = "inbound|outbound|both", .code = 20001 },
	{ "RecordingStatusCallback", URL, .code = 21609 },
	{ "RecordingStatusCallbackMethod", WORD, .words = "GET|POST", .code = 21207 },
	{ "RecordingStatusCallbackEvent", EVENTS, .words = "in-progress|completed|absent", .code = 21626 },
	{ "Trim", WORD, .words = "trim-silence|do-not-trim", .code = 20001 },
	{ "MachineDetection", WORD, .words = "Enable|DetectMessageEnd", .code = 20001 },
	{ "MachineDetectionTimeout", NUMBER, .from = 3, .to = 59, .code = 20001 },
	{ "MachineDetectionSpeechThreshold", NUMBER, .from = 1000, .to = 6000, .code = 20001 },
	{ "MachineDetectionSpeechEndThreshold", NUMBER, .from = 500, .to = 5000, .code = 20001 },
	{ "MachineDetectionSilenceTimeout", NUMBER, .from = 2000, .to = 10000, .code = 20001 },
	{ "AsyncAmd", WORD, .words = "true|false", .code = 20001 },
	{ "AsyncAmdStatusCallback", URL, .code = 21609 },
	{ "AsyncAmdStatusCallbackMethod", WORD, .words = "GET|POST", .code = 21207 },
};

static int check_one(const char *name, const char *value, char *why, size_t size)
{
	bool fine = true;
	size_t i = 0;

	while (i < sizeof parameters / sizeof *parameters && strcmp(parameters[i].name, name))
		i++;
	if (i == sizeof parameters / sizeof *parameters) {
		/* Twilio passes over it; whoever wrote it meant something. */
		report_complaint("there is no parameter %s", name);
		return 0;
	}
	switch (parameters[i].shape) {
	case ANY:
		break;
	case URL:
		fine = is_url(value);
		break;
	case WORD:
	case EVENTS:
		fine = one_of(value, parameters[i].words);
		break;
	case NUMBER:
		fine = number_between(value, parameters[i].from, parameters[i].to);
		break;
	}
	return fine ? 0 : refuse(why, size, parameters[i].code, "%s %s is not valid.", name, value);
}

static int check_numbers(const struct form *f, struct call *c, char *why, size_t size)
{
	const char *to = form_get(f, "To"), *from = form_get(f, "From"), *code;
	bool own = !options.own_count;

	if (!to || !*to)
		return refuse(why, size, 21201, "No 'To' number is specified");
	if (!from || !*from)
		return refuse(why, size, 21213, "No 'From' number is specified");
	if (!is_e164(to))
		return refuse(why, size, 21211, "The phone number you are attempting to call, %s, is not valid.", to);
	if (!is_e164(from))
		return refuse(why, size, 21212, "The source phone number provided, %s, is not valid.", from);
	for (size_t i = 0; i < options.own_count; i++)
		own |= !strcmp(options.own[i], from);
	if (!own)
		return refuse(why, size, 21210,
		    "The source phone number provided, %s, is not yet verified for your account.", from);
	if (rule_holds("refuse", to, &code))
		return refuse(why, size, (int)strtol(code, NULL, 10),
		    "The phone number you are attempting to call, %s, is not valid.", to);
	snprintf(c->to, sizeof c->to, "%s", to);
	snprintf(c->from, sizeof c->from, "%s", from);
	return 0;
}

static char *copy_of(const struct form *f, const char *name)
{
	const char *value = form_get(f, name);

	return value ? need_copy(value) : NULL;
}

static void take(const struct form *f, struct call *c)
{
	static const char *const events[] = { "initiated", "ringing", "answered", "completed" };
	const char *detection = form_get(f, "MachineDetection"), *async = form_get(f, "AsyncAmd");
	const char *record = form_get(f, "Record"), *timeout = form_get(f, "Timeout");
	bool any = false;

	c->url = copy_of(f, "Url");
	c->twiml = copy_of(f, "Twiml");
	c->fallback_url = copy_of(f, "FallbackUrl");
	c->status_url = copy_of(f, "StatusCallback");
	c->amd_url = copy_of(f, "AsyncAmdStatusCallback");
	c->recording_url = copy_of(f, "RecordingStatusCallback");
	for (size_t i = 0; i < f->count; i++) {
		for (int e = 0; e < 4 && !strcmp(f->field[i].name, "StatusCallbackEvent"); e++)
			any |= c->told[e] = c->told[e] || !strcmp(f->field[i].value, events[e]);
	}
	if (!any)
		c->told[3] = true;
	snprintf(c->detection, sizeof c->detection, "%s", detection ? detection : "");
	c->async_detection = async && !strcmp(async, "true");
	c->record = record && !strcmp(record, "true");
	c->timeout_s = timeout ? (int)strtol(timeout, NULL, 10) : 60;
}

int create_check(const struct form *f, struct call *c, char *why, size_t size)
{
	const char *url = form_get(f, "Url"), *twiml = form_get(f, "Twiml");
	int code = check_numbers(f, c, why, size);

	for (size_t i = 0; i < f->count && !code; i++)
		code = check_one(f->field[i].name, f->field[i].value, why, size);
	if (code)
		return code;
	if (!url && !twiml)
		return refuse(why, size, 21205, "Url parameter is required.");
	if (url && twiml)
		return refuse(why, size, 21205, "Url and Twiml exclude each other.");
	if (twiml && strlen(twiml) > 4000)
		return refuse(why, size, 21219, "Twiml is longer than 4000 characters.");
	if (form_get(f, "AsyncAmdStatusCallback") && !form_get(f, "MachineDetection"))
		report_complaint("AsyncAmdStatusCallback without MachineDetection tells nothing");
	take(f, c);
	return 0;
}
