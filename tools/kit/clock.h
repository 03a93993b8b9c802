#ifndef KIT_CLOCK_H
#define KIT_CLOCK_H
/* The phone's one clock: nanoseconds of CLOCK_MONOTONIC. */
#include <stdint.h>
#include <time.h>

enum { TICK_MS = 20, TICK_BYTES = 160, BYTES_PER_MS = 8 }; /* G.711 at 8 kHz */

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define TICK_NS (TICK_MS * NS_PER_MS)

static inline uint64_t mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

#endif
