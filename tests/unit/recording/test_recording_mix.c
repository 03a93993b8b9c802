#include "server/recording/recording_mix.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { MS = 1000, SECOND = 1000 * MS, FRAME = 160, PER_MS = RECORDING_MIX_FRAMES_PER_MS, SILENCE = 0xff };

static const int64_t T0 = 77 * SECOND;

/* What the file would hold so far. */
static struct {
	uint8_t *bytes;
	size_t frames;
} file;

static struct recording_mix mix;

static void collect(int64_t now)
{
	const uint8_t *out;
	size_t n = recording_mix_ready(&mix, now, &out);

	file.bytes = realloc(file.bytes, 2 * (file.frames + n) + 1);
	memcpy(file.bytes + 2 * file.frames, out ? out : (const uint8_t *)"", 2 * n);
	file.frames += n;
	recording_mix_take(&mix, n);
}

static int begin(void **state)
{
	(void)state;
	file.frames = 0;
	recording_mix_init(&mix, T0);
	return 0;
}

static void end(int64_t now)
{
	recording_mix_end(&mix, now);
	collect(now);
	assert_int_equal(mix.held.len, 0);
	recording_mix_free(&mix);
}

static int forget(void **state)
{
	(void)state;
	free(file.bytes);
	file.bytes = NULL;
	return 0;
}

/* Sample `i` of the caller's voice and of the agent's: never silence, and each
 * tells where it belongs. */
static uint8_t voice(uint64_t i)
{
	return (uint8_t)(i % 251);
}

static uint8_t speech(uint64_t i)
{
	return (uint8_t)(253 - i % 241);
}

static void caller(uint64_t ts_ms, int64_t now)
{
	uint8_t audio[FRAME];

	for (size_t i = 0; i < FRAME; i++)
		audio[i] = voice(ts_ms * PER_MS + i);
	recording_mix_caller(&mix, true, ts_ms, audio, FRAME, now);
}

/* Sends positions [from, to) in ms, in pieces of 20. */
static void agent(uint64_t from_ms, uint64_t to_ms, bool dry, int64_t now)
{
	uint8_t audio[FRAME];

	for (uint64_t ms = from_ms; ms < to_ms; ms += 20) {
		for (size_t i = 0; i < FRAME; i++)
			audio[i] = speech(ms * PER_MS + i);
		recording_mix_sent(&mix, ms * PER_MS, audio, FRAME, dry && ms == from_ms, now);
	}
}

static int side(int channel, int64_t frame)
{
	assert_true(frame >= 0 && (size_t)frame < file.frames);
	return file.bytes[2 * frame + channel];
}

#define assert_caller(at_ms, ts_ms, len_ms) \
	for (int64_t i_ = 0; i_ < (len_ms)*PER_MS; i_++) \
	assert_int_equal(side(0, (at_ms)*PER_MS + i_), voice((uint64_t)((ts_ms)*PER_MS + i_)))
#define assert_agent(at_ms, pos_ms, len_ms) \
	for (int64_t i_ = 0; i_ < (len_ms)*PER_MS; i_++) \
	assert_int_equal(side(1, (at_ms)*PER_MS + i_), speech((uint64_t)((pos_ms)*PER_MS + i_)))
#define assert_silent(channel, from_ms, to_ms) \
	for (int64_t i_ = (from_ms)*PER_MS; i_ < (to_ms)*PER_MS; i_++) \
	assert_int_equal(side(channel, i_), SILENCE)

static int64_t at(int64_t ms)
{
	return T0 + ms * MS;
}

/* The phone tells, in ms, how far it has played and when. */
struct echo {
	uint64_t pos_ms;
	int64_t at_ms;
};

static void phone_echoes(const struct echo *echoes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		recording_mix_echo(&mix, echoes[i].pos_ms * PER_MS, at(echoes[i].at_ms));
}

#define PHONE_ECHOES(...) \
	phone_echoes( \
	    (const struct echo[]){ __VA_ARGS__ }, sizeof((const struct echo[]){ __VA_ARGS__ }) / sizeof(struct echo))

/* ------------------------------------------------------------------- the caller */

static void the_caller_sits_where_his_timestamps_say(void **state)
{
	(void)state;
	/* However unevenly they arrive. */
	caller(0, at(0));
	caller(20, at(55));
	caller(40, at(55));
	caller(60, at(61));
	collect(at(100));
	assert_int_equal(file.frames, 80 * PER_MS);
	end(at(80));
	assert_caller(0, 0, 80);
	assert_silent(1, 0, 80);
}

static void a_hole_in_the_timestamps_is_silence(void **state)
{
	(void)state;
	caller(0, at(0));
	caller(520, at(520));
	end(at(540));
	assert_caller(0, 0, 20);
	assert_silent(0, 20, 520);
	assert_caller(520, 520, 20);
}

static void frames_without_timestamps_follow_one_another(void **state)
{
	uint8_t audio[FRAME];
	(void)state;
	for (int n = 0; n < 3; n++) {
		for (size_t i = 0; i < FRAME; i++)
			audio[i] = voice((uint64_t)n * FRAME + i);
		recording_mix_caller(&mix, false, 0, audio, FRAME, at(n * 20 + n));
	}
	end(at(60));
	assert_caller(0, 0, 60);
}

static void a_burst_that_was_held_up_for_seconds_is_not_lost(void **state)
{
	(void)state;
	caller(0, at(0));
	for (int64_t ms = 0; ms < 8000; ms += 200)
		collect(at(ms));
	for (uint64_t ts = 20; ts < 8000; ts += 20)
		caller(ts, at(8000));
	end(at(8000));
	assert_caller(0, 0, 8000);
	assert_int_equal(mix.lost_frames, 0);
}

static void a_line_that_says_nothing_for_long_does_not_hold_the_file_back(void **state)
{
	(void)state;
	caller(0, at(0));
	collect(at(60000));
	assert_int_equal(file.frames, 50000 * PER_MS);
	caller(60000, at(60000));
	end(at(60020));
	assert_caller(60000, 60000, 20);
}

static void a_lying_timestamp_moves_nothing(void **state)
{
	(void)state;
	caller(0, at(0));
	caller(3600000, at(20)); /* an hour ahead: begins anew where the clock is */
	caller(3600020, at(40));
	caller(UINT64_MAX / 3, at(60));
	end(at(80));
	assert_true(file.frames <= 100 * PER_MS);
	assert_caller(0, 0, 20);
	assert_caller(20, 3600000, 40);
}

static void a_stream_faster_than_time_is_bounded(void **state)
{
	(void)state;
	for (uint64_t ts = 0; ts < 3600000; ts += 9000)
		caller(ts, at(10));
	assert_true(mix.held.len < 2 * 40000 * PER_MS);
	end(at(20));
	assert_true(file.frames < 40000 * PER_MS);
}

/* --------------------------------------------------------------------- the agent */

static void the_agent_is_heard_when_the_marks_say_not_when_it_was_sent(void **state)
{
	(void)state;
	caller(0, at(0));
	agent(0, 400, true, at(1000));
	/* The phone began 300 ms late. */
	PHONE_ECHOES({ 20, 1320 }, { 220, 1520 }, { 400, 1700 });
	end(at(2000));
	assert_silent(1, 0, 1300);
	assert_agent(1300, 0, 400);
	assert_silent(1, 1700, 2000);
}

static void an_echo_that_took_longer_shifts_nothing(void **state)
{
	(void)state;
	agent(0, 600, true, at(1000));
	PHONE_ECHOES(
	    { 20, 1095 } /* 60 ms late itself */, { 220, 1235 }, { 420, 1555 } /* 120 ms late */, { 600, 1615 });
	end(at(2000));
	assert_silent(1, 0, 1015);
	assert_agent(1015, 0, 600);
	assert_silent(1, 1615, 2000);
}

static void what_may_still_move_is_not_written(void **state)
{
	(void)state;
	for (uint64_t ts = 0; ts < 1500; ts += 20)
		caller(ts, at((int64_t)ts));
	agent(0, 400, true, at(1000));
	collect(at(1500));
	assert_int_equal(file.frames, 1000 * PER_MS);
	PHONE_ECHOES({ 20, 1500 });
	collect(at(1700));
	assert_int_equal(file.frames, 1000 * PER_MS);
	PHONE_ECHOES({ 220, 1700 }, { 400, 1880 });
	collect(at(1880)); /* nothing is out any more */
	assert_int_equal(file.frames, 1500 * PER_MS);
	end(at(2000));
	assert_agent(1480, 0, 400);
	assert_caller(0, 0, 1500);
}

static void a_gap_of_the_phones_is_a_gap_in_the_file(void **state)
{
	(void)state;
	agent(0, 600, true, at(1000));
	PHONE_ECHOES({ 20, 1020 }, { 220, 1220 });
	/* Stalled for 200 ms, and stays that late. */
	PHONE_ECHOES({ 420, 1620 }, { 600, 1800 });
	end(at(2000));
	assert_agent(1000, 0, 220);
	assert_silent(1, 1220, 1420);
	assert_agent(1420, 220, 380);
}

static void a_model_that_pauses_is_heard_pausing(void **state)
{
	(void)state;
	agent(0, 100, true, at(1000));
	PHONE_ECHOES({ 20, 1020 });
	/* The mark behind the pause must not drag along what was before it. */
	agent(100, 300, true, at(1500));
	PHONE_ECHOES({ 120, 1525 }, { 300, 1705 });
	end(at(2000));
	assert_agent(1000, 0, 100);
	assert_silent(1, 1100, 1505);
	assert_agent(1505, 100, 200);
}

static void two_answers_overlap_nowhere_when_the_phone_is_late(void **state)
{
	(void)state;
	agent(0, 200, true, at(1000));
	agent(200, 400, true, at(1300)); /* by the clock the first is over; the phone has just begun it */
	PHONE_ECHOES({ 20, 1290 }, { 200, 1470 }, { 220, 1490 }, { 400, 1670 });
	end(at(2000));
	assert_silent(1, 0, 1270);
	assert_agent(1270, 0, 400);
}

static void after_a_cut_there_is_silence(void **state)
{
	(void)state;
	agent(0, 800, true, at(1000));
	PHONE_ECHOES({ 20, 1030 }, { 220, 1230 });
	recording_mix_cut(&mix, 333 * PER_MS + 3, at(1343));
	/* What comes next begins anew. */
	agent(800, 1000, true, at(1700));
	PHONE_ECHOES({ 820, 1730 }, { 1000, 1910 });
	end(at(2000));
	assert_agent(1010, 0, 333);
	assert_int_equal(side(1, 1343 * PER_MS + 2), speech(333 * PER_MS + 2));
	assert_int_equal(side(1, 1343 * PER_MS + 3), SILENCE);
	assert_silent(1, 1344, 1710);
	assert_agent(1710, 800, 200);
}

static void a_cut_before_anything_was_heard_leaves_nothing(void **state)
{
	(void)state;
	agent(0, 800, true, at(1000));
	collect(at(4000));
	recording_mix_cut(&mix, 0, at(5000));
	end(at(6000));
	assert_silent(1, 0, 6000);
}

static void without_echoes_the_clock_decides_in_the_end(void **state)
{
	(void)state;
	agent(0, 200, true, at(1000));
	agent(200, 400, false, at(1100));
	collect(at(10900));
	assert_true(file.frames <= 1000 * PER_MS);
	collect(at(11100));
	assert_true(file.frames > 1000 * PER_MS);
	end(at(12000));
	assert_agent(1000, 0, 400);
}

static void what_the_ring_dropped_is_silence_and_shifts_nothing(void **state)
{
	(void)state;
	agent(0, 100, true, at(1000));
	agent(200, 300, false, at(1000));
	PHONE_ECHOES({ 20, 1020 }, { 300, 1300 });
	end(at(2000));
	assert_agent(1000, 0, 100);
	assert_silent(1, 1100, 1200);
	assert_agent(1200, 200, 100);
}

/* -------------------------------------------------------------------- the clock */

static void a_first_frame_that_was_late_does_not_move_the_agent_against_the_caller(void **state)
{
	(void)state;
	/* Held up by 500 ms; what follows shows it. */
	caller(0, at(500));
	for (uint64_t ts = 20; ts < 2000; ts += 20)
		caller(ts, at(ts < 500 ? 500 : (int64_t)ts));
	agent(0, 200, true, at(1000));
	PHONE_ECHOES({ 20, 1020 }, { 200, 1200 });
	end(at(2000));
	/* The caller's ms 0 is at 500, so what was played 1000 ms later is at 1500. */
	assert_caller(500, 0, 2000 - 20);
	assert_silent(1, 0, 1499);
	assert_silent(1, 1701, 2000);
	for (int64_t ms = 1502; ms < 1698; ms++)
		assert_int_not_equal(side(1, ms * PER_MS), SILENCE);
}

static void memory_stays_small_over_a_long_call(void **state)
{
	uint64_t pos = 0;

	(void)state;
	for (int64_t ms = 0; ms < 120000; ms += 20) {
		caller((uint64_t)ms, at(ms));
		agent(pos, pos + 20, ms == 0, at(ms));
		pos += 20;
		if (ms % 200 == 180)
			PHONE_ECHOES({ pos, ms + 20 });
		if (ms % 500 == 0)
			collect(at(ms));
		assert_true(mix.held.cap < 64 * 1024 && mix.agent.cap < 64 * 1024 && mix.piece_count < 200);
	}
	end(at(120000));
	assert_int_equal(file.frames, 120000 * PER_MS);
	assert_int_equal(mix.lost_frames, 0);
	assert_agent(0, 0, 120000);
}

/* It has no position, and moves nothing that has one. */
static void a_tone_sounds_when_it_is_played_until_it_is_stopped(void **state)
{
	uint8_t tone[200 * PER_MS], silence[100 * PER_MS];

	(void)state;
	for (size_t i = 0; i < sizeof tone; i++)
		tone[i] = speech(5000 * PER_MS + i);
	memset(silence, SILENCE, sizeof silence);
	agent(0, 100, true, at(0));
	PHONE_ECHOES({ 100, 100 });
	recording_mix_tone(&mix, tone, sizeof tone, at(3000));
	collect(at(3050)); /* the rest of it is not final yet */
	recording_mix_tone(&mix, silence, sizeof silence, at(3100));
	agent(100, 200, true, at(3100));
	PHONE_ECHOES({ 200, 3200 });
	end(at(4000));
	assert_agent(0, 0, 100);
	assert_silent(1, 100, 3000);
	assert_agent(3000, 5000, 100);
	assert_agent(3100, 100, 100);
	assert_silent(1, 3200, 4000);
	assert_int_equal(mix.lost_frames, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, forget)

const struct CMUnitTest unit_tests[] = {
	TEST(the_caller_sits_where_his_timestamps_say),
	TEST(a_hole_in_the_timestamps_is_silence),
	TEST(frames_without_timestamps_follow_one_another),
	TEST(a_burst_that_was_held_up_for_seconds_is_not_lost),
	TEST(a_line_that_says_nothing_for_long_does_not_hold_the_file_back),
	TEST(a_lying_timestamp_moves_nothing),
	TEST(a_stream_faster_than_time_is_bounded),
	TEST(the_agent_is_heard_when_the_marks_say_not_when_it_was_sent),
	TEST(an_echo_that_took_longer_shifts_nothing),
	TEST(what_may_still_move_is_not_written),
	TEST(a_gap_of_the_phones_is_a_gap_in_the_file),
	TEST(a_model_that_pauses_is_heard_pausing),
	TEST(two_answers_overlap_nowhere_when_the_phone_is_late),
	TEST(after_a_cut_there_is_silence),
	TEST(a_cut_before_anything_was_heard_leaves_nothing),
	TEST(without_echoes_the_clock_decides_in_the_end),
	TEST(what_the_ring_dropped_is_silence_and_shifts_nothing),
	TEST(a_first_frame_that_was_late_does_not_move_the_agent_against_the_caller),
	TEST(a_tone_sounds_when_it_is_played_until_it_is_stopped),
	TEST(memory_stays_small_over_a_long_call),
	GROUP(NULL, forget),
};
