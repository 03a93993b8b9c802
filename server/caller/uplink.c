#include "server/caller/uplink.h"

#include "audio/g711.h"
#include "audio/convert.h"
#include "common/base64.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/ws_client.h"
#include "server/model/access.h"
#include "server/phone/channel.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
	APPEND_MAX = 8000,            /* mu-law in one message: a second, when a backlog goes out */
	MODEL_UNSENT_MAX = 32 * 1024, /* beyond this the model does not read; audio waits here instead */
	BEHIND_US = 2 * US_PER_S, /* something is unsent for so long: the model's connection is dead, or as good as */
	AUDIO_MAX = 1 << 20,
	AUDIO_AT_ONCE = 512 * 1024,  /* more than the largest backlog may be for a moment */
	AUDIO_GIVE_BACK = 16 * 1024, /* of the buffer's memory, after a long turn or a time without a model */
	FORGET_AT_ONCE = 4000,       /* half a second: what stays is moved by it, so not with every frame */
	/* The valve opens after LATE_RUN late frames, nearly in a row; then every other is late by nature: 20 ms. */
	LATE_MS = 60,
	LATE_RUN = 8,
	CALM_RUN = 250,
	VALVE_CHECK_US = 60 * US_PER_MS /* under a low-water mark a last message alone wakes nobody */
};

void uplink_init(struct uplink *u, struct call *c, int fd, int64_t now_us)
{
	memset(u, 0, sizeof *u);
	u->call = c;
	u->fd = fd;
	u->whole_us = u->checked_us = now_us;
	u->frame_size = 360;
	lateness_init(&u->lateness, now_us);
	buf_init(&u->audio, AUDIO_MAX);
	buf_init(&u->message, 0);
}

void uplink_close(struct uplink *u)
{
	converter_close(u->converter);
	buf_free(&u->audio);
	buf_free(&u->message);
	if (u->valve_open)
		atomic_fetch_sub(&stats.valves_open, 1);
}

/* --------------------------------------------------------- audio from Twilio */

static void drop_ms(struct uplink *u, uint64_t ms)
{
	stat_add(audio_dropped_ms, ms);
	atomic_fetch_add_explicit(&u->call->counters.dropped_ms, ms, memory_order_relaxed);
}

/* Silence, and behind it `fresh` bytes that stand, not yet counted, at the end
 * of what waits. */
static void put_silence_before(struct uplink *u, uint32_t ms, size_t fresh)
{
	size_t len = (size_t)ms * G711_BYTES_PER_MS;
	char *room = len + fresh ? buf_room(&u->audio, len + fresh) : NULL;

	if (!room)
		return;
	memmove(room + len, room, fresh);
	memset(room, 0xff, len); /* mu-law zero */
	buf_grew(&u->audio, len + fresh);
	if (!ms)
		return;
	stat_add(audio_padded_ms, ms);
	atomic_fetch_add_explicit(&u->call->counters.padded_ms, ms, memory_order_relaxed);
}

/* One and a half frames as the socket's low-water mark wake the loop for two frames
 * at once. It only has to lie between one and two: frames differ by a few bytes. */
static void set_valve(struct uplink *u, bool open)
{
	int low_water = open ? (int)(u->frame_size * 3 / 2) : 1;

	u->valve_open = open;
	atomic_store_explicit(&u->call->counters.valve_open, open, memory_order_relaxed);
	atomic_fetch_add(&stats.valves_open, open ? 1 : -1);
	if (open)
		stat_add(audio_valve_openings, 1);
	setsockopt(u->fd, SOL_SOCKET, SO_RCVLOWAT, &low_water, sizeof low_water);
}

/* Opening takes a run of late frames; four calm ones take back one late. Closing
 * takes five seconds of calm: opening and closing in turns would cost more than
 * either. */
static void work_valve(struct uplink *u, uint32_t late_ms)
{
	if (late_ms >= LATE_MS) {
		u->late_run++;
		u->calm_run = 0;
	} else {
		u->calm_run++;
		if (u->late_run && u->calm_run % 4 == 0)
			u->late_run--;
	}
	switch (u->call->cfg->uplink_batch) {
	case UPLINK_20:
		return;
	case UPLINK_40:
		if (!u->valve_open)
			set_valve(u, true);
		return;
	case UPLINK_AUTO:
		if (!u->valve_open && u->late_run >= LATE_RUN) {
			set_valve(u, true);
		} else if (u->valve_open && u->calm_run >= CALM_RUN) {
			set_valve(u, false);
			u->late_run = 0;
		}
	}
}

static void note_lateness(struct uplink *u, uint32_t late_ms)
{
	struct call_counters *n = &u->call->counters;

	atomic_store_explicit(&n->late_ms, late_ms, memory_order_relaxed);
	if ((int64_t)late_ms > atomic_load_explicit(&n->late_max_ms, memory_order_relaxed))
		atomic_store_explicit(&n->late_max_ms, late_ms, memory_order_relaxed);
	if (late_ms >= LATE_MS)
		stat_add(audio_late_frames, 1);
	work_valve(u, late_ms);
}

/* Late is only ours to mend while more waits behind it: audio that Twilio
 * itself sends late is as fresh as it gets. */
static bool too_old(const struct uplink *u, uint32_t late_ms)
{
	int waiting = 0;

	if ((int)late_ms <= u->call->cfg->backlog_ms)
		return false;
	return ioctl(u->fd, FIONREAD, &waiting) == 0 && (size_t)waiting >= u->frame_size;
}

static size_t backlog_bytes(const struct uplink *u)
{
	return (size_t)u->call->cfg->backlog_ms * G711_BYTES_PER_MS;
}

/* Whether somebody speaks in what goes from `from` on, the first `len` bytes, the agent loop has to know. */
static void note_gone(struct uplink *u, size_t from, size_t len)
{
	size_t sound = len > from ? mulaw_sound((const uint8_t *)u->audio.data + from, len - from) : 0;
	uint64_t end = u->sent - u->kept + from + sound; /* beyond `sent` there are no positions yet */

	if (sound)
		atomic_store_explicit(&u->call->gone_to, end > u->sent ? u->sent + 1 : end, memory_order_relaxed);
}

/* Of what was sent, drops what no other session needs, and what is beyond BACKLOG_MS. Less than
 * `at_once` stays for now, unless nothing is behind it that would have to be moved. */
static void forget(struct uplink *u, size_t at_once)
{
	uint64_t said_to = atomic_load_explicit(&u->call->said_to, memory_order_relaxed);
	uint64_t begin = u->sent - u->kept, known = said_to > begin ? said_to - begin : 0;
	size_t bound = backlog_bytes(u), over = u->audio.len > bound ? u->audio.len - bound : 0;
	size_t gone = known > u->kept || over > u->kept ? u->kept : known > over ? (size_t)known : over;

	if (gone < at_once && gone < u->audio.len)
		return;
	note_gone(u, (size_t)known, gone);
	buf_consume(&u->audio, gone);
	u->kept -= gone;
	buf_give_back(&u->audio, u->audio.len + gone, AUDIO_GIVE_BACK);
}

/* What waits and is skipped has no position, as in the model's own count. Of what is gone the agent loop knows in time. */
static void trim_backlog(struct uplink *u)
{
	size_t bound = backlog_bytes(u), waiting = uplink_waiting(u);
	bool away = !model_writer_is_held_by(&u->call->writer, WRITER_CALLER);

	forget(u, away || waiting > bound ? 0 : FORGET_AT_ONCE);
	if (waiting <= bound)
		return;
	drop_ms(u, (waiting - bound) / G711_BYTES_PER_MS);
	note_gone(u, 0, waiting - bound);
	buf_consume(&u->audio, waiting - bound);
}

/* Decodes right to the end of what waits, so that a frame is written once. The recording hears it as it came,
 * before anything is skipped or filled in: it keeps its own time. Then its age is judged, and only what is kept is
 * counted in, with the silence that belongs before it. */
bool uplink_frame(struct uplink *u, const struct phone_event *e, int64_t now_us)
{
	size_t most = BASE64_DECODED_MAX(e->audio.n);
	uint32_t silence, late_ms;
	ssize_t len;
	char *room;

	/* What a single reading brings is bounded too. */
	if (u->audio.len > AUDIO_AT_ONCE)
		trim_backlog(u);
	/* All at once: memory that is not touched costs nothing, a buffer that grows leaves holes. */
	if (!u->audio.data)
		buf_room(&u->audio, backlog_bytes(u) + FORGET_AT_ONCE + most);
	room = buf_room(&u->audio, most);
	if (!room) {
		call_end(u->call, END_INTERNAL_ERROR);
		return true;
	}
	len = json_base64(e->audio, (uint8_t *)room);
	if (len < 0)
		return false;
	stat_add(audio_frames_in, 1);
	stat_add(audio_bytes_in, len);
	atomic_fetch_add_explicit(&u->call->counters.frames_in, 1, memory_order_relaxed);
	if (e->audio.n)
		u->frame_size = e->audio.n + 140; /* around the payload: JSON, frame header */

	if (u->recording)
		recording_caller(u->recording, e->has_timestamp, u->begun_ms + e->timestamp_ms, (const uint8_t *)room,
		    (size_t)len, now_us);
	gate_frame(&u->gate, u->call, (const uint8_t *)room, (size_t)len);
	silence =
	    lateness_frame(&u->lateness, e->has_timestamp, e->timestamp_ms, (uint32_t)len / G711_BYTES_PER_MS, now_us);
	late_ms = lateness_late_ms(&u->lateness);
	note_lateness(u, late_ms);
	if (too_old(u, late_ms)) {
		drop_ms(u, (uint64_t)len / G711_BYTES_PER_MS);
		return true;
	}
	put_silence_before(u, silence, (size_t)len);
	return true;
}

/* ---------------------------------------------------------------- to the model */

static void give_writer_back(struct uplink *u)
{
	u->unsent = false;
	model_writer_pass(&u->call->writer, WRITER_AGENT, &u->call->agent_bell);
}

static void broken(struct uplink *u, int err)
{
	log_debug(u->call->tag, "model: writing failed: %s", strerror(-err));
	atomic_store_explicit(&u->call->writer.failed, err, memory_order_relaxed);
	give_writer_back(u);
}

/* All that is kept waits again. What a session had, and this one cannot get, is counted once. */
static void go_back(struct uplink *u)
{
	uint64_t said_to = atomic_load_explicit(&u->call->said_to, memory_order_relaxed);

	forget(u, 0);
	stat_add(audio_resent_ms, u->kept / G711_BYTES_PER_MS);
	u->sent -= u->kept;
	u->kept = 0;
	if (u->lost_to < said_to)
		u->lost_to = said_to;
	if (u->lost_to >= u->sent)
		return;
	drop_ms(u, (u->sent - u->lost_to) / G711_BYTES_PER_MS);
	u->lost_to = u->sent;
}

/* A new session counts its input from 0, and it may speak another format. */
static int meet_session(struct uplink *u)
{
	struct model_writer *w = &u->call->writer;
	int err;

	if (u->session == w->session)
		return 0;
	u->session = w->session;
	go_back(u);
	atomic_store_explicit(&u->call->uplink_anchor_us, INT64_MIN, memory_order_relaxed);
	atomic_store_explicit(&u->call->uplink_base, u->sent, memory_order_relaxed);
	err = converter_switch(&u->converter, w->format);
	if (err)
		call_end(u->call, END_INTERNAL_ERROR);
	else if (u->converter)
		converter_reset_to_model(u->converter);
	return err;
}

static int send_message(struct uplink *u, const uint8_t *bytes, size_t len, int64_t now)
{
	struct model_writer *w = &u->call->writer;
	int err;

	w->protocol->hear(&u->message, bytes, len);
	model_writer_wrote(w, u->message.len, now);
	err = ws_client_send_text(w->client, buf_text(&u->message), u->message.len);
	buf_reset(&u->message);
	return err;
}

/* It may be six times as much: in quarters. On its own, since a call without a converter should not
 * touch so much of the stack. */
static __attribute__((noinline)) int send_converted(struct uplink *u, const uint8_t *mulaw, size_t len, int64_t now)
{
	uint8_t converted[CONVERT_TO_MODEL_MAX(APPEND_MAX / 4)];
	int err = 0;

	for (size_t at = 0; !err && at < len; at += APPEND_MAX / 4) {
		size_t part = len - at < APPEND_MAX / 4 ? len - at : APPEND_MAX / 4;
		size_t n = converter_to_model(u->converter, mulaw + at, part, converted);

		if (n)
			err = send_message(u, converted, n, now);
	}
	return err;
}

static int send_append(struct uplink *u, const uint8_t *mulaw, size_t len, int64_t now)
{
	return u->converter ? send_converted(u, mulaw, len, now) : send_message(u, mulaw, len, now);
}

/* What waits goes out at once; the model takes it faster than it was said. */
static int send_audio(struct uplink *u, int64_t now)
{
	size_t before = u->kept;
	int err = 0;

	while (!err && uplink_waiting(u) && ws_client_unsent(u->call->writer.client) < MODEL_UNSENT_MAX) {
		size_t len = uplink_waiting(u) < APPEND_MAX ? uplink_waiting(u) : APPEND_MAX;

		err = send_append(u, (const uint8_t *)u->audio.data + u->kept, len, now);
		u->kept += len;
	}
	if (u->kept == before)
		return err;
	u->unsent = true;
	u->sent += u->kept - before;
	stat_add(audio_bytes_to_model, u->kept - before);
	/* The end of what was sent was said just now, give or take the network: so
	 * positions can be turned into times. */
	if (!uplink_waiting(u))
		atomic_store_explicit(&u->call->uplink_anchor_us, now - (int64_t)(u->sent * 1000 / G711_BYTES_PER_MS),
		    memory_order_relaxed);
	return err;
}

/* A connection that has not taken all of it once for BEHIND_US is dead: TCP alone would say so much later. One that
 * takes a little now and then is no better, as what is said would be heard ever later; and no ping gets through. */
static int flush(struct uplink *u, int64_t now)
{
	int err;

	if (!u->unsent)
		return 0;
	err = ws_client_flush(u->call->writer.client);
	if (!err)
		u->whole_us = now;
	u->unsent = err == -EAGAIN;
	if (!err && model_writer_flushed(&u->call->writer, now))
		bell_ring(&u->call->agent_bell); /* the time for an answer begins */
	if (err == -EAGAIN)
		return now > u->whole_us + BEHIND_US ? -ETIMEDOUT : 0;
	return err;
}

/* Orders go first: a result or a cancel must not wait behind a backlog of sound. */
static int send_all(struct uplink *u, bool audio, int64_t now)
{
	int err = meet_session(u);

	if (!u->unsent)
		u->whole_us = now;
	if (!err)
		err = model_writer_carry_out(&u->call->writer, &u->unsent, now);
	if (!err && audio)
		err = send_audio(u, now);
	return err ? err : flush(u, now);
}

void uplink_run(struct uplink *u, int64_t now_us)
{
	bool speaking = atomic_load_explicit(&u->call->caller_speaking, memory_order_relaxed);
	struct model_writer *w = &u->call->writer;

	u->checked_us = now_us;
	put_silence_before(u, lateness_pad(&u->lateness, speaking, now_us), 0);
	if (model_writer_is_held_by(w, WRITER_CALLER)) {
		/* If the writer is asked back, there is perhaps a better session for the
		 * audio. What is queued by then is whole. */
		bool asked_back = atomic_load_explicit(&w->asked_back, memory_order_relaxed);
		int err = send_all(u, !asked_back, now_us);

		if (err)
			broken(u, err);
		else if (asked_back)
			give_writer_back(u);
	}
	trim_backlog(u);
	atomic_store_explicit(
	    &u->call->counters.backlog_ms, (int64_t)(uplink_waiting(u) / G711_BYTES_PER_MS), memory_order_relaxed);
}

int uplink_fd(const struct uplink *u)
{
	return u->unsent ? ws_client_fd(u->call->writer.client) : -1;
}

int64_t uplink_deadline_us(const struct uplink *u)
{
	bool speaking = atomic_load_explicit(&u->call->caller_speaking, memory_order_relaxed);
	int64_t due = lateness_deadline_us(&u->lateness, speaking);

	if (u->valve_open && u->checked_us + VALVE_CHECK_US < due)
		due = u->checked_us + VALVE_CHECK_US;
	if (u->unsent && u->whole_us + BEHIND_US < due)
		due = u->whole_us + BEHIND_US;
	return due;
}

void uplink_park(struct uplink *u)
{
	/* Under a low-water mark Twilio's Close alone would wake nobody. */
	if (u->valve_open)
		set_valve(u, false);
	if (model_writer_is_held_by(&u->call->writer, WRITER_CALLER))
		give_writer_back(u);
}

/* The time without a stream is no silence of the caller's. */
void uplink_again(struct uplink *u, int fd, uint64_t begun_ms, int64_t now_us)
{
	u->fd = fd;
	u->begun_ms = begun_ms;
	u->whole_us = u->checked_us = now_us;
	lateness_init(&u->lateness, now_us);
}

void uplink_leave(struct uplink *u)
{
	forget(u, 0);
	note_gone(u, 0, u->audio.len);
	uplink_park(u);
}
