/* Wrong on purpose: two threads on one plain variable must turn the run red. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static long shared;

static void *add(void *unused)
{
	for (int i = 0; i < 10000; i++)
		shared++;
	return unused;
}

static void two_threads_add_to_one_number(void **state)
{
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, add, NULL), 0);
	add(NULL);
	pthread_join(other, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(two_threads_add_to_one_number) };

	return cmocka_run_group_tests_name("planted race", tests, NULL, NULL);
}
