#include "common/letters.h"

#include "tests/unit.h"

#include <string.h>

ONE_THREAD;

static void same(const char *a, const char *b, bool is)
{
	if (letters_same(a, strlen(a), b, strlen(b)) != is || letters_same(b, strlen(b), a, strlen(a)) != is)
		fail_msg("\"%s\" and \"%s\" are taken for %s", a, b, is ? "different" : "the same");
}

static void texts_that_sound_alike_are_the_same(void **state)
{
	(void)state;
	same("", "...", true);
	same("One moment, please.", "one moment please", true);
	same("It's ten o'clock",
	    "Its ten o\xe2\x80\x99"
	    "clock!",
	    true);
	same("\xc3\x89t\xc3\xa9", "ete", true);
	same("<break time=\"1s\"/>Yes", "yes", true);
	same("Friday", "Fryday", false);
	same("Friday", "Friday 13", false);
	same("", "a", false);
}

static void what_is_not_heard_is_stepped_over(void **state)
{
	const char text[] = "A\xff <b>B";
	struct letters r = { text, strlen(text), 0 };

	(void)state;
	assert_int_equal(letters_next(&r), 'a');
	assert_int_equal(letters_next(&r), 'b');
	assert_int_equal(letters_next(&r), 0);
	assert_int_equal(r.at, r.len);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(texts_that_sound_alike_are_the_same),
	cmocka_unit_test(what_is_not_heard_is_stepped_over),
	{ .name = NULL },
};
