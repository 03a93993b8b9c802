#include "audio/g711.h"
#include "audio/wav.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Puts a file together, chunk by chunk. */
static uint8_t file[4096];
static size_t len;

static void put(const void *bytes, size_t n)
{
	memcpy(file + len, bytes, n);
	len += n;
}

static void put32(uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	put(b, 4);
}

static void put16(unsigned v)
{
	uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	put(b, 2);
}

static void begin(void)
{
	len = 0;
	put("RIFF\0\0\0\0WAVE", 12);
}

static void put_format(unsigned code, unsigned channels, uint32_t rate, unsigned bits)
{
	put("fmt ", 4);
	put32(16);
	put16(code);
	put16(channels);
	put32(rate);
	put32(rate * channels * bits / 8);
	put16(channels * bits / 8);
	put16(bits);
}

static void put_data(const void *bytes, size_t n, uint32_t announced)
{
	put("data", 4);
	put32(announced);
	put(bytes, n);
}

static struct wav wav;

/* From memory of exactly that size, so that ASan sees a step beyond. */
static int parse(size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	int err;

	memcpy(copy, file, n);
	err = wav_parse(&wav, copy, n);
	free(copy);
	return err;
}

static void sixteen_bit_stereo_is_read(void **state)
{
	(void)state;
	begin();
	put_format(1, 2, 24000, 16);
	put_data("\x01\x00\xff\xff\x00\x80\xff\x7f", 8, 8);
	assert_int_equal(parse(len), 0);
	assert_int_equal(wav.rate_hz, 24000);
	assert_int_equal(wav.channels, 2);
	assert_int_equal(wav.frames, 2);
	assert_int_equal(wav.samples[0], 1);
	assert_int_equal(wav.samples[1], -1);
	assert_int_equal(wav.samples[2], -32768);
	assert_int_equal(wav.samples[3], 32767);
	wav_free(&wav);
}

static void mulaw_is_decoded(void **state)
{
	(void)state;
	begin();
	put_format(7, 1, 8000, 8);
	put_data("\xff\x80\x00", 3, 3);
	assert_int_equal(parse(len), 0);
	assert_int_equal(wav.frames, 3);
	assert_int_equal(wav.samples[0], 0);
	assert_int_equal(wav.samples[1], 32124);
	assert_int_equal(wav.samples[2], -32124);
	wav_free(&wav);
}

static void unknown_chunks_are_stepped_over_padding_included(void **state)
{
	(void)state;
	begin();
	put("LIST\x03\0\0\0abc\0", 12);
	put_format(1, 1, 8000, 16);
	put("fact\x04\0\0\0\0\0\0\0", 12);
	put_data("\x05\x00", 2, 2);
	put("id3 ", 4);
	assert_int_equal(parse(len), 0);
	assert_int_equal(wav.frames, 1);
	assert_int_equal(wav.samples[0], 5);
	wav_free(&wav);
}

static void the_extensible_form_is_understood(void **state)
{
	(void)state;
	begin();
	put("fmt \x28\0\0\0", 8);
	put("\xfe\xff\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0\x16\0\x10\0\x04\0\0\0", 24);
	put("\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 16);
	put_data("\x07\x00", 2, 2);
	assert_int_equal(parse(len), 0);
	assert_int_equal(wav.samples[0], 7);
	wav_free(&wav);
}

static void sizes_a_cut_recording_left_mean_to_the_end(void **state)
{
	static const uint32_t announced[] = { 0, 0xffffffff, 0x7fffffff, 100 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		begin();
		put_format(1, 1, 8000, 16);
		put_data("\1\0\2\0\3", 5, announced[i]); /* half a sample is left out */
		assert_int_equal(parse(len), 0);
		assert_int_equal(wav.frames, 2);
		assert_int_equal(wav.samples[1], 2);
		wav_free(&wav);
	}
}

static void a_recording_without_any_sound_is_empty(void **state)
{
	(void)state;
	begin();
	put_format(1, 1, 8000, 16);
	put_data("", 0, 0);
	assert_int_equal(parse(len), 0);
	assert_int_equal(wav.frames, 0);
	wav_free(&wav);
}

static void other_formats_are_named_as_unsupported(void **state)
{
	static const unsigned formats[][3] = { { 1, 1, 8 }, { 1, 1, 24 }, { 3, 1, 32 }, { 6, 1, 8 }, { 1, 3, 16 } };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		begin();
		put_format(formats[i][0], formats[i][1], 8000, formats[i][2]);
		put_data("abcdefgh", 8, 8);
		assert_int_equal(parse(len), -ENOTSUP);
		assert_null(wav.samples);
	}
}

static void damaged_files_are_refused_at_every_length(void **state)
{
	size_t whole;

	(void)state;
	begin();
	put_format(1, 1, 8000, 16);
	put_data("\1\0", 2, 2);
	whole = len;
	for (size_t n = 0; n < whole; n++) {
		int err = parse(n);

		/* Once "data" and its size are there, it is an empty or short recording. */
		assert_int_equal(err, n < 44 ? -EINVAL : 0);
		wav_free(&wav);
	}
	for (size_t i = 0; i < whole; i++) {
		uint8_t was = file[i];

		file[i] ^= 0xff;
		if (parse(whole) == 0)
			wav_free(&wav);
		file[i] = was;
	}
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	begin();
	put_data("\1\0", 2, 2); /* before any format */
	assert_int_equal(parse(len), -EINVAL);
	begin();
	put_format(1, 0, 8000, 16);
	put_data("\1\0", 2, 2);
	assert_int_equal(parse(len), -EINVAL);
	begin();
	put_format(1, 1, 0, 16);
	put_data("\1\0", 2, 2);
	assert_int_equal(parse(len), -EINVAL);
	begin();
	put("junk\xff\xff\xff\xff", 8);
	assert_int_equal(parse(len), -EINVAL);
	memcpy(file, "RIFX", 4);
	assert_int_equal(parse(len), -EINVAL);
}

static void trouble_with_files_is_told(void **state)
{
	(void)state;
	assert_int_equal(wav_load(&wav, "/nonexistent/a"), -ENOENT);
	assert_int_equal(wav_load(&wav, "/tmp"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixteen_bit_stereo_is_read),
		cmocka_unit_test(mulaw_is_decoded),
		cmocka_unit_test(unknown_chunks_are_stepped_over_padding_included),
		cmocka_unit_test(the_extensible_form_is_understood),
		cmocka_unit_test(sizes_a_cut_recording_left_mean_to_the_end),
		cmocka_unit_test(a_recording_without_any_sound_is_empty),
		cmocka_unit_test(other_formats_are_named_as_unsupported),
		cmocka_unit_test(damaged_files_are_refused_at_every_length),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(trouble_with_files_is_told),
	};

	return cmocka_run_group_tests_name("wav", tests, NULL, NULL);
}
