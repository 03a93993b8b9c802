#include "server/model/errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(code_decides_and_without_a_known_one_the_type) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
