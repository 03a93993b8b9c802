#include "server/model/errors.h"
#include "tests/unit.h"

#include "common/ws_client.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

ONE_THREAD;

static void code_decides_and_without_a_known_one_the_type(void **state)
{
	static const struct {
		const char *type, *code;
		enum model_error error;
	} cases[] = {
		{ "invalid_request_error", "invalid_api_key", MODEL_FATAL },
		{ "", "invalid_request_error.invalid_api_key", MODEL_FATAL },
		{ "", "insufficient_quota", MODEL_FATAL },
		{ "insufficient_quota", "", MODEL_FATAL },
		{ "server_error", "", MODEL_RETRY },
		{ "server_error", "session_expired", MODEL_RENEW },
		{ "invalid_request_error", "model_not_found", MODEL_FATAL },
		{ "", "DeploymentNotFound", MODEL_FATAL },
		{ "", "rate_limit_exceeded", MODEL_RETRY },
		{ "", "inference_rate_limit_exceeded", MODEL_RETRY },
		{ "", "response_cancel_not_active", MODEL_HARMLESS },
		{ "", "conversation_already_has_active_response", MODEL_HARMLESS },
		{ "", "input_audio_buffer_commit_empty", MODEL_HARMLESS },
		{ "", "session_expired", MODEL_RENEW },
		{ "", "account_deactivated", MODEL_FATAL },
		{ "insufficient_quota", "credit_balance_exhausted", MODEL_FATAL },
		{ "insufficient_quota", "a_reason_of_tomorrow", MODEL_FATAL },
		{ "billing_not_active", "billing_not_active", MODEL_FATAL },
		{ "", "billing_hard_limit_reached", MODEL_FATAL },
		{ "", "http_401", MODEL_FATAL },
		{ "invalid_request_error", "content_filter", MODEL_MODERATED },
		{ "", "content_policy_violation", MODEL_MODERATED },
		{ "", "cyber_policy", MODEL_MODERATED },
		{ "", "invalid_request_error.moderation_blocked", MODEL_MODERATED },
		{ "", "", MODEL_HARMLESS },
		{ "", ".", MODEL_HARMLESS },
		{ "of_tomorrow", "never_seen", MODEL_HARMLESS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (model_error_of(cases[i].type, cases[i].code) != cases[i].error)
			fail_msg("%s %s", cases[i].type, cases[i].code);
}

static void answer_is_judged_by_its_code_and_then_by_its_status(void **state)
{
	(void)state;
	assert_int_equal(model_error_of_answer(403, "http_403"), MODEL_FATAL);
	assert_int_equal(model_error_of_answer(503, "http_503"), MODEL_RETRY);
	assert_int_equal(model_error_of_answer(0, ""), MODEL_RETRY);
	assert_int_equal(model_error_of_answer(0, MODEL_NOT_SENT), MODEL_HARMLESS);
	assert_int_equal(model_error_of_answer(429, "insufficient_quota"), MODEL_FATAL);
	assert_int_equal(model_error_of_answer(429, "rate_limit_exceeded"), MODEL_RETRY);
	assert_int_equal(model_error_of_answer(400, ""), MODEL_HARMLESS);
}

static void answer_that_failed_is_asked_for_again_unless_its_reason_says_more(void **state)
{
	(void)state;
	assert_int_equal(model_error_of_failed("", ""), MODEL_RETRY);
	assert_int_equal(model_error_of_failed("of_tomorrow", "never_seen"), MODEL_RETRY);
	assert_int_equal(model_error_of_failed("server_error", ""), MODEL_RETRY);
	assert_int_equal(model_error_of_failed("", "session_expired"), MODEL_RENEW);
	assert_int_equal(model_error_of_failed("insufficient_quota", ""), MODEL_FATAL);
	assert_int_equal(model_error_of_failed("", "content_filter"), MODEL_MODERATED);
}

static void expect_blame(bool of_key, bool of_model, const char *const *codes)
{
	for (; *codes; codes++) {
		assert_int_equal(model_error_is_of_key(*codes), of_key);
		assert_int_equal(model_error_is_of_model(*codes), of_model);
	}
}

static void blame_lies_with_the_key_or_with_the_model(void **state)
{
	(void)state;
	expect_blame(true, false,
	    (const char *const[]){
		"invalid_api_key", "invalid_request_error.invalid_api_key", "insufficient_quota", "http_401", NULL });
	expect_blame(false, true,
	    (const char *const[]){
		"model_not_found", "invalid_request_error.model_not_found", "DeploymentNotFound", NULL });
	expect_blame(false, false, (const char *const[]){ "http_403", "rate_limit_exceeded", NULL });
}

/* The stage and what happened there; what the server said; what that means, and its word for counting. */
static void a_failure_to_dial_is_judged_by_what_the_service_says_and_else_by_its_kind(void **state)
{
	static const struct {
		struct ws_failure failure;
		enum model_error error;
		const char *code;
	} cases[] = {
		{ { .stage = WS_CONNECT, .err = -ECONNREFUSED }, MODEL_RETRY, "ECONNREFUSED" },
		{ { .stage = WS_TLS, .err = -ETIMEDOUT }, MODEL_RETRY, "timeout" },
		{ { .stage = WS_LOOKUP, .err = -ENOENT }, MODEL_FATAL, "ENOENT" },
		{ { .stage = WS_LOOKUP, .err = -EAGAIN }, MODEL_RETRY, "EAGAIN" },
		{ { .stage = WS_TLS, .err = -EPROTO, .tls_error = 54 }, MODEL_FATAL, "tls_54" },
		{ { .stage = WS_TLS, .err = -EPROTO, .tls_error = 31 }, MODEL_RETRY, "tls_31" },
		{ { .http_status = 401, .body = "{\"error\":{\"code\":\"invalid_api_key\"}}" }, MODEL_FATAL,
		    "http_401" },
		{ { .http_status = 404, .body = "<p>" }, MODEL_FATAL, "http_404" },
		{ { .http_status = 429 }, MODEL_RETRY, "http_429" },
		{ { .http_status = 429,
		      .body = "{\"error\":{\"type\":\"requests\",\"code\":\"rate_limit_exceeded\"}}" },
		    MODEL_RETRY, "http_429" },
		{ { .http_status = 429,
		      .body = "{\"error\":{\"type\":\"insufficient_quota\",\"code\":\"credit_balance_exhausted\"}}" },
		    MODEL_FATAL, "credit_balance_exhausted" },
		{ { .http_status = 429, .body = "{\"error\":{\"type\":\"insufficient_quota\",\"code\":\"new\"}}" },
		    MODEL_FATAL, "insufficient_quota" },
		{ { .http_status = 404, .body = "{\"error\":{\"code\":\"DeploymentNotFound\"}}" }, MODEL_FATAL,
		    "DeploymentNotFound" },
		{ { .http_status = 400, .body = "{\"error\":{\"code\":\"content_filter\"}}" }, MODEL_MODERATED,
		    "content_filter" },
		{ { .http_status = 503, .body = "{\"error\":{\"code\":17,\"type\":null}}" }, MODEL_RETRY, "http_503" },
	};
	char code[MODEL_CODE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (model_error_of_dialling(&cases[i].failure, code) != cases[i].error)
			fail_msg("case %zu is of another class", i);
		assert_string_equal(code, cases[i].code);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(code_decides_and_without_a_known_one_the_type),
	cmocka_unit_test(answer_that_failed_is_asked_for_again_unless_its_reason_says_more),
	cmocka_unit_test(blame_lies_with_the_key_or_with_the_model),
	cmocka_unit_test(a_failure_to_dial_is_judged_by_what_the_service_says_and_else_by_its_kind),
	cmocka_unit_test(answer_is_judged_by_its_code_and_then_by_its_status),
	{ 0 },
};
