#include "server/recording/recording.h"

#include "server/agents/agent.h"
#include "server/recording/recorder_private.h"
#include "server/stats/stats.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RING_BYTES = 512 * 1024, /* 25 s of both sides; untouched memory is not used */
	SETTLE_STEP_MS = 5,
	AUDIO_MAX = 8000 /* of one message; a frame has 160 */
};

/* ---------------------------------------------------------------- the caller loop's */

/* The list of new recordings is a stack: any caller loop pushes, the writer takes all of it. The
 * bell is rung, because the writer sleeps without a limit while it has nothing to do. Out of
 * memory, the call goes on unrecorded. */
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

/* Puts one message into the ring, or counts its audio as lost. A lost mark costs no sound: the mix
 * then places the audio by the clock. */
static void tell(struct recording *r, enum tap_type type, const struct tap *tap, const uint8_t *audio, size_t len)
{
	/* No bell for every frame: the writer looks every PASS_MS by itself. */
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

void recording_tone(struct recording *r, const uint8_t *mulaw, size_t len, int64_t now_us)
{
	tell(r, TAP_TONE, &(struct tap){ .now_us = now_us }, mulaw, len);
}

/* Once, when the stream is over; no tap may follow. Until its release the recording still tells its
 * state, for the record of the call. */
void recording_end(struct recording *r, int64_t now_us)
{
	atomic_store_explicit(&r->end_us, now_us, memory_order_relaxed);
	/* Release: the writer, when it sees it, also sees every message before it. */
	atomic_store_explicit(&r->over, true, memory_order_release);
	bell_ring(&r->recorder->bell);
}

/* The call and the writer hold a reference each, and the last one frees: a call may end long before
 * a slow disk has its file. */
void recording_release(struct recording *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return;
	agent_release(r->agent);
	ring_close(&r->ring);
	free(r);
}

/* ------------------------------------------------------------------------ telling */

/* By polling, since the state has no bell. It is asked once a call, when the conversation is over. */
void recording_settle(const struct recording *r, int timeout_ms)
{
	for (; r && timeout_ms > 0; timeout_ms -= SETTLE_STEP_MS) {
		if (atomic_load_explicit(&r->state, memory_order_relaxed) != RECORDING_ON)
			return;
		poll(NULL, 0, SETTLE_STEP_MS);
	}
}

/* RECORDING_SAVING is no state of the writer's: the call is over, and the file is not finished yet. */
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
		.lost_ms = atomic_load_explicit(&r->dropped, memory_order_relaxed) / RECORDING_MIX_FRAMES_PER_MS,
		.channels = RECORDING_CHANNELS };
}
