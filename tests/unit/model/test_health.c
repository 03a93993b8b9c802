/* What calls and trials teach of the model, and the thread that tries. */
#include "server/model/trial.h"

static int stood_in_trial(const struct model_access *access, const struct agent *agent, const char *tools, bool asks,
    struct bell *stop, struct model_trial_result *out);

#define model_trial stood_in_trial
#include "server/model/health.c"
#undef model_trial

#include "common/json.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>

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

static _Atomic int trials[3], trials_asking;
static _Atomic bool fails[3];

static int stood_in_trial(const struct model_access *access, const struct agent *agent, const char *tools, bool asks,
    struct bell *stop, struct model_trial_result *out)
{
	size_t at = (size_t)(access - ends);

	(void)agent, (void)tools, (void)stop;
	memset(out, 0, sizeof *out);
	out->failure.error_class = "timeout";
	out->failure.permanent = asks;
	snprintf(out->failure.text, sizeof out->failure.text, "the trial says no");
	atomic_fetch_add(&trials[at], 1);
	atomic_fetch_add(&trials_asking, asks);
	return atomic_load(&fails[at]) ? -ETIMEDOUT : 0;
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

static void open_three(void)
{
	model_health_close(health);
	assert_int_equal(model_health_open(&health, ends, 3), 0);
}

static void call_fails(int at, const char *code, bool permanent)
{
	struct model_failure failure = { .error_class = "upgrade", .permanent = permanent, .text = "a call says no" };

	snprintf(failure.code, sizeof failure.code, "%s", code);
	model_health_failed(health, &ends[at], &desk, &failure);
}

static cJSON *shown(void (*put)(struct model_health *h, struct json_out *j))
{
	put(health, tree_begin());
	return tree_end();
}

static void states_of_endpoints_are_shown_where_there_are_several(void **state)
{
	cJSON *all;
	const cJSON *second;

	(void)state;
	all = shown(model_health_put_ready);
	assert_null(json_get(all, "endpoints")); /* of one there is nothing to choose */
	cJSON_Delete(all);
	open_three();
	model_health_ok(health, &ends[0], &desk, 12);
	call_fails(1, "timeout", false);
	call_fails(1, "timeout", false);
	call_fails(2, "tls_54", true);
	all = shown(model_health_put_ready);
	assert_string_equal(cJSON_GetArrayItem(json_get(all, "endpoints"), 0)->valuestring, "well");
	assert_string_equal(cJSON_GetArrayItem(json_get(all, "endpoints"), 1)->valuestring, "failing");
	assert_string_equal(cJSON_GetArrayItem(json_get(all, "endpoints"), 2)->valuestring, "refused");
	cJSON_Delete(all);
	all = shown(model_health_put_status);
	assert_true(cJSON_IsTrue(json_get(all, "available")));
	assert_string_equal(json_str(all, "last_failure"), "a call says no");
	assert_int_equal(cJSON_GetArraySize(json_get(all, "endpoints")), 3);
	second = cJSON_GetArrayItem(json_get(all, "endpoints"), 1);
	assert_int_equal(json_get(second, "number")->valueint, 2);
	assert_string_equal(json_str(second, "host"), "two");
	assert_string_equal(json_str(second, "state"), "failing");
	assert_true(cJSON_IsNull(json_get(second, "last_connect_ms")));
	assert_string_equal(json_str(second, "last_failure"), "a call says no");
	cJSON_Delete(all);
}

/* Where the money is gone, a session alone proves nothing: at none of those that show that key. */
static void answers_refused_for_a_key_are_asked_for_wherever_it_is_shown(void **state)
{
	const struct model_event answered_one = { .type = MODEL_RESPONSE_DONE, .status = MODEL_COMPLETED };

	(void)state;
	open_three();
	model_health_closed(health, &ends[0], &desk, MODEL_FATAL, "insufficient_quota");
	model_health_ok(health, &ends[0], &desk, 1);
	model_health_ok(health, &ends[2], &desk, 1);
	assert_int_equal(model_health_way(health, &ends[0], &desk), WAY_REFUSED);
	assert_int_equal(model_health_way(health, &ends[1], &desk), WAY_WELL);
	assert_int_equal(model_health_way(health, &ends[2], &desk), WAY_REFUSED);
	model_health_heard(health, &ends[2], &desk, &answered_one);
	assert_int_equal(model_health_way(health, &ends[0], &desk), WAY_REFUSED);
	assert_int_equal(model_health_way(health, &ends[2], &desk), WAY_WELL);
}

/* It opens sessions, and says nothing in them: a session alone does not refute that. */
static void endpoint_that_gives_no_answers_is_left_out_until_it_gives_one(void **state)
{
	const struct model_event answered_one = { .type = MODEL_RESPONSE_DONE, .status = MODEL_COMPLETED };

	(void)state;
	open_three();
	model_health_useless(health, &ends[0], &desk, "quiet", "mute");
	model_health_ok(health, &ends[0], &desk, 1);
	assert_int_equal(model_health_way(health, &ends[0], &desk), WAY_WELL);
	model_health_heard(health, &ends[0], &desk, &answered_one);
	model_health_useless(health, &ends[0], &desk, "quiet", "mute"); /* that caller's line is bad, perhaps */
	assert_int_equal(model_health_way(health, &ends[0], &desk), WAY_WELL);
	model_health_useless(health, &ends[0], &desk, "quiet", "mute");
	model_health_ok(health, &ends[0], &desk, 1);
	assert_int_equal(model_health_way(health, &ends[0], &desk), WAY_FAILING);
	assert_false(model_health_blocks(health));
	model_health_heard(health, &ends[0], &desk, &answered_one);
	assert_int_equal(model_health_way(health, &ends[0], &desk), WAY_WELL);
	model_health_useless(NULL, &ends[0], &desk, "quiet", "mute");
}

/* It is about what this caller said. */
static void moderation_says_nothing_of_an_endpoint(void **state)
{
	struct model_failure failure = { .error_class = "session", .code = "content_filter", .moderated = true };

	(void)state;
	for (int i = 0; i < 5; i++)
		model_health_failed(health, &ends[0], &desk, &failure);
	model_health_closed(health, &ends[0], &desk, MODEL_MODERATED, "content_filter");
	assert_int_equal(model_health_way(health, &ends[0], &desk), WAY_WELL);
}

static void what_a_trial_found_at_one_endpoint_is_left_out_there_alone(void **state)
{
	struct model_trial_result result = { .without = MODEL_EXTRA_SPEED, .lack = "is without speed" };
	const cJSON *lack;
	cJSON *all;

	(void)state;
	open_three();
	assert_true(findings_keep_lack(&health->findings, 1, &desk, &result));
	assert_false(findings_keep_lack(&health->findings, 1, &night, &result)); /* said before */
	assert_int_equal(model_health_without(health, &ends[0], &desk), 0);
	assert_int_equal(model_health_without(health, &ends[1], &desk), MODEL_EXTRA_SPEED);
	all = shown(model_health_put_status);
	lack = cJSON_GetArrayItem(json_get(all, "agents_lacking"), 0);
	assert_int_equal(json_get(lack, "endpoint")->valueint, 2);
	cJSON_Delete(all);
}

static void declare_nothing(struct buf *out, const struct work *work, const struct agent *agent)
{
	(void)out, (void)work, (void)agent;
}

/* Calls do not try it: the thread does, soon, and whatever else it tries is left alone. */
static void failing_endpoint_is_tried_by_the_thread_alone(void **state)
{
	struct agents *agents = NULL;
	struct config cfg;
	struct buf problem;
	int at_first;

	(void)state;
	open_three();
	pairs_load(&cfg, NULL);
	buf_init(&problem, 0);
	assert_int_equal(agents_open(&agents, &cfg, &problem), 0);
	assert_int_equal(model_health_probe(health, agents, declare_nothing, NULL), 0);
	until_true(atomic_load(&trials[0]) && atomic_load(&trials[1]) && atomic_load(&trials[2]));
	at_first = atomic_load(&trials[2]);
	atomic_store(&fails[1], true);
	call_fails(1, "timeout", false);
	assert_int_equal(model_health_way(health, &ends[1], &desk), WAY_WELL);
	call_fails(1, "timeout", false);
	assert_int_equal(model_health_way(health, &ends[1], &desk), WAY_FAILING);
	until_true(atomic_load(&trials[1]) >= 2);
	assert_int_equal(model_health_way(health, &ends[1], &desk), WAY_FAILING);
	atomic_store(&fails[1], false);
	until_true(model_health_way(health, &ends[1], &desk) == WAY_WELL);
	assert_int_equal(atomic_load(&trials[2]), at_first);
	assert_int_equal(atomic_load(&trials_asking), 0);
	model_health_stop(health);
	agents_close(agents);
	buf_free(&problem);
	config_free(&cfg);
}

/* A trial that fails in an answer is followed by one that asks for one, too. */
static void trial_after_a_refused_answer_asks_until_one_is_given(void **state)
{
	const struct agent builtin = { .name = "default", .variant = "" };

	(void)state;
	atomic_store(&trials_asking, 0);
	health->declare = declare_nothing;
	model_health_closed(health, &ends[0], &builtin, MODEL_FATAL, "insufficient_quota");
	atomic_store(&fails[0], true);
	assert_true(try(health, 0, &builtin) < 0);
	assert_true(try(health, 0, &builtin) < 0);
	assert_int_equal(atomic_load(&trials_asking), 2);
	assert_true(model_health_blocks(health));
	atomic_store(&fails[0], false);
	assert_int_equal(try(health, 0, &builtin), 0);
	assert_int_equal(atomic_load(&trials_asking), 3);
	assert_false(model_health_blocks(health));
}

/* ------------------------------------------------------------------------- the text API */

static const struct agent in_text = { .name = "letters", .variant = "", .model_protocol = MODEL_KIND_TEXT };

static void answer_fails(enum model_error error, const char *code)
{
	model_health_heard(health, &ends[0], &in_text,
	    &(struct model_event){
		.type = MODEL_RESPONSE_DONE, .status = MODEL_FAILED, .error = error, .code = "", .text = code });
}

static void text_api_that_fails_twice_gets_no_calls_until_it_answers(void **state)
{
	const struct model_event answered_one = { .type = MODEL_RESPONSE_DONE, .status = MODEL_COMPLETED };
	char why[MODEL_FAILURE_SIZE];

	(void)state;
	open_three();
	answer_fails(MODEL_RETRY, "away");
	model_health_heard(health, &ends[0], &in_text, &answered_one);
	answer_fails(MODEL_RETRY, "away");
	answer_fails(MODEL_HARMLESS, "a request that it does not take");
	assert_false(model_health_shut(health, &in_text));
	answer_fails(MODEL_RETRY, "away again");
	assert_true(model_health_shut(health, &in_text));
	assert_false(model_health_shut(health, &desk));
	assert_false(model_health_shut(NULL, &in_text));
	assert_true(model_health_refuses(health, &in_text, why));
	assert_non_null(strstr(why, "away again"));
	assert_int_equal(model_health_way(health, &ends[0], &in_text), WAY_FAILING);
	why_not(NULL); /* the endpoints are another service */
	assert_int_equal(model_health_way(health, &ends[0], &desk), WAY_WELL);
	model_health_ok(health, &ends[0], &desk, 12);
	model_health_ok(health, &ends[0], &in_text, -1); /* nothing was asked for yet */
	assert_true(model_health_shut(health, &in_text));
	model_health_ok(health, &ends[0], &in_text, 12); /* a trial */
	assert_false(model_health_shut(health, &in_text));
}

static void state_of_the_text_api_is_shown_where_an_agent_has_it(void **state)
{
	cJSON *all = shown(model_health_put_ready);

	(void)state;
	assert_null(json_get(all, "text_api"));
	cJSON_Delete(all);
	answer_fails(MODEL_RETRY, "away");
	answer_fails(MODEL_RETRY, "away");
	health->findings.listed = 2;
	health->findings.in_text = 1;
	all = shown(model_health_put_ready);
	assert_string_equal(json_str(all, "text_api"), "failing");
	assert_false(model_health_blocks(health));
	cJSON_Delete(all);
	health->findings.listed = 1;
	assert_true(model_health_blocks(health)); /* nobody is left to take a call */
	all = shown(model_health_put_status);
	assert_true(cJSON_IsFalse(json_get(all, "available")));
	assert_non_null(strstr(json_str(all, "last_failure"), "away"));
	assert_string_equal(json_str(json_get(all, "text_api"), "state"), "failing");
	assert_string_equal(json_str(cJSON_GetArrayItem(json_get(all, "endpoints"), 0), "state"), "well");
	cJSON_Delete(all);
}

/* Soon, and the realtime endpoint is none of theirs. */
static void text_api_is_tried_by_the_thread_until_it_answers(void **state)
{
	struct agents *agents = NULL;
	struct config cfg;
	struct buf problem;

	(void)state;
	pairs_load(&cfg, (const char *const[]){ "CHANNEL", "relay", "MODEL_PROTOCOL", "text", NULL });
	buf_init(&problem, 0);
	atomic_store(&trials[0], 0);
	atomic_store(&fails[0], true);
	assert_int_equal(agents_open(&agents, &cfg, &problem), 0);
	assert_int_equal(model_health_probe(health, agents, declare_nothing, NULL), 0);
	until_true(model_health_shut(health, &in_text) == false && atomic_load(&trials[0]) == 1);
	answer_fails(MODEL_RETRY, "away");
	assert_true(model_health_shut(health, &in_text));
	until_true(atomic_load(&trials[0]) >= 2);
	assert_true(model_health_shut(health, &in_text));
	atomic_store(&fails[0], false);
	until_true(!model_health_shut(health, &in_text));
	model_health_stop(health);
	agents_close(agents);
	buf_free(&problem);
	config_free(&cfg);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_it, close_it)

const struct CMUnitTest unit_tests[] = {
	TEST(a_close_for_a_fatal_reason_closes_the_door),
	TEST(what_a_trial_found_refused_is_told_to_calls_until_the_files_are_new),
	TEST(states_of_endpoints_are_shown_where_there_are_several),
	TEST(answers_refused_for_a_key_are_asked_for_wherever_it_is_shown),
	TEST(endpoint_that_gives_no_answers_is_left_out_until_it_gives_one),
	TEST(moderation_says_nothing_of_an_endpoint),
	TEST(what_a_trial_found_at_one_endpoint_is_left_out_there_alone),
	TEST(failing_endpoint_is_tried_by_the_thread_alone),
	TEST(trial_after_a_refused_answer_asks_until_one_is_given),
	TEST(text_api_that_fails_twice_gets_no_calls_until_it_answers),
	TEST(state_of_the_text_api_is_shown_where_an_agent_has_it),
	TEST(text_api_is_tried_by_the_thread_until_it_answers),
	TEST(each_agent_that_lacks_something_is_named_with_it),
	{ 0 },
};
