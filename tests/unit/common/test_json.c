#include "common/base64.h"
#include "common/json.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/peers/fixture.h"
#include "tests/unit.h"

ONE_THREAD;

/* A copy that ends where readable memory ends: cJSON is not compiled by us, so
 * no sanitizer watches what it reads. */
static char *edge;
enum { EDGE_SIZE = 256 * 1024 };

static int open_edge(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	(void)state;
	edge = mmap(NULL, EDGE_SIZE + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edge == MAP_FAILED)
		return -1;
	return mprotect(edge + EDGE_SIZE, page, PROT_NONE);
}

static int close_edge(void **state)
{
	(void)state;
	return munmap(edge, EDGE_SIZE + (size_t)sysconf(_SC_PAGESIZE));
}

static const char *at_edge(const char *text, size_t len)
{
	assert_true(len <= EDGE_SIZE);
	return memcpy(edge + EDGE_SIZE - len, text, len);
}

static cJSON *parsed(const char *text, size_t len)
{
	return json_parse(at_edge(text, len), len);
}

static void expect_refused(const char *text, size_t len)
{
	cJSON *tree = parsed(text, len);

	if (tree)
		fail_msg("taken: %.*s", (int)len, text);
}

static void expect_taken(const char *text, size_t len)
{
	cJSON *tree = parsed(text, len);

	if (!tree)
		fail_msg("refused: %.*s", (int)len, text);
	cJSON_Delete(tree);
}

#define REFUSED(literal) expect_refused(literal, sizeof literal - 1)
#define TAKEN(literal) expect_taken(literal, sizeof literal - 1)

static bool scanned(const char *text, const char *key, struct span *value)
{
	size_t len = strlen(text);

	return json_scan(at_edge(text, len), len, key, value);
}

static void expect_scanned(const char *text, const char *key, const char *value)
{
	struct span found;

	if (!scanned(text, key, &found))
		fail_msg("no %s in %s", key, text);
	if (!span_is(found, value))
		fail_msg("%s of %s is %.*s", key, text, (int)found.n, found.p);
}

static void expect_absent(const char *text, const char *key)
{
	struct span found;

	if (scanned(text, key, &found))
		fail_msg("%s of %s is %.*s", key, text, (int)found.n, found.p);
}

struct member {
	const char *key, *value;
};

static void expect_members(const char *text, const struct member *all)
{
	for (; all->key; all++)
		expect_scanned(text, all->key, all->value);
}

#define EXPECT_MEMBERS(text, ...) expect_members(text, (const struct member[]){ __VA_ARGS__, { 0 } })

/* ------------------------------------------------------------------- the scanner */

static void scanner_finds_values_of_every_kind(void **state)
{
	static const char text[] = " \t\r\n{ \"s\" : \"text\" ,\"e\":\"\",\"n\":-1.5e3,\"t\":true, \"z\" :null ,"
				   "\"o\":{\"s\":\"inner\",\"x\":[1,2]},\"a\":[{\"s\":1},\"]\"],\"last\":7}";

	(void)state;
	EXPECT_MEMBERS(text, { "s", "text" }, { "e", "" }, { "n", "-1.5e3" }, { "t", "true" }, { "z", "null" },
	    { "o", "{\"s\":\"inner\",\"x\":[1,2]}" }, { "a", "[{\"s\":1},\"]\"]" }, { "last", "7" });
	expect_absent(text, "x"); /* only at the top */
	expect_absent(text, "S");
	expect_absent(text, "las");
	expect_absent(text, "");
}

static void quotes_and_brackets_in_strings_mean_nothing(void **state)
{
	static const char text[] = "{\"a\":\"}\",\"b\":\"\\\"\",\"c\":\"\\\\\",\"d\":\"\\\\\\\"{\",\"e\\\"\":1,\"f\":"
				   "[\"]\",\"\\\"]\"],\"g\":{\"}\":\"{\"},\"h\":\"end\"}";

	(void)state;
	EXPECT_MEMBERS(text, { "a", "}" }, { "b", "\\\"" }, { "c", "\\\\" }, { "d", "\\\\\\\"{" },
	    { "f", "[\"]\",\"\\\"]\"]" }, { "g", "{\"}\":\"{\"}" }, { "h", "end" });
}

static void first_of_a_doubled_key_is_taken_by_both(void **state)
{
	static const char text[] = "{\"a\":1,\"a\":2}";
	cJSON *tree = parsed(text, sizeof text - 1);
	double value;

	(void)state;
	expect_scanned(text, "a", "1");
	assert_true(json_num(tree, "a", &value));
	assert_true(value == 1);
	cJSON_Delete(tree);
}

static void scanner_finds_nothing_in_what_is_broken_before_it(void **state)
{
	static const char *const broken[] = { "", " ", "{", "}", "[", "[\"a\"]", "\"a\"", "a", "{a:1}", "{\"a\"",
		"{\"a\" 1}", "{\"a\":", "{\"a\":\"", "{\"a\":\"x", "{\"a\":\"x\\\"", "{\"a\":}", "{\"a\":,", "{\"a\":{",
		"{\"a\":[1", "{\"a\":{\"b\":\"}", "{,\"a\":1}", "{\"b\":1 \"a\":1}", "{\"b\":1;\"a\":1}",
		"{\"b\":1}\"a\":1", "{'a':1}", "x{\"a\":1}", "{\"b\":]\"a\":1}" };

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
		expect_absent(broken[i], "a");
}

static void what_follows_a_value_is_not_judged(void **state)
{
	(void)state;
	expect_scanned("{\"a\":\"x\"", "a", "x");
	expect_scanned("{\"a\":\"x\" garbage", "a", "x");
	expect_scanned("{\"a\":{}", "a", "{}");
}

static void scanner_counts_depth_and_does_not_recurse(void **state)
{
	char *text = malloc(EDGE_SIZE);
	struct span found;

	(void)state;
	assert_non_null(text);
	for (size_t depth = 1; depth < 1000; depth += depth < 40 ? 1 : 321) {
		size_t len = (size_t)sprintf(text, "{\"a\":");

		memset(text + len, '[', depth);
		memset(text + len + depth, ']', depth);
		text[len + 2 * depth] = '}';
		assert_int_equal(json_scan(at_edge(text, len + 2 * depth + 1), len + 2 * depth + 1, "a", &found),
		    depth <= JSON_MAX_DEPTH);
	}
	memset(text, '[', EDGE_SIZE);
	memcpy(text, "{\"b\":", 5);
	assert_false(json_scan(at_edge(text, EDGE_SIZE), EDGE_SIZE, "a", &found));
	free(text);
}

static void numbers_of_digits_are_read_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t value;
	} numbers[] = {
		{ "0", true, 0 },
		{ "007", true, 7 },
		{ "1234567890", true, 1234567890 },
		{ "9999999999999999999", true, 9999999999999999999u },
		{ "10000000000000000000", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1.0", false, 0 },
		{ "1e3", false, 0 },
		{ "0x1", false, 0 },
		{ "true", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		uint64_t value = 42;

		assert_int_equal(
		    span_u64((struct span){ numbers[i].text, strlen(numbers[i].text) }, &value), numbers[i].good);
		assert_true(value == (numbers[i].good ? numbers[i].value : 42));
	}
}

/* What stands under "b", decoded; its text, or NULL if it is none. */
static const char *decoded(const char *text)
{
	static char out[64];
	struct span found;
	ssize_t len;

	if (!scanned(text, "b", &found))
		return NULL;
	assert_true(BASE64_DECODED_MAX(found.n) < sizeof out);
	memset(out, 0, sizeof out);
	len = json_base64(found, (uint8_t *)out);
	return len < 0 ? NULL : out;
}

static void base64_is_decoded_escaped_or_not(void **state)
{
	static const char *const wrong[] = { "{\"b\":\"Zm9\"}", "{\"b\":\"Zm\\n9v\"}", "{\"b\":\"\\u0000AAA\"}",
		"{\"b\":Zm9v}", "{\"b\":true}", "{\"b\":\\/\\/" };

	(void)state;
	assert_string_equal(decoded("{\"b\":\"Zm9v\"}"), "foo");
	assert_string_equal(decoded("{\"b\":\"\"}"), "");
	assert_memory_equal(decoded("{\"b\":\"////\"}"), "\xff\xff\xff", 3);
	assert_memory_equal(decoded("{\"b\":\"\\/\\/\\/\\/\"}"), "\xff\xff\xff", 4);
	assert_string_equal(decoded("{\"b\":\"Zm\\u0039v\"}"), "foo");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		if (decoded(wrong[i]))
			fail_msg("decoded: %s", wrong[i]);
}

/* --------------------------------------------------------- the scanner and the parser */

/* What both find under every key of an object must be the same. */
static void compare(const char *name, void *arg)
{
	size_t len;
	char *text = fixture(name, &len);
	cJSON *tree = parsed(text, len);
	const cJSON *field;

	if (!tree)
		fail_msg("%s is not JSON", name);
	cJSON_ArrayForEach(field, tree)
	{
		struct span found;

		if (!json_scan(text, len, field->string, &found))
			fail_msg("the scanner finds no %s in %s", field->string, name);
		if (cJSON_IsString(field)) {
			if (!memchr(found.p, '\\', found.n))
				assert_true(span_is(found, field->valuestring));
		} else {
			cJSON *same = json_parse(found.p, found.n);

			if (!same || !cJSON_Compare(same, field, true))
				fail_msg("%s of %s differs: %.*s", field->string, name, (int)found.n, found.p);
			cJSON_Delete(same);
		}
		++*(int *)arg;
	}
	cJSON_Delete(tree);
	free(text);
}

static void scanner_and_parser_agree_on_every_fixture(void **state)
{
	int fields = 0;

	(void)state;
	assert_true(fixtures("openai-*", compare, &fields) > 80);
	assert_true(fixtures("twilio-stream-*", compare, &fields) > 10);
	assert_true(fields > 300);
}

static void cut_short(const char *name, void *arg)
{
	size_t len;
	char *text = fixture(name, &len);

	(void)arg;
	while (len && text[len - 1] != '}')
		len--;
	for (size_t n = 0; n < len; n++) {
		struct span found;
		const char *part = at_edge(text, n);

		if (json_parse(part, n))
			fail_msg("%zu bytes of %s are JSON", n, name);
		if (json_scan(part, n, "type", &found) || json_scan(part, n, "event", &found))
			assert_true(found.p + found.n <= part + n);
		assert_false(json_scan(part, n, "no such key", &found));
	}
	free(text);
}

static void no_beginning_of_a_message_is_one(void **state)
{
	(void)state;
	fixtures("openai-response-*", cut_short, NULL);
	fixtures("openai-session-*", cut_short, NULL);
	fixtures("twilio-stream-*", cut_short, NULL);
}

/* -------------------------------------------------------------------- the parser */

static void nesting_is_taken_to_its_limit_and_no_further(void **state)
{
	char *text = malloc(EDGE_SIZE);

	(void)state;
	assert_non_null(text);
	for (size_t depth = 1; depth <= 40; depth++) {
		cJSON *tree;

		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		tree = parsed(text, 2 * depth);
		assert_int_equal(tree != NULL, depth <= JSON_MAX_DEPTH);
		cJSON_Delete(tree);
	}
	memset(text, '{', EDGE_SIZE);
	expect_refused(text, EDGE_SIZE);
	/* Brackets in a string are no depth. */
	memset(text, '[', EDGE_SIZE);
	text[0] = text[EDGE_SIZE - 1] = '"';
	expect_taken(text, EDGE_SIZE);
	free(text);
}

static void text_that_ends_too_soon_is_not_read_beyond_its_end(void **state)
{
	(void)state;
	REFUSED("");
	REFUSED("{\"1\":1,");
	REFUSED("{\"1\":1");
	REFUSED("{\"1\":");
	REFUSED("{\"1\"");
	REFUSED("{");
	REFUSED("[1,");
	REFUSED("[");
	REFUSED("\"");
	REFUSED("\"\\");
	REFUSED("\"\\u00");
	REFUSED("\"\\ud83d");
	REFUSED("\"\\ud83d\\u");
	REFUSED("t");
	REFUSED("tru");
	REFUSED("nul");
	REFUSED("-");
	REFUSED("}");
	REFUSED("]");
	REFUSED("}{");
	REFUSED("[{]}");
	TAKEN("1");
	TAKEN("-1.5e3");
	TAKEN("true");
	TAKEN("\"x\"");
}

static void what_trails_is_refused(void **state)
{
	(void)state;
	TAKEN(" {\"a\":1} \r\n\t");
	REFUSED("{\"a\":1}}");
	REFUSED("{\"a\":1}{\"a\":1}");
	REFUSED("{\"a\":1},");
	REFUSED("1 2");
	REFUSED("{\"a\":1,}");
	REFUSED("[1,]");
	REFUSED("{\"a\":1}\f");
}

static void control_characters_are_no_blanks(void **state)
{
	char text[] = "{\"a\":?1}";

	(void)state;
	for (int c = 1; c < 0x20; c++) {
		text[5] = (char)c;
		if (c == '\t' || c == '\n' || c == '\r')
			expect_taken(text, sizeof text - 1);
		else
			expect_refused(text, sizeof text - 1);
	}
}

static void nul_is_refused_in_every_spelling(void **state)
{
	(void)state;
	REFUSED("\0");
	REFUSED("{\"a\":1}\0");
	REFUSED("{\"a\":\"x\0y\"}");
	REFUSED("{\"a\":\"x\\\0y\"}");
	REFUSED("{\"a\":\"x\\u0000y\"}");
	REFUSED("{\"x\\u0000y\":1}");
	REFUSED("\"\\u0000\"");
	REFUSED("\"\\\\\\u0000\"");
	REFUSED("\"\\u12G4\"");
	REFUSED("\"\\u12\"");
	TAKEN("\"\\\\u0000\""); /* a backslash, then four noughts */
	TAKEN("\"\\u0001\"");
	TAKEN("\"u0000\"");
}

static void bad_utf8_is_refused(void **state)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xe0\x80\x80",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xef\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe", "\xe2\x82", "\xf0\x9f\x98" };
	static const char *const good[] = { "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
		"\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xf0\x9f\x98\x80" };

	(void)state;
	for (size_t shift = 0; shift < 20; shift++) {
		char text[64];

		for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
			snprintf(text, sizeof text, "\"%.*s%s\"", (int)shift, "aaaaaaaaaaaaaaaaaaaa", bad[i]);
			expect_refused(text, strlen(text));
			assert_false(utf8_valid(text, strlen(text)));
		}
		for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
			snprintf(text, sizeof text, "\"%.*s%s\"", (int)shift, "aaaaaaaaaaaaaaaaaaaa", good[i]);
			expect_taken(text, strlen(text));
			assert_true(utf8_valid(text, strlen(text)));
			/* Cut in the middle it is none. */
			if (strlen(good[i]) > 1)
				assert_false(utf8_valid(at_edge(text, strlen(text) - 2), strlen(text) - 2));
		}
	}
	assert_true(utf8_valid("", 0));
}

static void fields_of_another_type_are_not_there(void **state)
{
	static const char text[] = "{\"s\":\"x\",\"n\":1.5,\"b\":true,\"f\":false,\"z\":null,\"o\":{},\"a\":[\"s\"]}";
	cJSON *t = parsed(text, sizeof text - 1);
	double value = 42;

	(void)state;
	assert_non_null(t);
	assert_string_equal(json_str(t, "s"), "x");
	assert_null(json_str(t, "n"));
	assert_null(json_str(t, "z"));
	assert_null(json_str(t, "absent"));
	assert_null(json_str(t, "S"));
	assert_true(json_num(t, "n", &value) && value == 1.5);
	assert_false(json_num(t, "s", &value));
	assert_false(json_num(t, "b", &value));
	assert_true(value == 1.5);
	assert_true(json_bool(t, "b", false));
	assert_false(json_bool(t, "f", true));
	assert_true(json_bool(t, "n", true));
	assert_false(json_bool(t, "absent", false));
	assert_null(json_get(json_get(t, "a"), "s"));
	assert_null(json_get(NULL, "s"));
	assert_null(json_str(NULL, "s"));
	cJSON_Delete(t);
}

/* --------------------------------------------------------------------- the writer */

static void every_text_comes_back_as_it_was(void **state)
{
	struct buf out;
	char text[300] = "";
	cJSON *tree;

	(void)state;
	for (size_t i = 0; i < 0x7f; i++)
		text[i] = (char)(i + 1);
	strcat(text, "\xc2\x80\xe2\x82\xac\xf0\x9f\x98\x80 end");
	buf_init(&out, 0);
	json_put_cstring(&out, text);
	assert_int_equal(buf_error(&out), 0);
	tree = parsed(out.data, out.len);
	assert_true(cJSON_IsString(tree));
	assert_string_equal(tree->valuestring, text);
	for (size_t i = 0; i < out.len; i++)
		assert_true((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f);
	cJSON_Delete(tree);
	buf_free(&out);
}

static void bytes_that_are_no_text_become_replacement_characters(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	json_put_string(&out, "a\xff\xc3z\xe2\x82", 6);
	assert_string_equal(buf_text(&out), "\"a\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\"");
	buf_reset(&out);
	json_put_string(&out, "a\0b", 3);
	assert_string_equal(buf_text(&out), "\"a\\u0000b\"");
	buf_reset(&out);
	json_put_cstring(&out, NULL);
	assert_string_equal(buf_text(&out), "null");
	buf_reset(&out);
	json_put_cstring(&out, "");
	assert_string_equal(buf_text(&out), "\"\"");
	buf_free(&out);
}

static void any_bytes_make_a_string_that_can_be_read(void **state)
{
	uint32_t seed = 3;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char bytes[24];
		struct buf out;
		size_t len;
		cJSON *tree;

		seed = seed * 1664525 + 1013904223;
		len = (seed >> 8) % sizeof bytes;
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 24);
			if (!bytes[i])
				bytes[i] = 1; /* the parser refuses \u0000, rightly */
		}
		buf_init(&out, 0);
		json_put_string(&out, bytes, len);
		tree = parsed(out.data, out.len);
		assert_non_null(tree);
		cJSON_Delete(tree);
		buf_free(&out);
	}
}

static void a_text_is_cut_between_two_characters(void **state)
{
	static const char text[] = "a\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80";
	static const size_t whole[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

	(void)state;
	for (size_t most = 0; most < sizeof whole / sizeof *whole; most++)
		assert_int_equal(utf8_whole(text, sizeof text - 1, most), whole[most]);
	assert_int_equal(utf8_code(text + 1, 2), 0xe9);
	assert_int_equal(utf8_code(text + 3, 3), 0x4f60);
	assert_int_equal(utf8_code(text + 6, 4), 0x1f600);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(scanner_finds_values_of_every_kind),
	cmocka_unit_test(quotes_and_brackets_in_strings_mean_nothing),
	cmocka_unit_test(first_of_a_doubled_key_is_taken_by_both),
	cmocka_unit_test(scanner_finds_nothing_in_what_is_broken_before_it),
	cmocka_unit_test(what_follows_a_value_is_not_judged),
	cmocka_unit_test(scanner_counts_depth_and_does_not_recurse),
	cmocka_unit_test(numbers_of_digits_are_read_and_nothing_else),
	cmocka_unit_test(base64_is_decoded_escaped_or_not),
	cmocka_unit_test(scanner_and_parser_agree_on_every_fixture),
	cmocka_unit_test(no_beginning_of_a_message_is_one),
	cmocka_unit_test(nesting_is_taken_to_its_limit_and_no_further),
	cmocka_unit_test(text_that_ends_too_soon_is_not_read_beyond_its_end),
	cmocka_unit_test(what_trails_is_refused),
	cmocka_unit_test(control_characters_are_no_blanks),
	cmocka_unit_test(nul_is_refused_in_every_spelling),
	cmocka_unit_test(bad_utf8_is_refused),
	cmocka_unit_test(fields_of_another_type_are_not_there),
	cmocka_unit_test(every_text_comes_back_as_it_was),
	cmocka_unit_test(bytes_that_are_no_text_become_replacement_characters),
	cmocka_unit_test(any_bytes_make_a_string_that_can_be_read),
	cmocka_unit_test(a_text_is_cut_between_two_characters),
	GROUP(open_edge, close_edge),
};
