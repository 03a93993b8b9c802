#include "common/clock.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECONDS_A_DAY = 24 * 3600 };

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

/* timegm of the local date is its number of days, free of the zone's offset. */
int64_t clock_day(int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm local, date;

	localtime_r(&seconds, &local);
	date = (struct tm){ .tm_year = local.tm_year, .tm_mon = local.tm_mon, .tm_mday = local.tm_mday };
	return timegm(&date) / SECONDS_A_DAY;
}

void clock_date(int64_t day, char *out, size_t size)
{
	time_t seconds = (time_t)day * SECONDS_A_DAY;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, size, "%Y-%m-%d", &tm);
}

/* So many digits, no more, no less; then moves on. -1 if they are not there. */
static int digits(const char **at, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

static bool skip(const char **at, char c)
{
	return **at == c ? (*at)++, true : false;
}

/* "", "Z", "+02:00": minutes east of Greenwich. */
static bool zone(const char **at, int *minutes)
{
	int sign = **at == '-' ? -1 : 1, hours, rest;

	*minutes = 0;
	if (!**at || skip(at, 'Z'))
		return true;
	/* A plus that nobody escaped has become a blank in a query. */
	if (!skip(at, '+') && !skip(at, '-') && !skip(at, ' '))
		return false;
	hours = digits(at, 2);
	skip(at, ':');
	rest = digits(at, 2);
	*minutes = sign * (hours * 60 + rest);
	return hours >= 0 && hours < 24 && rest >= 0 && rest < 60;
}

static bool time_of_day(const char **at, struct tm *tm, int *ms, int *minutes)
{
	int scale = 100;

	if ((tm->tm_hour = digits(at, 2)) < 0 || !skip(at, ':') || (tm->tm_min = digits(at, 2)) < 0)
		return false;
	if (skip(at, ':') && (tm->tm_sec = digits(at, 2)) < 0)
		return false;
	if (skip(at, '.')) {
		if (**at < '0' || **at > '9')
			return false;
		for (; **at >= '0' && **at <= '9'; (*at)++, scale /= 10)
			*ms += (**at - '0') * scale;
	}
	return zone(at, minutes) && tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

bool clock_parse(const char *text, int64_t *wall_ms)
{
	struct tm tm = { 0 }, read;
	int ms = 0, minutes = 0;
	size_t len = strspn(text, "0123456789");

	if (len > 0 && len <= 11 && !text[len]) {
		*wall_ms = strtoll(text, NULL, 10) * 1000;
		return true;
	}
	tm.tm_year = digits(&text, 4) - 1900;
	if (tm.tm_year < 0 || !skip(&text, '-') || (tm.tm_mon = digits(&text, 2) - 1) < 0 || !skip(&text, '-') ||
	    (tm.tm_mday = digits(&text, 2)) < 1)
		return false;
	if ((skip(&text, 'T') || skip(&text, ' ')) && !time_of_day(&text, &tm, &ms, &minutes))
		return false;
	read = tm;
	*wall_ms = (timegm(&read) - minutes * INT64_C(60)) * 1000 + ms;
	/* The 31st of February becomes a day in March. */
	return !*text && read.tm_mon == tm.tm_mon && read.tm_mday == tm.tm_mday;
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
