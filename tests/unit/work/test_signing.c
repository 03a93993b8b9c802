#include "server/work/signing.h"

#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

/* Valid until the next. */
static const char *header(const char *secret, int64_t at_s, const char *body, size_t len)
{
	buf_reset(&written);
	signing_put_header(&written, secret, at_s, body, len);
	return buf_text(&written);
}

/* By openssl: printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret" */
static void the_signature_is_what_openssl_makes_of_it(void **state)
{
	static const struct {
		const char *secret;
		int64_t at_s;
		const char *body, *header;
	} cases[] = {
		{ "shared secret", 1800000000, "{\"id\":\"x\",\"text\":\"grüße\"}",
		    "t=1800000000,v1=20082125ab99449818f38f62a8d6018fecc9baa7f8a4c7a4ba1a66538539d276" },
		{ "", 0, NULL, "t=0,v1=b849d5a581847b281957065739df36df2463d1977ea8d6e1e4e6cf33fadc68c3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *body = cases[i].body, *line;

		line = header(cases[i].secret, cases[i].at_s, body, body ? strlen(body) : 0);
		assert_int_equal(strncmp(line, "Trunkline-Signature: ", 21), 0);
		assert_string_equal(line + 21, cases[i].header);
	}
}

static void a_body_may_hold_any_byte(void **state)
{
	char *y = strdup(header("s", 1, "x\0y", 3));

	(void)state;
	assert_string_not_equal(y, header("s", 1, "x\0z", 3));
	free(y);
}

static void a_line_that_does_not_fit_is_an_error(void **state)
{
	(void)state;
	buf_init(&written, 40);
	signing_put_header(&written, "s", 1, "x", 1);
	assert_int_equal(buf_error(&written), -E2BIG);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, written_begin, written_end)

const struct CMUnitTest unit_tests[] = {
	CASE(the_signature_is_what_openssl_makes_of_it),
	CASE(a_body_may_hold_any_byte),
	CASE(a_line_that_does_not_fit_is_an_error),
	{ 0 },
};
