/* The hold tone as the ear has it. When it is played is in test_playout.c. */
#include "server/caller/hold.h"

#include "audio/g711.h"
#include "tests/peers/silent_channel.h"
#include "tests/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { SAMPLES = HOLD_TONE_MS * G711_BYTES_PER_MS, LOUDEST = 32124 };

static uint8_t played[SAMPLES];

static void take_audio(const struct phone_stream *s, struct buf *out, const uint8_t *mulaw, size_t len)
{
	(void)s;
	assert_int_equal(len, SAMPLES);
	memcpy(played, mulaw, len);
	buf_puts(out, "audio");
}

static void tone_is_30_db_below_the_loudest_and_has_soft_ends(void **state)
{
	struct phone_channel channel = silent_channel;
	struct hold hold = { 0 };
	struct call *line = aligned_alloc(_Alignof(struct call), sizeof *line);
	double sum = 0, level;
	int crossings = 0;
	struct buf out;

	(void)state;
	memset(line, 0, sizeof *line);
	channel.put_audio = take_audio;
	line->channel = &channel;
	buf_init(&out, 0);
	hold_sound(&hold, line, &out, NULL, 1000);
	assert_true(out.len > strlen("audio")); /* in a frame */
	for (int i = SAMPLES / 4; i < SAMPLES * 3 / 4; i++) {
		int16_t sample = mulaw_decode(played[i]);

		sum += (double)sample * sample;
		crossings += (sample < 0) != (mulaw_decode(played[i - 1]) < 0);
	}
	level = 20 * log10(sqrt(sum / (SAMPLES / 2.0)) / (LOUDEST / sqrt(2)));
	assert_true(level > -31 && level < -29);
	assert_in_range(crossings, 75, 85); /* 400 Hz in 100 ms */
	for (int i = 0; i < 8; i++) {
		assert_true(abs(mulaw_decode(played[i])) < 64);
		assert_true(abs(mulaw_decode(played[SAMPLES - 1 - i])) < 64);
	}
	buf_free(&out);
	free(line);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(tone_is_30_db_below_the_loudest_and_has_soft_ends),
	{ 0 },
};
