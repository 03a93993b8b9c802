/* What the process has of the system: how many open files calls need, and how many calls fit. */
#include "server/line/calls.h"
#include "server/process.h"
#include "server/web/server.h"
#include "tests/unit.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

ONE_THREAD;

static struct config settings(int max_calls)
{
	return (struct config){ .max_calls = max_calls,
		.max_watchers = 16,
		.tool_threads = 8,
		.job_threads = 4,
		.webhook_threads = 8,
		.data_dir = "" };
}

static void every_line_is_counted_with_its_bells_and_sockets(void **state)
{
	struct config one = settings(1), many = settings(81), kept = settings(81);
	uint64_t lines;

	(void)state;
	lines = calls_lines(&many) - calls_lines(&one);
	assert_int_equal(lines, 90); /* an eighth more than calls */
	/* Two bells, the phone, the model, and the model that comes next. */
	assert_int_equal(process_files_needed(&many, 7) - process_files_needed(&one, 7), lines * 5);
	kept.data_dir = "data";
	assert_int_equal(
	    process_files_needed(&kept, 0) - process_files_needed(&many, 0), calls_lines(&many) /* recordings */ + 16);
	assert_int_equal(process_files_needed(&many, 9), process_files_needed(&many, 0) + 9);
}

static void as_many_calls_as_fit(void **state)
{
	struct config cfg = settings(100), less = settings(42), none = settings(1);

	(void)state;
	assert_int_equal(process_calls_that_fit(&cfg, 4, process_files_needed(&cfg, 4)), 100);
	assert_int_equal(process_calls_that_fit(&cfg, 4, UINT64_MAX), 100);
	assert_int_equal(process_calls_that_fit(&cfg, 4, process_files_needed(&cfg, 4) - 1), 99);
	assert_int_equal(process_calls_that_fit(&cfg, 4, process_files_needed(&less, 4)), 42);
	assert_int_equal(process_calls_that_fit(&cfg, 4, process_files_needed(&none, 4)), 1);
	assert_int_equal(process_calls_that_fit(&cfg, 4, process_files_needed(&none, 4) - 1), 0);
	assert_int_equal(process_calls_that_fit(&cfg, 4, 0), 0);
}

/* In a process of its own, which has no right to raise a hard limit when the test is not root's. */
static int limited(rlim_t soft, rlim_t hard, bool try, int *max_calls, rlim_t *after)
{
	struct config cfg = settings(100);
	struct rlimit limit = { soft, hard };
	struct buf said;
	int err;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	buf_init(&said, 0);
	err = process_claim_files(&cfg, try, &said);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	*max_calls = cfg.max_calls;
	*after = limit.rlim_cur;
	assert_int_equal(said.len == 0, !err && cfg.max_calls == 100);
	buf_free(&said);
	return err;
}

static void the_soft_limit_is_raised_to_the_hard_one(void **state)
{
	int max_calls, status;
	rlim_t after;
	pid_t child;

	(void)state;
	child = fork();
	if (!child) {
		bool good = !limited(300, 5000, true, &max_calls, &after) && max_calls == 100 && after == 300;

		_exit(good && !limited(300, 5000, false, &max_calls, &after) && max_calls == 100 && after == 5000 ? 0
														  : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void memory_is_not_shown_unless_it_is_to_be(void **state)
{
	(void)state;
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	process_show_memory(false);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	process_show_memory(true);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
}

static void files_are_the_owners_whatever_the_umask_was(void **state)
{
	mode_t before = umask(0777), now;

	(void)state;
	process_keep_files_private();
	now = umask(before);
	assert_int_equal(now, 077);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_line_is_counted_with_its_bells_and_sockets),
	cmocka_unit_test(as_many_calls_as_fit),
	cmocka_unit_test(the_soft_limit_is_raised_to_the_hard_one),
	cmocka_unit_test(memory_is_not_shown_unless_it_is_to_be),
	cmocka_unit_test(files_are_the_owners_whatever_the_umask_was),
	{ 0 },
};
