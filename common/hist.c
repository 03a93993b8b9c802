#include "common/hist.h"

/* Bucket of a value: 16 linear steps per power of two, so each is at most 1/16
 * wider than the one before. Values below 16 have a bucket each. */
static unsigned bucket_of(uint64_t us)
{
	unsigned power, at;

	if (us < 16)
		return (unsigned)us;
	power = 63 - (unsigned)__builtin_clzll(us);
	at = (power - 3) * 16 + (unsigned)((us >> (power - 4)) & 15);
	return at < HIST_BUCKETS ? at : HIST_BUCKETS - 1;
}

/* The largest value that falls into the bucket. */
static uint64_t upper_edge(unsigned at)
{
	unsigned power = at / 16 + 3;

	if (at < 16)
		return at;
	return (((uint64_t)(16 + at % 16) + 1) << (power - 4)) - 1;
}

void hist_add(struct hist *h, int64_t us)
{
	uint64_t value = us < 0 ? 0 : (uint64_t)us;
	uint64_t max = atomic_load_explicit(&h->max_us, memory_order_relaxed);

	atomic_fetch_add_explicit(&h->bucket[bucket_of(value)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
	while (value > max && !atomic_compare_exchange_weak_explicit(
				  &h->max_us, &max, value, memory_order_relaxed, memory_order_relaxed))
		;
}

uint64_t hist_quantile_us(const struct hist *h, double share)
{
	uint64_t total = 0, seen = 0, max = atomic_load_explicit(&h->max_us, memory_order_relaxed);
	double wanted;

	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		total += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
	if (!total)
		return 0;
	wanted = share * (double)total;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
		if (seen && (double)seen >= wanted)
			return upper_edge(i) < max ? upper_edge(i) : max;
	}
	return max;
}
