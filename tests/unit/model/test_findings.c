#include "server/model/findings.h"
#include "tests/unit.h"

#include "server/model/access.h"
#include <stdio.h>
#include <string.h>

ONE_THREAD;

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
	findings_note(&finding, &passing, false);
	assert_string_equal(finding.text, "busy");
	assert_int_equal(findings_state(&finding), WAY_WELL);
	findings_note(&finding, &passing, false);
	assert_int_equal(findings_state(&finding), WAY_FAILING);
	assert_false(finding.blocks);
	findings_note(&finding, &lasting, false);
	assert_int_equal(findings_state(&finding), WAY_REFUSED);
	findings_note(&finding, &passing, true);
	assert_string_equal(finding.text, "wrong key");
	assert_true(finding.blocks);
}

static void agents_that_are_gone_are_forgotten(void **state)
{
	struct agent agent = { .name = "a", .variant = "" };
	struct model_failure lasting = failure_of("no such voice", true);
	static const struct model_access one = { .number = 1 };
	struct findings f;
	char name[16];

	(void)state;
	findings_init(&f, &one, 1);
	for (int i = 0; i < 20; i++) { /* more than there is room for at first */
		snprintf(name, sizeof name, "a%d", i);
		agent.name = name;
		findings_note(&findings_of(&f, &agent, true)->at[0].found, &lasting, false);
	}
	assert_int_equal(f.count, 20);
	findings_keep_seen(&f); /* they are new */
	assert_false(findings_good(&f, 0));
	assert_int_equal(f.count, 20);
	findings_of(&f, &agent, false)->seen = true;
	findings_keep_seen(&f);
	assert_false(findings_good(&f, 0));
	assert_int_equal(f.count, 1);
	assert_string_equal(f.agents[0].name, "a19");
	agent.variant = "b";
	assert_null(findings_of(&f, &agent, false));
	findings_keep_seen(&f);
	assert_true(findings_good(&f, 0));
	assert_int_equal(f.count, 0);
	findings_free(&f);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(failure_that_may_pass_does_not_hide_one_that_will_not),
	cmocka_unit_test(agents_that_are_gone_are_forgotten),
	{ 0 },
};
