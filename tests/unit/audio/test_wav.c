#include "audio/wav.h"
#include "tests/unit.h"

#include <stddef.h>
#include <string.h>

ONE_THREAD;

static void a_header_says_what_follows_it(void **state)
{
	static const uint8_t stereo[] =
	    "RIFF\x74\x02\0\0WAVEfmt \x12\0\0\0\x07\0\x02\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x08\0\0\0"
	    "fact\x04\0\0\0\x21\x01\0\0data\x42\x02\0";
	uint8_t header[WAV_MULAW_HEADER];

	(void)state;
	assert_int_equal(sizeof stereo, WAV_MULAW_HEADER);
	memset(header, 0xaa, sizeof header);
	wav_mulaw_header(header, 8000, 2, 289);
	assert_memory_equal(header, stereo, sizeof header);
}

/* RIFF pads an odd chunk to an even length, and counts the pad in its own size only. */
static void an_odd_length_is_padded(void **state)
{
	uint8_t header[WAV_MULAW_HEADER];

	(void)state;
	wav_mulaw_header(header, 8000, 1, 3);
	assert_int_equal(header[4], 50 + 4);
	assert_int_equal(header[54], 3);
}

static void a_file_without_sound_and_the_largest_fit(void **state)
{
	uint8_t header[WAV_MULAW_HEADER];

	(void)state;
	wav_mulaw_header(header, 8000, 2, 0);
	assert_memory_equal(header + 4, "\x32\0\0\0", 4);
	assert_memory_equal(header + 54, "\0\0\0\0", 4);
	wav_mulaw_header(header, 8000, 2, 0x3fffff00);
	assert_memory_equal(header + 4, "\x32\xfe\xff\x7f", 4);
	assert_memory_equal(header + 54, "\0\xfe\xff\x7f", 4);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(a_header_says_what_follows_it),
	cmocka_unit_test(an_odd_length_is_padded),
	cmocka_unit_test(a_file_without_sound_and_the_largest_fit),
	{ 0 },
};
