/* All answer 204: Twilio reads no TwiML here. They may be late, and nothing
 * a caller waits for depends on them.
 */
#include "server/web/twilio/statuses.h"

#include "common/log.h"
#include "server/dialer/dialer_news.h"
#include "server/line/calls.h"
#include "server/recording/twilio_recording.h"
#include "server/recording/voicemail.h"
#include "server/web/twilio/placed.h"
#include "server/web/twilio/webhook.h"

#include <stdlib.h>
#include <string.h>

void webhook_stream_status(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	const char *error = webhook_field(q, "StreamError"), *event = webhook_field(q, "StreamEvent");

	(void)parts, (void)arg;
	if (!strcmp(event, "stream-error")) {
		/* 31921 is how Twilio books every close by our side, the intended ones too. */
		bool our_close = !strncmp(error, "31921", 5);

		log_write(our_close ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, webhook_field(q, "CallSid"),
		    "Twilio reports a stream error: stream=%.40s error=%.200s", webhook_field(q, "StreamSid"), error);
	} else {
		log_debug("http", "stream status: call=%.40s event=%.40s", webhook_field(q, "CallSid"), event);
	}
	r->status = 204;
}

/* The dialer takes every state of a call we placed; of other calls only the
 * end matters. */
void webhook_call_status(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	const char *sid = webhook_field(q, "CallSid"), *status = webhook_field(q, "CallStatus");

	(void)arg;
	if (parts->dialer && webhook_is_sid(sid))
		dialer_news(parts->dialer, placed_id(q), sid, status);
	log_debug("http", "call status: call=%.40s status=%.40s", sid, status);
	/* A reserved line need not wait for a stream that will not come. */
	if (webhook_is_final(status))
		calls_end(parts->calls, sid, END_CALLER_HUNG_UP);
	r->status = 204;
}

void webhook_amd(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	const char *sid = webhook_field(q, "CallSid"), *found = webhook_field(q, "AnsweredBy");
	cJSON *order = NULL;

	(void)arg;
	if (parts->dialer && webhook_is_sid(sid))
		order = dialer_detected(parts->dialer, placed_id(q), sid, found);
	if (order)
		placed_found(parts, sid, order, found);
	cJSON_Delete(order);
	r->status = 204;
}

static const char *param(const struct request *q, const char *name)
{
	const char *value = request_param(q, name);

	return value ? value : "";
}

/* Whose message it is, by the address that we gave. */
static struct voicemail_party whose(const struct request *q)
{
	return (struct voicemail_party){ param(q, "agent"), param(q, "variant"), param(q, "from"), param(q, "to") };
}

/* The names go into rows and log lines, so all three are checked. */
void webhook_recording_status(
    const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct twilio_recording news = {
		.call_sid = webhook_field(q, "CallSid"),
		.sid = webhook_field(q, "RecordingSid"),
		.status = webhook_field(q, "RecordingStatus"),
		.url = webhook_field(q, "RecordingUrl"),
		.seconds = strtol(webhook_field(q, "RecordingDuration"), NULL, 10),
		.channels = strtol(webhook_field(q, "RecordingChannels"), NULL, 10),
	};
	struct voicemail_party party = whose(q);

	(void)arg;
	if (!webhook_is_sid(news.call_sid) || !webhook_is_sid(news.sid) || !webhook_is_sid(news.status)) {
		response_refusal(r, 400, "CallSid, RecordingSid or RecordingStatus is missing or malformed");
		return;
	}
	log_info(news.call_sid, "Twilio reports a recording: %s %s", news.sid, news.status);
	if (*param(q, "voicemail"))
		voicemail_news(parts->voicemail, &news, &party);
	else
		twilio_recording_note(parts->recorder, &news);
	r->status = 204;
}

/* It may come twice, and before the news of the recording. */
void webhook_transcription(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	struct twilio_recording of = { .call_sid = webhook_field(q, "CallSid"),
		.sid = webhook_field(q, "RecordingSid"),
		.status = "completed",
		.url = webhook_field(q, "RecordingUrl") };
	const char *status = webhook_field(q, "TranscriptionStatus");
	struct voicemail_party party = whose(q);

	(void)arg;
	if (!webhook_is_sid(of.call_sid) || !webhook_is_sid(of.sid)) {
		response_refusal(r, 400, "CallSid or RecordingSid is missing or malformed");
		return;
	}
	log_info(of.call_sid, "Twilio has written down a recording: %s %.20s", of.sid, status);
	voicemail_written(
	    parts->voicemail, &of, &party, !strcmp(status, "completed") ? webhook_field(q, "TranscriptionText") : NULL);
	r->status = 204;
}
