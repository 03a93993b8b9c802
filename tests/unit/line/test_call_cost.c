/* When the agent loop has to look at what a call costs, though nothing happens in it. */
#include "server/line/call_cost.h"

#include "common/clock.h"
#include "tests/unit.h"

#include <stdlib.h>

ONE_THREAD;

static void limit_is_looked_after_once_a_second_until_it_is_told(void **state)
{
	struct agent agent = { .max_call_cost = 0 };
	struct call_spending spending = { .minded_us = 7 * US_PER_S };
	struct call *c = aligned_alloc(_Alignof(struct call), sizeof *c);

	(void)state;
	memset(c, 0, sizeof *c);
	c->agent = &agent;
	atomic_store(&c->started_us, 1);
	assert_true(call_cost_due_us(c, &spending) == NEVER_US);
	agent.max_call_cost = 0.1;
	assert_true(call_cost_due_us(c, &spending) == 8 * US_PER_S);
	atomic_store(&c->started_us, 0); /* nobody is there to hear a goodbye */
	assert_true(call_cost_due_us(c, &spending) == NEVER_US);
	atomic_store(&c->started_us, 1);
	spending.limit_told = true;
	assert_true(call_cost_due_us(c, &spending) == NEVER_US);
	free(c);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(limit_is_looked_after_once_a_second_until_it_is_told),
	{ 0 },
};
