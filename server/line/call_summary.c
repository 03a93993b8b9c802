#include "server/line/call_summary.h"

#include "common/clock.h"
#include "server/line/call_cost.h"
#include "server/money/spending.h"
#include "server/recording/recorder.h"

#include <stdio.h>
#include <string.h>

static void count_audio(struct call_counters *n, struct call_audio *out)
{
#define TAKE(to, from) out->to = atomic_load_explicit(&n->from, memory_order_relaxed)
	TAKE(frames_in, frames_in);
	TAKE(frames_out, frames_out);
	TAKE(dropped_ms, dropped_ms);
	TAKE(padded_ms, padded_ms);
	TAKE(underruns, underruns);
	TAKE(stale_ms, stale_ms);
	TAKE(late_delta_ms, late_delta_ms);
	TAKE(answer_dropped_ms, answer_dropped_ms);
	TAKE(late_ms, late_ms);
	TAKE(late_max_ms, late_max_ms);
	TAKE(backlog_ms, backlog_ms);
	TAKE(valve_open, valve_open);
	TAKE(interruptions, cuts);
	TAKE(keys, digits);
	TAKE(invalid_messages, invalid_messages);
#undef TAKE
}

static void look_at_recording(struct call *c, struct call_recording *out)
{
	/* Acquire: pairs with the release in begin_recording (caller_loop.c). */
	const struct recording *recording = atomic_load_explicit(&c->recording, memory_order_acquire);

	if (recording)
		recording_tell(recording, out);
	else if (c->record == RECORDING_LOCAL && atomic_load_explicit(&c->started_us, memory_order_relaxed))
		*out = (struct call_recording){
			.by = CALL_RECORDED_HERE, .state = "failed", .error = "DATA_DIR is not set"
		};
	else if (c->record == RECORDING_TWILIO)
		out->by = CALL_RECORDED_BY_TWILIO;
}

static char *copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

/* Who calls whom, and who answers. */
static void name_it(const struct call *c, struct call_summary *out)
{
	snprintf(out->call_sid, sizeof out->call_sid, "%s", c->call_sid);
	snprintf(out->direction, sizeof out->direction, "%s", c->direction);
	snprintf(out->from, sizeof out->from, "%s", c->from);
	snprintf(out->to, sizeof out->to, "%s", c->to);
	out->agent = strdup(c->agent->name);
	out->variant = copy(c->agent->variant);
	out->metadata = copy(c->context.metadata);
}

static void date_it(struct call *c, struct call_summary *out, int64_t now)
{
	/* Acquire: pairs with the release in on_start (caller_loop.c); the name
	 * of the stream was written before. */
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_acquire);
	int64_t ended = atomic_load_explicit(&c->ended_us, memory_order_relaxed);

	out->reserved_ms = c->reserved_wall_ms;
	if (started) {
		snprintf(out->stream_sid, sizeof out->stream_sid, "%s", c->stream.id);
		out->started_ms = c->reserved_wall_ms + (started - c->reserved_us) / US_PER_MS;
		/* Whole milliseconds: as it is shown it is kept. */
		out->seconds = (double)(((ended ? ended : now) - started + US_PER_MS / 2) / US_PER_MS) / 1000;
	}
	if (ended)
		out->ended_ms = c->reserved_wall_ms + (ended - c->reserved_us) / US_PER_MS;
}

void call_summarize(struct call *c, struct call_summary *out)
{
	static const char *const states[] = { "free", "reserved", "claimed", "live", "ending" };
	int64_t now = clock_now_us();
	struct cost_use use;

	memset(out, 0, sizeof *out);
	/* "ending": over, but a last transcript may still come. */
	out->state = c->remembered ? "ended" : states[c->state];
	out->stage = c->remembered ? CALL_IS_OVER : c->state >= LINE_LIVE ? CALL_IS_LIVE : CALL_IS_RESERVED;
	out->end = call_ended(c);
	out->first_turn = c->first_turn;
	name_it(c, out);
	date_it(c, out, now);
	count_audio(&c->counters, &out->audio);
	look_at_recording(c, &out->recording);
	call_cost_use(c, now, &use);
	cost_of(&use, spending_prices(), &out->cost);
}
