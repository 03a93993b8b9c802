/* Wrong on purpose: a case that fails must turn the run red. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void this_one_is_fine(void **state)
{
	(void)state;
}

static void one_is_two(void **state)
{
	(void)state;
	assert_int_equal(1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_one_is_fine),
		cmocka_unit_test(one_is_two),
	};

	return cmocka_run_group_tests_name("planted failure", tests, NULL, NULL);
}
