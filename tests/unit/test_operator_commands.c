#include "server/operator_commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool reads(struct operator_command *c, const char *line)
{
	static char words[200]; /* what was read borrows from it */
	char *args[20] = { NULL }, *rest = NULL;
	struct buf problem;
	size_t n = 0;
	bool so;

	strcpy(words, line);
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		args[n++] = word;
	buf_init(&problem, 0);
	so = operator_command_read(c, args, &problem);
	assert_int_equal(so, problem.len == 0);
	assert_true(so || strchr(buf_text(&problem), '\n') == buf_text(&problem) + problem.len - 1);
	assert_null(strchr(buf_text(&problem), '\x1b'));
	buf_free(&problem);
	return so;
}

static void commands_are_read(void **state)
{
	struct operator_command c;

	(void)state;
	assert_true(operator_command_named("status"));
	assert_true(operator_command_named("calls"));
	assert_true(operator_command_named("call"));
	assert_false(operator_command_named("--status"));
	assert_true(reads(&c, "status"));
	assert_int_equal(c.what, OPERATOR_STATUS);
	assert_false(c.json);
	assert_true(reads(&c, "calls"));
	assert_int_equal(c.what, OPERATOR_CALLS);
	assert_int_equal(c.last, 20);
	assert_true(reads(&c, "calls --live"));
	assert_int_equal(c.last, 0);
	assert_true(reads(&c, "calls --json --last 10000 --agent desk --ending idle"));
	assert_true(c.json);
	assert_int_equal(c.last, 10000);
	assert_string_equal(c.filters[0], "desk");
	assert_null(c.filters[1]);
	assert_string_equal(c.filters[5], "idle");
	assert_true(reads(&c, "call --json CA1"));
	assert_int_equal(c.what, OPERATOR_CALL);
	assert_string_equal(c.sid, "CA1");
}

static void what_makes_no_sense_is_told(void **state)
{
	static const char *const wrong[] = { "status now", "status --live", "calls CA1", "calls --last",
		"calls --last 0", "calls --last -1", "calls --last 10001", "calls --last 1x",
		"calls --last 99999999999", "calls --limit 5", "calls --agent", "calls -", "call", "call --json",
		"call CA1 CA2", "call --last 1", "call \x1b[2J --\x1b" };
	struct operator_command c;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(reads(&c, wrong[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_read),
		cmocka_unit_test(what_makes_no_sense_is_told),
	};

	return cmocka_run_group_tests_name("operator_commands", tests, NULL, NULL);
}
