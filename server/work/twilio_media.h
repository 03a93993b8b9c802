#ifndef WORK_TWILIO_MEDIA_H
#define WORK_TWILIO_MEDIA_H
/* The sound of recordings that Twilio keeps, fetched with our credentials,
 * which go to no other place than TWILIO_API_URL.
 *
 * First ask, then send: size and ranges must be known before the headers of
 * an answer that passes it on. Both block, until a deadline: for HTTP
 * workers.
 */
#include "server/work/twilio_rest.h"

enum twilio_media_outcome {
	TWILIO_MEDIA_THERE,
	TWILIO_MEDIA_NONE,   /* not, or not yet, or not any more */
	TWILIO_MEDIA_TROUBLE /* no answer, or none that helps: see `message` */
};

struct twilio_media {
	enum twilio_media_outcome outcome;
	int status; /* HTTP; 0: none */
	int code;   /* Twilio's, as in 20003; 0: none */
	char message[TWILIO_MESSAGE_SIZE];
	int64_t size; /* bytes of it; -1: Twilio does not say */
	bool ranges;  /* Twilio serves any part of it */
};

/* Appends the address of the sound of that recording: where Twilio reported it (`url`; NULL: not yet). False:
 * that is in another place than TWILIO_API_URL. */
bool twilio_media_put_url(const struct twilio *t, const char *sid, const char *url, struct buf *out);

/* Asks for the first byte of it. */
void twilio_media_ask(const struct twilio *t, const char *url, struct twilio_media *out);

/* Fetches the bytes `first` to `last` of what `media` describes, or all of it
 * with `last` -1. True: the sink got all of that, and nothing else. If not,
 * `why` is a sentence. */
bool twilio_media_send(const struct twilio *t, const char *url, const struct twilio_media *media, int64_t first,
    int64_t last, const struct fetch_sink *sink, char why[TWILIO_MESSAGE_SIZE]);

/* --- pure --- */

/* Whether the URL, as Twilio reported it, is at the place `api_url` names, by
 * scheme, host and port, and nothing but a path follows. */
bool twilio_media_is_ours(const char *api_url, const char *url);

/* "bytes 0-57/271006": which bytes, of how many. */
bool twilio_media_range(const char *content_range, int64_t *first, int64_t *last, int64_t *size);

#endif
