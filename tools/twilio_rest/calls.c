/* The calls and recordings there are, and how Twilio shows them. */
#include "tools/twilio_rest/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct call *calls[CALLS_MAX];
static size_t call_count;
static struct recording *recordings[RECORDINGS_MAX];
static size_t recording_count;

const char *status_name(enum status s)
{
	static const char *const names[] = { "queued", "ringing", "in-progress", "completed", "busy", "failed",
		"no-answer", "canceled" };

	return names[s];
}

bool is_final(enum status s)
{
	return s >= COMPLETED;
}

int64_t now_ms(void)
{
	return (int64_t)(mono_ns() / NS_PER_MS);
}

void rfc2822(char out[40], time_t when)
{
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(out, 40, "%a, %d %b %Y %H:%M:%S +0000", &tm);
}

struct call *call_new(void)
{
	struct call *c = need(sizeof *c);

	if (call_count == CALLS_MAX)
		abort();
	calls[call_count++] = c;
	c->phone_exit = -1;
	return c;
}

/* A call that somebody else's phone placed is known by its socket. */
struct call *call_find(const char *sid)
{
	struct call *c;

	for (size_t i = 0; i < call_count; i++)
		if (!strcmp(calls[i]->sid, sid))
			return calls[i];
	if (strlen(sid) != SID_SIZE - 1 || !phone_listens(sid))
		return NULL;
	c = call_new();
	snprintf(c->sid, sizeof c->sid, "%s", sid);
	snprintf(c->to, sizeof c->to, "+12025550100");
	snprintf(c->from, sizeof c->from, "+12025550123");
	c->adopted = true;
	c->status = IN_PROGRESS;
	c->created = c->started = time(NULL);
	c->at_ms = now_ms();
	return c;
}

struct call *call_at(size_t i)
{
	return i < call_count ? calls[i] : NULL;
}

static void put_date(struct text *out, const char *name, time_t when)
{
	char date[40];

	if (when)
		rfc2822(date, when);
	text_printf(out, "\"%s\":", name);
	text_json(out, when ? date : NULL);
	text_printf(out, ",");
}

static void put_formatted(struct text *out, const char *name, const char *number)
{
	/* As Twilio shows numbers of North America. */
	if (!strncmp(number, "+1", 2) && strlen(number) == 12)
		text_printf(out, "\"%s\":\"(%.3s) %.3s-%s\",", name, number + 2, number + 5, number + 8);
	else
		text_printf(out, "\"%s\":\"%s\",", name, number);
}

void call_json(const struct call *c, struct text *out)
{
	static const char *const parts[] = { "events", "notifications", "payments", "recordings", "siprec", "streams",
		"transcriptions", "user_defined_messages", "user_defined_message_subscriptions" };
	static const char *const names[] = { "Events", "Notifications", "Payments", "Recordings", "Siprec", "Streams",
		"Transcriptions", "UserDefinedMessages", "UserDefinedMessageSubscriptions" };

	text_printf(out, "{\"sid\":\"%s\",", c->sid);
	/* In the answer to the creation there is no date yet. */
	put_date(out, "date_created", c->status == QUEUED ? 0 : c->created);
	put_date(out, "date_updated", c->status == QUEUED ? 0 : c->ended ? c->ended : c->created);
	text_printf(out, "\"parent_call_sid\":null,\"account_sid\":\"%s\",", options.account);
	text_printf(out, "\"to\":\"%s\",\"from\":\"%s\",", c->to, c->from);
	put_formatted(out, "to_formatted", c->to);
	put_formatted(out, "from_formatted", c->from);
	text_printf(out, "\"phone_number_sid\":\"PN00000000000000000000000000000001\",\"status\":\"%s\",",
	    status_name(c->status));
	put_date(out, "start_time", c->started);
	put_date(out, "end_time", c->ended);
	if (c->started && c->ended)
		text_printf(out, "\"duration\":\"%ld\",", (long)(c->ended - c->started));
	else
		text_printf(out, "\"duration\":%s,", c->ended ? "\"0\"" : "null");
	text_printf(out, "\"price\":null,\"price_unit\":\"USD\",\"direction\":\"%s\",\"answered_by\":",
	    c->adopted ? "inbound" : "outbound-api");
	text_json(out, c->answered_by);
	text_printf(out,
	    ",\"api_version\":\"2010-04-01\",\"forwarded_from\":null,\"group_sid\":null,\"caller_name\":null,"
	    "\"queue_time\":\"0\",\"trunk_sid\":null,"
	    "\"uri\":\"/2010-04-01/Accounts/%s/Calls/%s.json\",\"subresource_uris\":{",
	    options.account, c->sid);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		text_printf(out, "%s\"%s\":\"/2010-04-01/Accounts/%s/Calls/%s/%s.json\"", i ? "," : "", parts[i],
		    options.account, c->sid, names[i]);
	text_printf(out, "}}");
}

static bool wanted(const struct call *c, const struct form *query)
{
	const char *to = form_get(query, "To"), *from = form_get(query, "From"), *status = form_get(query, "Status");

	return (!to || !strcmp(to, c->to)) && (!from || !strcmp(from, c->from)) &&
	       (!status || !strcmp(status, status_name(c->status))) && !rule_holds("unlisted", c->to, NULL);
}

void calls_list(const struct form *query, struct text *out)
{
	const char *size = form_get(query, "PageSize");
	long left = size ? strtol(size, NULL, 10) : 50;
	const char *comma = "";

	text_printf(out, "{\"first_page_uri\":\"/2010-04-01/Accounts/%s/Calls.json?Page=0\",\"end\":0,\"calls\":[",
	    options.account);
	for (size_t i = call_count; i-- && left > 0;) {
		if (!wanted(calls[i], query))
			continue;
		text_printf(out, "%s", comma);
		call_json(calls[i], out);
		comma = ",";
		left--;
	}
	text_printf(out, "],\"previous_page_uri\":null,\"next_page_uri\":null,\"page\":0,\"page_size\":%s,\"start\":0}",
	    size ? size : "50");
}

/* -------------------------------------------------------------------- recordings */

struct recording *recording_new(const struct call *c, const char *source)
{
	struct recording *r = need(sizeof *r);

	if (recording_count == RECORDINGS_MAX)
		abort();
	recordings[recording_count++] = r;
	sid_new(r->sid, "RE");
	memcpy(r->call_sid, c->sid, sizeof r->call_sid);
	r->source = source;
	r->status = "in-progress";
	r->channels = 1;
	snprintf(r->track, sizeof r->track, "both");
	r->started = time(NULL);
	r->at_ms = now_ms();
	return r;
}

struct recording *recording_at(size_t i)
{
	return i < recording_count ? recordings[i] : NULL;
}

struct recording *recording_find(const char *sid)
{
	for (size_t i = 0; i < recording_count; i++)
		if (!strcmp(recordings[i]->sid, sid))
			return recordings[i];
	return NULL;
}

void recording_json(const struct recording *r, struct text *out)
{
	text_printf(out,
	    "{\"account_sid\":\"%s\",\"api_version\":\"2010-04-01\",\"call_sid\":\"%s\",\"conference_sid\":null,",
	    options.account, r->call_sid);
	text_printf(out, "\"channels\":%d,", r->channels);
	put_date(out, "date_created", r->started);
	put_date(out, "date_updated", r->started);
	put_date(out, "start_time", r->started);
	text_printf(out, "\"price\":null,\"price_unit\":null,\"duration\":");
	if (strcmp(r->status, "completed"))
		text_printf(out, "null");
	else
		text_printf(out, "\"%ld\"", r->seconds);
	text_printf(out,
	    ",\"sid\":\"%s\",\"source\":\"%s\",\"status\":\"%s\",\"error_code\":null,\"encryption_details\":null,"
	    "\"track\":\"%s\",\"uri\":\"/2010-04-01/Accounts/%s/Calls/%s/Recordings/%s.json\"}",
	    r->sid, r->source, r->status, r->track, options.account, r->call_sid, r->sid);
}

void recording_tell(struct recording *r, const char *status)
{
	static const char *const events[] = { "in-progress", "completed", "absent" };
	struct form f = { 0 };
	char date[40], number[24], url[300];
	bool tell = false;

	r->status = status;
	r->seconds = (long)(now_ms() - r->at_ms + 500) / 1000;
	for (int i = 0; i < 3; i++)
		tell |= r->told[i] && !strcmp(events[i], status);
	if (!r->url || !tell)
		return;
	form_add(&f, "AccountSid", options.account);
	form_add(&f, "CallSid", r->call_sid);
	form_add(&f, "RecordingSid", r->sid);
	if (strcmp(status, "in-progress")) {
		snprintf(url, sizeof url, "https://localhost:%d/2010-04-01/Accounts/%s/Recordings/%s", options.port,
		    options.account, r->sid);
		form_add(&f, "RecordingUrl", url);
		snprintf(number, sizeof number, "%ld", r->seconds);
		form_add(&f, "RecordingDuration", number);
	}
	rfc2822(date, r->started);
	form_add(&f, "RecordingStartTime", date);
	form_add(&f, "RecordingSource", r->source);
	form_add(&f, "RecordingTrack", r->track);
	snprintf(number, sizeof number, "%d", r->channels);
	form_add(&f, "RecordingChannels", number);
	form_add(&f, "RecordingStatus", status);
	pthread_mutex_unlock(&lock);
	callback_send(r->url, &f, status, r->call_sid);
	pthread_mutex_lock(&lock);
	form_free(&f);
}
