#include "server/work/signing.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* By openssl: printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret" */
static void the_signature_is_what_openssl_makes_of_it(void **state)
{
	static const char body[] = "{\"id\":\"x\",\"text\":\"grüße\"}";
	struct buf line;

	(void)state;
	buf_init(&line, 0);
	signing_put_header(&line, "shared secret", 1800000000, body, strlen(body));
	assert_string_equal(buf_text(&line), "Trunkline-Signature: t=1800000000,v1="
					     "20082125ab99449818f38f62a8d6018fecc9baa7f8a4c7a4ba1a66538539d276");
	buf_free(&line);
}

static void an_empty_body_and_secret_are_signed_too(void **state)
{
	struct buf line;

	(void)state;
	buf_init(&line, 0);
	signing_put_header(&line, "", 0, NULL, 0);
	assert_string_equal(buf_text(&line), "Trunkline-Signature: t=0,v1="
					     "b849d5a581847b281957065739df36df2463d1977ea8d6e1e4e6cf33fadc68c3");
	buf_free(&line);
}

static void a_body_may_hold_any_byte(void **state)
{
	struct buf a, b;

	(void)state;
	buf_init(&a, 0);
	buf_init(&b, 0);
	signing_put_header(&a, "s", 1, "x\0y", 3);
	signing_put_header(&b, "s", 1, "x\0z", 3);
	assert_string_not_equal(buf_text(&a), buf_text(&b));
	buf_free(&a);
	buf_free(&b);
}

static void a_line_that_does_not_fit_is_an_error(void **state)
{
	struct buf line;

	(void)state;
	buf_init(&line, 40);
	signing_put_header(&line, "s", 1, "x", 1);
	assert_int_equal(buf_error(&line), -E2BIG);
	buf_free(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_signature_is_what_openssl_makes_of_it),
		cmocka_unit_test(an_empty_body_and_secret_are_signed_too),
		cmocka_unit_test(a_body_may_hold_any_byte),
		cmocka_unit_test(a_line_that_does_not_fit_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
