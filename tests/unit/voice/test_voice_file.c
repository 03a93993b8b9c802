#include "server/voice/voice_file.h"
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct voice_key key, other;
static struct buf file;
static uint8_t sound[400];

static int begin(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sound; i++)
		sound[i] = (uint8_t)(i * 7);
	assert_true(voice_key_make(&key, "realtime", "m", "marin", 1.0, "Hello."));
	assert_true(voice_key_make(&other, "realtime", "m", "cedar", 1.0, "Hello."));
	buf_init(&file, 0);
	voice_file_put(&file, &key, sound, sizeof sound);
	return buf_error(&file);
}

FIXTURE(end, buf_free(&file))

/* From a block of exactly that size, so that a sanitizer sees who reads beyond it. */
static enum voice_file_state read_as(const struct voice_key *as, const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	const uint8_t *ulaw = NULL;
	enum voice_file_state state;
	size_t count = 0;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	state = voice_file_read(copy, len, as, &ulaw, &count);
	if (state == VOICE_FILE_GOOD) {
		assert_int_equal(count, sizeof sound);
		assert_memory_equal(ulaw, sound, count);
	}
	free(copy);
	return state;
}

static void what_was_put_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_as(&key, file.data, file.len), VOICE_FILE_GOOD);
}

static void each_field_makes_another_key(void **state)
{
	static const struct {
		const char *protocol, *model, *voice;
		double speed;
		const char *text;
	} rows[] = {
		{ "realtimes", "m", "marin", 1.0, "Hello." },
		{ "realtime", "m2", "marin", 1.0, "Hello." },
		{ "realtime", "m", "cedar", 1.0, "Hello." },
		{ "realtime", "m", "marin", 1.1, "Hello." },
		{ "realtime", "m", "marin", 1.0, "Hello!" },
		/* The same bytes, divided otherwise. */
		{ "realtime", "mmarin", "", 1.0, "Hello." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct voice_key k;

		assert_true(
		    voice_key_make(&k, rows[i].protocol, rows[i].model, rows[i].voice, rows[i].speed, rows[i].text));
		assert_memory_not_equal(k.hash, key.hash, sizeof k.hash);
	}
}

static void a_text_that_is_too_long_has_no_key(void **state)
{
	char text[VOICE_KEY_MAX + 1];
	struct voice_key k;

	(void)state;
	memset(text, 'a', sizeof text);
	text[VOICE_KEY_MAX] = '\0';
	assert_false(voice_key_make(&k, "realtime", "m", "marin", 1.0, text));
	text[VOICE_KEY_MAX - 24] = '\0';
	assert_true(voice_key_make(&k, "realtime", "m", "marin", 1.0, text));
}

static void a_file_cut_anywhere_is_not_read(void **state)
{
	(void)state;
	for (size_t len = 0; len < file.len; len++) {
		enum voice_file_state is = read_as(&key, file.data, len);

		assert_int_equal(is, len < 8 ? VOICE_FILE_FOREIGN : VOICE_FILE_CUT);
	}
	buf_putc(&file, 'x');
	assert_int_equal(read_as(&key, file.data, file.len), VOICE_FILE_CUT);
}

static void a_changed_bit_anywhere_is_noticed(void **state)
{
	(void)state;
	for (size_t at = 0; at < file.len; at++) {
		file.data[at] ^= 1;
		assert_int_not_equal(read_as(&key, file.data, file.len), VOICE_FILE_GOOD);
		file.data[at] ^= 1;
	}
	file.data[file.len - 1] ^= 1;
	assert_int_equal(read_as(&key, file.data, file.len), VOICE_FILE_SPOILED);
}

static void a_file_of_another_voice_is_not_read(void **state)
{
	(void)state;
	assert_int_equal(read_as(&other, file.data, file.len), VOICE_FILE_OTHERS);
}

static void lengths_beyond_all_bounds_are_not_believed(void **state)
{
	static const char huge[4] = { '\xff', '\xff', '\xff', '\xff' };

	(void)state;
	memcpy(file.data + 8, huge, 4);
	assert_int_equal(read_as(&key, file.data, file.len), VOICE_FILE_FOREIGN);
	memcpy(file.data + 12, huge, 4);
	assert_int_equal(read_as(&key, file.data, file.len), VOICE_FILE_FOREIGN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	TEST(what_was_put_is_read),
	TEST(each_field_makes_another_key),
	TEST(a_text_that_is_too_long_has_no_key),
	TEST(a_file_cut_anywhere_is_not_read),
	TEST(a_changed_bit_anywhere_is_noticed),
	TEST(a_file_of_another_voice_is_not_read),
	TEST(lengths_beyond_all_bounds_are_not_believed),
	{ .name = NULL },
};
