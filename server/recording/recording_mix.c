#include "server/recording/recording_mix.h"

#include <stdlib.h>
#include <string.h>

enum {
	CHANNELS = 2,
	CALLER = 0,
	AGENT = 1,
	MULAW_ZERO = 0xff,
	US_PER_FRAME = 125,
	JUMP_FRAMES = 10 * 8000,       /* a timestamp that jumps by more is not believed */
	CLOCK_MOST_US = 10 * US_PER_S, /* neither is a clock that is off by more */
	HELD_MAX = 64 * 1024 * 1024,
	AGENT_MAX = 4 * 1024 * 1024
};

void recording_mix_init(struct recording_mix *s, int64_t start_us)
{
	memset(s, 0, sizeof *s);
	s->start_us = s->zero_us = s->last_us = start_us;
	buf_init(&s->agent, AGENT_MAX);
	buf_init(&s->held, HELD_MAX);
}

void recording_mix_free(struct recording_mix *s)
{
	free(s->pieces);
	s->pieces = NULL;
	buf_free(&s->agent);
	buf_free(&s->held);
}

/* The frame that is due at that time; never before frame 0. */
static int64_t frame_at(const struct recording_mix *s, int64_t us)
{
	int64_t passed = us - s->zero_us;

	return passed > 0 ? passed / US_PER_FRAME : 0;
}

/* ---------------------------------------------------------------- the held frames */

/* Frames [base, base + held) can still change. They begin as silence on both sides, and each side
 * writes its own bytes over it, so the two never have to wait for each other. */

/* Extends the held frames to `end`. False: no memory. */
static bool reach(struct recording_mix *s, int64_t end)
{
	size_t want = (size_t)(end - s->base) * CHANNELS, len;
	char *room;

	if (end <= s->base || want <= s->held.len)
		return true;
	len = want - s->held.len;
	room = buf_room(&s->held, len);
	if (!room) {
		s->held.err = 0; /* it may pass: the next one is tried again */
		return false;
	}
	memset(room, MULAW_ZERO, len);
	buf_grew(&s->held, len);
	return true;
}

/* Writes audio of one side. The part before `base` has been taken to the file already, and is lost. */
static void put(struct recording_mix *s, int channel, int64_t at, const uint8_t *mulaw, size_t len)
{
	if (at < s->base) {
		size_t gone = (uint64_t)(s->base - at) < len ? (size_t)(s->base - at) : len;

		s->lost_frames += gone;
		at += (int64_t)gone;
		mulaw += gone;
		len -= gone;
	}
	if (!len)
		return;
	if (!reach(s, at + (int64_t)len)) {
		s->lost_frames += len;
		return;
	}
	for (size_t i = 0; i < len; i++)
		s->held.data[((size_t)(at - s->base) + i) * CHANNELS + (size_t)channel] = (char)mulaw[i];
}

/* ---------------------------------------------------------------- the caller's side */

/* The fastest frame tells the clock's time at frame 0, since delays only ever add. The value creeps
 * up by 1 ms a second, so that a drift between Twilio's clock and ours is followed either way. */
static void set_clock(struct recording_mix *s, int64_t frame, int64_t now_us)
{
	int64_t zero = now_us - frame * US_PER_FRAME;

	s->zero_us += (now_us - s->last_us) / 1000;
	s->last_us = now_us;
	if (zero < s->start_us - CLOCK_MOST_US)
		zero = s->start_us - CLOCK_MOST_US;
	if (zero < s->zero_us)
		s->zero_us = zero;
}

/* The frame at which this audio belongs. Timestamps decide; the clock decides for the first frame,
 * for frames without a timestamp after a long pause, and after a jump that cannot be true. */
static int64_t caller_frame(struct recording_mix *s, bool has_timestamp, uint64_t timestamp_ms, int64_t now_us)
{
	int64_t by_clock = frame_at(s, now_us), at;

	if (by_clock < s->next)
		by_clock = s->next;
	if (!has_timestamp || timestamp_ms > INT64_MAX / 16000)
		return by_clock > s->next + JUMP_FRAMES ? by_clock : s->next;
	at = s->ts_frame + (int64_t)timestamp_ms * RECORDING_MIX_FRAMES_PER_MS;
	if (!s->begun || at > by_clock + JUMP_FRAMES || at < s->next - JUMP_FRAMES) {
		s->begun = true;
		s->ts_frame = by_clock - (int64_t)timestamp_ms * RECORDING_MIX_FRAMES_PER_MS;
		at = by_clock;
	}
	set_clock(s, at, now_us);
	return at;
}

void recording_mix_caller(struct recording_mix *s, bool has_timestamp, uint64_t timestamp_ms, const uint8_t *mulaw,
    size_t len, int64_t now_us)
{
	int64_t at = caller_frame(s, has_timestamp, timestamp_ms, now_us);

	/* Audio that runs far ahead of the clock is dropped, to bound the held frames. */
	if (at > frame_at(s, now_us) + JUMP_FRAMES) {
		s->lost_frames += len;
		return;
	}
	put(s, CALLER, at, mulaw, len);
	if (at + (int64_t)len > s->next)
		s->next = at + (int64_t)len;
}

/* ----------------------------------------------------------------- the agent's side */

/* The latest frame at which the piece can have begun to play; -1: no mark of its run has come back.
 * Each echo behind the piece gives one, and the earliest is right, as echoes are only ever late. */
static int64_t latest_begin(const struct recording_mix *s, const struct recording_mix_piece *p)
{
	uint64_t end = p->pos + p->len;
	int64_t best = -1;

	for (size_t i = 0; i < s->echo_count; i++) {
		const struct recording_mix_echo *e = &s->echoes[i];
		int64_t begin;

		if (e->run != p->run || e->pos < end)
			continue;
		begin = frame_at(s, e->at_us) - (int64_t)(e->pos - p->pos);
		if (begin < 0)
			begin = 0;
		if (best < 0 || begin < best)
			best = begin;
	}
	return best;
}

/* The frame at which the piece is placed: behind the one before it, unless it began a run or the
 * phone had a gap in its playing. */
static int64_t begin_of(const struct recording_mix *s, const struct recording_mix_piece *p)
{
	/* Audio that is missing in between (a full ring) was played all the same. */
	int64_t after = s->agent_end + (int64_t)(p->pos > s->placed ? p->pos - s->placed : 0);
	int64_t latest = latest_begin(s, p);

	if (p->dry && latest < 0)
		latest = frame_at(s, p->sent_us);
	if (p->dry)
		return latest > s->agent_end ? latest : s->agent_end;
	/* Echoes are not exact, so a smaller difference does not count as a gap. */
	return latest > after + RECORDING_MIX_BREAK_FRAMES ? latest : after;
}

/* Places the oldest piece as far as `heard`, and drops the rest of it with the echoes it has used
 * up. */
static void place_first(struct recording_mix *s, uint64_t heard)
{
	const struct recording_mix_piece p = s->pieces[0];
	size_t len = p.pos >= heard ? 0 : heard - p.pos < p.len ? (size_t)(heard - p.pos) : p.len;
	int64_t at = begin_of(s, &p);

	if (len) {
		/* These frames are taken already, because the clock was corrected by a hair. */
		if (at < s->base)
			at = s->base;
		put(s, AGENT, at, (const uint8_t *)s->agent.data, len);
		s->agent_end = at + (int64_t)len;
	}
	s->placed = p.pos + len;
	buf_consume(&s->agent, p.len);
	s->piece_count--;
	memmove(s->pieces, s->pieces + 1, s->piece_count * sizeof *s->pieces);
	while (s->echo_count && s->echoes[0].pos <= s->placed) {
		s->echo_count--;
		memmove(s->echoes, s->echoes + 1, s->echo_count * sizeof *s->echoes);
	}
}

/* True if no further news can move the piece: it is old, all echoes are back, or those behind it
 * have had time to come. */
static bool settled(const struct recording_mix *s, const struct recording_mix_piece *p, int64_t now_us)
{
	if (s->ended || now_us >= p->sent_us + RECORDING_MIX_HOLD_US)
		return true;
	/* Everything sent has been echoed. */
	if (s->echoed == s->sent)
		return true;
	for (size_t i = 0; i < s->echo_count; i++)
		if (s->echoes[i].pos >= p->pos + p->len)
			return now_us >= s->echoes[i].at_us + RECORDING_MIX_SETTLE_US;
	return false;
}

static void settle(struct recording_mix *s, int64_t now_us)
{
	while (s->piece_count && settled(s, &s->pieces[0], now_us))
		place_first(s, UINT64_MAX);
}

static bool room_for_piece(struct recording_mix *s)
{
	size_t room = s->piece_room ? 2 * s->piece_room : 32;
	struct recording_mix_piece *grown;

	if (s->piece_count == RECORDING_MIX_PIECES)
		place_first(s, UINT64_MAX);
	if (s->piece_count < s->piece_room)
		return true;
	grown = realloc(s->pieces, room * sizeof *grown);
	if (!grown)
		return false;
	s->pieces = grown;
	s->piece_room = room;
	return true;
}

/* A piece is what the caller loop sent at once. It begins a new run if the phone's queue was empty:
 * from there on the playing goes without a break until it is empty again. */
void recording_mix_sent(
    struct recording_mix *s, uint64_t pos, const uint8_t *mulaw, size_t len, bool dry, int64_t now_us)
{
	char *room = room_for_piece(s) ? buf_room(&s->agent, len) : NULL;

	if (dry || !s->run)
		s->run++;
	if (!room) {
		s->agent.err = 0;
		s->lost_frames += len;
		s->sent = pos + len;
		return;
	}
	memcpy(room, mulaw, len);
	buf_grew(&s->agent, len);
	s->pieces[s->piece_count++] = (struct recording_mix_piece){ pos, (uint32_t)len, s->run, now_us, dry };
	s->sent = pos + len;
}

/* An echo counts for the run that its position lies in; echoes of pieces already placed tell
 * nothing. */
void recording_mix_echo(struct recording_mix *s, uint64_t pos, int64_t now_us)
{
	uint32_t run = 0;

	if (pos > s->echoed)
		s->echoed = pos;
	for (size_t i = 0; i < s->piece_count && !run; i++)
		if (s->pieces[i].pos < pos && pos <= s->pieces[i].pos + s->pieces[i].len)
			run = s->pieces[i].run;
	if (!run)
		return;
	if (s->echo_count == RECORDING_MIX_ECHOES)
		memmove(s->echoes, s->echoes + 1, --s->echo_count * sizeof *s->echoes);
	s->echoes[s->echo_count++] = (struct recording_mix_echo){ pos, run, now_us };
}

/* At an interruption. The caller loop has worked out how far the caller heard, so every piece can
 * be placed at once, and silence follows. */
void recording_mix_cut(struct recording_mix *s, uint64_t heard, int64_t now_us)
{
	(void)now_us;
	while (s->piece_count)
		place_first(s, heard);
	/* The phone's queue is empty now: the next piece begins a run. */
	s->placed = s->echoed = s->sent;
	s->echo_count = 0;
}

/* What comes next of the agent is placed by its own time. */
void recording_mix_tone(struct recording_mix *s, const uint8_t *mulaw, size_t len, int64_t now_us)
{
	put(s, AGENT, later(frame_at(s, now_us), s->base), mulaw, len);
}

void recording_mix_end(struct recording_mix *s, int64_t now_us)
{
	int64_t end = frame_at(s, now_us);

	s->ended = true;
	settle(s, now_us);
	if (end < s->next)
		end = s->next;
	if (end < s->agent_end)
		end = s->agent_end;
	reach(s, end);
}

/* ---------------------------------------------------------------------- final frames */

/* The earliest frame that pending audio of the agent may still be placed at. */
static int64_t agent_wants(const struct recording_mix *s, int64_t now_us)
{
	const struct recording_mix_piece *p = s->pieces;
	int64_t sent;

	if (!s->piece_count)
		return frame_at(s, now_us);
	sent = frame_at(s, p->sent_us);
	return p->dry && sent > s->agent_end ? sent : s->agent_end;
}

/* A frame is final when neither side can write to it any more: the caller's audio has gone past it
 * or is held no longer, and no piece of the agent's can begin before it. */
size_t recording_mix_ready(struct recording_mix *s, int64_t now_us, const uint8_t **out)
{
	int64_t hold = frame_at(s, now_us - RECORDING_MIX_HOLD_US), agent, upto;

	settle(s, now_us);
	*out = (const uint8_t *)s->held.data;
	if (s->ended)
		return s->held.len / CHANNELS;
	agent = agent_wants(s, now_us);
	upto = s->next > hold ? s->next : hold;
	if (agent < upto)
		upto = agent;
	if (upto <= s->base || !reach(s, upto))
		return 0;
	*out = (const uint8_t *)s->held.data;
	return (size_t)(upto - s->base);
}

void recording_mix_take(struct recording_mix *s, size_t frames)
{
	buf_consume(&s->held, frames * CHANNELS);
	s->base += (int64_t)frames;
}
