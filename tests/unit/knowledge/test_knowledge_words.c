#include "server/knowledge/knowledge_words.h"

#include "common/json.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

/* The joint as a plus, which is no word. */
static const char *words(const char *text)
{
	char *at;

	buf_reset(&written);
	words_put(&written, text, strlen(text));
	assert_true(utf8_valid(buf_text(&written), written.len));
	while (written.len && (at = strstr(written.data, WORDS_JOINT))) {
		*at = '+';
		memmove(at + 1, at + strlen(WORDS_JOINT), strlen(at + strlen(WORDS_JOINT)) + 1);
	}
	return buf_text(&written);
}

static const struct {
	const char *text, *words;
} rows[] = {
	/* Words are what lies between punctuation. */
	{ "Hello, world!", "Hello world " },
	{ "  C++ (A4) 3\t\"q\"\n", "C A4 3 q " },
	{ "don't don\u2019t O\u2019Malley", "don t don t O Malley " },
	{ "¿Qué? «sí»… 5€ 20°", "Qué sí 5 20 " },
	{ "", "" },
	{ "—\u00a0*** ☕ 🍕", "" },
	/* What stands inside a word counts both ways. */
	{ "un*frigging*real", "unfriggingreal un frigging real " },
	{ "**bold** _it_ `code`", "bold it code " },
	{ "snake_case", "snakecase snake case " },
	{ "Wi-Fi", "WiFi Wi Fi " },
	{ "Donau\u00addampf zero\u200bwidth no\u2011break",
	    "Donaudampf Donau dampf zerowidth zero width nobreak no break " },
	{ "H<sub>2</sub>O", "H2O H sub 2 sub O " },
	{ "<span class=\"x y\">a</span>b", "ab span class x y a span b " },
	{ "[un](http://x.com \"t u\")real", "unreal un http x com t u real " },
	{ "word[^1] word\u00b9 m\u00b2", "word 1 word1 word 1 m2 m 2 " },
	{ "a < b > c", "a b c " },
	{ "caf&eacute; na&#239;ve Stra&szlig;e &Omega;",
	    "cafe caf eacute naïve na 239 ve Strasse Stra szlig e ω Omega " },
	{ "AT&amp;T a&#x20;b &nope; &#0; &", "AT T AT amp T a b a x20 b nope 0 " },
	{ "f\\*g", "f g " },
	/* What looks alike is alike. */
	{ "cafe\u0301", "cafe " },
	{ "\ufb01ne o\ufb03ce", "fine office " },
	{ "\uff21\uff22\uff13\uff01", "AB3 " },
	{ "\U0001D400\U0001D41B\U0001D7D7", "Ab9 " },
	{ "Straße Œuvre Łódź", "Strasse oeuvre lódź " },
	{ "й и\u0306 ё", "и и е " },
	{ "ώρα ω\u0301ρα", "ωρα ωρα " },
	{ "\uff76\uff9e か\u3099 ハ\u309a", "ガ が パ " },
	{ "\u1112\u1161\u11ab\u1100\u1173\u11af", "한+글 " },
	{ "أ ا\u0654 مُدَرِّس", "ا ا مدرس " },
	/* Without blanks each character is a word. */
	{ "东京寿司。店", "东+京+寿+司 店 " },
	{ "iPhone手机", "iPhone+手+机 " },
	{ "人々　ラーメン", "人+々 ラ+ー+メ+ン " },
	{ "น้ำ", "น\u0e49+ำ " },
	/* Bytes that are no text are gaps. */
	{ "a\xFF"
	  "b\xC3",
	    "a b " },
	{ "a\xE2\x80", "a " },
	{ "a\xED\xA0\x80"
	  "b\xC0\xAF",
	    "a b " },
	{ "&#xD800;a&#99999999999999999999;b", "a b xD800 a 99999999999999999999 b " },
};

static void text_is_cut_into_these_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(words(rows[i].text), rows[i].words) != 0)
			fail_msg("%s: %s", rows[i].text, words(rows[i].text));
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test_setup_teardown(text_is_cut_into_these_words, written_begin, written_end),
	{ 0 },
};
