#include "server/line/ended_calls.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
	WORKER_STACK = 200 * 1024, /* CivetWeb gives half of that; ASan wants some of it */
	BELOW = 1024 * 1024
};

static struct ended_calls table;
static int seen;

static void see(void *arg, const struct call_summary *call)
{
	(void)arg;
	seen += call->call_sid[0] == 'C';
}

static void *list(void *arg)
{
	ended_calls_each(&table, see, NULL);
	return arg;
}

/* As an HTTP worker has. Below it lies nothing that may be written to. */
static void a_full_table_is_listed_on_a_small_stack(void **state)
{
	char *memory = mmap(NULL, BELOW + WORKER_STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct call_talk talk = { 0 };
	pthread_attr_t attr;
	pthread_t worker;

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(mprotect(memory + BELOW, WORKER_STACK, PROT_READ | PROT_WRITE), 0);
	ended_calls_open(&table);
	for (int i = 0; i < ENDED_CALLS; i++) {
		struct call_summary call = { .state = "ended" };

		snprintf(call.call_sid, sizeof call.call_sid, "CA%d", i);
		ended_calls_keep(&table, &call, &talk);
	}
	pthread_attr_init(&attr);
#ifndef __SANITIZE_THREAD__ /* it wants more than that for itself */
	assert_int_equal(pthread_attr_setstack(&attr, memory + BELOW, WORKER_STACK), 0);
#endif
	assert_int_equal(pthread_create(&worker, &attr, list, NULL), 0);
	pthread_join(worker, NULL);
	pthread_attr_destroy(&attr);
	assert_int_equal(seen, ENDED_CALLS);
	ended_calls_close(&table);
	munmap(memory, BELOW + WORKER_STACK);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_full_table_is_listed_on_a_small_stack),
	{ 0 },
};
