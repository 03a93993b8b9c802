#include "server/knowledge/knowledge_passages.h"
#include "tests/unit.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

struct cut {
	char *said; /* "heading|text" of each, one behind the other, with a line of === between */
	size_t count, longest, most_words;
};

static size_t words_of(const char *p, size_t len)
{
	size_t words = 0;

	for (size_t i = 0; i < len; i++)
		words += !isspace((unsigned char)p[i]) && (!i || isspace((unsigned char)p[i - 1]));
	return words;
}

static int note(void *arg, const char *heading, const char *text, size_t len)
{
	struct cut *c = arg;
	size_t had = strlen(c->said), words = words_of(text, len);

	c->said = realloc(c->said, had + strlen(heading) + len + 16);
	assert_non_null(c->said);
	sprintf(c->said + had, "%s%s|%.*s", had ? "\n===\n" : "", heading, (int)len, text);
	c->count++;
	c->longest = len > c->longest ? len : c->longest;
	c->most_words = words > c->most_words ? words : c->most_words;
	return 0;
}

static struct cut cut(const char *text, bool markdown)
{
	struct cut c = { strdup(""), 0, 0, 0 };
	struct unseen unseen;
	size_t len = strlen(text);
	char *exact = malloc(len + 1); /* a sanitizer sees who reads beyond it */

	assert_non_null(exact);
	memcpy(exact, text, len);
	exact = realloc(exact, len ? len : 1);
	assert_int_equal(passages_split(exact, len, markdown, note, &c, &unseen), 0);
	free(exact);
	return c;
}

/* The same so many times behind what is there. */
static void repeat(char *text, const char *piece, int times)
{
	for (text += strlen(text); times; times--)
		text = stpcpy(text, piece);
}

static void expect(const char *text, bool markdown, const char *said)
{
	struct cut c = cut(text, markdown);

	assert_string_equal(c.said, said);
	free(c.said);
}

static void a_passage_ends_at_a_heading_and_knows_the_path_to_it(void **state)
{
	(void)state;
	expect("Hello.\n# Menu\nWe cook.\n## Pizza ##\nWith cheese.\n\nOr without.\n# Hours\n\nDaily.\n", true,
	    "|Hello.\n===\nMenu|We cook.\n===\nMenu > Pizza|With cheese.\n\nOr without.\n===\nHours|Daily.");
}

static void underlined_headings_count_and_so_do_skipped_levels(void **state)
{
	(void)state;
	expect("Menu\n====\nA\n\nPizza\n---\nB\n#### Deep\nC\n## Pasta\nD", true,
	    "Menu|A\n===\nMenu > Pizza|B\n===\nMenu > Pizza > Deep|C\n===\nMenu > Pasta|D");
}

static void what_only_looks_like_a_heading_is_text(void **state)
{
	(void)state;
	expect("#hash\n\n####### seven\n\n```\n# a comment\n```\n\nTwo\nlines\n---\nrest", true,
	    "|#hash\n\n####### seven\n\n```\n# a comment\n```\n\nTwo\nlines\n---\nrest");
	expect("# Not Markdown\n\ntext", false, "|# Not Markdown\n\ntext");
}

static void a_head_between_dashes_is_left_out(void **state)
{
	(void)state;
	expect("---\ntitle: x\n---\nText.", true, "|Text.");
	expect("---\nnever closed", true, "|never closed");
	expect("---\ntitle: x\n---\nText.", false, "|---\ntitle: x\n---\nText.");
}

static void carriage_returns_emphasis_and_blanks_do_no_harm(void **state)
{
	(void)state;
	expect("# **Bold** `code`\r\n\r\n  text \r\n\r\n\r\n", true, "Bold code|text");
	expect("", true, "");
	expect("\n \n\t\n", true, "");
}

static void a_heading_over_nothing_is_a_passage(void **state)
{
	(void)state;
	expect("# Only a heading", true, "|Only a heading");
	expect("# Parking\n\n## No unicycles\n\n## Bicycles\n\nBehind the house.\n", true,
	    "Parking|No unicycles\n===\nParking > Bicycles|Behind the house.");
	expect("# A\n## B\n### C\n# D\nd", true, "A > B|C\n===\nD|d");
	expect("Closed\n---\nOpen\n===\n", true, "|Closed\n===\n|Open");
	expect("# A\n\n---\n\n* * *\n\n# B", true, "|A\n===\n|B"); /* a rule is no text */
	expect("#\n\n# \n\n# ##\n", true, "");
}

static void a_rule_under_a_list_a_quote_or_a_table_makes_no_heading(void **state)
{
	static const char *const above[] = { "- an item", "12) an item", "> a quote" };
	char text[40], said[sizeof text + 1];

	(void)state;
	for (size_t i = 0; i < sizeof above / sizeof *above; i++) {
		snprintf(text, sizeof text, "%s\n---\ntext", above[i]);
		snprintf(said, sizeof said, "|%s", text);
		expect(text, true, said);
	}
	expect("| Room | Price |\n---\n", true, "|| Room | Price |");
	expect("-not an item\n---\ntext", true, "-not an item|text");
}

static void paragraphs_gather_until_there_are_enough_words(void **state)
{
	char text[8192] = "";
	struct cut c;

	(void)state;
	for (int i = 0; i < 12; i++) { /* 12 paragraphs of 30 words */
		repeat(text, "word ", 30);
		strcat(text, "\n\n");
	}
	c = cut(text, false);
	assert_int_equal(c.count, 3);
	assert_int_equal(c.most_words, 120);
	free(c.said);
}

static struct cut cut_repeated(const char *piece, int times)
{
	char text[16384] = "";

	repeat(text, piece, times);
	return cut(text, false);
}

static void a_long_paragraph_is_cut_at_the_ends_of_sentences(void **state)
{
	struct cut c = cut_repeated("One sentence of some seven words here. ", 60);

	(void)state;
	assert_in_range(c.count, 3, 5);
	assert_true(c.most_words <= PASSAGE_WORDS_MAX);
	for (char *p = c.said; (p = strstr(p, "\n===\n")); p++)
		assert_int_equal(p[-1], '.');
	free(c.said);
}

static void a_script_without_blanks_is_cut_at_characters(void **state)
{
	char text[16384] = "";
	struct cut c;

	(void)state;
	for (int i = 0; i < 2000; i++)
		strcat(text, i % 40 == 39 ? "。" : "店");
	c = cut(text, false);
	assert_in_range(c.count, 4, 6);
	assert_true(c.longest <= PASSAGE_BYTES_MAX);
	for (char *p = c.said; (p = strstr(p, "\n===\n")); p++)
		assert_memory_equal(p - 3, "。", 3);
	free(c.said);
	c = cut_repeated("ä", 3000);
	for (char *p = c.said; (p = strstr(p, "\n===\n|")); p++)
		assert_int_equal((unsigned char)p[6], 0xC3);
	free(c.said);
}

static void a_long_heading_is_cut_at_a_character(void **state)
{
	char text[1024] = "# ";
	struct cut c;

	(void)state;
	repeat(text, "é", 100);
	strcat(text, "\ntext");
	c = cut(text, true);
	assert_int_equal(strchr(c.said, '|') - c.said, 78);
	free(c.said);
}

static void a_long_heading_is_also_text(void **state)
{
	char longer[256] = "", text[1024], said[1024];

	(void)state;
	repeat(longer, "word ", 20);
	strcat(longer, "end");
	snprintf(text, sizeof text, "# %s #\n\n## B\nb", longer);
	snprintf(said, sizeof said, "%.79s|%s\n===\n%.79s > B|b", longer, longer, longer);
	expect(text, true, said);
	snprintf(text, sizeof text, "%s\n---\ntext", longer);
	snprintf(said, sizeof said, "%.79s|%s\n---\ntext", longer, longer);
	expect(text, true, said);
}

static void the_path_has_every_level_however_long(void **state)
{
	char text[1024] = "";

	(void)state;
	for (int level = 1; level <= PASSAGE_HEADINGS; level++) {
		repeat(text, "#", level);
		strcat(text, " ");
		repeat(text, "x", PASSAGE_HEADING_BYTES);
		strcat(text, "\n");
	}
	strcat(text, "text");
	for (struct cut c = cut(text, true); c.said; free(c.said), c.said = NULL)
		assert_int_equal(strchr(c.said, '|') - c.said, 6 * 79 + 5 * 3);
}

static void only_marks_around_the_words_of_a_heading_are_dropped(void **state)
{
	(void)state;
	expect("# **Bold** `code` a*b*c 2**3 C# ##\nx", true, "Bold code a*b*c 2**3 C#|x");
}

static int stop_at_once(void *arg, const char *heading, const char *text, size_t len)
{
	(void)heading;
	(void)text;
	(void)len;
	++*(int *)arg;
	return -5;
}

static void whoever_takes_them_may_stop(void **state)
{
	int taken = 0;
	struct unseen unseen;

	(void)state;
	assert_int_equal(passages_split("# a\nb\n# c\nd\n", 12, true, stop_at_once, &taken, &unseen), -5);
	assert_int_equal(taken, 1);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_passage_ends_at_a_heading_and_knows_the_path_to_it),
	cmocka_unit_test(underlined_headings_count_and_so_do_skipped_levels),
	cmocka_unit_test(what_only_looks_like_a_heading_is_text),
	cmocka_unit_test(a_head_between_dashes_is_left_out),
	cmocka_unit_test(carriage_returns_emphasis_and_blanks_do_no_harm),
	cmocka_unit_test(a_heading_over_nothing_is_a_passage),
	cmocka_unit_test(a_rule_under_a_list_a_quote_or_a_table_makes_no_heading),
	cmocka_unit_test(a_long_heading_is_also_text),
	cmocka_unit_test(the_path_has_every_level_however_long),
	cmocka_unit_test(only_marks_around_the_words_of_a_heading_are_dropped),
	cmocka_unit_test(paragraphs_gather_until_there_are_enough_words),
	cmocka_unit_test(a_long_paragraph_is_cut_at_the_ends_of_sentences),
	cmocka_unit_test(a_script_without_blanks_is_cut_at_characters),
	cmocka_unit_test(a_long_heading_is_cut_at_a_character),
	cmocka_unit_test(whoever_takes_them_may_stop),
	{ 0 },
};
