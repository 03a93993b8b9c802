/* What Twilio's end of a relay says, and when. */
#include "tools/phone/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/ws.h"
#include "tools/phone/call.h"
#include "tools/phone/clock.h"

enum {
	PARTIAL_TICKS = 240 / TICK_MS,
	/* From the end to the request for the action, as was seen. */
	ENDED_MS = 100,
	COMPLETED_MS = 600,
	FAILED_MS = 1200,
	FENCE_LIMIT_MS = 5000 /* a ping that is not answered holds up nothing for longer */
};

struct relay_session *relay_now(const struct call *c)
{
	return c->relay.count ? c->relay.session[c->relay.count - 1] : NULL;
}

static void send_text(struct call *c, const struct text *m)
{
	stream_send(c, WS_TEXT, text_str(m), m->len);
}

void relay_setup_message(const struct call *c, struct text *out)
{
	const struct options *o = c->options;
	const struct verb *v = c->stream.verb;

	text_printf(out,
	    "{\"type\":\"setup\",\"sessionId\":\"%s\",\"accountSid\":\"%s\",\"parentCallSid\":\"\",\"callSid\":\"%s\",",
	    relay_now(c)->id, o->account, c->sid);
	/* Who is called hears of itself in `to`, whoever placed the call. */
	text_puts(out, "\"from\":");
	text_json(out, c->from);
	text_puts(out, ",\"to\":");
	text_json(out, o->to);
	text_printf(out,
	    ",\"forwardedFrom\":\"\",\"callType\":\"PSTN\",\"callerName\":\"\",\"direction\":\"%s\","
	    "\"callStatus\":\"%s\",\"customParameters\":{",
	    o->outbound ? "outbound-api" : "inbound", o->outbound || c->relay.count > 1 ? "IN_PROGRESS" : "RINGING");
	for (size_t i = 0; i < v->parameter_count; i++) {
		text_puts(out, i ? "," : "");
		text_json(out, v->parameter[i].name);
		text_puts(out, ":");
		text_json(out, v->parameter[i].value);
	}
	text_puts(out, "}}");
}

struct relay_session *relay_new_session(struct call *c)
{
	const struct relay_noun *noun = c->stream.verb->relay;
	struct relay_session *s = need(sizeof *s);

	if (c->relay.count == RELAY_SESSIONS_MAX) { /* DOCUMENTS_MAX comes before */
		fprintf(stderr, "phone: too many sessions in a call\n");
		exit(1);
	}
	c->relay.session[c->relay.count++] = s;
	sid_new(s->id, "VX");
	s->begun_ns = mono_ns();
	s->speaks = need_copy(noun->speaks);
	s->hears = need_copy(noun->hears);
	talker_init(&s->talker, c->options->pace);
	s->talker.now = c->tick;
	c->agent.talker = &s->talker;
	return s;
}

void relay_open(struct call *c)
{
	const struct relay_noun *noun = c->stream.verb->relay;
	struct relay_session *s = relay_new_session(c);
	struct text setup = { 0 };

	for (long i = 0; has_fault(c->options, FAULT_MEDIA_FIRST) && i < fault_value(c->options, FAULT_MEDIA_FIRST);
	     i++)
		relay_prompt(c, "Is anybody there?", 17, true);
	if (!relay_bad_setup(c, &setup))
		relay_setup_message(c, &setup);
	if (!has_fault(c->options, FAULT_NO_START))
		send_text(c, &setup);
	text_free(&setup);
	if (*noun->greeting)
		talker_greet(
		    &s->talker, noun->greeting, &(struct manner){ noun->speaks, noun->greeting_interruptible, false });
}

/* --- what is told of the speech --- */

static void info(struct call *c, const char *name, const char *value, size_t len)
{
	struct text m = { 0 };
	char *copy = need_copy_n(value, len);

	text_printf(&m, "{\"type\":\"info\",\"name\":\"%s\",\"value\":", name);
	text_json(&m, copy);
	text_puts(&m, "}");
	send_text(c, &m);
	text_free(&m);
	free(copy);
}

static void tell_speaking(struct call *c, const char *who, bool on)
{
	if (c->stream.verb->relay->speaker_events)
		info(c, who, on ? "on" : "off", on ? 2 : 3);
}

static void tell_played(struct call *c, const char *words, size_t len)
{
	while (len && *words == ' ')
		words++, len--;
	while (len && words[len - 1] == ' ')
		len--;
	if (!len || !c->stream.verb->relay->tokens_played)
		return;
	if (has_fault(c->options, FAULT_PLAYED_UNKNOWN))
		info(c, "tokensPlayed", "words that nobody ever sent", 27);
	else
		info(c, "tokensPlayed", words, len);
}

bool relay_speak(struct call *c, uint64_t now_ns)
{
	struct relay_session *s = relay_now(c);
	struct talker_news *news = &s->news;
	bool sounds = talker_tick(&s->talker, c->tick, news);
	struct turn *turn = c->turn_count ? &c->turns[c->turn_count - 1] : NULL;

	if (s->fences && now_ns - s->fence_ns > FENCE_LIMIT_MS * NS_PER_MS)
		s->fences = 0;
	if (sounds && turn && turn->arrival_ns && !turn->play_ns)
		turn->play_ns = now_ns;
	if (sounds && !c->first_play_ns)
		c->first_play_ns = now_ns;
	if (news->began)
		c->agent.open = false; /* another answer, however soon */
	if (c->stream.state != STREAM_OPEN)
		return sounds;
	if (news->on)
		tell_speaking(c, "agentSpeaking", true);
	if (news->played)
		tell_played(c, news->played, news->played_len);
	if (news->off)
		tell_speaking(c, "agentSpeaking", false);
	if (news->on && c->stream.verb->relay->debugging)
		info(c, "roundTripDelayMs", "148", 3);
	return sounds;
}

/* --- what the caller does --- */

/* Said to the server: what comes from now on may be an answer to it. */
static void said_something(struct call *c)
{
	relay_now(c)->unanswerable = false;
}

void relay_prompt(struct call *c, const char *words, size_t len, bool last)
{
	const struct relay_session *s = relay_now(c);
	struct text m = { 0 };
	char *copy = need_copy_n(words, len);

	text_puts(&m, "{\"type\":\"prompt\",\"voicePrompt\":");
	text_json(&m, copy);
	text_puts(&m, ",\"lang\":");
	text_json(&m, *c->relay.prompt_language ? c->relay.prompt_language : s->hears);
	text_printf(&m, ",\"last\":%s}", last ? "true" : "false");
	send_text(c, &m);
	text_free(&m);
	free(copy);
	if (last)
		c->relay.prompts++;
	else
		c->relay.partials++;
	if (last)
		said_something(c);
}

/* A ping, so that its pong says from where on the server knew. */
static void set_fence(struct call *c)
{
	struct relay_session *s = relay_now(c);

	s->fences++;
	s->fence_ns = mono_ns();
	s->unanswerable = true;
	if (!c->stream.mute)
		stream_send(c, WS_PING, "cut", 3);
}

bool relay_interrupt(struct call *c, int input)
{
	struct relay_session *s = relay_now(c);
	struct text heard = { 0 }, m = { 0 };
	struct clear_note *note;
	struct talker_news last;
	uint32_t ms;

	if (!talker_can_be_cut(&s->talker, input))
		return false;
	talker_tell(&s->talker, &last);
	if (last.played)
		tell_played(c, last.played, last.played_len);
	talker_cut(&s->talker, &heard, &ms);
	note_event(c, "the agent is cut off after \"%s\"", text_str(&heard));
	note = note_clear(c);
	if (note)
		*note = (struct clear_note){ mono_ns(), 0, 0, (uint64_t)ms * BYTES_PER_MS };
	agent_clear(&c->agent, TICK_BYTES);
	relay_spoil_heard(c, &heard);
	text_puts(&m, "{\"type\":\"interrupt\",\"utteranceUntilInterrupt\":");
	text_json(&m, text_str(&heard));
	text_printf(&m,
	    has_fault(c->options, FAULT_DURATION_TEXT) ? ",\"durationUntilInterruptMs\":\"%u\"}"
						       : ",\"durationUntilInterruptMs\":%u}",
	    ms);
	send_text(c, &m);
	set_fence(c);
	c->relay.interrupts++;
	c->stats->clears++;
	text_free(&m);
	text_free(&heard);
	return true;
}

/* While the agent speaks, is this input told? It was no interruption. */
static bool is_reported(const struct call *c, int input)
{
	const struct relay_session *s = relay_now(c);

	return !s->talker.piece_count || !s->talker.speaking || (c->stream.verb->relay->reported & input);
}

void relay_key(struct call *c, char key)
{
	char m[64];
	int n = snprintf(m, sizeof m, "{\"type\":\"dtmf\",\"digit\":\"%c\"}", key);

	note_event(c, "the caller presses %c", key);
	c->keys_sent++;
	if (!relay_interrupt(c, INPUT_DTMF) && !is_reported(c, INPUT_DTMF)) {
		c->relay.dropped++;
		return;
	}
	if (!c->stream.verb->relay->keys)
		return;
	stream_send(c, WS_TEXT, m, (size_t)n);
	said_something(c);
}

/* The n-th part of what is being said, up to a word's end. */
static size_t part_of(const char *words, size_t at, size_t of)
{
	size_t n = strlen(words) * at / (of ? of : 1);

	while (n && words[n] && words[n] != ' ')
		n--;
	return n;
}

static void speak_up(struct call *c, const struct caller_news *news)
{
	const struct step *s = news->saying;
	const char *words = s->text ? s->text : s->speech.name;
	struct relay_session *session = relay_now(c);

	if (news->began) {
		note_event(c, "the caller says: %s", words);
		tell_speaking(c, "clientSpeaking", true);
	}
	/* At its beginning, and when the agent began in the middle of it, be it at the last moment. */
	if (news->began || news->voice_ended || news->said % PARTIAL_TICKS == 0)
		relay_interrupt(c, INPUT_SPEECH);
	if (!news->voice_ended) {
		size_t n = part_of(words, news->said, news->said_of);

		if (n && news->said % PARTIAL_TICKS == 0 && c->stream.verb->relay->partials &&
		    is_reported(c, INPUT_SPEECH))
			relay_prompt(c, words, n, false);
		return;
	}
	tell_speaking(c, "clientSpeaking", false);
	if (is_reported(c, INPUT_SPEECH)) {
		relay_prompt(c, words, strlen(words), true);
	} else {
		note_event(c, "which is not told, for the agent is speaking (%s)", session->id);
		c->relay.dropped++;
	}
}

void relay_follow(struct call *c, const struct caller_news *news)
{
	const struct step *s = news->order;

	if (news->saying)
		speak_up(c, news);
	if (news->key)
		relay_key(c, news->key);
	if (!s)
		return;
	switch (s->kind) {
	case STEP_NOISE:
		note_event(c, "the caller coughs");
		relay_interrupt(c, INPUT_SPEECH);
		break;
	case STEP_LANG:
		snprintf(c->relay.prompt_language, sizeof c->relay.prompt_language, "%s", s->text);
		break;
	case STEP_ERROR:
		relay_error(c, 0, s->text);
		break;
	case STEP_RAW:
		stream_send(c, WS_TEXT, s->text, strlen(s->text));
		said_something(c);
		break;
	case STEP_CUT:
		mischief_cut(c);
		break;
	default:
		break;
	}
}

void relay_error(struct call *c, int code, const char *what)
{
	struct text m = { 0 }, description = { 0 };

	text_puts(&description, what);
	if (code)
		text_printf(&description, ", code: %d", code);
	text_puts(&m, "{\"type\":\"error\",\"description\":");
	text_json(&m, text_str(&description));
	text_puts(&m, "}");
	send_text(c, &m);
	text_free(&m);
	text_free(&description);
}

/* --- the end --- */

void relay_hang_up(struct call *c)
{
	static const char reason[] = "\x03\xE8"
				     "Closing websocket session";

	stream_send(c, WS_CLOSE, reason, sizeof reason - 1);
	c->stream.close_sent = true;
}

uint64_t relay_over(struct call *c)
{
	struct relay_session *s = relay_now(c);
	uint64_t wait;

	c->agent.talker = NULL;
	if (!s || s->over_ns) /* it never was open: only the action needs a name */
		s = relay_new_session(c);
	s->over_ns = mono_ns();
	if (s->ended || c->end == END_ORDERED)
		wait = ENDED_MS;
	else if (c->end == END_CALLER || c->end == END_LIMIT)
		wait = COMPLETED_MS;
	else
		wait = FAILED_MS;
	if (c->end == END_SERVER && wait == FAILED_MS)
		note_warning(c, "64105 the server closed the socket without `end`");
	if (wait == FAILED_MS && !s->error_code) {
		s->error_code = c->end == END_UPGRADE_REFUSED ? 39001 : 64105;
		s->error = c->end == END_UPGRADE_REFUSED ? "Network connection to WebSocket server failed."
							 : "Websocket ended";
	}
	note_event(c, "session %s is over: %s", s->id,
	    wait == ENDED_MS       ? "ended"
	    : wait == COMPLETED_MS ? "completed"
				   : s->error);
	return wait * NS_PER_MS;
}

void relay_action_form(const struct call *c, struct form *f)
{
	const struct relay_session *s = relay_now(c);
	bool hung_up = c->end == END_CALLER || c->end == END_LIMIT;
	char number[24];

	webhook_base_form(c, f, hung_up ? "completed" : "in-progress");
	form_set(f, "SessionId", s->id);
	form_set(f, "SessionStatus", s->error_code ? "failed" : hung_up ? "completed" : "ended");
	snprintf(number, sizeof number, "%llu", (unsigned long long)((s->over_ns - s->begun_ns) / NS_PER_S));
	form_set(f, "SessionDuration", number);
	if (s->ended && s->handoff)
		form_set(f, "HandoffData", s->handoff);
	if (s->error_code) {
		snprintf(number, sizeof number, "%d", s->error_code);
		form_set(f, "ErrorCode", number);
		form_set(f, "ErrorMessage", s->error);
	}
}

void relay_spoken(const struct call *c, struct text *out)
{
	for (size_t i = 0; i < c->relay.count; i++) {
		const struct talker *t = &c->relay.session[i]->talker;

		for (size_t k = 0; k < t->cycle_count; k++)
			text_printf(out, "%s%.*s", out->len ? "\n" : "", (int)t->cycles[k].spoken,
			    text_str(&t->cycles[k].sent));
	}
}

long relay_unfinished(const struct call *c)
{
	long n = 0;

	for (size_t i = 0; i < c->relay.count; i++) {
		const struct talker *t = &c->relay.session[i]->talker;

		for (size_t k = 0; k < t->cycle_count; k++)
			n += t->cycles[k].sent.len && !t->cycles[k].last && !t->cycles[k].cut;
	}
	return n;
}

void relay_close(struct call *c)
{
	struct text *const texts[] = { &c->relay.languages, &c->relay.plays, &c->relay.digits, &c->relay.handoffs,
		&c->relay.spoken };

	for (size_t i = 0; i < c->relay.count; i++) {
		struct relay_session *s = c->relay.session[i];

		talker_close(&s->talker);
		free(s->handoff);
		free(s->speaks);
		free(s->hears);
		free(s);
	}
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		text_free(texts[i]);
}
