#include "server/caller/lateness.h"

#include <string.h>

void lateness_init(struct lateness *g, int64_t now_us)
{
	memset(g, 0, sizeof *g);
	g->last_us = now_us;
}

/* `way_us` has no meaning of its own, since the clocks are two; but the least of all
 * is a frame that waited nowhere, and what a later one has more is its delay. */
static void note_lateness(struct lateness *g, uint64_t timestamp_ms, int64_t now_us)
{
	int64_t way_us = now_us - (int64_t)timestamp_ms * 1000;

	/* The base creeps up by 1 ms a second, so that a drift between Twilio's
	 * clock and ours never looks like lateness for long. */
	g->base_us += (now_us - g->last_us) / 1000;
	if (!g->begun || way_us < g->base_us)
		g->base_us = way_us;
	g->late_us = way_us - g->base_us;
}

uint32_t lateness_frame(struct lateness *g, bool has_timestamp, uint64_t timestamp_ms, uint32_t len_ms, int64_t now_us)
{
	uint64_t missing = 0;

	if (has_timestamp && timestamp_ms < INT64_MAX / 2000) {
		/* So far from what was due, either way, is no hole and no doubled
		 * frame: the count begins anew, or one wrong timestamp would
		 * make all that follow look hours late. */
		if (timestamp_ms > g->next_ms + LATENESS_FILL_MAX_MS ||
		    g->next_ms > timestamp_ms + LATENESS_FILL_MAX_MS)
			g->begun = false;
		note_lateness(g, timestamp_ms, now_us);
		if (g->begun && timestamp_ms >= g->next_ms + LATENESS_JITTER_MS)
			missing = timestamp_ms - g->next_ms;
		/* A timestamp from the past (a doubled frame) does not turn it back. */
		if (!g->begun || timestamp_ms + len_ms > g->next_ms)
			g->next_ms = timestamp_ms + len_ms;
		g->begun = true;
	} else {
		g->next_ms += len_ms;
	}
	g->last_us = now_us;
	g->look_us = 0;
	g->padded = false;
	/* What was padded on the clock's word is in the model's input already. */
	if (missing <= g->debt_ms) {
		g->debt_ms -= (uint32_t)missing;
		return 0;
	}
	missing -= g->debt_ms;
	g->debt_ms = 0;
	return (uint32_t)missing;
}

uint32_t lateness_late_ms(const struct lateness *g)
{
	return g->late_us > 0 ? (uint32_t)(g->late_us / 1000) : 0;
}

uint32_t lateness_pad(struct lateness *g, bool speaking, int64_t now_us)
{
	if (!g->look_us && now_us >= g->last_us + LATENESS_LOOK_US)
		g->look_us = now_us;
	if (!speaking || g->padded || !g->look_us || now_us < g->look_us + LATENESS_AGAIN_US)
		return 0;
	g->padded = true;
	g->debt_ms += LATENESS_PAD_MS;
	return LATENESS_PAD_MS;
}

int64_t lateness_deadline_us(const struct lateness *g, bool speaking)
{
	if (!speaking || g->padded)
		return INT64_MAX;
	return g->look_us ? g->look_us + LATENESS_AGAIN_US : g->last_us + LATENESS_LOOK_US;
}
