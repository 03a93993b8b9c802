#include "server/agent/dialogue/dialogue.h"

#include "audio/g711.h"
#include "common/clock.h"
#include "server/agent/dialogue/dialogue_asking.h"
#include "server/agent/dialogue/dialogue_away.h"
#include "server/agent/dialogue/dialogue_cues.h"
#include "server/agent/dialogue/dialogue_known.h"
#include "server/agent/dialogue/dialogue_quiet.h"
#include "server/agent/dialogue/dialogue_state.h"
#include "server/agent/dialogue/dialogue_tools.h"
#include "server/agent/dialogue/dialogue_utterances.h"
#include "server/agent/dialogue/dialogue_word.h"

#include <string.h>

/* The outer side of the machine: its start, the events about audio, the table of events and the table of due things.
 * The meaning of other events is decided one floor below: by the word (dialogue_word), by asking (dialogue_asking), by
 * tools (dialogue_tools), by the coming and going of sessions (dialogue_away), by what needs none of them
 * (dialogue_known), by a caller who says nothing (dialogue_quiet).
 * All of them see the whole state; only dialogue_utterances knows how its lists are kept.
 */
void dialogue_init(struct dialogue *d, const struct dialogue_rules *rules)
{
	memset(d, 0, sizeof *d);
	d->rules = *rules;
	/* The session itself is opened with protection, so no turn slips through. */
	d->ears = rules->protect_us && !rules->asks ? EARS_PROTECTING : EARS_LISTENING;
	d->protect_until_us = d->expected_us = NEVER_US;
}

void dialogue_free(struct dialogue *d)
{
	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		utterance_drop(&d->utterances[i]);
	utterance_free_ids(d);
}

uint32_t dialogue_made_ms(const struct dialogue *d, uint32_t no)
{
	const struct item *item = item_no((struct dialogue *)d, no);

	return item ? (uint32_t)(item->received / G711_BYTES_PER_MS) : 0;
}

/* --------------------------------------------------------------------- the caller loop */

/* The latency of an answer runs from the end of the caller's turn to the first audio on
 * the wire. It is told once: later items belong to the same answer. */
static bool on_first_audio(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	const struct item *item = item_no(d, e->no);
	struct dialogue_order *order;

	(void)now_us;
	if (known_is_hold(d, item))
		return true;
	if (d->ears == EARS_PROTECTING && !d->hears_until_us)
		d->protect_until_us = e->at_us + d->rules.protect_us;
	if (!d->stop_event_us)
		return true;
	order = dialogue_order(d, ORDER_LATENCY);
	order->item = item ? item_id(d, item) : "";
	order->after_event_us = e->at_us - d->stop_event_us;
	order->after_speech_us = d->stop_speech_us ? e->at_us - d->stop_speech_us : -1;
	d->stop_event_us = d->stop_speech_us = 0;
	return true;
}

static struct dialogue_order *note_heard(struct dialogue *d, struct item *item, const struct heard *heard)
{
	struct dialogue_order *order = dialogue_order(d, ORDER_ITEM_HEARD);

	item->over = true;
	order->item = item_id(d, item);
	order->no = item->no;
	order->heard = *heard;
	order->made_ms = (uint32_t)(item->received / G711_BYTES_PER_MS);
	return order;
}

/* An item that was heard to its end needs no truncation. It may have been the greeting. */
static bool on_heard(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct item *item = item_no(d, e->heard->no);
	const struct utterance *u;
	bool hold = known_is_hold(d, item);

	if (!hold)
		d->voice_us = now_us;
	if (!item || item->over)
		return true;
	note_heard(d, item, e->heard);
	if (hold)
		d->held_until_us = now_us;
	if (hold)
		return true;
	u = utterance_no(d, item->utterance);
	if (u && !u->aside && d->last_run < RUNS_MAX)
		d->mute_acts = 0;
	if (!items_unfinished(d))
		d->silent_from_us = now_us;
	if (d->ears == EARS_PROTECTING && !d->hears_until_us && !items_unfinished(d))
		word_end_protection(d, now_us);
	return true;
}

/* The phone knows better than our reckoning when it fell silent, unless more audio is on its way to it. */
static bool on_dry(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	const struct item *item = item_no(d, e->no);

	if (!item || item->over || item->no != d->last_item || item->received != e->count)
		return false;
	d->silent_from_us = now_us;
	return true;
}

/* The model is told how much was heard, or it would believe that it said the rest. */
static void cut_item(struct dialogue *d, struct item *item, const struct heard *heard)
{
	const struct utterance *u = item ? utterance_no(d, item->utterance) : NULL;
	struct dialogue_order *order;

	if (!item || item->over)
		return;
	order = note_heard(d, item, heard);
	order->truncate_ms = item_truncate_ms(item, heard->heard_ms);
	order->interrupted = order->truncate_ms >= 0;
	/* An aside is no part of the conversation that the model knows, and as little is what fills a wait. */
	if ((u && u->aside) || known_is_hold(d, item))
		order->truncate_ms = -1;
}

static bool on_cut(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	const struct heard unheard = { .confirmed = true };

	(void)now_us;
	for (uint32_t i = 0; i < e->count; i++)
		cut_item(d, item_no(d, e->heard[i].no), &e->heard[i]);
	/* Nothing was sent of the items behind them. If another cut is on its way, its
	 * own message will tell of those. */
	for (uint32_t i = 0; e->cut == d->cuts && i < ITEMS_MAX; i++) {
		struct item *item = item_at(d, i);

		if (item && item->no <= d->cut_upto)
			cut_item(d, item, &unheard);
	}
	return true;
}

/* The caller's words come later: without a voice before them, this is the first sign of him. */
static bool on_interrupted(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	word_spoke_up(d);
	/* First the rest of the answer is cut: the items told of are over after that. The phone waits for
	 * that, whether or not there is a rest. */
	if (!word_interrupt(d, true, now_us))
		word_cut_playout(d, now_us);
	return on_cut(d, e, now_us);
}

/* The phone has forgotten what it held, and what waits behind that is old. All of it is told here: the cut itself is
 * served only when there is a phone again. */
static bool on_caller_away(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct dialogue_event all = *e;

	if (d->caller)
		away_caller(d, e, now_us);
	d->caller = false;
	word_cut_playout(d, now_us);
	all.cut = d->cuts;
	return on_cut(d, &all, now_us);
}

/* The call is over: the rest of what was heard, for the record only. */
static bool on_caller_left(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	const struct heard unheard = { .confirmed = true };

	(void)now_us;
	for (uint32_t i = 0; i < e->count; i++) {
		struct item *item = item_no(d, e->heard[i].no);

		if (item && !item->over)
			note_heard(d, item, &e->heard[i]);
	}
	for (uint32_t i = 0; i < ITEMS_MAX; i++) {
		struct item *item = item_at(d, i);

		if (item && !item->over)
			note_heard(d, item, &unheard);
	}
	return true;
}

/* ---------------------------------------------------------------- what the agent says */

static bool on_began(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	bool asked = utterance_in(d, UTTERANCE_ASKED) != NULL;

	if (tools_aside_began(d, e, now_us) || !asking_began(d, e->response, now_us))
		return false;
	tools_talking(d, asked, now_us);
	return true;
}

/* Decides where a delta belongs. The loop has decoded it, plays it on ORDER_PLAY, and says
 * how much it was (dialogue_received): only queued audio counts as received. */
static bool on_audio(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct utterance *u = utterance_of_any(d, e->response, now_us);
	struct dialogue_order *order;
	struct item *item = NULL;

	utterance_sign(d, e, now_us);
	/* Late audio of an answer that was cut is not played. Nor is an item that begins
	 * after its response was over: nothing would mark its end. */
	if (!u->cut && !(item = item_named(d, e->item)) && u->state == UTTERANCE_MAKING)
		item = item_new(d, u->no, e->item);
	if (!item || item->over || item->complete) {
		dialogue_order(d, ORDER_PASS_OVER);
		return true;
	}
	if (e->count)
		tools_aside_yields(d, u, now_us);
	order = dialogue_order(d, ORDER_PLAY);
	order->no = item->no;
	order->item = item_id(d, item);
	order->first = !item->received;
	return true;
}

/* The beginning of a response that was heard is lost: it is the answer that was waited for all the
 * same, and its end may be lost, too. */
static void mind_beginning(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	const struct utterance *u = utterance_of(d, e->response);

	if (u && !d->active && u->state == UTTERANCE_MAKING && !u->begun && u->said && !u->cut)
		on_began(d, e, now_us);
}

/* Its sound has an end of its own; other parts have this one only. */
static bool on_part_over(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct item *item = item_named(d, e->item);

	mind_beginning(d, e, now_us);
	utterance_sign(d, e, now_us);
	if (item)
		item_complete(d, item, NULL);
	return item != NULL;
}

/* A response is over. First its audio is cut, if it must be. Then its items end, so that their ends are marked and their
 * turns know the status. Last comes what it means for the conversation. An unknown response decides nothing. */
static bool on_over(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct utterance *u = utterance_of(d, e->response);
	bool heard = u && u->said;

	d->voice_us = now_us;
	/* Its beginning is lost; this is the answer that was waited for all the same. */
	if (u && !u->begun && u->state == UTTERANCE_MAKING) {
		on_began(d, e, now_us);
		u = utterance_of(d, e->response);
	}
	if (u) {
		if (u->no == d->untold)
			d->untold = 0;
		/* The model stopped it because the caller spoke, but it began after we
		 * were told of the speech: its queued audio is stale all the same. */
		if (e->turn_detected && !d->rules.asks && !u->cut && items_unfinished_of(d, u->no))
			word_interrupt(d, false, now_us);
		/* Nor does a late refusal of ours bring back what he has talked over. */
		if (e->turn_detected && !utterance_is_cue(u))
			u->request = 0;
		items_complete(d, u, e->text ? e->text : "");
		asking_over(d, u, e->failed, e->claims, now_us);
	}
	/* A greeting that failed, or had no sound, protects nothing. */
	if (d->ears == EARS_PROTECTING && (e->failed || (u && e->claims && !heard)) && !d->over)
		word_end_protection(d, now_us);
	return u != NULL;
}

static bool on_turn(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	bool alone = dialogue_listens(d);

	return word_turn(d, e, now_us) && known_await(d, alone, now_us);
}

static bool on_say(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	(void)now_us;
	return cue_add(d, UTTERANCE_SAY, e->text, e->exact, false);
}

static dialogue_handler *const handlers[EVENT_COUNT] = {
	[EVENT_MODEL_READY] = away_ends,
	[EVENT_MODEL_AWAY] = away_begins,
	[EVENT_GONE] = known_gone,
	[EVENT_CONFIGURED] = away_configured,
	[EVENT_CALLER_THERE] = away_caller_there,
	[EVENT_CALLER_AWAY] = on_caller_away,
	[EVENT_FIRST_AUDIO] = on_first_audio,
	[EVENT_HEARD] = on_heard,
	[EVENT_DRY] = on_dry,
	[EVENT_CUT] = on_cut,
	[EVENT_INTERRUPTED] = on_interrupted,
	[EVENT_CALLER_LEFT] = on_caller_left,
	[EVENT_WAITED] = known_waited,
	[EVENT_KEY] = word_key,
	[EVENT_CALLER_BEGAN] = word_caller_began,
	[EVENT_CALLER_ENDED] = word_caller_ended,
	[EVENT_TURN] = on_turn,
	[EVENT_PLACED] = word_placed,
	[EVENT_WRITTEN] = quiet_written,
	[EVENT_BEGAN] = on_began,
	[EVENT_SIGN] = utterance_sign,
	[EVENT_AUDIO] = on_audio,
	[EVENT_PART] = utterance_sign,
	[EVENT_PART_OVER] = on_part_over,
	[EVENT_OVER] = on_over,
	[EVENT_REFUSED] = asking_refused,
	[EVENT_TOOL_CALLED] = tools_called,
	[EVENT_TOOL_ANSWERED] = tools_answered,
	[EVENT_TOOL_ENDS] = word_tool_ends,
	[EVENT_TOLD] = tools_told,
	[EVENT_SAY] = on_say,
	[EVENT_GOODBYE] = word_goodbye,
	[EVENT_MACHINE] = word_machine,
};

bool dialogue_take(struct dialogue *d, const struct dialogue_event *event, int64_t now_us)
{
	struct dialogue_event whole = *event;

	whole.response = event->response ? event->response : "";
	whole.item = event->item ? event->item : "";
	d->order_count = 0;
	quiet_mind(d, event->type, now_us);
	return handlers[event->type](d, &whole, now_us);
}

/* The phone plays it after all that was queued before. Nothing to hear ends no silence. */
void dialogue_received(struct dialogue *d, uint32_t no, size_t bytes, int64_t now_us)
{
	struct item *item = item_no(d, no);
	struct utterance *u = item ? utterance_no(d, item->utterance) : NULL;
	int64_t *until_us;

	if (!item || !bytes)
		return;
	item->received += bytes;
	if (u) {
		u->said = true;
		u->goes_on = false;
	}
	until_us = known_is_hold(d, item) ? &d->held_until_us : &d->silent_from_us;
	*until_us =
	    later(later(d->silent_from_us, d->held_until_us), now_us) + (int64_t)bytes * US_PER_MS / G711_BYTES_PER_MS;
}

/* --------------------------------------------------------------------- by the clock */

static int64_t greeting_us(struct dialogue *d)
{
	return d->caller && !d->greeted && (d->model || known_greets(d)) ? 0 : NEVER_US;
}

/* Once, when both sides are there; a known one needs no model. A greeting that is not heard
 * within the caller's patience protects nothing. */
static void greet(struct dialogue *d, int64_t now_us)
{
	d->greeted = true;
	d->protect_until_us = now_us + d->rules.slow_us;
	if (known_greets(d))
		known_say(d, KNOWN_GREETING, now_us);
	else if (d->rules.recalled || d->rules.greets)
		asking_want(d, d->rules.recalled ? UTTERANCE_ANSWER : UTTERANCE_GREETING, now_us);
}

/* A thing that is done by the clock. `at_us` gives its time in the present state, or
 * NEVER_US if it waits for an event. `act` does it, and thereby changes that time. */
struct due {
	dialogue_time *at_us;
	dialogue_act *act;
};

/* In the order in which things that are due together are done. */
static const struct due dues[] = {
	{ word_message_us, word_leave_message },
	{ word_deaf_us, word_go_deaf },
	/* Before any request: nothing is said after a farewell. */
	{ word_made_us, word_is_made },
	/* The greeting before keys that were pressed while the model was away. */
	{ greeting_us, greet },
	{ asking_cue_us, asking_say_cue },
	{ asking_answer_us, asking_answer },
	{ tools_aside_us, tools_say_aside },
	{ asking_quiet_us, asking_went_quiet },
	{ asking_begin_us, asking_never_began },
	{ word_digits_us, word_finish_digits },
	{ word_protection_us, word_end_protection },
	{ word_idle_us, word_end_idle },
	{ quiet_us, quiet_ask },
	{ quiet_music_us, quiet_ask_over_music },
	{ tools_overdue_us, tools_give_up },
	{ tools_result_us, tools_tell_result },
	{ tools_told_us, tools_want_answer },
	{ tools_filler_us, tools_say_filler },
	{ word_over_us, word_end },
};

enum { DUES = sizeof dues / sizeof dues[0] };

/* Does one thing, beginning at the place of the last one. Its consequences further down come in the same round, those
 * further up in the next. A round with nothing to do is the last. */
bool dialogue_tick(struct dialogue *d, int64_t now_us)
{
	d->order_count = 0;
	for (size_t i = 0; i < DUES && !d->over; i++) {
		if (now_us >= dues[d->walk].at_us(d)) {
			dues[d->walk].act(d, now_us);
			return true;
		}
		d->walk = (d->walk + 1) % DUES;
	}
	d->walk = 0;
	return false;
}

int64_t dialogue_due_us(const struct dialogue *d)
{
	int64_t due = NEVER_US;

	for (size_t i = 0; i < DUES && !d->over; i++) {
		int64_t at = dues[i].at_us((struct dialogue *)d);

		if (at < due)
			due = at;
	}
	return due;
}
