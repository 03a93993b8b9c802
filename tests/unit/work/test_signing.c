#include "server/work/signing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct buf line;

static int end(void **state)
{
	(void)state;
	buf_free(&line);
	return 0;
}

/* Valid until the next. */
static const char *header(const char *secret, int64_t at_s, const char *body, size_t len)
{
	buf_free(&line);
	buf_init(&line, 0);
	signing_put_header(&line, secret, at_s, body, len);
	return buf_text(&line);
}

/* By openssl: printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret" */
static void the_signature_is_what_openssl_makes_of_it(void **state)
{
	static const char body[] = "{\"id\":\"x\",\"text\":\"grüße\"}";

	(void)state;
	assert_string_equal(header("shared secret", 1800000000, body, strlen(body)),
	    "Trunkline-Signature: t=1800000000,v1=20082125ab99449818f38f62a8d6018fecc9baa7f8a4c7a4ba1a66538539d276");
}

static void an_empty_body_and_secret_are_signed_too(void **state)
{
	(void)state;
	assert_string_equal(header("", 0, NULL, 0),
	    "Trunkline-Signature: t=0,v1=b849d5a581847b281957065739df36df2463d1977ea8d6e1e4e6cf33fadc68c3");
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
	buf_init(&line, 40);
	signing_put_header(&line, "s", 1, "x", 1);
	assert_int_equal(buf_error(&line), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_signature_is_what_openssl_makes_of_it, end),
		cmocka_unit_test_teardown(an_empty_body_and_secret_are_signed_too, end),
		cmocka_unit_test_teardown(a_body_may_hold_any_byte, end),
		cmocka_unit_test_teardown(a_line_that_does_not_fit_is_an_error, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
