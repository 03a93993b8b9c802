/* A line said by a service that speaks a protocol of the tests' own. */
#include "server/voice/voice_take.h"

#include "server/voice/voice_judge.h"
#include "tests/peers/fake_model.h"
#include "tests/peers/fake_protocol.h"
#include "tests/unit.h"

#include <string.h>

static const struct agent agent = { .name = "desk", .openai_model = "m", .voice = "marin", .instructions = "Be kind." };
static struct fake_model *model;
static struct model_access access_to;
static struct config cfg;
static struct voice_take taken;
static struct bell stop;

static void take(const char *answer, enum voice_took wanted)
{
	static struct fake_answer answers[] = { { "", "created s" }, { "configure", "ready s" }, { "say", "" }, { 0 } };

	answers[2].say = answer;
	memset(&cfg, 0, sizeof cfg);
	model = fake_model_start(answers);
	fake_model_access(model, &access_to, &cfg);
	assert_int_equal(bell_open(&stop), 0);
	assert_int_equal(voice_take(&taken, &access_to, &agent, "Hello there.", &stop), wanted);
}

static void done(void)
{
	voice_take_free(&taken);
	fake_model_access_close(&access_to);
	fake_model_stop(model);
	bell_close(&stop);
}

static void the_words_are_said_exactly_and_heard_to_their_end(void **state)
{
	char line[100];

	(void)state;
	take("begun r\naudio r i \"AQID\"\naudio r i \"BAUG\"\ntext r i Hello there.\nover r completed", VOICE_TAKEN);
	fake_model_line(model, "say", 0, line, sizeof line);
	assert_string_equal(line, "say say_1 exact Hello there.");
	assert_int_equal(taken.ulaw.len, 6);
	assert_memory_equal(taken.ulaw.data, "\1\2\3\4\5\6", 6);
	assert_string_equal(buf_text(&taken.transcript), "Hello there.");
	fake_model_wait(model, "(end)", 1);
	done();
}

static void a_line_that_breaks_off_is_refused(void **state)
{
	(void)state;
	take("begun r\naudio r i \"AQID\"\nover r incomplete", VOICE_REFUSED);
	done();
	take("begun r\nover r cancelled", VOICE_REFUSED);
	done();
	take("begun r\nover r failed", VOICE_REFUSED);
	done();
	take("error moderated say_1", VOICE_REFUSED);
	done();
}

/* Nobody waits for more of it than the line can be long; and what came of it is paid for. */
static void an_answer_without_an_end_is_refused_as_soon_as_it_is_too_long(void **state)
{
	enum { PIECE = 9000, PIECES = 12 };
	struct buf answer;

	(void)state;
	buf_init(&answer, 0);
	buf_puts(&answer, "begun r");
	for (int i = 0; i < PIECES; i++) {
		buf_puts(&answer, "\naudio r i \"");
		for (int n = 0; n < PIECE / 3; n++)
			buf_puts(&answer, "AQID");
		buf_putc(&answer, '"');
	}
	take(buf_text(&answer), VOICE_REFUSED);
	assert_true(taken.ulaw.len > voice_longest("Hello there.", 1));
	assert_true(taken.ulaw.len < voice_longest("Hello there.", 1) + 2 * PIECE);
	assert_int_equal(taken.used.n[USAGE_AUDIO_OUT], taken.ulaw.len / 8 / 50);
	done();
	buf_free(&answer);
}

static void without_a_model_nothing_is_said_about_the_line(void **state)
{
	(void)state;
	take("error fatal say_1", VOICE_NO_MODEL);
	assert_true(taken.failure.permanent);
	done();
	take("begun r\n!retry", VOICE_NO_MODEL);
	done();
}

static void it_can_be_called_off(void **state)
{
	struct voice_take one;

	(void)state;
	take("begun r\nover r completed", VOICE_TAKEN);
	bell_ring(&stop);
	assert_int_equal(voice_take(&one, &access_to, &agent, "Hello.", &stop), VOICE_CALLED_OFF);
	voice_take_free(&one);
	done();
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(the_words_are_said_exactly_and_heard_to_their_end),
	cmocka_unit_test(a_line_that_breaks_off_is_refused),
	cmocka_unit_test(an_answer_without_an_end_is_refused_as_soon_as_it_is_too_long),
	cmocka_unit_test(without_a_model_nothing_is_said_about_the_line),
	cmocka_unit_test(it_can_be_called_off),
	{ .name = NULL },
};
