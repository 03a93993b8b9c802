#include "server/line/keys/keys.h"

#include "tests/unit.h"

#include <string.h>

ONE_THREAD;

static void keys_are_those_of_a_telephone_and_a_pause(void **state)
{
	static const char *const bad[] = { "", " ", "1 2", "A", "W", "12a", "+1", "-1", "1,2", "\xef\xbc\x91", "1\n",
		"1234567890*#x" };
	char many[CALL_KEYS_MAX + 2];

	(void)state;
	assert_true(keys_are_valid("0123456789*#w"));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(keys_are_valid(bad[i]));
	memset(many, '1', sizeof many - 1);
	many[sizeof many - 1] = '\0';
	assert_false(keys_are_valid(many));
	assert_true(keys_are_valid(many + 1));
}

/* A program may look at the code, a model reads the sentence. */
static void each_answer_has_a_name_and_a_sentence_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < KEYS_ANSWER_COUNT; i++) {
		const struct keys_words *words = keys_words((enum keys_answer)i);

		assert_true(words->code[0]);
		assert_int_equal(words->sentence[strlen(words->sentence) - 1], '.');
		for (int other = 0; other < i; other++)
			assert_string_not_equal(words->code, keys_words((enum keys_answer)other)->code);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(keys_are_those_of_a_telephone_and_a_pause),
	cmocka_unit_test(each_answer_has_a_name_and_a_sentence_of_its_own),
	{ 0 },
};
