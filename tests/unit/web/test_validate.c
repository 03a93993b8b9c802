#include "server/web/validate.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

ONE_THREAD;

static struct response r;

FIXTURE(open_response, response_init(&r))

FIXTURE(free_response, response_free(&r))

static void parameters_come_decoded(void **state)
{
	struct form params;

	(void)state;
	assert_true(validate_query("from=%2B1202&limit=5&until=a+b&agent=", "agent from limit until", &params, &r));
	assert_string_equal(form_get(&params, "from"), "+1202");
	assert_string_equal(form_get(&params, "until"), "a b");
	assert_string_equal(form_get(&params, "agent"), "");
	assert_null(form_get(&params, "since"));
	form_free(&params);
	assert_true(validate_query("", "", &params, &r));
	form_free(&params);
}

static void query_that_can_be_read_in_two_ways_is_refused(void **state)
{
	static const struct {
		const char *query, *field;
	} cases[] = {
		{ "a=1&a=2", "a" },
		{ "a=1&b=1&%61=1", "a" },
		{ "c=1", "c" },
		{ "A=1", "A" },
		{ "a b=1", "a b" },
		{ "=1", "" },
		{ "aa=1", "aa" },
		{ "a=%ff", "a" },
	};
	struct form params;
	char wanted[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(wanted, sizeof wanted, "\"field\":\"%s\"", cases[i].field);
		if (validate_query(cases[i].query, "a b", &params, &r) || r.status != 400 ||
		    !strstr(buf_text(&r.body), wanted))
			fail_msg("%s: %d %s", cases[i].query, r.status, buf_text(&r.body));
		form_free(&params);
	}
	assert_false(validate_query("a=%4", "a", &params, &r));
	assert_int_equal(r.status, 400);
	form_free(&params);
}

static int json_status(const char *text)
{
	cJSON *json;
	bool good = validate_json(text, strlen(text), &json, &r);

	assert_true(!good || json);
	cJSON_Delete(json);
	return good ? 200 : r.status;
}

static void body_is_one_object_without_doubled_names(void **state)
{
	char many[16384] = "{";

	(void)state;
	assert_int_equal(json_status("{}"), 200);
	assert_int_equal(json_status(" {\"a\":{\"a\":[{\"a\":1},{\"a\":2}]}}\n"), 200);
	assert_int_equal(json_status(""), 400);
	assert_int_equal(json_status("{}{}"), 400);
	assert_int_equal(json_status("{\"a\":1,\"a\":1}"), 400);
	assert_int_equal(json_status("{\"a\":[{\"b\":{\"c\":1,\"d\":2,\"\\u0063\":3}}]}"), 400);
	assert_int_equal(json_status("[{}]"), 422);
	assert_int_equal(json_status("null"), 422);
	for (int i = 0; i <= JSON_NAMES_MAX; i++)
		sprintf(many + strlen(many), "%s\"n%d\":1", i ? "," : "", i);
	strcat(many, "}");
	assert_int_equal(json_status(many), 400);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_response, free_response)

const struct CMUnitTest unit_tests[] = {
	TEST(parameters_come_decoded),
	TEST(query_that_can_be_read_in_two_ways_is_refused),
	TEST(body_is_one_object_without_doubled_names),
	{ 0 },
};
