#include "server/stats/stats.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct seen {
	size_t pairs;
	uint64_t count, other;
	char first[64], last[64];
};

static void look(void *arg, const char *error_class, const char *code, uint64_t count)
{
	struct seen *s = arg;

	if (!s->pairs++)
		snprintf(s->first, sizeof s->first, "%s", code);
	snprintf(s->last, sizeof s->last, "%s", code);
	s->count += count;
	if (!strcmp(error_class, "other") && !strcmp(code, "other"))
		s->other += count;
}

static struct seen seen(void)
{
	struct seen s = { 0 };

	stat_model_errors(look, &s);
	return s;
}

/* The table lives as long as the process: these cases build on each other. */
static void errors_are_counted_by_class_and_code(void **state)
{
	struct seen s;

	(void)state;
	assert_int_equal(seen().pairs, 0);
	stat_model_error("fatal", "insufficient_quota");
	stat_model_error("retry", "server_error");
	stat_model_error("fatal", "insufficient_quota");
	stat_model_error("retry", "insufficient_quota");
	s = seen();
	assert_int_equal(s.pairs, 3);
	assert_int_equal(s.count, 4);
	assert_string_equal(s.first, "insufficient_quota");
}

static void code_too_long_is_the_same_pair_each_time(void **state)
{
	char code[200];
	size_t before = seen().pairs;

	(void)state;
	memset(code, 'c', sizeof code - 1);
	code[sizeof code - 1] = '\0';
	for (int i = 0; i < 3; i++)
		stat_model_error("harmless", code);
	assert_int_equal(seen().pairs, before + 1);
}

static void more_than_fit_are_counted_together(void **state)
{
	struct seen before = seen(), s;

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 100; i++) {
			char code[24];

			snprintf(code, sizeof code, "code_%d", i);
			stat_model_error("harmless", code);
		}
	s = seen();
	assert_int_equal(s.pairs, STAT_ERRORS_MAX);
	assert_int_equal(s.count, before.count + 200);
	assert_string_equal(s.last, "other");
	/* All but the last place are for pairs of their own. */
	assert_int_equal(s.other, 200 - 2 * (STAT_ERRORS_MAX - 1 - before.pairs));
	stat_model_error("fatal", "insufficient_quota"); /* still told apart */
	assert_int_equal(seen().other, s.other);
}

static void *count_many(void *arg)
{
	(void)arg;
	for (int i = 0; i < 20000; i++) {
		stat_add(turns_answers, 1);
		hist_add(&stats.answer_after_event, i);
		if (i % 100 == 0)
			stat_model_error("retry", "server_error");
	}
	return NULL;
}

static void threads_lose_no_count(void **state)
{
	uint64_t before = seen().count;
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(stat_get(turns_answers), 80000);
	assert_int_equal(stats.answer_after_event.count, 80000);
	assert_int_equal(seen().count, before + 800);
}

static void nothing_was_measured_before_it_was(void **state)
{
	(void)state;
	assert_int_equal(stats.last_connect_ms, -1);
	for (int i = 0; i < CALL_END_COUNT; i++)
		assert_int_equal(stats.ended[i], 0);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(nothing_was_measured_before_it_was),
	cmocka_unit_test(errors_are_counted_by_class_and_code),
	cmocka_unit_test(code_too_long_is_the_same_pair_each_time),
	cmocka_unit_test(more_than_fit_are_counted_together),
	cmocka_unit_test(threads_lose_no_count),
	{ 0 },
};
