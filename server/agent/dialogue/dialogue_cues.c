#include "server/agent/dialogue/dialogue_cues.h"

#include "server/agent/dialogue/dialogue_utterances.h"

#include <stdlib.h>
#include <string.h>

static bool waits(const struct utterance *u)
{
	return u->state == UTTERANCE_WANTED && utterance_is_cue(u);
}

static bool under_way(const struct utterance *u)
{
	return utterance_is_cue(u) && (u->state == UTTERANCE_ASKED || u->state == UTTERANCE_MAKING);
}

/* Drops the latest pending cue: last words matter more. */
static void make_room(struct dialogue *d)
{
	struct utterance *last = NULL;

	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		if (waits(&d->utterances[i]) && (!last || d->utterances[i].place > last->place))
			last = &d->utterances[i];
	utterance_drop(last);
}

static size_t count_cues(const struct dialogue *d)
{
	size_t count = 0;

	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		count += waits(&d->utterances[i]) || under_way(&d->utterances[i]);
	return count;
}

bool cue_add(struct dialogue *d, enum utterance_kind kind, const char *text, bool exact, bool firm)
{
	struct utterance *cue;
	char *copy;

	if (kind == UTTERANCE_GOODBYE && count_cues(d) >= CUES_MAX)
		make_room(d);
	if (count_cues(d) >= CUES_MAX || !(copy = strdup(text)))
		return false;
	cue = utterance_new(d, kind, UTTERANCE_WANTED);
	cue->text = copy;
	cue->exact = exact;
	cue->firm = firm;
	cue->place = ++d->last_place;
	return true;
}

struct utterance *cue_next(const struct dialogue *d)
{
	const struct utterance *next = NULL;

	for (const struct utterance *u = d->utterances; u < d->utterances + UTTERANCES_MAX; u++) {
		if (under_way(u))
			return NULL;
		if (waits(u) && (!next || u->place < next->place))
			next = u;
	}
	return (struct utterance *)next;
}

bool cue_has(const struct dialogue *d, enum utterance_kind kind)
{
	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		if (d->utterances[i].kind == kind && (waits(&d->utterances[i]) || under_way(&d->utterances[i])))
			return true;
	return false;
}

unsigned cue_drop(struct dialogue *d, enum utterance_kind kind)
{
	unsigned dropped = 0;

	for (struct utterance *u = d->utterances; u < d->utterances + UTTERANCES_MAX; u++) {
		dropped += u->kind == kind && waits(u);
		if (u->kind == kind && waits(u))
			utterance_drop(u);
		else if (u->kind == kind)
			u->tries = CUE_TRIES;
	}
	return dropped;
}

struct utterance *cue_take_back(struct dialogue *d, struct utterance *u)
{
	struct utterance words = *u, *cue;

	u->kind = UTTERANCE_ANSWER;
	u->text = NULL;
	u->request = 0;
	cue = utterance_new(d, words.kind, UTTERANCE_WANTED);
	cue->text = words.text;
	cue->exact = words.exact;
	cue->firm = words.firm;
	cue->rest = words.rest;
	cue->tries = words.tries;
	cue->place = words.place;
	return cue;
}

void cue_say_again(struct dialogue *d, struct utterance *u)
{
	struct utterance *cue = cue_take_back(d, u);

	if (++cue->tries >= CUE_TRIES)
		utterance_drop(cue);
}
