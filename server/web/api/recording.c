/* Players ask for parts of a file, to seek in it: RFC 9110 §14. The file of
 * a live call grows while it is sent: its length is taken once, and a later
 * request finds more.
 */
#include "server/web/api/recording.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/recording/recording_file.h"
#include "server/store/store_recordings.h"
#include "server/web/api/known_call.h"
#include "server/web/api/recording_twilio.h"
#include "server/web/writer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	PIECE = 64 * 1024,
	PIECE_MS = 10 * 1000 /* a client that takes longer for one has gone to sleep */
};

/* -------------------------------------------------------------------------- ranges */

/* Digits at *p; -1 if there are none or too many: 18 fit into 63 bits. */
static int64_t number(const char **p)
{
	int64_t value = 0;
	const char *begin = *p;

	for (; isdigit((unsigned char)**p); ++*p) {
		if (*p - begin == 18)
			return -1;
		value = 10 * value + (**p - '0');
	}
	return *p == begin ? -1 : value;
}

int recording_range(const char *range, int64_t size, int64_t *first, int64_t *last)
{
	const char *p = range;
	int64_t from, to;

	*first = 0;
	*last = size - 1;
	if (!p || strncmp(p, "bytes=", 6))
		return 200;
	p += 6;
	from = number(&p);
	if (*p++ != '-')
		return 200;
	to = number(&p);
	/* Several parts in one answer are of no use for a WAV file: RFC 9110 §14.2
	 * lets us send the whole. */
	if (*p || (from < 0 && to < 0) || (from >= 0 && to >= 0 && to < from))
		return 200;
	if (from < 0) { /* "-500": the last 500 bytes */
		if (!to || !size)
			return 416;
		*first = to < size ? size - to : 0;
		return 206;
	}
	if (from >= size)
		return 416;
	*first = from;
	if (to >= 0 && to < size)
		*last = to;
	return 206;
}

/* ------------------------------------------------------------------------ the file */

struct part {
	int fd;
	int64_t at, end;
};

/* On the connection's worker. The length is promised already: a file that
 * ends early ends the connection. */
static void send_part(void *arg, struct writer *w)
{
	struct part *p = arg;
	char *piece = malloc(PIECE);

	while (piece && p->at < p->end && !w->err) {
		size_t want = p->end - p->at < PIECE ? (size_t)(p->end - p->at) : PIECE;
		ssize_t got = pread(p->fd, piece, want, p->at);

		if (got <= 0)
			break; /* cut short: the client sees that the length does not fit */
		writer_put(w, piece, (size_t)got, PIECE_MS);
		p->at += got;
	}
	free(piece);
}

static void done_part(void *arg)
{
	struct part *p = arg;

	close(p->fd);
	free(p);
}

/* The tag is made of size and time: each piece the recorder adds to a live
 * call's file makes another. */
static void put_dates(struct response *r, const struct stat *st, char etag[64])
{
	struct tm tm;
	char text[40];

	snprintf(etag, 64, "\"%" PRIx64 "-%" PRIx64 "\"", (uint64_t)st->st_size,
	    (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec);
	response_header(r, "ETag", "%s", etag);
	if (gmtime_r(&st->st_mtim.tv_sec, &tm) && strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		response_header(r, "Last-Modified", "%s", text);
	response_header(r, "Accept-Ranges", "bytes");
}

/* True: answered. False: there is no such file. A link is not followed. */
static bool send_file(
    const struct web_parts *parts, const struct request *q, const char *folder, const char *sid, struct response *r)
{
	char file[RECORDING_PATH_SIZE], path[PATH_MAX], etag[64];
	const char *range = request_header(q, "Range"), *if_range = request_header(q, "If-Range");
	int64_t first, last;
	struct stat st;
	struct part *p;
	int fd;

	if (!parts->cfg->data_dir[0] || !recording_file_find(parts->cfg->data_dir, folder, sid, file) ||
	    (size_t)snprintf(path, sizeof path, "%s/%s", parts->cfg->data_dir, file) >= sizeof path)
		return false;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	p = malloc(sizeof *p);
	if (fstat(fd, &st) || !p) {
		close(fd);
		free(p);
		response_error(r, 500, "internal_error", "the recording cannot be read");
		return true;
	}
	put_dates(r, &st, etag);
	/* RFC 9110 §13.1.5: parts of two versions make no file. */
	r->status = recording_range(if_range && strcmp(if_range, etag) ? NULL : range, st.st_size, &first, &last);
	if (r->status == 416) {
		close(fd);
		free(p);
		response_error(r, 416, "range_not_satisfiable", "the recording is shorter than that");
		response_header(r, "Content-Range", "bytes */%" PRId64, (int64_t)st.st_size);
		return true;
	}
	if (r->status == 206)
		response_header(
		    r, "Content-Range", "bytes %" PRId64 "-%" PRId64 "/%" PRId64, first, last, (int64_t)st.st_size);
	response_header(r, "Content-Disposition", "inline; filename=\"%s.wav\"", sid);
	r->type = "audio/wav";
	*p = (struct part){ fd, first, last + 1 };
	r->stream = (struct response_stream){ .run = send_part, .done = done_part, .arg = p, .len = last + 1 - first };
	return true;
}

/* What is not in a file of ours. `message`: what the caller left; else the call itself. */
static void send_kept(
    const struct web_parts *parts, const struct request *q, const char *call_sid, bool message, struct response *r)
{
	struct kept_recording kept;
	int err = store_recording_of_call(parts->store, call_sid, message, &kept);

	if (err == -EIO)
		response_error(r, 503, "store_failing", "what is kept cannot be read now");
	else if (err && !known_call_exists(parts, call_sid))
		response_error(r, 404, "no_such_call", "no call of that CallSid is known here");
	else if (err && message)
		response_error(r, 404, "no_message", "no message was left in this call");
	else if (err)
		response_error(r, 404, "not_recorded", "this call is not recorded");
	else if (message && kept.local && send_file(parts, q, RECORDING_MESSAGES, kept.id, r))
		;
	else if (!kept.local)
		recording_twilio_get(parts, q, call_sid, &kept, r);
	else
		response_error(r, 404, "deleted", "it was recorded, but its file is gone");
	kept_recording_free(&kept);
}

/* The file first: while it can be opened, the store is not asked. */
void recording_get(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	if (!send_file(parts, q, RECORDING_CALLS, arg, r))
		send_kept(parts, q, arg, false, r);
}

void recording_message_get(const struct web_parts *parts, const struct request *q, const char *arg, struct response *r)
{
	send_kept(parts, q, arg, true, r);
}
