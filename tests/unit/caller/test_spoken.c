#include "server/caller/spoken.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct spoken_text spoken;

FIXTURE(begin, spoken_init(&spoken))

FIXTURE(end, spoken_free(&spoken))

static void send(const char *text)
{
	spoken_sent(&spoken, text, strlen(text));
}

/* Of `sent`, what the account says was heard; NULL: it does not begin with that. */
static void expect_heard(const char *sent, const char *account, const char *heard)
{
	struct spoken_text s;
	uint64_t to = 0;
	bool found;

	spoken_init(&s);
	spoken_sent(&s, sent, strlen(sent));
	found = spoken_from(&s, 0, account, strlen(account), &to);
	if (found != (heard != NULL) || (heard && (to != strlen(heard) || memcmp(sent, heard, to) != 0)))
		fail_msg(
		    "of \"%s\" \"%s\" gives \"%.*s\", %s", sent, account, (int)to, sent, found ? "found" : "not found");
	spoken_free(&s);
}

static void an_account_is_found_whatever_it_leaves_out(void **state)
{
	static const struct {
		const char *sent, *account, *heard;
	} rows[] = {
		{ "We open at nine in the morning.", "We open at nine in the", "We open at nine in the" },
		{ "We open at nine in the morning.", "we OPEN at Nine", "We open at nine" },
		{ "We open at nine in the morning.", "We open at nine in the morning",
		    "We open at nine in the morning." },
		{ "We open at nine in the morning.", "  We  open\nat nine ", "We open at nine" },
		{ "Yes! (Of course.) Come in.", "yes of course", "Yes! (Of course.)" },
		{ "It's ten o\xe2\x80\x99"
		  "clock.",
		    "Its ten o'clock",
		    "It's ten o\xe2\x80\x99"
		    "clock." },
		{ "Well \xf0\x9f\x98\x80 then", "Well then", "Well \xf0\x9f\x98\x80 then" },
		{ "Say <phoneme ph=\"a\">ah</phoneme> now", "say ah", "Say <phoneme ph=\"a\">ah</phoneme>" },
		{ "a < b and c", "a b and", "a < b and" },
		/* In the middle of a word. */
		{ "We open at nine", "We open at ni", "We open at ni" },
		/* Nothing was heard, or nothing that can be. */
		{ "We open", "", "" },
		{ "We open", " ... ", "" },
		{ "", "", "" },
		{ "...", "", "" },
		/* Never sent, or more than was sent. */
		{ "We open at nine", "We close at ten", NULL },
		{ "We open at nine", "open at nine", NULL },
		{ "We open at nine", "We open at nine in the morning", NULL },
		{ "", "hello", NULL },
		{ "...", "hello", NULL },
		/* Words that come again: from where it begins. */
		{ "no no no no", "no no", "no no" },
		{ "I think I know", "I think I", "I think I" },
		/* Without blanks. */
		{ "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c\xe3\x80\x82",
		    "\xe4\xbd\xa0\xe5\xa5\xbd", "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c" },
		{ "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c\xe3\x80\x82",
		    "\xe4\xbd\xa0\xe5\xa5\xbd \xe4\xb8\x96", "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96" },
		/* Accents, in one piece or two, or left out. */
		{ "cafe\xcc\x81 au lait", "caf\xc3\xa9", "cafe\xcc\x81" },
		{ "caf\xc3\xa9 au lait", "CAFE\xcc\x81", "caf\xc3\xa9" },
		{ "\xc3\x89t\xc3\xa9", "ete", "\xc3\x89t\xc3\xa9" },
		{ "\xc5\xbb\xc3\xb3\xc5\x82w", "zolw", "\xc5\xbb\xc3\xb3\xc5\x82w" },
		/* Cyrillic and Greek capitals, a final sigma, Vietnamese, wide Latin. */
		{ "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82",
		    "\xd0\xbf\xd0\xa0\xd0\x98\xd0\xb2\xd0\xb5\xd1\x82",
		    "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82" },
		{ "\xd0\x81\xd0\xb9", "\xd0\xb5\xd0\x98", "\xd0\x81\xd0\xb9" },
		{ "\xce\x86\xcf\x83\xcf\x82", "\xce\xb1\xce\xa3\xcf\x83", "\xce\x86\xcf\x83\xcf\x82" },
		{ "\xe1\xbb\x87\xe1\xba\xa4", "ea", "\xe1\xbb\x87\xe1\xba\xa4" },
		{ "\xef\xbc\xa1\xef\xbd\x82\xef\xbc\x91", "aB1", "\xef\xbc\xa1\xef\xbd\x82\xef\xbc\x91" },
		/* Right to left, with and without points. */
		{ "\xd7\xa9\xd6\xb8\xd7\x9c\xd7\x95\xd6\xb9\xd7\x9d", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
		    "\xd7\xa9\xd6\xb8\xd7\x9c\xd7\x95\xd6\xb9\xd7\x9d" },
		/* Letters of which half is missing. */
		{ "a\xe4\xbd", "a", "a\xe4\xbd" },
		{ "ab",
		    "a\xff"
		    "b",
		    "ab" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_heard(rows[i].sent, rows[i].account, rows[i].heard);
}

static void an_account_may_begin_anywhere_and_run_over_several_pieces(void **state)
{
	uint64_t to;

	(void)state;
	send("Hello. ");
	send("We open ");
	send("at nine.");
	assert_true(spoken_from(&spoken, 0, "hello we open", 13, &to));
	assert_int_equal(to, 14);
	assert_true(spoken_from(&spoken, 7, "we open at", 10, &to));
	assert_int_equal(to, 17);
	assert_true(spoken_from(&spoken, 14, "at nine", 7, &to));
	assert_int_equal(to, 23);
	assert_false(spoken_from(&spoken, 16, "at nine", 7, &to));
	/* At the end there is nothing; behind it not even that. */
	assert_true(spoken_from(&spoken, 23, "", 0, &to));
	assert_false(spoken_from(&spoken, 24, "", 0, &to));
}

static void words_that_went_astray_are_looked_for_further_on(void **state)
{
	uint64_t to;

	(void)state;
	send("It is 9 o'clock, and we are open. We are open all day, and we are open all night.");
	assert_false(spoken_from(&spoken, 0, "we are open all", 15, &to));
	assert_true(spoken_behind(&spoken, 0, "we are open all", 15, &to));
	assert_int_equal(to, 49); /* the first place, not the last */
	assert_true(spoken_behind(&spoken, 49, "we are open all", 15, &to));
	assert_int_equal(to, 74);
	assert_false(spoken_behind(&spoken, 60, "we are open all", 15, &to)); /* in the middle of a word */
	assert_false(spoken_behind(&spoken, 0, "we are", 6, &to));            /* that may be anywhere */
	assert_false(spoken_behind(&spoken, 0, "we are closed today", 19, &to));
	assert_false(spoken_behind(&spoken, 1000, "we are open all", 15, &to));
}

static void silence_is_what_nobody_hears(void **state)
{
	(void)state;
	send("Hello. \xe2\x80\xa6 <break time=\"1s\"/> A");
	assert_false(spoken_silent(&spoken, 0, 7));
	assert_true(spoken_silent(&spoken, 5, 30));
	assert_false(spoken_silent(&spoken, 5, 32));
	assert_true(spoken_silent(&spoken, 7, 7));
	assert_false(spoken_silent(&spoken, 31, 99)); /* of that nothing is known */
}

static void of_a_very_long_answer_the_newest_is_kept(void **state)
{
	uint64_t to, at = 0;
	char piece[100];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		at += (uint64_t)sprintf(piece, "number %d and so on, ", i);
		send(piece);
		assert_true(spoken.text.len <= SPOKEN_KEPT);
	}
	assert_int_equal(spoken.begin + spoken.text.len, at);
	assert_false(spoken_from(&spoken, 0, "number", 6, &to));
	assert_true(spoken_from(&spoken, at - strlen(piece), "number 1999", 11, &to));
	assert_int_equal(to, at - strlen(piece) + 11);
}

static void sixty_four_kilobytes_without_a_blank_are_counted_right(void **state)
{
	char *text = malloc(65536);
	uint64_t to;

	(void)state;
	memset(text, 'a', 65536);
	send("before");
	spoken_sent(&spoken, text, 65536);
	assert_int_equal(spoken.begin + spoken.text.len, 65536 + 6);
	assert_false(spoken_from(&spoken, 6, text, 100, &to));
	assert_true(spoken_from(&spoken, 65536 + 6 - 100, text, 100, &to));
	assert_false(spoken_from(&spoken, 65536 + 6 - 100, text, 101, &to));
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	TEST(an_account_is_found_whatever_it_leaves_out),
	TEST(an_account_may_begin_anywhere_and_run_over_several_pieces),
	TEST(words_that_went_astray_are_looked_for_further_on),
	TEST(silence_is_what_nobody_hears),
	TEST(of_a_very_long_answer_the_newest_is_kept),
	TEST(sixty_four_kilobytes_without_a_blank_are_counted_right),
	{ 0 },
};
