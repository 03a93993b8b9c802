#include "audio/g711.h"
#include "audio/level.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void nothing_and_silence_measure_the_floor(void **state)
{
	struct level l;
	int16_t silence[8] = { 0 };

	(void)state;
	level_init(&l);
	assert_true(level_rms_dbfs(&l) <= LEVEL_FLOOR_DBFS && level_peak_dbfs(&l) <= LEVEL_FLOOR_DBFS);
	level_add(&l, silence, 8);
	assert_true(level_rms_dbfs(&l) <= LEVEL_FLOOR_DBFS && level_peak_dbfs(&l) <= LEVEL_FLOOR_DBFS);
}

static void full_scale_is_zero(void **state)
{
	struct level l;
	int16_t most[2] = { -32768, -32768 };

	(void)state;
	level_init(&l);
	level_add(&l, most, 2);
	assert_true(fabs(level_rms_dbfs(&l)) < 1e-9);
	assert_true(fabs(level_peak_dbfs(&l)) < 1e-9);
}

static void a_sine_lies_three_db_below_its_peak(void **state)
{
	struct level l;
	int16_t sine[8000];

	(void)state;
	for (int i = 0; i < 8000; i++)
		sine[i] = (int16_t)lrint(16384 * sin(2 * M_PI * 1000.5 * i / 8000));
	level_init(&l);
	level_add(&l, sine, 3000); /* in two parts: it adds up */
	level_add(&l, sine + 3000, 5000);
	assert_true(fabs(level_peak_dbfs(&l) + 6.02) < 0.05);
	assert_true(fabs(level_rms_dbfs(&l) + 9.03) < 0.05);
}

static void mulaw_is_measured_as_what_it_stands_for(void **state)
{
	struct level l;
	uint8_t codes[3] = { 0x00, 0x80, 0xff };

	(void)state;
	level_init(&l);
	level_add_mulaw(&l, codes, 3);
	assert_true(fabs(level_peak_dbfs(&l) - 20 * log10(32124.0 / 32768)) < 1e-6);
	assert_true(fabs(level_rms_dbfs(&l) - 20 * log10(32124.0 / 32768 * sqrt(2.0 / 3))) < 1e-6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_and_silence_measure_the_floor),
		cmocka_unit_test(full_scale_is_zero),
		cmocka_unit_test(a_sine_lies_three_db_below_its_peak),
		cmocka_unit_test(mulaw_is_measured_as_what_it_stands_for),
	};

	return cmocka_run_group_tests_name("level", tests, NULL, NULL);
}
