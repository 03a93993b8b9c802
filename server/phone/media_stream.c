#include "server/phone/media_stream.h"

#include <stdio.h>
#include <string.h>

/* The object that is the value of `key`, searched inside `in`. */
static bool scan_in(struct span in, const char *key, struct span *value)
{
	return json_scan(in.p, in.n, key, value);
}

static void parse_media(struct span object, struct stream_message *out)
{
	struct span timestamp;

	if (!scan_in(object, "payload", &out->payload) || !span_quoted(out->payload))
		return;
	out->has_timestamp = scan_in(object, "timestamp", &timestamp) && span_u64(timestamp, &out->timestamp_ms);
	out->event = STREAM_MEDIA;
}

static void parse_start(const char *text, size_t len, struct stream_message *out)
{
	cJSON *tree = json_parse(text, len);
	const cJSON *start = json_get(tree, "start");
	const cJSON *format = json_get(start, "mediaFormat");
	const char *call_sid = json_str(start, "callSid");
	const char *account_sid = json_str(start, "accountSid");
	const char *encoding = json_str(format, "encoding");
	const cJSON *parameters = json_get(start, "customParameters");
	const char *caller = json_str(parameters, "caller"), *called = json_str(parameters, "called");
	double rate = 0, channels = 0;

	if (call_sid && out->stream_sid.n) {
		out->event = STREAM_START;
		snprintf(out->call_sid, sizeof out->call_sid, "%s", call_sid);
		snprintf(out->account_sid, sizeof out->account_sid, "%s", account_sid ? account_sid : "");
		snprintf(out->caller, sizeof out->caller, "%s", caller ? caller : "");
		snprintf(out->called, sizeof out->called, "%s", called ? called : "");
		json_num(format, "sampleRate", &rate);
		json_num(format, "channels", &channels);
		/* A start without a format is taken at Twilio's word: it has only this one. */
		out->mulaw =
		    !format || (encoding && !strcmp(encoding, "audio/x-mulaw") && rate == 8000 && channels == 1);
	}
	cJSON_Delete(tree);
}

static void parse_dtmf(struct span object, struct stream_message *out)
{
	struct span digit;

	if (!scan_in(object, "digit", &digit) || digit.n != 1 || !memchr("0123456789*#ABCD", digit.p[0], 16))
		return;
	out->digit = digit.p[0];
	out->event = STREAM_DTMF;
}

void stream_parse(const char *text, size_t len, struct stream_message *out)
{
	struct span event, object;

	memset(out, 0, sizeof *out);
	out->event = STREAM_INVALID;
	if (!json_scan(text, len, "event", &event))
		return;
	if (!json_scan(text, len, "streamSid", &out->stream_sid))
		out->stream_sid.n = 0;
	if (span_is(event, "media")) {
		if (json_scan(text, len, "media", &object))
			parse_media(object, out);
	} else if (span_is(event, "mark")) {
		if (json_scan(text, len, "mark", &object) && scan_in(object, "name", &out->mark))
			out->event = STREAM_MARK;
	} else if (span_is(event, "dtmf")) {
		if (json_scan(text, len, "dtmf", &object))
			parse_dtmf(object, out);
	} else if (span_is(event, "start")) {
		parse_start(text, len, out);
	} else if (span_is(event, "stop")) {
		out->event = STREAM_STOP;
	} else if (span_is(event, "connected")) {
		out->event = STREAM_CONNECTED;
	} else {
		out->event = STREAM_UNKNOWN;
	}
}

bool stream_sid_plain(struct span sid)
{
	if (sid.n == 0 || sid.n >= STREAM_SID_SIZE)
		return false;
	for (size_t i = 0; i < sid.n; i++)
		if (sid.p[i] <= ' ' || sid.p[i] > '~' || sid.p[i] == '"' || sid.p[i] == '\\')
			return false;
	return true;
}

static void put_head(struct buf *out, const char *event, const char *stream_sid)
{
	buf_puts(out, "{\"event\":\"");
	buf_puts(out, event);
	buf_puts(out, "\",\"streamSid\":\"");
	buf_puts(out, stream_sid);
	buf_puts(out, "\"");
}

void stream_put_media(struct buf *out, const char *stream_sid, const uint8_t *mulaw, size_t len)
{
	put_head(out, "media", stream_sid);
	buf_puts(out, ",\"media\":{\"payload\":");
	json_put_base64(out, mulaw, len);
	buf_puts(out, "}}");
}

void stream_put_mark(struct buf *out, const char *stream_sid, const char *name)
{
	put_head(out, "mark", stream_sid);
	buf_puts(out, ",\"mark\":{\"name\":\"");
	buf_puts(out, name);
	buf_puts(out, "\"}}");
}

void stream_put_clear(struct buf *out, const char *stream_sid)
{
	put_head(out, "clear", stream_sid);
	buf_puts(out, "}");
}
