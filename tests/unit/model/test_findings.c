#include "server/model/findings.h"
#include "tests/unit.h"

#include <stdio.h>
#include <string.h>

static struct model_failure failure_of(const char *text, bool permanent)
{
	struct model_failure failure = { .permanent = permanent };

	snprintf(failure.text, sizeof failure.text, "%s", text);
	return failure;
}

static void failure_that_may_pass_does_not_hide_one_that_will_not(void **state)
{
	struct model_failure passing = failure_of("busy", false), lasting = failure_of("wrong key", true);
	struct finding finding = { 0 };

	(void)state;
	assert_false(findings_note(&finding, &passing));
	assert_string_equal(finding.text, "busy");
	assert_false(finding.blocks);
	assert_true(findings_note(&finding, &lasting));
	assert_false(findings_note(&finding, &lasting));
	assert_false(findings_note(&finding, &passing));
	assert_string_equal(finding.text, "wrong key");
	assert_true(finding.blocks);
}

static void agents_that_are_gone_are_forgotten(void **state)
{
	struct agent agent = { .name = "a", .variant = "" };
	struct model_failure lasting = failure_of("no such voice", true);
	struct findings f = { 0 };
	char name[16];

	(void)state;
	for (int i = 0; i < 20; i++) { /* more than there is room for at first */
		snprintf(name, sizeof name, "a%d", i);
		agent.name = name;
		findings_note(&findings_of(&f, &agent, true)->found, &lasting);
	}
	assert_int_equal(f.count, 20);
	assert_false(findings_keep_seen(&f)); /* they are new */
	assert_int_equal(f.count, 20);
	findings_of(&f, &agent, false)->seen = true;
	assert_false(findings_keep_seen(&f));
	assert_int_equal(f.count, 1);
	assert_string_equal(f.agents[0].name, "a19");
	agent.variant = "b";
	assert_null(findings_of(&f, &agent, false));
	assert_true(findings_keep_seen(&f));
	assert_int_equal(f.count, 0);
	findings_free(&f);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(failure_that_may_pass_does_not_hide_one_that_will_not),
	cmocka_unit_test(agents_that_are_gone_are_forgotten),
	{ 0 },
};
