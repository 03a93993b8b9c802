#include "server/agent/dialogue/dialogue_away.h"

#include "common/clock.h"
#include "server/agent/dialogue/dialogue_asking.h"
#include "server/agent/dialogue/dialogue_tools.h"
#include "server/agent/dialogue/dialogue_cues.h"
#include "server/agent/dialogue/dialogue_utterances.h"

/* ------------------------------------------------------------------- it is lost */

/* What is owed by the next session. If some of it is to be heard, that comes first. Of a greeting
 * that was heard the rest is an answer: nobody is greeted twice. */
static struct utterance *want(struct dialogue *d, enum utterance_kind kind, bool rest)
{
	struct utterance *u = utterance_wanted(d);

	if (!u)
		u = utterance_new(d, rest ? UTTERANCE_ANSWER : kind, UTTERANCE_WANTED);
	u->rest |= rest;
	return u;
}

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
static void owe_rest(struct dialogue *d, struct utterance *u)
{
	bool words = d->farewell.state && d->farewell.words == u->no;
	bool rest = items_any(d, u->no);

	if (utterance_is_cue(u))
		take_back(d, u, rest);
	else if (words && !(rest && u->resting))
		d->farewell.words = want(d, u->kind, rest)->no;
	else if (!words && !has_tools(d, u->no))
		want(d, u->kind, rest);
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
		owe_rest(d, u);
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
		want(d, UTTERANCE_ANSWER, false);
	d->active = d->untold = d->aside = 0;
	d->goes_on = false;
	d->failures = d->mute_acts = 0;
	d->busy_us = 0;
	if (d->hears_until_us)
		d->ears = EARS_LISTENING;
	d->hears_until_us = 0;
	d->expected_us = NEVER_US;
	/* The next session is opened as the ears are; but it has to be made deaf. */
	if (d->ears == EARS_DEAF)
		d->deaf_due = !d->rules.asks;
	return true;
}

/* --------------------------------------------------------------- and there is another */

/* What was protected when it was opened may be so no longer. A turn that it hears itself needs no
 * asking; one that is only to be written down is not answered, and whatever is owed waits for it. */
bool away_ends(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct utterance *wanted = utterance_wanted(d);

	if (d->model)
		return false;
	d->model = true;
	d->speaking &= d->rules.asks;
	if (d->ears == EARS_RESTORING)
		dialogue_order(d, ORDER_LISTEN);
	if (e->heard_again && d->ears == EARS_LISTENING && !d->rules.asks) {
		d->ears = EARS_PROTECTING;
		d->protect_until_us = d->hears_until_us = now_us + HEAR_AGAIN_US;
	} else if (e->resent && wanted && wanted->kind == UTTERANCE_ANSWER && d->ears == EARS_LISTENING) {
		utterance_drop(wanted);
		asking_expect(d, now_us);
	}
	return true;
}
