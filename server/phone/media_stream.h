#ifndef PHONE_MEDIA_STREAM_H
#define PHONE_MEDIA_STREAM_H
/* Twilio Media Streams messages, both ways, without I/O.
 *
 * Each is one text frame with one JSON object. Twilio closes over any field it
 * does not know in ours, so exactly the documented ones are written. What
 * comes in is a stranger's until proven otherwise: numbers may be strings or
 * numbers, fields may be missing, and unknown events are normal.
 */
#include "common/buf.h"
#include "common/json.h"

#include <stdbool.h>
#include <stdint.h>

enum stream_event {
	STREAM_INVALID, /* not JSON, or a known event without what it needs */
	STREAM_UNKNOWN, /* an event we do not know: ignore */
	STREAM_CONNECTED,
	STREAM_START,
	STREAM_MEDIA,
	STREAM_MARK,
	STREAM_DTMF,
	STREAM_STOP
};

enum { STREAM_SID_SIZE = 64 };

struct stream_message {
	enum stream_event event;
	struct span stream_sid; /* all but connected; borrowed from the text */

	/* START; strings cut to size, "" when absent */
	char call_sid[40];
	char account_sid[40];
	char caller[64], called[64]; /* as the TwiML's <Parameter>s of these names say */
	bool mulaw;                  /* the format is mu-law, 8000 Hz, one channel */

	/* MEDIA */
	bool has_timestamp;
	uint64_t timestamp_ms; /* since the stream began */
	struct span payload;   /* base64 mu-law, borrowed from the text */

	struct span mark; /* MARK: the name, escapes as they are */
	char digit;       /* DTMF: 0-9 * # A-D */
};

/* `text` is parsed in place and must outlive the message. */
void stream_parse(const char *text, size_t len, struct stream_message *out);

/* Append one message; nothing else may be in `out` before it. */
void stream_put_media(struct buf *out, const char *stream_sid, const uint8_t *mulaw, size_t len);
void stream_put_mark(struct buf *out, const char *stream_sid, const char *name);
void stream_put_clear(struct buf *out, const char *stream_sid);

/* True if it can stand in JSON as it is: printable ASCII without quote and backslash. */
bool stream_sid_plain(struct span sid);

#endif
