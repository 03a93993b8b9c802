#include "server/model/words.h"

#include "server/agents/agent.h"
#include "tests/unit.h"

#include <stddef.h>
#include <string.h>

ONE_THREAD;

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

/* A caller may speak another language than the agent's first, so built-in sentences are
 * put to the model as an instruction. */
static void phrase_is_the_agents_own_words_or_an_instruction_with_ours(void **state)
{
	static const enum phrase spoken_by_the_model[] = { PHRASE_TIME_LIMIT, PHRASE_COST_LIMIT, PHRASE_MACHINE,
		PHRASE_ONE_MOMENT, PHRASE_STILL_THERE, PHRASE_IDLE };
	struct agent p = { .transcription_language = "es", .say_voice = "", .say_language = "" };
	char out[WORDS_PHRASE_SIZE], longest[PHRASE_MAX + 1];
	bool exact;

	(void)state;
	memset(longest, 'x', PHRASE_MAX);
	longest[PHRASE_MAX] = '\0';
	for (size_t i = 0; i < sizeof spoken_by_the_model / sizeof *spoken_by_the_model; i++) {
		enum phrase phrase = spoken_by_the_model[i];

		p.phrases[phrase] = NULL;
		assert_ptr_equal(words_phrase(&p, phrase, out, &exact), out);
		assert_false(exact);
		assert_string_equal(strstr(out, phrase_of(&p, phrase).text), phrase_of(&p, phrase).text);
		assert_non_null(strstr(out, "language"));
		p.phrases[phrase] = longest;
		assert_string_equal(words_phrase(&p, phrase, out, &exact), longest);
		assert_true(exact);
	}
	assert_string_equal(phrase_of(&p, PHRASE_BUSY).language, "es-ES");
}

static void person_is_named_to_whom_the_caller_is_connected(void **state)
{
	char text[200];

	(void)state;
	words_connecting(text, sizeof text, "Ms Meier");
	assert_non_null(strstr(text, "connecting them to Ms Meier now."));
}

static void who_can_speak_several_languages_is_told_where_the_phone_is_back(void **state)
{
	static const struct relay_language languages[] = { { .code = "es-ES" } };
	struct agent p = { .channel = CHANNEL_RELAY, .relay = { .attributes = { [RELAY_language] = "en-US" } } };
	char note[400] = "Back.";

	(void)state;
	words_first_language(note, sizeof note, &p);
	assert_string_equal(note, "Back.");
	p.relay.languages = languages;
	p.relay.language_count = 1;
	words_first_language(note, sizeof note, &p);
	assert_string_equal(note, "Back. You are spoken in en-US again.");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(keys_are_told_one_by_one),
	cmocka_unit_test(phrase_is_the_agents_own_words_or_an_instruction_with_ours),
	cmocka_unit_test(person_is_named_to_whom_the_caller_is_connected),
	cmocka_unit_test(who_can_speak_several_languages_is_told_where_the_phone_is_back),
	{ 0 },
};
