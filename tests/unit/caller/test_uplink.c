/* The caller's audio before it leaves: kept while the model is away, skipped
 * when too old, filled where it is missing; what sessions get that follow one
 * another; and the valve. */
#include "common/base64.h"
#include "common/clock.h"
#include "common/ws_client.h"
#include "server/stats/stats.h"
#include "server/caller/uplink.h"
#include "server/model/session.h"
#include "server/phone/channel.h"
#include "tests/peers/fake_model.h"
#include "tests/peers/fake_protocol.h"
#include "tests/unit.h"

#include <errno.h>
#include <poll.h>
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

/* The table, stood in for. */
void call_end(struct call *c, enum call_end why)
{
	atomic_store(&c->end, (int)why);
}

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

/* ------------------------------------------------------- one session after another */

static struct fake_model *model;
static struct model_access access_to;
static struct model_session *session;
static size_t lines; /* of audio that the model had, and the test has looked at */
static uint64_t timestamp_ms;
static int next_fill;

static int begin_sessions(void **state)
{
	static const struct fake_answer answers[] = { { "", "created s" }, { "configure", "ready s" }, { 0 } };

	if (begin(state) || model_writer_open(&line->writer))
		return -1;
	memset(&stats, 0, sizeof stats);
	model = fake_model_start(answers);
	fake_model_access(model, &access_to, &cfg);
	session = NULL;
	lines = 0;
	timestamp_ms = 0;
	next_fill = 0;
	return 0;
}

static void lose_session(void)
{
	atomic_store(&line->writer.holder, WRITER_AGENT);
	model_writer_leave(&line->writer);
	uplink.unsent = false;
	model_session_close(session);
	session = NULL;
}

static int end_sessions(void **state)
{
	lose_session();
	fake_model_access_close(&access_to);
	fake_model_stop(model);
	model_writer_close(&line->writer);
	return end(state);
}

/* As the agent loop does; the last session is lost by then. */
static void meet_in(enum audio_format format)
{
	static const struct agent agent = { .openai_model = "m", .instructions = "" };
	static const struct model_wish wish = { .agent = &agent, .instructions = "", .caller = "+1" };

	lose_session();
	session = fake_model_meet(&access_to, &wish);
	while (model_session_flush(session) == -EAGAIN)
		poll(NULL, 0, 1);
	model_writer_meet(
	    &line->writer, model_session_client(session), &fake_protocol, format, line->writer.session + 1);
	atomic_store(&line->writer.holder, WRITER_CALLER);
}

static void meet(void)
{
	meet_in(AUDIO_PCMU);
}

/* A frame that comes in time. */
static void speak(uint8_t fill)
{
	assert_true(frame(timestamp_ms, fill));
	timestamp_ms += FRAME_MS;
	now += FRAME_MS * US_PER_MS;
	uplink_run(&uplink, now);
}

/* The socket is slower than the time of this test. */
static void send_all_of_it(void)
{
	for (int i = 0; uplink.unsent && model_writer_is_held_by(&line->writer, WRITER_CALLER); i++) {
		assert_true(i < 10000);
		poll(&(struct pollfd){ uplink_fd(&uplink), POLLOUT, 0 }, 1, 10);
		uplink_run(&uplink, now);
	}
}

/* The n-th frame of the test is filled with n, and leaves at once. */
static void hear(int frames)
{
	for (int i = 0; i < frames; i++) {
		speak((uint8_t)next_fill++);
		send_all_of_it();
	}
}

/* The next thing the model gets: `bytes` of audio, which begin with the n-th frame. */
static void expect_heard(int bytes, int nth)
{
	char line_of[64], expected[64];

	send_all_of_it();
	fake_model_wait(model, "hear", lines + 1);
	fake_model_line(model, "hear", lines++, line_of, sizeof line_of);
	snprintf(expected, sizeof expected, "hear %d %d", bytes, (nth & 0xff) * 257);
	assert_string_equal(line_of, expected);
}

/* Another session, and the first it gets. */
static void meet_to_hear(int bytes, int nth)
{
	meet();
	uplink_run(&uplink, now);
	expect_heard(bytes, nth);
}

static void expect_frames_one_by_one(int first, int count)
{
	for (int i = 0; i < count; i++)
		expect_heard(FRAME, first + i);
}

static void said_to_frame(int n)
{
	atomic_store(&line->said_to, (uint64_t)n * FRAME);
}

/* The first session gets so many frames; the conversation holds these. */
static void meet_and_say(int frames, int held)
{
	meet();
	hear(frames);
	expect_frames_one_by_one(0, frames);
	said_to_frame(held);
}

static void what_was_said_since_is_sent_again_to_the_next_session(void **state)
{
	(void)state;
	meet_and_say(10, 4);
	meet();
	hear(1);
	expect_heard(7 * FRAME, 4); /* as it was said, with what came meanwhile behind it */
	hear(1);
	expect_heard(FRAME, 11);
	assert_int_equal(line->uplink_base, 4 * FRAME);
	assert_int_equal(call_position(line, 20), 5 * FRAME);
	assert_int_equal(uplink.sent, 12 * FRAME);
	assert_int_equal(call_position_us(line, 11 * FRAME), now - FRAME_MS * US_PER_MS);
	assert_int_equal(call_said_by(line, now - 2 * FRAME_MS * US_PER_MS), 10 * FRAME);
	assert_int_equal(stat_get(audio_resent_ms), 6 * FRAME_MS);
	assert_int_equal(counted(&line->counters.dropped_ms), 0);
	assert_int_equal(atomic_load(&line->counters.backlog_ms), 0);
}

static void first_session_gets_nothing_twice(void **state)
{
	(void)state;
	hear(3);
	meet();
	hear(1);
	expect_heard(4 * FRAME, 0);
	assert_int_equal(line->uplink_base, 0);
	assert_int_equal(stat_get(audio_resent_ms), 0);
}

static void what_need_not_be_sent_again_is_not(void **state)
{
	(void)state;
	meet_and_say(10, 10);
	meet();
	uplink_run(&uplink, now);
	assert_int_equal(line->uplink_base, 10 * FRAME);
	hear(1);
	expect_heard(FRAME, 10);
	assert_int_equal(stat_get(audio_resent_ms), 0);
	assert_int_equal(counted(&line->counters.dropped_ms), 0);
}

static void position_beyond_what_was_sent_keeps_what_waits(void **state)
{
	(void)state;
	meet_and_say(2, 1000);
	lose_session();
	hear(3);
	assert_int_equal(uplink_waiting(&uplink), 3 * FRAME);
	meet_to_hear(3 * FRAME, 2);
	assert_int_equal(line->uplink_base, 2 * FRAME);
	assert_int_equal(counted(&line->counters.dropped_ms), 0);
}

static void two_sessions_lost_in_a_row_lose_nothing(void **state)
{
	(void)state;
	meet_and_say(5, 2);
	for (int i = 0; i < 3; i++) {
		meet_to_hear(3 * FRAME, 2);
		assert_int_equal(line->uplink_base, 2 * FRAME);
		assert_int_equal(uplink.sent, 5 * FRAME);
	}
	said_to_frame(4);
	meet_to_hear(FRAME, 4);
	assert_int_equal(stat_get(audio_resent_ms), (3 * 3 + 1) * FRAME_MS);
}

static void session_that_takes_nothing_yet_is_followed_by_one_that_gets_all(void **state)
{
	static char noise[40 * 1024];

	(void)state;
	meet_and_say(5, 3);
	meet();
	memset(noise, 'x', sizeof noise);
	assert_int_equal(ws_client_send_text(line->writer.client, noise, sizeof noise), 0);
	speak((uint8_t)next_fill++); /* not yet */
	assert_int_equal(uplink_waiting(&uplink), 3 * FRAME);
	assert_int_equal(line->uplink_base, 3 * FRAME);
	meet();
	hear(1);
	expect_heard(4 * FRAME, 3);
	assert_int_equal(line->uplink_base, 3 * FRAME);
	assert_int_equal(counted(&line->counters.dropped_ms), 0);
}

/* Nothing goes out from now on: the model does not read, and what lies between is full. */
static void fill_connection(void)
{
	static char noise[1024 * 1024];
	int fd = ws_client_fd(line->writer.client), small = 4096;

	fake_model_rest(model, true);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
	memset(noise, 'x', sizeof noise);
	assert_int_equal(ws_client_send_text(line->writer.client, noise, sizeof noise), 0);
	uplink.unsent = true;
}

static void model_that_takes_nothing_for_two_seconds_is_lost(void **state)
{
	(void)state;
	meet_and_say(5, 3);
	for (int i = 0; i < 2; i++) {
		fill_connection();
		for (int j = 0; j < 98; j++)
			speak(5);
		assert_int_equal(atomic_load(&line->writer.failed), 0);
		fake_model_rest(model, false); /* it takes all of it, and the time begins anew */
		send_all_of_it();
	}
	fill_connection();
	for (int j = 0; j < 102; j++)
		speak(5);
	assert_int_equal(atomic_load(&line->writer.failed), -ETIMEDOUT);
	assert_int_equal(call_ended(line), CALL_NOT_ENDED);
	fake_model_rest(model, false);
}

static void what_is_missing_beyond_the_backlog_is_counted_once(void **state)
{
	(void)state;
	meet();
	hear(60);
	expect_frames_one_by_one(0, 60);
	assert_int_equal(counted(&line->counters.dropped_ms), 0); /* the session has it */
	for (int i = 0; i < 2; i++) {
		meet_to_hear(BACKLOG_MS * 8, 10);
		assert_int_equal(line->uplink_base, 10 * FRAME);
		assert_int_equal(counted(&line->counters.dropped_ms), 10 * FRAME_MS);
	}
	hear(5);
	expect_frames_one_by_one(60, 5);
	meet_to_hear(BACKLOG_MS * 8, 15);
	assert_int_equal(counted(&line->counters.dropped_ms), 15 * FRAME_MS);
}

static void what_was_sent_and_what_waits_are_one_backlog(void **state)
{
	(void)state;
	meet();
	hear(30);
	expect_frames_one_by_one(0, 30);
	lose_session();
	hear(40);
	meet_to_hear(BACKLOG_MS * 8, 20);
	assert_int_equal(counted(&line->counters.dropped_ms), 20 * FRAME_MS);
	/* What waits alone is more: nothing that was sent stays, and the positions go on. */
	lose_session();
	hear(60);
	assert_int_equal(uplink.kept, 0);
	meet_to_hear(BACKLOG_MS * 8, 80);
	assert_int_equal(line->uplink_base, 70 * FRAME);
}

static void silence_in_place_of_missing_frames_is_sent_again_with_them(void **state)
{
	(void)state;
	meet();
	hear(1);
	expect_heard(FRAME, 0);
	timestamp_ms += 100;
	now += 100 * US_PER_MS;
	hear(1);
	expect_heard(FRAME + 100 * 8, 0xff);
	meet_to_hear(2 * FRAME + 100 * 8, 0);
}

/* Each session counts bytes of its own format; a position is one of ours. */
static void session_of_another_format_begins_afresh(void **state)
{
	char first[64], second[64];

	(void)state;
	meet_and_say(10, 5);
	meet_in(AUDIO_PCM);
	uplink_run(&uplink, now);
	assert_int_equal(line->uplink_base, 5 * FRAME);
	fake_model_wait(model, "hear", lines + 1);
	fake_model_line(model, "hear", lines++, first, sizeof first);
	assert_true(atoi(first + 5) > 5 * FRAME * 5);
	/* The same format, but the resampler's past belongs to the session that was lost. */
	meet_in(AUDIO_PCM);
	uplink_run(&uplink, now);
	fake_model_wait(model, "hear", lines + 1);
	fake_model_line(model, "hear", lines++, second, sizeof second);
	assert_string_equal(first, second);
	meet_to_hear(5 * FRAME, 5);
	assert_null(uplink.converter);
}

/* What is kept is moved to the front now and then, and its memory given back. */
static void long_call_keeps_little_and_the_right_thing(void **state)
{
	enum { FRAMES = 2000, KEPT = 40 };
	size_t most = 0;

	(void)state;
	meet();
	for (int i = 0; i < FRAMES; i++) {
		hear(1);
		if (i % 7 == 0 && i > KEPT)
			said_to_frame(i - KEPT);
		most = uplink.audio.len > most ? uplink.audio.len : most;
	}
	assert_true(most < (KEPT + 50) * FRAME);
	lines = FRAMES;
	said_to_frame(FRAMES - KEPT);
	meet_to_hear(KEPT * FRAME, FRAMES - KEPT);
	/* A long turn, and its end. */
	cfg.backlog_ms = 10000;
	hear(450);
	assert_int_equal(uplink.audio.len, (KEPT + 450) * FRAME);
	said_to_frame(FRAMES + 450);
	hear(1);
	assert_true(uplink.audio.len <= FRAME);
	/* The system has it back, unless its pages are larger than that. */
	for (size_t at = 24 * 1024; at < 56 * 1024 && sysconf(_SC_PAGESIZE) <= 16 * 1024; at += 1024)
		assert_int_equal(uplink.audio.data[at], 0);
}

/* ------------------------------------------------------------------- the valve */

static void audio_without_memory_ends_the_call(void **state)
{
	(void)state;
	uplink.audio.max = 10;
	assert_true(frame(0, 1)); /* it is no nonsense */
	assert_int_equal(call_ended(line), END_INTERNAL_ERROR);
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
#define TEST_OF_SESSIONS(name) cmocka_unit_test_setup_teardown(name, begin_sessions, end_sessions)

/* Frames of that fill, of which nothing need be told. */
static void say_and_wait(int frames, uint8_t fill)
{
	for (int i = 0; i < frames; i++)
		speak(fill);
}

static void sound_that_is_gone_is_told_and_silence_is_not(void **state)
{
	(void)state;
	meet();
	hear(30);
	expect_frames_one_by_one(0, 30);
	lose_session();
	say_and_wait(40, MULAW_SILENCE);
	assert_int_equal(atomic_load(&line->gone_to), 20 * FRAME); /* a session had it, and no other can */
	assert_true(call_lost_after(line, 19 * FRAME));
	assert_false(call_lost_after(line, 20 * FRAME));
	said_to_frame(20);
	assert_false(call_lost_after(line, 0)); /* it was written down */
	say_and_wait(60, MULAW_SILENCE);
	said_to_frame(30);
	assert_false(call_lost_after(line, 0));
	say_and_wait(5, 0x20);
	say_and_wait(45, MULAW_SILENCE);
	assert_false(call_lost_after(line, 0));
	say_and_wait(2, MULAW_SILENCE); /* nobody had it, and no position is behind it */
	assert_true(call_lost_after(line, 30 * FRAME));
	assert_false(call_lost_after(line, 30 * FRAME + 1));
}

static void sound_that_the_caller_leaves_behind_is_told(void **state)
{
	(void)state;
	meet();
	hear(10);
	expect_frames_one_by_one(0, 10);
	said_to_frame(10);
	lose_session();
	say_and_wait(3, MULAW_SILENCE);
	uplink_leave(&uplink);
	assert_false(call_lost_after(line, 0));
	say_and_wait(3, 0x20);
	uplink_leave(&uplink);
	assert_true(call_lost_after(line, 0));
}

const struct CMUnitTest unit_tests[] = {
	TEST(frames_wait_in_order_while_the_model_is_away),
	TEST(beyond_the_backlog_the_oldest_are_skipped_and_counted),
	TEST(missing_frames_become_silence_before_the_next),
	TEST(frames_that_stop_while_the_caller_speaks_are_padded_once),
	TEST(audio_that_aged_in_our_own_socket_is_skipped),
	TEST(audio_that_twilio_sends_late_is_as_fresh_as_it_gets),
	TEST(nonsense_is_not_taken_for_audio),
	TEST_OF_SESSIONS(what_was_said_since_is_sent_again_to_the_next_session),
	TEST_OF_SESSIONS(first_session_gets_nothing_twice),
	TEST_OF_SESSIONS(what_need_not_be_sent_again_is_not),
	TEST_OF_SESSIONS(position_beyond_what_was_sent_keeps_what_waits),
	TEST_OF_SESSIONS(two_sessions_lost_in_a_row_lose_nothing),
	TEST_OF_SESSIONS(session_that_takes_nothing_yet_is_followed_by_one_that_gets_all),
	TEST_OF_SESSIONS(model_that_takes_nothing_for_two_seconds_is_lost),
	TEST_OF_SESSIONS(what_is_missing_beyond_the_backlog_is_counted_once),
	TEST_OF_SESSIONS(what_was_sent_and_what_waits_are_one_backlog),
	TEST_OF_SESSIONS(sound_that_is_gone_is_told_and_silence_is_not),
	TEST_OF_SESSIONS(sound_that_the_caller_leaves_behind_is_told),
	TEST_OF_SESSIONS(silence_in_place_of_missing_frames_is_sent_again_with_them),
	TEST_OF_SESSIONS(session_of_another_format_begins_afresh),
	TEST_OF_SESSIONS(long_call_keeps_little_and_the_right_thing),
	TEST(audio_without_memory_ends_the_call),
	TEST(the_valve_opens_while_audio_runs_late_and_closes_after),
	TEST(a_shut_valve_stays_shut_and_an_open_one_open),
	{ 0 },
};
