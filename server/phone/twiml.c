#include "server/phone/twiml.h"

#include "common/json.h"
#include "server/agents/agent.h"
#include "server/phone/party.h"

#include <stdbool.h>
#include <string.h>

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* Twilio: name and value of a parameter stay under 500 characters together. */
enum { PARAMETER_VALUE_MAX = 256 };

enum { RECORD_SILENCE_S = 10 };

/* For text and for attributes in either kind of quotes. Blanks other than the space
 * would be folded in an attribute (XML 1.0 §3.3.3), unless they are references. */
static const char *entity(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		return NULL;
	}
}

/* Bytes of the UTF-8 sequence that starts here, 0 if there is none. */
static size_t sequence_at(const char *text, size_t len)
{
	unsigned char first = (unsigned char)*text;
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	return n <= len && utf8_valid(text, n) ? n : 0;
}

/* XML 1.0 §2.2: no control characters but tab and line ends, and neither
 * U+FFFE nor U+FFFF. */
static bool allowed(const char *at, size_t n)
{
	if (n == 1)
		return (unsigned char)*at >= 0x20 || strchr("\t\n\r", *at);
	return n != 3 || (memcmp(at, "\xef\xbf\xbe", 3) && memcmp(at, "\xef\xbf\xbf", 3));
}

/* Text from a caller's number or an agent's file is data: characters that XML
 * cannot hold become U+FFFD, and the rest stays. */
void xml_escape(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		size_t n = sequence_at(text, (size_t)(end - text));
		const char *escaped = n == 1 ? entity((unsigned char)*text) : NULL;

		if (escaped)
			buf_puts(out, escaped);
		else if (n && *text && allowed(text, n))
			buf_put(out, text, n);
		else
			buf_puts(out, "\xef\xbf\xbd");
		text += n ? n : 1;
	}
}

static void put_text(struct buf *out, const char *text)
{
	xml_escape(out, text, strlen(text));
}

static void put_attribute(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, " %s=\"", name);
	put_text(out, value);
	buf_putc(out, '"');
}

static void put_parameter(struct buf *out, const char *name, const char *value)
{
	if (!*value)
		return;
	buf_printf(out, "<Parameter name=\"%s\" value=\"", name);
	xml_escape(out, value, strnlen(value, PARAMETER_VALUE_MAX));
	buf_puts(out, "\"/>");
}

static void put_digits(struct buf *out, const char *digits, size_t len)
{
	buf_puts(out, "<Play digits=\"");
	xml_escape(out, digits, len);
	buf_puts(out, "\"/>");
}

/* The call stays in <Connect> for as long as the stream or session is open; then Twilio
 * asks `action_url` for the next document. */
static void begin_connect(struct buf *out, const char *digits, const char *action_url)
{
	buf_puts(out, XML_HEAD "<Response>");
	if (digits)
		put_digits(out, digits, strlen(digits));
	buf_puts(out, "<Connect");
	put_attribute(out, "action", action_url);
	put_attribute(out, "method", "POST");
	buf_putc(out, '>');
}

void twiml_connect_stream(struct buf *out, const struct twiml_stream *stream)
{
	begin_connect(out, stream->digits, stream->action_url);
	buf_puts(out, "<Stream");
	put_attribute(out, "url", stream->stream_url);
	put_attribute(out, "statusCallback", stream->status_url);
	put_attribute(out, "statusCallbackMethod", "POST");
	buf_putc(out, '>');
	put_parameter(out, "caller", stream->caller);
	put_parameter(out, "called", stream->called);
	buf_puts(out, "</Stream></Connect></Response>\n");
}

static void put_known(struct buf *out, const char *name, const char *value)
{
	if (value && *value)
		put_attribute(out, name, value);
}

static void put_language(struct buf *out, const struct relay_language *l)
{
	buf_puts(out, "<Language");
	put_attribute(out, "code", l->code);
	put_known(out, "ttsProvider", l->tts_provider);
	put_known(out, "voice", l->voice);
	put_known(out, "transcriptionProvider", l->transcription_provider);
	put_known(out, "speechModel", l->speech_model);
	buf_puts(out, "/>");
}

void twiml_connect_relay(struct buf *out, const struct twiml_relay *relay)
{
	const struct agent *p = relay->agent;

	begin_connect(out, NULL, relay->action_url);
	buf_puts(out, "<ConversationRelay");
	put_attribute(out, "url", relay->relay_url);
	put_known(out, relay_attribute_names[RELAY_welcomeGreeting], relay->greeting);
	for (int i = 0; i < RELAY_ATTRIBUTE_COUNT; i++)
		put_known(out, relay_attribute_names[i], relay_attribute(p, (enum relay_attribute)i));
	buf_putc(out, '>');
	for (size_t i = 0; i < p->relay.language_count; i++)
		put_language(out, &p->relay.languages[i]);
	put_parameter(out, "caller", relay->caller);
	put_parameter(out, "called", relay->called);
	put_parameter(out, "agent", p->name);
	buf_puts(out, "</ConversationRelay></Connect></Response>\n");
}

static void put_say(struct buf *out, const char *text, size_t len, const char *voice, const char *language)
{
	buf_puts(out, "<Say");
	put_known(out, "voice", voice);
	put_known(out, "language", language);
	buf_putc(out, '>');
	xml_escape(out, text, len);
	buf_puts(out, "</Say>");
}

static void put_words(struct buf *out, const struct twiml_say *say)
{
	if (say)
		put_say(out, say->text, strlen(say->text), say->voice, say->language);
}

void twiml_say_hangup(struct buf *out, const struct twiml_say *say)
{
	buf_puts(out, XML_HEAD "<Response>");
	put_words(out, say);
	buf_puts(out, "<Hangup/></Response>\n");
}

/* A SIP address may be rung from any name, a number from a number only. */
void twiml_dial_person(struct buf *out, const struct twiml_say *words, const struct twiml_dial *dial)
{
	bool sip = party_from(dial->number).kind == PARTY_SIP;
	const char *noun = sip ? "Sip" : "Number";

	buf_puts(out, XML_HEAD "<Response>");
	put_words(out, words);
	buf_printf(out, "<Dial timeout=\"%d\" answerOnBridge=\"true\" method=\"POST\"", dial->ring_seconds);
	put_attribute(out, "action", dial->action_url);
	if (*dial->caller_id && !sip)
		put_attribute(out, "callerId", dial->caller_id);
	buf_printf(out, "><%s>", noun);
	put_text(out, dial->number);
	buf_printf(out, "</%s></Dial></Response>\n", noun);
}

/* Where nothing is said Twilio does not ask the action, and goes on with the next verb. */
void twiml_take_message(
    struct buf *out, const struct twiml_say *first, const struct twiml_say *then, const struct twiml_record *record)
{
	buf_puts(out, XML_HEAD "<Response>");
	put_words(out, first);
	put_words(out, then);
	buf_printf(out, "<Record playBeep=\"true\" maxLength=\"%d\" timeout=\"%d\" finishOnKey=\"#\" method=\"POST\"",
	    record->max_seconds, RECORD_SILENCE_S);
	put_attribute(out, "action", record->action_url);
	put_attribute(out, "recordingStatusCallback", record->status_url);
	if (record->words_url) {
		buf_puts(out, " transcribe=\"true\"");
		put_attribute(out, "transcribeCallback", record->words_url);
	}
	buf_puts(out, " recordingStatusCallbackEvent=\"completed absent\"/><Redirect method=\"POST\">");
	put_text(out, record->action_url);
	buf_puts(out, "</Redirect></Response>\n");
}

/* As much of a line as one <Say> takes, and no part of a word if there is a blank. */
static size_t say_length(const char *text, size_t len)
{
	size_t n = utf8_whole(text, len, TWIML_SAY_MAX), blank = n;

	while (n < len && blank && text[blank - 1] != ' ')
		blank--;
	return blank ? blank : n;
}

static void put_lines(struct buf *out, const struct twiml_turn *t, const char *at, const char *end)
{
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((line_end ? line_end : end) - at),
		       n = *at == TWIML_KEYS ? len : say_length(at, len);

		if (n && *at == TWIML_KEYS)
			put_digits(out, at + 1, n - 1);
		else if (n)
			put_say(out, at, n, t->voice, t->language);
		at += n;
		at += at == line_end;
	}
}

/* Behind the last keys: whoever speaks up would cut them off. */
static const char *behind_keys(const struct twiml_turn *t)
{
	const char *keys = memrchr(t->words, TWIML_KEYS, t->len);
	const char *end = keys ? memchr(keys, '\n', (size_t)(t->words + t->len - keys)) : NULL;

	return !keys ? t->words : end ? end + 1 : t->words + t->len;
}

/* What we rely on is written out: that a request comes also when nothing was heard, and what interrupts. */
void twiml_turn(struct buf *out, const struct twiml_turn *t)
{
	const char *end = t->words + t->len, *rest = behind_keys(t);

	buf_puts(out, XML_HEAD "<Response>");
	put_lines(out, t, t->words, rest);
	if (t->heard_in) {
		buf_puts(out, "<Gather input=\"speech dtmf\" actionOnEmptyResult=\"true\" speechTimeout=\"auto\"");
		buf_printf(out, " timeout=\"%d\"", t->patience_seconds);
		put_attribute(out, "bargeIn", t->interruptible ? "true" : "false");
		put_attribute(out, "language", t->heard_in);
		put_attribute(out, "method", "POST");
		put_attribute(out, "action", t->next_url);
		buf_putc(out, '>');
	}
	put_lines(out, t, rest, end);
	if (t->heard_in)
		buf_puts(out, "</Gather>");
	if (t->pause)
		buf_puts(out, "<Pause length=\"1\"/>");
	buf_puts(out, "<Redirect method=\"POST\">");
	put_text(out, t->next_url);
	buf_puts(out, "</Redirect></Response>\n");
}

void twiml_hangup(struct buf *out)
{
	buf_puts(out, XML_HEAD "<Response><Hangup/></Response>\n");
}
