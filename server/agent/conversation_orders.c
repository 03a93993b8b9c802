#include "server/agent/conversation_orders.h"

#include "audio/convert.h"
#include "common/clock.h"
#include "common/hist.h"
#include "common/log.h"
#include "server/agent/conversation_known.h"
#include "server/agent/conversation_model.h"
#include "server/agent/conversation_tools.h"
#include "server/agent/link/link_ids.h"
#include "server/agent/link/link_next.h"
#include "server/model/words.h"
#include "server/stats/stats.h"
#include "server/voice/voice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_AUDIO = 32 * 1024 }; /* of one message in to_caller */

/* ---------------------------------------------------------------------- to the model */

/* The id has the dialogue's own number, by which a refusal finds its request. */
static void ask(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	const struct model_protocol *protocol = con->link.current.protocol;
	const struct call_context *context = &con->call->context;
	char id[MODEL_REQUEST_ID_SIZE], phrase[WORDS_PHRASE_SIZE];
	const char *words = o->text;
	bool exact = o->exact;
	struct buf rest;

	(void)now;
	buf_init(&rest, 0);
	conversation_place_turn(con);
	model_request_id(MODEL_REQUEST_ANSWER, o->request, id);
	if (o->filler && !o->text[0])
		words = words_phrase(con->call->agent, PHRASE_ONE_MOMENT, phrase, &exact);
	if (o->rest && o->type == ORDER_ASK && !con->sessions.told_rest && conversation_said_some(con))
		conversation_tell_item(con, MODEL_REQUEST_PAST, MODEL_ROLE_NOTE, words_broke_off);
	con->sessions.told_rest &= !o->rest;
	if (o->rest) {
		words_put_rest(&rest, words);
		words = buf_text(&rest);
		exact = false;
	}
	if (o->type == ORDER_ASK)
		protocol->ask(&con->message, id);
	else if (o->type == ORDER_GREET)
		protocol->greet(&con->message, id, context->instructions, context->greeting,
		    con->call->agent->greeting_mode == GREETING_EXACT);
	else if (o->type == ORDER_SPEAK)
		protocol->say(&con->message, id, context->instructions, words, exact);
	else
		protocol->aside(&con->message, id, context->instructions, words, exact);
	buf_free(&rest);
	conversation_send(con);
}

/* If it cannot be cancelled, the rest of the answer comes, and is not played. */
static void cancel(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	(void)now;
	if (!con->link.current.protocol->can_cancel || !foreign_id_is_theirs(o->response))
		return;
	con->link.current.protocol->cancel(
	    &con->message, conversation_next_id(con, MODEL_REQUEST_CANCEL), link_ids_tell(&con->link, o->response));
	conversation_send(con);
}

static void listen_or_not(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	(void)now;
	con->link.current.protocol->turns(
	    &con->message, conversation_next_id(con, MODEL_REQUEST_CONFIGURE), con->call->agent, o->type == ORDER_DEAF);
	conversation_send(con);
}

static void tell_keys(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	struct turn *turn = conversation_turn(con, TURN_KEYS, "", now);
	char text[2 * DIGITS_MAX + 80];

	timeline_text(&con->timeline, turn, o->text, true);
	stat_add(turns_digits, 1);
	words_keys(text, sizeof text, o->text);
	conversation_tell_item(con, MODEL_REQUEST_KEYS, MODEL_ROLE_CALLER, text);
}

/* ----------------------------------------------------------------- to the caller loop */

/* The caller loop owns the phone, the ring's reading end and the count of what was heard.
 * So a cut is a position, up to which the ring is stale, and a number (serve_cuts). */
static void cut_playout(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	struct call *c = con->call;

	(void)o;
	stat_add(turns_interruptions, 1);
	atomic_fetch_add_explicit(&c->counters.cuts, 1, memory_order_relaxed);
	atomic_store_explicit(&c->cut_asked_us, now, memory_order_relaxed);
	atomic_store_explicit(&c->stale_to, ring_written(&c->to_caller), memory_order_relaxed);
	/* Release: a reader of the new count also sees the position. */
	atomic_fetch_add_explicit(&c->cuts_wanted, 1, memory_order_release);
	bell_ring(&c->caller_bell);
}

/* The model makes audio faster than it is played; an answer's tail that does not fit is dropped. */
static void queue(
    struct conversation *con, enum to_caller_type type, uint32_t no, const void *bytes, size_t len, int64_t now)
{
	struct call *c = con->call;
	struct to_audio head = { .no = no };

	for (size_t at = 0; at < len; at += RECORD_AUDIO) {
		size_t part = len - at < RECORD_AUDIO ? len - at : RECORD_AUDIO;

		if (con->audio.overflowed != no && ring_used(&c->to_caller) + part <= TO_CALLER_AUDIO_MAX &&
		    ring_put2(&c->to_caller, (uint8_t)type, &head, sizeof head, (const uint8_t *)bytes + at, part))
			continue;
		if (con->audio.overflowed != no)
			log_warn(c->tag, "an answer is too long to queue; its end is dropped");
		con->audio.overflowed = no;
		stat_add(audio_answer_dropped_ms, part / G711_BYTES_PER_MS);
		atomic_fetch_add_explicit(
		    &c->counters.answer_dropped_ms, part / G711_BYTES_PER_MS, memory_order_relaxed);
	}
	if (ring_wanted(&c->to_caller))
		bell_ring(&c->caller_bell);
	dialogue_received(&con->dialogue, no, con->link.current.protocol->text ? len * SPOKEN_BYTES : len, now);
}

static void queue_end(struct conversation *con, uint32_t no)
{
	ring_put(&con->call->to_caller, TO_ITEM_END, &no, sizeof no);
	if (ring_wanted(&con->call->to_caller))
		bell_ring(&con->call->caller_bell);
}

/* The turn's text is what the phone was given, to the byte: so a time is a place in it. */
static void play_text(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	const struct buf *words = &con->audio.decoded;
	struct turn *turn = timeline_find(&con->timeline, o->item);

	if (turn && words->len) {
		turn->sound = turn->by_bytes = true;
		timeline_text(&con->timeline, turn, buf_text(words), false);
	}
	queue(con, con->text.welcome ? TO_GREETED : TO_AUDIO, o->no, buf_text(words), words->len, now);
}

/* Plays the delta of the event that was just told (on_audio decoded it). */
static void play(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	const uint8_t *bytes = (const uint8_t *)con->audio.decoded.data;
	struct converter *converter = con->audio.converter;
	size_t len = con->audio.decoded.len;
	struct turn *turn;
	char *out;

	if (con->link.current.protocol->text) {
		play_text(con, o, now);
		return;
	}
	if (o->first && (turn = conversation_turn(con, TURN_AGENT, o->item, now)))
		turn->sound = true;
	if (o->first)
		conversation_answered(con);
	buf_reset(&con->audio.converted);
	if (!converter)
		queue(con, TO_AUDIO, o->no, bytes, len, now);
	else if ((out = buf_room(&con->audio.converted, converter_to_caller_max(converter, len))))
		queue(con, TO_AUDIO, o->no, out, converter_to_caller(converter, bytes, len, (uint8_t *)out), now);
}

/* For the record it is a turn like others, and for the model as well: the session that there is is told of it now, and
 * a later one with all that was said before it (replay.h). Of a cut one either knows what was heard. */
static void note_known(struct conversation *con, const struct dialogue_order *o, uint32_t ms, int64_t now)
{
	struct turn *turn = timeline_turn(&con->timeline, TURN_AGENT, o->item, conversation_at_ms(con, now));
	const char *words = conversation_known_words(con, o->known);

	timeline_text(&con->timeline, turn, words, true);
	if (turn) {
		turn->sound = true;
		turn->status = "completed";
		turn->generated_ms = ms;
	}
	if (!link_talks(&con->link))
		return;
	conversation_tell_item(con, MODEL_REQUEST_PAST, MODEL_ROLE_AGENT, words);
	if (turn) {
		turn->session = con->link.current.no;
		turn->known_as = con->requests_sent;
	}
}

static void play_known(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	const struct voice_line *line = con->known[o->known];

	stat_add(audio_known_lines, 1);
	stat_add(turns_instant, o->known == KNOWN_INSTANT);
	queue(con, TO_AUDIO, o->no, line->ulaw, line->bytes, now);
	queue_end(con, o->no);
	if (o->known != KNOWN_HOLD) /* which fills a wait, as a tone would */
		note_known(con, o, (uint32_t)(line->bytes / G711_BYTES_PER_MS), now);
}

static void pass_over(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	size_t len = con->audio.decoded.len;
	uint64_t ms = con->link.current.protocol->text ? len * SPOKEN_MS_PER_BYTE
						       : convert_bytes_to_ms(con->link.current.access->format, len);

	(void)o, (void)now;
	stat_add(audio_late_delta_ms, ms);
	atomic_fetch_add_explicit(&con->call->counters.late_delta_ms, ms, memory_order_relaxed);
}

/* ----------------------------------------------------------------------- for the record */

static void item_over(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	struct turn *turn = timeline_find(&con->timeline, o->item);

	(void)now;
	if (!turn)
		return;
	turn->status = o->text;
	/* One that was cut short had an end of its sound before, but not of its words. */
	if (strcmp(o->text, "completed") != 0 && strcmp(o->text, "cancelled") != 0)
		timeline_broke_off(&con->timeline, turn);
	timeline_settled(&con->timeline, turn);
	conversation_shorten(con, turn);
}

/* The converter's rest of the item comes first, then the mark of its end. */
static void item_made(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	uint8_t tail[CONVERT_TAIL_MAX];
	struct turn *turn;

	if (o->play) {
		if (con->audio.converter)
			queue(con, TO_AUDIO, o->no, tail, converter_finish_to_caller(con->audio.converter, tail), now);
		queue_end(con, o->no);
	} else if (con->audio.converter) {
		converter_reset_to_caller(con->audio.converter);
	}
	turn = timeline_find(&con->timeline, o->item);
	if (turn) {
		turn->generated_ms = dialogue_made_ms(&con->dialogue, o->no);
		turn->text_final |= con->link.current.protocol->text;
		if (o->over && strcmp(o->text, "completed") != 0)
			timeline_broke_off(&con->timeline, turn);
		timeline_settled(&con->timeline, turn);
	}
	if (o->over)
		item_over(con, o, now);
}

static void item_heard(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	struct turn *turn = timeline_find(&con->timeline, o->item);
	bool foreign = con->text.foreign.n && con->text.foreign_no == o->no;

	(void)now;
	if (turn) {
		turn->heard_known = true;
		turn->heard_ms = o->heard.heard_ms;
		turn->heard_confirmed = o->heard.confirmed;
		turn->interrupted = o->interrupted || foreign;
		turn->generated_ms = o->made_ms;
		if (foreign)
			timeline_heard_as(&con->timeline, turn, con->text.foreign.p, con->text.foreign.n);
		timeline_settled(&con->timeline, turn);
	}
	if (o->truncate_ms >= 0 || foreign)
		conversation_tell_heard(con, o->item, turn, o->truncate_ms);
}

/* The latency of an answer, from the end of what it answers to its first audio. */
static void note_latency(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	struct turn *turn = timeline_find(&con->timeline, o->item);

	(void)now;
	hist_add(&stats.answer_after_event, o->after_event_us);
	if (o->after_speech_us >= 0)
		hist_add(&stats.answer_after_speech, o->after_speech_us);
	if (!turn)
		return;
	turn->after_event_ms = o->after_event_us / US_PER_MS;
	turn->after_speech_ms = o->after_speech_us >= 0 ? o->after_speech_us / US_PER_MS : -1;
	timeline_settled(&con->timeline, turn);
}

/* ---------------------------------------------------------------------------- orders */

static void note(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	static const struct {
		const char *words;
		_Atomic uint64_t *counter;
	} notes[ORDER_COUNT] = {
		[ORDER_ANSWERED] = { NULL, &stats.turns_answers },
		[ORDER_RETRIED] = { NULL, &stats.model_retries },
		[ORDER_NO_ANSWER] = { "model: no answer came", NULL },
		[ORDER_SILENT] = { "model: an answer without sound; ", &stats.model_silent_answers },
		[ORDER_STOPPED] = { "model: an answer stopped in the middle", NULL },
		[ORDER_UNTOLD] = { "model: the end of an answer was not told", &stats.model_untold_ends },
		[ORDER_UNHEARD] = { "the last words were not heard to their end in time", NULL },
	};

	(void)now;
	if (notes[o->type].words)
		log_warn(con->call->tag, "%s%s", notes[o->type].words, o->text);
	if (o->type == ORDER_UNHEARD)
		atomic_store_explicit(&con->call->unheard, true, memory_order_relaxed);
	if (notes[o->type].counter)
		atomic_fetch_add_explicit(notes[o->type].counter, 1, memory_order_relaxed);
	if (o->type == ORDER_ANSWERED && link_talks(&con->link))
		link_proved(&con->link);
	if (o->type == ORDER_RESTED || o->type == ORDER_UNTOLD || o->type == ORDER_STOPPED)
		conversation_end_silent(con, o->type == ORDER_STOPPED ? "incomplete" : "completed");
}

void conversation_leave_unsaid(struct conversation *con, const struct dialogue_order *o, int64_t now_us)
{
	const char *reason = o ? "a transfer goes first" : "too much to say at once";

	(void)now_us;
	log_warn(con->call->tag, "told to say something: ignored; reason=%s", reason);
	stat_add(calls_orders_ignored, 1);
	call_tell(con->call, (struct journal_entry){ .kind = JOURNAL_NOTE,
				 .type = "operator.ignored",
				 .facts = (struct journal_fact[]){ { "reason", reason }, { 0 } } });
}

/* What nobody writes down is not told from music. */
void conversation_set_quiet(struct conversation *con, struct dialogue_rules *rules)
{
	const struct agent *p = con->call->agent;

	if (con->call->channel->requests)
		return;
	rules->reprompt_us = (int64_t)p->reprompt_seconds * US_PER_S;
	if (con->call->channel->text || p->transcription_model[0])
		rules->music_us = (int64_t)p->hold_music_seconds * US_PER_S;
	rules->still_there.text = words_phrase(p, PHRASE_STILL_THERE, con->still_there, &rules->still_there.exact);
	rules->parting.text = words_phrase(p, PHRASE_IDLE, con->parting, &rules->parting.exact);
}

static void note_quiet(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	(void)now;
	if (!o->no) {
		log_info(con->call->tag, "nothing is heard of the caller: goodbye");
		return;
	}
	stat_add(turns_still_there, 1);
	log_info(con->call->tag, "nothing is heard of the caller, who is asked; times=%u", (unsigned)o->no);
}

static void renew(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	(void)o;
	(void)now;
	log_warn(con->call->tag, "model: no answer can be had; another session is tried");
	conversation_model_failed(con, END_MODEL_FAILED);
}

/* The transfer is stored before the end: connect-action may ask for it at once. */
static void end(struct conversation *con, const struct dialogue_order *o, int64_t now)
{
	if (o->end == END_MODEL_FAILED)
		link_give_up(&con->link, o->end);
	if (o->end == END_TRANSFERRED)
		call_hand_over(
		    con->call, &con->hand_over, timeline_said(&con->timeline, FLEET_SAID_TURNS, FLEET_SAID_BYTES), now);
	if (o->said)
		atomic_store_explicit(&con->call->parted, true, memory_order_relaxed);
	call_end(con->call, o->end);
}

/* To add an order: a line in dialogue.h, who gives it, and a line here. */
static void (*const carry_out[ORDER_COUNT])(struct conversation *, const struct dialogue_order *, int64_t now_us) = {
	[ORDER_GREET] = ask,
	[ORDER_ASK] = ask,
	[ORDER_SPEAK] = ask,
	[ORDER_ASIDE] = ask,
	[ORDER_CANCEL] = cancel,
	[ORDER_LISTEN] = listen_or_not,
	[ORDER_DEAF] = listen_or_not,
	[ORDER_KEYS] = tell_keys,
	[ORDER_TOOL_RESULT] = conversation_tell_result,
	[ORDER_RENEW] = renew,
	[ORDER_CUT_PLAYOUT] = cut_playout,
	[ORDER_PLAY] = play,
	[ORDER_PLAY_KNOWN] = play_known,
	[ORDER_PASS_OVER] = pass_over,
	[ORDER_ITEM_MADE] = item_made,
	[ORDER_ITEM_OVER] = item_over,
	[ORDER_ITEM_HEARD] = item_heard,
	[ORDER_LATENCY] = note_latency,
	[ORDER_ANSWERED] = note,
	[ORDER_RETRIED] = note,
	[ORDER_NO_ANSWER] = note,
	[ORDER_SILENT] = note,
	[ORDER_STOPPED] = note,
	[ORDER_RESTED] = note,
	[ORDER_UNTOLD] = note,
	[ORDER_TOOL_LATE] = conversation_tool_late,
	[ORDER_CALLED_OFF] = conversation_called_off,
	[ORDER_UNSAID] = conversation_leave_unsaid,
	[ORDER_QUIET] = note_quiet,
	[ORDER_UNHEARD] = note,
	[ORDER_END] = end,
};

/* In the dialogue's order: an answer is stopped before its play-out is cut, and a result told before its
 * answer is asked for. No order may lead to another event in here: that would overwrite the list and its texts. */
static void carry_all_out(struct conversation *con, int64_t now)
{
	for (size_t i = 0; i < con->dialogue.order_count; i++)
		carry_out[con->dialogue.orders[i].type](con, &con->dialogue.orders[i], now);
}

bool conversation_tell(struct conversation *con, const struct dialogue_event *event, int64_t now_us)
{
	bool taken = dialogue_take(&con->dialogue, event, now_us);

	carry_all_out(con, now_us);
	return taken;
}

void conversation_do_due(struct conversation *con, int64_t now_us)
{
	while (dialogue_tick(&con->dialogue, now_us))
		carry_all_out(con, now_us);
}
