#include "common/speakable.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

ONE_THREAD;

static const struct {
	const char *text, *said;
} rows[] = {
	{ "", "" },
	{ " We open at nine. ", " We open at nine. " },
	{ "two\n\nlines  and\tgaps\r\n", "two\n\nlines  and\tgaps\r\n" },
	/* emphasis */
	{ "**Important:** come *early*, not __late__ or _never_.", "Important: come early, not late or never." },
	{ "***all*** ~~gone~~ `now`", "all gone now" },
	{ "2 * 3 is 6, 5*3 is 15, ~5 minutes", "2 * 3 is 6, 5*3 is 15, ~5 minutes" },
	{ "my_file_name and a_b", "my_file_name and a_b" },
	{ "un*believ*able", "unbelievable" },
	{ "\xc3\xa4_\xc3\xb6", "\xc3\xa4_\xc3\xb6" },
	{ "**", "" },
	{ "Really?! Yes!", "Really?! Yes!" },
	/* the beginning of a line */
	{ "# Hours\n## On Sundays\nclosed", "Hours\nOn Sundays\nclosed" },
	{ "#1 of them, room # 5\n####### seven", "#1 of them, room # 5\n####### seven" },
	{ "- one\n* two\n+ three\n1. four\n  - five", "one\ntwo\nthree\n1. four\n  five" },
	{ "-5 degrees\n+49 30\n*bold* - not", "-5 degrees\n+49 30\nbold - not" },
	{ "> quoted\n>> twice\na > b", "quoted\ntwice\na > b" },
	{ "a\n---\nb\n***\nc\n___\n====\n--- x\n--", "a\n\nb\n\nc\n\n\n--- x\n--" },
	{ "```json\nx = 1\n```\ndone", "x = 1\ndone" },
	{ "```", "" },
	{ "| day | hours |\n|---|---|\n| Monday | 9-5 |\nor | else", " day  hours \n\n Monday  9-5 \nor | else" },
	/* links */
	{ "See [our page](https://example.com/a_b?c=1) now", "See our page now" },
	{ "![a *cat*](cat.png)", "a cat" },
	{ "[**bold** words](u)[two](v)", "bold wordstwo" },
	{ "[not a link] and a[1] (no) [half](", "[not a link] and a[1] (no) [half](" },
	{ "[a](b\n) [c", "[a](b\n) [c" },
	{ "https://example.com/a_b-c and www.example.com", "https://example.com/a_b-c and www.example.com" },
	{ "<https://example.com/x> <me@example.com>", "https://example.com/x me@example.com" },
	{ "\\*literal\\* C:\\dir\\\\", "*literal* C:\\dir\\" },
	/* tags */
	{ "<phoneme alphabet=\"ipa\" ph=\"a > b\">pecan</phoneme>",
	    "<phoneme alphabet=\"ipa\" ph=\"a > b\">pecan</phoneme>" },
	{ "wait<break time='500ms'/>now <say-as interpret-as=\"date\">1</say-as>",
	    "wait<break time='500ms'/>now <say-as interpret-as=\"date\">1</say-as>" },
	{ "<amazon:effect name=\"whispered\">x</amazon:effect>",
	    "<amazon:effect name=\"whispered\">x</amazon:effect>" },
	{ "<b>bold</b><br/> <ul><li>x</li></ul>", "bold x" },
	{ "1 < 2, I <3 it, a <b and <c", "1 < 2, I <3 it, a <b and <c" },
	{ "a <break and no end", "a <break and no end" },
	/* emoji */
	{ "Hello \xf0\x9f\x98\x80!", "Hello !" },
	{ "\xf0\x9f\x91\xa9\xf0\x9f\x8f\xbd\xe2\x80\x8d\xf0\x9f\x92\xbb done",
	    " done" }, /* a woman of a colour, joined to a computer */
	{ "\xe2\x9d\xa4\xef\xb8\x8f 1\xef\xb8\x8f\xe2\x83\xa3 \xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", " 1 " },
	{ "\xe2\x9c\x85 ok \xe2\xad\x90", " ok " },
	{ "C\xe2\x99\xaf, 20\xc2\xb0, \xe2\x82\xac"
	  "5, \xc2\xa9, \xe2\x80\x9cx\xe2\x80\x9d \xe2\x80\x94 \xe2\x86\x92",
	    "C\xe2\x99\xaf, 20\xc2\xb0, \xe2\x82\xac"
	    "5, \xc2\xa9, \xe2\x80\x9cx\xe2\x80\x9d \xe2\x80\x94 \xe2\x86\x92" },
	{ "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7 \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xe4\xbd\xa0\xe5\xa5\xbd",
	    "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7 \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xe4\xbd\xa0\xe5\xa5\xbd" },
	/* half a character, and what is none; half a pair is U+FFFD by now */
	{ "Hi \xef\xbf\xbd\xef\xbf\xbd!", "Hi !" },
	{ "a\xf0\x9f\x98", "a" },
	{ "a\xe2\x82z\x80\xff"
	  "b",
	    "azb" },
};

static const char *said(const char *const *pieces, const size_t *lens, size_t count)
{
	static char text[4096];
	struct speakable s = { 0 };
	struct buf out;

	buf_init(&out, 0);
	for (size_t i = 0; i < count; i++)
		speakable_put(&s, &out, pieces[i], lens[i]);
	speakable_end(&s, &out);
	assert_int_equal(s.len, 0);
	assert_true(out.len < sizeof text);
	memcpy(text, buf_text(&out), out.len + 1);
	buf_free(&out);
	return text;
}

static void what_would_be_spelled_out_is_left_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t len = strlen(rows[i].text);

		assert_string_equal(said(&rows[i].text, &len, 1), rows[i].said);
	}
}

static void every_split_gives_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *text = rows[i].text;
		size_t len = strlen(text);

		for (size_t a = 0; a <= len; a++)
			for (size_t b = a; b <= len; b++) {
				const char *pieces[] = { text, text + a, text + b };
				size_t lens[] = { a, b - a, len - b };

				assert_string_equal(said(pieces, lens, 3), rows[i].said);
			}
	}
}

/* No piece that goes out holds half a character or half a tag. */
static void no_character_and_no_tag_is_said_in_parts(void **state)
{
	static const char text[] = "caf\xc3\xa9 <break time=\"1s\"/> \xe2\x82\xac"
				   "5 <phoneme ph=\"x\">y</phoneme>";
	struct speakable s = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof text - 1; i++) {
		buf_reset(&out);
		speakable_put(&s, &out, text + i, 1);
		if (!out.len)
			continue;
		assert_false((out.data[0] & 0xc0) == 0x80);
		if (out.data[0] == '<')
			assert_int_equal(out.data[out.len - 1], '>');
	}
	buf_free(&out);
}

/* Any bytes, in any pieces: the same text, and nothing is read behind what is held. */
static void pieces_do_not_matter_for_any_text(void **state)
{
	static const char alphabet[] = "ab1 \n*_~`#->|[]()!<>/\\=+\"'\xf0\x9f\x98\x80\xe2\x80\x8d\xc3";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		char text[400], whole[4096];
		const char *pieces[400];
		size_t lens[400], count = 0, len = 0, all;

		for (seed = seed * 1664525 + 1013904223; len < 20 + (seed >> 8) % 380; len++) {
			seed = seed * 1664525 + 1013904223;
			text[len] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
			if (len >= 399)
				break;
		}
		pieces[0] = text;
		all = len;
		snprintf(whole, sizeof whole, "%s", said(pieces, &all, 1));
		for (size_t at = 0; at < len; at += lens[count++]) {
			seed = seed * 1664525 + 1013904223;
			pieces[count] = text + at;
			lens[count] = 1 + (seed >> 16) % 9;
			if (lens[count] > len - at)
				lens[count] = len - at;
		}
		assert_string_equal(said(pieces, lens, count), whole);
	}
}

static void answer_without_a_space_goes_through_in_bounded_memory(void **state)
{
	enum { LONG = 64 * 1024 };
	static const char *const openings[] = { "", "<break ", "[words](", "*", "<" };
	char *text = malloc(LONG);

	(void)state;
	memset(text, 'x', LONG);
	for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
		struct speakable s = { 0 };
		struct buf out;

		buf_init(&out, 0);
		speakable_put(&s, &out, openings[i], strlen(openings[i]));
		speakable_put(&s, &out, text, LONG);
		assert_true(s.len < SPEAKABLE_HELD);
		speakable_end(&s, &out);
		assert_int_equal(out.len, LONG + (openings[i][0] == '*' ? 0 : strlen(openings[i])));
		buf_free(&out);
	}
	free(text);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(what_would_be_spelled_out_is_left_out),
	cmocka_unit_test(every_split_gives_the_same),
	cmocka_unit_test(no_character_and_no_tag_is_said_in_parts),
	cmocka_unit_test(pieces_do_not_matter_for_any_text),
	cmocka_unit_test(answer_without_a_space_goes_through_in_bounded_memory),
	{ 0 },
};
