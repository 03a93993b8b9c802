/* Wrong on purpose: a signed sum that overflows must turn the run red. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void more_than_fits(void **state)
{
	volatile int most = INT_MAX;

	(void)state;
	most = most + 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(more_than_fits) };

	return cmocka_run_group_tests_name("planted undefined behaviour", tests, NULL, NULL);
}
