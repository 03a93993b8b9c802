/* What calls and trials teach of the model, without the thread that tries. */
#include "server/model/health.c"

#include "common/json.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>

static const struct agent desk = { .name = "desk", .variant = "" }, night = { .name = "desk", .variant = "night" };
static struct model_health *health;

static int open_it(void **state)
{
	(void)state;
	return model_health_open(&health);
}

static int close_it(void **state)
{
	(void)state;
	model_health_close(health);
	return 0;
}

static void why_not(const char *words)
{
	char why[MODEL_FAILURE_SIZE] = "";

	assert_int_equal(model_health_refuses(health, &desk, why), words != NULL);
	assert_int_equal(model_health_blocks(health), words != NULL);
	if (words && !strstr(why, words))
		fail_msg("not a word of '%s' in '%s'", words, why);
}

static void trial_found(const struct agent *agent, const char *lack, unsigned without)
{
	struct model_trial_result result = { .without = without };

	snprintf(result.lack, sizeof result.lack, "%s", lack);
	keep_lack(health, agent, &result);
}

/* As an error inside an answer does. */
static void a_close_for_a_fatal_reason_closes_the_door(void **state)
{
	const struct model_event answered_one = { .type = MODEL_RESPONSE_DONE, .status = MODEL_COMPLETED };

	(void)state;
	model_health_closed(health, &desk, MODEL_RENEW, "session_expired");
	model_health_closed(health, &desk, MODEL_RETRY, "server_error");
	model_health_closed(health, &desk, MODEL_HARMLESS, "");
	why_not(NULL);
	model_health_closed(health, &desk, MODEL_FATAL, "insufficient_quota");
	why_not("insufficient_quota): it closed the session; ");
	model_health_ok(health, &desk, 1); /* a session alone is no answer */
	why_not("insufficient_quota");
	model_health_heard(health, &desk, &answered_one);
	why_not(NULL);
	model_health_closed(NULL, &desk, MODEL_FATAL, "insufficient_quota");
}

static void what_a_trial_found_refused_is_told_to_calls_until_the_files_are_new(void **state)
{
	(void)state;
	assert_int_equal(model_health_without(health, &desk), 0);
	assert_int_equal(model_health_without(NULL, &desk), 0);
	trial_found(&desk, "is without speed", MODEL_EXTRA_SPEED);
	assert_int_equal(model_health_without(health, &desk), MODEL_EXTRA_SPEED);
	assert_int_equal(model_health_without(health, &night), 0);
	trial_found(&night, "is without speed, reasoning_effort", MODEL_EXTRA_SPEED | MODEL_EXTRA_REASONING);
	assert_int_equal(model_health_without(health, &night), MODEL_EXTRA_SPEED | MODEL_EXTRA_REASONING);
	agents_are_new(health);
	assert_int_equal(model_health_without(health, &desk), 0);
	assert_int_equal(model_health_without(health, &night), 0);
	trial_found(&desk, "", 0);
	assert_int_equal(model_health_without(health, &desk), 0);
}

static void each_agent_that_lacks_something_is_named_with_it(void **state)
{
	struct buf out;
	struct json_out j = json_out_to(&out);
	const cJSON *list;
	cJSON *all;

	(void)state;
	trial_found(&desk, "is without speed", MODEL_EXTRA_SPEED);
	trial_found(&night, "is without reasoning_effort", MODEL_EXTRA_REASONING);
	trial_found(&night, "", 0); /* it has it now */
	buf_init(&out, 0);
	json_put_object(&j, NULL);
	model_health_put_status(health, &j);
	json_put_end(&j);
	all = json_parse(out.data, out.len);
	list = json_get(all, "agents_lacking");
	assert_int_equal(cJSON_GetArraySize(list), 1);
	assert_string_equal(json_str(cJSON_GetArrayItem(list, 0), "agent"), "desk");
	assert_string_equal(json_str(cJSON_GetArrayItem(list, 0), "lack"), "is without speed");
	assert_int_equal(cJSON_GetArraySize(json_get(all, "agents_refused")), 0);
	cJSON_Delete(all);
	buf_free(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_it, close_it)

const struct CMUnitTest unit_tests[] = {
	TEST(a_close_for_a_fatal_reason_closes_the_door),
	TEST(what_a_trial_found_refused_is_told_to_calls_until_the_files_are_new),
	TEST(each_agent_that_lacks_something_is_named_with_it),
	{ 0 },
};
