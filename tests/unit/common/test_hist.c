#include "common/hist.h"
#include "tests/unit.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static struct hist h;

static int fresh(void **state)
{
	(void)state;
	memset(&h, 0, sizeof h);
	return 0;
}

static void without_samples_every_quantile_is_zero(void **state)
{
	(void)state;
	assert_int_equal(hist_quantile_us(&h, 0.5), 0);
	assert_int_equal(hist_quantile_us(&h, 1), 0);
}

static void single_sample_is_every_quantile(void **state)
{
	(void)state;
	hist_add(&h, 123456);
	for (int i = 0; i <= 10; i++)
		assert_int_equal(hist_quantile_us(&h, i / 10.0), 123456);
}

static void no_value_is_told_smaller_or_a_sixteenth_larger(void **state)
{
	(void)state;
	for (int64_t us = 0; us < (int64_t)3600 * 1000000; us += us < 5000 ? 1 : us / 777) {
		uint64_t told;

		fresh(NULL);
		hist_add(&h, us);
		hist_add(&h, INT64_MAX); /* the largest does not hide the edge */
		told = hist_quantile_us(&h, 0.5);
		assert_true(told >= (uint64_t)us);
		assert_true(told <= (uint64_t)us + (uint64_t)us / 16);
	}
}

static void quantiles_of_a_ramp_are_where_they_belong(void **state)
{
	(void)state;
	for (int64_t us = 1; us <= 100000; us++)
		hist_add(&h, us);
	assert_int_equal(h.count, 100000);
	assert_in_range(hist_quantile_us(&h, 0.5), 50000, 53125);
	assert_in_range(hist_quantile_us(&h, 0.9), 90000, 95625);
	assert_in_range(hist_quantile_us(&h, 0.99), 99000, 100000);
	assert_int_equal(hist_quantile_us(&h, 1), 100000);
	assert_int_equal(hist_quantile_us(&h, 0), 1);
}

static void negative_and_endless_times_do_no_harm(void **state)
{
	(void)state;
	hist_add(&h, -5);
	assert_int_equal(hist_quantile_us(&h, 1), 0);
	hist_add(&h, INT64_MIN);
	hist_add(&h, INT64_MAX);
	assert_int_equal(h.count, 3);
	assert_true(hist_quantile_us(&h, 1) > 0);
	assert_int_equal(hist_quantile_us(&h, 0.6), 0);
}

static void *add_many(void *arg)
{
	int64_t base = *(const int64_t *)arg;

	for (int64_t i = 0; i < 50000; i++)
		hist_add(&h, base + i);
	return NULL;
}

static void samples_of_many_threads_are_all_counted(void **state)
{
	int64_t base[4] = { 0, 1000, 500000, 70000000 };
	pthread_t threads[4];
	uint64_t sum = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, &base[i]), 0);
	for (int i = 0; i < 1000; i++)
		assert_true(hist_quantile_us(&h, 0.5) < 80000000);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < HIST_BUCKETS; i++)
		sum += h.bucket[i];
	assert_int_equal(sum, 200000);
	assert_int_equal(h.count, 200000);
	assert_int_equal(hist_quantile_us(&h, 1), 70049999);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test_setup(without_samples_every_quantile_is_zero, fresh),
	cmocka_unit_test_setup(single_sample_is_every_quantile, fresh),
	cmocka_unit_test_setup(no_value_is_told_smaller_or_a_sixteenth_larger, fresh),
	cmocka_unit_test_setup(quantiles_of_a_ramp_are_where_they_belong, fresh),
	cmocka_unit_test_setup(negative_and_endless_times_do_no_harm, fresh),
	cmocka_unit_test_setup(samples_of_many_threads_are_all_counted, fresh),
	{ 0 },
};
