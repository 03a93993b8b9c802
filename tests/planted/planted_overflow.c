/* Wrong on purpose: a byte written behind a block must turn the run red. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_byte_too_far(void **state)
{
	volatile size_t room = 16, len = 17;
	char *block = malloc(room);

	(void)state;
	assert_non_null(block);
	memset(block, 1, len);
	assert_int_equal(block[0], 1);
	free(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_byte_too_far) };

	return cmocka_run_group_tests_name("planted overflow", tests, NULL, NULL);
}
