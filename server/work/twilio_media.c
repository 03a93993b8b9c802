#include "server/work/twilio_media.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	ASK_MS = 8000,             /* less than an HTTP request may take, INFLIGHT_LONGEST_US */
	SEND_MS = 2 * 3600 * 1000, /* Twilio's longest recording, at twice its speed */
	IDLE_MS = 20 * 1000,
	REFUSAL_MAX = 16 * 1024 /* of a body that is not the sound */
};

/* -------------------------------------------------------------------------- pure */

/* Scheme and authority, up to the path; 0: no such URL. */
static size_t origin_len(const char *url)
{
	const char *at = strstr(url, "://");

	return at ? (size_t)(at - url) + 3 + strcspn(at + 3, "/?#\\@") : 0;
}

/* A URL from a webhook, signed or not, decides where our credentials go:
 * exact comparison, and no character that two parsers could read
 * differently. */
bool twilio_media_is_ours(const char *api_url, const char *url)
{
	static const char port[] = ":443";
	size_t len = origin_len(api_url), theirs = origin_len(url);
	bool https = !strncasecmp(api_url, "https://", 8);

	if (!len || !theirs || url[theirs] != '/')
		return false;
	for (const char *p = url + theirs; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("?#\\@", *p))
			return false;
	/* The default port of https. */
	if (https && len > 12 && !strncmp(api_url + len - 4, port, 4))
		len -= 4;
	if (https && theirs > 12 && !strncmp(url + theirs - 4, port, 4))
		theirs -= 4;
	return len == theirs && !strncasecmp(api_url, url, len);
}

bool twilio_media_range(const char *content_range, int64_t *first, int64_t *last, int64_t *size)
{
	int end = 0;

	return sscanf(content_range, "bytes %18" SCNd64 "-%18" SCNd64 "/%18" SCNd64 "%n", first, last, size, &end) ==
		   3 &&
	       !content_range[end] && *first >= 0 && *first <= *last && *last < *size;
}

/* The latest news name the address, and our credentials go to no other place; before any news the
 * recording's id is enough to build it. */
bool twilio_media_put_url(const struct twilio *t, const char *sid, const char *url, struct buf *out)
{
	if (url && !twilio_media_is_ours(t->api_url, url))
		return false;
	if (url)
		buf_printf(out, "%s.wav", url);
	else
		buf_printf(out, "%s/2010-04-01/Accounts/%s/Recordings/%s.wav", t->api_url, t->account_sid, sid);
	return true;
}

/* ----------------------------------------------------------------------- the asking */

/* The credentials are for the first host only: fetch follows no redirect. */
static struct fetch_request request_for(const struct twilio *t, const char *url, const char *range, int timeout_ms)
{
	return (struct fetch_request){
		.method = "GET",
		.url = url,
		.headers = { "Accept: audio/*", range },
		.header_count = range ? 2 : 1,
		.user = t->user,
		.password = t->password,
		.timeout_ms = timeout_ms,
		.response_max = REFUSAL_MAX,
		.ca_file = t->ca_file,
		.cancel = t->cancel,
	};
}

static void trouble(struct twilio_media *out, const char *message)
{
	out->outcome = TWILIO_MEDIA_TROUBLE;
	snprintf(out->message, sizeof out->message, "%s", message);
}

/* 404 is an answer: there is no such recording now. */
static void take_refusal(const struct fetch_response *http, struct twilio_media *out)
{
	struct twilio_answer said;

	twilio_judge(http, &said);
	trouble(out, said.message);
	out->code = said.code;
	if (http->status == 404)
		out->outcome = TWILIO_MEDIA_NONE;
	twilio_answer_free(&said);
}

static void take_head(const struct fetch_response *http, struct twilio_media *out)
{
	int64_t first, last;

	out->size = http->length;
	out->ranges = http->status == 206;
	if (strncasecmp(http->content_type, "audio/", 6) != 0)
		trouble(out, "what Twilio answers with is no sound");
	else if (out->ranges && (!twilio_media_range(http->content_range, &first, &last, &out->size) || first || last))
		trouble(out, "Twilio answers with another part than the one asked for");
}

static bool no_more(void *arg, const char *bytes, size_t len)
{
	(void)arg, (void)bytes, (void)len;
	return false;
}

/* The first byte instead of a HEAD, because a refusal then says why. A
 * server without ranges begins to send it all: the head is enough, and the
 * rest is broken off. */
void twilio_media_ask(const struct twilio *t, const char *url, struct twilio_media *out)
{
	const struct fetch_request request = request_for(t, url, "Range: bytes=0-0", ASK_MS);
	const struct fetch_sink sink = { .piece = no_more, .idle_ms = ASK_MS };
	struct fetch_response http;

	*out = (struct twilio_media){ .size = -1 };
	fetch_stream(&request, &sink, &http);
	out->status = http.status;
	if (http.status == 200 || http.status == 206)
		take_head(&http, out);
	else
		take_refusal(&http, out);
	fetch_response_free(&http);
}

/* ---------------------------------------------------------------------- the sending */

struct sending {
	const struct fetch_sink *to;
	const struct fetch_response *http;
	int64_t first, last, size; /* as asked for; `last` is -1 for all of unknown size */
	bool part;
	int64_t passed;
	bool other; /* other bytes came than asked for */
};

/* The length in our own headers came from the first request: the second must
 * be about the same bytes. */
static bool is_expected(const struct sending *s)
{
	const struct fetch_response *http = s->http;
	int64_t first, last, size;

	if (!s->part)
		return http->status == 200 && (s->size < 0 || http->length < 0 || http->length == s->size);
	return http->status == 206 && twilio_media_range(http->content_range, &first, &last, &size) &&
	       first == s->first && last == s->last && size == s->size;
}

/* Nothing wrong reaches the sink: the head is compared before the first
 * piece, the count before each. */
static bool pass(void *arg, const char *bytes, size_t len)
{
	struct sending *s = arg;

	s->other |= !s->passed && !is_expected(s);
	s->other |= s->last >= 0 && s->passed + (int64_t)len > s->last - s->first + 1;
	s->passed += (int64_t)len;
	return !s->other && s->to->piece(s->to->arg, bytes, len);
}

/* The whole file is asked for without a Range, and 200 is then the right
 * answer. */
bool twilio_media_send(const struct twilio *t, const char *url, const struct twilio_media *media, int64_t first,
    int64_t last, const struct fetch_sink *sink, char why[TWILIO_MESSAGE_SIZE])
{
	bool part = last >= 0 && (first > 0 || last < media->size - 1);
	struct fetch_response http;
	struct sending s = { sink, &http, first, last, media->size, part, 0, false };
	const struct fetch_sink through = { pass, &s, IDLE_MS };
	struct fetch_request request;
	char range[80];

	snprintf(range, sizeof range, "Range: bytes=%" PRId64 "-%" PRId64, first, last);
	request = request_for(t, url, part ? range : NULL, SEND_MS);
	fetch_stream(&request, &through, &http);
	if (s.other)
		snprintf(why, TWILIO_MESSAGE_SIZE, "Twilio sends something else than it said it would");
	else if (http.failure != FETCH_OK)
		snprintf(why, TWILIO_MESSAGE_SIZE, "%s", http.error);
	else if (http.status != (part ? 206 : 200))
		snprintf(why, TWILIO_MESSAGE_SIZE, "Twilio answered with HTTP status %d", http.status);
	else
		snprintf(
		    why, TWILIO_MESSAGE_SIZE, "%s", last < 0 || s.passed == last - first + 1 ? "" : "it ended early");
	fetch_response_free(&http);
	return !*why;
}
