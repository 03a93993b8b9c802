#include "server/web/fields.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

ONE_THREAD;

static struct response r;
static cJSON *json;

static struct fields body(const char *text)
{
	static struct request q;

	json = json_parse(text, strlen(text));
	assert_non_null(json);
	q = (struct request){ .json = json };
	response_init(&r);
	return fields_of(&q, &r);
}

static void end(void)
{
	response_free(&r);
	cJSON_Delete(json);
}

static void fields_that_do_are_given(void **state)
{
	struct fields f = body(JSON(
	    { "text" : "hi", "mode" : "exact", "more" : { "a" : 1 }, "left_out" : null, "on" : true, "off" : false }));

	(void)state;
	assert_string_equal(fields_text(&f, "text", 1, 2), "hi");
	assert_string_equal(fields_choice(&f, "mode", "instruction|exact", "instruction"), "exact");
	assert_non_null(fields_object(&f, "more"));
	assert_true(fields_flag(&f, "on"));
	assert_false(fields_flag(&f, "off"));
	assert_false(fields_flag(&f, "not_there"));
	assert_null(fields_text(&f, "left_out", 0, 9));
	assert_null(fields_text(&f, "absent", 0, 9));
	assert_string_equal(fields_choice(&f, "other", "a|b", "b"), "b");
	assert_true(fields_done(&f));
	assert_int_equal(r.status, 200);
	end();
}

/* One field x, of whatever kind, and the complaint about it. */
static void each_complaint_names_its_field(void **state)
{
	static const struct {
		const char *text, *message;
		char kind; /* t text of 1 to 3, o optional text, c choice a|bc, d choice with default, j object */
	} cases[] = {
		{ "{}", "required", 't' },
		{ JSON({ "x" : null }), "required", 't' },
		{ JSON({ "x" : 1 }), "must be a string", 't' },
		{ JSON({ "x" : "" }), "empty", 't' },
		{ JSON({ "x" : "abcd" }), "longer than 3 bytes", 't' },
		{ JSON({ "x" : [] }), "must be a string", 'o' },
		{ JSON({ "x" : "b" }), "must be one of a|bc", 'c' },
		{ JSON({ "x" : "a|bc" }), "must be one of a|bc", 'c' },
		{ JSON({ "x" : "" }), "must be one of a|bc", 'c' },
		{ JSON({ "x" : 1 }), "must be one of a|bc", 'd' },
		{ "{}", "required", 'c' },
		{ JSON({ "x" : "y" }), "object", 'j' },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fields f = body(cases[i].text);

		switch (cases[i].kind) {
		case 't':
			assert_null(fields_text(&f, "x", 1, 3));
			break;
		case 'o':
			assert_null(fields_text(&f, "x", 0, 3));
			break;
		case 'c':
			fields_choice(&f, "x", "a|bc", NULL);
			break;
		case 'd':
			fields_choice(&f, "x", "a|bc", "a");
			break;
		default:
			assert_null(fields_object(&f, "x"));
			break;
		}
		assert_false(fields_done(&f));
		assert_int_equal(r.status, 422);
		if (!strstr(buf_text(&r.body), cases[i].message) || !strstr(buf_text(&r.body), "\"field\":\"x\""))
			fail_msg("%s: %s", cases[i].text, buf_text(&r.body));
		end();
	}
}

static void first_complaint_wins_and_strange_fields_are_one(void **state)
{
	struct fields f = body(JSON({ "a" : 1, "b" : 2, "c" : 3 }));

	(void)state;
	fields_text(&f, "a", 1, 9);
	fields_text(&f, "b", 1, 9);
	fields_refuse(&f, "c", "no");
	assert_false(fields_done(&f));
	assert_non_null(strstr(buf_text(&r.body), "\"field\":\"a\""));
	end();
	f = body(JSON({ "a" : "1", "z" : 2 }));
	assert_non_null(fields_text(&f, "a", 1, 9));
	assert_false(fields_done(&f));
	assert_non_null(strstr(buf_text(&r.body), "\"field\":\"z\""));
	end();
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(fields_that_do_are_given),
	cmocka_unit_test(each_complaint_names_its_field),
	cmocka_unit_test(first_complaint_wins_and_strange_fields_are_one),
	{ 0 },
};
