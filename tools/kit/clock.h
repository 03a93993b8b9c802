#ifndef KIT_CLOCK_H
#define KIT_CLOCK_H
/* The stand-ins' one clock: nanoseconds of CLOCK_MONOTONIC. */
#include <errno.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

static inline uint64_t mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* Returns at that time, or at once when it is over. */
static inline void sleep_until_ns(uint64_t at)
{
	struct timespec t = { .tv_sec = (time_t)(at / NS_PER_S), .tv_nsec = (long)(at % NS_PER_S) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static inline void sleep_ms(long ms)
{
	sleep_until_ns(mono_ns() + (uint64_t)(ms > 0 ? ms : 0) * NS_PER_MS);
}

#endif
