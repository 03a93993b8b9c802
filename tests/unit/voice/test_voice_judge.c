#include "server/voice/voice_judge.h"

#include "tests/unit.h"

#include <string.h>

ONE_THREAD;

enum { SECOND = 8000 };

static uint8_t sound[120 * SECOND];

/* So much loud sound, and silence behind it. */
static enum voice_verdict judge(size_t loud, size_t quiet, const char *transcript, const char *text)
{
	for (size_t i = 0; i < loud; i++)
		sound[i] = i & 4 ? 0x10 : 0x90;
	memset(sound + loud, 0xff, quiet);
	return voice_judge(sound, loud + quiet, transcript, text, 1.0);
}

static void a_line_is_said_in_its_words(void **state)
{
	(void)state;
	assert_int_equal(judge(SECOND, 0, "One moment, please.", "One moment, please."), VOICE_SAID);
	assert_int_equal(judge(SECOND, 0, " one  Moment please", "One moment, please."), VOICE_SAID);
	assert_int_equal(
	    judge(SECOND, 0, "Une minute, s\xe2\x80\x99il vous pla\xc3\xaet !", "Une minute, s'il vous plait!"),
	    VOICE_SAID);
}

static void other_words_are_a_miss(void **state)
{
	(void)state;
	assert_int_equal(judge(SECOND, 0, "", "One moment, please."), VOICE_OTHER_WORDS);
	assert_int_equal(judge(SECOND, 0, "One moment.", "One moment, please."), VOICE_OTHER_WORDS);
	assert_int_equal(judge(SECOND, 0, "Sure! One moment, please.", "One moment, please."), VOICE_OTHER_WORDS);
	assert_int_equal(
	    judge(SECOND, 0, "One moment, please. Anything else?", "One moment, please."), VOICE_OTHER_WORDS);
}

static void silence_is_a_miss(void **state)
{
	(void)state;
	assert_int_equal(judge(0, 0, "Hello.", "Hello."), VOICE_SILENT);
	assert_int_equal(judge(0, SECOND, "Hello.", "Hello."), VOICE_SILENT);
	assert_int_equal(judge(SECOND / 10, SECOND, "Hello.", "Hello."), VOICE_SILENT);
	assert_int_equal(judge(SECOND, SECOND, "Hello.", "Hello."), VOICE_SAID); /* a pause is none */
}

static void a_length_that_cannot_be_is_a_miss(void **state)
{
	char text[1001];

	(void)state;
	memset(text, 'a', 1000);
	text[1000] = '\0';
	assert_int_equal(judge(SECOND, 0, text, text), VOICE_TOO_SHORT);
	assert_int_equal(judge(60 * SECOND, 0, text, text), VOICE_SAID);
	assert_int_equal(judge(60 * SECOND, 0, "Hello.", "Hello."), VOICE_TOO_LONG);
	assert_int_equal(judge(4 * SECOND, 0, "Hello.", "Hello."), VOICE_SAID);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_line_is_said_in_its_words),
	cmocka_unit_test(other_words_are_a_miss),
	cmocka_unit_test(silence_is_a_miss),
	cmocka_unit_test(a_length_that_cannot_be_is_a_miss),
	{ .name = NULL },
};
