#include "server/web/twilio/ladder.h"

#include "common/log.h"
#include "server/agents/agents.h"
#include "server/line/calls_after.h"
#include "server/phone/twiml.h"
#include "server/recording/twilio_recording.h"
#include "server/recording/voicemail.h"
#include "server/stats/stats.h"
#include "server/web/twilio/connect.h"
#include "server/web/twilio/webhook.h"
#include "server/work/transcription.h"
#include "server/work/twilio_rest.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------- pure */

static const struct {
	const char *word;
	enum phrase phrase;
	enum rung_kind from;
} whys[] = {
#define X(name, word, phrase, from) [LADDER_##name] = { word, PHRASE_##phrase, RUNG_##from },
	LADDER_WHYS(X)
#undef X
};

const struct agent_rung *ladder_step(const struct agent *p, struct ladder_at *at)
{
	const struct agent_rung *rung = fallback_rung(&p->fallback, at->rung);

	if (rung && rung->kind == RUNG_DIAL && rung_number(p, rung, at->number + 1)) {
		at->number++;
		return rung;
	}
	for (rung = fallback_after(&p->fallback, at->rung); rung; rung = fallback_after(&p->fallback, rung->kind)) {
		if (rung->kind < whys[at->why].from)
			continue;
		at->rung = rung->kind;
		at->number = 0;
		return rung;
	}
	return NULL;
}

/* Names of agents and variants need no escapes in an address. */
void ladder_put(struct buf *out, const struct ladder_at *at)
{
	buf_printf(out, "?rung=%s&number=%zu&why=%s&said=%d&agent=%s&variant=%s", rung_name(at->rung), at->number,
	    whys[at->why].word, at->said, at->agent, at->variant);
	if (at->stream)
		buf_printf(out, "&stream=%u", at->stream);
}

static const char *param(const struct request *q, const char *name)
{
	const char *value = request_param(q, name);

	return value ? value : "";
}

bool ladder_take(const struct request *q, struct ladder_at *out)
{
	*out = (struct ladder_at){ .why = LADDER_MODEL,
		.rung = rung_named(param(q, "rung")),
		.number = strtoul(param(q, "number"), NULL, 10),
		.said = *param(q, "said") == '1',
		.agent = param(q, "agent"),
		.variant = param(q, "variant"),
		.stream = (unsigned)strtoul(param(q, "stream"), NULL, 10),
		.session = "" };
	for (int why = 0; why < LADDER_WHY_COUNT; why++)
		if (!strcmp(whys[why].word, param(q, "why")))
			out->why = (enum ladder_why)why;
	return out->rung != RUNG_NONE;
}

/* Never the apology that was heard before. */
static enum phrase last_words(const struct ladder_at *at)
{
	if (at->said)
		return PHRASE_CALL_AGAIN;
	return at->rung == RUNG_DIAL ? PHRASE_UNANSWERED : whys[at->why].phrase;
}

/* ----------------------------------------------------------------------- the rungs */

struct going { /* down, at one webhook */
	const struct web_parts *parts;
	const struct request *q;
	const struct call_facts *facts;
	const struct agent *agent;
};

static void put_action(struct buf *out, const struct going *g, const struct ladder_at *at)
{
	webhook_put_url(out, g->q, "/twilio/ladder");
	ladder_put(out, at);
	buf_puts(out, WEBHOOK_RETRY);
}

static bool reconnect(const struct going *g, const struct ladder_at *at, struct response *r)
{
	char token[CALL_TOKEN_SIZE];

	if (!*at->session || calls_reconnect(g->parts->calls, g->facts->call_sid, at->session, token) != CALL_ADMITTED)
		return false;
	connect_call(g->parts, g->q, token, at, r);
	return true;
}

/* A conversation by <Gather>. A call that has no name for what it lost is told by the rung's. */
static bool text(const struct going *g, const struct ladder_at *at, struct response *r)
{
	const char *session = *at->session ? at->session : rung_name(RUNG_TEXT);
	char token[CALL_TOKEN_SIZE];

	if (calls_in_text(g->parts->calls, g->facts, g->agent, session, token) != CALL_ADMITTED)
		return false;
	connect_call(g->parts, g->q, token, at, r);
	return true;
}

/* A call that nobody has answered yet goes on ringing, without a word. */
static bool dial(const struct going *g, const struct agent_rung *rung, const struct ladder_at *at, struct response *r)
{
	const char *number = rung_number(g->agent, rung, at->number);
	bool rings = !strcmp(webhook_field(g->q, "CallStatus"), "ringing");
	struct buf action;

	if (!number || !agents_may_dial(g->parts->agents, number, g->facts->call_sid, "fallback"))
		return false;
	buf_init(&action, 0);
	put_action(&action, g, at);
	webhook_dial(g->agent, g->facts, &(struct twiml_dial){ number, rung->ring_seconds, buf_text(&action), "" },
	    !rings && !at->number, r);
	buf_free(&action);
	return true;
}

/* Whoever is told of the recording is not told the rest. */
static void put_news_url(struct buf *out, const struct going *g, const char *path)
{
	webhook_put_url(out, g->q, path);
	buf_printf(out, "?voicemail=1&agent=%s&variant=%s", g->agent->name, g->agent->variant);
	twilio_put_field(out, "from", g->facts->from);
	twilio_put_field(out, "to", g->facts->to);
	buf_puts(out, WEBHOOK_RETRY);
}

/* Whom we called has nothing to leave with us. The message is fetched at the first word of it. */
static bool voicemail(const struct going *g, const struct agent_rung *rung, struct ladder_at *at, struct response *r)
{
	struct spoken sorry = phrase_of(g->agent, PHRASE_UNAVAILABLE), ask = phrase_of(g->agent, PHRASE_VOICEMAIL);
	bool said = at->said;
	struct buf action, status, words;
	bool writes = transcription_by_twilio(g->parts->cfg);

	if (call_facts_outbound(g->facts))
		return false;
	buf_init(&action, 0);
	buf_init(&status, 0);
	buf_init(&words, 0);
	at->said = true;
	put_action(&action, g, at);
	put_news_url(&status, g, "/twilio/recording-status");
	put_news_url(&words, g, "/twilio/transcription");
	twiml_take_message(&r->body, said ? NULL : &(struct twiml_say){ sorry.text, sorry.voice, sorry.language },
	    &(struct twiml_say){ ask.text, ask.voice, ask.language },
	    &(struct twiml_record){
		rung->max_seconds, buf_text(&action), buf_text(&status), writes ? buf_text(&words) : NULL });
	buf_free(&words);
	buf_free(&action);
	buf_free(&status);
	return true;
}

/* False: it cannot be begun, and nothing is answered yet. */
static bool begin(const struct going *g, const struct agent_rung *rung, struct ladder_at *at, struct response *r)
{
	if (rung_lacks(g->agent, rung, g->parts->cfg))
		return false;
	switch (rung->kind) {
	case RUNG_RECONNECT:
		return reconnect(g, at, r);
	case RUNG_DIAL:
		return dial(g, rung, at, r);
	case RUNG_VOICEMAIL:
		return voicemail(g, rung, at, r);
	case RUNG_TEXT:
		return text(g, at, r);
	case RUNG_NONE:
	case RUNG_KINDS:
		break;
	}
	return false;
}

static void count(enum rung_kind kind)
{
	stat_add(ladder_reconnects, kind == RUNG_RECONNECT);
	stat_add(ladder_texts, kind == RUNG_TEXT);
	stat_add(ladder_dials, kind == RUNG_DIAL);
	stat_add(ladder_voicemails, kind == RUNG_VOICEMAIL);
	stat_add(ladder_words, kind == RUNG_NONE);
}

/* By the address, whose names outlive everything else; else by what is known of the call. */
static const struct agent *who(
    const struct web_parts *parts, const struct call_facts *facts, const struct ladder_at *at)
{
	const struct agent *p = *at->agent ? agents_variant(parts->agents, at->agent, at->variant) : NULL;

	return p ? p : calls_speaker(parts->calls, facts);
}

/* Of a caller who has hung up: what is begun for nobody takes a line, and costs. */
static bool is_gone(const struct request *q)
{
	return webhook_is_final(webhook_field(q, "CallStatus"));
}

static void go_down(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const struct ladder_at *at, struct response *r)
{
	struct going g = { parts, q, facts, who(parts, facts, at) };
	const struct agent_rung *rung;
	struct ladder_at next = *at;

	next.agent = g.agent->name;
	next.variant = g.agent->variant;
	next.stream = 0;
	do
		rung = ladder_step(g.agent, &next);
	while (rung && !begin(&g, rung, &next, r));
	if (!rung)
		webhook_put_say(g.agent, facts, last_words(at), r);
	count(rung ? rung->kind : RUNG_NONE);
	log_info(facts->call_sid, "ladder: %s; why=%s after=%s agent=%s", rung ? rung_name(rung->kind) : "words",
	    whys[at->why].word, at->rung == RUNG_NONE ? "nothing" : rung_name(at->rung), g.agent->name);
	agent_release(g.agent);
}

void ladder_next(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const struct ladder_at *at, struct response *r)
{
	if (is_gone(q))
		twiml_hangup(&r->body);
	else
		go_down(parts, q, facts, at, r);
}

void ladder_begin(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    enum ladder_why why, const char *session, struct response *r)
{
	ladder_next(
	    parts, q, facts, &(struct ladder_at){ .why = why, .agent = "", .variant = "", .session = session }, r);
}

bool ladder_text_again(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const struct ladder_at *at, struct response *r)
{
	struct going g = { parts, q, facts, who(parts, facts, at) };
	bool begun = at->rung == RUNG_TEXT && !is_gone(q) && text(&g, at, r);

	agent_release(g.agent);
	return begun;
}

bool ladder_go_on(const struct web_parts *parts, const struct request *q, const struct call_facts *facts,
    const struct ladder_at *at, const char *session, struct response *r)
{
	struct ladder_at next = *at;
	char token[CALL_TOKEN_SIZE];

	if (is_gone(q) || !calls_go_on(parts->calls, facts->call_sid, session, at->stream, token))
		return false;
	next.stream++;
	connect_call(parts, q, token, &next, r);
	stat_add(ladder_reconnects, 1);
	log_info(facts->call_sid, "its stream was lost, and another one is to carry it on; stream=%u", next.stream);
	return true;
}

/* --------------------------------------------------------------- when one is over */

/* DialCallStatus is the fate of the person's leg. CallStatus, the caller's, says nothing here: a call
 * that no stream has answered rings until a person takes it. */
static bool dialled(const struct request *q, const char *call_sid)
{
	const char *status = webhook_field(q, "DialCallStatus");

	log_info(call_sid, "fallback number: %.40s", status[0] ? status : "no DialCallStatus");
	stat_add(calls_fallbacks_unanswered, !webhook_dial_taken(status));
	return webhook_dial_taken(status);
}

/* The recording's own callback may never reach us. If both do, the message is one, by its name. */
static bool message_left(
    const struct web_parts *parts, const struct request *q, const struct call_facts *facts, const struct ladder_at *at)
{
	const char *url = webhook_field(q, "RecordingUrl"), *slash = strrchr(url, '/');
	struct twilio_recording news = { .call_sid = facts->call_sid,
		.sid = slash ? slash + 1 : "",
		.status = "completed",
		.url = url,
		.seconds = strtol(webhook_field(q, "RecordingDuration"), NULL, 10) };

	if (!*url || news.seconds <= 0)
		return false;
	if (webhook_is_sid(news.sid))
		voicemail_news(parts->voicemail, &news,
		    &(struct voicemail_party){ at->agent, at->variant, facts->from, facts->to });
	return true;
}

void webhook_ladder(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct call_facts facts = webhook_facts(q);
	struct ladder_at at;

	(void)arg;
	if (!webhook_answerable(q, r))
		return;
	if (!ladder_take(q, &at)) {
		response_refusal(r, 400, "rung is missing, or none of ours");
		return;
	}
	facts.agent_name = *at.agent ? at.agent : NULL;
	at.session = rung_name(at.rung); /* what follows it is known by that, if Twilio asks again */
	if (at.rung == RUNG_DIAL && dialled(q, facts.call_sid))
		twiml_hangup(&r->body);
	else if (at.rung == RUNG_VOICEMAIL && message_left(parts, q, &facts, &at))
		webhook_say(parts, &facts, PHRASE_MESSAGE_TAKEN, r);
	else
		ladder_next(parts, q, &facts, &at, r);
}
