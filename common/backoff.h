#ifndef COMMON_BACKOFF_H
#define COMMON_BACKOFF_H
/* The pause before something that failed is tried again.
 *
 * It doubles with each failure, up to a bound. Chance spreads it between half of that and the
 * whole, so that those who failed together do not return together. A far side that names a
 * time of its own (Retry-After) is not asked before, up to a bound as well. Pure.
 */
#include <stdint.h>

struct backoff {
	int64_t first_ms, most_ms; /* the whole after one failure, and at most */
	int64_t asked_most_s;      /* what is asked for counts up to this; 0: not at all */
};

/* After so many failures in a row, 1 and more. `asked_s`: 0 and less, nothing was asked for.
 * `chance`: 0 to UINT32_MAX, from the least to the most. */
int64_t backoff_ms(const struct backoff *b, int failed, int64_t asked_s, uint32_t chance);

/* Drawn anew each time. */
uint32_t backoff_chance(void);

#endif
