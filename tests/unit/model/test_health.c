/* What calls and trials teach of the model, without the thread that tries. */
#include "server/model/health.c"

#include "common/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct agent desk = { .name = "desk", .variant = "" }, night = { .name = "desk", .variant = "night" };
static const struct model_access ends[] = {
	{ .number = 1, .host = "one", .key = "k1" },
	{ .number = 2, .host = "two", .key = "k2" },
	{ .number = 3, .host = "three", .key = "k1" },
};
static struct model_health *health;

static int open_it(void **state)
{
	(void)state;
	return model_health_open(&health, ends, 1);
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
	findings_keep_lack(&health->findings, 0, agent, &result);
}

/* As an error inside an answer does. */
static void a_close_for_a_fatal_reason_closes_the_door(void **state)
{
	const struct model_event answered_one = { .type = MODEL_RESPONSE_DONE, .status = MODEL_COMPLETED };

	(void)state;
	model_health_closed(health, &ends[0], &desk, MODEL_RENEW, "session_expired");
	model_health_closed(health, &ends[0], &desk, MODEL_RETRY, "server_error");
	model_health_closed(health, &ends[0], &desk, MODEL_HARMLESS, "");
	why_not(NULL);
	model_health_closed(health, &ends[0], &desk, MODEL_FATAL, "insufficient_quota");
	why_not("insufficient_quota): it closed the session; ");
	model_health_ok(health, &ends[0], &desk, 1); /* a session alone is no answer */
	why_not("insufficient_quota");
	model_health_heard(health, &ends[0], &desk, &answered_one);
	why_not(NULL);
	model_health_closed(NULL, &ends[0], &desk, MODEL_FATAL, "insufficient_quota");
}

static void what_a_trial_found_refused_is_told_to_calls_until_the_files_are_new(void **state)
{
	(void)state;
	assert_int_equal(model_health_without(health, &ends[0], &desk), 0);
	assert_int_equal(model_health_without(NULL, &ends[0], &desk), 0);
	trial_found(&desk, "is without speed", MODEL_EXTRA_SPEED);
	assert_int_equal(model_health_without(health, &ends[0], &desk), MODEL_EXTRA_SPEED);
	assert_int_equal(model_health_without(health, &ends[0], &night), 0);
	trial_found(&night, "is without speed, reasoning_effort", MODEL_EXTRA_SPEED | MODEL_EXTRA_REASONING);
	assert_int_equal(model_health_without(health, &ends[0], &night), MODEL_EXTRA_SPEED | MODEL_EXTRA_REASONING);
	agents_are_new(health);
	assert_int_equal(model_health_without(health, &ends[0], &desk), 0);
	assert_int_equal(model_health_without(health, &ends[0], &night), 0);
	trial_found(&desk, "", 0);
	assert_int_equal(model_health_without(health, &ends[0], &desk), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_close_for_a_fatal_reason_closes_the_door),
		TEST(what_a_trial_found_refused_is_told_to_calls_until_the_files_are_new),
		TEST(each_agent_that_lacks_something_is_named_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
