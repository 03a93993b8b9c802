#include "server/readable.h"

#include "common/json.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

ONE_THREAD;

#define ACTS "\xef\xbf\xbd" /* U+FFFD */

static void assert_text(const char *text, const char *wanted)
{
	readable_text(&written, text);
	assert_written(wanted);
}

static void text_of_people_is_left_as_it_is(void **state)
{
	(void)state;
	assert_text(NULL, "");
	assert_text("", "");
	assert_text("Grüß Gott, 你好, मनुष्य 👩‍👧 \"<&\\",
	    "Grüß Gott, 你好, मनुष्य 👩‍👧 \"<&\\");
}

static void nothing_steers_the_terminal(void **state)
{
	char text[2] = "", wanted[8];

	(void)state;
	for (int ch = 1; ch < 0x20; ch++) {
		text[0] = (char)ch;
		strcpy(wanted, strchr("\t\n\r", ch) ? " " : ACTS);
		assert_text(text, wanted);
	}
	assert_text("\x7f", ACTS);
	assert_text("\x1b[2J\x1b]0;title\x07", ACTS "[2J" ACTS "]0;title" ACTS);
	assert_text("\xc2\x9b"
		    "31m\xc2\x80\xc2\x9f\xc2\xa0",
	    ACTS "31m" ACTS ACTS "\xc2\xa0");
	/* Bytes that are no UTF-8, among them a bare C1 control and one that was cut off. */
	assert_text("a\x9b"
		    "b\xff\xc3",
	    "a" ACTS "b" ACTS ACTS);
}

static void nothing_turns_or_hides_what_stands_beside_it(void **state)
{
	static const char *const acting[] = { "\u061c", "\u200b", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a",
		"\u202d", "\u202e", "\u2060", "\u2066", "\u2069", "\u206f", "\ufeff", "\ufff9", "\U000e0041" };

	(void)state;
	for (size_t i = 0; i < sizeof acting / sizeof *acting; i++)
		assert_text(acting[i], ACTS);
	assert_text("\u2010\u2027\u202f\u2070\U000e1000", "\u2010\u2027\u202f\u2070\U000e1000");
}

static void lines_stay_lines(void **state)
{
	(void)state;
	readable_lines(&written, "a\tb\n\x1b[2J\n\nc");
	assert_written("a b\n" ACTS "[2J\n\nc");
	readable_lines(&written, "");
	assert_written("");
}

static void a_start_is_cut_between_characters(void **state)
{
	(void)state;
	readable_start(&written, "äöü", 3);
	assert_written("äöü");
	readable_start(&written, "äöüß", 3);
	assert_written("äö…");
	readable_start(&written, "\x1b\x1b\x1b\x1b", 3);
	assert_written(ACTS ACTS "…");
	readable_cell(&written, "äö", 4);
	assert_written("äö   ");
	readable_cell(&written, "äöüßä", 4);
	assert_written("äöü… ");
	readable_cell(&written, NULL, 2);
	assert_written("   ");
}

/* Programs read the same from it. */
static void json_keeps_its_meaning_and_steers_nothing(void **state)
{
	static const char json[] = "{\"a\":\"\xc2\x9b\u202e\U000e0041\x7f\\u001b é\",\t\"b\":1}\n";
	static const char wanted[] = "{\"a\":\"\\u009b\\u202e\\udb40\\udc41\\u007f\\u001b é\", \"b\":1}\n";
	cJSON *before = json_parse(json, sizeof json - 1), *after;
	(void)state;
	readable_json(&written, json, sizeof json - 1);
	after = json_parse(buf_text(&written), written.len);
	assert_non_null(before);
	assert_true(cJSON_Compare(before, after, true));
	cJSON_Delete(before);
	cJSON_Delete(after);
	assert_written(wanted);
}

static void times_are_those_of_the_place(void **state)
{
	(void)state;
	setenv("TZ", "CET-1", 1);
	tzset();
	readable_time(&written, "2026-11-20T23:15:30.999Z");
	assert_written("2026-11-21 00:15:30");
	readable_time(&written, NULL);
	assert_written("-");
	readable_time(&written, "\x1b[2J");
	assert_written("-");
}

static void values_are_as_people_write_them(void **state)
{
	static const struct {
		void (*put)(struct buf *, double);
		double value;
		const char *wanted;
	} rows[] = {
		{ readable_seconds, 0, "0:00" },
		{ readable_seconds, -1, "0:00" },
		{ readable_seconds, 1e300, "0:00" },
		{ readable_seconds, 59.999, "0:59" },
		{ readable_seconds, 754, "12:34" },
		{ readable_seconds, 3600, "1:00:00" },
		{ readable_seconds, 86400 + 3723, "1 day 1:02:03" },
		{ readable_seconds, 10 * 86400, "10 days 0:00:00" },
		{ readable_usd, 0, "$0.00" },
		{ readable_usd, 0.0338, "$0.0338" },
		{ readable_usd, 12.345, "$12.35" },
		{ readable_bytes, 999, "999 bytes" },
		{ readable_bytes, 1234, "1.2 KB" },
		{ readable_bytes, 999600, "1.0 MB" },
		{ readable_bytes, 208278, "208 KB" },
		{ readable_bytes, 5e12, "5.0 TB" },
		{ readable_bytes, 5e16, "50000 TB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rows[i].put(&written, rows[i].value);
		assert_written(rows[i].wanted);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(text_of_people_is_left_as_it_is),
	cmocka_unit_test(nothing_steers_the_terminal),
	cmocka_unit_test(nothing_turns_or_hides_what_stands_beside_it),
	cmocka_unit_test(lines_stay_lines),
	cmocka_unit_test(a_start_is_cut_between_characters),
	cmocka_unit_test(json_keeps_its_meaning_and_steers_nothing),
	cmocka_unit_test(times_are_those_of_the_place),
	cmocka_unit_test(values_are_as_people_write_them),
	GROUP(written_begin, written_end),
};
