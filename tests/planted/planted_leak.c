/* Wrong on purpose: memory that nobody frees must turn the run red. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void *volatile kept;

static void something_is_forgotten(void **state)
{
	(void)state;
	kept = malloc(100);
	assert_non_null(kept);
	kept = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(something_is_forgotten) };

	return cmocka_run_group_tests_name("planted leak", tests, NULL, NULL);
}
