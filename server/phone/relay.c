/* What was said arrives as a prompt, perhaps with partial ones before it. When the caller
 * speaks over us, Twilio stops by itself and says in an interrupt how far it came.
 */
#include "server/phone/relay.h"

#include "common/json_out.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define A_STREAMS "a ConversationRelay carries words only; the sound of a <Stream> goes to /twilio/stream"

enum { SPOKEN_MS_MAX = 24 * 3600 * 1000 }; /* no call is longer */

/* ---------------------------------------------------------------- from Twilio */

/* What stands in front of us of `key`, if it is a string. */
static bool scan_string(struct span in, const char *key, struct span *value)
{
	return json_scan(in.p, in.n, key, value) && span_quoted(*value);
}

/* Blanks of any script: such a transcript is a cough, and nobody's turn. */
static bool is_blank(struct span text)
{
	int32_t c;

	for (size_t at = 0; (c = foreign_character(text, &at)) >= 0;)
		if (c > ' ' && c != 0xa0 && c != 0x1680 && !(c >= 0x2000 && c <= 0x200f) &&
		    !(c >= 0x2028 && c <= 0x202f) && c != 0x205f && c != 0x2060 && c != 0x3000 && c != 0xfeff)
			return false;
	return true;
}

/* Once a session, and so by a tree. Any setup is a start: one that cannot be used ends the
 * call with the reason, and does not leave the caller with nobody. */
static void parse_setup(struct phone_stream *s, struct span message, struct phone_event *out)
{
	cJSON *tree = foreign_json(message.p, message.n);
	const char *call_sid = json_str(tree, "callSid"), *session = json_str(tree, "sessionId");

	out->type = PHONE_STARTED;
	foreign_id_copy(out->call_sid, call_sid);
	foreign_id_copy(out->caller, json_str(tree, "from"));
	foreign_id_copy(out->called, json_str(tree, "to"));
	if (!call_sid || !foreign_id_is_plain(call_sid, strlen(call_sid)))
		out->unusable = "no usable callSid";
	else if (!session || !foreign_id_is_plain(session, strlen(session)))
		out->unusable = "no usable sessionId";
	else if (!s->id[0])
		foreign_id_copy(s->id, session);
	cJSON_Delete(tree);
}

static bool is_tag(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", text.p[i], 63))
			return false;
	return text.n >= 2 && text.n < PHONE_LANGUAGE_SIZE;
}

/* Without `last` nobody could tell whether the caller has finished. */
static void parse_prompt(struct phone_stream *s, struct span message, struct phone_event *out)
{
	struct span last, lang;

	(void)s;
	if (!scan_string(message, "voicePrompt", &out->text) || !json_scan(message.p, message.n, "last", &last) ||
	    span_quoted(last))
		return;
	if (scan_string(message, "lang", &lang) && is_tag(lang))
		out->language = lang;
	out->last = span_is(last, "true");
	if (out->last || span_is(last, "false"))
		out->type = is_blank(out->text) ? PHONE_NOTHING : PHONE_TEXT;
}

static void parse_dtmf(struct phone_stream *s, struct span message, struct phone_event *out)
{
	struct span digit;

	(void)s;
	if (!json_scan(message.p, message.n, "digit", &digit) || digit.n != 1 ||
	    !memchr("0123456789*#ABCD", digit.p[0], 16))
		return;
	out->key = digit.p[0];
	out->type = PHONE_KEY;
}

/* A number, or a string of one; it may have a fraction. */
static int64_t milliseconds(struct span value)
{
	char text[32], *end;
	double ms;

	if (value.n == 0 || value.n >= sizeof text)
		return -1;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	if (strspn(text, "0123456789.eE+-") != value.n)
		return -1;
	ms = strtod(text, &end);
	return *end || !isfinite(ms) || ms < 0 || ms > SPOKEN_MS_MAX ? -1 : (int64_t)ms;
}

/* It is one even if neither of its fields can be read: Twilio has stopped speaking. */
static void parse_interrupt(struct phone_stream *s, struct span message, struct phone_event *out)
{
	struct span spoken_ms;

	(void)s;
	if (!scan_string(message, "utteranceUntilInterrupt", &out->text))
		out->text = (struct span){ NULL, 0 };
	out->spoken_ms =
	    json_scan(message.p, message.n, "durationUntilInterruptMs", &spoken_ms) ? milliseconds(spoken_ms) : -1;
	out->type = PHONE_INTERRUPTED;
}

static void parse_error(struct phone_stream *s, struct span message, struct phone_event *out)
{
	(void)s;
	if (!scan_string(message, "description", &out->text))
		out->text = (struct span){ NULL, 0 };
	out->type = PHONE_COMPLAINT;
}

/* It is there for whoever subscribed to it; what it says otherwise than expected is new, not wrong. */
static void parse_info(struct phone_stream *s, struct span message, struct phone_event *out)
{
	struct span name, value;
	bool on, off;

	(void)s;
	out->type = PHONE_UNKNOWN;
	if (!scan_string(message, "name", &name) || !scan_string(message, "value", &value))
		return;
	on = span_is(value, "on");
	off = span_is(value, "off");
	if (span_is(name, "tokensPlayed")) {
		out->text = value;
		out->type = PHONE_PLAYED;
	} else if (span_is(name, "agentSpeaking") && (on || off)) {
		out->on = off;
		out->type = off ? PHONE_PLAYED : PHONE_NOTHING;
	} else if (span_is(name, "clientSpeaking") && (on || off)) {
		out->on = on;
		out->type = PHONE_VOICE;
	} else if (span_is(name, "roundTripDelayMs")) {
		out->type = PHONE_NOTHING;
	}
}

/* Samples that carry sound send it here, too. */
static void parse_media(struct phone_stream *s, struct span message, struct phone_event *out)
{
	(void)s, (void)message;
	out->type = PHONE_UNKNOWN;
	out->unusable = A_STREAMS;
}

static const struct {
	const char *type;
	void (*parse)(struct phone_stream *s, struct span message, struct phone_event *out);
} kinds[] = {
	{ "info", parse_info },
	{ "prompt", parse_prompt },
	{ "interrupt", parse_interrupt },
	{ "dtmf", parse_dtmf },
	{ "error", parse_error },
	{ "setup", parse_setup },
	{ "media", parse_media },
};

static void parse(struct phone_stream *s, const char *text, size_t len, struct phone_event *out)
{
	struct span message = { text, len }, type;

	memset(out, 0, offsetof(struct phone_event, call_sid));
	out->call_sid[0] = out->caller[0] = out->called[0] = '\0';
	out->type = PHONE_INVALID;
	if (!scan_string(message, "type", &type)) {
		if (scan_string(message, "event", &type))
			out->unusable = A_STREAMS;
		return;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (span_is(type, kinds[i].type)) {
			kinds[i].parse(s, message, out);
			return;
		}
	}
	out->type = PHONE_UNKNOWN;
}

/* ------------------------------------------------------------------ to Twilio */

static struct json_out begin(struct buf *out, const char *type)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	json_put_text(&j, "type", type);
	return j;
}

/* Of texts alone: pairs of a key and a text, up to a NULL. */
static void put_message(struct buf *out, const char *type, const char *const *pairs)
{
	struct json_out j = begin(out, type);

	for (; *pairs; pairs += 2)
		json_put_text(&j, pairs[0], pairs[1]);
	json_put_end(&j);
}

static void put_text(const struct phone_stream *s, struct buf *out, const char *text, size_t len, bool last)
{
	struct json_out j = begin(out, "text");

	json_put_text_of(&j, "token", text, len);
	json_put_bool(&j, "last", last);
	if (s->language[0])
		json_put_text(&j, "lang", s->language);
	json_put_end(&j);
}

static void put_language(struct phone_stream *s, struct buf *out, const char *tag)
{
	foreign_id_copy(s->language, tag);
	put_message(out, "language", (const char *const[]){ "ttsLanguage", tag, "transcriptionLanguage", tag, NULL });
}

static void put_play(const struct phone_stream *s, struct buf *out, const char *url)
{
	struct json_out j = begin(out, "play");

	(void)s;
	json_put_text(&j, "source", url);
	json_put_int(&j, "loop", 1);
	json_put_end(&j);
}

static void put_keys(const struct phone_stream *s, struct buf *out, const char *keys)
{
	(void)s;
	put_message(out, "sendDigits", (const char *const[]){ "digits", keys, NULL });
}

/* A string, whatever it holds: an object would be refused. */
static void put_end(const struct phone_stream *s, struct buf *out, const char *handoff)
{
	(void)s;
	put_message(out, "end", (const char *const[]){ "handoffData", handoff, NULL });
}

const struct phone_channel relay_channel = {
	.name = "relay",
	.text = true,
	.closes = true,
	.resumes = true,
	.parse = parse,
	.put_text = put_text,
	.put_language = put_language,
	.put_play = put_play,
	.put_keys = put_keys,
	.put_end = put_end,
};
