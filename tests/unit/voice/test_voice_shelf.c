#include "server/voice/voice_shelf.h"

#include "tests/unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static struct voice_shelf shelf;
static uint8_t hashes[3][SHA256_BYTES];

static int begin(void **state)
{
	(void)state;
	voice_shelf_init(&shelf);
	for (size_t i = 0; i < 3; i++)
		sha256(&i, sizeof i, hashes[i]);
	memcpy(hashes[1], hashes[0], 2); /* the same bucket */
	return 0;
}

FIXTURE(end, voice_shelf_free(&shelf))

static int put(size_t i, const char *sound)
{
	return voice_shelf_put(&shelf, hashes[i], (const uint8_t *)sound, strlen(sound));
}

static void expect(size_t i, const char *sound)
{
	const struct voice_line *line = voice_shelf_get(&shelf, hashes[i]);

	assert_int_equal(line != NULL, sound != NULL);
	if (line) {
		assert_int_equal(line->bytes, strlen(sound));
		assert_memory_equal(line->ulaw, sound, line->bytes);
	}
	voice_shelf_release(line);
}

static void expect_count(size_t lines, size_t bytes)
{
	size_t is_lines, is_bytes;

	voice_shelf_count(&shelf, &is_lines, &is_bytes);
	assert_int_equal(is_lines, lines);
	assert_int_equal(is_bytes, bytes);
}

static void each_line_is_found_by_its_hash(void **state)
{
	(void)state;
	expect(0, NULL);
	put(0, "zero");
	put(1, "one");
	expect(0, "zero");
	expect(1, "one");
	expect(2, NULL);
	put(0, "another");
	expect(0, "another");
	expect_count(2, 10);
}

static void it_is_bounded(void **state)
{
	(void)state;
	shelf.lines_max = 2;
	shelf.bytes_max = 10;
	assert_int_equal(put(0, "12345678901"), -ENOSPC);
	assert_int_equal(put(0, "123456"), 0);
	assert_int_equal(put(1, "12345"), -ENOSPC);
	assert_int_equal(put(1, "1234"), 0);
	assert_int_equal(put(2, ""), -ENOSPC);
	assert_int_equal(put(1, "123"), 0); /* in place of itself */
	expect_count(2, 9);
}

static void what_is_not_marked_is_swept(void **state)
{
	(void)state;
	put(0, "zero");
	put(1, "one");
	put(2, "two");
	assert_true(voice_shelf_mark(&shelf, hashes[1]));
	voice_shelf_sweep(&shelf);
	assert_false(voice_shelf_mark(&shelf, hashes[0]));
	expect(0, NULL);
	expect(1, "one");
	expect(2, NULL);
	expect_count(1, 3);
	voice_shelf_sweep(&shelf); /* a mark is for one round */
	expect_count(0, 0);
}

static void a_line_in_use_outlives_the_shelf(void **state)
{
	const struct voice_line *line;

	(void)state;
	put(0, "zero");
	line = voice_shelf_get(&shelf, hashes[0]);
	voice_shelf_sweep(&shelf);
	expect(0, NULL);
	voice_shelf_free(&shelf);
	voice_shelf_init(&shelf);
	assert_memory_equal(line->ulaw, "zero", 4);
	voice_shelf_release(line);
	voice_shelf_release(NULL);
}

static void *ask(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++) {
		const struct voice_line *line = voice_shelf_get(&shelf, hashes[0]);

		if (line)
			assert_memory_equal(line->ulaw, "zero", 4);
		voice_shelf_release(line);
	}
	return NULL;
}

static void calls_may_ask_while_it_changes(void **state)
{
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		put(0, "zero");
		if (i % 3 == 0)
			voice_shelf_sweep(&shelf);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	TEST(each_line_is_found_by_its_hash),
	TEST(it_is_bounded),
	TEST(what_is_not_marked_is_swept),
	TEST(a_line_in_use_outlives_the_shelf),
	TEST(calls_may_ask_while_it_changes),
	{ .name = NULL },
};
