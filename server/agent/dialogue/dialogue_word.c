#include "server/agent/dialogue/dialogue_word.h"

#include "common/clock.h"
#include "server/agent/dialogue/dialogue_asking.h"
#include "server/agent/dialogue/dialogue_tools.h"
#include "server/agent/dialogue/dialogue_cues.h"
#include "server/agent/dialogue/dialogue_known.h"
#include "server/agent/dialogue/dialogue_utterances.h"

/* ------------------------------------------------------------------------- the word */

void word_cut_playout(struct dialogue *d, int64_t now_us)
{
	d->cut_upto = d->last_item;
	d->silent_from_us = earlier(d->silent_from_us, now_us);
	d->held_until_us = earlier(d->held_until_us, now_us);
	dialogue_order(d, ORDER_CUT_PLAYOUT)->cut = ++d->cuts;
}

/* The caller may take the word at any time, with three exceptions: a protected greeting,
 * firm last words, and an agent that is not interruptible by voice. A key interrupts all
 * of these but the last words.
 *
 * Without a response under way or audio in the queue there is nothing to cut. */
bool word_interrupt(struct dialogue *d, bool cancel, int64_t now_us)
{
	bool making = asking_busy(d);
	struct utterance *active = utterance_no(d, d->active);

	asking_cut(d, cancel, now_us);
	if (!making && !items_unfinished(d))
		return false;
	for (size_t i = 0; i < ITEMS_MAX; i++) {
		struct utterance *u = d->items[i].over ? NULL : utterance_no(d, d->items[i].utterance);

		if (u)
			u->cut = true;
	}
	if (active && cancel)
		dialogue_order(d, ORDER_CANCEL)->response = utterance_response(d, active);
	word_cut_playout(d, now_us);
	return true;
}

static bool may_stop(const struct utterance *u, bool all)
{
	bool pointless = !utterance_is_cue(u) || u->kind == UTTERANCE_STILL_THERE;

	return !u->cut && (all || (!u->said && pointless));
}

/* With rules.asks: stops every answer, or question whether he is there, that is asked for or made and of which
 * nothing has come. With
 * `all` it stops the others, too, and nobody is owed one; a cue that did not begin goes back to its
 * place. The aside of an answer that is stopped has nothing to wait for. */
static void stop_responses(struct dialogue *d, bool all, int64_t now_us)
{
	struct utterance *asked = utterance_in(d, UTTERANCE_ASKED), *active = utterance_no(d, d->active);

	if (asked && may_stop(asked, all))
		asked->cut = asked->cancel = true;
	/* The service may still go on after a tool of its own; we do not wait for that. */
	utterance_drop(utterance_in(d, UTTERANCE_EXPECTED));
	if (!asked)
		d->expected_us = NEVER_US;
	if (all)
		utterance_drop(utterance_wanted(d));
	if (!active || !may_stop(active, all))
		return;
	tools_aside_yields(d, active, now_us);
	asking_stop(d, active, now_us);
}

void word_end_protection(struct dialogue *d, int64_t now_us)
{
	d->ears = EARS_RESTORING;
	d->hears_until_us = 0;
	dialogue_order(d, ORDER_LISTEN);
	/* A caller who is speaking over the greeting interrupts it now. */
	if (d->speaking && d->rules.interruptible)
		word_interrupt(d, true, now_us);
	if (d->turn_waiting)
		asking_want(d, UTTERANCE_ANSWER, now_us);
	d->turn_waiting = false;
}

/* ---------------------------------------------------------------------- the farewell */

static bool firm(const struct dialogue *d)
{
	return d->farewell.state && d->farewell.firm;
}

/* Of two farewells the firm one wins, else the first; but a limit of ours does not keep
 * a caller from the person who was promised. False: it was not taken. */
static bool begin_farewell(struct dialogue *d, enum call_end end, bool is_firm, int64_t now_us)
{
	bool transfer = d->farewell.end == END_TRANSFERRED && (end == END_TIME_LIMIT || end == END_COST_LIMIT);

	if (d->over || (d->farewell.state && (d->farewell.firm || !is_firm || transfer)))
		return false;
	d->farewell = (struct farewell){
		.state = FAREWELL_SAYING, .end = end, .firm = is_firm, .deadline_us = now_us + FAREWELL_WORDS_US
	};
	return true;
}

/* By voice or by key: what tools the model calls from here on is for what the caller says, and a farewell that is not
 * firm is called off. The tool behind it counts as answered, with a result that says so. */
void word_spoke_up(struct dialogue *d)
{
	d->mute_acts = 0;
	if (!d->farewell.state || d->farewell.firm)
		return;
	d->farewell.state = FAREWELL_NONE;
	cue_drop(d, UTTERANCE_GOODBYE);
	tools_last(d, d->farewell.run, false);
	tools_settle(d, d->farewell.run);
	dialogue_order(d, ORDER_CALLED_OFF)->run = d->farewell.run;
}

/* Words that come from outside (a goodbye, a message) are a cue. */
static void last_words(struct dialogue *d, const char *text, bool exact, bool is_firm)
{
	cue_drop(d, UTTERANCE_GOODBYE);
	/* Nobody is left to hear what else was to be said. */
	for (unsigned n = d->farewell.end == END_TRANSFERRED ? cue_drop(d, UTTERANCE_SAY) : 0; n; n--)
		dialogue_order(d, ORDER_UNSAID);
	/* Without a caller or memory for them the call ends without words. */
	if (d->caller && cue_add(d, UTTERANCE_GOODBYE, text, exact, is_firm) && is_firm)
		word_deafen(d);
}

bool word_goodbye(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	if (!begin_farewell(d, e->end, e->firm, now_us))
		return false;
	if (d->model || !known_part(d, e->known, e->end, e->firm, now_us))
		last_words(d, e->text, e->exact, e->firm);
	return true;
}

/* The model has called end_call or transfer_call, usually with its goodbye in the same
 * response: those are the words. A caller who speaks at this moment wins. */
bool word_tool_ends(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	if (!begin_farewell(d, e->end, false, now_us))
		return false;
	d->farewell.words = utterance_of_any(d, e->response, now_us)->no;
	d->farewell.run = e->run;
	tools_last(d, e->run, true);
	if (d->speaking)
		word_spoke_up(d);
	return true;
}

int64_t word_made_us(struct dialogue *d)
{
	const struct farewell *f = &d->farewell;

	if (f->state != FAREWELL_SAYING)
		return NEVER_US;
	/* A goodbye is made when its cue is gone: said, or given up. */
	return (f->words ? utterance_made(d, f->words) : !cue_has(d, UTTERANCE_GOODBYE)) ? 0 : NEVER_US;
}

/* From here on nothing is asked for. The wait is bounded by the audio in the queue. */
void word_is_made(struct dialogue *d, int64_t now_us)
{
	int64_t longest = items_left_ms(d) * US_PER_MS + FAREWELL_MARGIN_US;

	d->farewell.state = FAREWELL_HEARING;
	d->farewell.deadline_us = now_us + (longest < FAREWELL_LONGEST_US ? longest : FAREWELL_LONGEST_US);
}

int64_t word_over_us(struct dialogue *d)
{
	if (!d->farewell.state)
		return NEVER_US;
	if (d->farewell.state == FAREWELL_HEARING && !items_unfinished(d) && (d->farewell.known || !tools_running(d)))
		return 0;
	return d->farewell.deadline_us;
}

/* The first reason stands; after this the machine does nothing more. */
void word_end(struct dialogue *d, int64_t now_us)
{
	struct dialogue_order *order;

	if (now_us >= d->farewell.deadline_us)
		dialogue_order(d, ORDER_UNHEARD);
	d->over = true;
	order = dialogue_order(d, ORDER_END);
	order->end = d->farewell.end;
	order->said = d->farewell.said && now_us < d->farewell.deadline_us;
}

int64_t word_message_us(struct dialogue *d)
{
	return d->machine && d->model && d->caller ? 0 : NEVER_US;
}

/* The machine has spoken its greeting, and records. The message interrupts every other
 * utterance, the greeting of ours included; or, if the phone cannot be interrupted, it is said next. */
void word_leave_message(struct dialogue *d, int64_t now_us)
{
	const char *message = d->machine;

	d->machine = NULL;
	if (!begin_farewell(d, END_MESSAGE_LEFT, true, now_us))
		return;
	d->greeted = true;
	if (d->rules.asks)
		stop_responses(d, true, now_us);
	else
		word_interrupt(d, true, now_us);
	cue_drop(d, UTTERANCE_FILLER);
	last_words(d, message, d->machine_exact, true);
}

/* -------------------------------------------------------------------------------- keys */

int64_t word_digits_us(struct dialogue *d)
{
	/* Keys wait for a model. */
	return d->model && d->digit_count ? d->digits_due_us : NEVER_US;
}

/* All that the caller said since the last answer gets one. */
static void want_answer(struct dialogue *d, int64_t now_us)
{
	if (d->rules.asks)
		stop_responses(d, false, now_us);
	asking_want(d, UTTERANCE_ANSWER, now_us);
}

void word_finish_digits(struct dialogue *d, int64_t now_us)
{
	d->digits[d->digit_count] = '\0';
	d->digit_count = 0;
	dialogue_order(d, ORDER_KEYS)->text = d->digits;
	want_answer(d, now_us);
}

/* Keys are gathered into a group, so that a number is told to the model as one. "#" ends
 * a group and is no part of it, except alone. */
bool word_key(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	d->voice_us = now_us;
	if (firm(d))
		return false;
	word_spoke_up(d);
	if (d->ears == EARS_PROTECTING)
		word_end_protection(d, now_us);
	/* The model hears no keys, so it does not stop by itself. */
	if (!d->rules.asks)
		word_interrupt(d, true, now_us);
	if ((e->key != '#' || d->digit_count == 0) && d->digit_count < DIGITS_MAX)
		d->digits[d->digit_count++] = e->key;
	d->digits_due_us = now_us + DIGITS_PAUSE_US;
	if (e->key == '#' || d->digit_count == DIGITS_MAX)
		d->digits_due_us = now_us;
	if (now_us >= word_digits_us(d))
		word_finish_digits(d, now_us);
	return true;
}

/* ------------------------------------------------------------------- the caller's voice */

bool word_caller_began(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	(void)e;
	d->speaking = true;
	d->voice_us = d->speech_us = now_us;
	if (d->hears_until_us)
		return true; /* that was said before */
	word_spoke_up(d);
	/* The model cancels its response by itself. */
	if (d->ears != EARS_PROTECTING && !firm(d) && d->rules.interruptible && !d->rules.asks)
		word_interrupt(d, false, now_us);
	return true;
}

/* The turn itself ends a moment later, when it is committed; the model then answers. */
bool word_caller_ended(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	d->speaking = false;
	d->voice_us = now_us;
	if (d->hears_until_us)
		return true;
	d->stop_event_us = now_us;
	d->stop_speech_us = e->at_us;
	return true;
}

/* The model answers a turn by itself, or we ask for the answer: that depends on how it
 * was last configured, which it may not have taken yet. */
bool word_turn(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	const struct utterance *active = utterance_no(d, d->active);

	if (d->speaking) /* the end of the speech was not told */
		word_caller_ended(d, e, now_us);
	if (firm(d))
		return false; /* no turn is answered any more */
	if (d->rules.asks) {
		d->voice_us = now_us;
		word_spoke_up(d);
		want_answer(d, now_us);
		return true;
	}
	if (d->hears_until_us) {
		word_end_protection(d, now_us);
		d->placing_us = now_us;
	} else if (d->ears == EARS_PROTECTING)
		d->turn_waiting = true;
	else if (d->ears == EARS_RESTORING || d->rules.instant || (active && !d->rules.interruptible))
		/* The model may still be configured not to answer by itself. Or, without
		 * interruption, it may pass over a turn that ends while it speaks. */
		asking_want(d, UTTERANCE_ANSWER, now_us);
	else if (!active || active->cut)
		asking_expect(d, now_us);
	return true;
}

bool word_placed(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	(void)e, (void)now_us;
	d->placing_us = 0;
	return true;
}

bool word_machine(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	d->machine = e->text;
	d->machine_exact = e->exact;
	if (d->model && d->caller)
		word_leave_message(d, now_us);
	return true;
}

/* ------------------------------------------------------------------------ by the clock */

int64_t word_deaf_us(struct dialogue *d)
{
	return d->deaf_due && d->model ? 0 : NEVER_US;
}

void word_go_deaf(struct dialogue *d, int64_t now_us)
{
	(void)now_us;
	d->deaf_due = false;
	dialogue_order(d, ORDER_DEAF);
}

/* The end of protection turns detection on again; a session that comes later is opened so (fit_ears). */
int64_t word_protection_us(struct dialogue *d)
{
	return d->ears == EARS_PROTECTING ? d->protect_until_us : NEVER_US;
}

/* A call is idle if neither side speaks and no farewell has begun. */
int64_t word_idle_us(struct dialogue *d)
{
	if (!d->rules.idle_us || !d->caller || d->speaking || d->farewell.state || d->active || items_unfinished(d))
		return NEVER_US;
	return d->voice_us + d->rules.idle_us;
}

void word_end_idle(struct dialogue *d, int64_t now_us)
{
	known_end(d, d->model ? KNOWN_NONE : KNOWN_IDLE, END_IDLE, false, now_us);
}
