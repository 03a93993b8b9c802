#include "server/recording/twilio_recording.h"

#include "common/clock.h"
#include "server/news/journal_json.h"
#include "server/recording/recorder.h"
#include "server/store/store_recordings.h"

#include <string.h>

static bool is_final(const char *status)
{
	return strcmp(status, "in-progress") != 0;
}

/* Called by the webhook for Twilio's report, and by twilio_start for its own results. The store
 * keeps every state; the journal hears of final ones only. */
void twilio_recording_note(struct recorder *recorder, const struct twilio_recording *r)
{
	int64_t now = clock_wall_ms();
	const char *url = r->url && *r->url ? r->url : NULL;
	struct call_recording facts = { .by = CALL_RECORDED_BY_TWILIO,
		.sid = r->sid,
		.status = r->status,
		.url = url,
		.seconds = (double)r->seconds,
		.channels = r->channels };
	struct json_out j;
	struct buf json;

	buf_init(&json, 0);
	j = json_out_to(&json);
	journal_put_recording(&j, NULL, &facts);
	if (!buf_error(&json))
		store_recording_put(recorder_store(recorder), &(struct recording_row){ .id = r->sid,
								  .call_sid = r->call_sid,
								  .at_ms = now,
								  .status = r->status,
								  .seconds = facts.seconds,
								  .channels = (int)r->channels,
								  .url = url,
								  .json = buf_text(&json) });
	buf_free(&json);
	if (is_final(r->status))
		journal_tell(&(struct journal_entry){ .kind = JOURNAL_RECORDING,
		    .type = "recording",
		    .call_sid = r->call_sid,
		    .wall_ms = now,
		    .recording = &facts });
}
