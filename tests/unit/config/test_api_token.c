#include "server/config/api_token.h"
#include "tests/unit.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ONE_THREAD;

static struct config cfg;
static struct buf said;
static char dir[64], path[128];

static void forget(void)
{
	buf_reset(&said);
	cfg = (struct config){ .api_token = "",
		.api_read_token = "",
		.api_jwt_secret = "",
		.data_dir = dir,
		.public_url = "",
		.listen = "0.0.0.0" };
}

static int prepare(void **state)
{
	(void)state;
	buf_init(&said, 0);
	snprintf(dir, sizeof dir, "build/tmp/api-token-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/api-token", dir);
	forget();
	return 0;
}

static int clean(void **state)
{
	(void)state;
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* nothing else is left in it */
	buf_free(&said);
	return 0;
}

static void put(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static mode_t mode_of(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static const char *printed(void)
{
	buf_reset(&said);
	api_token_print(&cfg, 8080, &said);
	return buf_text(&said);
}

static void first_start_makes_one_for_all_others(void **state)
{
	char token[API_TOKEN_SIZE];

	(void)state;
	umask(0);
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_int_equal(strspn(cfg.api_token, "0123456789abcdef"), 64);
	assert_int_equal(strlen(cfg.api_token), 64);
	assert_int_equal(mode_of(), 0600);
	assert_non_null(strstr(printed(), "/api-token)\" http://127.0.0.1:8080/status\n"));
	assert_null(strstr(printed(), cfg.api_token));
	snprintf(token, sizeof token, "%s", cfg.api_token);
	api_token_close(&cfg);
	assert_string_equal(cfg.api_token, "");
	assert_string_equal(cfg.made_api_token, "");
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_string_equal(cfg.api_token, token);
}

static void two_first_starts_make_two(void **state)
{
	char token[API_TOKEN_SIZE];

	(void)state;
	assert_int_equal(api_token_open(&cfg, &said), 0);
	snprintf(token, sizeof token, "%s", cfg.api_token);
	unlink(path);
	forget();
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_string_not_equal(cfg.api_token, token);
}

static void what_is_configured_needs_none(void **state)
{
	(void)state;
	cfg.api_token = "0123456789abcdef";
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_string_equal(cfg.api_token, "0123456789abcdef");
	assert_string_equal(printed(), "");
	api_token_close(&cfg);
	assert_string_equal(cfg.api_token, "0123456789abcdef");
	forget();
	cfg.api_jwt_secret = "0123456789abcdef0123456789abcdef";
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_string_equal(cfg.api_token, "");
	assert_string_equal(printed(), "");
	assert_int_equal(access(path, F_OK), -1);
}

static void token_for_reading_alone_does_not_replace_it(void **state)
{
	(void)state;
	cfg.api_read_token = "0123456789abcdef";
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_int_equal(strlen(cfg.api_token), 64);
}

static void made_for_this_run_in(const char *data_dir)
{
	cfg.data_dir = data_dir;
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_int_equal(strlen(cfg.api_token), 64);
	assert_non_null(strstr(printed(), cfg.api_token));
}

static void without_a_directory_it_is_printed_once(void **state)
{
	(void)state;
	made_for_this_run_in("");
	assert_non_null(strstr(printed(), "for this run"));
}

static void own_token_in_the_file_is_taken(void **state)
{
	(void)state;
	put(" my-own-token-of-0123456789 \r\n", 0600);
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_string_equal(cfg.api_token, "my-own-token-of-0123456789");
}

static void file_that_is_open_to_others_is_closed(void **state)
{
	static const mode_t modes[] = { 0644, 0640, 0604, 0602, 0677 };

	(void)state;
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		forget();
		put("my-own-token-of-0123456789\n", modes[i]);
		assert_int_equal(api_token_open(&cfg, &said), 0);
		assert_int_equal(mode_of(), 0600);
		assert_string_equal(cfg.api_token, "my-own-token-of-0123456789");
	}
}

/* Whoever may write to the directory would otherwise choose our token. */
static void file_of_another_user_stops_the_start(void **state)
{
	char token[API_TOKEN_SIZE];

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can give a file away */
	put("another-ones-token-0123456789\n", 0600);
	assert_int_equal(chown(path, 4242, 4242), 0);
	assert_int_equal(api_token_open(&cfg, &said), -EPERM);
	assert_string_equal(cfg.api_token, "");
	assert_non_null(strstr(buf_text(&said), "another user (4242)"));
	buf_reset(&said);
	assert_int_equal(api_token_check(&cfg, &said), -EPERM);
	assert_non_null(strstr(buf_text(&said), "another user (4242)"));
	assert_int_equal(api_token_read(&cfg, token, &said), 0);
}

static void empty_file_is_filled(void **state)
{
	(void)state;
	put("\n", 0600);
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_int_equal(strlen(cfg.api_token), 64);
	assert_int_equal(mode_of(), 0600);
	assert_true(cfg.api_token_kept);
}

static void file_that_holds_something_else_stops_the_start(void **state)
{
	static const char *const texts[] = { "secret\n", "0123456789abcde", "two words of 20 letters",
		"\xc3\xa9t\xc3\xa9-0123456789ab", "\"0123456789abcdef\"" };
	char *longest = calloc(1, 2000);

	(void)state;
	assert_non_null(longest);
	memset(longest, 'x', 1999);
	for (size_t i = 0; i <= sizeof texts / sizeof *texts; i++) {
		forget();
		put(i < sizeof texts / sizeof *texts ? texts[i] : longest, 0600);
		assert_true(api_token_open(&cfg, &said) < 0);
		assert_string_equal(cfg.api_token, "");
		assert_non_null(strstr(buf_text(&said), path));
		assert_non_null(strstr(buf_text(&said), "the next start makes a new one"));
		assert_null(strstr(buf_text(&said), "secret"));
	}
	free(longest);
}

static void what_is_no_file_stops_the_start(void **state)
{
	(void)state;
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_true(api_token_open(&cfg, &said) < 0);
	assert_non_null(strstr(buf_text(&said), "no plain file"));
	unlink(path);
	forget();
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(api_token_open(&cfg, &said) < 0);
	assert_non_null(strstr(buf_text(&said), "no plain file"));
}

static void token_that_cannot_be_kept_holds_for_this_run(void **state)
{
	(void)state;
	made_for_this_run_in("build/tmp/not/there");
}

static void command_is_one_for_a_shell(void **state)
{
	(void)state;
	cfg.api_token = cfg.made_api_token;
	cfg.api_token_kept = true;
	cfg.public_url = "https://phone.example.com";
	cfg.data_dir = "/srv/my data";
	assert_non_null(strstr(printed(),
	    "curl -H \"Authorization: Bearer $(cat '/srv/my data/api-token')\" https://phone.example.com/status\n"));
	assert_non_null(strstr(printed(), "docker exec CONTAINER cat '/srv/my data/api-token'"));
	cfg.data_dir = "it's";
	assert_non_null(strstr(printed(), "$(cat 'it'\\''s/api-token')"));
	cfg.data_dir = "data";
	assert_non_null(strstr(printed(), "$(cat data/api-token)"));
	assert_null(strstr(printed(), "docker")); /* an image's DATA_DIR is absolute */
}

static void clients_read(const char *wanted)
{
	char token[API_TOKEN_SIZE];

	assert_int_equal(api_token_read(&cfg, token, &said), 0);
	assert_string_equal(token, wanted);
}

static void clients_read_what_the_server_takes(void **state)
{
	char token[API_TOKEN_SIZE];

	(void)state;
	assert_int_equal(api_token_read(&cfg, token, &said), -ENOENT);
	assert_non_null(strstr(buf_text(&said), "the first start"));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(api_token_open(&cfg, &said), 0);
	assert_int_equal(chmod(path, 0644), 0);
	cfg.api_token = "";
	clients_read(cfg.made_api_token);
	assert_int_equal(mode_of(), 0644); /* mended by the server */
	cfg.api_token = "0123456789abcdef";
	clients_read("0123456789abcdef");
	forget();
	cfg.api_jwt_secret = "0123456789abcdef0123456789abcdef";
	assert_int_equal(api_token_read(&cfg, token, &said), -ENOENT);
	cfg.api_read_token = "0123456789abcdeg";
	clients_read("0123456789abcdeg");
	forget();
	cfg.data_dir = "";
	assert_int_equal(api_token_read(&cfg, token, &said), -ENOENT);
	assert_non_null(strstr(buf_text(&said), "API_TOKEN"));
	forget();
	put("", 0600);
	assert_int_equal(api_token_read(&cfg, token, &said), -ENOENT);
	put("short", 0600);
	assert_int_equal(api_token_read(&cfg, token, &said), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, clean)

const struct CMUnitTest unit_tests[] = {
	TEST(first_start_makes_one_for_all_others),
	TEST(two_first_starts_make_two),
	TEST(what_is_configured_needs_none),
	TEST(token_for_reading_alone_does_not_replace_it),
	TEST(without_a_directory_it_is_printed_once),
	TEST(own_token_in_the_file_is_taken),
	TEST(file_that_is_open_to_others_is_closed),
	TEST(file_of_another_user_stops_the_start),
	TEST(empty_file_is_filled),
	TEST(file_that_holds_something_else_stops_the_start),
	TEST(what_is_no_file_stops_the_start),
	TEST(token_that_cannot_be_kept_holds_for_this_run),
	TEST(command_is_one_for_a_shell),
	TEST(clients_read_what_the_server_takes),
	{ 0 },
};
