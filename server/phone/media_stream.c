/* Twilio sends "connected" and "start" first, then media and keys until
 * "stop". Most numbers arrive as strings. Marks come back when everything
 * before them has been played, or at once after a clear.
 */
#include "server/phone/media_stream.h"

#include "common/foreign.h"
#include "common/json_out.h"

#include <stddef.h>
#include <string.h>

/* The value of `key` in the object `in`. */
static bool scan_in(struct span in, const char *key, struct span *value)
{
	return json_scan(in.p, in.n, key, value);
}

/* ---------------------------------------------------------------- from Twilio */

/* A start without a format is taken at Twilio's word: it has only this one. */
static bool is_mulaw(const cJSON *format)
{
	const char *encoding = json_str(format, "encoding");
	double rate = 0, channels = 0;

	json_num(format, "sampleRate", &rate);
	json_num(format, "channels", &channels);
	return !format || (encoding && !strcmp(encoding, "audio/x-mulaw") && rate == 8000 && channels == 1);
}

/* The only message that costs a tree, once a call: its parts are nested, and
 * their order is not fixed. The caller loop decides whether this is the
 * announced call; here only the form is checked. */
static void parse_start(struct phone_stream *s, struct span sid, const char *text, size_t len, struct phone_event *out)
{
	cJSON *tree = foreign_json(text, len);
	const cJSON *start = json_get(tree, "start");
	const cJSON *parameters = json_get(start, "customParameters");
	const char *call_sid = json_str(start, "callSid");

	if (call_sid && sid.n) {
		out->type = PHONE_STARTED;
		foreign_id_copy(out->call_sid, call_sid);
		/* As the TwiML's <Parameter>s of these names say. */
		foreign_id_copy(out->caller, json_str(parameters, "caller"));
		foreign_id_copy(out->called, json_str(parameters, "called"));
		if (!foreign_id_is_plain(call_sid, strlen(call_sid)))
			out->unusable = "no usable callSid";
		else if (!is_mulaw(json_get(start, "mediaFormat")))
			out->unusable = "not 8 kHz mu-law";
		else if (!foreign_id_is_plain(sid.p, sid.n))
			out->unusable = "no usable streamSid";
		else if (!s->id[0])
			memcpy(s->id, sid.p, sid.n);
	}
	cJSON_Delete(tree);
}

/* The track is not looked at: a bidirectional stream carries the caller's
 * alone. */
static void parse_media(struct span media, struct phone_event *out)
{
	struct span timestamp;

	if (!scan_in(media, "payload", &out->audio) || !span_quoted(out->audio))
		return;
	out->has_timestamp = scan_in(media, "timestamp", &timestamp) && span_u64(timestamp, &out->timestamp_ms);
	out->type = PHONE_AUDIO;
}

/* The name is play-out's own; whether it fits is checked there. */
static void parse_mark(struct span mark, struct phone_event *out)
{
	if (scan_in(mark, "name", &out->mark))
		out->type = PHONE_MARK;
}

static void parse_dtmf(struct span dtmf, struct phone_event *out)
{
	struct span digit;

	if (!scan_in(dtmf, "digit", &digit) || digit.n != 1 || !memchr("0123456789*#ABCD", digit.p[0], 16))
		return;
	out->key = digit.p[0];
	out->type = PHONE_KEY;
}

/* Events whose fields stand in an object of the event's own name, most
 * frequent first. */
static const struct {
	const char *event;
	void (*parse)(struct span object, struct phone_event *out);
} kinds[] = { { "media", parse_media }, { "mark", parse_mark }, { "dtmf", parse_dtmf } };

/* Fifty messages a second of each call come through here: no allocation but for a
 * start. Fields are scanned for in the text. A field of an object is looked for in
 * that object only, so that a name elsewhere cannot be taken for it. */
static void parse(struct phone_stream *s, const char *text, size_t len, struct phone_event *out)
{
	struct span event, sid = { NULL, 0 }, object;
	bool ours;

	memset(out, 0, offsetof(struct phone_event, call_sid));
	out->call_sid[0] = out->caller[0] = out->called[0] = '\0';
	out->type = PHONE_INVALID;
	if (!json_scan(text, len, "event", &event)) {
		if (json_scan(text, len, "type", &event))
			out->unusable = "a <Stream> carries sound only; a <ConversationRelay> goes to /twilio/relay";
		return;
	}
	if (!json_scan(text, len, "streamSid", &sid))
		sid.n = 0;
	ours = s->id[0] && span_is(sid, s->id);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (!span_is(event, kinds[i].event))
			continue;
		if (ours && json_scan(text, len, kinds[i].event, &object))
			kinds[i].parse(object, out);
		return;
	}
	if (span_is(event, "start"))
		parse_start(s, sid, text, len, out);
	/* Before its start a stream has no name that a stop could miss. */
	else if (span_is(event, "stop"))
		out->type = ours || !s->id[0] ? PHONE_STOPPED : PHONE_INVALID;
	else
		out->type = span_is(event, "connected") ? PHONE_NOTHING : PHONE_UNKNOWN;
}

/* ------------------------------------------------------------------ to Twilio */

/* Fifty a second of each call: hence the one text that is fixed, where a writer would go
 * through its keys each time. The id goes out as it came: parse_start took only one that
 * is plain JSON text. */
static void put_audio(const struct phone_stream *s, struct buf *out, const uint8_t *mulaw, size_t len)
{
	buf_puts(out, "{\"event\":\"media\",\"streamSid\":\"");
	buf_puts(out, s->id);
	buf_puts(out, "\",\"media\":{\"payload\":");
	json_put_base64(out, mulaw, len);
	buf_puts(out, "}}");
}

static void put_head(const struct phone_stream *s, struct json_out *j, const char *event)
{
	json_put_text(j, "event", event);
	json_put_text(j, "streamSid", s->id);
}

static void put_mark(const struct phone_stream *s, struct buf *out, const char *name)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	put_head(s, &j, "mark");
	json_put_object(&j, "mark");
	json_put_text(&j, "name", name);
	json_put_end(&j);
	json_put_end(&j);
}

static void put_clear(const struct phone_stream *s, struct buf *out)
{
	struct json_out j = json_out_to(out);

	json_put_object(&j, NULL);
	put_head(s, &j, "clear");
	json_put_end(&j);
}

const struct phone_channel media_stream_channel = {
	.audio = true,
	.marks = true,
	.parks = true,
	.name = "stream",
	.parse = parse,
	.put_audio = put_audio,
	.put_mark = put_mark,
	.put_clear = put_clear,
};
