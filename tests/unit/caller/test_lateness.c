#include "server/caller/lateness.h"
#include "tests/unit.h"

#include <stddef.h>

ONE_THREAD;

enum { MS = 1000, FRAME = 20 };

static const int64_t T0 = 50 * 1000 * (int64_t)MS;

static struct lateness lateness;

static int begin(void **state)
{
	(void)state;
	lateness_init(&lateness, T0);
	return 0;
}

/* A frame that arrives `late` us after it was said. */
static uint32_t frame(uint64_t timestamp_ms, int64_t late)
{
	return lateness_frame(&lateness, true, timestamp_ms, FRAME, T0 + (int64_t)timestamp_ms * MS + late);
}

/* Frames in order, all on time; the timestamp after the last. */
static uint64_t steady(uint64_t from_ms, int count)
{
	for (int i = 0; i < count; i++, from_ms += FRAME)
		assert_int_equal(frame(from_ms, 0), 0);
	return from_ms;
}

/* --------------------------------------------------------------------- holes */

static void frames_in_order_need_nothing(void **state)
{
	(void)state;
	steady(5, 5000);
	assert_int_equal(lateness_late_ms(&lateness), 0);
	assert_int_equal(lateness.debt_ms, 0);
}

static void stream_may_begin_at_any_time(void **state)
{
	(void)state;
	assert_int_equal(frame(3000, 0), 0);
	steady(3020, 10);
	lateness_init(&lateness, T0);
	assert_int_equal(frame(3600 * 1000, 0), 0);
	steady(3600 * 1000 + 20, 10);
}

static void hole_is_filled_to_the_millisecond_and_once(void **state)
{
	uint64_t next = steady(0, 50);

	(void)state;
	assert_int_equal(frame(next + 347, 0), 347);
	assert_int_equal(frame(next + 347 + FRAME, 0), 0);
}

static void rounding_is_no_hole(void **state)
{
	uint64_t next = steady(0, 50);

	(void)state;
	assert_int_equal(frame(next + 19, 0), 0);
	assert_int_equal(frame(next + 19 + FRAME, 0), 0);
	assert_int_equal(frame(next + 19 + 2 * FRAME + 20, 0), 20);
}

static void jump_is_not_believed_and_the_count_begins_anew(void **state)
{
	uint64_t next = steady(0, 50);

	(void)state;
	assert_int_equal(frame(next + LATENESS_FILL_MAX_MS, 0), LATENESS_FILL_MAX_MS);
	next += LATENESS_FILL_MAX_MS + FRAME;
	assert_int_equal(frame(next + LATENESS_FILL_MAX_MS + 1, 0), 0);
	next += LATENESS_FILL_MAX_MS + 1 + FRAME;
	assert_int_equal(frame(next, 0), 0);
	/* Holes after it are holes again. */
	assert_int_equal(frame(next + FRAME + 200, 0), 200);
}

static void one_absurd_timestamp_does_not_spoil_the_call(void **state)
{
	static const uint64_t absurd[] = { 20000, 3600 * 1000, (uint64_t)1 << 40, INT64_MAX / 2000 - 1,
		INT64_MAX / 2000, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
		uint64_t next;

		lateness_init(&lateness, T0);
		next = steady(0, 50);
		/* Carried by a frame that arrives when it should. */
		assert_int_equal(lateness_frame(&lateness, true, absurd[i], FRAME, T0 + (int64_t)next * MS), 0);
		next += FRAME;
		frame(next, 0);
		assert_int_equal(lateness_late_ms(&lateness), 0);
		next = steady(next + FRAME, 50);
		assert_int_equal(lateness_late_ms(&lateness), 0);
		assert_int_equal(frame(next + 300, 0), 300);
	}
}

static void doubled_frame_does_not_turn_the_count_back(void **state)
{
	uint64_t next = steady(0, 50);

	(void)state;
	assert_int_equal(frame(next - FRAME, 20 * MS), 0);
	assert_int_equal(frame(next - 2 * FRAME, 20 * MS), 0);
	assert_int_equal(frame(next, 0), 0);
	assert_int_equal(frame(next + FRAME, 0), 0);
}

static void frames_without_a_timestamp_count_by_their_length(void **state)
{
	uint64_t next;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(lateness_frame(&lateness, false, 0, FRAME, T0 + i * FRAME * MS), 0);
	assert_int_equal(lateness_late_ms(&lateness), 0);

	lateness_init(&lateness, T0);
	next = steady(0, 50);
	for (int i = 0; i < 10; i++, next += FRAME)
		assert_int_equal(lateness_frame(&lateness, false, 0, FRAME, T0 + (int64_t)next * MS), 0);
	assert_int_equal(frame(next, 0), 0);
	assert_int_equal(frame(next + FRAME + 100, 0), 100);
}

/* ----------------------------------------------------------------------- padding */

enum { PATIENCE_US = LATENESS_LOOK_US + LATENESS_AGAIN_US };

/* What is padded by the second look, the newest frame having come at `last`. */
static uint32_t looked_twice(int64_t last)
{
	assert_int_equal(lateness_pad(&lateness, true, last + LATENESS_LOOK_US), 0);
	return lateness_pad(&lateness, true, last + PATIENCE_US);
}

static void pads_once_when_frames_stop_in_mid_speech(void **state)
{
	int64_t last, due;

	(void)state;
	last = T0 + (int64_t)(steady(0, 50) - FRAME) * MS;
	due = last + PATIENCE_US;
	assert_int_equal(lateness_pad(&lateness, true, last + LATENESS_LOOK_US - 1), 0);
	assert_int_equal(lateness_deadline_us(&lateness, true), last + LATENESS_LOOK_US);
	assert_int_equal(lateness_pad(&lateness, true, last + LATENESS_LOOK_US), 0);
	assert_int_equal(lateness_deadline_us(&lateness, true), due);
	assert_int_equal(lateness_pad(&lateness, true, due - 1), 0);
	assert_int_equal(lateness_pad(&lateness, true, due), LATENESS_PAD_MS);
	assert_int_equal(lateness_pad(&lateness, true, due + 60 * 1000 * (int64_t)MS), 0);
	assert_int_equal(lateness_deadline_us(&lateness, true), INT64_MAX);
	/* The next frame, and it may happen again. */
	assert_int_equal(lateness_frame(&lateness, false, 0, FRAME, due + 5000 * MS), 0);
	assert_int_equal(looked_twice(due + 5000 * MS), LATENESS_PAD_MS);
}

/* Nothing ran for 1.2 s, neither we nor who sends: its frames are there a moment
 * after the first look, and are all that was said. */
static void what_stood_still_with_us_has_not_stopped(void **state)
{
	uint64_t next = steady(0, 50);

	(void)state;
	assert_int_equal(lateness_pad(&lateness, true, T0 + (int64_t)next * MS + 1200 * MS), 0);
	for (int64_t late = 1200; late > 0; late -= FRAME, next += FRAME) {
		assert_int_equal(frame(next, late * MS), 0);
		assert_int_equal(lateness_pad(&lateness, true, T0 + (int64_t)next * MS + late * MS), 0);
	}
	assert_int_equal(lateness.debt_ms, 0);
}

static void silence_of_a_silent_caller_is_not_padded(void **state)
{
	(void)state;
	steady(0, 50);
	assert_int_equal(lateness_deadline_us(&lateness, false), INT64_MAX);
	assert_int_equal(lateness_pad(&lateness, false, T0 + 3600 * 1000 * (int64_t)MS), 0);
	/* Starting to speak makes it due at the next look, and once. */
	assert_true(lateness_deadline_us(&lateness, true) <= T0 + 3600 * 1000 * (int64_t)MS + LATENESS_AGAIN_US);
	assert_int_equal(
	    lateness_pad(&lateness, true, T0 + 3600 * 1000 * (int64_t)MS + LATENESS_AGAIN_US), LATENESS_PAD_MS);
}

static void padding_is_set_off_against_the_hole_it_stood_for(void **state)
{
	uint64_t next = steady(0, 50);

	(void)state;
	looked_twice(T0 + (int64_t)next * MS);
	/* The frames never came: 3 s are missing, one of which was sent. */
	assert_int_equal(frame(next + 3000, 0), 3000 - LATENESS_PAD_MS);
	assert_int_equal(lateness.debt_ms, 0);
	assert_int_equal(frame(next + 3000 + FRAME + 100, 0), 100);
}

static void padding_for_frames_that_were_only_late_is_paid_back_by_later_holes(void **state)
{
	uint64_t next = steady(0, 50);

	(void)state;
	looked_twice(T0 + (int64_t)next * MS);
	for (int i = 0; i < 100; i++, next += FRAME) /* all of them, 1.2 s late */
		assert_int_equal(frame(next, 1200 * MS), 0);
	assert_int_equal(frame(next + 600, 0), 0);
	next += 600 + FRAME;
	assert_int_equal(frame(next + 700, 0), 300);
	next += 700 + FRAME;
	assert_int_equal(frame(next + 250, 0), 250);
}

/* Whatever goes missing or late: what the model is sent, frames and silence, is
 * as long as the line was, and longer by the debt only. */
static void model_hears_as_much_time_as_has_passed(void **state)
{
	(void)state;
	for (uint32_t first = 1; first < 200; first++) {
		uint32_t seed = first;
		uint64_t said_ms = FRAME, sent_ms = FRAME, arrival_ms = 0;

		lateness_init(&lateness, T0);
		frame(0, 0);
		for (int i = 0; i < 3000; i++) {
			seed ^= seed << 13;
			seed ^= seed >> 17;
			seed ^= seed << 5;
			if (seed % 200 == 0)
				said_ms += FRAME * (seed / 256 % 150); /* lost on the way */
			if (seed % 300 == 1)
				arrival_ms += seed / 512 % 2000; /* held up */
			if (arrival_ms < said_ms)
				arrival_ms = said_ms;
			if (lateness_deadline_us(&lateness, true) <= T0 + (int64_t)arrival_ms * MS)
				sent_ms += lateness_pad(&lateness, true, lateness_deadline_us(&lateness, true));
			sent_ms += lateness_pad(&lateness, true, T0 + (int64_t)arrival_ms * MS);
			sent_ms +=
			    lateness_frame(&lateness, true, said_ms, FRAME, T0 + (int64_t)arrival_ms * MS) + FRAME;
			said_ms += FRAME;
			assert_int_equal(sent_ms, said_ms + lateness.debt_ms);
		}
	}
}

/* ---------------------------------------------------------------------- lateness */

static void lateness_is_told_against_the_fastest_frame(void **state)
{
	uint64_t next;

	(void)state;
	frame(0, 80 * MS);
	assert_int_equal(lateness_late_ms(&lateness), 0); /* nothing to compare it with */
	frame(20, 30 * MS);
	assert_int_equal(lateness_late_ms(&lateness), 0);
	frame(40, 30 * MS + 500);
	assert_int_equal(lateness_late_ms(&lateness), 0);
	next = 60;
	frame(next, 280 * MS);
	assert_in_range(lateness_late_ms(&lateness), 249, 250);
	frame(next + FRAME, 3530 * MS); /* as seen with 700 calls on one core */
	assert_in_range(lateness_late_ms(&lateness), 3495, 3500);
	frame(next + 2 * FRAME, 30 * MS);
	assert_int_equal(lateness_late_ms(&lateness), 0);
}

static void drift_between_the_clocks_is_not_lateness(void **state)
{
	(void)state;
	/* Their clock loses 300 ms an hour against ours. */
	for (uint64_t at = 0; at < 3600 * 1000; at += FRAME) {
		frame(at, (int64_t)at * MS / 12000);
		assert_int_equal(lateness_late_ms(&lateness), 0);
	}
}

static void base_creeps_a_millisecond_a_second(void **state)
{
	uint64_t next = steady(0, 50);

	(void)state;
	frame(next, 200 * MS);
	assert_in_range(lateness_late_ms(&lateness), 199, 200);
	for (int i = 1; i <= 50 * 60; i++) /* a minute of it */
		frame(next + (uint64_t)i * FRAME, 200 * MS);
	assert_in_range(lateness_late_ms(&lateness), 138, 141);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

const struct CMUnitTest unit_tests[] = {
	TEST(frames_in_order_need_nothing),
	TEST(stream_may_begin_at_any_time),
	TEST(hole_is_filled_to_the_millisecond_and_once),
	TEST(rounding_is_no_hole),
	TEST(jump_is_not_believed_and_the_count_begins_anew),
	TEST(one_absurd_timestamp_does_not_spoil_the_call),
	TEST(doubled_frame_does_not_turn_the_count_back),
	TEST(frames_without_a_timestamp_count_by_their_length),
	TEST(pads_once_when_frames_stop_in_mid_speech),
	TEST(what_stood_still_with_us_has_not_stopped),
	TEST(silence_of_a_silent_caller_is_not_padded),
	TEST(padding_is_set_off_against_the_hole_it_stood_for),
	TEST(padding_for_frames_that_were_only_late_is_paid_back_by_later_holes),
	TEST(model_hears_as_much_time_as_has_passed),
	TEST(lateness_is_told_against_the_fastest_frame),
	TEST(drift_between_the_clocks_is_not_lateness),
	TEST(base_creeps_a_millisecond_a_second),
	{ 0 },
};
