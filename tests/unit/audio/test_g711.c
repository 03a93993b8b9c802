#include "audio/g711.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdlib.h>

ONE_THREAD;

/* First and last code of each segment, positive side, from another
 * implementation (they agree with tables 1a and 2a of G.711). */
static const struct {
	uint8_t code;
	int sample;
} mulaw_values[] = {
	{ 0x80, 32124 }, { 0x8f, 16764 }, { 0x90, 15996 }, { 0x9f, 8316 }, { 0xa0, 7932 }, { 0xaf, 4092 },
	{ 0xb0, 3900 }, { 0xbf, 1980 }, { 0xc0, 1884 }, { 0xcf, 924 }, { 0xd0, 876 }, { 0xdf, 396 },
	{ 0xe0, 372 }, { 0xef, 132 }, { 0xf0, 120 }, { 0xff, 0 },
}, alaw_values[] = {
	{ 0x80, 5504 }, { 0x8f, 6784 }, { 0x90, 2752 }, { 0x9f, 3392 }, { 0xa0, 22016 }, { 0xaf, 27136 },
	{ 0xb0, 11008 }, { 0xbf, 13568 }, { 0xc0, 344 }, { 0xcf, 424 }, { 0xd0, 88 }, { 0xdf, 168 },
	{ 0xe0, 1376 }, { 0xef, 1696 }, { 0xf0, 688 }, { 0xff, 848 },
};

static void known_codes_have_their_known_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mulaw_values / sizeof *mulaw_values; i++) {
		assert_int_equal(mulaw_decode(mulaw_values[i].code), mulaw_values[i].sample);
		assert_int_equal(mulaw_decode(mulaw_values[i].code ^ 0x80), -mulaw_values[i].sample);
	}
	for (size_t i = 0; i < sizeof alaw_values / sizeof *alaw_values; i++) {
		assert_int_equal(alaw_decode(alaw_values[i].code), alaw_values[i].sample);
		assert_int_equal(alaw_decode(alaw_values[i].code ^ 0x80), -alaw_values[i].sample);
	}
}

static void known_samples_have_their_known_codes(void **state)
{
	static const struct {
		int16_t sample;
		uint8_t mulaw, alaw;
	} known[] = {
		{ 0, 0xff, 0xd5 },
		{ 100, 0xf2, 0xd3 },
		{ -100, 0x72, 0x53 },
		{ 1000, 0xce, 0xfa },
		{ -1000, 0x4e, 0x7a },
		{ 4096, 0xaf, 0x85 },
		{ 12345, 0x97, 0xbd },
		{ -12345, 0x17, 0x3d },
		{ 32767, 0x80, 0xaa },
		{ -32768, 0x00, 0x2a },
	};

	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		assert_int_equal(mulaw_encode(known[i].sample), known[i].mulaw);
		assert_int_equal(alaw_encode(known[i].sample), known[i].alaw);
	}
	assert_int_equal(mulaw_encode(0), MULAW_SILENCE);
	assert_int_equal(alaw_encode(0), ALAW_SILENCE);
}

static void every_code_survives_the_round_trip(void **state)
{
	(void)state;
	for (int code = 0; code < 256; code++) {
		uint8_t again = mulaw_encode(mulaw_decode((uint8_t)code));

		/* 0x7f is minus zero and comes back as plus zero, 0xff. */
		assert_int_equal(again, code == 0x7f ? 0xff : code);
		assert_int_equal(alaw_encode(alaw_decode((uint8_t)code)), code);
	}
}

/* Steps double from segment to segment; in A-law the two lowest are alike. Not
 * simply "the nearest": at the edge of a segment the standard's decision value
 * is a little off the middle. */
static void every_sample_comes_back_within_half_a_step(void **state)
{
	(void)state;
	for (int sample = -32768; sample <= 32767; sample++) {
		uint8_t mulaw = mulaw_encode((int16_t)sample), alaw = alaw_encode((int16_t)sample);
		int segment = (~mulaw >> 4) & 7, off = abs(mulaw_decode(mulaw) - sample);

		/* The loudest are clipped. */
		if (abs(sample) < 32124 + 512 && off > 4 << segment)
			fail_msg("mu-law: %d comes back %d off", sample, off);
		segment = ((alaw ^ 0x55) >> 4) & 7;
		off = abs(alaw_decode(alaw) - sample);
		if (off > (segment ? 8 << (segment - 1) : 8))
			fail_msg("A-law: %d comes back %d off", sample, off);
	}
}

static void louder_never_becomes_softer(void **state)
{
	(void)state;
	for (int sample = -32767; sample <= 32767; sample++) {
		assert_true(
		    mulaw_decode(mulaw_encode((int16_t)sample)) >= mulaw_decode(mulaw_encode((int16_t)(sample - 1))));
		assert_true(
		    alaw_decode(alaw_encode((int16_t)sample)) >= alaw_decode(alaw_encode((int16_t)(sample - 1))));
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(known_codes_have_their_known_values),
	cmocka_unit_test(known_samples_have_their_known_codes),
	cmocka_unit_test(every_code_survives_the_round_trip),
	cmocka_unit_test(every_sample_comes_back_within_half_a_step),
	cmocka_unit_test(louder_never_becomes_softer),
	{ 0 },
};
