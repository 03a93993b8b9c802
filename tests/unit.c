#include "tests/unit.h"

#include <errno.h>

int main(void)
{
	size_t count = 0;

	while (unit_tests[count].name)
		count++;
	return _cmocka_run_group_tests(program_invocation_short_name, unit_tests, count, unit_tests[count].setup_func,
	    unit_tests[count].teardown_func);
}
