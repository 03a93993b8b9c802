#include "common/foreign.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

#define FFFD "\xef\xbf\xbd"

/* In memory of its own size, so that a sanitizer sees what is read beyond it. */
static cJSON *read_in_place(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	cJSON *tree;

	assert_non_null(copy);
	memcpy(copy, text, len);
	tree = foreign_json(copy, len);
	free(copy);
	return tree;
}

static void expect(const char *text, size_t len, const char *field)
{
	cJSON *tree = read_in_place(text, len);
	const char *got = json_str(tree, "a");

	if (!got || strcmp(got, field))
		fail_msg("%.*s reads as %s, not %s", (int)len, text, got ? got : "nothing", field);
	cJSON_Delete(tree);
}

/* The same without a tree: what json_scan finds. */
static void expect_text(const char *inside, size_t len, const char *field)
{
	char *copy = malloc(len ? len : 1);
	struct buf out;

	assert_non_null(copy);
	memcpy(copy, inside, len);
	buf_init(&out, 0);
	foreign_put_text(&out, (struct span){ copy, len });
	assert_string_equal(buf_text(&out), field);
	buf_free(&out);
	free(copy);
}

/* `inside`: between the quotes. */
#define READS(inside, field) \
	(expect("{\"a\":\"" inside "\"}", sizeof "{\"a\":\"" inside "\"}" - 1, field), \
	    expect_text(inside, sizeof inside - 1, field))

static void half_a_pair_costs_one_character(void **state)
{
	(void)state;
	READS("hi \\ud83d", "hi " FFFD);
	READS("\\ud83d hi", FFFD " hi");
	READS("\\uD83D\\uD83D\\uDE00", FFFD "\xf0\x9f\x98\x80");
	READS("\\ude00\\ud83d", FFFD FFFD);
	READS("\\ud83d\\n", FFFD "\n");
	READS("\\ud83d\\u0041", FFFD "A");
	READS("\\ud83d\\\\ude00", FFFD "\\ude00");
	READS("\\\\ud83d", "\\ud83d");
	READS("\\\\\\ud83d", "\\" FFFD);
	READS("\\ud83d\\ude00", "\xf0\x9f\x98\x80");
}

static void nul_costs_one_character(void **state)
{
	(void)state;
	READS("a\\u0000b", "a" FFFD "b");
	READS("a\0b", "a" FFFD "b");
	READS("a\\\0b", "a" FFFD FFFD "b");
	READS("\\u00000", FFFD "0");
	READS("\\\\u0000", "\\u0000");
}

static void bytes_that_are_no_text_cost_one_character_each(void **state)
{
	(void)state;
	READS("a\xff", "a" FFFD);
	READS("\xc3", FFFD);
	READS("\xe2\x82x", FFFD FFFD "x");
	READS("\xed\xa0\xbd", FFFD FFFD FFFD);
	READS("\xc3\xa9", "\xc3\xa9");
}

static void escapes_that_are_none_cost_their_backslash(void **state)
{
	(void)state;
	READS("it\\'s", "it" FFFD "'s");
	READS("\\u12G4", FFFD "u12G4");
	READS("\\u", FFFD "u");
}

static void what_stands_around_the_values_does_not_matter(void **state)
{
	static const char bom[] = "\xef\xbb\xbf{\"a\":\"x\"}", nul[] = "{\"a\":\"x\"}\0";

	(void)state;
	expect(bom, sizeof bom - 1, "x");
	expect(nul, sizeof nul, "x");
	expect("{\v\"a\":\f\"x\"}", 12, "x");
}

static void text_of_which_nothing_is_left_is_empty(void **state)
{
	static const char *const nothing[] = { "", "\xef\xbb\xbf" };
	char *mended;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
		assert_non_null(mended = foreign_mended(nothing[i], strlen(nothing[i]), &len));
		assert_string_equal(mended, "");
		assert_int_equal(len, 0);
		free(mended);
	}
}

static void characters_of_every_length_come_out_of_their_escapes(void **state)
{
	(void)state;
	READS("\\u007f\\u0080\\u07FF\\u0800\\uffff", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
	READS("\\ud800\\udc00\\uDBFF\\uDFFF", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
	READS("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
	READS("\x7f\xc2\x80\xe0\xa0\x80\xf4\x8f\xbf\xbf", "\x7f\xc2\x80\xe0\xa0\x80\xf4\x8f\xbf\xbf");
}

static void characters_come_one_by_one(void **state)
{
	static const char inside[] = "a\\n\\ud83d\\ude00\xc3\xa9\\ud83d";
	static const int32_t codes[] = { 'a', '\n', 0x1f600, 0xe9, 0xfffd, -1, -1 };
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		assert_int_equal(foreign_character((struct span){ inside, sizeof inside - 1 }, &at), codes[i]);
	assert_int_equal(at, sizeof inside - 1);
}

static void ids_of_ours_are_printable(void **state)
{
	char id[FOREIGN_ID_SIZE + 1];

	(void)state;
	assert_true(foreign_id_is_plain("VX1~!", 5));
	for (const char *bad = " \"\\\x7f\x1f\xc3"; *bad; bad++)
		assert_false(foreign_id_is_plain((char[]){ 'V', *bad, 'X' }, 3));
	assert_false(foreign_id_is_plain("", 0));
	memset(id, 'x', sizeof id);
	assert_true(foreign_id_is_plain(id, FOREIGN_ID_SIZE - 1));
	assert_false(foreign_id_is_plain(id, FOREIGN_ID_SIZE));
}

static void value_that_is_nested_too_deep_is_null(void **state)
{
	char text[600] = "{\"deep\":";
	cJSON *tree;

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(text, i % 2 ? "{\"\\\"}\":" : "[");
	strcat(text, "\"]\"");
	for (int i = 99; i >= 0; i--)
		strcat(text, i % 2 ? "}" : "]");
	strcat(text, ",\"a\":\"x\"}");
	expect(text, strlen(text), "x");
	tree = read_in_place(text, strlen(text));
	for (const cJSON *at = tree; at; at = at->child)
		if (!at->child)
			assert_true(cJSON_IsNull(at));
	cJSON_Delete(tree);
}

/* Cut anywhere, a message is none; and nothing is read beyond its end. */
static void what_is_no_json_stays_none(void **state)
{
	static const char whole[] = "{\"a\":\"\\ud83d\\ude00 \\u0000 \xc3\xa9\",\"b\":[1,{\"c\":null}]}";
	static const char *const none[] = { "", "hello", "{\"a\":1} more", "{'a':1}", "{\"a\":\xff}", "\xef\xbb\xbf" };

	(void)state;
	for (size_t n = 0; n < sizeof whole - 1; n++)
		assert_null(read_in_place(whole, n));
	expect(whole, sizeof whole - 1, "\xf0\x9f\x98\x80 " FFFD " \xc3\xa9");
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (read_in_place(none[i], strlen(none[i])))
			fail_msg("read: %s", none[i]);
}

static void sound_text_is_left_as_it_is(void **state)
{
	static const char sound[] = " {\"a\" : \"\\ud83d\\ude00\\/\\\"\xc3\xa9\",\n\"b\":[-1e3, {}]}\r\n";
	size_t len;
	char *same = foreign_mended(sound, sizeof sound - 1, &len);

	(void)state;
	assert_int_equal(len, sizeof sound - 1);
	assert_memory_equal(same, sound, len);
	free(same);
}

static void ids_are_taken_whole_or_named_anew(void **state)
{
	char id[10240], one[FOREIGN_ID_SIZE], other[FOREIGN_ID_SIZE];
	static const size_t whole[] = { 1, 63, 64, 65, 127, 128, 511, 512 }, longer[] = { 513, 600, sizeof id };

	(void)state;
	memset(id, 'x', sizeof id);
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
		assert_true(foreign_id_take(one, id, whole[i]));
		assert_int_equal(strlen(one), whole[i]);
		assert_true(foreign_id_is_theirs(one));
	}
	for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
		assert_true(foreign_id_take(one, id, longer[i]));
		assert_false(foreign_id_is_theirs(one));
		assert_true(foreign_id_take(other, id, longer[i]));
		assert_string_equal(one, other);
		id[longer[i] - 1] = 'y';
		assert_true(foreign_id_take(other, id, longer[i]));
		assert_string_not_equal(one, other);
		id[longer[i] - 1] = 'x';
	}
	assert_false(foreign_id_take(one, "", 0));
	assert_string_equal(one, "");
	assert_false(foreign_id_take(one, NULL, 0));
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(half_a_pair_costs_one_character),
	cmocka_unit_test(nul_costs_one_character),
	cmocka_unit_test(bytes_that_are_no_text_cost_one_character_each),
	cmocka_unit_test(escapes_that_are_none_cost_their_backslash),
	cmocka_unit_test(characters_of_every_length_come_out_of_their_escapes),
	cmocka_unit_test(characters_come_one_by_one),
	cmocka_unit_test(ids_of_ours_are_printable),
	cmocka_unit_test(what_stands_around_the_values_does_not_matter),
	cmocka_unit_test(text_of_which_nothing_is_left_is_empty),
	cmocka_unit_test(value_that_is_nested_too_deep_is_null),
	cmocka_unit_test(what_is_no_json_stays_none),
	cmocka_unit_test(sound_text_is_left_as_it_is),
	cmocka_unit_test(ids_are_taken_whole_or_named_anew),
	{ 0 },
};
