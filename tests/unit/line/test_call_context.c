/* The agent's texts with a call's values in place, and how long they may become. */
#include "server/line/call_context.h"

#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct config cfg;
static struct agents *agents;
static struct call_context context;

/* Instructions that name the same value so many times. */
static int begin(void **state)
{
	static char instructions[8192] = "Be kind. ";
	const char *const pairs[] = { "INSTRUCTIONS", instructions, NULL };
	struct buf problem;

	(void)state;
	for (int i = 0; i < 200; i++)
		snprintf(instructions + 9 + 14 * i, 15, "{{metadata.a}}");
	buf_init(&problem, 0);
	pairs_load(&cfg, pairs);
	assert_int_equal(agents_open(&agents, &cfg, &problem), 0);
	buf_free(&problem);
	return 0;
}

static int end(void **state)
{
	(void)state;
	agents_close(agents);
	config_free(&cfg);
	return 0;
}

/* With a value of that length. */
static void make(int len)
{
	char *metadata = malloc((size_t)len + 16);
	struct call_facts facts = { .from = "+12025550123", .to = "+12025550100", .metadata = metadata };

	sprintf(metadata, "{\"a\":\"%0*d\"}", len, 0);
	assert_int_equal(call_context_make(&context, agents, &facts), 0);
	free(metadata);
}

static void text_too_long_with_the_calls_values_goes_without_them(void **state)
{
	(void)state;
	make((CALL_TEXT_MAX - 9) / 200);
	assert_null(context.cut);
	assert_int_equal(strlen(context.instructions), 9 + (CALL_TEXT_MAX - 9) / 200 * 200);
	call_context_free(&context);
	make((CALL_TEXT_MAX - 9) / 200 + 1);
	assert_string_equal(context.cut, "instructions");
	assert_string_equal(context.instructions, "Be kind. ");
	call_context_free(&context);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test_setup_teardown(text_too_long_with_the_calls_values_goes_without_them, begin, end),
	{ 0 },
};
