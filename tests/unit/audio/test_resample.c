#include "audio/resample.h"
#include "tests/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { SECOND_24K = 24000, DELAY_MOST_MS = 4 };

static void tone(int16_t *out, size_t count, double hz, double rate, double amplitude)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (int16_t)lrint(amplitude * sin(2 * M_PI * hz * (double)i / rate));
}

/* Strength of one frequency, as the amplitude of its sine. */
static double amplitude_at(const int16_t *in, size_t count, double hz, double rate)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < count; i++) {
		re += in[i] * cos(2 * M_PI * hz * (double)i / rate);
		im += in[i] * sin(2 * M_PI * hz * (double)i / rate);
	}
	return 2 * sqrt(re * re + im * im) / (double)count;
}

static int16_t in[SECOND_24K], out[SECOND_24K + 8], other[SECOND_24K + 8];

/* A second of a tone from one rate to the other; what comes of it is in `out`. */
static void resample_tone(unsigned from, unsigned to, double hz)
{
	struct resampler *r;
	size_t got;

	assert_int_equal(resampler_open(&r, from, to), 0);
	tone(in, from, hz, from, 10000);
	got = resampler_run(r, in, from, out);
	assert_in_range(got, to - to / 1000 * DELAY_MOST_MS, to);
	resampler_close(r);
}

/* In the middle of that second, away from the filter's beginning. */
static double heard(unsigned rate, double hz)
{
	return amplitude_at(out + rate / 20, rate * 9 / 10, hz, rate);
}

static void a_tone_keeps_its_pitch_and_strength_upwards(void **state)
{
	(void)state;
	resample_tone(8000, 24000, 1000);
	assert_true(fabs(heard(24000, 1000) - 10000) < 100);
	/* Its image at 8 - 1 kHz would be heard as a whistle. */
	assert_true(heard(24000, 7000) < 10);
}

static void a_tone_keeps_its_pitch_and_strength_downwards(void **state)
{
	(void)state;
	resample_tone(24000, 8000, 1000);
	assert_true(fabs(heard(8000, 1000) - 10000) < 100);
}

static void what_8_khz_cannot_carry_does_not_fold_back(void **state)
{
	(void)state;
	resample_tone(24000, 8000, 6000);
	/* 6 kHz would appear at 8 - 6 = 2 kHz; -60 dB of it is 10. */
	assert_true(heard(8000, 2000) < 10);
}

static void pieces_give_what_the_whole_gives(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 160, 7, 480, 161, 1000 };
	struct resampler *whole, *pieces;
	size_t want, got = 0, turn = 0;

	(void)state;
	assert_int_equal(resampler_open(&whole, 24000, 8000), 0);
	assert_int_equal(resampler_open(&pieces, 24000, 8000), 0);
	srand(1);
	for (size_t i = 0; i < SECOND_24K; i++)
		in[i] = (int16_t)(rand() % 20000 - 10000);
	want = resampler_run(whole, in, SECOND_24K, out);
	for (size_t at = 0, n; at < SECOND_24K; at += n) {
		size_t made;

		n = sizes[turn++ % (sizeof sizes / sizeof *sizes)];
		if (n > SECOND_24K - at)
			n = SECOND_24K - at;
		made = resampler_run(pieces, in + at, n, other + got);
		assert_true(made <= resampler_max(pieces, n));
		got += made;
	}
	assert_int_equal(got, want);
	assert_memory_equal(out, other, want * sizeof *out);
	resampler_close(whole);
	resampler_close(pieces);
}

static void after_a_reset_it_answers_as_if_new(void **state)
{
	struct resampler *r;
	size_t first, again;

	(void)state;
	assert_int_equal(resampler_open(&r, 8000, 24000), 0);
	tone(in, 800, 700, 8000, 12000);
	first = resampler_run(r, in, 800, out);
	again = resampler_run(r, in, 800, other);
	assert_true(again != first || memcmp(out, other, first * sizeof *out) != 0);
	resampler_reset(r);
	again = resampler_run(r, in, 800, other);
	assert_int_equal(again, first);
	assert_memory_equal(out, other, first * sizeof *out);
	resampler_close(r);
}

static void what_is_held_comes_out_behind_so_much_silence(void **state)
{
	struct resampler *r;
	int16_t silence[256] = { 0 };
	size_t got;

	(void)state;
	assert_int_equal(resampler_open(&r, 24000, 8000), 0);
	assert_in_range(resampler_held(r), 1, 24 * DELAY_MOST_MS);
	tone(in, 2400, 500, 24000, 12000);
	got = resampler_run(r, in, 2400, out);
	got += resampler_run(r, silence, resampler_held(r), out + got);
	assert_in_range(got, 800, 801);
	resampler_close(r);
}

static void output_lines_up_with_input(void **state)
{
	struct resampler *r;
	size_t got, loudest = 0;

	(void)state;
	assert_int_equal(resampler_open(&r, 24000, 8000), 0);
	memset(in, 0, sizeof in);
	in[1200] = in[1201] = in[1199] = 30000;
	got = resampler_run(r, in, 2400, out);
	for (size_t i = 0; i < got; i++)
		if (out[i] > out[loudest])
			loudest = i;
	assert_int_equal(loudest, 400);
	resampler_close(r);
}

static void impossible_rates_are_refused(void **state)
{
	struct resampler *r;

	(void)state;
	assert_true(resampler_open(&r, 0, 8000) < 0);
	assert_null(r);
	resampler_close(NULL);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_tone_keeps_its_pitch_and_strength_upwards),
	cmocka_unit_test(a_tone_keeps_its_pitch_and_strength_downwards),
	cmocka_unit_test(what_8_khz_cannot_carry_does_not_fold_back),
	cmocka_unit_test(pieces_give_what_the_whole_gives),
	cmocka_unit_test(after_a_reset_it_answers_as_if_new),
	cmocka_unit_test(what_is_held_comes_out_behind_so_much_silence),
	cmocka_unit_test(output_lines_up_with_input),
	cmocka_unit_test(impossible_rates_are_refused),
	{ 0 },
};
