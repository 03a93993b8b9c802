#include "server/voice/voice_dir.h"

#include "server/stats/stats.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

ONE_THREAD;

static struct voice_dir dir;
static struct voice_key keys[4];
static const uint8_t sound[] = "a line's sound";
static uint64_t bad_before;

static int begin(void **state)
{
	int err = folder_begin(state);

	voice_dir_open(&dir, folder);
	for (size_t i = 0; i < 4; i++) {
		char text[2] = { (char)('a' + i), '\0' };

		voice_key_make(&keys[i], "realtime", "m", "marin", 1, text);
	}
	bad_before = stat_get(voice_files_bad);
	return err;
}

static bool loads(const struct voice_key *key)
{
	const uint8_t *ulaw;
	struct buf file;
	size_t len;
	bool is;

	buf_init(&file, 0);
	is = voice_dir_load(&dir, key, &file, &ulaw, &len);
	if (is) {
		assert_int_equal(len, sizeof sound);
		assert_memory_equal(ulaw, sound, len);
	}
	buf_free(&file);
	return is;
}

static void path_of(const struct voice_key *key, char out[1200])
{
	int at = snprintf(out, 1200, "%s/", dir.path);

	for (size_t i = 0; i < SHA256_BYTES; i++)
		at += snprintf(out + at, 1200 - (size_t)at, "%02x", key->hash[i]);
	snprintf(out + at, 1200 - (size_t)at, ".ulaw");
}

static int files(void)
{
	DIR *d = opendir(dir.path);
	struct dirent *each;
	int count = 0;

	assert_non_null(d);
	while ((each = readdir(d)))
		count += each->d_name[0] != '.';
	closedir(d);
	return count;
}

static void save_at(size_t i, long seconds)
{
	struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };
	char path[1200];

	assert_int_equal(voice_dir_save(&dir, &keys[i], sound, sizeof sound), 0);
	path_of(&keys[i], path);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void what_was_saved_is_loaded(void **state)
{
	(void)state;
	assert_false(loads(&keys[0]));
	save_at(0, 1);
	assert_true(loads(&keys[0]));
	assert_false(loads(&keys[1]));
	assert_int_equal(stat_get(voice_files_bad), bad_before);
	assert_int_equal(files(), 1); /* nothing under another name */
}

static void a_bad_file_is_gone_and_counted(void **state)
{
	char path[1200], from[1200];

	(void)state;
	save_at(0, 1);
	path_of(&keys[0], path);
	assert_int_equal(truncate(path, 100), 0);
	assert_false(loads(&keys[0]));
	assert_int_equal(files(), 0);
	/* Another line's file under this name. */
	save_at(1, 1);
	path_of(&keys[1], from);
	assert_int_equal(rename(from, path), 0);
	assert_false(loads(&keys[0]));
	assert_int_equal(files(), 0);
	/* Something that is no file of ours. */
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_false(loads(&keys[0]));
	assert_int_equal(files(), 0);
	save_at(0, 1);
	assert_int_equal(truncate(path, VOICE_FILE_MAX + 1), 0);
	assert_false(loads(&keys[0]));
	assert_int_equal(stat_get(voice_files_bad), bad_before + 4);
	save_at(0, 1);
	assert_true(loads(&keys[0]));
}

static void those_not_used_for_longest_go(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++)
		save_at(i, 100 + (long)i);
	assert_true(loads(&keys[0])); /* which is a use */
	dir.files_max = 2;
	voice_dir_tidy(&dir);
	assert_int_equal(files(), 2);
	assert_true(loads(&keys[3]));
	assert_true(loads(&keys[0]));
	dir.bytes_max = 1;
	voice_dir_tidy(&dir);
	assert_int_equal(files(), 0);
}

static void what_was_left_unfinished_goes(void **state)
{
	(void)state;
	folder_put("voice/0123.new", "x", 1);
	folder_put("voice/notes.txt", "x", 1);
	save_at(0, 1);
	voice_dir_tidy(&dir);
	assert_int_equal(files(), 2); /* ours, and what we do not know */
}

static void without_a_directory_nothing_is_kept(void **state)
{
	struct voice_dir none;
	const uint8_t *ulaw;
	struct buf file;
	size_t len;

	(void)state;
	voice_dir_open(&none, "");
	buf_init(&file, 0);
	assert_int_equal(voice_dir_save(&none, &keys[0], sound, sizeof sound), 0);
	assert_false(voice_dir_load(&none, &keys[0], &file, &ulaw, &len));
	voice_dir_touch(&none, &keys[0]);
	voice_dir_tidy(&none);
	voice_dir_open(&none, "/nowhere/at/all");
	assert_string_equal(none.path, "");
	buf_free(&file);
}

static void a_disk_that_refuses_is_told(void **state)
{
	uint64_t failed = stat_get(voice_files_failed);

	(void)state;
	assert_int_equal(rmdir(dir.path), 0);
	assert_int_equal(voice_dir_save(&dir, &keys[0], sound, sizeof sound), -ENOENT);
	assert_int_equal(stat_get(voice_files_failed), failed + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, folder_end)

/* A process that can open nothing any more has not seen what is in it. */
static void a_file_that_cannot_be_opened_now_is_kept(void **state)
{
	struct rlimit before, none;

	(void)state;
	assert_int_equal(voice_dir_save(&dir, &keys[0], sound, sizeof sound), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_false(loads(&keys[0]));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(loads(&keys[0]));
	assert_int_equal(stat_get(voice_files_bad), bad_before);
}

static void what_is_no_directory_holds_nothing(void **state)
{
	struct voice_dir other;
	char data_dir[200];

	(void)state;
	snprintf(data_dir, sizeof data_dir, "%s/other", folder);
	assert_int_equal(mkdir(data_dir, 0700), 0);
	folder_put("other/voice", "x", 1);
	voice_dir_open(&other, data_dir);
	assert_string_equal(other.path, "");
	assert_int_equal(voice_dir_save(&other, &keys[0], sound, sizeof sound), 0);
}

const struct CMUnitTest unit_tests[] = {
	TEST(a_file_that_cannot_be_opened_now_is_kept),
	TEST(what_is_no_directory_holds_nothing),
	TEST(what_was_saved_is_loaded),
	TEST(a_bad_file_is_gone_and_counted),
	TEST(those_not_used_for_longest_go),
	TEST(what_was_left_unfinished_goes),
	TEST(without_a_directory_nothing_is_kept),
	TEST(a_disk_that_refuses_is_told),
	{ .name = NULL },
};
