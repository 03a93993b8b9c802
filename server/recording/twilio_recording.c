#include "server/recording/twilio_recording.h"

#include "common/clock.h"
#include "common/json.h"
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
	struct buf json;

	buf_init(&json, 0);
	buf_puts(&json, "{\"mode\":\"twilio\",\"sid\":");
	json_put_cstring(&json, r->sid);
	buf_puts(&json, ",\"status\":");
	json_put_cstring(&json, r->status);
	buf_puts(&json, ",\"url\":");
	json_put_cstring(&json, r->url && *r->url ? r->url : NULL);
	buf_printf(&json, ",\"seconds\":%ld,\"channels\":%ld}", r->seconds, r->channels);
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
