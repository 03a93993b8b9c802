#include "server/recording/voicemail_fetch.h"

#include "server/work/twilio_media.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WAV_HEAD = 12 };

enum voicemail_step voicemail_because(struct voicemail_why *why, enum voicemail_step step, const char *text)
{
	snprintf(why->text, sizeof why->text, "%s", text);
	return step;
}

struct taking {
	int fd, err;
	int64_t bytes;
	char head[WAV_HEAD]; /* its first bytes */
};

/* RIFF, the size of the rest, WAVE. Anything else is not the message, whatever its type is said to be, and would stand
 * in its place for good: what is kept is not fetched again. */
static bool is_sound(const struct taking *t)
{
	return t->bytes > WAV_HEAD && !memcmp(t->head, "RIFF", 4) && !memcmp(t->head + 8, "WAVE", 4);
}

/* On the job's thread, so it may wait for the disk. A length that Twilio does not tell is bounded here. */
static bool take_piece(void *arg, const char *bytes, size_t len)
{
	struct taking *t = arg;

	for (size_t i = 0; i < len && t->bytes + (int64_t)i < WAV_HEAD; i++)
		t->head[t->bytes + (int64_t)i] = bytes[i];
	t->bytes += (int64_t)len;
	if (t->bytes > VOICEMAIL_MAX)
		t->err = -EFBIG;
	while (len && !t->err) {
		ssize_t done = write(t->fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			t->err = -errno;
			break;
		}
		bytes += done;
		len -= (size_t)done;
	}
	return !t->err;
}

/* The file has its name once it is whole, and on the disk. */
static int give_name(const char *dir, const char *path, int fd)
{
	char from[PATH_MAX], to[PATH_MAX];

	if ((size_t)snprintf(from, sizeof from, "%s/%s.part", dir, path) >= sizeof from ||
	    (size_t)snprintf(to, sizeof to, "%s/%s", dir, path) >= sizeof to)
		return -ENAMETOOLONG;
	return fsync(fd) || rename(from, to) ? -errno : 0;
}

static void drop_part(const char *dir, const char *path)
{
	char part[PATH_MAX];

	if ((size_t)snprintf(part, sizeof part, "%s/%s.part", dir, path) < sizeof part)
		unlink(part);
}

static enum voicemail_step disk_failed(struct voicemail_why *why, int err)
{
	if (err == -EFBIG)
		return voicemail_because(why, VOICEMAIL_NEVER, "it is larger than any message may be");
	snprintf(why->text, sizeof why->text, "it cannot be written: %s", strerror(-err));
	return VOICEMAIL_LATER;
}

static enum voicemail_step take(const struct config *cfg, const struct twilio *t, const char *url,
    const struct twilio_media *media, const char *path, struct voicemail_why *why)
{
	struct taking taking = { .fd = recording_file_make(cfg->data_dir, path, ".part") };
	const struct fetch_sink sink = { .piece = take_piece, .arg = &taking };
	char trouble[TWILIO_MESSAGE_SIZE];
	bool whole;

	if (taking.fd < 0)
		return disk_failed(why, taking.fd);
	whole = twilio_media_send(t, url, media, 0, media->size > 0 ? media->size - 1 : -1, &sink, trouble);
	if (whole && !is_sound(&taking)) {
		whole = false;
		snprintf(trouble, sizeof trouble, "what Twilio answers with is no sound");
	}
	if (whole)
		taking.err = give_name(cfg->data_dir, path, taking.fd);
	close(taking.fd);
	if (!whole || taking.err)
		drop_part(cfg->data_dir, path);
	if (taking.err)
		return disk_failed(why, taking.err);
	return whole ? VOICEMAIL_DONE : voicemail_because(why, VOICEMAIL_LATER, trouble);
}

/* Twilio may tell of a recording a moment before it has it: 404 may pass, too. */
static enum voicemail_step fetch_from(
    const struct config *cfg, const struct twilio *t, const char *url, const char *path, struct voicemail_why *why)
{
	struct twilio_media media;

	twilio_media_ask(t, url, &media);
	if (media.outcome == TWILIO_MEDIA_NONE)
		return voicemail_because(why, VOICEMAIL_LATER, "Twilio does not have it");
	if (media.outcome == TWILIO_MEDIA_TROUBLE)
		return voicemail_because(why, VOICEMAIL_LATER, media.message);
	if (media.size > VOICEMAIL_MAX)
		return disk_failed(why, -EFBIG);
	return take(cfg, t, url, &media, path, why);
}

enum voicemail_step voicemail_fetch(const struct config *cfg, const _Atomic bool *cancel, const struct message_row *row,
    char path[RECORDING_PATH_SIZE], struct voicemail_why *why)
{
	const char *missing = twilio_missing(cfg);
	enum voicemail_step step;
	struct twilio t;
	struct buf url;

	if (missing)
		return voicemail_because(why, VOICEMAIL_NEVER, missing);
	if (!recording_path(path, RECORDING_MESSAGES, row->id, row->at_ms))
		return voicemail_because(why, VOICEMAIL_NEVER, "its name is not fit for a file");
	twilio_from_config(&t, cfg, cancel);
	buf_init(&url, 4096);
	if (!twilio_media_put_url(&t, row->id, row->url, &url))
		step = voicemail_because(why, VOICEMAIL_NEVER, "it is said to be in another place than TWILIO_API_URL");
	else if (buf_error(&url))
		step = voicemail_because(why, VOICEMAIL_NEVER, "its address is too long");
	else
		step = fetch_from(cfg, &t, buf_text(&url), path, why);
	buf_free(&url);
	return step;
}
