#include "server/model/errors.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>

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
		{ "", "rate_limit_exceeded", MODEL_RETRY },
		{ "", "response_cancel_not_active", MODEL_HARMLESS },
		{ "", "conversation_already_has_active_response", MODEL_HARMLESS },
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
	assert_int_equal(model_error_of_answer(429, "insufficient_quota"), MODEL_FATAL);
	assert_int_equal(model_error_of_answer(429, "rate_limit_exceeded"), MODEL_RETRY);
	assert_int_equal(model_error_of_answer(400, ""), MODEL_HARMLESS);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(code_decides_and_without_a_known_one_the_type),
	cmocka_unit_test(answer_is_judged_by_its_code_and_then_by_its_status),
	{ 0 },
};
