#include "server/web/twilio/webhook.h"

#include "common/foreign.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/line/calls_after.h"
#include "server/line/calls_shown.h"
#include "server/phone/channel.h"
#include "server/phone/party.h"
#include "server/phone/twiml.h"

#include <ctype.h>
#include <string.h>

enum { FALLBACK_RING_SECONDS = 30 };

const char *webhook_field(const struct request *q, const char *name)
{
	const char *value = form_get(q->form, name);

	return value ? value : "";
}

/* Twilio says outbound-api or outbound-dial for calls we place. */
struct call_facts webhook_facts(const struct request *q)
{
	return (struct call_facts){
		.call_sid = webhook_field(q, "CallSid"),
		.from = webhook_field(q, "From"),
		.to = webhook_field(q, "To"),
		.direction = strncmp(webhook_field(q, "Direction"), "outbound", 8) ? "inbound" : "outbound",
	};
}

/* Twilio's are two letters and 32 hex digits, and might be longer one day. */
bool webhook_is_sid(const char *sid)
{
	size_t len = strlen(sid);

	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)sid[i]) && sid[i] != '-' && sid[i] != '_')
			return false;
	}
	return len > 0 && len < FOREIGN_ID_SIZE;
}

/* The answer contains addresses of ours, so without one there is no answer. */
bool webhook_answerable(const struct request *q, struct response *r)
{
	static struct log_kind lines;
	unsigned more;

	if (!webhook_is_sid(webhook_field(q, "CallSid"))) {
		response_refusal(r, 400, "CallSid is missing or malformed, or longer than 512 characters");
		if (log_due(&lines, LOG_STRANGERS_US, &more))
			log_warn("http",
			    "refused: a webhook without a usable CallSid; CallSid=%.60s client=%s more_before=%u",
			    webhook_field(q, "CallSid"), q->client, more);
	} else if (!*q->public_url) {
		response_refusal(r, 400, "the request has no usable Host, and PUBLIC_URL is not set");
	} else {
		return true;
	}
	return false;
}

static void connect_stream(const struct request *q, const char *url, const char *action, struct response *r)
{
	struct party from = party_from(webhook_field(q, "From")), to = party_to(webhook_field(q, "To"));
	struct buf status;

	buf_init(&status, 0);
	buf_printf(&status, "%s/twilio/stream-status", q->public_url);
	twiml_connect_stream(&r->body, &(struct twiml_stream){ .stream_url = url,
					   .action_url = action,
					   .status_url = buf_text(&status),
					   .caller = from.text,
					   .called = to.text });
	buf_free(&status);
}

static void connect_relay(
    const struct request *q, const struct call_announced *call, const char *url, const char *action, struct response *r)
{
	struct party from = party_from(webhook_field(q, "From")), to = party_to(webhook_field(q, "To"));

	twiml_connect_relay(&r->body, &(struct twiml_relay){ .relay_url = url,
					  .action_url = action,
					  .agent = call->agent,
					  .greeting = call->welcome,
					  .caller = from.text,
					  .called = to.text });
}

/* The token stands in the path, because Twilio drops the query of the
 * URL. A public URL begins with http or https; this one with ws or wss.
 * A call that has ended meanwhile opens nothing any more. */
void webhook_connect(const struct web_parts *parts, const struct request *q, const char *token, struct response *r)
{
	struct call_announced call;
	struct buf url, action;

	if (!calls_announced(parts->calls, token, &call)) {
		twiml_hangup(&r->body);
		return;
	}
	buf_init(&url, 0);
	buf_init(&action, 0);
	buf_printf(
	    &url, "ws%s/twilio/%s/%s", q->public_url + strlen("http"), call.channel->text ? "relay" : "stream", token);
	buf_printf(&action, "%s/twilio/connect-action", q->public_url);
	if (call.channel->text)
		connect_relay(q, &call, buf_text(&url), buf_text(&action), r);
	else
		connect_stream(q, buf_text(&url), buf_text(&action), r);
	buf_free(&url);
	buf_free(&action);
	call_announced_free(&call);
}

static void put_say(const struct agent *speaker, const struct call_facts *facts, enum phrase phrase, struct response *r)
{
	struct spoken s =
	    phrase_of(speaker, call_facts_outbound(facts) && phrase < PHRASE_OUTBOUND ? PHRASE_OUTBOUND : phrase);

	twiml_say_hangup(&r->body, &(struct twiml_say){ s.text, s.voice, s.language });
}

void webhook_say(const struct web_parts *parts, const struct call_facts *facts, enum phrase phrase, struct response *r)
{
	char fallback[FOREIGN_ID_SIZE];
	const struct agent *speaker = calls_speaker(parts->calls, facts, fallback);

	put_say(speaker, facts, phrase, r);
	agent_release(speaker);
}

void webhook_dial(const struct agent *agent, const struct call_facts *facts, const char *number, int ring_seconds,
    const char *action_url, struct response *r)
{
	const char *ours = agent->number_count ? agent->numbers[0] : "";
	char caller_id[FOREIGN_ID_SIZE];

	twiml_dial_person(
	    &r->body, number, ring_seconds, action_url, party_caller_id(facts->from, facts->to, ours, caller_id));
}

/* The address of dial-done tells it what was dialled, and for whose caller: nothing else
 * may be left of the call by then. Names of agents need no escapes in it. */
void webhook_turn_away(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    enum phrase phrase, struct response *r)
{
	char fallback[FOREIGN_ID_SIZE];
	const struct agent *speaker = calls_speaker(parts->calls, facts, fallback);
	struct buf action;

	buf_init(&action, 0);
	if (*fallback && *q->public_url && agents_may_dial(parts->agents, fallback, facts->call_sid, "fallback")) {
		buf_printf(&action, "%s/twilio/dial-done?fallback=%s", q->public_url, speaker->name);
		webhook_dial(speaker, facts, fallback, FALLBACK_RING_SECONDS, buf_text(&action), r);
	} else {
		put_say(speaker, facts, phrase, r);
	}
	buf_free(&action);
	agent_release(speaker);
}
