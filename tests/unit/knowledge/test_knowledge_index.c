/* Nothing is dropped without a word: documents are made up from the pieces people write, each word of
 * them its own, and every word that a reader sees must be found by asking for it. What no reader sees
 * must not be told. SEED=n makes the documents of that seed alone; SEEDS=n makes so many. */
#include "server/knowledge/knowledge_index.h"

#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ONE_THREAD;

enum { FILES = 4, WORDS = 1500, WORDS_A_PIECE = 300, PIECES = 24, SEEDS = 15 };

/* A word that was put, and how one asks for it. */
struct asked {
	char question[160];
	int file;
	bool hidden;
};

static struct asked asked[WORDS];
static size_t asked_count;
static uint64_t state_of_chance, seed;
static unsigned words_made, unspaced_made;
static int file_now;

static unsigned chance(unsigned below)
{
	state_of_chance ^= state_of_chance << 13;
	state_of_chance ^= state_of_chance >> 7;
	state_of_chance ^= state_of_chance << 17;
	return (unsigned)(state_of_chance >> 33) % below;
}

/* ------------------------------------------------------------------------- words */

/* Another one each time, and none begins like another. */
static const char *letters(void)
{
	static char word[16];
	const unsigned made = words_made++;

	snprintf(word, sizeof word, "q%c%c%c%cx", 'a' + made / 17576 % 26, 'a' + made / 676 % 26, 'a' + made / 26 % 26,
	    'a' + made % 26);
	return word;
}

static void ask_for(bool hidden, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void ask_for(bool hidden, const char *format, ...)
{
	struct asked *a = &asked[asked_count];
	va_list args;

	if (asked_count < WORDS - 1)
		asked_count++;
	*a = (struct asked){ .file = file_now, .hidden = hidden };
	va_start(args, format);
	vsnprintf(a->question, sizeof a->question, format, args);
	va_end(args);
}

/* As it is written, with the two halves of a word of its own for %s and %s; and as it is asked for. */
static const char *const spellings[][2] = {
	{ "%s%s", "%s%s" },
	{ "%s%s", "%s%s" },
	{ "%se\u0301%s", "%s\u00e9%s" },
	{ "%s\u00e9%s", "%se\u0301%s" },
	{ "%s\u00f1%s", "%sn%s" },
	{ "%s\u00ad%s", "%s%s" },
	{ "%s\u200b%s", "%s%s" },
	{ "%s\u200c%s", "%s%s" },
	{ "%s\ufeff%s", "%s%s" },
	{ "%s\ufb01%s", "%sfi%s" },
	{ "%s\ufb03%s", "%sFFI%s" },
	{ "%s\uff21%s", "%sa%s" },
	{ "%s\u00df%s", "%sSS%s" },
	{ "%s\u2019%s", "%s'%s" },
	{ "%s'%s", "%s\u2019%s" },
	{ "%s\u00a0%s", "%s %s" },
	{ "%s\u2009%s", "%s %s" },
	{ "%s\u2011%s", "%s-%s" },
	{ "%s-%s", "%s%s" },
	{ "%s\u2014%s", "%s\u2014%s" },
	{ "%s/%s", "%s/%s" },
	{ "\u201e%s%s\u201c", "\"%s%s\"" },
	{ "%s\u043a\u0438\u0306%s", "%s\u043a\u0439%s" },
	{ "%s\u03ac%s", "%s\u03b1%s" },
};

/* Only there they are one word. */
static const char *const spellings_of_markdown[][2] = {
	{ "%s*%s*", "%s%s" },
	{ "**%s**%s", "%s%s" },
	{ "%s__%s__", "%s%s" },
	{ "%s`%s`", "%s`%s`" },
	{ "%s\\_%s", "%s_%s" },
	{ "%s\\*%s", "%s*%s" },
	{ "%s&eacute;%s", "%s\u00e9%s" },
	{ "%s&#233;%s", "%s\u00e9%s" },
	{ "%s&#x2019;%s", "%s'%s" },
	{ "%s&amp;%s", "%s&%s" },
	{ "%s&shy;%s", "%s%s" },
	{ "%s<b>%s</b>", "%s%s" },
	{ "%s<br/>%s", "%s %s" },
	{ "%s<span class=\"a b\">%s</span>", "%s%s" },
	{ "[%s](http://example.com/x \"y\")%s", "%s%s" },
	{ "%s<!-- -->%s", "%s%s" },
	{ "%s[^1]%s", "%s %s" },
	{ "%s~~%s~~", "%s%s" },
};

static void put_spelling(struct buf *out, const char *const spelling[2])
{
	char first[16], second[16], question[160];

	snprintf(first, sizeof first, "%s", letters());
	snprintf(second, sizeof second, "%s", letters());
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	buf_printf(out, spelling[0], first, second);
	snprintf(question, sizeof question, spelling[1], first, second);
#pragma GCC diagnostic pop
	ask_for(false, "%s", question);
}

/* Where no blanks are: a word between others, of two characters of Chinese or four of Thai. */
static void put_unspaced(struct buf *out)
{
	unsigned made = unspaced_made++, a = made % 40, b = made / 40;
	char word[16];

	if (chance(2))
		snprintf(word, sizeof word, "\xE5%c%c\xE6%c%c", 0x80 + made / 64, 0x80 + made % 64, 0x80 + made / 64,
		    0x80 + made % 64);
	else
		snprintf(word, sizeof word, "\xE0\xB8%c\xE0\xB8%c\xE0\xB8%c\xE0\xB8%c", 0x81 + a, 0x81 + b,
		    0x81 + (a + 7) % 40, 0x81 + (a + b) % 40);
	buf_printf(out, "我们有%s也有茶。", word);
	ask_for(false, "%s", word);
}

static void put_word(struct buf *out, bool markdown)
{
	enum { PLAIN = sizeof spellings / sizeof *spellings };
	size_t which = chance(PLAIN + sizeof spellings_of_markdown / sizeof *spellings_of_markdown);

	if (!chance(12)) {
		put_unspaced(out);
	} else if (!chance(30)) {
		const char *word = letters();

		buf_puts(out, word);
		for (int i = chance(3) ? 100 : 4000; i; i--)
			buf_putc(out, 'z');
		ask_for(false, "%szzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", word);
	} else {
		put_spelling(out, which < PLAIN ? spellings[which]
				  : markdown    ? spellings_of_markdown[which - PLAIN]
						: spellings[0]);
	}
}

static void put_words(struct buf *out, bool markdown, unsigned count)
{
	for (; count; count--) {
		put_word(out, markdown);
		buf_puts(out, chance(9) ? " " : chance(2) ? ", " : ". ");
	}
}

/* In code a word is nothing but itself; and so is one that is hidden. */
static void put_plain(struct buf *out, bool hidden)
{
	const char *word = letters();

	buf_puts(out, word);
	ask_for(hidden, "%s", word);
}

/* ------------------------------------------------------------------------ pieces */

/* A template: w a word, W several, P plain, H hidden, L a line's worth; the rest as it is. */
static void put_piece(struct buf *out, const char *piece, bool markdown)
{
	for (; *piece; piece++) {
		if (*piece == 'w')
			put_word(out, markdown);
		else if (*piece == 'W')
			put_words(out, markdown, 1 + chance(6));
		else if (*piece == 'P' || *piece == 'H')
			put_plain(out, *piece == 'H');
		else if (*piece == 'L')
			put_words(out, markdown, 12);
		else
			buf_putc(out, *piece);
	}
}

static const char *const heads[] = { "---\nk: H\n---\n", "---\nk: H\n\nl:\n  - H\n---\nW\n", "---\n\nW\n\n---\n\n",
	"---\nW\n---\nW\n", "W\n", "", "", "\n\n", "---\nW\n" };

static const char *const pieces[] = { "W", "W\nW\nW", "# W", "## w", "### W\n\n#### W", "# W\n\nW", "## W ##\nW",
	"###### L", "# L\n\nW", "W\n===", "W\n---", "W\n---\nW", "W\nW\n---\nW", "L\n---", "- W\n---", "- W\n- W\n---",
	"1. W\n---\nW", "1. W\n   - W\n     - W\n\n     W\n", "> W\n> W\n---", "> # W\n>\n> - W",
	"| W | W |\n|---|:-:|\n| W | W |", "W | W\n--- | ---\nW | W", "```\nP\n# P\n<!-- P -->\n---\n```\nW",
	"~~~ 1\nP\n```\nP\n~~~\n# W", "   ```\n   <!-- P\n   ```\nW", "- W\n\n  ```\n  <!-- P -->\n  ```\n<!-- H -->",
	"W\n\n    P\n    <!-- P -->\n\nW", "[1]: http://127.0.0.1/ \"W\"", "![W](1.2) W", "[^1]: W",
	"<b>W</b>\n\n<3>\nW", "<!-- H -->", "W <!-- H --> W", "W\n<!-- H\n\nH\n\n# H -->\nW", "<!--H--><!---->W",
	"<!-- ``` H -->\nW\n\n# W", "[//]: # (H)", "`<!-- P -->` W", "W  \nW\\\nW", "* * *\n\nW\n\n___", "LLLLLLLL",
	"LLLLLLLLLLLLLLLLLLLL\n---", "W\n<8>\n<9>W</9>", "<? H ?>W", "- [ ] W\n- [x] W\n\t- W",
	"+ W\n\n  + W\n\n        P <!-- P -->" };

static const char *const plain_pieces[] = { "W", "# W", "L\nL", "W\n---\nW", "    W", "<!-- P -->", "LLLLLLLLLL",
	"---\nW", "* W\n* W" };

static void put_with_ends(const char *name, const struct buf *text)
{
	const char *ends = (const char *[]){ "\n", "\r\n", "\r" }[chance(3)];
	struct buf out;

	buf_init(&out, 0);
	if (!chance(3))
		buf_puts(&out, "\xEF\xBB\xBF");
	for (const char *p = buf_text(text); *p; p++) {
		if (*p == '\n')
			buf_puts(&out, ends);
		else
			buf_putc(&out, *p);
	}
	folder_put(name, buf_text(&out), out.len);
	buf_free(&out);
}

static void make_file(int number)
{
	const bool markdown = number != FILES - 1;
	struct buf text;
	char name[32];

	file_now = number;
	buf_init(&text, 0);
	if (markdown)
		put_piece(&text, heads[chance(sizeof heads / sizeof *heads)], true);
	for (unsigned i = chance(PIECES); i && asked_count < WORDS - WORDS_A_PIECE; i--) {
		put_piece(&text,
		    markdown ? pieces[chance(sizeof pieces / sizeof *pieces)]
			     : plain_pieces[chance(sizeof plain_pieces / sizeof *plain_pieces)],
		    markdown);
		buf_puts(&text, "\n\n");
	}
	snprintf(name, sizeof name, "d%d.%s", number, markdown ? "md" : "txt");
	put_with_ends(name, &text);
	if (getenv("SEED"))
		printf("---------- %s\n%s\n", name, buf_text(&text));
	buf_free(&text);
}

/* ------------------------------------------------------------------------- asking */

struct answer {
	const struct asked *asked;
	bool found, told;
};

static void look(void *arg, const struct knowledge_hit *hit)
{
	struct answer *a = arg;

	a->found |= hit->file[1] - '0' == a->asked->file;
	a->told |= strstr(hit->text, a->asked->question) || strstr(hit->heading, a->asked->question);
}

static size_t ask_all(struct knowledge_index *index)
{
	size_t wrong = 0;

	for (size_t i = 0; i < asked_count; i++) {
		struct answer a = { .asked = &asked[i] };

		assert_true(index_search(index, a.asked->question, look, &a) >= 0);
		if (a.asked->hidden ? !a.told : a.found)
			continue;
		print_error("SEED=%llu d%d: %s is %s\n", (unsigned long long)seed, a.asked->file, a.asked->question,
		    a.asked->hidden ? "told" : "not found");
		wrong++;
	}
	return wrong;
}

static void every_word_a_reader_sees_is_found_and_no_other(void **state)
{
	const char *one = getenv("SEED"), *many = getenv("SEEDS");
	uint64_t last = one ? strtoull(one, NULL, 10) : many ? strtoull(many, NULL, 10) : SEEDS;
	size_t wrong = 0, words = 0;

	(void)state;
	for (seed = one ? last : 1; seed <= last; seed++) {
		struct knowledge_index *index;

		state_of_chance = seed * 0x9E3779B97F4A7C15u;
		asked_count = words_made = unspaced_made = 0;
		for (int i = 0; i < FILES; i++)
			make_file(i);
		written_begin(NULL);
		assert_int_equal(index_build(&index, folder, &written), 0);
		assert_null(strstr(buf_text(&written), "never ends"));
		written_end(NULL);
		assert_in_range(asked_count, 0, WORDS - 2);
		words += asked_count;
		wrong += ask_all(index);
		index_release(index);
	}
	assert_int_equal(wrong, 0);
	assert_true(one || words > 1000);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test_setup_teardown(every_word_a_reader_sees_is_found_and_no_other, folder_begin, folder_end),
	{ 0 },
};
