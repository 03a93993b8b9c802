#include "server/web/twilio/webhook.h"

#include "common/foreign.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/line/calls_after.h"
#include "server/phone/party.h"
#include "server/phone/twiml.h"

#include <ctype.h>
#include <string.h>

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

void webhook_put_url(struct buf *out, const struct request *q, const char *path)
{
	buf_printf(out, "%s%s", q->public_url, path);
}

void webhook_put_say(
    const struct agent *speaker, const struct call_facts *facts, enum phrase phrase, struct response *r)
{
	struct spoken s;

	if (call_facts_outbound(facts) && phrase < PHRASE_OUTBOUND)
		phrase = phrase == PHRASE_CALL_AGAIN ? PHRASE_OUTBOUND_END : PHRASE_OUTBOUND;
	s = phrase_of(speaker, phrase);
	twiml_say_hangup(&r->body, &(struct twiml_say){ s.text, s.voice, s.language });
}

void webhook_say(const struct web_parts *parts, const struct call_facts *facts, enum phrase phrase, struct response *r)
{
	const struct agent *speaker = calls_speaker(parts->calls, facts);

	webhook_put_say(speaker, facts, phrase, r);
	agent_release(speaker);
}

void webhook_dial(const struct agent *agent, const struct call_facts *facts, const struct twiml_dial *dial, bool tell,
    struct response *r)
{
	const char *ours = agent->number_count ? agent->numbers[0] : "";
	struct spoken s = phrase_of(agent, PHRASE_CONNECTING);
	struct twiml_dial whole = *dial;
	char caller_id[FOREIGN_ID_SIZE];

	whole.caller_id = party_caller_id(facts->from, facts->to, ours, caller_id);
	twiml_dial_person(&r->body, tell ? &(struct twiml_say){ s.text, s.voice, s.language } : NULL, &whole);
}

bool webhook_is_final(const char *call_status)
{
	static const char *const final[] = { "completed", "busy", "no-answer", "failed", "canceled" };

	for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
		if (!strcmp(call_status, final[i]))
			return true;
	}
	return false;
}

bool webhook_dial_taken(const char *dial_status)
{
	return !strcmp(dial_status, "completed") || !strcmp(dial_status, "answered");
}
