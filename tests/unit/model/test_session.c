/* Opening a session, over a protocol that is not OpenAI's: what session.c may
 * know of a protocol is what the table says. */
#include "server/model/trial.h"

#include "common/clock.h"
#include "tests/peers/fake_model.h"
#include "tests/peers/fake_protocol.h"
#include "tests/unit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

static struct fake_model *model;
static struct model_access access_to;
static struct config cfg;
static struct model_trial_result trial;
static bool asks; /* the trial is to have an answer, too */
static const struct agent agent = { .openai_model = "m", .instructions = "" };
static const struct agent in_text = { .openai_model = "m", .instructions = "", .channel = CHANNEL_RELAY };
static const struct agent *of = &agent; /* whose call it would be */

static void configure_text(
    struct buf *out, const char *id, const struct model_wish *wish, enum audio_format format, unsigned without)
{
	(void)wish;
	(void)format;
	(void)without;
	buf_printf(out, "configure %s in text", id);
}

static struct model_protocol text_protocol;

/* 0, or negative with why. */
static int try(const struct fake_answer *answers, struct model_failure *failure)
{
	int err;

	memset(&cfg, 0, sizeof cfg);
	text_protocol = fake_protocol;
	text_protocol.configure = configure_text;
	text_protocol.audio = false;
	text_protocol.text = true;
	model = fake_model_start(answers);
	fake_model_access(model, &access_to, &cfg);
	access_to.text_protocol = &text_protocol;
	err = model_trial(&access_to, of, NULL, asks, NULL, &trial);
	*failure = trial.failure;
	return err;
}

/* What the n-th configuration asked for, counted from 0. */
static void expect_configured(unsigned n, const char *text)
{
	char line[100];

	fake_model_line(model, "configure", n, line, sizeof line);
	assert_string_equal(line, text);
}

static void done(void)
{
	fake_model_access_close(&access_to);
	fake_model_stop(model);
}

/* A trial that finds all well, to its end. */
static void succeeds(const struct fake_answer *answers)
{
	struct model_failure failure;

	assert_int_equal(try(answers, &failure), 0);
	fake_model_wait(model, "(end)", 1); /* with our Close */
}

static void session_is_configured_once_it_says_that_it_was_created(void **state)
{
	static const struct fake_answer answers[] = { { "", "noise\ncreated s1" }, { "configure", "ready s1" }, { 0 } };

	(void)state;
	succeeds(answers);
	assert_int_equal(fake_model_count(model, ""), 2);
	expect_configured(0, "configure cfg_1 0 whole");
	done();
}

static void trial_opens_the_session_of_the_agents_channel(void **state)
{
	static const struct fake_answer answers[] = { { "", "created s1" }, { "configure", "ready s1" }, { 0 } };

	(void)state;
	of = &in_text;
	succeeds(answers);
	expect_configured(0, "configure cfg_1 in text");
	done();
	of = &agent;
}

static void refused_configuration_is_tried_once_more_without_what_few_know(void **state)
{
	static const struct fake_answer answers[] = { { "", "created s1" },
		{ "configure cfg_1", "error harmless cfg_1" }, { "configure cfg_2", "ready s1" }, { 0 } };

	(void)state;
	succeeds(answers);
	expect_configured(1, "configure cfg_2 0 noise_reduction, languages, speed, reasoning_effort");
	assert_string_equal(trial.lack,
	    "the service does not know and the session is without noise_reduction, languages, "
	    "speed, reasoning_effort");
	done();
}

static void each_extra_that_is_refused_is_left_out_alone(void **state)
{
	static const struct fake_answer answers[] = { { "", "created s1" },
		{ "configure cfg_1", "error harmless cfg_1 extras=8" },
		{ "configure cfg_2", "error harmless cfg_2 extras=4" }, { "configure cfg_3", "changed s1" }, { 0 } };

	(void)state;
	succeeds(answers);
	expect_configured(1, "configure cfg_2 0 reasoning_effort");
	expect_configured(2, "configure cfg_3 0 speed, reasoning_effort");
	assert_string_equal(trial.lack,
	    "the service does not know and the session is without speed, reasoning_effort; of "
	    "what was asked for, changed");
	assert_int_equal(trial.without, MODEL_EXTRA_SPEED | MODEL_EXTRA_REASONING);
	done();
}

/* As a call does it, with what a trial has found. */
static void what_is_known_to_be_refused_is_not_asked_for(void **state)
{
	static const struct fake_answer answers[] = { { "", "created s1" }, { "configure", "ready s1" }, { 0 } };
	struct model_wish wish = { .agent = &agent, .instructions = "", .caller = "", .without = MODEL_EXTRA_SPEED };
	struct model_session *s;

	(void)state;
	memset(&cfg, 0, sizeof cfg);
	model = fake_model_start(answers);
	fake_model_access(model, &access_to, &cfg);
	s = fake_model_meet(&access_to, &wish);
	assert_int_equal(model_session_without(s), MODEL_EXTRA_SPEED);
	model_session_leave(s);
	model_session_close(s);
	fake_model_wait(model, "(end)", 1);
	assert_int_equal(fake_model_count(model, "configure"), 1);
	expect_configured(0, "configure cfg_1 0 speed");
	fake_model_access_close(&access_to);
	fake_model_stop(model);
}

static void what_no_session_can_do_without_is_not_left_out(void **state)
{
	static const struct fake_answer answers[] = { { "", "created s1" },
		{ "configure cfg_1", "error harmless cfg_1 extras=0" }, { 0 } };
	struct model_failure failure;

	(void)state;
	assert_true(try(answers, &failure) < 0);
	assert_true(failure.permanent && failure.agents_own);
	assert_int_equal(fake_model_count(model, "configure"), 1);
	done();
}

static void session_of_another_kind_than_asked_for_is_refused(void **state)
{
	static const struct fake_answer answers[] = { { "", "created s1" }, { "configure", "ready s1 it whistles" },
		{ 0 } };
	struct model_failure failure;

	(void)state;
	assert_true(try(answers, &failure) < 0);
	assert_true(failure.permanent);
	assert_string_equal(failure.code, "wrong_format");
	assert_string_equal(failure.text, "the model took the configuration but it whistles");
	done();
}

static void class_of_an_error_decides_whether_it_stays_so(void **state)
{
	static const struct {
		struct fake_answer answers[2];
		bool permanent;
	} ways[] = {
		{ { { "", "created s1\nerror fatal -" } }, true },
		{ { { "", "created s1\nerror retry -" } }, false },
		{ { { "", "created s1\n!fatal" } }, true },
		{ { { "", "!renew" } }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct model_failure failure;

		assert_true(try(ways[i].answers, &failure) < 0);
		assert_int_equal(failure.permanent, ways[i].permanent);
		assert_string_equal(failure.error_class, "session");
		assert_false(failure.agents_own);
		done();
	}
}

static void answer_that_is_refused_fails_a_trial_that_asks_for_one(void **state)
{
	static const struct {
		struct fake_answer answers[4];
		bool good, permanent;
	} ways[] = {
		{ { { "", "created s1" }, { "configure", "ready s1" },
		      { "say say_1 exact Yes.", "begun r1\naudio r1 i1 AAAA" } },
		    true, false },
		{ { { "", "created s1" }, { "configure", "ready s1" }, { "say", "begun r1\nerror fatal -" } }, false,
		    true },
		{ { { "", "created s1" }, { "configure", "ready s1" }, { "say", "begun r1\nover r1 failed" } }, false,
		    false },
		{ { { "", "created s1" }, { "configure", "ready s1" }, { "say", "begun r1\n!fatal" } }, false, true },
		{ { { "", "created s1" }, { "configure", "ready s1" }, { "say", "!renew" } }, false, false },
	};

	(void)state;
	asks = true;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct model_failure failure;

		assert_int_equal(!try(ways[i].answers, &failure), ways[i].good);
		if (!ways[i].good)
			assert_int_equal(failure.permanent, ways[i].permanent);
		done();
	}
	asks = false;
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(session_is_configured_once_it_says_that_it_was_created),
	cmocka_unit_test(trial_opens_the_session_of_the_agents_channel),
	cmocka_unit_test(refused_configuration_is_tried_once_more_without_what_few_know),
	cmocka_unit_test(each_extra_that_is_refused_is_left_out_alone),
	cmocka_unit_test(what_is_known_to_be_refused_is_not_asked_for),
	cmocka_unit_test(what_no_session_can_do_without_is_not_left_out),
	cmocka_unit_test(session_of_another_kind_than_asked_for_is_refused),
	cmocka_unit_test(answer_that_is_refused_fails_a_trial_that_asks_for_one),
	cmocka_unit_test(class_of_an_error_decides_whether_it_stays_so),
	{ 0 },
};
