#include "server/recording/twilio_recording.h"

#include "common/clock.h"
#include "common/json_out.h"
#include "server/news/journal.h"
#include "server/recording/recorder.h"
#include "server/store/store_recordings.h"

#include <string.h>

static bool is_final(const char *status)
{
	return strcmp(status, "in-progress") != 0;
}

void twilio_recording_note(struct recorder *recorder, const struct twilio_recording *r)
{
	int64_t now = clock_wall_ms();
	struct json_out j;
	struct buf json;

	buf_init(&json, 0);
	j = json_out_to(&json);
	json_put_object(&j, NULL);
	json_put_text(&j, "mode", "twilio");
	json_put_text(&j, "sid", r->sid);
	json_put_text(&j, "status", r->status);
	json_put_text(&j, "url", r->url && *r->url ? r->url : NULL);
	json_put_int(&j, "seconds", r->seconds);
	json_put_int(&j, "channels", r->channels);
	json_put_end(&j);
	if (!buf_error(&json)) {
		store_recording_put(recorder_store(recorder), &(struct recording_row){ .id = r->sid,
								  .call_sid = r->call_sid,
								  .at_ms = now,
								  .status = r->status,
								  .seconds = (double)r->seconds,
								  .channels = (int)r->channels,
								  .url = r->url && *r->url ? r->url : NULL,
								  .json = buf_text(&json) });
		if (is_final(r->status))
			journal_tell(&(struct journal_entry){ .kind = JOURNAL_RECORDING,
			    .type = "recording",
			    .call_sid = r->call_sid,
			    .wall_ms = now,
			    .no = -1,
			    .json = buf_text(&json) });
	}
	buf_free(&json);
}
