/* The caller's audio before it leaves: kept while the model is away, skipped
 * when too old, filled where it is missing; and the valve. */
#include "common/base64.h"
#include "common/clock.h"
#include "server/stats/stats.h"
#include "server/caller/uplink.h"
#include "server/phone/channel.h"
#include "tests/unit.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME = 160, FRAME_MS = 20, BACKLOG_MS = 1000 };

static struct config cfg;
static struct call *line;
static struct uplink uplink;
static int sockets[2]; /* ours, Twilio's */
static int64_t now;

static int begin(void **state)
{
	(void)state;
	memset(&cfg, 0, sizeof cfg);
	cfg.backlog_ms = BACKLOG_MS;
	line = aligned_alloc(_Alignof(struct call), sizeof *line);
	memset(line, 0, sizeof *line);
	line->cfg = &cfg;
	atomic_store(&line->writer.holder, WRITER_AGENT);
	now = 1000 * (int64_t)US_PER_S;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) || bell_open(&line->agent_bell))
		return -1;
	uplink_init(&uplink, line, sockets[0], now);
	return 0;
}

static int end(void **state)
{
	(void)state;
	uplink_close(&uplink);
	bell_close(&line->agent_bell);
	close(sockets[0]);
	close(sockets[1]);
	free(line);
	return 0;
}

/* A piece of audio, all its bytes `fill`, arriving now. */
static bool frame(uint64_t timestamp_ms, uint8_t fill)
{
	static char text[BASE64_SIZE(FRAME) + 2];
	struct phone_event e = { .type = PHONE_AUDIO, .has_timestamp = true, .timestamp_ms = timestamp_ms };
	uint8_t audio[FRAME];

	memset(audio, fill, sizeof audio);
	text[0] = '"'; /* as in the JSON it comes from */
	e.audio = (struct span){ text + 1, base64_encode(text + 1, audio, FRAME) };
	return uplink_frame(&uplink, &e, now);
}

static uint64_t counted(_Atomic uint64_t *counter)
{
	return atomic_load(counter);
}

static void frames_wait_in_order_while_the_model_is_away(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++, now += FRAME_MS * US_PER_MS) {
		assert_true(frame((uint64_t)i * FRAME_MS, (uint8_t)i));
		uplink_run(&uplink, now);
	}
	assert_int_equal(uplink.audio.len, 10 * FRAME);
	for (int i = 0; i < 10; i++)
		assert_int_equal((uint8_t)uplink.audio.data[i * FRAME], i);
	assert_int_equal(atomic_load(&line->counters.backlog_ms), 200);
	assert_int_equal(counted(&line->counters.dropped_ms), 0);
}

static void beyond_the_backlog_the_oldest_are_skipped_and_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++, now += FRAME_MS * US_PER_MS) {
		frame((uint64_t)i * FRAME_MS, (uint8_t)i);
		uplink_run(&uplink, now);
	}
	assert_int_equal(uplink.audio.len, BACKLOG_MS * 8);
	assert_int_equal((uint8_t)uplink.audio.data[0], 10);
	assert_int_equal(counted(&line->counters.dropped_ms), 200);
}

static void missing_frames_become_silence_before_the_next(void **state)
{
	(void)state;
	frame(0, 1);
	now += 120 * US_PER_MS;
	frame(120, 2);
	assert_int_equal(uplink.audio.len, 2 * FRAME + 100 * 8);
	assert_int_equal((uint8_t)uplink.audio.data[FRAME], 0xff);
	assert_int_equal((uint8_t)uplink.audio.data[FRAME + 100 * 8], 2);
	assert_int_equal(counted(&line->counters.padded_ms), 100);
}

static void frames_that_stop_while_the_caller_speaks_are_padded_once(void **state)
{
	(void)state;
	atomic_store(&line->caller_speaking, true);
	frame(0, 1);
	now = uplink_deadline_us(&uplink);
	uplink_run(&uplink, now);
	assert_int_equal(counted(&line->counters.padded_ms), 0);
	now = uplink_deadline_us(&uplink);
	uplink_run(&uplink, now);
	uplink_run(&uplink, now + 5 * (int64_t)US_PER_S);
	assert_int_equal(counted(&line->counters.padded_ms), LATENESS_PAD_MS);
}

static void audio_that_aged_in_our_own_socket_is_skipped(void **state)
{
	char waiting[2000] = "";

	(void)state;
	frame(0, 1);
	/* Two seconds late, and more is waiting behind it: we are the slow ones. */
	assert_int_equal(write(sockets[1], waiting, sizeof waiting), sizeof waiting);
	now += 20 * US_PER_MS + 2 * (int64_t)US_PER_S;
	assert_true(frame(20, 2));
	assert_int_equal(counted(&line->counters.dropped_ms), FRAME_MS);
	assert_int_equal(uplink.audio.len, FRAME);
}

static void audio_that_twilio_sends_late_is_as_fresh_as_it_gets(void **state)
{
	(void)state;
	frame(0, 1);
	now += 20 * US_PER_MS + 2 * (int64_t)US_PER_S;
	assert_true(frame(20, 2));
	assert_int_equal(counted(&line->counters.dropped_ms), 0);
	assert_int_equal(uplink.audio.len, 2 * FRAME);
}

static void nonsense_is_not_taken_for_audio(void **state)
{
	struct phone_event e = { .type = PHONE_AUDIO, .audio = { "\"@@@@" + 1, 4 } };

	(void)state;
	assert_false(uplink_frame(&uplink, &e, now));
	assert_int_equal(uplink.audio.len, 0);
	assert_int_equal(counted(&line->counters.frames_in), 0);
}

static int low_water(void)
{
	int value = 0;
	socklen_t size = sizeof value;

	getsockopt(sockets[0], SOL_SOCKET, SO_RCVLOWAT, &value, &size);
	return value;
}

static void the_valve_opens_while_audio_runs_late_and_closes_after(void **state)
{
	uint64_t at = 0;
	int i;

	(void)state;
	frame(at, 0);
	/* Each frame 80 ms late. */
	now += 80 * US_PER_MS;
	for (i = 0; i < 50 && !uplink.valve_open; i++) {
		at += FRAME_MS;
		now += FRAME_MS * US_PER_MS;
		frame(at, 0);
	}
	assert_true(uplink.valve_open);
	assert_true(i > 3);
	assert_true(low_water() > FRAME);
	assert_true(uplink_deadline_us(&uplink) < now + US_PER_S);
	/* In time again. */
	now -= 80 * US_PER_MS;
	for (i = 0; i < 1000 && uplink.valve_open; i++) {
		at += FRAME_MS;
		now += FRAME_MS * US_PER_MS;
		frame(at, 0);
	}
	assert_false(uplink.valve_open);
	assert_true(i > 50);
	assert_int_equal(low_water(), 1);
}

static void a_shut_valve_stays_shut_and_an_open_one_open(void **state)
{
	(void)state;
	cfg.uplink_batch = UPLINK_20;
	for (int i = 0; i < 50; i++) {
		frame((uint64_t)i * FRAME_MS, 0);
		now += 100 * US_PER_MS;
	}
	assert_false(uplink.valve_open);
	cfg.uplink_batch = UPLINK_40;
	frame(1000, 0);
	assert_true(uplink.valve_open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	TEST(frames_wait_in_order_while_the_model_is_away),
	TEST(beyond_the_backlog_the_oldest_are_skipped_and_counted),
	TEST(missing_frames_become_silence_before_the_next),
	TEST(frames_that_stop_while_the_caller_speaks_are_padded_once),
	TEST(audio_that_aged_in_our_own_socket_is_skipped),
	TEST(audio_that_twilio_sends_late_is_as_fresh_as_it_gets),
	TEST(nonsense_is_not_taken_for_audio),
	TEST(the_valve_opens_while_audio_runs_late_and_closes_after),
	TEST(a_shut_valve_stays_shut_and_an_open_one_open),
	{ 0 },
};
