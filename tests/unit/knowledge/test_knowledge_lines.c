#include "server/knowledge/knowledge_lines.h"
#include "tests/unit.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct unseen unseen;

/* The lines, code marked by a |, each with a line feed behind. */
static char *seen(const char *text, bool markdown)
{
	static char said[4096];
	size_t len = strlen(text), at = 0;
	char *exact = malloc(len ? len : 1); /* a sanitizer sees who reads beyond it */
	struct lines lines;
	struct seen_line line;

	assert_non_null(exact);
	memcpy(exact, text, len);
	assert_int_equal(lines_open(&lines, exact, len, markdown), 0);
	free(exact);
	for (said[0] = '\0'; lines_next(&lines, &line);)
		at += (size_t)snprintf(
		    said + at, sizeof said - at, "%s%.*s\n", line.code ? "|" : "", (int)(line.end - line.p), line.p);
	unseen = lines.unseen;
	lines_close(&lines);
	return said;
}

struct row {
	const char *text, *said;
};

static void expect(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(seen(rows[i].text, true), rows[i].said) != 0)
			fail_msg("%s\nbecame\n%s", rows[i].text, seen(rows[i].text, true));
}
#define EXPECT(rows) expect(rows, sizeof(rows) / sizeof *(rows))

static void there_is_one_kind_of_line_end_and_of_blank(void **state)
{
	(void)state;
	assert_string_equal(seen("a\r\nb\rc\n\r\nd\xE2\x80\xA8"
				 "e\xC2\x85"
				 "f\fg",
				false),
	    "a\nb\nc\n\nd\ne\nf\ng\n");
	assert_string_equal(seen("\xEF\xBB\xBF"
				 "a\xC2\xA0"
				 "b\xE3\x80\x80"
				 "c\xE2\x80\xAF"
				 "d\xEF\xBB\xBF",
				false),
	    "a b c d\n");
	assert_string_equal(seen("", false), "");
	assert_string_equal(seen("\r", false), "\n");
	assert_string_equal(seen("<!-- a -->\n---\n", false), "<!-- a -->\n---\n"); /* no Markdown, no comment */
}

static void what_a_page_does_not_show_is_left_out(void **state)
{
	static const struct row rows[] = {
		{ "a<!-- x -->b", "ab\n" },
		{ "a <!-- x --> b <!-- y --> c", "a  b  c\n" },
		{ "a\n<!-- x\n\ny\n-->\nb", "a\n\nb\n" },
		{ "a <!-- x\ny --> b", "a \n b\n" },
		{ "<!--x-->a<!-->b<!--->c", "abc\n" },
		{ "<!-- x -- > <!-- y -->a-->", "a-->\n" },
		{ "- item <!-- x -->\n  > <!-- y\n  > -->z", "- item \n  > \nz\n" },
		{ "<!-- ```\n-->\n# a", "\n# a\n" }, /* no fence begins in a comment */
		{ "<SCRIPT src=x>a</script>b<style>c</style>d<?php e ?>f", "bdf\n" },
		{ "<scripted>a", "<scripted>a\n" },
		{ "[//]: # (x)\na", "\na\n" },
		{ "[comment]: <> \"x\"\na", "\na\n" },
		{ "[^1]: # a\n[b]: #c\n[d]", "[^1]: # a\n[b]: #c\n[d]\n" },
		{ "\\<!-- a", "\\<!-- a\n" },
		{ "`<!-- a -->` ``b` <!-- c -->`` `<!-- x -->", "`<!-- a -->` ``b` <!-- c -->`` `\n" },
	};

	(void)state;
	EXPECT(rows);
	assert_int_equal(unseen.open_line, 0);
	assert_true(unseen.comments);
	seen("`<!-- a -->`", true);
	assert_false(unseen.comments);
}

static void a_comment_that_never_ends_hides_the_rest_and_is_told(void **state)
{
	(void)state;
	assert_string_equal(seen("a\r\nb <!-- x\r\ny\r\n\r\n# z", true), "a\nb \n");
	assert_int_equal(unseen.open_line, 2);
	assert_string_equal(seen("a\n\n<!--x\n", true), "a\n\n\n");
	assert_int_equal(unseen.open_line, 3);
	assert_string_equal(seen("<!-- <!-- -->\na <!--", true), "\na \n");
	assert_int_equal(unseen.open_line, 2);
}

static void in_code_nothing_is_hidden(void **state)
{
	static const struct row rows[] = {
		{ "```\n<!-- a\n# b\n```\n<!-- x -->", "|```\n|<!-- a\n|# b\n|```\n\n" },
		{ "~~~~ html\n```\n~~~\n<!-- a -->\n~~~~~ \nb", "|~~~~ html\n|```\n|~~~\n|<!-- a -->\n|~~~~~ \nb\n" },
		{ "```\n```js\n<!-- a -->\n```\n", "|```\n|```js\n|<!-- a -->\n|```\n" },
		{ "``` a ``` <!-- x -->", "``` a ``` \n" }, /* within a line */
		{ "```\n<!-- a", "|```\n|<!-- a\n" },
		{ "text\n\n    <!-- a -->\n\n    b\nc\n    <!-- x -->",
		    "text\n\n|    <!-- a -->\n|\n|    b\nc\n    \n" },
		{ "- a\n\n    <!-- x -->\n\n      <!-- b -->", "- a\n\n    \n\n|      <!-- b -->\n" },
		{ "1. a\n   ```\n   <!-- b -->\n   ```\n<!-- x -->", "1. a\n|   ```\n|   <!-- b -->\n|   ```\n\n" },
		{ "- ```\n  <!-- a -->\n<!-- x -->", "|- ```\n|  <!-- a -->\n\n" }, /* ends with its item */
		{ "- a\n```\n<!-- b -->\n```\n", "- a\n|```\n|<!-- b -->\n|```\n" },
		{ "> ```\n> <!-- a -->\n> ```\n> <!-- x -->", "|> ```\n|> <!-- a -->\n|> ```\n> \n" },
		{ "> ```\n> a\n<!-- x -->", "|> ```\n|> a\n\n" }, /* ends with its quote */
		{ "\t<!-- a -->", "|\t<!-- a -->\n" },
	};

	(void)state;
	EXPECT(rows);
}

static void front_matter_is_told_from_text_between_rules(void **state)
{
	static const struct row hidden[] = {
		{ "---\ntitle: x\n---\na", "a\n" },
		{ "---\r\n# note\r\ntitle: x\r\ntags:\r\n- y\r\n  - z\r\n\r\nog:image: v\r\n...\r\na", "a\n" },
	};
	static const struct row shown[] = {
		{ "---\n\nClosed on pancake day.\n\n---\na", "---\n\nClosed on pancake day.\n\n---\na\n" },
		{ "---\nMonday: closed\n---\na", "---\nMonday: closed\n---\na\n" },
		{ "---\n- item: a\n---\n", "---\n- item: a\n---\n" },
		{ "---\n---\na", "---\n---\na\n" },
		{ "---\nnever: closed", "---\nnever: closed\n" },
		{ "----\na: b\n----", "----\na: b\n----\n" },
		{ "\n---\na: b\n---", "\n---\na: b\n---\n" },
	};

	(void)state;
	EXPECT(hidden);
	assert_true(unseen.front_matter);
	EXPECT(shown);
	assert_false(unseen.front_matter);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(there_is_one_kind_of_line_end_and_of_blank),
	cmocka_unit_test(what_a_page_does_not_show_is_left_out),
	cmocka_unit_test(a_comment_that_never_ends_hides_the_rest_and_is_told),
	cmocka_unit_test(in_code_nothing_is_hidden),
	cmocka_unit_test(front_matter_is_told_from_text_between_rules),
	{ 0 },
};
