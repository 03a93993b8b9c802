/* What --fault does on a relay's socket, where it is not the same as on a stream's. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tools/kit/ws.h"
#include "tools/phone/call.h"

#define PROMPT(words) "{\"type\":\"prompt\",\"voicePrompt\":\"" words "\",\"lang\":\"en-US\",\"last\":true}"

static const struct {
	enum fault_id id;
	const char *text;
} texts[] = {
	{ FAULT_MALFORMED, "" },
	{ FAULT_MALFORMED, "{" },
	{ FAULT_MALFORMED, "nonsense" },
	{ FAULT_MALFORMED, "[1,2,3]" },
	{ FAULT_MALFORMED, "\"prompt\"" },
	{ FAULT_MALFORMED, "{\"type\":\"prompt\",}" },
	{ FAULT_MALFORMED, "{\"type\":\"prompt\"}{\"type\":\"dtmf\"}" },
	{ FAULT_MALFORMED, "{\"type\":\"a-type-of-tomorrow\",\"voicePrompt\":\"x\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":7}" },
	{ FAULT_WRONG_TYPES, "{\"type\":null}" },
	{ FAULT_WRONG_TYPES, "{\"voicePrompt\":\"no type\",\"last\":true}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"prompt\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"prompt\",\"voicePrompt\":7,\"last\":true}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"prompt\",\"voicePrompt\":null,\"lang\":null,\"last\":null}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"prompt\",\"voicePrompt\":[\"x\"],\"lang\":{},\"last\":\"true\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"prompt\",\"voicePrompt\":\"no last\",\"lang\":\"en-US\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"interrupt\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"interrupt\",\"utteranceUntilInterrupt\":5,\"durationUntilInterruptMs\":[]}" },
	{ FAULT_WRONG_TYPES,
	    "{\"type\":\"interrupt\",\"utteranceUntilInterrupt\":null,\"durationUntilInterruptMs\":-1}" },
	{ FAULT_WRONG_TYPES,
	    "{\"type\":\"interrupt\",\"utteranceUntilInterrupt\":\"\",\"durationUntilInterruptMs\":1e99}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"info\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"info\",\"name\":\"tokensPlayed\",\"value\":7}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"info\",\"name\":\"agentSpeaking\",\"value\":\"perhaps\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"info\",\"name\":\"roundTripDelayMs\",\"value\":\"soon\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"info\",\"name\":\"of tomorrow\",\"value\":\"on\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"error\"}" },
	{ FAULT_WRONG_TYPES, "{\"type\":\"error\",\"description\":{\"code\":64107}}" },
	/* As on a stream, of which a relay has none. */
	{ FAULT_WRONG_TYPES, "{\"event\":\"media\",\"streamSid\":\"MZ\",\"media\":{\"payload\":\"/w==\"}}" },
	{ FAULT_NUL_BYTES, PROMPT("a\\u0000b") },
	{ FAULT_BAD_UTF8, PROMPT("\xff\xfe\xc0\x80\xed\xa0\x80") },
	{ FAULT_HALF_EMOJI, PROMPT("half a smile \\ud83d") },
	{ FAULT_HALF_EMOJI, PROMPT("\\ude00 the other half") },
	{ FAULT_BAD_DTMF, "{\"type\":\"dtmf\"}" },
	{ FAULT_BAD_DTMF, "{\"type\":\"dtmf\",\"digit\":\"\"}" },
	{ FAULT_BAD_DTMF, "{\"type\":\"dtmf\",\"digit\":\"x\"}" },
	{ FAULT_BAD_DTMF, "{\"type\":\"dtmf\",\"digit\":\"12345\"}" },
	{ FAULT_BAD_DTMF, "{\"type\":\"dtmf\",\"digit\":55}" },
	{ FAULT_ODD_PROMPTS, PROMPT("") },
	{ FAULT_ODD_PROMPTS, PROMPT("     ") },
	{ FAULT_ODD_PROMPTS, PROMPT("\\u200f\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \\u202eabc") },
	{ FAULT_ODD_PROMPTS,
	    "{\"type\":\"prompt\",\"voicePrompt\":\"Guten Tag.\",\"lang\":\"xx-nobody\",\"last\":true}" },
	{ FAULT_ODD_PROMPTS, "{\"type\":\"prompt\",\"voicePrompt\":\"No language.\",\"last\":true}" },
	{ FAULT_PLAYED_UNKNOWN, "{\"type\":\"info\",\"name\":\"tokensPlayed\",\"value\":\"never sent by anybody\"}" },
	{ FAULT_UNKNOWN_STREAM, "{\"type\":\"setup\",\"sessionId\":\"VX99999999999999999999999999999999\","
				"\"accountSid\":\"AC\",\"callSid\":\"CA99999999999999999999999999999999\"}" },
};

void relay_send_texts(struct call *c, int fault)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if ((int)texts[i].id == fault)
			stream_send(c, WS_TEXT, texts[i].text, strlen(texts[i].text));
	/* What was said asks for an answer. */
	relay_now(c)->unanswerable = false;
}

/* Setups by number, from 1: $C is the call, $A the account, $S the session. */
static const char *const setups[] = {
	"{\"type\":\"setup\"}",
	"{\"type\":\"setup\",\"sessionId\":\"$S\",\"accountSid\":\"$A\",\"customParameters\":{}}",
	"{\"type\":\"setup\",\"sessionId\":\"$S\",\"accountSid\":\"$A\",\"callSid\":7,\"customParameters\":{}}",
	"{\"type\":\"setup\",\"sessionId\":\"$S\",\"accountSid\":\"$A\",\"callSid\":null,\"customParameters\":{}}",
	"{\"type\":\"setup\",\"sessionId\":\"$S\",\"accountSid\":\"$A\",\"callSid\":\"CA99999999999999999999999999999999\","
	"\"customParameters\":{}}",
	"{\"type\":\"setup\",\"accountSid\":\"$A\",\"callSid\":\"$C\",\"customParameters\":{}}",
	"{\"type\":\"setup\",\"sessionId\":[\"$S\"],\"accountSid\":\"$A\",\"callSid\":\"$C\"}",
	"{\"type\":\"setup\",\"sessionId\":\"$S\",\"accountSid\":\"AC99999999999999999999999999999999\",\"callSid\":\"$C\"}",
	"{\"type\":\"setup\",\"sessionId\":\"$S\",\"accountSid\":\"$A\",\"callSid\":\"$C\",\"customParameters\":[1,2]}",
	"{\"type\":\"setup\",\"sessionId\":\"$S\",\"accountSid\":\"$A\",\"callSid\":\"$C\",\"customParameters\":"
	"{\"agent\":7,\"token\":null}}",
	"{\"type\":\"setup\",\"sessionId\":\"$S\",\"accountSid\":\"$A\",\"callSid\":\"$C\",\"from\":\"$H\"}",
	"{\"type\":\"setup\",\"sessionId\":\"$H\",\"accountSid\":\"$A\",\"callSid\":\"$C\"}",
	"{\"type\":\"setup\",\"sessionId\":\"$S\",\"accountSid\":\"$A\",\"callSid\":\"$H\"}",
};

enum { HUGE_FIELD = 20000 };

bool relay_bad_setup(const struct call *c, struct text *out)
{
	long n = fault_value(c->options, FAULT_BAD_SETUP);

	if (!has_fault(c->options, FAULT_BAD_SETUP) || n < 1 || n > (long)(sizeof setups / sizeof setups[0]))
		return false;
	for (const char *p = setups[n - 1]; *p; p++) {
		if (*p != '$') {
			text_add(out, p, 1);
			continue;
		}
		p++;
		if (*p == 'H')
			for (int i = 0; i < HUGE_FIELD; i++)
				text_puts(out, "9");
		else
			text_puts(out, *p == 'C' ? c->sid : *p == 'A' ? c->options->account : relay_now(c)->id);
	}
	return true;
}

void relay_spoil_heard(const struct call *c, struct text *heard)
{
	size_t n = 0;

	if (has_fault(c->options, FAULT_HEARD_UNKNOWN)) {
		text_free(heard);
		text_puts(heard, "something that was never sent to be spoken");
	}
	for (size_t i = 0; i < heard->len; i++) {
		char ch = heard->data[i];

		if (has_fault(c->options, FAULT_HEARD_LOWER))
			ch = (char)tolower((unsigned char)ch);
		if (!has_fault(c->options, FAULT_HEARD_BARE) || !ispunct((unsigned char)ch))
			heard->data[n++] = ch;
	}
	heard->len = n;
	if (heard->data)
		heard->data[n] = '\0';
}

void relay_huge(struct call *c)
{
	struct text words = { 0 };

	while ((long)words.len < fault_value(c->options, FAULT_HUGE))
		text_puts(&words, "and then ");
	relay_prompt(c, words.data, (size_t)fault_value(c->options, FAULT_HUGE), true);
	text_free(&words);
}

void relay_storm(struct call *c)
{
	static const char one[] =
	    "{\"type\":\"interrupt\",\"utteranceUntilInterrupt\":\"\",\"durationUntilInterruptMs\":0}";

	for (long i = 0; i < fault_value(c->options, FAULT_INTERRUPTS); i++)
		if (!relay_interrupt(c, INPUT_SPEECH))
			stream_send(c, WS_TEXT, one, sizeof one - 1);
}

static const struct {
	int code;
	const char *message;
} errors[] = {
	{ 64101, "Invalid parameter value" },
	{ 64102, "Unable to connect to the WebSocket URL" },
	{ 64104, "Maximum call duration reached" },
	{ 64105, "Websocket ended" },
	{ 64107, "Invalid message received" },
	{ 64108, "No RTP from the caller" },
	{ 64109, "Concurrency limit exceeded" },
	{ 64111, "Text-to-speech provider failed" },
	{ 64112, "Text-to-speech conversion failed" },
	{ 39001, "Network connection to WebSocket server failed." },
};

bool relay_is_unreachable(const struct call *c)
{
	long code = fault_value(c->options, FAULT_SESSION_ERROR);

	return has_fault(c->options, FAULT_SESSION_ERROR) && (code == 64102 || code == 39001) && !c->relay.count;
}

void relay_fail(struct call *c)
{
	bool open = c->stream.state == STREAM_OPEN;
	struct relay_session *s = open ? relay_now(c) : relay_new_session(c);
	int code = (int)fault_value(c->options, FAULT_SESSION_ERROR);

	if (open && !c->stream.verb->relay)
		return;
	s->error = "Internal error";
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (errors[i].code == code)
			s->error = errors[i].message;
	s->error_code = code;
	if (!open) {
		stream_end(c, END_CUT);
		return;
	}
	relay_error(c, code, s->error);
	relay_hang_up(c);
	stream_closing(c);
}
