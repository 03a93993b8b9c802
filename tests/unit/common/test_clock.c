#include "common/clock.h"
#include "tests/unit.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

ONE_THREAD;

static void poll_never_returns_just_before_the_deadline(void **state)
{
	(void)state;
	assert_int_equal(clock_poll_ms(1000, 1000), 0);
	assert_int_equal(clock_poll_ms(1000, 999), 0);
	assert_int_equal(clock_poll_ms(1000, INT64_MIN), 0);
	assert_int_equal(clock_poll_ms(1000, 1001), 1);
	assert_int_equal(clock_poll_ms(1000, 2000), 1);
	assert_int_equal(clock_poll_ms(1000, 2001), 2);
	assert_int_equal(clock_poll_ms(0, NEVER_US), -1);
	assert_int_equal(clock_poll_ms(0, NEVER_US - 1), INT_MAX);
	for (int64_t left = 1; left < 5000; left++)
		assert_true((int64_t)clock_poll_ms(7, 7 + left) * US_PER_MS >= left);
}

static void time_of_day_is_written_as_iso_8601(void **state)
{
	char text[32];

	(void)state;
	clock_iso8601(0, text, sizeof text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	clock_iso8601(1795169730123, text, sizeof text);
	assert_string_equal(text, "2026-11-20T10:15:30.123Z");
	clock_iso8601(1709251199999, text, 25);
	assert_string_equal(text, "2024-02-29T23:59:59.999Z");
}

static void a_day_begins_at_midnight_where_the_clock_stands(void **state)
{
	/* Berlin: 23:59:59.999 and 0:00 of the days on which its clocks change, and the hour that is there twice. */
	static const struct {
		const char *zone;
		int64_t ms;
		const char *date;
	} cases[] = {
		{ "UTC0", 1795132799999, "2026-11-19" },
		{ "UTC0", 1795132800000, "2026-11-20" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774738799999, "2026-03-28" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774738800000, "2026-03-29" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774821599999, "2026-03-29" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774821600000, "2026-03-30" },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1792886400000, "2026-10-25" },
		{ "EST5", 1795150799999, "2026-11-19" },
		{ "EST5", 1795150800000, "2026-11-20" },
	};
	char date[11];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		setenv("TZ", cases[i].zone, 1);
		tzset();
		clock_date(clock_day(cases[i].ms), date, sizeof date);
		assert_string_equal(date, cases[i].date);
	}
	unsetenv("TZ");
	tzset();
}

static void time_is_read_as_people_write_it(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "2026-11-20T10:15:30.123Z", 1795169730123 }, { "2026-11-20T10:15:30Z", 1795169730000 },
		{ "2026-11-20T10:15:30", 1795169730000 }, { "2026-11-20 10:15:30.5", 1795169730500 },
		{ "2026-11-20T12:15:30+02:00", 1795169730000 }, { "2026-11-20T12:15:30 02:00", 1795169730000 },
		{ "2026-11-20T04:45:30.000-0530", 1795169730000 }, { "2026-11-20T10:15", 1795169700000 },
		{ "2026-11-20", 1795132800000 }, { "2024-02-29", 1709164800000 }, { "1795169730", 1795169730000 },
		{ "0", 0 }, { "2026-11-20T10:15:30.1239999Z", 1795169730123 } };
	static const char *const bad[] = { "", " ", "yesterday", "2026-11", "2026-13-01", "2026-00-10", "2026-02-29",
		"2026-11-31", "2026-11-20T", "2026-11-20T10", "2026-11-20T24:00:00", "2026-11-20T10:60",
		"2026-11-20T10:15:30.Z", "2026-11-20T10:15:30+2", "2026-11-20T10:15:30Zx", "2026-11-20x", "26-11-20",
		"-1", "1795169730123", "1.5", "0x10", "2026-11-20T10:15:30+25:00", "2026-11-20T-1:15:30" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		if (!clock_parse(good[i].text, &ms))
			fail_msg("refused: %s", good[i].text);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (clock_parse(bad[i], &ms))
			fail_msg("taken: %s", bad[i]);
}

static void monotonic_clock_does_not_run_back(void **state)
{
	int64_t last = clock_now_us();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_now_us();

		assert_true(now >= last);
		last = now;
	}
	assert_true(clock_wall_ms() > 1700000000000);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(poll_never_returns_just_before_the_deadline),
	cmocka_unit_test(time_of_day_is_written_as_iso_8601),
	cmocka_unit_test(a_day_begins_at_midnight_where_the_clock_stands),
	cmocka_unit_test(time_is_read_as_people_write_it),
	cmocka_unit_test(monotonic_clock_does_not_run_back),
	{ 0 },
};
