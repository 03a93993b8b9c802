#include "server/caller/playout.h"

#include "audio/g711.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/ws_frame.h"
#include "server/recording/recorder.h"
#include "server/phone/channel.h"
#include "server/stats/stats.h"

#include <string.h>

enum {
	SLACK_US = 40 * US_PER_MS, /* of the lead may melt before the clock wakes us; frames usually do */
	TEXT_UNSENT = 256 * 1024,  /* a phone that takes no more has its words a little later */
	ACCOUNT_MAX = 8 * 1024     /* bytes of the phone's account that the agent loop gets */
};

void playout_init(struct playout *p, struct call *c, struct buf *out)
{
	memset(p, 0, sizeof *p);
	p->call = c;
	p->out = out;
	buf_init(&p->message, 0);
	ledger_init(&p->ledger, 0,
	    c->channel->marks   ? LEDGER_BY_MARKS
	    : c->channel->audio ? LEDGER_BY_CLOCK
				: LEDGER_BY_ACCOUNT);
	speech_init(&p->speech, c->channel, &c->stream, &p->ledger);
}

void playout_start(struct playout *p)
{
	p->started = true;
}

/* The agent loop's bell is rung each time: these are rare, and it acts on each. */
static void tell(struct call *c, enum from_caller_type type, const void *body, size_t len)
{
	if (!ring_put(&c->from_caller, (uint8_t)type, body, len))
		log_error(c->tag, "from_caller is full"); /* sized so that it never is */
	bell_ring(&c->agent_bell);
}

/* What is in p->message becomes a frame, if there is a socket. An error goes to the outgoing buffer, where the
 * caller loop ends the call by it. */
static void send_message(struct playout *p)
{
	if (buf_error(&p->message))
		p->out->err = buf_error(&p->message);
	if (!p->message.len)
		return;
	if (p->call->channel->requests)
		buf_put(p->out, buf_text(&p->message), p->message.len);
	else
		ws_put_frame(p->out, WS_TEXT, buf_text(&p->message), p->message.len, NULL);
	buf_reset(&p->message);
}

static void send_mark_if_due(struct playout *p)
{
	uint32_t seq = ledger_mark(&p->ledger);
	char name[LEDGER_NAME_SIZE];

	if (!seq)
		return;
	ledger_name(&p->ledger, seq, name);
	p->call->channel->put_mark(&p->call->stream, &p->message, name);
	send_message(p);
}

/* Nothing of what the phone holds will be heard: fills in what was. Marks are of
 * the given generation from now on. */
static void take_back(struct playout *p, uint32_t generation, struct from_cut *cut, int64_t now)
{
	if (p->recording)
		recording_cut(p->recording, ledger_heard(&p->ledger, now), now);
	cut->count = (uint32_t)ledger_cut(&p->ledger, generation, now, cut->items, LEDGER_ITEMS);
}

/* How much of the answer was skipped, in ms. A change of the language holds for what follows, too; and so do keys for a phone
 * that asks, which has the caller's words by then. */
static uint64_t skip_stale(struct playout *p, uint64_t stale_to, int64_t now)
{
	struct call *c = p->call;
	struct ring_message r;
	uint64_t skipped = 0;

	while (ring_next(&c->to_caller, &r) && r.at < stale_to) {
		if (r.type == TO_AUDIO)
			skipped += r.len - sizeof(struct to_audio) - p->offset;
		else if (r.type == TO_LANGUAGE || (r.type == TO_KEYS && c->channel->requests))
			speech_send(&p->speech, &r, &p->message, now);
		send_message(p);
		p->offset = 0;
		ring_pop(&c->to_caller);
	}
	return c->channel->audio ? skipped / G711_BYTES_PER_MS : skipped * SPOKEN_MS_PER_BYTE;
}

static void clear(struct playout *p, uint32_t generation, struct from_cut *cut, int64_t now)
{
	struct call *c = p->call;
	bool playing = ledger_playing(&p->ledger);

	take_back(p, generation, cut, now);
	if (hold_stop(&p->hold, c, p->out, p->recording, now) || !playing)
		return;
	c->channel->put_clear(&c->stream, &p->message);
	send_message(p);
	hist_add(&stats.interruption_to_clear,
	    clock_now_us() - atomic_load_explicit(&c->cut_asked_us, memory_order_relaxed));
}

/* Text cannot be taken back: unless the phone stopped by itself before, it speaks on. */
static void let_play(struct playout *p, uint32_t generation, struct from_cut *cut)
{
	cut->count = (uint32_t)ledger_let_play(&p->ledger, generation, cut->items, LEDGER_ITEMS);
	speech_finish(&p->speech, &p->message);
	send_message(p);
}

/* The reader's half of an interruption. Everything queued before stale_to is
 * old; what the phone still holds is dropped by `clear`; and what the caller
 * heard up to here is known here and now, nowhere else. */
static void serve_cuts(struct playout *p, int64_t now)
{
	struct call *c = p->call;
	/* Acquire: pairs with the agent loop's release; we see how far is stale. */
	uint32_t wanted = atomic_load_explicit(&c->cuts_wanted, memory_order_acquire);
	uint64_t stale_to = atomic_load_explicit(&c->stale_to, memory_order_relaxed);
	struct from_cut cut = { .cut = wanted };
	uint64_t skipped_ms;

	if (wanted == p->cuts_served)
		return;
	skipped_ms = skip_stale(p, stale_to, now);
	if (c->channel->audio)
		clear(p, wanted, &cut, now);
	else
		let_play(p, wanted, &cut);
	p->cuts_served = wanted;
	p->held = p->held && wanted == p->held_at;
	stat_add(audio_stale_ms, skipped_ms);
	atomic_fetch_add_explicit(&c->counters.stale_ms, skipped_ms, memory_order_relaxed);
	tell(c, FROM_CUT, &cut, sizeof cut);
}

/* The agent loop measures by it how long the caller waited, and its protection of
 * a greeting begins with it. */
static void tell_first_audio(struct playout *p, uint32_t no, int64_t now)
{
	struct from_first_audio first = { .no = no, .sent_us = now };

	p->first_told = no;
	tell(p->call, FROM_FIRST_AUDIO, &first, sizeof first);
	if (!p->any_audio)
		hist_add(&stats.stream_to_first_audio,
		    now - atomic_load_explicit(&p->call->started_us, memory_order_relaxed));
	p->any_audio = true;
}

static int64_t lead_us(const struct playout *p)
{
	return (int64_t)p->call->cfg->playout_lead_ms * US_PER_MS;
}

/* Sends a piece of the audio record in hand. True when it is used up. */
static bool play_piece(struct playout *p, const struct ring_message *r, size_t piece, int64_t now)
{
	struct call *c = p->call;
	struct to_audio head;
	const uint8_t *audio = (const uint8_t *)r->body + sizeof head;
	size_t left = r->len - sizeof head - p->offset;

	memcpy(&head, r->body, sizeof head);
	if (piece > left)
		piece = left;
	hold_stop(&p->hold, c, p->out, p->recording, now);
	if (head.no > p->first_told)
		tell_first_audio(p, head.no, now);
	if (p->recording)
		recording_sent(
		    p->recording, p->ledger.sent, audio + p->offset, piece, ledger_lead_us(&p->ledger, now) == 0, now);
	if (ledger_sent(&p->ledger, head.no, piece, now)) {
		stat_add(audio_underruns, 1);
		atomic_fetch_add_explicit(&c->counters.underruns, 1, memory_order_relaxed);
	}
	c->channel->put_audio(&c->stream, &p->message, audio + p->offset, piece);
	send_message(p);
	stat_add(audio_frames_out, 1);
	atomic_fetch_add_explicit(&c->counters.frames_out, 1, memory_order_relaxed);
	p->offset += piece;
	p->dry_told = false;
	return piece == left;
}

/* Text has no lead that would bound what is on its way. The loop turns again when the socket takes more. */
static bool is_full(const struct playout *p)
{
	return !p->call->channel->audio && p->out->len > TEXT_UNSENT;
}

/* Sends a message of to_caller to a phone that speaks by itself. */
static void send_words(struct playout *p, const struct ring_message *r, int64_t now)
{
	struct to_audio head;

	if (r->type == TO_AUDIO || r->type == TO_GREETED) {
		memcpy(&head, r->body, sizeof head);
		if (head.no > p->first_told)
			tell_first_audio(p, head.no, now);
		p->dry_told = false;
	}
	speech_send(&p->speech, r, &p->message, now);
	send_message(p);
}

/* Sends what is in to_caller until the phone is ahead of the ear by the lead. The
 * rest stays in the ring, which is what makes a cut instant: what is not sent
 * need not be taken back.
 *
 * An item's end is taken even when the lead is full, since it costs no time. A
 * mark is asked for after every step, because a piece and an end can both make
 * one due. Before we rest, ring_sleep has the last look. */
static void play_due(struct playout *p, int64_t now)
{
	struct call *c = p->call;
	struct ring_message r;
	size_t room;
	uint32_t no;

	for (;;) {
		/* Before every frame: what is next may have become stale. */
		serve_cuts(p, now);
		if (p->held || is_full(p)) {
			p->resting = false;
			return;
		}
		if (!ring_next(&c->to_caller, &r)) {
			/* False: something came while we were about to rest. */
			p->resting = ring_sleep(&c->to_caller);
			if (p->resting)
				return;
			continue;
		}
		p->resting = false;
		if (!c->channel->audio) {
			send_words(p, &r, now);
			ring_pop(&c->to_caller);
			continue;
		}
		if (r.type == TO_ITEM_END) {
			memcpy(&no, r.body, sizeof no);
			ledger_ended(&p->ledger, no);
			ring_pop(&c->to_caller);
		} else if (!(room = ledger_room(&p->ledger, lead_us(p), now))) {
			return;
		} else if (play_piece(p, &r, room, now)) {
			p->offset = 0;
			ring_pop(&c->to_caller);
		}
		send_mark_if_due(p);
	}
}

/* Items leave the ledger in their order, so the agent loop hears of them in it. */
static void tell_finished(struct playout *p, int64_t now)
{
	struct heard heard;

	while (ledger_finished(&p->ledger, now, &heard)) {
		if (!heard.confirmed && p->call->channel->marks)
			stat_add(turns_marks_unconfirmed, 1);
		tell(p->call, FROM_HEARD, &heard, sizeof heard);
	}
}

static int64_t dry_us(const struct playout *p)
{
	return p->resting && !p->dry_told ? ledger_dry_us(&p->ledger) : NEVER_US;
}

/* The caller hears nothing from here on, in the middle of an answer. The agent loop, which
 * may have queued more by now, compares the bytes. */
static void tell_dry(struct playout *p, int64_t now)
{
	const struct ledger_item *item;
	struct from_dry dry;

	if (now < dry_us(p))
		return;
	item = &p->ledger.items[p->ledger.item_count - 1];
	dry = (struct from_dry){ .no = item->no, .bytes = (uint32_t)(item->end - item->begin) };
	p->dry_told = true;
	tell(p->call, FROM_DRY, &dry, sizeof dry);
}

/* Nothing is queued, the phone has played what it had, and the caller waits. A phone that asks what is next
 * is told to wait in answer to that (gather.c). */
static int64_t hold_us(const struct playout *p)
{
	bool may_sound = p->started && p->resting && !p->held && !p->call->channel->requests;
	bool said = ledger_playing(&p->ledger) && !speech_held_last(&p->speech); /* our own words are timed by hold */
	int64_t silent = said ? ledger_dry_us(&p->ledger) : 0;

	return may_sound ? later(hold_due_us(&p->hold, p->call), silent) : NEVER_US;
}

void playout_run(struct playout *p, int64_t now_us)
{
	if (!p->started)
		return;
	play_due(p, now_us);
	speech_run(&p->speech, now_us);
	tell_finished(p, now_us);
	tell_dry(p, now_us);
	if (now_us < hold_us(p))
		return;
	if (p->call->channel->audio) {
		hold_sound(&p->hold, p->call, p->out, p->recording, now_us);
		return;
	}
	hold_say(&p->hold, p->call, &p->speech, &p->message, now_us);
	send_message(p);
}

void playout_echo(struct playout *p, struct span name, int64_t now_us)
{
	uint32_t generation, seq;

	/* One that is not ours, or of an older generation, proves nothing. */
	if (ledger_named(&name, &generation, &seq) && ledger_echo(&p->ledger, generation, seq, now_us) && p->recording)
		recording_echo(p->recording, p->ledger.proven, now_us);
}

static void note_unmatched(struct playout *p)
{
	stat_add(relay_unmatched, 1);
	if (!p->unmatched_told)
		log_info(p->call->tag, "the phone has spoken words that are not ours, by its account");
	p->unmatched_told = true;
}

/* An account that is not of our words is the agent loop's to use: not more of it than was sent. */
static void stopped_by_account(struct playout *p, const char *text, size_t len, int64_t spoken_ms, int64_t now)
{
	struct from_cut cut = { .cut = p->cuts_served };
	size_t most = speech_unfinished(&p->speech), told = 0;
	bool matched;
	uint64_t at;

	matched = speech_interrupted(&p->speech, text, len, spoken_ms, now, &at);
	if (!matched && text) {
		told = utf8_whole(text, len, most < ACCOUNT_MAX ? most : ACCOUNT_MAX);
		note_unmatched(p);
	}
	cut.count = (uint32_t)ledger_cut_at(&p->ledger, p->cuts_served, at, now, cut.items, LEDGER_ITEMS);
	for (uint32_t i = 0; i < cut.count; i++)
		cut.items[i].confirmed = matched;
	if (!ring_put2(&p->call->from_caller, FROM_INTERRUPTED, &cut, sizeof cut, text, told))
		log_error(p->call->tag, "from_caller is full");
	bell_ring(&p->call->agent_bell);
}

/* Until the next cut: what is queued may be stale. */
static void hold_back(struct playout *p)
{
	p->held = true;
	p->held_at = atomic_load_explicit(&p->call->cuts_wanted, memory_order_relaxed);
}

/* The phone has lost what it held. */
static void stop_short(struct playout *p, enum from_caller_type news, int64_t now)
{
	struct from_cut cut = { .cut = p->cuts_served };

	hold_stop(&p->hold, p->call, p->out, p->recording, now);
	take_back(p, p->cuts_served, &cut, now);
	tell(p->call, news, &cut, sizeof cut);
}

void playout_interrupted(struct playout *p, const char *text, size_t len, int64_t spoken_ms, int64_t now_us)
{
	if (p->held)
		return;
	hold_back(p);
	if (p->call->channel->audio)
		stop_short(p, FROM_INTERRUPTED, now_us);
	else
		stopped_by_account(p, text, len, spoken_ms, now_us);
}

void playout_spoken(struct playout *p, const char *text, size_t len, int64_t now_us)
{
	if (!speech_played(&p->speech, text, len, now_us))
		note_unmatched(p);
}

void playout_quiet(struct playout *p, int64_t now_us)
{
	speech_quiet(&p->speech, now_us);
}

int64_t playout_deadline_us(const struct playout *p)
{
	/* Our own deadline comes a little late on purpose. A caller's frame arrives every
	 * 20 ms and wakes the loop anyway: one wake-up serves both, and only when frames
	 * stop does the clock take over. */
	int64_t room_us = ledger_room_us(&p->ledger, lead_us(p)) + earlier(lead_us(p) / 2, SLACK_US);
	int64_t due = p->started ? earlier(ledger_deadline_us(&p->ledger), dry_us(p)) : NEVER_US;

	/* With text nothing waits for its time, and a cut rings. */
	if (!p->call->channel->audio)
		return earlier(due, earlier(hold_us(p), speech_deadline_us(&p->speech)));
	if (p->started && !p->resting && !p->held)
		due = earlier(due, room_us);
	return earlier(due, hold_us(p));
}

void playout_park(struct playout *p, int64_t now_us)
{
	hold_back(p);
	stop_short(p, FROM_PARKED, now_us);
	p->started = false;
}

void playout_again(struct playout *p, struct buf *out)
{
	p->out = out;
	p->resting = false;
	speech_init(&p->speech, p->call->channel, &p->call->stream, &p->ledger);
}

void playout_leave(struct playout *p, int64_t now_us)
{
	struct from_cut left = { 0 };

	hold_stop(&p->hold, p->call, p->out, p->recording, now_us);
	/* A generation that no mark of ours has: echoes still on their way prove nothing. */
	take_back(p, p->cuts_served + 1, &left, now_us);
	tell(p->call, FROM_LEFT, &left, sizeof left);
	speech_close(&p->speech);
	buf_free(&p->message);
}
