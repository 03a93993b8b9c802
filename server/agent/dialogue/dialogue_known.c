#include "server/agent/dialogue/dialogue_known.h"

#include "common/clock.h"
#include "server/agent/dialogue/dialogue_cues.h"
#include "server/agent/dialogue/dialogue_utterances.h"
#include "server/agent/dialogue/dialogue_word.h"

#include <inttypes.h>
#include <stdio.h>

/* It is whole from the beginning: nobody waits for it, and nothing is asked for because of it. Its item ends with the
 * sound, which is queued when the order is carried out. */
struct utterance *known_say(struct dialogue *d, enum known_line line, int64_t now_us)
{
	struct dialogue_order *order;
	struct utterance *u;
	struct item *item;
	char id[24];

	if (!d->rules.knows[line])
		return NULL;
	u = utterance_new(d, line == KNOWN_GREETING ? UTTERANCE_GREETING : UTTERANCE_ANSWER, UTTERANCE_MADE);
	u->known = line;
	u->since_us = u->alive_us = now_us;
	snprintf(id, sizeof id, "known_%" PRIu32, d->last_item + 1);
	item = item_new(d, u->no, id);
	item->complete = true;
	order = dialogue_order(d, ORDER_PLAY_KNOWN);
	order->no = item->no;
	order->item = item_id(d, item);
	order->known = line;
	return u;
}

bool known_greets(const struct dialogue *d)
{
	return d->rules.greets && !d->rules.recalled && d->rules.knows[KNOWN_GREETING];
}

bool known_is_hold(const struct dialogue *d, const struct item *item)
{
	const struct utterance *u = item ? utterance_no((struct dialogue *)d, item->utterance) : NULL;

	return u && u->known == KNOWN_HOLD;
}

/* It takes the place of another farewell, whose words nobody can say any more, behind all that is queued. */
bool known_part(struct dialogue *d, enum known_line line, enum call_end end, bool firm, int64_t now_us)
{
	struct utterance *u = d->caller ? known_say(d, line, now_us) : NULL;

	if (!u)
		return false;
	cue_drop(d, UTTERANCE_GOODBYE);
	d->greeted = true;
	d->farewell = (struct farewell){ .state = FAREWELL_HEARING,
		.end = end,
		.firm = firm,
		.said = true,
		.known = true,
		.words = u->no,
		.deadline_us = now_us + FAREWELL_LONGEST_US };
	if (firm)
		word_deafen(d);
	return true;
}

void known_end(struct dialogue *d, enum known_line line, enum call_end end, bool firm, int64_t now_us)
{
	if (known_part(d, line, end, firm, now_us))
		return;
	d->over = true;
	dialogue_order(d, ORDER_END)->end = end;
}

/* What else is owed gets one answer together with it, by the model. What that was expected to answer by itself is ours. */
bool known_await(struct dialogue *d, bool alone, int64_t now_us)
{
	struct utterance *u = d->rules.instant ? utterance_wanted(d) : NULL;

	if (!u)
		return true;
	utterance_drop(utterance_in(d, UTTERANCE_EXPECTED));
	if (!utterance_in(d, UTTERANCE_ASKED))
		d->expected_us = NEVER_US;
	u->instant = alone && d->rules.knows[KNOWN_INSTANT];
	if (u->instant)
		d->not_before_us = now_us + WORDS_US;
	return true;
}

void known_written(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	struct utterance *u = utterance_wanted(d);

	if (!e->newest || !u || !u->instant)
		return;
	u->instant = false;
	d->not_before_us = now_us;
	if (e->known == KNOWN_NONE || !d->caller || d->speaking || d->farewell.state)
		return;
	utterance_drop(u);
	known_say(d, e->known, now_us);
}

bool known_gone(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	return !d->over && d->farewell.state != FAREWELL_HEARING && known_part(d, KNOWN_SORRY, e->end, true, now_us);
}

/* In the middle of an answer that comes to a stop it would stand between its parts. */
bool known_waited(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	(void)e;
	if (d->over || !d->caller || d->speaking || d->farewell.state == FAREWELL_HEARING || items_unfinished(d))
		return false;
	return known_say(d, KNOWN_HOLD, now_us) != NULL;
}
