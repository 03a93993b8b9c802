/* Twilio waits for this answer while the caller hears nothing: no foreign
 * server is asked on the way. The reserved line dials the model at once, and
 * its stream must open within seconds.
 */
#include "server/web/twilio/voice.h"

#include "common/log.h"
#include "server/dialer/dialer_news.h"
#include "server/line/calls.h"
#include "server/line/calls_admit.h"
#include "server/phone/party.h"
#include "server/phone/twiml.h"
#include "server/stats/stats.h"
#include "server/web/twilio/ladder.h"
#include "server/web/twilio/placed.h"
#include "server/web/twilio/connect.h"
#include "server/web/twilio/webhook.h"

#include <errno.h>
#include <string.h>

static void refuse(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    enum ladder_why begins, const char *why, struct response *r)
{
	ladder_begin(parts, q, facts, begins, "", r);
	log_write(begins == LADDER_DRAINING ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "http", "call refused: %s; call=%s", why,
	    facts->call_sid);
}

/* The caller is at fault, not we: nothing else is tried. Callers can be many. */
static void refuse_caller(
    const struct web_parts *parts, const struct call_facts *facts, enum admission answer, struct response *r)
{
	static const struct {
		enum phrase phrase;
		const char *why;
	} refusals[] = {
		[CALL_CALLER_BUSY] = { PHRASE_CALLER_BUSY, "the caller has MAX_CALLS_PER_CALLER up" },
		[CALL_CALLER_OFTEN] = { PHRASE_CALLER_OFTEN, "the caller has made MAX_CALLS_PER_CALLER_HOUR" },
		[CALL_BLOCKED] = { PHRASE_BLOCKED, "the caller is among BLOCK_CALLERS" },
		[CALL_NOT_ALLOWED] = { PHRASE_NOT_ALLOWED, "the caller is not among ALLOW_CALLERS" },
	};
	static struct log_kind lines;
	char from[PARTY_LOG_SIZE];
	unsigned more;

	webhook_say(parts, facts, refusals[answer].phrase, r);
	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_info(facts->call_sid, "call refused: %s; from=%s more_before=%u", refusals[answer].why,
		    party_log(facts->from, from), more);
}

/* Whoever sends this is hardly Twilio. Should somebody hear it all the same, it is words. */
static void refuse_over(
    const struct web_parts *parts, const struct request *q, const struct call_facts *facts, struct response *r)
{
	static struct log_kind lines;
	unsigned more;

	webhook_say(parts, facts, PHRASE_APOLOGY, r);
	stat_add(calls_refused_over, 1);
	if (log_due(&lines, LOG_STRANGERS_US, &more))
		log_warn("http", "refused: the voice webhook of a call that is over; call=%s client=%s more_before=%u",
		    facts->call_sid, q->client, more);
}

/* A call that is here already gets the same answer again: Twilio asks twice
 * when the first answer was lost. Nobody is left without a word; a 5xx would
 * play Twilio's own error message. */
static void admit(
    const struct web_parts *parts, const struct request *q, const struct call_facts *facts, struct response *r)
{
	char token[CALL_TOKEN_SIZE];
	enum admission answer = calls_reserve(parts->calls, facts, token);

	switch (answer) {
	case CALL_ADMITTED:
		connect_call(parts, q, token, NULL, r);
		break;
	case CALL_FULL:
		refuse(parts, q, facts, LADDER_BUSY, "every line is taken", r);
		break;
	case CALL_DRAINING:
		refuse(parts, q, facts, LADDER_DRAINING, "shutting down", r);
		break;
	case CALL_MODEL:
		refuse(parts, q, facts, LADDER_MODEL, "the text API of its agent fails", r);
		break;
	case CALL_COST:
		ladder_begin(parts, q, facts, LADDER_DAY_COST, "", r);
		break;
	case CALL_CALLER_BUSY:
	case CALL_CALLER_OFTEN:
	case CALL_BLOCKED:
	case CALL_NOT_ALLOWED:
		refuse_caller(parts, facts, answer, r);
		break;
	case CALL_OVER:
		refuse_over(parts, q, facts, r);
		break;
	case CALL_NO_SID:
		response_refusal(r, 400, "CallSid is missing");
		break;
	case CALL_NO_AGENT:
	case CALL_NO_MEMORY:
		ladder_begin(parts, q, facts, LADDER_MODEL, "", r);
		break;
	}
}

/* The answered call gets its order's agent, names, greeting and metadata.
 * Without an order it is ended: nobody knows what to say. */
static void answer_placed(const struct web_parts *parts, const struct request *q, const char *id,
    struct call_facts *facts, struct response *r)
{
	struct placed_text text;
	const char *found;
	int err;

	/* Before its order learns of an answer. */
	if (calls_over(parts->calls, facts->call_sid)) {
		refuse_over(parts, q, facts, r);
		return;
	}
	err = placed_facts(parts, id, facts, &text);
	if (err) {
		log_error(facts->call_sid, "%s: it is ended; id=%s",
		    err == -EEXIST ? "answered, but its order has another call" : "answered, but nobody has ordered it",
		    id);
		twiml_hangup(&r->body);
		return;
	}
	admit(parts, q, facts, r);
	dialer_on_line(parts->dialer, id);
	/* Detection may have been faster. */
	if ((found = json_str(text.request, "answered_by")))
		placed_found(parts, facts->call_sid, text.request, found);
	placed_text_free(&text);
}

void webhook_voice(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	const char *id = placed_id(q);
	struct call_facts facts = webhook_facts(q);

	(void)arg;
	r->timing = &stats.webhook_to_twiml;
	if (!webhook_answerable(q, r))
		return;
	if (*id)
		answer_placed(parts, q, id, &facts, r);
	else
		admit(parts, q, &facts, r);
}
