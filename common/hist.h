#ifndef COMMON_HIST_H
#define COMMON_HIST_H
/* How long things took: counts in buckets about 6 % wide, from 1 us to an hour.
 * Any thread adds and any thread reads, without locks; a reader may see a
 * sample or two too few. */
#include <stdatomic.h>
#include <stdint.h>

enum { HIST_BUCKETS = 16 * 32 };

struct hist {
	_Atomic uint32_t bucket[HIST_BUCKETS];
	_Atomic uint64_t count;
	_Atomic uint64_t max_us;
};

void hist_add(struct hist *h, int64_t us); /* below 0 counts as 0 */

/* Upper edge of the bucket that holds the given share (0..1) of the samples,
 * never above the largest seen; 0 without samples. */
uint64_t hist_quantile_us(const struct hist *h, double share);

#endif
