#include "common/json_out.h"

#include "common/json.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct json_out j;

static int begin(void **state)
{
	written_begin(state);
	j = json_out_to(&written);
	return 0;
}

static void commas_stand_between_and_nowhere_else(void **state)
{
	(void)state;
	json_put_object(&j, NULL);
	json_put_object(&j, "none");
	json_put_end(&j);
	json_put_array(&j, "list");
	json_put_int(&j, NULL, 1);
	json_put_array(&j, NULL);
	json_put_end(&j);
	json_put_object(&j, NULL);
	json_put_bool(&j, "a", true);
	json_put_bool(&j, "b", false);
	json_put_end(&j);
	json_put_null(&j, NULL);
	json_put_end(&j);
	json_put_text(&j, "after", "it");
	json_put_end(&j);
	assert_string_equal(
	    buf_text(&written), "{\"none\":{},\"list\":[1,[],{\"a\":true,\"b\":false},null],\"after\":\"it\"}");
}

static void every_kind_of_value_reads_back(void **state)
{
	cJSON *tree = json_parse("{\"x\":[1,2]}", 11);

	(void)state;
	json_put_array(&j, NULL);
	json_put_text(&j, NULL, "a \"quote\"\n\xff");
	json_put_text(&j, NULL, NULL);
	json_put_text_of(&j, NULL, "cut here", 3);
	json_put_format(&j, NULL, "%d\"%s", 7, "x");
	json_put_int(&j, NULL, INT64_MIN);
	json_put_uint(&j, NULL, UINT64_MAX);
	json_put_fixed(&j, NULL, 1.5, 3);
	json_put_time(&j, NULL, 1800000000123);
	json_put_json(&j, NULL, "{\"y\":null}");
	json_put_json(&j, NULL, NULL);
	json_put_tree(&j, NULL, tree);
	buf_puts(json_put_value(&j, NULL), "true");
	json_put_end(&j);
	cJSON_Delete(tree);
	assert_string_equal(buf_text(&written),
	    "[\"a \\\"quote\\\"\\n\xef\xbf\xbd\",null,\"cut\",\"7\\\"x\",-9223372036854775808,18446744073709551615,1.500,"
	    "\"2027-01-15T08:00:00.123Z\",{\"y\":null},null,{\"x\":[1,2]},true]");
	tree = json_parse(buf_text(&written), written.len);
	assert_non_null(tree);
	cJSON_Delete(tree);
}

static void what_is_inside_of_another_joins_in(void **state)
{
	static const char other[] = "{\"b\":{\"c\":[]},\"d\":\"}\"}";
	(void)state;
	json_put_object(&j, NULL);
	json_put_inside(&j, "{}", 2);
	json_put_inside(&j, other, strlen(other));
	json_put_inside(&j, "{}", 2);
	json_put_inside(&j, "", 0);
	json_put_inside(&j, "[1]", 3);
	json_put_int(&j, "e", 5);
	json_put_inside(&j, "{\"f\":6}", 7);
	json_put_array(&j, "g");
	json_put_inside(&j, "[1,2]", 5);
	json_put_inside(&j, "[]", 2);
	json_put_inside(&j, "{\"no\":0}", 8);
	json_put_inside(&j, "[[3]]", 5);
	json_put_end(&j);
	json_put_end(&j);
	assert_string_equal(buf_text(&written), "{\"b\":{\"c\":[]},\"d\":\"}\",\"e\":5,\"f\":6,\"g\":[1,2,[3]]}");
}

static void keys_are_escaped(void **state)
{
	(void)state;
	json_put_object(&j, NULL);
	json_put_int(&j, "a\"b", 1);
	json_put_end(&j);
	assert_string_equal(buf_text(&written), "{\"a\\\"b\":1}");
}

static void a_level_is_as_new_each_time_it_is_opened(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JSON_OUT_DEPTH; i++)
		i % 2 ? json_put_object(&j, NULL) : json_put_array(&j, i ? "k" : NULL);
	assert_int_equal(j.depth, JSON_OUT_DEPTH);
	json_put_int(&j, "deep", 1);
	json_put_end(&j);
	json_put_object(&j, NULL);
	json_put_int(&j, "deep", 2);
	while (j.depth)
		json_put_end(&j);
	assert_non_null(strstr(buf_text(&written), "[{\"deep\":1},{\"deep\":2}]"));
}

static void an_error_stays_and_nothing_is_half_written_after_it(void **state)
{
	struct buf small;

	(void)state;
	buf_init(&small, 12);
	j = json_out_to(&small);
	json_put_object(&j, NULL);
	json_put_text(&j, "long", "more than there is room for");
	json_put_end(&j);
	assert_int_equal(buf_error(&small), -E2BIG);
	assert_int_equal(j.depth, 0);
	buf_free(&small);
}

static void the_compact_form_loses_nothing_but_blanks(void **state)
{
	static const char text[] = "\xef\xbb\xbf {\n\t\"a b\" : [ 1 , 12345678901234567890, -0.50 ],\r\n"
				   "\"q\":\"x \\\" y \\\\\" , \"e\": {} , \"u\":\"\\u00eb \xc3\xab\" } \n";
	static const char compact[] = "{\"a b\":[1,12345678901234567890,-0.50],"
				      "\"q\":\"x \\\" y \\\\\",\"e\":{},\"u\":\"\\u00eb \xc3\xab\"}";

	(void)state;
	json_put_compact(&written, text, strlen(text));
	assert_string_equal(buf_text(&written), compact);
	json_put_compact(&written, compact, strlen(compact));
	assert_string_equal(buf_text(&written) + strlen(compact), compact);
}

static void the_canonical_form_is_the_same_for_all_ways_to_write_it(void **state)
{
	static const char *const same[] = {
		"{\"to\":\"+1\",\"n\":{\"a\":1,\"b\":[1,null,0.5]},\"x\":\"Zo\xc3\xab\"}",
		" { \"x\" : \"Zo\\u00eb\",\n\"to\":\"+1\", \"n\":{\"b\":[1e0,null,5e-1],\"a\":1.0}} ",
		"{\"nothing\":null,\"n\":{\"b\":[1,null,0.5],\"c\":null,\"a\":1},\"x\":\"Zo\xc3\xab\",\"to\":\"+1\"}",
	};
	static const char *const others[] = {
		"{\"to\":\"+1\",\"n\":{\"a\":1,\"b\":[null,1,0.5]},\"x\":\"Zo\xc3\xab\"}",
		"{\"to\":\"+1\",\"n\":{\"a\":\"1\",\"b\":[1,null,0.5]},\"x\":\"Zo\xc3\xab\"}",
		"{\"to\":\"+1\",\"n\":{\"a\":1,\"b\":[1,0.5]},\"x\":\"Zo\xc3\xab\"}",
		"{\"to\":\"+1\",\"n\":{\"A\":1,\"b\":[1,null,0.5]},\"x\":\"Zo\xc3\xab\"}",
		"{\"to\":\"+1\",\"n\":{\"a\":1,\"b\":[1,null,0.5]},\"x\":\"Zo\xc3\xab\",\"y\":false}",
	};
	char *first = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same + sizeof others / sizeof *others; i++) {
		bool expected = i < sizeof same / sizeof *same;
		const char *text = expected ? same[i] : others[i - sizeof same / sizeof *same];
		cJSON *tree = json_parse(text, strlen(text));

		assert_non_null(tree);
		buf_reset(&written);
		json_put_canonical(&written, tree);
		cJSON_Delete(tree);
		if (!first)
			first = strdup(buf_text(&written));
		else if (expected != !strcmp(first, buf_text(&written)))
			fail_msg("%s: %s", text, buf_text(&written));
	}
	free(first);
	for (int minus = 0; minus < 2; minus++) {
		cJSON *zero = json_parse(minus ? "-0" : "0.0", minus ? 2 : 3);

		buf_reset(&written);
		json_put_canonical(&written, zero);
		assert_string_equal(buf_text(&written), "0");
		cJSON_Delete(zero);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, written_end)

const struct CMUnitTest unit_tests[] = {
	TEST(commas_stand_between_and_nowhere_else),
	TEST(every_kind_of_value_reads_back),
	TEST(what_is_inside_of_another_joins_in),
	TEST(keys_are_escaped),
	TEST(a_level_is_as_new_each_time_it_is_opened),
	TEST(the_compact_form_loses_nothing_but_blanks),
	TEST(the_canonical_form_is_the_same_for_all_ways_to_write_it),
	TEST(an_error_stays_and_nothing_is_half_written_after_it),
	{ 0 },
};
