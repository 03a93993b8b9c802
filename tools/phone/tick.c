/* The 20 ms tick: what is played, what is said, what is sent. */
#include <string.h>

#include "tools/phone/call.h"
#include "tools/phone/clock.h"

enum { RECORD_MAX_TICKS = 50 * 3600 * 2 };

#define TICK_GOLDEN UINT64_C(12360680) /* 20 ms times the golden ratio: spreads any number of calls evenly */

static bool is_steady(const struct call *c, uint64_t now_ns)
{
	return now_ns >= c->steady_begin_ns && now_ns < c->steady_end_ns;
}

static void count_lateness(struct call *c, uint64_t now_ns, uint64_t due_ns)
{
	uint64_t late = now_ns > due_ns ? now_ns - due_ns : 0;

	if (!is_steady(c, now_ns))
		return;
	hist_add(&c->stats->send_late, late);
	c->stats->ticks_over_1ms += late > NS_PER_MS;
	c->stats->ticks_over_20ms += late > TICK_NS;
}

/* The agent's part in the call: `n` bytes of it in this tick. */
static void listen_to(struct call *c, size_t n)
{
	if (agent_tick(&c->agent, c->tick, n))
		note_event(c, "the agent begins to speak");
	if (!n && c->agent.open && agent_silent_ticks(&c->agent, c->tick) == ANSWER_GAP_TICKS)
		note_event(c, "the agent has finished (%.1f s)",
		    (double)agent_last(&c->agent)->played_bytes / BYTES_PER_MS / 1000);
}

/* In both: true if anything sounds in this tick. */
static bool hear_words(struct call *c, uint64_t now_ns, uint8_t right[TICK_BYTES])
{
	size_t n = relay_speak(c, now_ns) ? TICK_BYTES : 0;

	memset(right, 0xFF, TICK_BYTES);
	c->played_bytes += n;
	listen_to(c, n);
	return n > 0;
}

static bool play(struct call *c, uint64_t now_ns, uint8_t right[TICK_BYTES])
{
	struct stream *s = &c->stream;
	bool was_playing = s->play.playing;
	size_t n = playout_tick(&s->play, right);
	struct turn *turn = c->turn_count ? &c->turns[c->turn_count - 1] : NULL;

	c->played_bytes += n;
	if (was_playing && !n && s->stamps.in_answer) {
		c->underruns++;
		c->stats->underruns++;
	}
	listen_to(c, n);
	if (n && turn && turn->arrival_ns && !turn->play_ns)
		turn->play_ns = now_ns;
	if (n && !c->first_play_ns)
		c->first_play_ns = now_ns;
	return c->agent.ears && ears_hear(&c->ears, right);
}

static void follow_script(struct call *c, const struct caller_news *news, uint64_t now_ns)
{
	struct turn *turn = c->turn_count ? &c->turns[c->turn_count - 1] : NULL;
	bool talking = c->agent.audible || playout_waiting(&c->stream.play) > 0;

	if (news->began) {
		turn = note_turn(c);
		if (turn)
			*turn = (struct turn){ .step = news->began, .begin_ns = now_ns, .interrupting = talking };
		if (news->began->kind == STEP_SAY && !c->stream.verb->relay)
			note_event(c, "the caller speaks %s%s%s%s%s", news->began->speech.name,
			    news->began->text ? ": \"" : "", news->began->text ? news->began->text : "",
			    news->began->text ? "\"" : "", talking ? " (into the answer)" : "");
	}
	if (c->stream.verb->relay)
		relay_follow(c, news);
	else if (news->key)
		stream_key(c, news->key);
	else if (news->order && news->order->kind == STEP_CUT)
		stream_cut(c, news->order);
	if (news->voice_ended && turn && turn->step == news->voice_ended) {
		turn->voice_end_ns = now_ns;
		turn->talked_over = talking;
	}
	if (news->gave_up)
		note_failure(c, "script, line %d: %s reached its limit of %ld ms", news->gave_up->line,
		    step_name(news->gave_up->kind), news->gave_up->limit_ms);
}

static bool time_is_up(const struct call *c, uint64_t now_ns)
{
	if (c->hangup_ns)
		return now_ns >= c->hangup_ns;
	return c->options->seconds > 0 && now_ns - c->zero_ns >= (uint64_t)(c->options->seconds * 1e9);
}

static void on_tick(struct timer *t, uint64_t now_ns)
{
	struct call *c = OWNER(t, struct call, stream.tick);
	struct stream *s = &c->stream;
	uint8_t left[TICK_BYTES], right[TICK_BYTES];
	struct caller_news news;
	bool sounds;

	count_lateness(c, now_ns, t->due_ns);
	timer_set(c->loop, t, t->due_ns + TICK_NS);
	if (!c->zero_ns)
		c->zero_ns = now_ns;
	s->last_tick_ns = now_ns;
	sounds = c->stream.verb->relay ? hear_words(c, now_ns, right) : play(c, now_ns, right);
	if (!c->stream.verb->relay)
		stream_echo_marks(c, now_ns);
	ears_wait(&c->ears, sounds, caller_waits(&c->caller, &c->agent), c->tick);
	caller_tick(&c->caller, &c->agent, c->tick, c->clear_count, left, &news);
	if (c->options->stamps)
		inbound_stamp_frame(c, left, now_ns);
	if (c->options->out && c->tick < RECORD_MAX_TICKS) {
		text_add(&c->left, left, sizeof left);
		text_add(&c->right, right, sizeof right);
	}
	mischief_tick(c);
	if (s->state != STREAM_OPEN)
		return;
	if (!s->mute && !s->verb->relay) {
		stream_media(c, left, sizeof left);
		if (has_fault(c->options, FAULT_DOUBLED)) {
			s->sequence--;
			s->chunk--;
			stream_media(c, left, sizeof left);
		}
	}
	follow_script(c, &news, now_ns);
	c->tick++;
	s->ticks++;
	if (news.hangup || time_is_up(c, now_ns))
		stream_hang_up(c);
}

void stream_begin_ticks(struct call *c, uint64_t now_ns)
{
	uint64_t phase = (uint64_t)c->index * TICK_GOLDEN % TICK_NS;

	c->stream.tick.fire = on_tick;
	timer_set(c->loop, &c->stream.tick, (now_ns - phase) / TICK_NS * TICK_NS + TICK_NS + phase);
}
