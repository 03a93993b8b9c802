#include "server/model/endpoints.h"

#include "server/model/health.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct model_endpoints three;
static const struct agent desk = { .name = "desk", .variant = "" };
static const struct agent in_text = { .name = "text", .variant = "", .model_protocol = MODEL_KIND_TEXT };

static int open_it(void **state)
{
	(void)state;
	memset(&three, 0, sizeof three);
	three.count = 3;
	for (int i = 0; i < 3; i++)
		three.list[i] = (struct model_access){ .number = i + 1, .key = i == 1 ? "other" : "shared" };
	return model_health_open(&three.health, three.list, three.count);
}

static int close_it(void **state)
{
	(void)state;
	model_health_close(three.health);
	return 0;
}

static void fails(int number, const struct agent *agent, const char *code, bool permanent, bool agents_own)
{
	struct model_failure failure = {
		.error_class = "upgrade", .permanent = permanent, .agents_own = agents_own, .text = "no"
	};

	snprintf(failure.code, sizeof failure.code, "%s", code);
	model_health_failed(three.health, &three.list[number - 1], agent, &failure);
}

static void works(int number, const struct agent *agent)
{
	model_health_ok(three.health, &three.list[number - 1], agent, 1);
}

/* The numbers that a call would dial, one after the other, as long as there are new ones. */
static void goes(const struct agent *agent, const char *numbers)
{
	const struct model_access *at = model_endpoints_next(&three, agent, NULL);
	char got[16] = "";

	while (at && !strchr(got, '0' + at->number)) {
		got[strlen(got)] = (char)('0' + at->number);
		at = model_endpoints_next(&three, agent, at);
	}
	assert_string_equal(got, numbers);
}

static void calls_begin_with_the_first_and_go_round(void **state)
{
	(void)state;
	goes(&desk, "123");
	assert_ptr_equal(model_endpoints_next(&three, &desk, &three.list[2]), &three.list[0]);
	model_health_close(three.health);
	three.health = NULL; /* nothing is known of any */
	goes(&desk, "123");
}

/* One failure is weather. */
static void failing_endpoint_is_left_out_until_a_session_succeeds_there(void **state)
{
	(void)state;
	fails(1, &desk, "timeout", false, false);
	goes(&desk, "123");
	fails(1, &desk, "timeout", false, false);
	goes(&desk, "23");
	fails(2, &desk, "timeout", false, false);
	fails(2, &desk, "timeout", false, false);
	fails(3, &desk, "timeout", false, false);
	goes(&desk, "3");
	fails(3, &desk, "timeout", false, false);
	goes(&desk, "123"); /* nothing better is left */
	assert_false(model_health_blocks(three.health));
	works(2, &desk);
	goes(&desk, "2");
	works(1, &desk);
	goes(&desk, "12"); /* new calls go back to the first at once */
}

static void refused_endpoint_is_not_taken_even_if_no_other_is_left(void **state)
{
	(void)state;
	fails(2, &desk, "http_404", true, false);
	goes(&desk, "13");
	fails(1, &desk, "tls_54", true, false);
	fails(3, &desk, "tls_54", true, false);
	goes(&desk, "1"); /* a first try is made in any case */
	assert_null(model_endpoints_next(&three, &desk, &three.list[0]));
	assert_true(model_health_blocks(three.health));
	works(3, &desk);
	goes(&desk, "3");
	assert_false(model_health_blocks(three.health));
}

static void endpoints_that_share_a_key_are_left_out_together_for_what_is_wrong_with_it(void **state)
{
	static const char *const codes[] = { "http_401", "insufficient_quota", "invalid_request_error.invalid_api_key",
		"credit_balance_exhausted" };

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		fails(1, &desk, codes[i], true, false);
		goes(&desk, "2");
		works(1, &desk);
		goes(&desk, "12"); /* each is believed again for itself */
		works(3, &desk);
		goes(&desk, "123");
	}
	fails(2, &desk, "http_401", true, false);
	goes(&desk, "13");
	fails(1, &desk, "wrong_format", true, false);
	goes(&desk, "3"); /* no fault of the key */
}

static void what_is_refused_to_one_agent_is_not_refused_to_another(void **state)
{
	static const struct agent_endpoint own[] = { { .number = 3 }, { .number = 1 } };
	const struct agent other = { .name = "other", .variant = "", .endpoints = own, .endpoint_count = 2 };

	(void)state;
	goes(&other, "31");
	fails(1, &desk, "model_not_found", true, true);
	goes(&desk, "23");
	goes(&other, "31");
	fails(3, &other, "model_not_found", true, true);
	goes(&other, "1");
	works(1, &other); /* another agent's success says nothing of this one's model */
	goes(&desk, "23");
}

static void text_api_has_one_address_and_no_part_in_the_state_of_the_others(void **state)
{
	(void)state;
	goes(&in_text, "1");
	fails(1, &desk, "http_401", true, false);
	goes(&in_text, "1");
	assert_int_equal(model_health_way(three.health, &three.list[0], &in_text), WAY_WELL);
	fails(1, &in_text, "http_401", true, true);
	assert_null(model_endpoints_next(&three, &in_text, &three.list[0]));
}

/* What opening says; "": it opened that many. */
static void opens(const char *const *pairs, size_t count, const char *words)
{
	struct model_endpoints e = { .count = 0 };
	struct config cfg;
	struct buf error;
	int err;

	pairs_load(&cfg, pairs);
	buf_init(&error, 0);
	err = model_endpoints_open(&e, &cfg, &error);
	assert_int_equal(err, count ? 0 : -EINVAL);
	assert_int_equal(e.count, count);
	if (!strstr(buf_text(&error), words))
		fail_msg("not a word of '%s' in '%s'", words, buf_text(&error));
	model_endpoints_close(&e);
	buf_free(&error);
	config_free(&cfg);
}

static void settings_make_endpoints_and_what_makes_none_is_refused(void **state)
{
	(void)state;
	opens((const char *const[]){ NULL }, 1, "");
	opens((const char *const[]){ "OPENAI_REALTIME_URL_2", "wss://h.example/r", NULL }, 2, "");
	opens((const char *const[]){ "OPENAI_API_KEY_2", "k", "OPENAI_MODEL_3", "m", NULL }, 3, "");
	opens((const char *const[]){ "OPENAI_REALTIME_URL_3", "wss://h.example/r", NULL }, 2, "");
	opens(
	    (const char *const[]){ "OPENAI_VOICE_2", "alloy", NULL }, 0, "OPENAI_VOICE_2 is set, but there is no such");
	opens(
	    (const char *const[]){ "OPENAI_MODEL_2", "m", "OPENAI_AUTH_3", "bearer", NULL }, 0, "OPENAI_AUTH_3 is set");
	opens((const char *const[]){ "OPENAI_AUDIO_FORMAT_2", "pcm", NULL }, 0, "OPENAI_AUDIO_FORMAT_2 is set");
	opens((const char *const[]){ "OPENAI_CA_FILE_2", "LICENSE", NULL }, 0, "OPENAI_CA_FILE_2 is set");
	opens((const char *const[]){ "OPENAI_CA_FILE_2", "LICENSE", "OPENAI_MODEL_2", "m", NULL }, 0,
	    "OPENAI_CA_FILE_2: LICENSE: not one usable certificate");
	opens((const char *const[]){ "MODEL_PROTOCOL_3", "realtime", NULL }, 0, "MODEL_PROTOCOL_3 is set");
	opens((const char *const[]){ "MODEL_PROTOCOL_2", "realtime", "OPENAI_MODEL_2", "m", NULL }, 2, "");
	opens((const char *const[]){ "MODEL_PROTOCOL_2", "text", "OPENAI_MODEL_2", "m", NULL }, 0,
	    "MODEL_PROTOCOL_2=text: a call cannot go on there");
	opens((const char *const[]){ "OPENAI_MODEL", "m", "OPENAI_MODEL_2", "m", NULL }, 0,
	    "the endpoints 1 and 2 are the same");
	/* By what is dialled, and not by the settings. */
	opens((const char *const[]){ "OPENAI_REALTIME_URL", "wss://h.example/r?model=a", "OPENAI_MODEL_2", "b", NULL },
	    0, "the address names the model, so OPENAI_MODEL does not count");
	opens((const char *const[]){ "OPENAI_REALTIME_URL", "wss://h.example/r", "OPENAI_REALTIME_URL_2",
		  "wss://H.example:443/r/", NULL },
	    0, "the endpoints 1 and 2 are the same");
	opens((const char *const[]){ "OPENAI_REALTIME_URL", "wss://h.example/r", "OPENAI_MODEL", "m",
		  "OPENAI_REALTIME_URL_2", "wss://h.example/r?model=m", NULL },
	    0, "the endpoints 1 and 2 are the same");
	opens((const char *const[]){ "OPENAI_API_KEY_2", "k", "OPENAI_API_KEY_3", "k", NULL }, 0,
	    "the endpoints 2 and 3 are the same");
	opens((const char *const[]){ "OPENAI_API_KEY_2", "k", "OPENAI_API_KEY_3", "k", "OPENAI_MODEL_3", "m", NULL }, 3,
	    "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_it, close_it)

const struct CMUnitTest unit_tests[] = {
	TEST(calls_begin_with_the_first_and_go_round),
	TEST(failing_endpoint_is_left_out_until_a_session_succeeds_there),
	TEST(refused_endpoint_is_not_taken_even_if_no_other_is_left),
	TEST(endpoints_that_share_a_key_are_left_out_together_for_what_is_wrong_with_it),
	TEST(what_is_refused_to_one_agent_is_not_refused_to_another),
	TEST(text_api_has_one_address_and_no_part_in_the_state_of_the_others),
	cmocka_unit_test(settings_make_endpoints_and_what_makes_none_is_refused),
	{ 0 },
};
