#include "common/clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

int64_t clock_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_iso8601(int64_t wall_ms, char *out, size_t size)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char date[24];

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, size, "%s.%03dZ", date, (int)(wall_ms % 1000));
}

int clock_poll_ms(int64_t now_us, int64_t deadline_us)
{
	int64_t ms;

	if (deadline_us == NEVER_US)
		return -1;
	if (deadline_us <= now_us)
		return 0;
	ms = (deadline_us - now_us - 1) / US_PER_MS + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}
