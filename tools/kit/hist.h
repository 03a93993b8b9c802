#ifndef KIT_HIST_H
#define KIT_HIST_H
/* A histogram of durations: exact below 32 ns, then 32 steps to each doubling,
 * so a percentile is right to 3 %. One thread writes; merge when it is done.
 */
#include <stddef.h>
#include <stdint.h>

enum { HIST_STEPS = 32, HIST_CELLS = HIST_STEPS * 36 };

struct hist {
	uint64_t n, max_ns, sum_ns;
	uint32_t cell[HIST_CELLS];
};

void hist_add(struct hist *h, uint64_t ns);
void hist_merge(struct hist *into, const struct hist *from);
/* Upper edge of the cell that holds the value of rank `share` (0..1); 0 if empty. */
uint64_t hist_at(const struct hist *h, double share);
/* Upper edge of a cell. */
uint64_t hist_edge(size_t cell);

#endif
