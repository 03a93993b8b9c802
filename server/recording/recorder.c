#include "server/recording/recorder.h"

#include "common/bell.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/ring.h"
#include "server/agents/agent.h"
#include "server/news/journal_json.h"
#include "server/phone/names.h"
#include "server/recording/recording_file.h"
#include "server/recording/recording_mix.h"
#include "server/stats/stats.h"
#include "server/store/store_recordings.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RING_BYTES = 512 * 1024, /* 25 s of both sides; untouched memory is not used */
	SETTLE_STEP_MS = 5,
	PASS_MS = 250,           /* between two looks at the rings */
	WRITE_FRAMES = 8000,     /* once a second, or what there is at the end */
	SYNC_US = 10 * US_PER_S, /* power may fail, too */
	AUDIO_MAX = 8000         /* of one message; a frame has 160 */
};

enum tap_type { TAP_CALLER = 1, TAP_SENT, TAP_ECHO, TAP_CUT };

struct tap {
	int64_t now_us;
	uint64_t pos;          /* all but TAP_CALLER: in the ledger's count */
	uint64_t timestamp_ms; /* TAP_CALLER, if timed */
	bool timed, dry;       /* dry: TAP_SENT */
};

enum recording_state { RECORDING_ON, RECORDING_COMPLETED, RECORDING_FAILED, RECORDING_SAVING };

struct recorder {
	char dir[PATH_MAX - RECORDING_PATH_SIZE];
	struct store *store;
	struct bell bell;
	pthread_t thread;
	_Atomic(struct recording *) begun; /* pushed by caller loops, taken whole by the writer */
	_Atomic bool closing;
	_Atomic int active;

	pthread_mutex_t lock; /* the writer's word to those who read /status */
	char last_error[200];
};

struct recording {
	/* Constant */
	struct recorder *recorder; /* until the writer is done with it */
	char call_sid[CALL_SID_SIZE];
	const struct agent *agent; /* retained */
	int64_t start_us, start_wall_ms;

	struct ring ring;         /* caller loop -> writer */
	struct recording *next;   /* the list of those that begin, then the writer's */
	_Atomic int refs;         /* the call's and the writer's */
	_Atomic bool over;        /* after the last message; pairs with drain() */
	_Atomic uint64_t dropped; /* bytes of audio that found no room */
	_Atomic int64_t end_us;

	/* Told by the writer. */
	_Atomic int state, error; /* enum recording_state; errno */
	_Atomic uint64_t frames;  /* in the file */

	/* Writer only */
	struct recording_mix mix;
	struct recording_file file;
	int64_t synced_us;
};

/* ---------------------------------------------------------------- the caller loop's */

struct recording *recording_begin(
    struct recorder *recorder, const char *call_sid, const struct agent *agent, int64_t wall_ms, int64_t now_us)
{
	struct recording *r, *first;

	if (!recorder || !(r = aligned_alloc(_Alignof(struct recording), sizeof *r)))
		return NULL;
	memset(r, 0, sizeof *r);
	if (ring_open(&r->ring, RING_BYTES)) {
		free(r);
		return NULL;
	}
	r->recorder = recorder;
	snprintf(r->call_sid, sizeof r->call_sid, "%s", call_sid);
	r->agent = agent_retain(agent);
	r->start_us = now_us;
	r->start_wall_ms = wall_ms;
	r->file.fd = -1;
	recording_mix_init(&r->mix, now_us);
	atomic_store_explicit(&r->refs, 2, memory_order_relaxed);
	atomic_fetch_add_explicit(&recorder->active, 1, memory_order_relaxed);
	stat_add(recording_started, 1);
	first = atomic_load_explicit(&recorder->begun, memory_order_relaxed);
	do
		r->next = first;
	/* Release: pairs with the acquire in take_begun. */
	while (!atomic_compare_exchange_weak_explicit(
	    &recorder->begun, &first, r, memory_order_release, memory_order_relaxed));
	bell_ring(&recorder->bell);
	return r;
}

static void tell(struct recording *r, enum tap_type type, const struct tap *tap, const uint8_t *audio, size_t len)
{
	/* The writer looks by itself: no bell for every frame. */
	if (len > AUDIO_MAX || !ring_put2(&r->ring, (uint8_t)type, tap, sizeof *tap, audio, len))
		atomic_fetch_add_explicit(&r->dropped, len, memory_order_relaxed);
}

void recording_caller(
    struct recording *r, bool has_timestamp, uint64_t timestamp_ms, const uint8_t *mulaw, size_t len, int64_t now_us)
{
	tell(r, TAP_CALLER, &(struct tap){ .now_us = now_us, .timestamp_ms = timestamp_ms, .timed = has_timestamp },
	    mulaw, len);
}

void recording_sent(struct recording *r, uint64_t pos, const uint8_t *mulaw, size_t len, bool dry, int64_t now_us)
{
	tell(r, TAP_SENT, &(struct tap){ .now_us = now_us, .pos = pos, .dry = dry }, mulaw, len);
}

void recording_echo(struct recording *r, uint64_t pos, int64_t now_us)
{
	tell(r, TAP_ECHO, &(struct tap){ .now_us = now_us, .pos = pos }, NULL, 0);
}

void recording_cut(struct recording *r, uint64_t heard, int64_t now_us)
{
	tell(r, TAP_CUT, &(struct tap){ .now_us = now_us, .pos = heard }, NULL, 0);
}

void recording_end(struct recording *r, int64_t now_us)
{
	atomic_store_explicit(&r->end_us, now_us, memory_order_relaxed);
	/* Release: who sees it also sees every message before it. */
	atomic_store_explicit(&r->over, true, memory_order_release);
	bell_ring(&r->recorder->bell);
}

void recording_release(struct recording *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return;
	agent_release(r->agent);
	ring_close(&r->ring);
	free(r);
}

/* ------------------------------------------------------------------------ telling */

static uint64_t lost_ms(const struct recording *r)
{
	return atomic_load_explicit(&r->dropped, memory_order_relaxed) / RECORDING_MIX_FRAMES_PER_MS;
}

void recording_settle(const struct recording *r, int timeout_ms)
{
	for (; r && timeout_ms > 0; timeout_ms -= SETTLE_STEP_MS) {
		if (atomic_load_explicit(&r->state, memory_order_relaxed) != RECORDING_ON)
			return;
		poll(NULL, 0, SETTLE_STEP_MS);
	}
}

void recording_tell(const struct recording *r, struct call_recording *out)
{
	static const char *const states[] = { "recording", "completed", "failed", "saving" };
	int state = atomic_load_explicit(&r->state, memory_order_acquire); /* pairs with fail */
	int error = atomic_load_explicit(&r->error, memory_order_relaxed);
	uint64_t frames = atomic_load_explicit(&r->frames, memory_order_relaxed);

	if (state == RECORDING_ON && atomic_load_explicit(&r->over, memory_order_relaxed))
		state = RECORDING_SAVING;
	*out = (struct call_recording){ .by = CALL_RECORDED_HERE,
		.state = states[state],
		.error = error ? strerror(error) : NULL,
		.seconds = (double)frames / RECORDING_HZ,
		.bytes = RECORDING_HEADER + frames * RECORDING_CHANNELS,
		.lost_ms = lost_ms(r),
		.channels = RECORDING_CHANNELS };
}

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

/* The recording is over, the call is not. */
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
	/* Release: who sees it also finds why; pairs with recording_put_json. */
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
	}
}

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

static void finish(struct recording *r)
{
	int64_t end = atomic_load_explicit(&r->end_us, memory_order_relaxed);
	int err;

	if (going(r)) {
		recording_mix_end(&r->mix, end);
		write_ready(r, end, 1);
	}
	if (going(r) && (err = recording_file_close(&r->file)))
		fail(r, err, "finish");
	stat_add(recording_lost_ms, lost_ms(r) + r->mix.lost_frames / RECORDING_MIX_FRAMES_PER_MS);
	if (going(r)) {
		atomic_store_explicit(&r->state, RECORDING_COMPLETED, memory_order_relaxed);
		stat_add(recording_completed, 1);
		keep(r, "completed");
		announce(r);
	}
	recording_mix_free(&r->mix);
	atomic_fetch_sub_explicit(&r->recorder->active, 1, memory_order_relaxed);
}

/* What has come since the last look. False: nothing more will. */
static bool drain(struct recording *r, int64_t now)
{
	/* Before the ring is looked at: acquire, pairs with recording_end; with
	 * it set, what is there is all there is. */
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

static void *serve(void *arg)
{
	struct recorder *recorder = arg;
	struct recording *active = NULL;
	struct pollfd bell = { .fd = recorder->bell.fd, .events = POLLIN };

	for (;;) {
		struct recording **link = &active;
		bool closing;

		/* Before anything is looked at: a ring after this is heard at the next poll. */
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
	/* Of a process that died: the files are all right up to their last second. */
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
