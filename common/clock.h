#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H
/* Time. Deadlines are microseconds on the monotonic clock; only what people
 * read uses the calendar. Modules that decide take `now_us` as an argument. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { US_PER_MS = 1000, US_PER_S = 1000000 };
#define NEVER_US INT64_MAX

static inline int64_t earlier(int64_t x, int64_t y)
{
	return x < y ? x : y;
}

static inline int64_t later(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

int64_t clock_now_us(void);  /* CLOCK_MONOTONIC */
int64_t clock_wall_ms(void); /* Unix time in ms */

/* "2026-11-20T10:15:30.123Z"; out holds at least 25 bytes. */
void clock_iso8601(int64_t wall_ms, char *out, size_t size);

/* The calendar day in the time zone of the process, as days since 1970-01-01: one more
 * at each midnight there, whatever the clocks do in spring and autumn. */
int64_t clock_day(int64_t wall_ms);

enum { CLOCK_DATE_SIZE = 11 };

/* "2026-11-20"; out holds CLOCK_DATE_SIZE bytes. */
void clock_date(int64_t day, char *out, size_t size);

/* Reads a time as people write it: "2026-11-20", "2026-11-20T10:15:30" with or
 * without fractions, "Z" or "+02:00" (without either it is UTC), or Unix time in
 * seconds. False if it is none of these. */
bool clock_parse(const char *text, int64_t *wall_ms);

/* Timeout for poll until deadline_us: 0 when past, -1 for NEVER_US, rounded up
 * so that poll does not return just before it. */
int clock_poll_ms(int64_t now_us, int64_t deadline_us);

#endif
