#include "tools/phone/agent.h"

#include <stdlib.h>

#include "tools/kit/text.h"

void agent_close(struct agent *a)
{
	free(a->answers);
	*a = (struct agent){ 0 };
}

const struct answer *agent_last(const struct agent *a)
{
	return a->count ? &a->answers[a->count - 1] : NULL;
}

uint32_t agent_silent_ticks(const struct agent *a, uint32_t tick)
{
	const struct answer *last = agent_last(a);

	if (!last)
		return UINT32_MAX;
	return tick > last->end_tick ? tick - last->end_tick : 0;
}

bool agent_tick(struct agent *a, uint32_t tick, size_t bytes)
{
	struct answer *last = a->count ? &a->answers[a->count - 1] : NULL;
	bool began = false;

	a->audible = bytes > 0;
	if (!bytes)
		return false;
	if (!a->open || agent_silent_ticks(a, tick) >= ANSWER_GAP_TICKS) {
		if (a->count == a->cap) {
			a->cap = a->cap ? a->cap * 2 : 8;
			a->answers = need_more(a->answers, a->cap * sizeof *a->answers);
		}
		last = &a->answers[a->count++];
		*last = (struct answer){ .begin_tick = tick };
		a->open = began = true;
	} else if (tick > last->end_tick) {
		last->gaps++;
	}
	last->end_tick = tick + 1;
	last->played_bytes += bytes;
	return began;
}

void agent_clear(struct agent *a, size_t unplayed_bytes)
{
	struct answer *last = a->count ? &a->answers[a->count - 1] : NULL;

	if (last && a->open && (a->audible || unplayed_bytes)) {
		last->cut = true;
		last->unplayed_bytes += unplayed_bytes;
	}
	a->open = false;
	a->audible = false;
}
