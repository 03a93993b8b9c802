#include "audio/convert.h"
#include "audio/g711.h"
#include "tests/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { SECOND = 8000, MODEL_SECOND = 48000 };

static uint8_t caller[SECOND], model[MODEL_SECOND + 1024], back[SECOND + 1024], again[MODEL_SECOND + 1024];

static void speak(uint8_t *mulaw, size_t count, double hz)
{
	for (size_t i = 0; i < count; i++)
		mulaw[i] = mulaw_encode((int16_t)lrint(9000 * sin(2 * M_PI * hz * (double)i / SECOND)));
}

static void mulaw_passes_untouched(void **state)
{
	struct converter *c;
	uint8_t all[256], out[256];

	(void)state;
	assert_int_equal(converter_open(&c, AUDIO_PCMU), 0);
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	assert_int_equal(converter_to_caller_max(c, 256), 256);
	assert_int_equal(converter_to_model(c, all, 256, out), 256);
	assert_memory_equal(all, out, 256);
	memset(out, 0, sizeof out);
	assert_int_equal(converter_to_caller(c, all, 256, out), 256);
	assert_memory_equal(all, out, 256);
	assert_int_equal(converter_finish_to_caller(c, out), 0);
	converter_close(c);
}

/* Both codes are about as fine: going there and back loses at most a step. */
static void alaw_is_one_byte_a_sample_and_near(void **state)
{
	struct converter *c;

	(void)state;
	assert_int_equal(converter_open(&c, AUDIO_PCMA), 0);
	for (int i = 0; i < 256; i++) {
		uint8_t mulaw = (uint8_t)i, alaw, mulaw2;
		int before = mulaw_decode(mulaw), after;

		assert_int_equal(converter_to_model(c, &mulaw, 1, &alaw), 1);
		assert_int_equal(alaw, alaw_encode(mulaw_decode(mulaw)));
		assert_int_equal(converter_to_caller(c, &alaw, 1, &mulaw2), 1);
		after = mulaw_decode(mulaw2);
		assert_true(abs(after - before) <= 8 + abs(before) / 16);
	}
	converter_close(c);
}

static void silence_stays_silence(void **state)
{
	static const enum audio_format formats[] = { AUDIO_PCMU, AUDIO_PCMA, AUDIO_PCM };

	(void)state;
	for (size_t f = 0; f < 3; f++) {
		struct converter *c;
		size_t n;

		assert_int_equal(converter_open(&c, formats[f]), 0);
		memset(caller, MULAW_SILENCE, 1600);
		n = converter_to_model(c, caller, 1600, model);
		n = converter_to_caller(c, model, n, back);
		for (size_t i = 0; i < n; i++)
			assert_in_range(mulaw_decode(back[i]) + 8, 0, 16);
		converter_close(c);
	}
}

static void pcm_is_little_endian_at_24_khz(void **state)
{
	struct converter *c;
	size_t n, at = 2 * 24 * 100;

	(void)state;
	assert_int_equal(converter_open(&c, AUDIO_PCM), 0);
	memset(caller, mulaw_encode(1000), 1600);
	n = converter_to_model(c, caller, 1600, model);
	assert_in_range(n, 2 * (4800 - 24 * 4), 2 * 4800);
	/* A constant, well after the filter has settled. */
	assert_in_range((int16_t)(model[at] | model[at + 1] << 8), 980, 1020);
	converter_close(c);
}

static void a_voice_survives_the_way_to_24_khz_and_back(void **state)
{
	struct converter *c;
	size_t n, got, delay;
	double noise = 1e30, voice = 0;

	(void)state;
	assert_int_equal(converter_open(&c, AUDIO_PCM), 0);
	speak(caller, SECOND, 440);
	n = converter_to_model(c, caller, SECOND, model);
	assert_true(n <= CONVERT_TO_MODEL_MAX(SECOND));
	got = converter_to_caller(c, model, n, back);
	assert_in_range(got, SECOND - 64, SECOND);
	for (size_t i = 800; i < 7200; i++)
		voice += pow(mulaw_decode(caller[i]), 2);
	/* Two filters: find the delay at which it fits best. */
	for (delay = 0; delay < 64; delay++) {
		double sum = 0;

		for (size_t i = 800; i < 7200; i++)
			sum += pow(mulaw_decode(back[i]) - mulaw_decode(caller[i + delay]), 2);
		if (sum < noise)
			noise = sum;
	}
	assert_true(10 * log10(voice / noise) > 25); /* mu-law alone leaves about 35 dB */
	converter_close(c);
}

/* The model's deltas end where they like, also in the middle of a sample. */
static void pieces_cut_anywhere_give_what_the_whole_gives(void **state)
{
	struct converter *whole, *pieces;
	size_t n, want, got = 0, at = 0;

	(void)state;
	assert_int_equal(converter_open(&whole, AUDIO_PCM), 0);
	assert_int_equal(converter_open(&pieces, AUDIO_PCM), 0);
	speak(caller, SECOND, 440);
	n = converter_to_model(whole, caller, SECOND, model);
	want = converter_to_caller(whole, model, n, back);
	srand(7);
	while (at < n) {
		size_t len = (size_t)rand() % 1300, made;

		if (len > n - at)
			len = n - at;
		made = converter_to_caller(pieces, model + at, len, again + got);
		assert_true(made <= converter_to_caller_max(pieces, len));
		got += made;
		at += len;
	}
	assert_int_equal(got, want);
	assert_memory_equal(back, again, want);
	converter_close(whole);
	converter_close(pieces);
}

static void one_byte_at_a_time_works_too(void **state)
{
	struct converter *c;
	size_t n, got = 0;
	uint8_t one[8];

	(void)state;
	assert_int_equal(converter_open(&c, AUDIO_PCM), 0);
	speak(caller, 800, 440);
	n = converter_to_model(c, caller, 800, model);
	for (size_t i = 0; i < n; i++) {
		assert_true(converter_to_caller_max(c, 1) <= sizeof one);
		got += converter_to_caller(c, model + i, 1, one);
	}
	assert_in_range(got, 800 - 64, 800);
	converter_close(c);
}

/* As to a session that follows a lost one: nothing of what that one was told is in it. */
static void the_way_to_the_model_starts_afresh_when_told_to(void **state)
{
	struct converter *c;
	size_t first, second;

	(void)state;
	assert_int_equal(converter_open(&c, AUDIO_PCM), 0);
	speak(caller, 800, 440);
	first = converter_to_model(c, caller, 800, model);
	converter_reset_to_model(c);
	second = converter_to_model(c, caller, 800, again);
	assert_int_equal(second, first);
	assert_memory_equal(again, model, first);
	converter_close(c);
	assert_int_equal(converter_open(&c, AUDIO_PCMA), 0);
	converter_reset_to_model(c); /* it has no past */
	converter_close(c);
}

static void bounds_hold_for_every_length(void **state)
{
	struct converter *c;

	(void)state;
	assert_int_equal(converter_open(&c, AUDIO_PCM), 0);
	memset(model, 0, sizeof model);
	memset(caller, MULAW_SILENCE, sizeof caller);
	for (size_t len = 0; len < 2000; len += 7) {
		uint8_t *out = malloc(CONVERT_TO_MODEL_MAX(len));

		assert_true(converter_to_model(c, caller, len, out) <= CONVERT_TO_MODEL_MAX(len));
		free(out);
		out = malloc(converter_to_caller_max(c, len) + 1);
		assert_true(converter_to_caller(c, model, len, out) <= converter_to_caller_max(c, len));
		free(out);
	}
	converter_close(c);
}

/* After a cut, half a sample of the old answer must not shift the next one. */
static void a_reset_forgets_half_a_sample_and_the_filter(void **state)
{
	struct converter *c;
	size_t n, want, got;

	(void)state;
	assert_int_equal(converter_open(&c, AUDIO_PCM), 0);
	speak(caller, 1600, 440);
	n = converter_to_model(c, caller, 1600, model);
	want = converter_to_caller(c, model, n, back);
	converter_to_caller(c, model, 1001, again);
	converter_reset_to_caller(c);
	got = converter_to_caller(c, model, n, again);
	assert_int_equal(got, want);
	assert_memory_equal(back, again, want);
	converter_close(c);
}

static void finishing_brings_out_the_rest(void **state)
{
	struct converter *c;
	size_t got, tail;
	int loudest = 0;

	(void)state;
	assert_int_equal(converter_open(&c, AUDIO_PCM), 0);
	/* 100 ms of silence whose last millisecond is a click. */
	memset(model, 0, 4800);
	for (size_t i = 4752; i < 4800; i += 2) {
		model[i] = 0x00;
		model[i + 1] = 0x30;
	}
	got = converter_to_caller(c, model, 4800, back);
	tail = converter_finish_to_caller(c, back + got);
	assert_true(tail > 0 && tail <= CONVERT_TAIL_MAX);
	assert_in_range(got + tail, 800, 801);
	for (size_t i = got; i < got + tail; i++)
		if (abs(mulaw_decode(back[i])) > loudest)
			loudest = abs(mulaw_decode(back[i]));
	assert_true(loudest > 6000);
	/* And the next item starts clean. */
	memset(model, 0, 4800);
	got = converter_to_caller(c, model, 4800, back);
	for (size_t i = 0; i < got; i++)
		assert_int_equal(mulaw_decode(back[i]), 0);
	converter_close(c);
}

static void bytes_and_time(void **state)
{
	(void)state;
	assert_int_equal(convert_bytes_to_ms(AUDIO_PCMU, 8007), 1000);
	assert_int_equal(convert_bytes_to_ms(AUDIO_PCMA, 8), 1);
	assert_int_equal(convert_bytes_to_ms(AUDIO_PCM, 48047), 1000);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(mulaw_passes_untouched),
	cmocka_unit_test(alaw_is_one_byte_a_sample_and_near),
	cmocka_unit_test(silence_stays_silence),
	cmocka_unit_test(pcm_is_little_endian_at_24_khz),
	cmocka_unit_test(a_voice_survives_the_way_to_24_khz_and_back),
	cmocka_unit_test(pieces_cut_anywhere_give_what_the_whole_gives),
	cmocka_unit_test(one_byte_at_a_time_works_too),
	cmocka_unit_test(the_way_to_the_model_starts_afresh_when_told_to),
	cmocka_unit_test(bounds_hold_for_every_length),
	cmocka_unit_test(a_reset_forgets_half_a_sample_and_the_filter),
	cmocka_unit_test(finishing_brings_out_the_rest),
	cmocka_unit_test(bytes_and_time),
	{ 0 },
};
