/* Two requests to Twilio. The first, before our headers, finds out whether
 * the recording is there, how long it is and whether Twilio serves parts of
 * it. The second fetches it and passes each piece on. Both run on the worker
 * of the connection, which holds a place of MAX_WATCHERS meanwhile.
 */
#include "server/web/api/recording_twilio.h"

#include "common/log.h"
#include "server/stats/stats.h"
#include "server/store/store_recordings.h"
#include "server/web/api/recording.h"
#include "server/web/writer.h"
#include "server/work/twilio_media.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PIECE_MS = 10 * 1000,              /* a client that takes longer for one has gone to sleep */
	HEADER_SIZE = FOREIGN_ID_SIZE + 24 /* holds a tag made of Twilio's name and a size */
};

struct passing {
	struct twilio twilio;
	struct twilio_media media;
	struct buf url; /* owned */
	char call_sid[FOREIGN_ID_SIZE], sid[FOREIGN_ID_SIZE];
	char range[HEADER_SIZE], if_range[HEADER_SIZE]; /* "": not sent */
	bool final;                                     /* Twilio has finished with it */
	int64_t first, last;                            /* -1 for `last`: to an end that is not known */
	struct writer *to;
};

/* ------------------------------------------------------------- while it is sent */

/* For a length that Twilio does not tell: RFC 9112 §7.1. */
static bool put_chunk(struct writer *w, const char *bytes, size_t len)
{
	char head[24];
	int n = snprintf(head, sizeof head, "%zx\r\n", len);

	return !writer_put(w, head, (size_t)n, PIECE_MS) && !writer_put(w, bytes, len, PIECE_MS) &&
	       !writer_put(w, "\r\n", 2, PIECE_MS);
}

static bool pass_piece(void *arg, const char *bytes, size_t len)
{
	struct passing *p = arg;

	return p->last < 0 ? put_chunk(p->to, bytes, len) : !writer_put(p->to, bytes, len, PIECE_MS);
}

/* Counted and logged, as the operator's settings or Twilio's may be the
 * reason. */
static void unserved(const struct passing *p, const char *why)
{
	stat_add(recording_twilio_unserved, 1);
	log_warn(p->call_sid, "Twilio does not hand over its recording: %s; recording=%s", why, p->sid);
}

/* The end of a chunked body is written only if all of it came: without it
 * the client knows that the end is missing. */
static void passing_run(void *arg, struct writer *w)
{
	struct passing *p = arg;
	const struct fetch_sink sink = { .piece = pass_piece, .arg = p };
	char why[TWILIO_MESSAGE_SIZE];

	p->to = w;
	writer_bound(w);
	if (twilio_media_send(&p->twilio, buf_text(&p->url), &p->media, p->first, p->last, &sink, why)) {
		if (p->last < 0)
			writer_put(w, "0\r\n\r\n", 5, PIECE_MS);
	} else if (!w->err && !atomic_load_explicit(w->stop, memory_order_acquire)) {
		unserved(p, why); /* cut short: the client sees that the end is missing */
	}
}

static void passing_free(void *arg)
{
	struct passing *p = arg;

	buf_free(&p->url);
	free(p);
}

/* ---------------------------------------------------------------- before the headers */

static void refuse_range(struct response *r, int64_t size)
{
	response_error(r, 416, "range_not_satisfiable", "the recording is shorter than that");
	response_header(r, "Content-Range", "bytes */%" PRId64, size);
}

/* Twilio's own tag and dates are not passed on; size and id are enough for a
 * recording that is never changed. */
static void put_head(struct passing *p, struct response *r)
{
	int64_t size = p->media.size;
	char etag[HEADER_SIZE];

	if (size < 0) {
		p->last = -1;
		response_header(r, "Transfer-Encoding", "chunked");
	} else {
		snprintf(etag, sizeof etag, "\"%s-%" PRIx64 "\"", p->sid, size);
		response_header(r, "ETag", "%s", etag);
		/* RFC 9110 §13.1.5: parts of two versions make no file. */
		r->status = recording_range(
		    !p->media.ranges || !*p->range || (*p->if_range && strcmp(p->if_range, etag)) ? NULL : p->range,
		    size, &p->first, &p->last);
		if (r->status == 416) {
			refuse_range(r, size);
			return;
		}
		r->stream.len = p->last - p->first + 1;
	}
	if (p->media.ranges)
		response_header(r, "Accept-Ranges", "bytes");
	if (r->status == 206)
		response_header(r, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/%" PRId64, p->first, p->last, size);
	response_header(r, "Content-Disposition", "inline; filename=\"%s.wav\"", p->call_sid);
	r->type = "audio/wav";
}

/* A recording that is absent while its call is still being processed may
 * come later: 409, not 404. */
static void passing_begin(void *arg, struct response *r, const _Atomic bool *stop)
{
	struct passing *p = arg;
	struct twilio_media media;

	p->twilio.cancel = stop;
	twilio_media_ask(&p->twilio, buf_text(&p->url), &p->media);
	media = p->media; /* a refusal frees the other */
	switch (media.outcome) {
	case TWILIO_MEDIA_THERE:
		put_head(p, r);
		break;
	case TWILIO_MEDIA_NONE:
		if (p->final)
			response_error(
			    r, 404, "deleted", "this call was recorded, but Twilio has its recording no more");
		else
			response_error(r, 409, "not_ready", "Twilio is still recording this call, or working on it");
		break;
	case TWILIO_MEDIA_TROUBLE:
		unserved(p, media.message);
		response_error_of_twilio(r, "twilio_failed", media.message, media.code, media.status);
		break;
	}
}

/* ----------------------------------------------------------------------- its start */

static void copy_header(char out[HEADER_SIZE], const struct request *q, const char *name)
{
	const char *value = request_header(q, name);

	snprintf(out, HEADER_SIZE, "%s", value ? value : "");
}

/* Leaves a stream that owns `p`, or a refusal. */
static void passing_open(struct passing *p, const struct request *q, const char *url, struct response *r)
{
	copy_header(p->range, q, "Range");
	copy_header(p->if_range, q, "If-Range");
	if (!twilio_media_put_url(&p->twilio, p->sid, url, &p->url)) {
		unserved(p, "it is said to be in another place than TWILIO_API_URL");
		response_error(r, 502, "elsewhere", "the recording is said to be in another place than TWILIO_API_URL");
		passing_free(p);
	} else if (buf_error(&p->url)) {
		response_error(r, 500, "internal_error", "out of memory");
		passing_free(p);
	} else {
		r->stream = (struct response_stream){ passing_begin, passing_run, passing_free, p, -1 };
	}
}

static void pass_on(const struct web_parts *parts, const struct request *q, const char *call_sid,
    const struct kept_recording *kept, struct response *r)
{
	const char *missing = parts->work ? twilio_missing(parts->cfg) : "this server asks nobody";
	struct passing *p = missing ? NULL : calloc(1, sizeof *p);

	if (p) {
		twilio_from_config(&p->twilio, parts->cfg, NULL);
		buf_init(&p->url, 4096);
		snprintf(p->call_sid, sizeof p->call_sid, "%s", call_sid);
		snprintf(p->sid, sizeof p->sid, "%s", kept->id);
		p->final = !strcmp(kept->status, "completed");
		passing_open(p, q, kept->url, r);
	} else {
		response_error(r, missing ? 503 : 500, missing ? "unavailable" : "internal_error",
		    missing ? missing : "out of memory");
	}
}

void recording_twilio_get(const struct web_parts *parts, const struct request *q, const char *call_sid,
    const struct kept_recording *kept, struct response *r)
{
	if (!strcmp(kept->status, "absent") || !strcmp(kept->status, "failed"))
		response_error(r, 404, "not_recorded", "Twilio could not record this call");
	else
		pass_on(parts, q, call_sid, kept, r);
}
