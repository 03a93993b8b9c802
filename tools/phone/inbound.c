/* What the server sends: frames, messages, audio, stamps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/base64.h"
#include "tools/phone/call.h"
#include "tools/phone/clock.h"
#include "tools/phone/message.h"
#include "tools/kit/utf8.h"
#include "tools/kit/ws.h"
#include "tools/stamps.h"

enum { MESSAGE_MAX = 1024 * 1024 }; /* Twilio ends a stream that sends more at once */

/* --- stamps in answers --- */

static void answer_began(struct call *c, const struct stamp *st, uint64_t position, uint64_t now_ns)
{
	struct stamp_reader *r = &c->stream.stamps;

	r->starts[r->start_count++ % ANSWER_STARTS] = (struct answer_start){ st->turn, position, now_ns };
	r->turn = st->turn;
	r->next_seq = 1;
	r->recent = 1;
	r->in_answer = true;
	c->stats->answers_begun++;
	if (now_ns >= c->steady_begin_ns && now_ns < c->steady_end_ns)
		hist_add(&c->stats->answer_first, now_ns > st->sent_ns ? now_ns - st->sent_ns : 0);
}

/* A unit that others have overtaken: counted as lost then, or here before. */
static void behind_its_turn(struct call *c, uint32_t distance)
{
	struct stamp_reader *r = &c->stream.stamps;

	if (distance >= 64 || r->recent >> distance & 1) {
		c->stats->units_doubled++;
		return;
	}
	r->recent |= UINT64_C(1) << distance;
	c->stats->units_reordered++;
	c->stats->units_lost--;
	c->lost_units--;
}

static void later_unit(struct call *c, const struct stamp *st, uint64_t now_ns)
{
	struct stamp_reader *r = &c->stream.stamps;
	const struct answer_start *start = &r->starts[(r->start_count - 1) % ANSWER_STARTS];
	uint64_t deadline = start->arrival_ns + st->seq * TICK_NS;
	uint32_t advance;

	if (!r->start_count || st->turn != r->turn) {
		c->stats->units_lost++; /* its first unit, at least */
		c->lost_units++;
		return;
	}
	if (st->seq < r->next_seq) {
		behind_its_turn(c, r->next_seq - 1 - st->seq);
		return;
	}
	if (st->seq > r->next_seq) {
		c->stats->units_lost += st->seq - r->next_seq;
		c->lost_units += st->seq - r->next_seq;
	}
	advance = st->seq + 1 - r->next_seq;
	r->recent = advance < 64 ? r->recent << advance | 1 : 1;
	r->next_seq = st->seq + 1;
	if (now_ns > deadline)
		c->stats->units_late++;
	if (now_ns >= c->steady_begin_ns && now_ns < c->steady_end_ns)
		hist_add(&c->stats->unit_late, now_ns > deadline ? now_ns - deadline : 0);
	if (st->flags & STAMP_LAST) {
		r->in_answer = false;
		c->stats->answers_ended++;
	}
}

static void found_stamp(struct call *c, const struct stamp *st, uint64_t position, uint64_t now_ns)
{
	struct stamp_reader *r = &c->stream.stamps;

	if (st->kind != STAMP_ANSWER)
		return;
	c->stats->units_received++;
	if (r->cleared_turn && st->turn == r->cleared_turn) {
		c->stale_units++;
		c->stats->units_stale++;
		note_warning(c, "audio of an answer came after the clear that cut it");
	} else if (st->flags & STAMP_FIRST) {
		answer_began(c, st, position, now_ns);
	} else {
		later_unit(c, st, now_ns);
	}
}

/* Looks for stamps in what is left of earlier audio and this. */
static void read_stamps(struct call *c, const uint8_t *audio, size_t len, uint64_t position, uint64_t now_ns)
{
	struct stamp_reader *r = &c->stream.stamps;
	struct text joined = { 0 };
	const uint8_t *all = audio;
	size_t all_len = len, at = 0, from = 0;
	struct stamp st;

	if (r->left_len) {
		text_add(&joined, r->left, r->left_len);
		text_add(&joined, audio, len);
		all = (const uint8_t *)joined.data;
		all_len = joined.len;
		position = r->position;
	}
	while (stamp_find(all, all_len, &at, &st)) {
		const uint8_t *unit = memmem(all + from, all_len - from, "TKL1", 4);

		found_stamp(c, &st, position + (uint64_t)(unit - all), now_ns);
		from = at;
	}
	r->left_len = all_len - at < sizeof r->left ? all_len - at : 0;
	memcpy(r->left, all + all_len - r->left_len, r->left_len);
	r->position = position + all_len - r->left_len;
	text_free(&joined);
}

void inbound_stamp_frame(struct call *c, uint8_t frame[160], uint64_t now_ns)
{
	const struct stamp_reader *r = &c->stream.stamps;
	struct stamp st = {
		.kind = STAMP_CALLER,
		.turn = r->clears,
		.call = (uint32_t)c->index,
		.seq = c->stream.ticks,
		.sent_ns = now_ns,
		.cleared_ns = r->cleared_ns,
		.played_ms = r->played_ms,
		.cleared_turn = r->told_turn,
	};

	stamp_put(frame, &st);
}

/* --- messages --- */

static void on_media(struct call *c, const struct message *m, uint64_t now_ns)
{
	struct stream *s = &c->stream;
	struct turn *turn = c->turn_count ? &c->turns[c->turn_count - 1] : NULL;
	struct text large = { 0 };
	uint8_t small[4096], *audio = small;
	bool fresh = playout_idle(&s->play);
	uint64_t position = s->play.received;
	long n;

	if (m->len / 4 * 3 > sizeof small) {
		text_add(&large, m->value, m->len); /* as room, overwritten */
		audio = (uint8_t *)large.data;
	}
	n = base64_get(audio, m->value, m->len);
	if (n < 0) {
		note_warning(c, "31951 a payload is not base64");
		text_free(&large);
		return;
	}
	c->media++;
	c->stats->media_received++;
	c->media_bytes += (uint64_t)n;
	if (n >= 4 && memcmp(audio, "RIFF", 4) == 0)
		note_warning(c, "a payload begins with a WAV header, which is heard as a click");
	if (n == 0)
		note_warning(c, "a payload is empty");
	if (!c->first_media_ns && n) {
		c->first_media_ns = now_ns;
		hist_add(&c->stats->stream_first_audio, now_ns - s->open_ns);
	}
	if (fresh && n && turn && turn->voice_end_ns && !turn->arrival_ns)
		turn->arrival_ns = now_ns;
	if (playout_media(&s->play, audio, (size_t)n))
		note_warning(c, "31931 more than ten minutes of audio are queued, some is discarded");
	if (c->options->stamps)
		read_stamps(c, audio, (size_t)n, position, now_ns);
	text_free(&large);
}

static void on_mark(struct call *c, const struct message *m, uint64_t now_ns)
{
	char *name = message_unescape(m->value, m->len);
	struct mark_note *note;

	if (!name) {
		note_warning(c, "31951 a mark's name is no JSON string");
		return;
	}
	c->marks_received++;
	c->stats->marks++;
	note = note_mark(c, name);
	if (note)
		note->received_ns = now_ns;
	playout_mark(&c->stream.play, name);
	free(name);
	stream_echo_marks(c, now_ns);
}

/* What the caller's stamps tell the model of this clear. */
static void remember_clear(struct call *c, uint64_t position, bool playing, uint64_t now_ns)
{
	struct stamp_reader *r = &c->stream.stamps;
	size_t kept = r->start_count < ANSWER_STARTS ? r->start_count : ANSWER_STARTS;

	r->clears++;
	r->cleared_ns = now_ns;
	r->told_turn = 0;
	r->played_ms = 0;
	r->cleared_turn = r->turn;
	r->in_answer = false;
	r->left_len = 0;
	for (size_t i = 0; playing && i < kept; i++) {
		const struct answer_start *a = &r->starts[(r->start_count - 1 - i) % ANSWER_STARTS];

		if (a->position > position)
			continue;
		r->told_turn = a->turn;
		r->played_ms = (uint32_t)((position - a->position) / BYTES_PER_MS);
		return;
	}
}

static void on_clear(struct call *c, uint64_t now_ns)
{
	struct stream *s = &c->stream;
	uint64_t position = playout_position(&s->play, now_ns - s->last_tick_ns);
	bool playing = !playout_idle(&s->play);
	const struct answer *answer = c->agent.open ? agent_last(&c->agent) : NULL;
	uint64_t played = answer ? answer->played_bytes : 0;
	struct clear_note *note = note_clear(c);
	size_t marks, unplayed;

	remember_clear(c, position, playing, now_ns);
	unplayed = playout_clear(&s->play, &marks);
	agent_clear(&c->agent, unplayed);
	c->stats->clears++;
	if (note)
		*note = (struct clear_note){ now_ns, unplayed, marks, played };
	note_event(c, "play-out is cleared: %zu ms unplayed, %zu marks", unplayed / BYTES_PER_MS, marks);
	stream_echo_marks(c, now_ns);
}

static void on_text(struct call *c, const char *text, size_t len, uint64_t now_ns)
{
	struct message m;
	const char *why;
	char warning[160];

	c->messages++;
	c->stats->messages_received++;
	if (c->stream.stop_sent)
		return; /* on its way when we hung up */
	if (c->stream.verb->relay) {
		relay_text(c, text, len, now_ns);
		return;
	}
	if (message_read(&m, text, len, c->stream.sid, &why) != 0) {
		snprintf(warning, sizeof warning, "31951 invalid message: %s", why);
		note_warning(c, warning);
		return;
	}
	switch (m.kind) {
	case MESSAGE_MEDIA:
		on_media(c, &m, now_ns);
		break;
	case MESSAGE_MARK:
		on_mark(c, &m, now_ns);
		break;
	case MESSAGE_CLEAR:
		on_clear(c, now_ns);
		break;
	}
}

/* --- frames --- */

static void violation(struct call *c, const char *why)
{
	char warning[160];

	snprintf(warning, sizeof warning, "31924 WebSocket protocol violation: %s", why);
	note_warning(c, warning);
	stream_end(c, END_VIOLATION);
}

static void on_close(struct call *c, const struct ws_frame *f)
{
	struct stream *s = &c->stream;
	int code = f->len >= 2 ? f->payload[0] << 8 | f->payload[1] : 1005;

	if (f->len == 1) {
		violation(c, "a close frame has a body of one byte");
		return;
	}
	if (f->len >= 2 && !ws_close_code_ok(code))
		note_warning(c, "31924 a close frame has a code nobody may send");
	if (f->len > 2 && !utf8_ok(f->payload + 2, f->len - 2))
		note_warning(c, "31924 a close frame's reason is not UTF-8");
	c->close_code = code;
	if (!s->close_sent && !has_fault(c->options, FAULT_NO_CLOSE))
		stream_send(c, WS_CLOSE, (const char *)f->payload, f->len >= 2 ? 2 : 0);
	s->close_sent = true;
	stream_end(c, stream_closed_by(c));
}

static void on_data(struct call *c, const struct ws_frame *f, uint64_t now_ns)
{
	struct stream *s = &c->stream;

	if (f->opcode != WS_CONTINUATION)
		s->fragments_text = f->opcode == WS_TEXT;
	if (f->fin && !s->in_fragments) {
		if (s->fragments_text)
			on_text(c, (const char *)f->payload, f->len, now_ns);
		else
			note_warning(c, "31950 a binary frame");
		return;
	}
	if (s->whole.len + f->len > MESSAGE_MAX) {
		violation(c, "a message is larger than 1 MB");
		return;
	}
	text_add(&s->whole, f->payload, f->len);
	s->in_fragments = !f->fin;
	if (!f->fin)
		return;
	if (s->fragments_text)
		on_text(c, s->whole.data, s->whole.len, now_ns);
	else
		note_warning(c, "31950 a binary frame");
	text_free(&s->whole);
}

static void on_ping(struct call *c, const struct ws_frame *f)
{
	c->relay.pings++;
	if (!has_fault(c->options, FAULT_NO_PONG))
		stream_send(c, WS_PONG, (const char *)f->payload, f->len);
}

size_t inbound_frames(struct call *c, uint8_t *bytes, size_t len, uint64_t now_ns)
{
	struct stream *s = &c->stream;
	struct ws_frame f;
	size_t at = 0;

	c->stats->bytes_received += len;
	while (s->state == STREAM_OPEN || s->state == STREAM_CLOSING) {
		long n = ws_read(bytes + at, len - at, MESSAGE_MAX, &f);
		const char *why = f.head ? ws_fault(&f, WS_OF_SERVER, s->in_fragments) : NULL;

		if (n < 0 && !why)
			why = "a frame is larger than 1 MB";
		if (why)
			violation(c, why);
		if (n <= 0 || why)
			break;
		at += (size_t)n;
		if (f.opcode == WS_CLOSE)
			on_close(c, &f);
		else if (f.opcode == WS_PING)
			on_ping(c, &f);
		else if (f.opcode == WS_PONG)
			c->pongs += !relay_pong(c, f.payload, f.len);
		else
			on_data(c, &f, now_ns);
	}
	return at;
}
