/* The rungs of an agent, and the place of each among them. */
#include "server/agents/fallback.h"

#include "server/agents/agent.h"
#include "tests/unit.h"

#include <string.h>

ONE_THREAD;

static const struct config nothing_set = {
	.data_dir = "", .twilio_account_sid = "", .twilio_api_key_sid = "", .text_api_key = "", .openai_api_key = ""
};

static struct agent as_set(const struct config *cfg)
{
	struct agent p = { .fallback_number = "" };

	fallback_from_config(&p.fallback, cfg);
	return p;
}

static void unset_all_are_tried_in_order(void **state)
{
	struct agent p = as_set(&nothing_set);
	enum rung_kind at = RUNG_NONE;
	const struct agent_rung *rung;
	int n = 0;

	(void)state;
	for (; (rung = fallback_after(&p.fallback, at)); at = rung->kind)
		assert_int_equal(rung->kind, RUNG_RECONNECT + n++);
	assert_int_equal(n, 4);
	assert_false(p.fallback.listed);
	assert_int_equal(fallback_rung(&p.fallback, RUNG_DIAL)->ring_seconds, 30);
	assert_int_equal(fallback_rung(&p.fallback, RUNG_VOICEMAIL)->max_seconds, 120);
}

static void setting_names_them_or_none(void **state)
{
	struct config cfg = nothing_set;
	struct agent p;

	(void)state;
	cfg.fallback[0] = "voicemail";
	cfg.fallback[1] = "dial";
	cfg.fallback[2] = "dial";
	cfg.fallback_count = 3;
	p = as_set(&cfg);
	assert_int_equal(p.fallback.count, 2);
	assert_int_equal(fallback_after(&p.fallback, RUNG_VOICEMAIL)->kind, RUNG_DIAL);
	assert_null(fallback_after(&p.fallback, RUNG_DIAL));
	assert_null(fallback_after(&p.fallback, RUNG_TEXT));
	cfg.fallback[0] = "none";
	cfg.fallback_count = 1;
	p = as_set(&cfg);
	assert_null(fallback_after(&p.fallback, RUNG_NONE));
}

static void words_are_those_of_files(void **state)
{
	(void)state;
	for (int kind = RUNG_NONE + 1; kind < RUNG_KINDS; kind++)
		assert_int_equal(rung_named(rung_name((enum rung_kind)kind)), kind);
	assert_int_equal(rung_named(""), RUNG_NONE);
	assert_int_equal(rung_named("moon"), RUNG_NONE);
}

static void what_a_rung_lacks_is_said(void **state)
{
	struct config cfg = nothing_set;
	struct agent p = as_set(&cfg);
	const struct agent_rung *text = fallback_rung(&p.fallback, RUNG_TEXT),
				*dial = fallback_rung(&p.fallback, RUNG_DIAL),
				*voicemail = fallback_rung(&p.fallback, RUNG_VOICEMAIL);

	(void)state;
	assert_null(rung_lacks(&p, fallback_rung(&p.fallback, RUNG_RECONNECT), &cfg));
	assert_non_null(strstr(rung_lacks(&p, text, &cfg), "TEXT_API_KEY"));
	cfg.openai_api_key = "key";
	assert_null(rung_lacks(&p, text, &cfg));
	assert_non_null(strstr(rung_lacks(&p, dial, &cfg), "OVERFLOW_NUMBER"));
	p.fallback_number = "+12025550156";
	assert_null(rung_lacks(&p, dial, &cfg));
	assert_string_equal(rung_number(&p, dial, 0), "+12025550156");
	assert_null(rung_number(&p, dial, 1));
	assert_non_null(strstr(rung_lacks(&p, voicemail, &cfg), "DATA_DIR"));
	cfg.data_dir = "/data";
	assert_non_null(strstr(rung_lacks(&p, voicemail, &cfg), "TWILIO_ACCOUNT_SID"));
	cfg.twilio_account_sid = "AC1";
	assert_non_null(rung_lacks(&p, voicemail, &cfg));
	cfg.twilio_auth_token_count = 1;
	assert_null(rung_lacks(&p, voicemail, &cfg));
}

static void reconnect_stands_anywhere_but_behind_text(void **state)
{
	struct config cfg = nothing_set;
	struct agent p;

	(void)state;
	cfg.openai_api_key = "key";
	cfg.fallback[0] = "dial";
	cfg.fallback[1] = "reconnect";
	cfg.fallback[2] = "text";
	cfg.fallback_count = 3;
	p = as_set(&cfg);
	assert_null(rung_lacks(&p, fallback_rung(&p.fallback, RUNG_RECONNECT), &cfg));
	assert_null(fallback_setting_problem(&cfg));
	cfg.fallback[1] = "text";
	cfg.fallback[2] = "reconnect";
	p = as_set(&cfg);
	assert_string_equal(
	    rung_lacks(&p, fallback_rung(&p.fallback, RUNG_RECONNECT), &cfg), "comes too late behind text");
	assert_string_equal(fallback_setting_problem(&cfg), "comes too late behind text");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(unset_all_are_tried_in_order),
	cmocka_unit_test(setting_names_them_or_none),
	cmocka_unit_test(words_are_those_of_files),
	cmocka_unit_test(what_a_rung_lacks_is_said),
	cmocka_unit_test(reconnect_stands_anywhere_but_behind_text),
	{ 0 },
};
