#include "server/recording/recorder.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/agents/agent.h"
#include "server/news/journal_json.h"
#include "server/recording/recorder_private.h"
#include "server/stats/stats.h"
#include "server/store/store_recordings.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PASS_MS = 250,          /* between two looks at the rings */
	WRITE_FRAMES = 8000,    /* once a second, or what there is at the end */
	SYNC_US = 10 * US_PER_S /* power may fail, too */
};

/* ------------------------------------------------------------------------ telling */

struct store *recorder_store(const struct recorder *recorder)
{
	return recorder ? recorder->store : NULL;
}

void recorder_put_json(struct recorder *recorder, struct json_out *j)
{
	char last_error[sizeof recorder->last_error] = "";
	int active = 0;

	if (recorder) {
		active = atomic_load_explicit(&recorder->active, memory_order_relaxed);
		pthread_mutex_lock(&recorder->lock);
		memcpy(last_error, recorder->last_error, sizeof last_error);
		pthread_mutex_unlock(&recorder->lock);
	}
	json_put_int(j, "active", active);
	json_put_text(j, "last_error", last_error[0] ? last_error : NULL);
}

/* Notes the recording in the store, by the path of its file: at its start, and when it has ended. */
static void keep(struct recording *r, const char *status)
{
	struct call_recording facts;
	struct json_out j;
	struct buf json;

	recording_tell(r, &facts);
	buf_init(&json, 0);
	j = json_out_to(&json);
	journal_put_recording(&j, NULL, &facts);
	store_recording_put(r->recorder->store, &(struct recording_row){ .id = r->file.path,
						    .file = r->file.path,
						    .call_sid = r->call_sid,
						    .at_ms = r->start_wall_ms,
						    .status = status,
						    .seconds = facts.seconds,
						    .channels = RECORDING_CHANNELS,
						    .json = buf_text(&json) });
	buf_free(&json);
}

/* Tells the journal that a recording is complete or has failed. */
static void announce(struct recording *r)
{
	struct call_recording facts;

	recording_tell(r, &facts);
	journal_tell(&(struct journal_entry){ .kind = JOURNAL_RECORDING,
	    .type = "recording",
	    .call_sid = r->call_sid,
	    .agent = r->agent,
	    .wall_ms = clock_wall_ms(),
	    .recording = &facts });
}

/* ----------------------------------------------------------------- the writer thread */

/* Ends the recording, not the call: further messages are taken from the ring and thrown away, so that
 * the caller loop notices nothing. The file keeps the part that was written. */
static void fail(struct recording *r, int err, const char *what)
{
	struct recorder *recorder = r->recorder;

	stat_add(recording_failed, 1);
	log_error(r->call_sid, "recording stopped: cannot %s %s: %s", what, r->file.path, strerror(-err));
	pthread_mutex_lock(&recorder->lock);
	snprintf(
	    recorder->last_error, sizeof recorder->last_error, "cannot %s %s: %s", what, r->file.path, strerror(-err));
	pthread_mutex_unlock(&recorder->lock);
	atomic_store_explicit(&r->error, -err, memory_order_relaxed);
	/* Release: a reader that sees the state also sees the error; pairs with recording_tell. */
	atomic_store_explicit(&r->state, RECORDING_FAILED, memory_order_release);
	if (r->file.fd >= 0) {
		keep(r, "failed");
		recording_file_close(&r->file);
	}
	announce(r);
}

static bool going(const struct recording *r)
{
	return atomic_load_explicit(&r->state, memory_order_relaxed) == RECORDING_ON;
}

/* The writer's first step for a new recording, because making files may block. */
static void open_file(struct recording *r)
{
	int err = recording_file_open(&r->file, r->recorder->dir, r->call_sid, r->start_wall_ms);

	if (err) {
		fail(r, err, "make");
		return;
	}
	r->synced_us = r->start_us;
	keep(r, "in-progress");
}

/* Hands a message of the ring to the mix: a struct tap, and behind it audio or nothing. */
static void place(struct recording *r, const struct ring_message *message)
{
	const uint8_t *audio = (const uint8_t *)message->body + sizeof(struct tap);
	size_t len = message->len - sizeof(struct tap);
	struct tap tap;

	memcpy(&tap, message->body, sizeof tap);
	switch ((enum tap_type)message->type) {
	case TAP_CALLER:
		recording_mix_caller(&r->mix, tap.timed, tap.timestamp_ms, audio, len, tap.now_us);
		break;
	case TAP_SENT:
		recording_mix_sent(&r->mix, tap.pos, audio, len, tap.dry, tap.now_us);
		break;
	case TAP_ECHO:
		recording_mix_echo(&r->mix, tap.pos, tap.now_us);
		break;
	case TAP_CUT:
		recording_mix_cut(&r->mix, tap.pos, tap.now_us);
		break;
	case TAP_TONE:
		recording_mix_tone(&r->mix, audio, len, tap.now_us);
		break;
	}
}

/* Writes the frames that no news can change any more, if there are `least` of them, and sees to it
 * that the disk has them every SYNC_US. Frames of a failed write are taken all the same: the
 * recording ends. */
static void write_ready(struct recording *r, int64_t now, size_t least)
{
	const uint8_t *mix;
	size_t frames = recording_mix_ready(&r->mix, now, &mix);
	int err;

	if (!frames || frames < least)
		return;
	err = recording_file_write(&r->file, mix, frames);
	recording_mix_take(&r->mix, frames);
	atomic_store_explicit(&r->frames, r->file.frames, memory_order_relaxed);
	stat_add(recording_bytes, frames * RECORDING_CHANNELS);
	if (!err && now >= r->synced_us + SYNC_US) {
		r->synced_us = now;
		err = recording_file_sync(&r->file);
	}
	if (err)
		fail(r, err, "write");
}

/* After the last message: the remainder is final now. Then the file is closed, noted and announced. */
static void finish(struct recording *r)
{
	int64_t end = atomic_load_explicit(&r->end_us, memory_order_relaxed);
	uint64_t dropped = atomic_load_explicit(&r->dropped, memory_order_relaxed);
	int err;

	if (going(r)) {
		recording_mix_end(&r->mix, end);
		write_ready(r, end, 1);
	}
	if (going(r) && (err = recording_file_close(&r->file)))
		fail(r, err, "finish");
	stat_add(recording_lost_ms,
	    dropped / RECORDING_MIX_FRAMES_PER_MS + r->mix.lost_frames / RECORDING_MIX_FRAMES_PER_MS);
	if (going(r)) {
		atomic_store_explicit(&r->state, RECORDING_COMPLETED, memory_order_relaxed);
		stat_add(recording_completed, 1);
		keep(r, "completed");
		announce(r);
	}
	recording_mix_free(&r->mix);
	atomic_fetch_sub_explicit(&r->recorder->active, 1, memory_order_relaxed);
}

/* Takes the messages that have come since the last look. False: there will be no more. */
static bool drain(struct recording *r, int64_t now)
{
	/* Read before the ring. Acquire: pairs with recording_end. If it is set, the ring
	 * holds all messages that there will ever be. */
	bool over = atomic_load_explicit(&r->over, memory_order_acquire);
	struct ring_message message;

	while (ring_next(&r->ring, &message)) {
		if (going(r))
			place(r, &message);
		ring_pop(&r->ring);
	}
	if (!over && going(r))
		write_ready(r, now, WRITE_FRAMES);
	return !over;
}

/* The new recordings join the writer's list, which no other thread sees. */
static struct recording *take_begun(struct recorder *recorder, struct recording *active)
{
	/* Acquire: pairs with the release in recording_begin. */
	struct recording *r = atomic_exchange_explicit(&recorder->begun, NULL, memory_order_acquire);

	while (r) {
		struct recording *next = r->next;

		open_file(r);
		r->next = active;
		active = r;
		r = next;
	}
	return active;
}

/* The thread. It looks at every ring four times a second: the rings hold far more than that, and
 * one thread that is not woken for frames serves hundreds of calls. When asked to close, it leaves
 * once every recording is finished. */
static void *serve(void *arg)
{
	struct recorder *recorder = arg;
	struct recording *active = NULL;
	struct pollfd bell = { .fd = recorder->bell.fd, .events = POLLIN };

	for (;;) {
		struct recording **link = &active;
		bool closing;

		/* Cleared before anything is looked at: a later ring of the bell ends the next poll. */
		bell_clear(&recorder->bell);
		closing = atomic_load(&recorder->closing);
		active = take_begun(recorder, active);
		while (*link) {
			struct recording *r = *link;

			if (drain(r, clock_now_us())) {
				link = &r->next;
				continue;
			}
			*link = r->next;
			finish(r);
			recording_release(r);
		}
		if (closing && !active)
			return NULL;
		poll(&bell, 1, active ? PASS_MS : -1);
	}
}

static void recorder_free(struct recorder *recorder)
{
	bell_close(&recorder->bell);
	pthread_mutex_destroy(&recorder->lock);
	free(recorder);
}

/* By main, after the store. Rows that a dead process left "in-progress" become "interrupted". */
int recorder_open(struct recorder **out, const char *dir, struct store *store)
{
	struct recorder *recorder = calloc(1, sizeof *recorder);
	int err = 0;

	if (!recorder)
		return -ENOMEM;
	recorder->bell.fd = -1;
	recorder->store = store;
	pthread_mutex_init(&recorder->lock, NULL);
	if ((size_t)snprintf(recorder->dir, sizeof recorder->dir, "%s", dir) >= sizeof recorder->dir)
		err = -ENAMETOOLONG;
	if (err || (err = bell_open(&recorder->bell)) ||
	    (err = -pthread_create(&recorder->thread, NULL, serve, recorder))) {
		recorder_free(recorder);
		return err;
	}
	/* The files themselves are sound up to their last second: see recording_file.h. */
	store_recordings_interrupt(store);
	*out = recorder;
	return 0;
}

void recorder_close(struct recorder *recorder)
{
	if (!recorder)
		return;
	atomic_store(&recorder->closing, true);
	bell_ring(&recorder->bell);
	pthread_join(recorder->thread, NULL);
	recorder_free(recorder);
}
