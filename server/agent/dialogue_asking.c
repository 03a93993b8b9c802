#include "server/agent/dialogue_asking.h"

#include "common/clock.h"
#include "server/agent/dialogue_utterances.h"
#include "server/agent/dialogue_word.h"

#include <stdio.h>

/* There is at most one answer that is wanted: who asks twice gets one answer, to all.
 * It is wanted now, even in the pause after a failure. */
void asking_want(struct dialogue *d, enum utterance_kind kind, bool owed, int64_t now_us)
{
	struct utterance *u = utterance_wanted(d);

	if (!u)
		u = utterance_new(d, kind, UTTERANCE_WANTED);
	u->owed |= owed;
	d->not_before_us = now_us;
}

/* A turn has ended, and the model was told to answer turns by itself. If it does not in
 * time, we ask (asking_never_began). */
void asking_expect(struct dialogue *d, int64_t now_us)
{
	struct utterance *u = utterance_in(d, UTTERANCE_EXPECTED);

	if (!u)
		u = utterance_new(d, UTTERANCE_ANSWER, UTTERANCE_EXPECTED);
	/* What was cut before this turn and has not shown by now never will. */
	u->cut = u->cancel = false;
	u->owed = true;
	d->expected_us = now_us + CREATED_US;
}

bool asking_busy(struct dialogue *d)
{
	const struct utterance *expected = utterance_in(d, UTTERANCE_EXPECTED);

	return d->active || utterance_in(d, UTTERANCE_ASKED) || (expected && !expected->cut);
}

/* ---------------------------------------------------------------------------- asking */

/* From when something may be asked for; NEVER_US: something is being made or on its
 * way, or it is not the time. While the model is about to begin an answer by itself,
 * asking could only collide. Nothing is said after the farewell. */
static int64_t free_us(struct dialogue *d)
{
	if (!d->model || !d->caller || d->farewell.state == FAREWELL_HEARING || d->active ||
	    utterance_in(d, UTTERANCE_ASKED) || utterance_in(d, UTTERANCE_EXPECTED))
		return NEVER_US;
	return d->not_before_us;
}

int64_t asking_silence_us(struct dialogue *d)
{
	int64_t word = word_until_us(d), free = utterance_wanted(d) ? NEVER_US : free_us(d);

	return free > word ? free : word;
}

int64_t asking_cue_us(struct dialogue *d)
{
	const struct utterance *cue = cue_next(d);

	if (!cue)
		return NEVER_US;
	if (cue->firm)
		return utterance_wanted(d) ? NEVER_US : free_us(d);
	return asking_silence_us(d);
}

/* An answer does not wait for the caller's pause: he waits for it. */
int64_t asking_answer_us(struct dialogue *d)
{
	return utterance_wanted(d) ? free_us(d) : NEVER_US;
}

static void ask(struct dialogue *d, struct utterance *u, enum dialogue_order_type type, int64_t now_us)
{
	struct dialogue_order *order = dialogue_order(d, type);
	struct utterance *earlier = utterance_asked_as(d, d->last_request);

	if (earlier)
		earlier->request = 0; /* only the latest can still be refused */
	u->state = UTTERANCE_ASKED;
	u->request = order->request = ++d->last_request;
	d->expected_us = now_us + CREATED_US;
	order->exact = u->exact;
	order->filler = u->kind == UTTERANCE_FILLER;
	if (u->text)
		order->text = u->text;
}

void asking_say_cue(struct dialogue *d, int64_t now_us)
{
	ask(d, cue_next(d), ORDER_SPEAK, now_us);
}

void asking_answer(struct dialogue *d, int64_t now_us)
{
	struct utterance *u = utterance_wanted(d);

	ask(d, u, u->kind == UTTERANCE_GREETING ? ORDER_GREET : ORDER_ASK, now_us);
}

/* ----------------------------------------------------------------------------- again */

/* The words of a cue wait again, at their old place, or are given up. What is left
 * is a response as any other. */
static void say_again(struct dialogue *d, struct utterance *u)
{
	struct utterance words = *u, *cue;

	u->kind = UTTERANCE_ANSWER;
	u->text = NULL;
	u->request = 0;
	cue = utterance_new(d, words.kind, UTTERANCE_WANTED);
	cue->text = words.text;
	cue->exact = words.exact;
	cue->firm = words.firm;
	cue->tries = words.tries + 1;
	cue->place = words.place;
	if (cue->tries >= CUE_TRIES)
		utterance_drop(cue);
}

/* It is to be asked for once more, nothing else about it is changed. */
static void again(struct dialogue *d, struct utterance *u)
{
	enum utterance_kind kind = u->kind;
	bool owed = u->owed;
	struct utterance *wanted;

	if (utterance_is_cue(u)) {
		say_again(d, u);
		return;
	}
	wanted = utterance_wanted(d);
	if (!wanted)
		wanted = utterance_new(d, kind, UTTERANCE_WANTED);
	wanted->owed |= owed;
}

/* What was due did not come, or failed. In a row that ends the call: a model that cannot
 * answer twice will not the third time, and silence is worse than an ending. */
static void fail(struct dialogue *d, struct utterance *u, int64_t now_us)
{
	if (d->over)
		return; /* of the last words nothing is missed */
	if (++d->failures >= ANSWER_TRIES) {
		dialogue_order(d, ORDER_END)->end = END_MODEL_FAILED;
		d->over = true;
		return;
	}
	dialogue_order(d, ORDER_RETRIED);
	again(d, u);
	d->not_before_us = now_us + RETRY_US;
}

/* ------------------------------------------------------------------------ it is cut */

/* What may be refused yet is nobody's any more, either. */
static void cut_what_is_made(struct dialogue *d)
{
	for (size_t i = 0; i < UTTERANCES_MAX; i++) {
		struct utterance *u = &d->utterances[i];

		if (u->state == UTTERANCE_MAKING)
			u->cut = true;
		if (u->state >= UTTERANCE_MAKING && !utterance_is_cue(u))
			u->request = 0;
	}
}

/* Everything on its way gets to know that it is cut, and shows as such when it begins:
 * nothing else could tell it from the answer to what the caller says now. A turn that is
 * answered by itself shows soon or never; what we asked for has its own time. */
void asking_cut(struct dialogue *d, bool cancel, int64_t now_us)
{
	struct utterance *asked = utterance_in(d, UTTERANCE_ASKED);
	struct utterance *expected = utterance_in(d, UTTERANCE_EXPECTED);

	if (asked) {
		asked->cut = asked->cancel = true;
		utterance_drop(expected);
	} else if (expected && !expected->cut) {
		expected->cut = true;
		expected->cancel = cancel;
		d->expected_us = now_us + GHOST_US;
	}
	cut_what_is_made(d);
	/* What was owed is superseded by what the caller says now. */
	utterance_drop(utterance_wanted(d));
	d->failures = 0;
}

/* -------------------------------------------------------------------------- it is over */

/* Of what was cut nobody waits for anything; what is not active any more was given up
 * before, and its late end decides nothing about the answers since. */
void asking_over(struct dialogue *d, struct utterance *u, bool failed, int64_t now_us)
{
	bool waited = u->no == d->active && !u->cut;

	if (u->state != UTTERANCE_MAKING)
		return;
	u->state = UTTERANCE_MADE;
	u->alive_us = now_us;
	if (u->no == d->active)
		d->active = 0;
	if (waited && !failed)
		d->failures = 0;
	if (waited && failed)
		fail(d, u, now_us);
	/* Talked over, a cue has been said, except a firm one. */
	else if (utterance_is_cue(u) && (failed || (u->cut && u->firm)))
		say_again(d, u);
}

/* ------------------------------------------------------------------------- it begins */

/* Whose response it is that has just begun. */
static struct utterance *who_began(struct dialogue *d)
{
	struct utterance *asked = utterance_in(d, UTTERANCE_ASKED);
	struct utterance *expected = utterance_in(d, UTTERANCE_EXPECTED), *wanted = utterance_wanted(d);

	if (asked && asked->cut) {
		if (utterance_is_cue(asked))
			say_again(d, asked);
		return asked;
	}
	/* It may still be the model's own, and ours the one too many: a refusal will
	 * tell. An answer is one to the turn, too; what became wanted since ours was
	 * asked for is newer. */
	if (asked) {
		if (expected && utterance_is_cue(asked)) {
			asked->turn = expected->no;
		} else if (expected) {
			asked->owed = true;
			utterance_drop(expected);
		}
		return asked;
	}
	if (expected && expected->cut)
		return expected;
	/* The answer that was owed is coming by itself. */
	if (expected) {
		utterance_drop(wanted);
		return expected;
	}
	if (!wanted)
		wanted = utterance_new(d, UTTERANCE_ANSWER, UTTERANCE_WANTED);
	wanted->owed = true; /* to a turn of which nobody told us, if to nothing else */
	return wanted;
}

/* Audio of it came before its beginning was told. */
static void take_over(struct dialogue *d, struct utterance *u, struct utterance *early)
{
	for (size_t i = 0; i < ITEMS_MAX; i++)
		if (early && d->items[i].utterance == early->no)
			d->items[i].utterance = u->no;
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (early && d->batches[i].utterance == early->no)
			d->batches[i].utterance = u->no;
	if (early && d->farewell.words == early->no)
		d->farewell.words = u->no;
	utterance_drop(early);
}

/* The events after this name the response. Until its end nothing else is asked for. */
bool asking_began(struct dialogue *d, const char *response, int64_t now_us)
{
	struct utterance *known = utterance_of(d, response), *u;
	bool cut;

	if (known && known->begun)
		return false; /* told twice */
	u = who_began(d);
	take_over(d, u, known);
	u->state = UTTERANCE_MAKING;
	u->begun = true;
	u->alive_us = now_us;
	snprintf(u->response, sizeof u->response, "%s", response);
	d->active = u->no;
	d->busy = 0;
	if (!utterance_in(d, UTTERANCE_EXPECTED))
		d->expected_us = NEVER_US;
	cut = u->cut;
	if (cut)
		u->request = 0;
	/* One without a name is not to be followed, nor cancelled: that could hit another. */
	if (!response[0])
		asking_over(d, u, false, now_us);
	else if (cut && u->cancel)
		dialogue_order(d, ORDER_CANCEL)->response = u->response;
	return !cut;
}

bool asking_sign(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	/* MCP servers are asked by the model's side; what tells of it names no response. */
	struct utterance *u = e->response[0] ? utterance_of(d, e->response) : utterance_no(d, d->active);

	if (u)
		u->alive_us = now_us;
	return u != NULL;
}

/* ---------------------------------------------------------------------- it is refused */

/* A refusal may come before anything began, or, as busy, after the model's own answer
 * did, which we took for ours. In both cases ours is still to be said. */
bool asking_refused(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct utterance *u = utterance_asked_as(d, e->request ? e->request : d->last_request);
	struct utterance *expected;
	bool asked = u && u->state == UTTERANCE_ASKED;

	/* What goes wrong in a response that has begun, its end will tell. */
	if (!u || (!asked && !e->busy))
		return false;
	u->request = 0;
	if (u->cut) {
		if (utterance_is_cue(u))
			say_again(d, u);
	} else if (!e->busy || ++d->busy > BUSY_MAX) {
		fail(d, u, now_us);
	} else {
		/* Whoever is active will be done; if we do not even know of it, a short
		 * pause keeps us from asking in a circle. */
		again(d, u);
		d->not_before_us = now_us + RETRY_US;
	}
	expected = utterance_in(d, UTTERANCE_EXPECTED);
	if (asked)
		utterance_drop(u);
	else if (!u->cut && expected && expected->no == u->turn)
		utterance_drop(expected); /* the model's own was the answer to that */
	if (!utterance_in(d, UTTERANCE_EXPECTED))
		d->expected_us = NEVER_US;
	return true;
}

/* ---------------------------------------------------------------------- by the clock */

int64_t asking_begin_us(struct dialogue *d)
{
	return d->active ? NEVER_US : d->expected_us;
}

/* Nobody but the agent itself wanted it: it is done without. */
static bool can_do_without(struct dialogue *d, const struct utterance *asked, const struct utterance *expected)
{
	const struct utterance *wanted = utterance_wanted(d);

	return !(asked && !asked->cut && asked->owed) && !(expected && !expected->cut) && !(wanted && wanted->owed);
}

/* Neither ours nor the model's own came in time. What was cut may stay away; whatever
 * else it was is asked for again, by its own words if it has any. */
void asking_never_began(struct dialogue *d, int64_t now_us)
{
	struct utterance *asked = utterance_in(d, UTTERANCE_ASKED), *expected = utterance_in(d, UTTERANCE_EXPECTED);
	bool waited = (asked && !asked->cut) || (expected && !expected->cut);

	d->expected_us = NEVER_US;
	if (waited && (d->failures + 1 < ANSWER_TRIES || !can_do_without(d, asked, expected))) {
		dialogue_order(d, ORDER_NO_ANSWER);
		fail(d, asked && !asked->cut ? asked : expected, now_us);
		if (!d->over && expected && !expected->cut)
			again(d, expected);
	}
	if (asked && utterance_is_cue(asked))
		say_again(d, asked);
	utterance_drop(asked);
	utterance_drop(expected);
}

int64_t asking_quiet_us(struct dialogue *d)
{
	const struct utterance *u = utterance_in(d, UTTERANCE_MAKING);

	return u ? u->alive_us + QUIET_US : NEVER_US;
}

/* A response of which nothing was heard for long. The model is told to stop it, so that
 * the next can begin; its items end, its tools are told of. */
void asking_went_quiet(struct dialogue *d, int64_t now_us)
{
	struct utterance *u = utterance_in(d, UTTERANCE_MAKING);
	bool waited = u->no == d->active && !u->cut;

	if (waited) {
		dialogue_order(d, ORDER_STOPPED);
		dialogue_order(d, ORDER_CANCEL)->response = u->response;
	}
	items_complete(d, u, NULL);
	asking_over(d, u, waited, now_us);
	u->cut = true; /* what comes late of it is not played */
}
