#include "common/log_writer.h"

#include "common/log.h"
#include "tests/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_MOST = 1 << 20, PATIENCE_MS = 20000 };

/* Standard error is a pipe, which is read when the test likes. */
static int real_stderr, pipe_out;
static char text[READ_MOST];
static size_t text_len;

static int capture(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	real_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	pipe_out = ends[0];
	text_len = 0;
	log_setup(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	return 0;
}

static int release(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(pipe_out);
	return 0;
}

static void read_all(void)
{
	ssize_t got;

	while ((got = read(pipe_out, text + text_len, READ_MOST - 1 - text_len)) > 0)
		text_len += (size_t)got;
	text[text_len] = '\0';
}

static unsigned lines_read(void)
{
	unsigned lines = 0;

	read_all();
	for (size_t i = 0; i < text_len; i++)
		lines += text[i] == '\n';
	return lines;
}

static void lines_come_out_whole_and_in_order(void **state)
{
	char *line, *rest = NULL;
	char end[16];
	int n = 0;

	(void)state;
	assert_int_equal(log_writer_start(), 0);
	assert_int_equal(log_writer_start(), 0); /* it runs */
	for (int i = 0; i < 400; i++)
		log_info("t", "line %d", i);
	assert_true(log_writer_stop(PATIENCE_MS));
	read_all();
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		snprintf(end, sizeof end, "line %d", n++);
		assert_string_equal(line + strlen(line) - strlen(end), end);
	}
	assert_int_equal(n, 400);
}

/* The queue's bytes are used again and again, and no line falls apart at their end. */
static void queue_begins_anew_at_its_end(void **state)
{
	char line[1009];

	(void)state;
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\n';
	assert_int_equal(log_writer_start(), 0);
	for (unsigned i = 0; i < 600; i++) {
		while (!log_writer_put(line, sizeof line))
			read_all();
		read_all();
	}
	while (!log_writer_stop(1))
		read_all();
	assert_int_equal(lines_read(), 600);
	for (size_t i = 0; i < text_len; i++)
		assert_int_equal(text[i], i % sizeof line == sizeof line - 1 ? '\n' : 'x');
}

static void a_pipe_that_nobody_reads_holds_up_nobody(void **state)
{
	enum { LINES = 3000 };
	char message[1000];
	unsigned lost = 0, written;
	const char *told;

	(void)state;
	memset(message, 'x', sizeof message);
	message[sizeof message - 1] = '\0';
	assert_int_equal(log_writer_start(), 0);
	for (int i = 0; i < LINES; i++) /* ten times what pipe and queue hold */
		log_info("t", "%s", message);
	assert_false(log_writer_stop(20)); /* nor does the end wait for ever */
	while (!log_writer_stop(1))
		read_all();
	log_info("t", "after");
	written = lines_read() - 1;
	for (told = text; (told = strstr(told, "lost=")); written--)
		lost += (unsigned)strtoul(told += strlen("lost="), NULL, 10);
	assert_int_equal(written + lost, LINES);
	assert_true(written > 200 && lost > 2000);
}

static void *chatter(void *unused)
{
	for (int i = 0; i < 200; i++)
		log_info("thread", "says %d", i);
	return unused;
}

static void many_threads_have_their_lines_written(void **state)
{
	pthread_t threads[4];

	(void)state;
	assert_int_equal(log_writer_start(), 0);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, chatter, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	while (!log_writer_stop(1))
		read_all();
	assert_int_equal(lines_read(), 800);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, capture, release)

const struct CMUnitTest unit_tests[] = {
	CASE(lines_come_out_whole_and_in_order),
	CASE(queue_begins_anew_at_its_end),
	CASE(a_pipe_that_nobody_reads_holds_up_nobody),
	CASE(many_threads_have_their_lines_written),
	{ 0 },
};
