#include "server/web/twilio/gather.h"

#include "server/line/calls_carry.h"
#include "server/web/twilio/webhook.h"

#include <stdlib.h>
#include <string.h>

/* "0.9"; anything else: not told. */
static double confidence_of(const struct request *q)
{
	const char *text = webhook_field(q, "Confidence");
	char *end;
	double value = strtod(text, &end);

	return *text && !*end && value >= 0 && value <= 1 ? value : -1;
}

/* A restart of ours is bridged by the fragment, which tells Twilio to try again. What the caller has said to the last
 * process is said to the next, to which it is the first turn. */
static bool answer(const struct web_parts *parts, const struct request *q, unsigned step, const char *query, size_t len,
    struct response *r)
{
	const char *status = webhook_field(q, "CallStatus");
	bool turn = request_param(q, "step");
	struct call_visit visit = { .step = step,
		.words = turn ? webhook_field(q, "SpeechResult") : "",
		.confidence = confidence_of(q),
		.keys = turn ? webhook_field(q, "Digits") : "",
		.hung_up = step && *status && strcmp(status, "in-progress") != 0,
		.next_rest = WEBHOOK_RETRY,
		.out = &r->body };
	struct buf url;
	bool answered;

	buf_init(&url, 0);
	webhook_put_url(&url, q, "/twilio/gather");
	buf_put(&url, query, len);
	buf_puts(&url, len ? "&step=" : "?step=");
	visit.next_url = buf_text(&url);
	answered = !buf_error(&url) && !calls_visit(parts->calls, webhook_field(q, "CallSid"), &visit);
	buf_free(&url);
	return answered;
}

bool gather_first(const struct web_parts *parts, const struct request *q, const char *query, struct response *r)
{
	return answer(parts, q, 0, query, strlen(query), r);
}

/* The query as it came: Twilio has signed it, and it is ours. */
bool gather_turn(const struct web_parts *parts, const struct request *q, struct response *r)
{
	const char *text = request_param(q, "step"), *place = q->query ? strstr(q->query, "&step=") : NULL;
	unsigned step = text ? (unsigned)strtoul(text, NULL, 10) : 0;
	struct buf query;
	bool answered;

	buf_init(&query, 0);
	if (place)
		buf_printf(&query, "?%.*s", (int)(place - q->query), q->query);
	answered = !buf_error(&query) && answer(parts, q, step, buf_text(&query), query.len, r);
	buf_free(&query);
	return answered;
}
