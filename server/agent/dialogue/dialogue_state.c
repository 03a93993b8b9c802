#include "server/agent/dialogue/dialogue_state.h"

#include "audio/g711.h"
#include "server/agent/dialogue/dialogue_tools.h"
#include "server/agent/dialogue/dialogue_utterances.h"

#include <string.h>

bool dialogue_resumes(const struct dialogue *d)
{
	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		if (d->utterances[i].state == UTTERANCE_WANTED && d->utterances[i].rest)
			return true;
	return false;
}

bool dialogue_listens(const struct dialogue *d)
{
	bool greets = !d->greeted && (d->rules.greets || d->rules.recalled);
	bool busy =
	    greets || d->digit_count || d->told || d->active || d->farewell.state || d->machine || tools_running(d);

	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		busy |= d->utterances[i].state != UTTERANCE_FREE && d->utterances[i].state != UTTERANCE_MADE;
	for (size_t i = 0; i < BATCHES_MAX; i++)
		busy |= d->batches[i].no != 0;
	return !busy;
}

bool dialogue_quiet(const struct dialogue *d)
{
	return dialogue_listens(d) && !d->speaking && !d->stop_event_us && d->ears != EARS_PROTECTING &&
	       d->ears != EARS_RESTORING && !items_unfinished(d);
}

bool dialogue_speaks(const struct dialogue *d)
{
	return d->active || items_unfinished(d);
}

bool dialogue_needs_model(const struct dialogue *d)
{
	return !d->farewell.state && !tools_running(d);
}

int64_t dialogue_making_ms(const struct dialogue *d, const char *over)
{
	int64_t ms = -1;

	for (size_t i = 0; i < UTTERANCES_MAX; i++) {
		const struct utterance *u = &d->utterances[i];

		if (u->state != UTTERANCE_MAKING || !strcmp(utterance_response(d, u), over))
			continue;
		ms = ms < 0 ? 0 : ms;
		for (size_t j = 0; j < ITEMS_MAX; j++)
			if (d->items[j].no && d->items[j].utterance == u->no)
				ms += (int64_t)(d->items[j].received / G711_BYTES_PER_MS);
	}
	return ms;
}

/* True: a response is owed, and is not being heard. */
static bool is_owed(const struct dialogue *d, const struct utterance *u)
{
	if (u->state == UTTERANCE_MAKING)
		return u->no == d->active && !u->cut;
	return u->state != UTTERANCE_FREE && u->state != UTTERANCE_MADE && !u->cut;
}

int64_t dialogue_waits_us(const struct dialogue *d)
{
	/* Without a session nobody knows whether the caller speaks; but in text. */
	bool waits = d->told || (!d->model && !d->rules.asks);

	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		waits |= is_owed(d, &d->utterances[i]);
	for (size_t i = 0; i < BATCHES_MAX; i++)
		waits |= d->batches[i].no != 0;
	return waits && d->caller && !d->speaking && !d->over ? d->silent_from_us : NEVER_US;
}
