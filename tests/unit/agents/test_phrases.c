/* The sentences of our own, and the choice among them. */
#include "server/agents/phrases.h"

#include "common/json.h"
#include "server/agents/agent.h"
#include "tests/unit.h"

#include <stddef.h>
#include <string.h>

ONE_THREAD;

static const char *const codes[] = { "en", "es", "fr", "de", "it", "pt", "nl", "pl" };

/* An agent that speaks this first. */
static struct agent of_language(const char *const *code)
{
	return (struct agent){ .languages = code,
		.language_count = 1,
		.transcription_language = *code,
		.say_voice = "",
		.say_language = "" };
}

static void every_phrase_is_there_in_every_language(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		struct agent p = of_language(&codes[i]);

		for (int phrase = 0; phrase < PHRASE_COUNT; phrase++) {
			struct spoken s = phrase_of(&p, (enum phrase)phrase);
			size_t len = strlen(s.text);

			assert_in_range(len, 10, PHRASE_MAX);
			assert_true(utf8_valid(s.text, len));
			assert_non_null(strchr(".!?", s.text[len - 1]));
			/* No language has a variable that others lack: none has any. */
			assert_null(strpbrk(s.text, "{}<>%\n"));
			assert_false(s.own);
			assert_string_equal(s.voice, "");
			/* It is that language's text, and Twilio is told so. */
			assert_int_equal(strlen(s.language), 5);
			assert_memory_equal(s.language, codes[i], 2);
		}
	}
}

static void no_phrase_is_another_or_stayed_english(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		struct agent p = of_language(&codes[i]);

		for (int phrase = 0; phrase < PHRASE_COUNT; phrase++) {
			const char *text = phrase_of(&p, (enum phrase)phrase).text;

			if (i > 0)
				assert_string_not_equal(text, phrase_of(NULL, (enum phrase)phrase).text);
			for (int other = 0; other < phrase; other++)
				assert_string_not_equal(text, phrase_of(&p, (enum phrase)other).text);
		}
	}
}

static void language_is_the_agents_first_else_that_of_the_transcript_else_english(void **state)
{
	static const char *const several[] = { "es", "en" };
	struct agent p = of_language(several);

	(void)state;
	p.language_count = 2;
	assert_string_equal(phrase_of(&p, PHRASE_ONE_MOMENT).text, "Un momento, por favor.");
	p.language_count = 0;
	p.transcription_language = "de";
	assert_string_equal(phrase_of(&p, PHRASE_ONE_MOMENT).text, "Einen Moment, bitte.");
	p.transcription_language = "";
	assert_string_equal(phrase_of(&p, PHRASE_ONE_MOMENT).text, "One moment, please.");
	assert_string_equal(phrase_of(NULL, PHRASE_ONE_MOMENT).language, "en-US");
}

/* A sentence of ours is English then, and read as English; one of the agent's as its own language. */
static void language_without_sentences_of_ours_is_read_where_the_agent_has_its_own(void **state)
{
	static const char *const swedish[] = { "sv" }, *const greek[] = { "el" };
	struct agent p = of_language(swedish);

	(void)state;
	assert_string_equal(phrase_of(&p, PHRASE_BUSY).language, "en-US");
	p.phrases[PHRASE_BUSY] = "Alla linjer är upptagna.";
	assert_string_equal(phrase_of(&p, PHRASE_BUSY).language, "sv-SE");
	assert_true(phrase_of(&p, PHRASE_BUSY).own);
	assert_string_equal(phrase_of(&p, PHRASE_APOLOGY).language, "en-US");
	p = of_language(greek);
	p.phrases[PHRASE_BUSY] = "Όλες οι γραμμές είναι κατειλημμένες.";
	assert_string_equal(phrase_of(&p, PHRASE_BUSY).language, "");
}

/* Twilio refuses a voice with another voice's language, and then nothing is heard. */
static void voice_goes_alone_unless_its_language_is_named(void **state)
{
	struct agent p = of_language(codes);

	(void)state;
	p.say_voice = "Polly.Mia";
	assert_string_equal(phrase_of(&p, PHRASE_BUSY).voice, "Polly.Mia");
	assert_string_equal(phrase_of(&p, PHRASE_BUSY).language, "");
	p.say_language = "es-MX";
	assert_string_equal(phrase_of(&p, PHRASE_BUSY).language, "es-MX");
	p.say_voice = "";
	assert_string_equal(phrase_of(&p, PHRASE_BUSY).language, "es-MX");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_phrase_is_there_in_every_language),
	cmocka_unit_test(no_phrase_is_another_or_stayed_english),
	cmocka_unit_test(language_is_the_agents_first_else_that_of_the_transcript_else_english),
	cmocka_unit_test(language_without_sentences_of_ours_is_read_where_the_agent_has_its_own),
	cmocka_unit_test(voice_goes_alone_unless_its_language_is_named),
	{ 0 },
};
