#include "server/agent/dialogue/dialogue_asking.h"

#include "common/clock.h"
#include "server/agent/dialogue/dialogue_cues.h"
#include "server/agent/dialogue/dialogue_known.h"
#include "server/agent/dialogue/dialogue_tools.h"
#include "server/agent/dialogue/dialogue_utterances.h"
#include "server/agent/dialogue/dialogue_word.h"

/* At most one answer is wanted: several reasons get one together, asked for at once, even in the pause after a failure. */
void asking_want(struct dialogue *d, enum utterance_kind kind, int64_t now_us)
{
	utterance_want(d, kind, false);
	d->not_before_us = now_us;
}

/* A turn has ended, and the model is configured to answer turns by itself. If it does not
 * begin while the caller is patient, we ask (asking_never_began). */
void asking_expect(struct dialogue *d, int64_t now_us)
{
	struct utterance *u = utterance_in(d, UTTERANCE_EXPECTED);

	if (!u)
		u = utterance_new(d, UTTERANCE_ANSWER, UTTERANCE_EXPECTED);
	/* A response that was cut before this turn and has not begun by now never will. */
	u->cut = u->cancel = false;
	u->since_us = now_us;
	d->expected_us = now_us + d->rules.silence_us;
}

bool asking_busy(struct dialogue *d)
{
	const struct utterance *expected = utterance_in(d, UTTERANCE_EXPECTED);

	return d->active || utterance_in(d, UTTERANCE_ASKED) || (expected && !expected->cut);
}

/* ---------------------------------------------------------------------------- asking */

/* The time from which a response may be asked for. NEVER_US: one is being made or on its
 * way, or a side is missing, or the farewell has been said. While the model is about to
 * begin by itself, a request could only collide. */
static int64_t free_us(struct dialogue *d)
{
	if (!d->model || !d->caller || d->farewell.state == FAREWELL_HEARING || d->active ||
	    utterance_in(d, UTTERANCE_ASKED) || utterance_in(d, UTTERANCE_EXPECTED))
		return NEVER_US;
	return later(utterance_placed_us(d), later(d->not_before_us, d->hears_until_us));
}

int64_t asking_silence_us(struct dialogue *d)
{
	int64_t word = word_until_us(d), free = utterance_wanted(d) ? NEVER_US : free_us(d);

	return free > word ? free : word;
}

/* The rest of what broke off with another session is asked for when that was heard. */
static int64_t heard_first_us(const struct dialogue *d, const struct utterance *u, int64_t at_us)
{
	return u->rest ? later(at_us, d->silent_from_us) : at_us;
}

int64_t asking_cue_us(struct dialogue *d)
{
	const struct utterance *cue = cue_next(d);

	if (!cue)
		return NEVER_US;
	if (cue->firm)
		return utterance_wanted(d) ? NEVER_US : heard_first_us(d, cue, free_us(d));
	return heard_first_us(d, cue, asking_silence_us(d));
}

/* An answer does not wait for a pause of the caller, who waits for it. One that we ask for in any case
 * is to know the results that there are. */
int64_t asking_answer_us(struct dialogue *d)
{
	const struct utterance *wanted = utterance_wanted(d);

	return wanted && !(d->rules.asks && tools_result_us(d) == 0) ? heard_first_us(d, wanted, free_us(d)) : NEVER_US;
}

static void ask(struct dialogue *d, struct utterance *u, enum dialogue_order_type type, int64_t now_us)
{
	struct dialogue_order *order = dialogue_order(d, type);

	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		d->utterances[i].request = 0; /* only the latest can still be refused */
	d->placing_us = 0;
	u->state = UTTERANCE_ASKED;
	u->request = order->request = ++d->last_request;
	u->since_us = now_us;
	d->expected_us = now_us + d->rules.silence_us;
	order->exact = u->exact;
	order->filler = u->kind == UTTERANCE_FILLER;
	order->rest = u->rest;
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

	if (d->rules.asks)
		d->told = false;
	ask(d, u, u->kind == UTTERANCE_GREETING ? ORDER_GREET : ORDER_ASK, now_us);
}

/* ----------------------------------------------------------------------------- again */

/* Wants the same once more, unless it is asked for already: a cue by its words, an answer as an answer. A caller
 * who has heard words of the model's own in place of a greeting is not greeted behind them. */
static void again(struct dialogue *d, struct utterance *u)
{
	const struct utterance *asked = utterance_in(d, UTTERANCE_ASKED);
	bool coming = asked && asked != u && asked->request && !asked->cut && !utterance_is_cue(asked);
	bool greeted = u->kind == UTTERANCE_GREETING && items_any(d, u->no) && !u->rest;

	if (utterance_is_cue(u))
		cue_say_again(d, u);
	else if (!coming && !greeted)
		utterance_want(d, u->kind, u->rest);
}

/* A response did not come, or failed. ANSWER_TRIES in a row end the call: a third try
 * would hardly do better, and silence is worse for the caller than an ending. But another
 * session may. */
static void fail(struct dialogue *d, struct utterance *u, int64_t now_us)
{
	if (d->over || d->farewell.state == FAREWELL_HEARING)
		return; /* nothing is missed after the last words */
	if (!d->failures)
		d->failing_us = u->since_us;
	if (++d->failures >= ANSWER_TRIES && d->rules.renews && !d->renewed) {
		d->renewed = true;
		dialogue_order(d, ORDER_RENEW);
	} else if (d->failures >= ANSWER_TRIES) {
		known_end(d, KNOWN_SORRY, END_MODEL_FAILED, true, now_us);
		return;
	}
	dialogue_order(d, ORDER_RETRIED);
	again(d, u);
	d->not_before_us = now_us + RETRY_US;
}

/* A response that the model calls answered, and nothing to hear. For the caller that is no
 * answer; the call does not end for want of words that nobody waits for. */
static void was_silent(struct dialogue *d, struct utterance *u, const char *claims, int64_t now_us)
{
	dialogue_order(d, ORDER_SILENT)->text = claims;
	if (d->farewell.state == FAREWELL_HEARING)
		return;
	if (utterance_is_cue(u)) {
		if (u->tries + 1 < CUE_TRIES)
			dialogue_order(d, ORDER_RETRIED);
		cue_say_again(d, u);
		d->not_before_us = now_us + RETRY_US;
	} else {
		fail(d, u, now_us);
	}
}

/* ------------------------------------------------------------------------ it is cut */

/* Their requests are forgotten too: a refusal would bring a cut answer back. */
static void cut_what_is_made(struct dialogue *d, int64_t now_us)
{
	for (size_t i = 0; i < UTTERANCES_MAX; i++) {
		struct utterance *u = &d->utterances[i];

		if (u->state == UTTERANCE_MAKING && !u->cut) {
			u->cut = true;
			u->since_us = now_us;
		}
		if (u->state >= UTTERANCE_MAKING && !utterance_is_cue(u))
			u->request = 0;
	}
}

/* Responses on their way are marked as cut, and are recognised when they begin: nothing
 * else tells them from the answer to what the caller says now. The model's own begins
 * within GHOST_US or never; a requested one keeps its deadline. */
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
		d->expected_us = now_us + (GHOST_US < d->rules.silence_us ? GHOST_US : d->rules.silence_us);
	}
	cut_what_is_made(d, now_us);
	/* What was owed is superseded by what the caller says now; so is what was to follow a tool. */
	utterance_drop(utterance_wanted(d));
	d->failures = 0;
	d->renewed = d->goes_on = false;
}

void asking_stop(struct dialogue *d, struct utterance *u, int64_t now_us)
{
	dialogue_order(d, ORDER_CANCEL)->response = utterance_response(d, u);
	items_complete(d, u, NULL);
	u->cut = true;
	u->request = 0;
	u->since_us = now_us;
}

/* -------------------------------------------------------------------------- it is over */

/* Nobody waits for one that was cut. One that is not active was given up, and its late end says nothing of later ones. */
void asking_over(struct dialogue *d, struct utterance *u, bool failed, const char *claims, int64_t now_us)
{
	bool waited = u->no == d->active && !u->cut, circles = waited && !failed && utterance_circles(d, u);

	if (u->state != UTTERANCE_MAKING)
		return;
	u->state = UTTERANCE_MADE;
	u->alive_us = now_us;
	if (u->no == d->active)
		d->active = d->aside = 0;
	if (u->said && !failed && !u->answered && !u->aside) {
		u->answered = true;
		dialogue_order(d, ORDER_ANSWERED)->response = utterance_response(d, u);
	}
	if (waited && !failed && u->said && !circles) {
		d->failures = 0;
		d->renewed = false;
		d->farewell.said |= u->kind == UTTERANCE_GOODBYE && items_any(d, u->no);
	}
	if (waited && failed) {
		u->rest |= items_any(d, u->no); /* that is not begun anew */
		fail(d, u, now_us);
	} else if (circles || (waited && claims && !u->said)) {
		was_silent(d, u, circles ? "tools are called, time after time" : claims, now_us);
	} else if (utterance_is_cue(u) &&
		   (failed || (u->cut ? u->firm : !u->said && (u->firm || u->no == d->untold)))) {
		cue_say_again(d, u); /* one that was talked over counts as said, except a firm one */
	}
}

/* The end of a response is lost, or could not be read; what else is known of it says that
 * it is over. If that is wrong, its next sign of life takes it up again. */
static void end_untold(struct dialogue *d, struct utterance *u, const char *claims, int64_t now_us)
{
	items_complete(d, u, "completed");
	if (!u->aside)
		d->untold = u->no;
	asking_over(d, u, false, claims, now_us);
}

/* ------------------------------------------------------------------------- it begins */

/* The utterance of a response that has just begun. response.created does not say which
 * request it belongs to, so this is decided by what is on its way: our request, a turn
 * that the model answers by itself, or a wish that it has met unasked. */
static struct utterance *who_began(struct dialogue *d)
{
	struct utterance *asked = utterance_in(d, UTTERANCE_ASKED);
	struct utterance *expected = utterance_in(d, UTTERANCE_EXPECTED), *wanted = utterance_wanted(d);

	if (asked && asked->cut) {
		if (utterance_is_cue(asked))
			cue_say_again(d, asked);
		return asked;
	}
	/* It may still be the model's own, and ours will be refused as busy. An answer
	 * that we asked for is one to the expected turn, too. A wish since then is
	 * newer, and stays. */
	if (asked) {
		if (expected && utterance_is_cue(asked))
			asked->turn = expected->no;
		else
			utterance_drop(expected);
		return asked;
	}
	if (expected && expected->cut)
		return expected;
	/* The answer that was owed is coming by itself. */
	if (expected) {
		utterance_drop(wanted);
		return expected;
	}
	/* … or it answers a turn that was not told to us. */
	return wanted ? wanted : utterance_new(d, UTTERANCE_ANSWER, UTTERANCE_WANTED);
}

/* From here on events name the response, and nothing else is asked for until its end. If
 * another one was being made, it is over; if nobody heard it, the same wait goes on. */
bool asking_began(struct dialogue *d, const char *response, int64_t now_us)
{
	struct utterance *known = utterance_of(d, response), *last = utterance_no(d, d->active), *u;
	bool waits = last && !utterance_is_cue(last) && !last->cut && !last->said, cut;
	bool filled = waits && last->filled;
	int64_t since_us = waits ? last->since_us : now_us;

	if (known && known->begun)
		return false; /* told twice */
	if (last && last != known)
		end_untold(d, last, NULL, now_us);
	last = utterance_no(d, d->untold);
	if (last)
		dialogue_order(d, ORDER_UNTOLD)->response = utterance_response(d, last);
	d->untold = 0;
	u = who_began(d);
	utterance_take_over(d, u, known);
	u->state = UTTERANCE_MAKING;
	u->begun = true;
	u->alive_us = now_us;
	if (!u->since_us || u->cut)
		u->since_us = u->cut ? now_us : since_us;
	u->filled |= filled;
	utterance_name(d, u, response);
	d->active = u->no;
	d->busy_us = d->placing_us = d->aside = 0;
	if (!utterance_in(d, UTTERANCE_EXPECTED))
		d->expected_us = NEVER_US;
	cut = u->cut;
	if (cut)
		u->request = 0;
	/* Without a name it cannot be followed, and a cancel could hit another one. */
	if (!response[0])
		asking_over(d, u, false, NULL, now_us);
	else if (cut && u->cancel)
		dialogue_order(d, ORDER_CANCEL)->response = utterance_response(d, u);
	return !cut;
}

/* ---------------------------------------------------------------------- it is refused */

/* Refused as busy for longer than the caller is patient. */
static bool busy_for_long(struct dialogue *d, int64_t now_us)
{
	if (!d->busy_us)
		d->busy_us = now_us;
	return now_us >= later(d->busy_us, d->silent_from_us) + d->rules.silence_us;
}

/* A refusal comes before anything began; or, as busy, after the model's own answer began,
 * which we took for ours. In both cases ours is still to be said. */
bool asking_refused(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct utterance *u = utterance_asked_as(d, e->request ? e->request : d->last_request);
	struct utterance *expected;
	bool asked = u && u->state == UTTERANCE_ASKED;

	if (e->request && e->request == d->aside)
		d->aside = 0;
	/* Other troubles of a response that has begun come with its end. */
	if (!u || (!asked && !e->busy))
		return false;
	u->request = 0;
	if (u->cut) {
		if (utterance_is_cue(u))
			cue_say_again(d, u);
	} else if (!e->busy || busy_for_long(d, now_us)) {
		fail(d, u, now_us);
	} else {
		/* The other response will be over soon. If we do not know it, the pause
		 * keeps us from asking in a circle. */
		again(d, u);
		d->not_before_us = now_us + RETRY_US;
	}
	expected = utterance_in(d, UTTERANCE_EXPECTED);
	if (asked)
		utterance_drop(u);
	else if (!u->cut && expected && expected->no == u->turn && (u->said || u->state == UTTERANCE_MAKING))
		utterance_drop(expected); /* the model's own was the answer to that, if anything came of it */
	if (!utterance_in(d, UTTERANCE_EXPECTED))
		d->expected_us = NEVER_US;
	return true;
}

/* ---------------------------------------------------------------------- by the clock */

int64_t asking_begin_us(struct dialogue *d)
{
	const struct utterance *expected = utterance_in(d, UTTERANCE_EXPECTED);

	if (d->expected_us == NEVER_US || d->active)
		return NEVER_US;
	return expected && expected->cut ? d->expected_us
					 : later(d->expected_us, d->silent_from_us + d->rules.silence_us);
}

/* Neither our response nor the model's own came in time. A cut one may stay away; others
 * are asked for again, a cue by its own words. */
void asking_never_began(struct dialogue *d, int64_t now_us)
{
	struct utterance *asked = utterance_in(d, UTTERANCE_ASKED), *expected = utterance_in(d, UTTERANCE_EXPECTED);
	bool waited = (asked && !asked->cut) || (expected && !expected->cut);
	bool cue = asked && utterance_is_cue(asked) && !(expected && !expected->cut) && !utterance_wanted(d);

	d->expected_us = NEVER_US;
	if (waited && (d->failures + 1 < ANSWER_TRIES || !cue)) {
		dialogue_order(d, ORDER_NO_ANSWER);
		fail(d, asked && !asked->cut ? asked : expected, now_us);
		if (!d->over && expected && !expected->cut)
			again(d, expected);
	}
	if (asked && utterance_is_cue(asked))
		cue_say_again(d, asked);
	utterance_drop(asked);
	utterance_drop(expected);
}

int64_t asking_quiet_us(struct dialogue *d)
{
	const struct utterance *u = utterance_first_quiet(d);

	return u ? utterance_patience_us(d, u) : NEVER_US;
}

/* The model is told to stop it, so that the next one can begin. Its items end, and its tools are told. */
void asking_went_quiet(struct dialogue *d, int64_t now_us)
{
	struct utterance *u = utterance_first_quiet(d);
	bool waited = u->no == d->active && !u->cut;

	if (u->resting) {
		if (!u->aside)
			dialogue_order(d, ORDER_RESTED)->response = utterance_response(d, u);
		end_untold(d, u, "its end was not told", now_us);
		return;
	}
	if (waited) {
		dialogue_order(d, ORDER_STOPPED);
		dialogue_order(d, ORDER_CANCEL)->response = utterance_response(d, u);
	}
	items_complete(d, u, "incomplete");
	/* The caller has waited for long: another session is next. */
	if (waited && d->rules.renews && !d->renewed && !d->failures) {
		d->failing_us = u->since_us;
		d->failures = ANSWER_TRIES - 1;
	}
	asking_over(d, u, waited, NULL, now_us);
	u->cut = true; /* its late audio is not played */
}
