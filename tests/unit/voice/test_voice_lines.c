#include "server/voice/voice_lines.h"

#include "tests/unit.h"

#include <string.h>

ONE_THREAD;

static struct model_endpoints two = { .count = 2 };
static const struct agent_endpoint second = { .number = 2, .model = "theirs" };
static const struct agent desk = { .name = "desk",
	.openai_model = "m",
	.voice = "marin",
	.speed = 1,
	.say_voice = "",
	.say_language = "",
	.transcription_language = "",
	.greeting_mode = GREETING_EXACT,
	.greeting = "Welcome." };

static int begin(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		two.list[i] = (struct model_access){ .number = i + 1, .key = "k" };
	two.list[1].voice = "cedar";
	return 0;
}

static bool has(const struct agent *p, const char *text)
{
	const char *lines[VOICE_LINES_MAX];
	size_t count = voice_lines(p, lines);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(lines[i], text))
			return true;
	return false;
}

static void the_greeting_is_one_if_its_words_are_fixed(void **state)
{
	struct agent p = desk;

	(void)state;
	assert_true(has(&p, "Welcome."));
	p.greeting = "Welcome, {{name}}.";
	assert_false(has(&p, p.greeting));
	p.greeting = "Greet the caller.";
	p.greeting_mode = GREETING_INSTRUCTION;
	assert_false(has(&p, p.greeting));
}

static void phrases_are_the_agents_own_where_it_has_some(void **state)
{
	struct agent p = desk;

	(void)state;
	assert_true(has(&p, "One moment, please."));
	p.phrases[PHRASE_ONE_MOMENT] = "Just a second.";
	assert_true(has(&p, "Just a second."));
	assert_false(has(&p, "One moment, please."));
	assert_false(has(&p, phrase_of(&p, PHRASE_BUSY).text)); /* is heard before a stream */
}

static void phrases_are_none_where_there_is_no_text_in_the_agents_language(void **state)
{
	static const char *const japanese[] = { "ja" };
	const char *lines[VOICE_LINES_MAX];
	struct agent p = desk;

	(void)state;
	p.languages = japanese;
	p.language_count = 1;
	assert_int_equal(voice_lines(&p, lines), 1);
	assert_string_equal(lines[0], "Welcome.");
	p.phrases[PHRASE_ONE_MOMENT] = "少々お待ちください。";
	assert_int_equal(voice_lines(&p, lines), 2);
	assert_true(has(&p, p.phrases[PHRASE_ONE_MOMENT]));
}

/* Where there are no transcripts, no question is known. */
static void instant_answers_are_lines(void **state)
{
	static const struct agent_instant instants[] = { { .say = "Nine to five." }, { .say = "Behind the house." } };
	struct agent p = desk;

	(void)state;
	p.instants = instants;
	p.instant_count = 2;
	p.transcription_model = "t";
	assert_true(has(&p, "Nine to five.") && has(&p, "Behind the house."));
	p.transcription_model = "";
	assert_false(has(&p, "Nine to five."));
}

static void agents_without_sound_have_none(void **state)
{
	const char *lines[VOICE_LINES_MAX];
	struct voice_key key;
	struct agent p = desk;

	(void)state;
	p.channel = CHANNEL_RELAY;
	assert_int_equal(voice_lines(&p, lines), 0);
	assert_false(voice_lines_key(&key, &two, &p, "Welcome."));
	p = desk;
	p.model_protocol = MODEL_KIND_TEXT;
	assert_int_equal(voice_lines(&p, lines), 0);
	assert_false(voice_lines_key(&key, &two, &p, "Welcome."));
}

static void expect_key(const struct agent *p, const char *model, const char *voice)
{
	struct voice_key key, wanted;

	assert_true(voice_lines_key(&key, &two, p, "Welcome."));
	assert_true(voice_key_make(&wanted, "realtime", model, voice, p->speed, "Welcome."));
	assert_memory_equal(key.hash, wanted.hash, sizeof key.hash);
}

static void model_and_voice_are_those_of_the_first_endpoint(void **state)
{
	struct agent p = desk;

	(void)state;
	expect_key(&p, "m", "marin");
	p.endpoints = &second;
	p.endpoint_count = 1;
	expect_key(&p, "theirs", "cedar");
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

const struct CMUnitTest unit_tests[] = {
	TEST(the_greeting_is_one_if_its_words_are_fixed),
	TEST(phrases_are_the_agents_own_where_it_has_some),
	TEST(phrases_are_none_where_there_is_no_text_in_the_agents_language),
	TEST(instant_answers_are_lines),
	TEST(agents_without_sound_have_none),
	TEST(model_and_voice_are_those_of_the_first_endpoint),
	{ .name = NULL },
};
