/* A call as /calls shows it. */
#include "server/line/call_cost.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/recording/recorder.h"
#include "server/money/spending.h"

#include <inttypes.h>

static void put_time(struct buf *out, const char *name, int64_t wall_ms)
{
	char text[32];

	clock_iso8601(wall_ms, text, sizeof text);
	buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

static void put_counters(struct buf *out, struct call_counters *n)
{
#define PUT(name) \
	buf_printf(out, "%s\"" #name "\":%" PRIu64, comma, atomic_load_explicit(&n->name, memory_order_relaxed))
	const char *comma = "";

	buf_puts(out, ",\"audio\":{");
	PUT(frames_in);
	comma = ",";
	PUT(frames_out);
	PUT(dropped_ms);
	PUT(padded_ms);
	PUT(underruns);
	PUT(stale_ms);
	PUT(late_delta_ms);
	PUT(answer_dropped_ms);
	buf_printf(out,
	    ",\"late_ms\":%" PRId64 ",\"late_max_ms\":%" PRId64 ",\"backlog_ms\":%" PRId64 ",\"valve_open\":%s}",
	    atomic_load_explicit(&n->late_ms, memory_order_relaxed),
	    atomic_load_explicit(&n->late_max_ms, memory_order_relaxed),
	    atomic_load_explicit(&n->backlog_ms, memory_order_relaxed),
	    atomic_load_explicit(&n->valve_open, memory_order_relaxed) ? "true" : "false");
	buf_printf(out, ",\"interruptions\":%" PRIu64 ",\"keys\":%" PRIu64 ",\"invalid_messages\":%" PRIu64,
	    atomic_load_explicit(&n->cuts, memory_order_relaxed),
	    atomic_load_explicit(&n->digits, memory_order_relaxed),
	    atomic_load_explicit(&n->invalid_messages, memory_order_relaxed));
#undef PUT
}

static void put_recording(struct buf *out, struct call *c)
{
	/* Acquire: pairs with the release in begin_recording (caller_loop.c). */
	const struct recording *recording = atomic_load_explicit(&c->recording, memory_order_acquire);

	buf_puts(out, ",\"recording\":");
	if (recording)
		recording_put_json(recording, out);
	else if (c->record == RECORDING_LOCAL && atomic_load_explicit(&c->started_us, memory_order_relaxed))
		buf_puts(out, "{\"mode\":\"local\",\"state\":\"failed\",\"error\":\"DATA_DIR is not set\"}");
	else if (c->record == RECORDING_TWILIO)
		buf_puts(out, "{\"mode\":\"twilio\"}");
	else
		buf_puts(out, "null");
}

void call_put_facts(struct buf *out, struct call *c)
{
	static const char *const states[] = { "free", "reserved", "claimed", "live", "ending" };
	enum call_end end = call_ended(c);
	/* Acquire: pairs with the release in on_start (caller_loop.c); the name
	 * of the stream was written before. */
	int64_t started = atomic_load_explicit(&c->started_us, memory_order_acquire);
	int64_t ended = atomic_load_explicit(&c->ended_us, memory_order_relaxed);
	int64_t until = ended ? ended : clock_now_us();
	struct cost_use use;

	buf_puts(out, "{\"call_sid\":");
	json_put_cstring(out, c->call_sid[0] ? c->call_sid : NULL);
	buf_puts(out, ",\"stream_sid\":");
	json_put_cstring(out, started ? c->stream.id : NULL);
	/* "ending": over, but a last transcript may still come. */
	buf_printf(out, ",\"state\":\"%s\",\"direction\":", c->remembered ? "ended" : states[c->state]);
	json_put_cstring(out, c->direction);
	buf_puts(out, ",\"from\":");
	json_put_cstring(out, c->from);
	buf_puts(out, ",\"to\":");
	json_put_cstring(out, c->to);
	buf_puts(out, ",\"agent\":");
	json_put_cstring(out, c->agent->name);
	buf_puts(out, ",\"variant\":");
	json_put_cstring(out, c->agent->variant[0] ? c->agent->variant : NULL);
	if (c->context.metadata && c->context.metadata[0])
		buf_printf(out, ",\"metadata\":%s", c->context.metadata);
	put_time(out, "reserved_at", c->reserved_wall_ms);
	if (c->first_turn)
		buf_printf(out, ",\"first_turn\":%" PRId64, c->first_turn);
	if (started)
		put_time(out, "started_at", c->reserved_wall_ms + (started - c->reserved_us) / US_PER_MS);
	if (ended)
		put_time(out, "ended_at", c->reserved_wall_ms + (ended - c->reserved_us) / US_PER_MS);
	buf_printf(out, ",\"seconds\":%.3f,\"ending\":", started ? (double)(until - started) / US_PER_S : 0.0);
	if (end)
		buf_printf(out, "{\"reason\":\"%s\",\"text\":\"%s\",\"fault\":%s}", call_ending(end)->json,
		    call_ending(end)->text, call_ending(end)->fault ? "true" : "false");
	else
		buf_puts(out, "null");
	put_counters(out, &c->counters);
	put_recording(out, c);
	buf_puts(out, ",\"cost\":");
	call_cost_use(c, clock_now_us(), &use);
	cost_put_json(&use, spending_prices(), out);
}

void call_put_whole(struct buf *out, struct call *c)
{
	call_put_facts(out, c);
	pthread_mutex_lock(&c->shown_lock);
	if (c->shown.len) {
		buf_putc(out, ',');
		buf_put(out, c->shown.data, c->shown.len);
	}
	pthread_mutex_unlock(&c->shown_lock);
	buf_putc(out, '}');
}
