#include "server/agents/template.h"

#include "server/line/call_context.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

ONE_THREAD;

/* The text with these values; valid until the next. */
static const char *expand(const char *text, const struct template_values *values)
{
	buf_reset(&written);
	template_expand(text, values, &written);
	assert_int_equal(buf_error(&written), 0);
	return buf_text(&written);
}

static void variables_become_their_values(void **state)
{
	cJSON *metadata = cJSON_Parse("{\"order\":1234567,\"vip\":true,\"note\":\"by {{caller}}\",\"share\":0.25}");
	struct template_values v = { .caller = "+12025550123",
		.called = "+12025550100",
		.now = "Tuesday",
		.contact_name = "Ann",
		.business_name = "Acme",
		.metadata = metadata };

	(void)state;
	assert_string_equal(expand("{{caller}} {{called}} {{now}} {{contact_name}} {{business_name}}", &v),
	    "+12025550123 +12025550100 Tuesday Ann Acme");
	assert_string_equal(
	    expand("{{ metadata.order }}|{{metadata.vip}}|{{metadata.share}}", &v), "1234567|true|0.25");
	assert_string_equal(expand("", &v), "");
	assert_string_equal(expand("a}} {b} {{now}}{{now}}", &v), "a}} {b} TuesdayTuesday");
	/* What comes in is never looked at again. */
	assert_string_equal(expand("<{{metadata.note}}>", &v), "<by {{caller}}>");
	cJSON_Delete(metadata);
}

static void what_has_no_value_is_left_out(void **state)
{
	static const struct template_values none;
	cJSON *metadata = cJSON_Parse("{\"list\":[1],\"null\":null}");
	struct template_values v = { .metadata = metadata };

	(void)state;
	assert_string_equal(expand("[{{caller}}{{now}}{{metadata.x}}]", &none), "[]");
	assert_string_equal(expand("[{{metadata.list}}{{metadata.null}}{{metadata.absent}}]", &v), "[]");
	cJSON_Delete(metadata);
}

static void assert_wrong(const char *text, const char *says)
{
	buf_reset(&written);
	assert_int_equal(template_check(text, &written), -EINVAL);
	if (!strstr(buf_text(&written), says))
		fail_msg("\"%s\": %s", text, buf_text(&written));
}

static void unknown_variable_is_named(void **state)
{
	(void)state;
	assert_int_equal(template_check("{{caller}} {{ now }} {{metadata.any_thing-2}} { } }}", &written), 0);
	assert_int_equal(written.len, 0);
	assert_wrong("Hello {{calller}}", "{{calller}}");
	assert_wrong("Hello {{}}", "{{}}");
	assert_wrong("Hello {{metadata.}}", "{{metadata.}}");
	assert_wrong("Hello {{metadata.a b}}", "{{metadata.a b}}");
	assert_wrong("{{now}} and {{now", "never closes");
	assert_wrong("{{", "never closes");
}

static void time_is_told_in_words_with_its_zone(void **state)
{
	char text[96];

	(void)state;
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	call_context_time(1741093500 * INT64_C(1000), text, sizeof text);
	assert_string_equal(text, "Tuesday, 4 March 2025, 14:05 (CET, UTC+01:00)");
	setenv("TZ", "NST3:30", 1);
	tzset();
	call_context_time(1741093500 * INT64_C(1000), text, sizeof text);
	assert_string_equal(text, "Tuesday, 4 March 2025, 09:35 (NST, UTC-03:30)");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test_setup_teardown(variables_become_their_values, written_begin, written_end),
	cmocka_unit_test_setup_teardown(what_has_no_value_is_left_out, written_begin, written_end),
	cmocka_unit_test_setup_teardown(unknown_variable_is_named, written_begin, written_end),
	cmocka_unit_test(time_is_told_in_words_with_its_zone),
	{ 0 },
};
