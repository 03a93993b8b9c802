#include "common/schema.h"
#include "common/schema_follow.h"

#include "common/json.h"
#include "common/schema_text.h"
#include "tests/peers/setup.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

/* What is wrong is written, what is ignored is noted. */
static int check_text(const char *text)
{
	cJSON *schema = json_of(text);
	int err;

	buf_reset(&written);
	buf_reset(&noted);
	err = schema_check(schema, &written, &noted);
	cJSON_Delete(schema);
	return err;
}

/* "path sentence" of each problem, one a line; "" if it follows. */
static char *follows(const char *schema_text, const char *value_text)
{
	static char said[4096];
	cJSON *schema = json_of(schema_text), *value = json_of(value_text);
	struct schema_problems p;
	bool good;

	if (check_text(schema_text))
		fail_msg("%s: %s", schema_text, buf_text(&written));
	good = schema_follows(schema, value, &p);
	assert_int_equal(good, p.count == 0);
	said[0] = '\0';
	for (size_t i = 0; i < p.count && i < SCHEMA_PROBLEMS; i++)
		snprintf(said + strlen(said), sizeof said - strlen(said), "%s%s %s", i ? "\n" : "", p.at[i].path,
		    p.at[i].sentence);
	cJSON_Delete(schema);
	cJSON_Delete(value);
	return said;
}

static const struct {
	const char *schema, *value, *said;
} values[] = {
	{ "{}", "17", "" },
	{ JSON({ "type" : "string" }), "\"\"", "" },
	{ JSON({ "type" : "string" }), "1", " must be a text" },
	{ JSON({ "type" : "object" }), "[]", " must be an object" },
	{ JSON({ "type" : "array" }), "{}", " must be a list" },
	{ JSON({ "type" : "boolean" }), "0", " must be true or false" },
	{ JSON({ "type" : "boolean" }), "false", "" },
	{ JSON({ "type" : "null" }), "null", "" },
	{ JSON({ "type" : "null" }), "\"null\"", " must be null" },
	{ JSON({ "type" : "number" }), "1.5", "" },
	{ JSON({ "type" : "number" }), "\"1.5\"", " must be a number" },
	{ JSON({ "type" : "integer" }), "2.0", "" },
	{ JSON({ "type" : "integer" }), "2.5", " must be a whole number" },
	{ JSON({ "type" : [ "string", "null" ] }), "null", "" },
	{ JSON({ "type" : [ "string", "null" ] }), "7", " must be a text, or null" },

	{ JSON({ "enum" : [ "low", "high", 3, null ] }), "3", "" },
	{ JSON({ "enum" : [ "low", "high", 3, null ] }), "null", "" },
	{ JSON({ "enum" : [ "low", "high" ] }), "\"Low\"", " must be one of \"low\", \"high\"" },
	{ JSON({ "enum" : [ { "a" : 1 } ] }), JSON({ "a" : 1 }), "" },
	{ JSON({ "const" : true }), "true", "" },
	{ JSON({ "const" : true }), "false", " must be true" },

	{ JSON({ "required" : [ "a", "b" ] }), JSON({ "a" : null }), "b is missing" },
	{ JSON({ "required" : ["a"] }), "[]", "" },
	{ JSON({ "properties" : { "a" : { "type" : "string" } } }), JSON({ "a" : 1, "b" : 2 }), "a must be a text" },
	{ JSON({ "properties" : { "a" : {} }, "additionalProperties" : false }), JSON({ "a" : 1, "b" : 2 }),
	    "b is not a field of it" },
	{ JSON({ "additionalProperties" : { "type" : "number" } }), JSON({ "a" : 1, "b" : "2" }),
	    "b must be a number" },
	{ JSON({ "properties" : { "a" : false } }), JSON({ "a" : 1 }), "a must not be there" },
	{ JSON({ "properties" : { "a" : {} } }), JSON({ "a" : 1, "a" : 2 }), "a is there twice" },
	{ JSON({
		 "properties" : { "at" : { "properties" : { "zip" : { "type" : "string" } }, "required" : ["city"] } }
	 }),
	    JSON({ "at" : { "zip" : 5 } }), "at.city is missing\nat.zip must be a text" },

	{ JSON({ "items" : { "type" : "integer" } }), JSON([ 1, 2, "3", 4.5 ]),
	    "[2] must be a whole number\n[3] must be a whole number" },
	{ JSON({ "minItems" : 1 }), "[]", " must have at least 1 elements" },
	{ JSON({ "minItems" : 1, "maxItems" : 2 }), "[1,2]", "" },
	{ JSON({ "maxItems" : 2 }), "[1,2,3]", " must have at most 2 elements" },
	{ JSON({ "properties" : { "guests" : { "items" : { "required" : ["name"] } } } }),
	    JSON({ "guests" : [ { "name" : 1 }, {} ] }), "guests[1].name is missing" },

	{ JSON({ "minLength" : 2 }), "\"\"", " must have at least 2 characters" },
	{ JSON({ "maxLength" : 3 }), "\"äöü\"", "" },
	{ JSON({ "maxLength" : 3 }), "\"äöüß\"", " must have at most 3 characters" },
	{ JSON({ "minimum" : 1, "maximum" : 8 }), "8", "" },
	{ JSON({ "minimum" : 1, "maximum" : 8 }), "8.5", " must be at most 8" },
	{ JSON({ "minimum" : 1 }), "-1", " must be at least 1" },
	{ JSON({ "minimum" : 1 }), "\"a text is no number\"", "" },
	{ JSON({ "pattern" : "^[A-Z]{2}[0-9]+$" }), "\"AB12\"", "" },
	{ JSON({ "pattern" : "^[A-Z]{2}[0-9]+$" }), "\"AB\"", " must match the pattern ^[A-Z]{2}[0-9]+$" },
};

static void values_are_held_against_every_keyword(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		assert_string_equal(follows(values[i].schema, values[i].value), values[i].said);
}

static void patterns_mean_what_people_write(void **state)
{
	static const struct {
		const char *pattern, *fits, *other; /* the last two: NULL, none */
	} cases[] = {
		{ "b", "abc", NULL },
		{ "^\\d{5}(-\\d{4})?$", "12345-6789", "ddddd" },
		{ "^\\w+\\s\\w+$", "Jane Doe", NULL },
		{ "^[\\d\\s]+$", "12 34", NULL },
		{ "^[\\w.+-]+@[\\w.-]+\\.[a-z]{2,}$", "a.b@example.com", "a.b@example" },
		{ "^[^\\d]$", "a", NULL },
		{ "^\\D\\S\\W$", "ab!", NULL },
		{ "^[]a]$", "]", NULL },
		{ "^[^]a]$", NULL, "]" },
		{ "^[[:upper:]\\d]+$", "A1", NULL },
		{ "^\\+[1-9]\\d{6,14}$", "+12025550123", NULL },
		{ "^a\\.b$", NULL, "axb" },
		{ "^(a|b)*$", "abba", NULL },
		{ "^a+?b$", "aab", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *wrong = schema_pattern_wrong(cases[i].pattern);

		if (wrong)
			fail_msg("%s: %s", cases[i].pattern, wrong);
		if (cases[i].fits && !schema_pattern_matches(cases[i].pattern, cases[i].fits))
			fail_msg("%s against %s", cases[i].pattern, cases[i].fits);
		if (cases[i].other && schema_pattern_matches(cases[i].pattern, cases[i].other))
			fail_msg("%s against %s", cases[i].pattern, cases[i].other);
	}
}

static void patterns_that_mean_something_else_or_cost_too_much_are_refused(void **state)
{
	static const char *const bad[] = { "(", ")", "[a", "a\\", "(?=a)b", "(?:a)", "(a)\\1", "\\bword", "[\\-a]",
		"[\\]]", "[\\D]", "a{", "a{x}", "a{2,1}", "a{1,2001}", "(a{1,50}){1,50}",
		"((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+", "((((((((((((a))))))))))))", "a**", "a+*", "a{2}{3}", "*a",
		"(+a)", "a|*" };
	char longest[SCHEMA_PATTERN_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!schema_pattern_wrong(bad[i]))
			fail_msg("%s was taken", bad[i]);
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_non_null(schema_pattern_wrong(longest));
	assert_null(schema_pattern_wrong(longest + 1));
}

static void a_text_too_long_for_a_pattern_does_not_match(void **state)
{
	char *text = malloc(SCHEMA_MATCHED_MAX + 2);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', SCHEMA_MATCHED_MAX + 1);
	text[SCHEMA_MATCHED_MAX + 1] = '\0';
	assert_false(schema_pattern_matches("a", text));
	assert_true(schema_pattern_matches("a", text + 1));
	free(text);
}

static void formats_are_looked_at_loosely(void **state)
{
	static const struct {
		bool fits;
		const char *format, *text;
	} cases[] = {
		{ true, "date", "2026-11-20" },
		{ true, "date", "2024-02-29" },
		{ false, "date", "2026-02-29" },
		{ false, "date", "2026-13-01" },
		{ false, "date", "2026-11-31" },
		{ false, "date", "26-11-20" },
		{ false, "date", "" },
		{ true, "date-time", "2026-11-20T10:15:00Z" },
		{ true, "date-time", "2026-11-20T10:15:00.123+02:00" },
		{ true, "date-time", "2026-11-20 10:15" },
		{ false, "date-time", "2026-11-20T24:00:00Z" },
		{ false, "date-time", "2026-11-20T10:15:00Zulu" },
		{ false, "date-time", "2026-11-20T10:15:00+" },
		{ false, "date-time", "2026-11-20" },
		{ false, "date-time", "tomorrow at ten" },
		{ true, "email", "jane@example.com" },
		{ false, "email", "jane@example" },
		{ false, "email", "jane at example dot com" },
		{ false, "email", "@example.com" },
		{ false, "email", "a@b@example.com" },
		{ true, "phone", "+1 (202) 555-0123" },
		{ true, "phone", "2025550123" },
		{ false, "phone", "555" },
		{ false, "phone", "1+2025550123" },
		{ false, "phone", "call me" },
		{ false, "phone", "1234567890123456" },
		{ true, "uri", "anything" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (!schema_format_wrong(cases[i].format, cases[i].text) != cases[i].fits)
			fail_msg("%s as %s", cases[i].text, cases[i].format);
}

static void unsound_schemas_are_refused_with_their_place(void **state)
{
	static const struct {
		const char *schema, *said;
	} cases[] = {
		{ JSON({ "type" : "text" }), "type: must be object" },
		{ JSON({ "type" : [] }), "type: must be object" },
		{ JSON({ "type" : [ "string", 1 ] }), "type: must be object" },
		{ JSON({ "properties" : [] }), "properties: must be an object of schemas" },
		{ JSON({ "properties" : { "a" : { "type" : 7 } } }), "properties.a.type: must be" },
		{ JSON({ "properties" : { "a" : "string" } }), "properties.a: must be a schema" },
		{ JSON({ "required" : "a" }), "required: must be a list of names" },
		{ JSON({ "required" : [1] }), "required: must be a list of names" },
		{ JSON({ "additionalProperties" : "no" }), "additionalProperties: must be a schema" },
		{ JSON({ "enum" : [] }), "enum: must be a list of values" },
		{ JSON({ "items" : [ {} ] }), "items: must be a schema" },
		{ JSON({ "items" : { "pattern" : "(" } }), "items.pattern: must be a regular expression" },
		{ JSON({ "pattern" : 1 }), "pattern: must be a text" },
		{ JSON({ "minLength" : -1 }), "minLength: must be a whole number" },
		{ JSON({ "maxItems" : 1.5 }), "maxItems: must be a whole number" },
		{ JSON({ "minimum" : "1" }), "minimum: must be a number" },
		{ JSON({ "format" : 1 }), "format: must be a text" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(check_text(cases[i].schema), -22);
		if (!strstr(buf_text(&written), cases[i].said))
			fail_msg("%s: said %s", cases[i].schema, buf_text(&written));
	}
}

static void what_is_not_looked_at_is_named(void **state)
{
	(void)state;
	assert_int_equal(
	    check_text(
		JSON({ "title" : "t", "oneOf" : [], "properties" : { "a" : { "$ref" : "#", "format" : "uri" } } })),
	    0);
	assert_string_equal(buf_text(&noted), "oneOf: is not looked at\n"
					      "properties.a.$ref: is not looked at\n"
					      "properties.a.format: \"uri\" is not looked at; date-time, date, email "
					      "and phone are\n");
	assert_int_equal(written.len, 0);
}

static void schemas_nest_to_sixteen(void **state)
{
	char text[1024] = "";

	(void)state;
	for (int depth = 15; depth <= 16; depth++) {
		text[0] = '\0';
		for (int i = 0; i < depth; i++)
			strcat(text, "{\"items\":");
		strcat(text, "{}");
		for (int i = 0; i < depth; i++)
			strcat(text, "}");
		assert_int_equal(check_text(text) == 0, depth < 16);
	}
}

static void problems_are_bounded_and_counted(void **state)
{
	struct schema_problems p;
	struct buf text;
	cJSON *schema = json_of(JSON({ "items" : { "type" : "string" } })), *value = cJSON_CreateArray(), *shown;

	(void)state;
	for (int i = 0; i < SCHEMA_MEMBERS + 5; i++)
		cJSON_AddItemToArray(value, cJSON_CreateNumber(i));
	assert_false(schema_follows(schema, value, &p));
	assert_int_equal(p.count, SCHEMA_MEMBERS + 1);
	buf_init(&text, 0);
	schema_put_problems(&text, &p);
	shown = json_of(buf_text(&text));
	assert_int_equal(cJSON_GetArraySize(shown), SCHEMA_PROBLEMS + 1);
	assert_string_equal(json_str(cJSON_GetArrayItem(shown, 3), "path"), "[3]");
	assert_string_equal(json_str(cJSON_GetArrayItem(shown, SCHEMA_PROBLEMS), "sentence"), "and 985 more");
	buf_free(&text);
	cJSON_Delete(schema);
	cJSON_Delete(value);
	cJSON_Delete(shown);
}

static void strict_mode_takes_closed_objects_only(void **state)
{
	static const struct {
		const char *schema;
		bool strict;
	} cases[] = {
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : { "type" : "string" } },
			 "required" : ["a"],
			 "additionalProperties" : false
		 }),
		    true },
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : { "type" : [ "string", "null" ] }, "b" : { "enum" : [1] } },
			 "required" : [ "b", "a" ],
			 "additionalProperties" : false
		 }),
		    true },
		{ JSON({ "type" : "object", "properties" : { "a" : { "type" : "string" } }, "required" : ["a"] }),
		    false },
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : { "type" : "string" } },
			 "additionalProperties" : false
		 }),
		    false },
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : { "type" : "string", "minLength" : 1 } },
			 "required" : ["a"],
			 "additionalProperties" : false
		 }),
		    false },
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : { "type" : "string", "format" : "phone" } },
			 "required" : ["a"],
			 "additionalProperties" : false
		 }),
		    false },
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : { "type" : "array" } },
			 "required" : ["a"],
			 "additionalProperties" : false
		 }),
		    false },
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : { "type" : "array", "items" : { "type" : "object" } } },
			 "required" : ["a"],
			 "additionalProperties" : false
		 }),
		    false },
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : { "type" : "array", "items" : { "type" : "string" } } },
			 "required" : ["a"],
			 "additionalProperties" : false
		 }),
		    true },
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : {} },
			 "required" : ["a"],
			 "additionalProperties" : false
		 }),
		    false },
		{ JSON({
			 "type" : "object",
			 "properties" : { "a" : { "type" : "string", "oneOf" : [] } },
			 "required" : ["a"],
			 "additionalProperties" : false
		 }),
		    false },
		{ JSON({ "type" : "array", "items" : { "type" : "string" } }), false },
		{ "{}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cJSON *schema = json_of(cases[i].schema);

		if (schema_is_strict(schema) != cases[i].strict)
			fail_msg("%s", cases[i].schema);
		cJSON_Delete(schema);
	}
}

/* ------------------------------------------------------- parameters of a function */

static const struct {
	const char *schema, *said;
} functions[] = {
	{ JSON({ "type" : "object" }), "" },
	{ JSON({
		 "type" : "object",
		 "properties" :
		     { "a" : { "type" : "array", "items" : {} }, "b" : { "anyOf" : [ { "type" : "null" } ] } },
		 "required" : ["a"]
	 }),
	    "" },
	{ JSON({ "type" : "object", "oneOf" : [], "anyOf" : [], "allOf" : [], "enum" : [ {} ], "not" : {} }),
	    "oneOf: must not stand at the top: OpenAI refuses it there\n"
	    "anyOf: must not stand at the top: OpenAI refuses it there\n"
	    "allOf: must not stand at the top: OpenAI refuses it there\n"
	    "enum: must not stand at the top: OpenAI refuses it there\n"
	    "not: must not stand at the top: OpenAI refuses it there\n" },
	{ JSON({
		 "properties" : {
			 "a" : { "type" : [ "null", "array" ] },
			 "b" : { "items" : { "anyOf" : [ { "type" : "array" } ] } }
		 }
	 }),
	    "properties.a.items: is missing: OpenAI refuses an array without it\n"
	    "properties.b.items.anyOf[0].items: is missing: OpenAI refuses an array without it\n" },
	{ JSON({ "properties" : { "a" : {} }, "required" : [ "a", "b" ] }),
	    "required: names \"b\", which is not in properties\n" },
	{ JSON({ "properties" : { "a" : { "type" : "integer", "enum" : [ 1, "2" ] } } }),
	    "properties.a.enum: has a value that is not of the schema's type\n" },
	{ JSON({ "properties" : { "a" : { "type" : [ "integer", "null" ], "enum" : [ 1, null ] } } }), "" },
};

static void what_openai_refuses_in_parameters_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		cJSON *schema = json_of(functions[i].schema);

		assert_int_equal(check_text(functions[i].schema), 0);
		assert_int_equal(!schema_check_function(schema, &written), !functions[i].said[0]);
		assert_string_equal(buf_text(&written), functions[i].said);
		cJSON_Delete(schema);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(what_openai_refuses_in_parameters_is_told),
	cmocka_unit_test(values_are_held_against_every_keyword),
	cmocka_unit_test(patterns_mean_what_people_write),
	cmocka_unit_test(patterns_that_mean_something_else_or_cost_too_much_are_refused),
	cmocka_unit_test(a_text_too_long_for_a_pattern_does_not_match),
	cmocka_unit_test(formats_are_looked_at_loosely),
	cmocka_unit_test(unsound_schemas_are_refused_with_their_place),
	cmocka_unit_test(what_is_not_looked_at_is_named),
	cmocka_unit_test(schemas_nest_to_sixteen),
	cmocka_unit_test(problems_are_bounded_and_counted),
	cmocka_unit_test(strict_mode_takes_closed_objects_only),
	GROUP(written_begin, written_end),
};
