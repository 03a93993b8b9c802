#include "common/log.h"

#include "common/json.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Standard error goes to a pipe while a line is written. */
static int real_stderr, pipe_out;

static void capture(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	real_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	pipe_out = ends[0];
}

/* All that was written; to be freed. */
static char *release(void)
{
	enum { MOST = 4 << 20 };
	char *text = malloc(MOST);
	size_t len = 0;
	ssize_t got;

	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	while ((got = read(pipe_out, text + len, MOST - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	close(pipe_out);
	return text;
}

static char *logged(enum log_format format, const char *tag, const char *message)
{
	log_setup(format, LOG_LEVEL_INFO);
	capture();
	log_info(tag, "%s", message);
	return release();
}

static void a_line_is_time_level_tag_and_message(void **state)
{
	char *line = logged(LOG_FORMAT_TEXT, "CA3f9a1b", "call ended: caller hung up; seconds=74.3");

	(void)state;
	assert_int_equal(strlen(line), strlen("2026-11-20T10:15:30.123Z info CA3f9a1b call ended: caller hung up; "
					      "seconds=74.3\n"));
	assert_int_equal(line[10], 'T');
	assert_int_equal(line[23], 'Z');
	assert_string_equal(line + 24, " info CA3f9a1b call ended: caller hung up; seconds=74.3\n");
	free(line);
}

static void nobody_outside_can_forge_a_line(void **state)
{
	static const char *const evil[] = {
		"x\n2026-01-01T00:00:00.000Z error http forged",
		"x\r\nforged",
		"x\x1b[2Jforged",
		"x\x0b\x0c\x7f",
		"x\xc2\x85next line\xc2\x9b"
		"2J", /* NEL and CSI of Latin-1 */
		"x\xe2\x80\xa8line\xe2\x80\xa9paragraph",
		"x\xff\xfe\x9b"
		"2J",
	};

	(void)state;
	for (size_t i = 0; i < sizeof evil / sizeof evil[0]; i++) {
		for (int where = 0; where < 2; where++) {
			char *line = logged(LOG_FORMAT_TEXT, where ? evil[i] : "tag", where ? "message" : evil[i]);

			assert_int_equal(lines_of(line), 1);
			assert_true(utf8_valid(line, strlen(line)));
			for (const char *p = line; p[1]; p++)
				assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
			assert_null(strstr(line, "\xc2\x85"));
			assert_null(strstr(line, "\xc2\x9b"));
			assert_null(strstr(line, "\xe2\x80\xa8"));
			assert_null(strstr(line, "\xe2\x80\xa9"));
			free(line);
		}
	}
}

static void text_of_people_stays_as_it_is(void **state)
{
	char *line = logged(LOG_FORMAT_TEXT, "tag", "grüße … €5 😀 \xc2\xa0");

	(void)state;
	assert_non_null(strstr(line, "tag grüße … €5 😀 \xc2\xa0\n"));
	free(line);
}

static void json_lines_are_json(void **state)
{
	static const char *const messages[] = { "plain", "\"quoted\" and \\back\\slashed", "two\nlines", "grüße \xff",
		"", "{\"level\":\"error\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
		char *line = logged(LOG_FORMAT_JSON, "CA\"1", messages[i]);
		cJSON *o = json_parse(line, strlen(line) - 1);

		assert_int_equal(lines_of(line), 1);
		assert_non_null(o);
		assert_int_equal(strlen(json_str(o, "time")), 24);
		assert_string_equal(json_str(o, "level"), "info");
		assert_string_equal(json_str(o, "tag"), "CA\"1");
		assert_non_null(json_str(o, "message"));
		if (i < 2)
			assert_string_equal(json_str(o, "message"), messages[i]);
		assert_int_equal(cJSON_GetArraySize(o), 4);
		cJSON_Delete(o);
		free(line);
	}
}

static void a_long_message_is_cut_and_still_one_write(void **state)
{
	char *message = malloc(100001);

	(void)state;
	memset(message, '"', 100000); /* each becomes two in JSON */
	message[100000] = '\0';
	for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
		char *line = logged((enum log_format)format, message, message);

		assert_true(strlen(line) <= 4096);
		assert_int_equal(lines_of(line), 1);
		assert_non_null(strstr(line, "…"));
		free(line);
	}
	free(message);
}

static void a_cut_does_not_halve_a_character(void **state)
{
	char message[4001];

	(void)state;
	for (int shift = 0; shift < 4; shift++) {
		char *line;

		memset(message, 'a', sizeof message);
		for (int i = shift; i + 4 < 4000; i += 4)
			memcpy(message + i, "😀", 4);
		message[4000] = '\0';
		line = logged(LOG_FORMAT_TEXT, "tag", message);
		assert_null(strchr(strstr(line, "tag"), '?'));
		assert_true(utf8_valid(line, strlen(line)));
		free(line);
	}
}

/* Ends the capture. */
static void released_two(const char *one, const char *other)
{
	char *text = release();

	assert_int_equal(lines_of(text), 2);
	assert_non_null(strstr(text, one));
	assert_non_null(strstr(text, other));
	free(text);
}

static void only_the_levels_asked_for_are_written(void **state)
{
	(void)state;
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_WARN);
	capture();
	log_error("t", "one");
	log_warn("t", "two");
	log_info("t", "three");
	log_debug("t", "four");
	released_two("error t one\n", "warn t two\n");
}

static void a_reader_that_stopped_costs_lines_and_not_time(void **state)
{
	char *text;
	char message[1000];

	(void)state;
	memset(message, 'x', sizeof message);
	message[sizeof message - 1] = '\0';
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	capture();
	for (int i = 0; i < 1000; i++) /* far more than a pipe holds; would block */
		log_info("t", "%s", message);
	text = malloc(1 << 20);
	assert_true(read(pipe_out, text, 1 << 20) > 0);
	free(text);
	log_info("t", "after");
	released_two("warn log log lines lost=", "info t after\n");
}

static void *chatter(void *arg)
{
	for (int i = 0; i < 40; i++)
		log_info("thread", "%s says %d and that is all there is to say", (const char *)arg, i);
	return NULL;
}

static void lines_of_two_threads_do_not_mix(void **state)
{
	static const char last[] = "and that is all there is to say";
	pthread_t one, other;
	char *text, *line, *save;

	(void)state;
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	capture();
	pthread_create(&one, NULL, chatter, "one");
	pthread_create(&other, NULL, chatter, "other");
	pthread_join(one, NULL);
	pthread_join(other, NULL);
	text = release();
	assert_int_equal(lines_of(text), 80);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		assert_int_equal(line[10], 'T');
		assert_string_equal(line + strlen(line) - strlen(last), last);
	}
	free(text);
}

static void a_text_is_logged_a_line_each(void **state)
{
	(void)state;
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	capture();
	log_text(LOG_LEVEL_WARN, "setup", "PORT is \"x\".\nTZ is 100 %s.\n");
	log_text(LOG_LEVEL_WARN, "setup", "");
	released_two(" warn setup PORT is \"x\".\n", " warn setup TZ is 100 %s.\n");
}

static void numbers_are_shortened(void **state)
{
	char out[16];

	(void)state;
	assert_string_equal(log_number("+12025550123", out), "+120…23");
	assert_string_equal(log_number("+4930123456789012345", out), "+493…45");
	assert_string_equal(log_number("+1234567", out), "…");
	assert_string_equal(log_number("", out), "…");
	assert_string_equal(log_number(NULL, out), "…");
	assert_string_equal(log_number("client:alice@example.com", out), "clie…om");
}

enum { LONG_US = 1800 * US_PER_S };

static void first_is_told_and_the_rest_are_counted(void **state)
{
	struct log_kind kind = { 0 };
	unsigned more = 99;

	(void)state;
	assert_true(log_due(&kind, LONG_US, &more));
	assert_int_equal(more, 0);
	for (int i = 0; i < 500; i++)
		assert_false(log_due(&kind, LONG_US, &more));
	atomic_store(&kind.next_us, clock_now_us());
	assert_true(log_due(&kind, LONG_US, &more));
	assert_int_equal(more, 500);
	assert_false(log_due(&kind, LONG_US, &more));
}

static void kinds_do_not_hide_each_other(void **state)
{
	struct log_kind one = { 0 }, other = { 0 };
	unsigned more;

	(void)state;
	assert_true(log_due(&one, LONG_US, &more));
	assert_true(log_due(&other, LONG_US, &more));
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_line_is_time_level_tag_and_message),
	cmocka_unit_test(nobody_outside_can_forge_a_line),
	cmocka_unit_test(text_of_people_stays_as_it_is),
	cmocka_unit_test(json_lines_are_json),
	cmocka_unit_test(a_long_message_is_cut_and_still_one_write),
	cmocka_unit_test(a_cut_does_not_halve_a_character),
	cmocka_unit_test(only_the_levels_asked_for_are_written),
	cmocka_unit_test(a_reader_that_stopped_costs_lines_and_not_time),
	cmocka_unit_test(lines_of_two_threads_do_not_mix),
	cmocka_unit_test(a_text_is_logged_a_line_each),
	cmocka_unit_test(numbers_are_shortened),
	cmocka_unit_test(first_is_told_and_the_rest_are_counted),
	cmocka_unit_test(kinds_do_not_hide_each_other),
	{ 0 },
};
