/* --load: answers by the clock, with stamps in the audio, and what the stamps
 * in the caller's audio say. tools/stamps.h tells what they mean.
 */
#include "tools/standin_model/inside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SETTLE_MS = 1000,       /* frames older than that after session.updated came out of the backlog */
	AFTER_ANSWER_MS = 1500, /* of quiet before the next one may begin */
	GONE_MS = 200,          /* without a frame: nobody is there to be interrupted */
	INTERRUPTION_MS = 300
};

const struct line load_line = { .say = "This is an answer of a certain length." };

void load_ready(struct session *s, uint64_t now)
{
	s->load.ready_ns = now;
}

/* Sessions are spread over the period by the golden ratio. */
static uint64_t phase_ns(const struct session *s)
{
	double turn = (double)s->record->number * 0.6180339887498949;

	return (uint64_t)((turn - floor(turn)) * options.load_every_s * 1e9);
}

static uint64_t answer_ns(void)
{
	return (uint64_t)(options.load_answer_ms + AFTER_ANSWER_MS) * NS_PER_MS;
}

/* Listening. */

static uint64_t *missing_word(struct load *l, uint32_t seq, uint64_t *bit)
{
	*bit = 1ULL << (seq % 64);
	return &l->missing[seq / 64 % (sizeof l->missing / sizeof l->missing[0])];
}

static void count_frame(struct load *l, struct load_stats *stats, uint32_t seq)
{
	const uint32_t window = 64 * sizeof l->missing / sizeof l->missing[0];
	uint64_t bit, *word = missing_word(l, seq, &bit);

	stats->frames++;
	if (!l->seen) {
		l->seen = true;
		l->next_seq = seq;
	}
	if (seq < l->next_seq) {
		if (l->next_seq - seq <= window && (*word & bit)) {
			*word &= ~bit;
			stats->lost -= stats->lost > 0;
			stats->reordered++;
		} else {
			stats->duplicated++;
		}
		return;
	}
	for (; l->next_seq < seq; l->next_seq++) {
		uint64_t gap_bit, *gap = missing_word(l, l->next_seq, &gap_bit);

		*gap |= gap_bit;
		stats->lost++;
	}
	*word &= ~bit;
	l->next_seq = seq + 1;
}

/* What was said to have been heard against what the phone had played. */
static void compare(struct load *l, struct load_stats *stats)
{
	if (!l->told || !l->played)
		return;
	stats->truncations++;
	hist_add(&stats->truncation, (uint64_t)llabs(l->told_ms - l->played_ms) * NS_PER_MS);
	l->told = l->played = false;
	l->cut_item[0] = '\0';
}

static void look_for_clear(struct load *l, struct load_stats *stats, const struct stamp *stamp)
{
	uint16_t fresh = (uint16_t)(stamp->turn - l->clears);

	if (!fresh)
		return;
	l->clears = stamp->turn;
	stats->clears += fresh;
	if (!l->cut_sent_ns || stamp->cleared_ns < l->cut_sent_ns) {
		stats->unasked_clears += fresh;
		return;
	}
	stats->unasked_clears += fresh - 1u;
	hist_add(&stats->interruption, stamp->cleared_ns - l->cut_sent_ns);
	l->cut_sent_ns = 0;
	if (stamp->cleared_turn == l->cut_turn) {
		l->played = true;
		l->played_ms = stamp->played_ms;
		compare(l, stats);
	}
}

void load_hear(struct session *s, const uint8_t *audio, size_t len, uint64_t now)
{
	struct load *l = &s->load;
	struct load_stats *stats = s->service->load;
	struct stamp stamp;
	size_t at = 0;

	now = mono_ns();
	if (!l->next_ns)
		l->next_ns = now + answer_ns() + phase_ns(s);
	stats->padding_bytes += len;
	text_add(&l->rest, audio, len);
	while (stamp_find((const uint8_t *)l->rest.data, l->rest.len, &at, &stamp)) {
		if (stamp.kind != STAMP_CALLER)
			continue;
		stats->padding_bytes -= STAMP_UNIT;
		l->call = stamp.call;
		count_frame(l, stats, stamp.seq);
		if (l->ready_ns && stamp.sent_ns > l->ready_ns + SETTLE_MS * NS_PER_MS)
			hist_add(&stats->uplink, now > stamp.sent_ns ? now - stamp.sent_ns : 0);
		else
			stats->backlog_frames++;
		look_for_clear(l, stats, &stamp);
	}
	text_drop(&l->rest, at);
}

void load_truncated(struct session *s, const char *item_id, long audio_end_ms)
{
	struct load *l = &s->load;

	if (strcmp(item_id, l->cut_item) != 0)
		return;
	l->told = true;
	l->told_ms = audio_end_ms;
	compare(l, s->service->load);
}

/* Speaking. */

void load_speak(struct session *s, struct answer *a, uint8_t *out, size_t len)
{
	struct load *l = &s->load;
	uint64_t now = mono_ns();

	if (!a->sent) {
		s->service->load->answers++;
		if (options.load_cut_every && a->turn % (unsigned long)options.load_cut_every == 0) {
			l->cut_ns = now + (uint64_t)options.load_cut_ms * NS_PER_MS;
			l->cut_turn = (uint16_t)a->turn;
			snprintf(l->cut_item, sizeof l->cut_item, "%s", a->item->id);
		}
	}
	for (size_t i = 0; i < len; i++) {
		size_t at = (a->sent + i) % STAMP_UNIT, unit = (a->sent + i) / STAMP_UNIT;

		if (at == 0) {
			struct stamp stamp = { .kind = STAMP_ANSWER,
				.turn = (uint16_t)a->turn,
				.call = l->call,
				.seq = (uint32_t)unit,
				.sent_ns = now };

			stamp.flags = (uint8_t)((unit == 0 ? STAMP_FIRST : 0) |
						(unit + 1 == a->total / STAMP_UNIT ? STAMP_LAST : 0));
			memset(a->unit, 0xff, sizeof a->unit);
			stamp_put(a->unit, &stamp);
		}
		out[i] = a->unit[at];
	}
}

static void send_started(struct session *s)
{
	session_new_id(s, "item", s->speech_item);
	text_printf(event_open(s, "input_audio_buffer.speech_started"), ",\"audio_start_ms\":%d,\"item_id\":\"%s\"",
	    (int)s->record->audio_ms, s->speech_item);
	event_send(s);
}

static void send_stopped(struct session *s)
{
	struct item *item = items_new(s, ITEM_USER_AUDIO, "completed");

	text_printf(event_open(s, "input_audio_buffer.speech_stopped"), ",\"audio_end_ms\":%d,\"item_id\":\"%s\"",
	    (int)s->record->audio_ms, s->speech_item);
	event_send(s);
	memcpy(item->id, s->speech_item, ID_SIZE);
	text_puts(event_open(s, "input_audio_buffer.committed"), ",\"previous_item_id\":");
	text_json(&s->event, s->item_count ? s->items[s->item_count - 1]->id : NULL);
	text_printf(&s->event, ",\"item_id\":\"%s\"", item->id);
	event_send(s);
	items_add(s, item, s->item_count);
	items_send(s, "conversation.item.added", item, true);
	items_send(s, "conversation.item.done", item, true);
}

static void interrupt(struct session *s, uint64_t now)
{
	struct load *l = &s->load;
	struct answer *active = answers_active(s);

	l->cut_ns = 0;
	l->speech_ends_ns = now + INTERRUPTION_MS * NS_PER_MS;
	l->told = l->played = false;
	s->service->load->interruptions++;
	send_started(s);
	l->cut_sent_ns = mono_ns();
	if (active && s->settings.interrupt_response)
		answers_cancel(s, active, "turn_detected", now);
}

/* What an interruption should have led to and did not. */
static void settle_interruption(struct session *s)
{
	struct load *l = &s->load;

	if (l->cut_sent_ns)
		s->service->load->missing_clears++;
	if (*l->cut_item && (l->told || l->played || l->cut_sent_ns))
		s->service->load->no_truncation++;
	l->cut_sent_ns = 0;
	l->cut_item[0] = '\0';
	l->told = l->played = false;
}

void load_tick(struct session *s, uint64_t now)
{
	struct load *l = &s->load;
	bool gone = now > s->last_append_ns + GONE_MS * NS_PER_MS;

	if (l->cut_ns && now >= l->cut_ns) {
		if (gone)
			l->cut_ns = 0;
		else
			interrupt(s, now);
	}
	if (l->speech_ends_ns && now >= l->speech_ends_ns) {
		l->speech_ends_ns = 0;
		send_stopped(s);
	}
	if (!l->next_ns || now < l->next_ns)
		return;
	if (answers_active(s) || l->cut_ns || l->speech_ends_ns || gone) {
		l->next_ns = now + answer_ns(); /* somebody asked for an answer in between */
		return;
	}
	l->next_ns += (uint64_t)(options.load_every_s * 1e9);
	settle_interruption(s);
	send_started(s);
	send_stopped(s);
	answers_start(s, NULL, now);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return b && b < a ? b : a;
}

uint64_t load_wake_ns(const struct session *s)
{
	return earlier(earlier(earlier(UINT64_MAX, s->load.cut_ns), s->load.speech_ends_ns), s->load.next_ns);
}
