#include "server/agent/dialogue/dialogue_away.h"

#include "common/clock.h"
#include "server/agent/dialogue/dialogue_asking.h"
#include "server/agent/dialogue/dialogue_tools.h"
#include "server/agent/dialogue/dialogue_cues.h"
#include "server/agent/dialogue/dialogue_utterances.h"

/* ------------------------------------------------------------------- it is lost */

/* Words from outside do not count as tried: they are not to blame. A filler has had its time, and what was
 * taken back before is not said again (cue_drop). */
static void take_back(struct dialogue *d, struct utterance *u, bool rest)
{
	struct utterance *cue = cue_take_back(d, u);

	cue->rest |= rest;
	if (cue->kind == UTTERANCE_FILLER || cue->tries >= CUE_TRIES)
		utterance_drop(cue);
}

static bool has_tools(const struct dialogue *d, uint32_t utterance)
{
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (d->batches[i].no && d->batches[i].utterance == utterance)
			return true;
	return false;
}

/* An answer that called tools goes on with their results. The words of a farewell are owed if
 * they are not there: the call ends with them. */
static void owe_rest(struct dialogue *d, struct utterance *u, bool any)
{
	bool words = d->farewell.state && d->farewell.words == u->no;
	bool rest = any || u->rest;

	if (utterance_is_cue(u))
		take_back(d, u, rest);
	else if (words && !(any && u->resting))
		d->farewell.words = utterance_want(d, u->kind, rest)->no;
	else if (!words && !has_tools(d, u->no))
		utterance_want(d, u->kind, rest);
}

/* It is complete as far as it came. If its last part was over, that is all of it. */
static void break_off(struct dialogue *d, struct utterance *u, int64_t now_us)
{
	bool waited = u->no == d->active && !u->cut && !u->aside;
	bool whole = u->said && u->resting && !u->goes_on;

	items_complete(d, u, whole ? "completed" : "incomplete");
	u->state = UTTERANCE_MADE;
	u->alive_us = now_us;
	if (waited && u->said && !u->answered) {
		u->answered = true;
		dialogue_order(d, ORDER_ANSWERED)->response = utterance_response(d, u);
	}
	if (waited && !whole)
		owe_rest(d, u, items_any(d, u->no));
	else if (utterance_is_cue(u) && u->cut && u->firm)
		take_back(d, u, false);
	else
		u->request = 0;
	if (waited && whole && u->kind == UTTERANCE_GOODBYE)
		d->farewell.said |= items_any(d, u->no);
}

/* Our request never came to anything. */
static void call_back(struct dialogue *d, struct utterance *u)
{
	if (utterance_is_cue(u) ? u->tries >= CUE_TRIES : u->cut || utterance_wanted(d)) {
		utterance_drop(u);
		return;
	}
	u->state = UTTERANCE_WANTED;
	u->request = u->turn = 0;
	u->cut = u->cancel = false;
}

/* The bounds of time of what was under way rest with it; there is the link's own. */
bool away_begins(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	bool owed = d->goes_on; /* after tools of the service's own; ours have a batch */

	(void)e;
	if (!d->model)
		return false;
	for (size_t i = 0; i < BATCHES_MAX; i++)
		owed &= !d->batches[i].no;
	d->model = false;
	d->speaking &= d->rules.asks; /* else it was the session that heard it */
	for (struct utterance *u = d->utterances; u < d->utterances + UTTERANCES_MAX; u++) {
		if (u->state == UTTERANCE_MAKING) {
			break_off(d, u, now_us);
		} else if (u->state == UTTERANCE_ASKED) {
			call_back(d, u);
		} else if (u->state == UTTERANCE_EXPECTED) {
			owed |= !u->cut;
			utterance_drop(u);
		}
	}
	if (owed && !d->over)
		utterance_want(d, UTTERANCE_ANSWER, false);
	d->active = d->untold = d->aside = 0;
	d->goes_on = false;
	d->failures = 0; /* but a model that goes in circles does so in each session */
	d->busy_us = 0;
	if (d->hears_until_us)
		d->ears = EARS_LISTENING;
	d->hears_until_us = d->placing_us = 0;
	d->expected_us = NEVER_US;
	/* The next session is opened as the ears are; but it has to be made deaf. */
	if (d->ears == EARS_DEAF)
		d->deaf_due = !d->rules.asks;
	return true;
}

/* ------------------------------------------------------------------ the caller is */

static bool heard_some(struct dialogue *d, const struct utterance *u, const struct dialogue_event *e)
{
	bool some = false;

	for (size_t i = 0; i < ITEMS_MAX; i++)
		some |= d->items[i].no && d->items[i].utterance == u->no && d->items[i].received && d->items[i].over;
	for (uint32_t i = 0; i < e->count; i++) {
		const struct item *item = item_no(d, e->heard[i].no);

		some |= item && item->utterance == u->no && e->heard[i].heard_ms;
	}
	return some;
}

/* Of a farewell that is being heard nothing is said again: it is over by this. */
static bool is_missed(const struct dialogue *d, const struct utterance *u)
{
	bool whole = u->state == UTTERANCE_MADE || (u->said && u->resting && !u->goes_on);

	if (u->cut || u->aside || u->known == KNOWN_HOLD || u->known == KNOWN_STILL_THERE ||
	    d->farewell.state == FAREWELL_HEARING)
		return false;
	return whole ? items_unfinished_of(d, u->no) : u->no == d->active;
}

void away_caller(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	for (struct utterance *u = d->utterances; u < d->utterances + UTTERANCES_MAX; u++) {
		if (u->state != UTTERANCE_MAKING && u->state != UTTERANCE_MADE)
			continue;
		if (is_missed(d, u))
			owe_rest(d, u, heard_some(d, u, e));
		if (u->state == UTTERANCE_MAKING && !u->cut)
			u->since_us = now_us;
		if (u->state == UTTERANCE_MAKING && !u->cut && u->no == d->active)
			dialogue_order(d, ORDER_CANCEL)->response = utterance_response(d, u);
		if (u->state == UTTERANCE_MAKING || items_unfinished_of(d, u->no))
			u->cut = true;
		u->request = 0;
	}
}

/* --------------------------------------------------------------- and there is another */

/* It was opened as the ears were then: what is wanted now, and is not so, it is told. A deaf one answers no turn until
 * it has confirmed that. */
static void fit_ears(struct dialogue *d, bool deaf)
{
	if (d->ears == EARS_DEAF || d->rules.asks)
		return; /* word_go_deaf */
	if (d->ears == EARS_PROTECTING && !deaf)
		dialogue_order(d, ORDER_DEAF);
	if (d->ears == EARS_PROTECTING)
		return;
	d->ears = deaf ? EARS_RESTORING : EARS_LISTENING;
	if (deaf)
		dialogue_order(d, ORDER_LISTEN);
}

/* A turn that it hears itself needs no asking; one that is only to be written down is not answered, and whatever is
 * owed waits for it. */
bool away_ends(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct utterance *wanted = utterance_wanted(d);

	if (d->model)
		return false;
	d->model = true;
	d->alone = e->alone;
	d->speaking &= d->rules.asks;
	if (e->heard_again && (d->ears == EARS_LISTENING || d->ears == EARS_RESTORING) && !d->rules.asks) {
		d->ears = EARS_PROTECTING;
		d->protect_until_us = d->hears_until_us = now_us + HEAR_AGAIN_US;
	}
	fit_ears(d, e->deaf);
	if (e->resent && wanted && wanted->kind == UTTERANCE_ANSWER && d->ears == EARS_LISTENING) {
		utterance_drop(wanted);
		asking_expect(d, now_us);
	}
	if (e->lost && !d->farewell.state) {
		utterance_want(d, UTTERANCE_ANSWER, false);
		d->not_before_us = later(d->not_before_us, now_us + HEAR_REST_US);
	}
	return true;
}

/* From here on the model answers turns by itself. The confirmation of another change
 * has no effect. */
bool away_configured(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	(void)e;
	(void)now_us;
	if (d->ears == EARS_RESTORING)
		d->ears = EARS_LISTENING;
	return true;
}

bool away_caller_there(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	(void)e;
	if (!d->caller)
		d->silent_from_us = now_us;
	d->caller = true;
	d->voice_us = now_us;
	return true;
}
