#include "server/knowledge/knowledge.h"

#include "common/clock.h"
#include "common/json.h"
#include "server/knowledge/knowledge_folder.h"
#include "server/knowledge/knowledge_query.h"
#include "server/knowledge/knowledge_words.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct knowledge *knowledge;

static void put_text(const char *name, const char *text)
{
	folder_put(name, text, strlen(text));
}

static int open_knowledge(void **state)
{
	folder_begin(state);
	knowledge = knowledge_new();
	return knowledge ? 0 : -1;
}

static int close_knowledge(void **state)
{
	knowledge_free(knowledge);
	knowledge = NULL;
	return folder_end(state);
}

static void put_menu(void)
{
	char path[96];

	snprintf(path, sizeof path, "%s/food", folder);
	mkdir(path, 0700);
	put_text("food/menu.md", "# Menu\n\n## Pizza\n\nMargherita with basil costs nine dollars.\n\n## Pasta\n\n"
				 "Carbonara with egg and bacon. Every Thursday gnocchi.\n");
	put_text("hours.txt", "We are open from noon to ten in the evening; on Monday the kitchen is closed.");
	put_text("café.md", "# Allergènes\n\nLe gâteau contient des noix et du blé.");
	put_text("notes.html", "<p>basil</p>");
	put_text(".hidden.md", "basil");
}

/* "file: heading" of each hit, one a line. */
static void list(void *arg, const struct knowledge_hit *hit)
{
	buf_printf(arg, "%s: %s\n", hit->file, hit->heading);
}

static char *found(const char *question)
{
	static char said[4096];
	struct buf out;
	int count;

	buf_init(&out, 0);
	count = knowledge_search(knowledge, folder, question, list, &out);
	snprintf(said, sizeof said, "%s", count < 0 ? strerror(-count) : buf_text(&out));
	buf_free(&out);
	return said;
}

static void what_is_asked_is_found_with_file_and_heading(void **state)
{
	(void)state;
	put_menu();
	assert_string_equal(found("basil"), "food/menu.md: Menu > Pizza\n");
	assert_string_equal(found("When is the kitchen open on Mondays?"), "hours.txt: \n");
	assert_string_equal(found("Do you have gnocchi?"), "food/menu.md: Menu > Pasta\n");
	assert_string_equal(found("gateau au ble"), "café.md: Allergènes\n"); /* without accents */
	assert_string_equal(found("ALLERGENES"), "café.md: Allergènes\n");
	assert_string_equal(found("allerg"), "café.md: Allergènes\n"); /* cut off */
	assert_string_equal(found("pasta or pizza"), "food/menu.md: Menu > Pizza\nfood/menu.md: Menu > Pasta\n");
	assert_string_equal(found("sushi"), "");
	assert_string_equal(found("are we"), "hours.txt: \n"); /* nothing but such words: all count */
}

static void a_heading_counts_for_more_than_a_mention(void **state)
{
	(void)state;
	put_text("a.md", "# Other\n\nSomebody once asked about parking and then left again without a word.");
	put_text("b.md", "# Parking\n\nBehind the house, and it is free for guests of ours, day and night.");
	put_text("c.md", "# Rest\n\nNothing of the kind.");
	assert_string_equal(found("parking"), "b.md: Parking\na.md: Other\n");
}

static void a_question_is_never_syntax(void **state)
{
	static const char *const strange[] = { "\"", "\"basil", "basil\"*", "NOT basil", "basil AND OR NOT NEAR(",
		"file:basil", "{heading}: basil", "^basil", "basil + *", "-basil", "(basil",
		"basil'; DROP TABLE passages", "*", "", "   ", "¿basil?", "—", "…", "\xE2\x80\x94 basil",
		"\xEF\xBC\x8C" };

	(void)state;
	put_menu();
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
		const char *said = found(strange[i]);

		if (strcmp(said, strstr(strange[i], "basil") ? "food/menu.md: Menu > Pizza\n" : ""))
			fail_msg("%s: %s", strange[i], said);
	}
}

#define J WORDS_JOINT
static void words_of_every_sentence_are_left_out_unless_alone(void **state)
{
	static const struct {
		const char *question, *match;
	} cases[] = {
		{ "Do you have vegan pizza?", "\"vegan\" OR \"vegan\" * OR \"pizza\" OR \"pizza\" *" },
		{ "the", "\"the\" OR \"the\" *" },
		{ "¿Cuál es el horario?", "\"horario\" OR \"horario\" *" },
		{ "WiFi", "\"WiFi\" OR \"WiFi\" *" },
		{ "wifi on 5", "\"wifi\" OR \"wifi\" * OR \"5\"" },
		{ "?!", "" },
		{ "有茶吗", "\"有" J "茶" J "吗\" OR \"有" J "茶\" OR \"茶" J "吗\"" },
		{ "3 Wi-Fi", "\"3\" OR \"WiFi\" OR \"WiFi\" * OR \"Wi\" OR \"Fi\" OR \"Fi\" *" },
	};

	written_begin(state);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		query_put_match(&written, cases[i].question);
		assert_string_equal(buf_text(&written), cases[i].match);
		buf_reset(&written);
	}
	written_end(state);
}

static void long_questions_are_cut_at_a_character(void **state)
{
	char question[4096] = "";
	struct buf out;

	(void)state;
	put_menu();
	for (int i = 0; i < 900; i++)
		strcat(question, "é");
	assert_string_equal(found(question), "");
	question[0] = '\0';
	for (int i = 0; i < 200; i++)
		strcat(question, "the ");
	strcat(question, "basil"); /* what tells nothing takes no place */
	assert_string_equal(found(question), "food/menu.md: Menu > Pizza\n");
	for (int i = 0; i < 800; i++)
		strcat(question, " x");
	buf_init(&out, 0);
	assert_true(query_put_match(&out, question) <= QUERY_WORDS);
	assert_true(utf8_valid(out.data, out.len));
	/* The last word that there is room for has no blanks in it. */
	question[0] = '\0';
	for (int i = 1; i < QUERY_WORDS; i++)
		strcat(question, "x ");
	strcat(question, "营业时间");
	buf_reset(&out);
	assert_int_equal(query_put_match(&out, question), QUERY_WORDS);
	buf_free(&out);
}

static void at_most_five_passages_and_four_kilobytes(void **state)
{
	struct buf text, answer;
	cJSON *json;
	size_t bytes = 0;
	const cJSON *each;

	(void)state;
	buf_init(&text, 0);
	for (int i = 0; i < 20; i++) {
		buf_printf(&text, "# Part %d\n\n", i);
		for (int k = 0; k < 190; k++)
			buf_puts(&text, "oregano ");
		buf_puts(&text, "\n\n");
	}
	put_text("long.md", buf_text(&text));
	buf_init(&answer, 0);
	assert_true(knowledge_answer(knowledge, folder, "oregano", &answer));
	json = json_parse(answer.data, answer.len);
	cJSON_ArrayForEach(each, json_get(json, "passages")) bytes += strlen(json_str(each, "text"));
	assert_true(bytes > 1000 && bytes <= KNOWLEDGE_BYTES);
	cJSON_Delete(json);
	buf_free(&text);
	buf_free(&answer);
	put_menu();
	for (int i = 0; i < 9; i++) {
		char name[32];

		snprintf(name, sizeof name, "n%d.txt", i);
		put_text(name, "basil");
	}
	knowledge_want(knowledge, NULL, 0);
	assert_int_equal(strlen(found("basil")), 5 * strlen("n0.txt: \n"));
}

static void nothing_found_is_an_answer(void **state)
{
	struct buf out;
	cJSON *json;
	double count;

	(void)state;
	put_menu();
	buf_init(&out, 0);
	assert_true(knowledge_answer(knowledge, folder, "submarine", &out));
	json = json_parse(out.data, out.len);
	assert_true(json_num(json, "found", &count) && count == 0);
	assert_non_null(strstr(json_str(json, "note"), "Nothing was found"));
	cJSON_Delete(json);
	buf_reset(&out);
	assert_true(knowledge_ask(knowledge, folder, "submarine", &out));
	assert_string_equal(buf_text(&out), "nothing found; the model is told so\n");
	buf_reset(&out);
	assert_true(knowledge_ask(knowledge, folder, "gnocchi", &out));
	assert_non_null(strstr(buf_text(&out), "1. food/menu.md: Menu > Pasta (score "));
	assert_non_null(strstr(buf_text(&out), "   Carbonara with egg and bacon. Every Thursday gnocchi.\n"));
	buf_free(&out);
}

static void what_cannot_be_read_is_left_out_and_named(void **state)
{
	struct buf problem, warning;
	char *large = calloc(1, FOLDER_FILE_MAX + 1), path[96];

	(void)state;
	assert_non_null(large);
	memset(large, 'a', FOLDER_FILE_MAX + 1);
	folder_put("large.txt", large, FOLDER_FILE_MAX + 1);
	folder_put("latin1.txt", "caf\xE9", 4);
	folder_put("binary.md", "a\0b", 3);
	folder_put("bom.txt",
	    "\xEF\xBB\xBF"
	    "vanilla",
	    10);
	put_text("a.docx", "x");
	put_text("z.png", "x");
	put_text("front.md", "---\ntitle: x\n---\n");
	put_text("hidden.md", "<!-- x -->");
	put_text("unclosed.md", "Text.\r\n\r\n<!-- x");
	snprintf(path, sizeof path, "%s/pipe.txt", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof path, "%s/dangling.md", folder);
	assert_int_equal(symlink("/nonexistent", path), 0);
	snprintf(path, sizeof path, "%s/round", folder);
	assert_int_equal(symlink(".", path), 0);
	buf_init(&problem, 0);
	buf_init(&warning, 0);
	assert_int_equal(knowledge_check(folder, &problem, &warning), 0);
	assert_string_equal(buf_text(&warning),
	    "binary.md is left out: it is not UTF-8 text\n"
	    "dangling.md is left out: it is a link to nothing\n"
	    "large.txt is left out: it is larger than 1 MB\n"
	    "latin1.txt is left out: it is not UTF-8 text\n"
	    "pipe.txt is left out: it is no file\n"
	    "round is left out: it is a link to a folder\n"
	    "unclosed.md: from line 3 on it is left out: a comment begins there and "
	    "never ends\n"
	    "a.docx and others: no .md or .txt, and left out\n"
	    "front.md and others: front matter and comments are left out, as readers "
	    "do not see them\n");
	assert_string_equal(found("vanilla"), "bom.txt: \n");
	buf_free(&problem);
	buf_free(&warning);
	free(large);
}

static void what_has_too_long_a_path_is_named_too(void **state)
{
	char longer[2 * FOLDER_PATH_MAX + 1];
	struct buf problem, warning;
	size_t len;

	(void)state;
	put_text("here.md", "basil");
	put_text("a-name-that-has-no-room-behind-all-this.md", "basil");
	len = (size_t)snprintf(longer, sizeof longer, "%s", folder);
	for (; len < sizeof longer - 16; len++)
		longer[len] = '/';
	longer[len] = '\0';
	buf_init(&problem, 0);
	buf_init(&warning, 0);
	assert_int_equal(knowledge_check(longer, &problem, &warning), 0);
	assert_string_equal(buf_text(&warning),
	    "a-name-that-has-no-room-behind-all-this.md is left out: its path from the root is longer than 1023 bytes\n");
	for (; len < sizeof longer - 1; len++)
		longer[len] = '/';
	longer[len] = '\0';
	assert_int_equal(knowledge_check(longer, &problem, &warning), -ENAMETOOLONG);
	buf_free(&problem);
	buf_free(&warning);
}

static void a_missing_folder_is_a_mistake_and_an_empty_one_a_warning(void **state)
{
	struct buf problem, warning;

	(void)state;
	buf_init(&problem, 0);
	buf_init(&warning, 0);
	assert_int_equal(knowledge_check("/nonexistent", &problem, &warning), -ENOENT);
	assert_string_equal(buf_text(&problem), "the folder /nonexistent cannot be read: No such file or directory");
	assert_int_equal(knowledge_check("/dev/null", &problem, &warning), -ENOTDIR);
	assert_int_equal(warning.len, 0);
	assert_int_equal(knowledge_check(folder, &problem, &warning), 0);
	assert_non_null(strstr(buf_text(&warning), "holds no .md or .txt"));
	buf_reset(&warning);
	assert_false(knowledge_answer(knowledge, "/nonexistent", "basil", &warning));
	assert_non_null(strstr(buf_text(&warning), "\"error\""));
	buf_free(&problem);
	buf_free(&warning);
}

static void an_empty_folder_is_searched_in_vain(void **state)
{
	(void)state;
	assert_string_equal(found("basil"), "");
}

/* A guard against hanging, not a measure. */
static bool until_found(const char *question, const char *said)
{
	for (int i = 0; i < 600; i++) {
		if (!strcmp(found(question), said))
			return true;
		usleep(50000);
	}
	return false;
}

static void the_index_follows_the_files(void **state)
{
	const char *wanted[] = { folder };
	char path[96], away[96];

	(void)state;
	put_menu();
	assert_int_equal(knowledge_start(knowledge), 0);
	knowledge_want(knowledge, wanted, 1);
	assert_string_equal(found("tiramisu"), "");
	put_text("food/dessert.md", "# Dessert\n\nTiramisu.");
	assert_true(until_found("tiramisu", "food/dessert.md: Dessert\n"));
	put_text("food/dessert.md", "# Dessert\n\nPancakes"); /* as long as before */
	assert_true(until_found("tiramisu", ""));
	assert_string_equal(found("pancakes"), "food/dessert.md: Dessert\n");
	snprintf(path, sizeof path, "%s/food/dessert.md", folder);
	unlink(path);
	assert_true(until_found("pancakes", ""));
	/* What was known stays while the folder is away. */
	snprintf(away, sizeof away, "%s.away", folder);
	assert_int_equal(rename(folder, away), 0);
	usleep(1500000);
	assert_string_equal(found("basil"), "food/menu.md: Menu > Pizza\n");
	assert_int_equal(rename(away, folder), 0);
}

static _Atomic bool over;
static _Atomic int wrong, searches;

static void *search_on(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		struct buf out;
		int count;

		buf_init(&out, 0);
		count = knowledge_search(knowledge, folder, "basil noon gateau", list, &out);
		if (count < 3)
			atomic_fetch_add(&wrong, 1);
		atomic_fetch_add(&searches, 1);
		buf_free(&out);
	}
	return NULL;
}

static void searches_from_many_threads_go_on_while_it_is_rebuilt(void **state)
{
	pthread_t threads[6];
	const char *wanted[] = { folder };
	char text[64];

	(void)state;
	put_menu();
	knowledge_want(knowledge, wanted, 1);
	assert_int_equal(knowledge_start(knowledge), 0);
	atomic_store(&over, false);
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, search_on, NULL), 0);
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof text, "edition%d", i);
		put_text("edition.txt", text);
		assert_true(until_found(text, "edition.txt: \n"));
	}
	atomic_store(&over, true);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&wrong), 0);
	assert_true(atomic_load(&searches) > 0);
}

static void folders_no_longer_wanted_are_forgotten(void **state)
{
	const char *wanted[] = { folder, folder, "" };
	struct buf out;
	cJSON *json;

	(void)state;
	put_menu();
	knowledge_want(knowledge, wanted, 3);
	buf_init(&out, 0);
	knowledge_put_status(knowledge, &out);
	json = json_parse(out.data, out.len);
	assert_int_equal(cJSON_GetArraySize(json), 1);
	assert_string_equal(json_str(json->child, "folder"), folder);
	cJSON_Delete(json);
	knowledge_want(knowledge, NULL, 0);
	buf_reset(&out);
	knowledge_put_status(knowledge, &out);
	assert_string_equal(buf_text(&out), "[]");
	buf_free(&out);
}

const struct CMUnitTest unit_tests[] = {
#define KNOWS(f) cmocka_unit_test_setup_teardown(f, open_knowledge, close_knowledge)
	KNOWS(what_is_asked_is_found_with_file_and_heading),
	KNOWS(a_heading_counts_for_more_than_a_mention),
	KNOWS(a_question_is_never_syntax),
	KNOWS(words_of_every_sentence_are_left_out_unless_alone),
	KNOWS(long_questions_are_cut_at_a_character),
	KNOWS(at_most_five_passages_and_four_kilobytes),
	KNOWS(nothing_found_is_an_answer),
	KNOWS(what_cannot_be_read_is_left_out_and_named),
	KNOWS(what_has_too_long_a_path_is_named_too),
	KNOWS(a_missing_folder_is_a_mistake_and_an_empty_one_a_warning),
	KNOWS(an_empty_folder_is_searched_in_vain),
	KNOWS(the_index_follows_the_files),
	KNOWS(searches_from_many_threads_go_on_while_it_is_rebuilt),
	KNOWS(folders_no_longer_wanted_are_forgotten),
	{ 0 },
};
