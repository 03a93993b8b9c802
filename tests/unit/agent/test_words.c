#include "server/agent/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* "12#" is easier to hear as "1 2 #". */
static void keys_are_told_one_by_one(void **state)
{
	char text[80], small[60];

	(void)state;
	words_keys(text, sizeof text, "12#");
	assert_string_equal(text, "The caller pressed these keys on the telephone keypad: 1 2 #");
	memset(small, 'x', sizeof small);
	words_keys(small, sizeof small, "0123456789"); /* as many as there is room for */
	assert_string_equal(small, "The caller pressed these keys on the telephone keypad: 0 1");
}

static void person_is_named_to_whom_the_caller_is_connected(void **state)
{
	char text[200];

	(void)state;
	words_connecting(text, sizeof text, "Ms Meier");
	assert_non_null(strstr(text, "connecting them to Ms Meier now."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_told_one_by_one),
		cmocka_unit_test(person_is_named_to_whom_the_caller_is_connected),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
