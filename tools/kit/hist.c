#include "tools/kit/hist.h"

static size_t cell_of(uint64_t ns)
{
	int top;
	size_t cell;

	if (ns < HIST_STEPS)
		return (size_t)ns;
	top = 63 - __builtin_clzll(ns); /* at least 5 */
	cell = (size_t)(top - 4) * HIST_STEPS + (size_t)(ns >> (top - 5) & (HIST_STEPS - 1));
	return cell < HIST_CELLS ? cell : HIST_CELLS - 1;
}

uint64_t hist_edge(size_t cell)
{
	size_t octave = cell / HIST_STEPS, step = cell % HIST_STEPS;

	if (!octave)
		return cell;
	return ((HIST_STEPS + (uint64_t)step + 1) << (octave - 1)) - 1;
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->n++;
	h->sum_ns += ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
	h->cell[cell_of(ns)]++;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	into->n += from->n;
	into->sum_ns += from->sum_ns;
	if (from->max_ns > into->max_ns)
		into->max_ns = from->max_ns;
	for (size_t i = 0; i < HIST_CELLS; i++)
		into->cell[i] += from->cell[i];
}

uint64_t hist_at(const struct hist *h, double share)
{
	uint64_t want = (uint64_t)((double)h->n * share + 0.5), seen = 0;

	if (!h->n)
		return 0;
	if (want < 1)
		want = 1;
	for (size_t i = 0; i < HIST_CELLS; i++) {
		seen += h->cell[i];
		if (seen >= want)
			return hist_edge(i) < h->max_ns ? hist_edge(i) : h->max_ns;
	}
	return h->max_ns;
}
