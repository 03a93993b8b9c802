/* Play-out without threads: records in, frames out, time given by hand. */
#include "common/clock.h"
#include "common/ws_frame.h"
#include "audio/g711.h"
#include "server/caller/playout.h"
#include "server/stats/stats.h"
#include "tests/peers/silent_channel.h"
#include "tests/unit.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { LEAD_MS = 400 };

static struct config cfg;
static struct call *line;
static struct buf out;
static struct playout playout;
static int64_t now;
static struct from_cut cut_told;

/* Over the channel that the table names, or one of sound. */
static int begin(void **state)
{
	cfg = (struct config){ .playout_lead_ms = LEAD_MS };
	memset(&stats, 0, sizeof stats);
	line = aligned_alloc(_Alignof(struct call), sizeof *line);
	memset(line, 0, sizeof *line);
	line->cfg = &cfg;
	line->channel = *state ? *state : &silent_channel;
	strcpy(line->stream.id, "MZ1");
	now = 1000 * US_PER_S;
	buf_init(&out, 0);
	if (call_open(line))
		return -1;
	playout_init(&playout, line, &out);
	playout_start(&playout);
	return 0;
}

static int end(void **state)
{
	(void)state;
	speech_close(&playout.speech);
	buf_free(&playout.message);
	buf_free(&out);
	call_close(line);
	free(line);
	return 0;
}

/* What the agent loop does: `ms` of audio, each byte the item's number. */
static void queue(uint32_t no, size_t ms)
{
	struct to_audio head = { .no = no };
	uint8_t audio[8000];

	memset(audio, (int)no, sizeof audio);
	assert_true(ring_put2(&line->to_caller, TO_AUDIO, &head, sizeof head, audio, ms * G711_BYTES_PER_MS));
}

static void queue_end(uint32_t no)
{
	assert_true(ring_put(&line->to_caller, TO_ITEM_END, &no, sizeof no));
}

static void cut(void)
{
	atomic_store(&line->stale_to, ring_written(&line->to_caller));
	atomic_store(&line->cut_asked_us, now);
	atomic_fetch_add(&line->cuts_wanted, 1);
}

/* What was sent since the last time. */
struct sent {
	size_t bytes[10]; /* of audio, by item */
	int pieces, clears, marks, tones;
	char last_mark[64];
	bool audio_after_clear;
};

static ssize_t read_out(void *arg, uint8_t *to, size_t size)
{
	size_t *at = arg;
	size_t n = out.len - *at < size ? out.len - *at : size;

	if (!n)
		return -EAGAIN;
	memcpy(to, out.data + *at, n);
	*at += n;
	return (ssize_t)n;
}

static void take(const char *text, struct sent *sent)
{
	size_t bytes;
	int first;

	if (sscanf(text, "audio MZ1 %zu %d", &bytes, &first) == 2 && first == MULAW_SILENCE) {
		assert_int_equal(
		    bytes, HOLD_TONE_MS * G711_BYTES_PER_MS); /* it begins softly, and no item is called so */
		sent->tones++;
	} else if (sscanf(text, "audio MZ1 %zu %d", &bytes, &first) == 2) {
		sent->bytes[first] += bytes;
		sent->pieces++;
		if (sent->clears)
			sent->audio_after_clear = true;
	} else if (sscanf(text, "mark MZ1 %63s", sent->last_mark) == 1) {
		sent->marks++;
	} else {
		assert_string_equal(text, "clear MZ1");
		sent->clears++;
	}
}

static struct sent look(void)
{
	struct sent sent = { 0 };
	struct ws_reader *reader;
	struct ws_message frame;
	size_t at = 0;

	assert_int_equal(ws_reader_open(&reader, false, 65536, read_out, &at), 0);
	while (ws_reader_next(reader, &frame) == 1)
		take(frame.data, &sent);
	ws_reader_close(reader);
	buf_reset(&out);
	return sent;
}

static struct sent run(void)
{
	playout_run(&playout, now);
	return look();
}

static void echo(const char *mark)
{
	playout_echo(&playout, (struct span){ mark, strlen(mark) }, now);
}

/* The next record told to the agent loop; its body is copied to `body`. */
static enum from_caller_type told(void *body, size_t size)
{
	struct ring_message r;
	enum from_caller_type type;

	if (!ring_next(&line->from_caller, &r))
		return 0;
	assert_true(r.len <= size);
	memcpy(body, r.body, r.len);
	type = (enum from_caller_type)r.type;
	ring_pop(&line->from_caller);
	return type;
}

/* `ms` of the item are queued and go out, and its beginning is told of. */
static void begin_item(uint32_t no, size_t ms)
{
	struct from_first_audio first;

	queue(no, ms);
	run();
	assert_int_equal(told(&first, sizeof first), FROM_FIRST_AUDIO);
}

/* An item of 100 ms goes out to its end; what was sent. */
static struct sent send_item(void)
{
	struct from_first_audio first;
	struct sent sent;

	queue(1, 100);
	queue_end(1);
	sent = run();
	assert_int_equal(told(&first, sizeof first), FROM_FIRST_AUDIO);
	return sent;
}

/* What is told of a cut and the like, kept in cut_told. */
static void expect_told(enum from_caller_type type)
{
	assert_int_equal(told(&cut_told, sizeof cut_told), type);
}

static void audio_goes_out_up_to_the_lead_and_no_further(void **state)
{
	struct sent sent;

	(void)state;
	queue(1, 1000);
	queue(1, 1000);
	sent = run();
	assert_in_range(sent.bytes[1], LEAD_MS * 8, LEAD_MS * 8 + 160);
	assert_int_equal(run().bytes[1], 0);
	now += 100 * US_PER_MS;
	sent = run();
	assert_in_range(sent.bytes[1], 1, 1600);
}

/* However often the loop is woken. */
static void a_long_answer_goes_out_in_few_messages(void **state)
{
	int pieces = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		queue(1, 1000);
	pieces += run().pieces;
	for (int i = 0; i < 150; i++) {
		now += 20 * US_PER_MS;
		pieces += run().pieces;
		assert_true(ledger_lead_us(&playout.ledger, now) > (LEAD_MS - 100) * US_PER_MS);
	}
	assert_in_range(pieces, 30, 36);
	/* Nor is the loop woken more often when frames stop coming, nor too late. */
	assert_in_range(playout_deadline_us(&playout), now + 60 * US_PER_MS, now + 140 * US_PER_MS);
}

/* In the middle of an item the caller hears nothing more: told once, when the phone's
 * marks prove it, or a while after it must be so. */
static void a_phone_that_has_nothing_to_play_in_the_middle_of_an_item_is_told_of(void **state)
{
	struct from_dry dry;
	struct sent sent;

	(void)state;
	queue(1, 100);
	sent = run();
	expect_told(FROM_FIRST_AUDIO);
	now += 100 * US_PER_MS;
	run();
	assert_int_equal(told(&dry, sizeof dry), 0); /* it may play late */
	assert_true(playout_deadline_us(&playout) <= now + LEDGER_UNCONFIRMED_US);
	now += 300 * US_PER_MS;
	echo(sent.last_mark);
	now = playout_deadline_us(&playout);
	run();
	assert_int_equal(told(&dry, sizeof dry), FROM_DRY);
	assert_int_equal(dry.no, 1);
	assert_int_equal(dry.bytes, 800);
	now += US_PER_S;
	run();
	assert_int_equal(told(&dry, sizeof dry), 0);
	/* More of it comes, and its marks do not come back. */
	queue(1, 100);
	run();
	now += 99 * US_PER_MS + LEDGER_UNCONFIRMED_US;
	run();
	assert_int_equal(told(&dry, sizeof dry), 0);
	now += US_PER_MS;
	run();
	assert_int_equal(told(&dry, sizeof dry), FROM_DRY);
	assert_int_equal(dry.bytes, 1600);
	/* At its end it is heard, and not missed. */
	queue_end(1);
	run();
	assert_int_equal(told(&cut_told, sizeof cut_told), FROM_HEARD);
	assert_int_equal(told(&dry, sizeof dry), 0);
}

static void the_deadline_keeps_pace_when_frames_stop_coming(void **state)
{
	int64_t due;

	(void)state;
	queue(1, 1000);
	run();
	due = playout_deadline_us(&playout);
	assert_true(due > now && due < now + LEAD_MS * US_PER_MS);
	now = due;
	assert_true(run().bytes[1] > 0);
}

static void a_cut_skips_what_is_stale_sends_clear_and_tells_what_was_heard(void **state)
{
	struct from_first_audio first;
	struct sent sent;

	(void)state;
	queue(1, 900);
	queue_end(1);
	queue(2, 500);
	sent = run();
	assert_true(sent.marks > 0);
	assert_int_equal(told(&first, sizeof first), FROM_FIRST_AUDIO);
	/* The phone has played the first 20 ms, then 100 ms pass. */
	echo("g0.1");
	now += 100 * US_PER_MS;
	cut();
	queue(3, 50);
	sent = run();
	assert_int_equal(sent.clears, 1);
	assert_int_equal(sent.bytes[1] + sent.bytes[2], 0);
	assert_int_equal(sent.bytes[3], 50 * 8);
	assert_true(sent.audio_after_clear);
	expect_told(FROM_CUT);
	assert_int_equal(cut_told.cut, 1);
	assert_int_equal(cut_told.count, 1);
	assert_int_equal(cut_told.items[0].no, 1);
	assert_int_equal(cut_told.items[0].heard_ms, 120);
}

/* No audio was playing, so there is none to tell of. */
static void cut_nothing(int clears)
{
	cut();
	assert_int_equal(run().clears, clears);
	expect_told(FROM_CUT);
	assert_int_equal(cut_told.count, 0);
}

static void a_cut_with_nothing_playing_sends_no_clear_and_says_so(void **state)
{
	(void)state;
	run();
	cut_nothing(0);
}

static void two_cuts_before_one_look_are_served_as_two(void **state)
{
	(void)state;
	begin_item(1, 900);
	cut();
	cut();
	assert_int_equal(run().clears, 1);
	expect_told(FROM_CUT);
	assert_int_equal(cut_told.cut, 2);
	assert_int_equal(run().clears, 0);
	assert_int_equal(told(&cut_told, sizeof cut_told), 0);
}

static void echoes_of_marks_flushed_by_a_clear_prove_nothing(void **state)
{
	(void)state;
	begin_item(1, 900);
	cut();
	run();
	expect_told(FROM_CUT);
	assert_int_equal(cut_told.items[0].heard_ms, 0);
	begin_item(2, 900);
	/* Twilio returns all of the first answer's marks now. */
	echo("g0.1");
	echo("g0.2");
	echo("g0.3");
	cut();
	run();
	expect_told(FROM_CUT);
	assert_int_equal(cut_told.items[0].no, 2);
	assert_int_equal(cut_told.items[0].heard_ms, 0);
}

static void an_item_is_told_as_heard_when_its_last_mark_comes_back(void **state)
{
	struct heard heard;
	struct sent sent;

	(void)state;
	sent = send_item();
	assert_int_equal(told(&heard, sizeof heard), 0);
	now += 150 * US_PER_MS;
	echo(sent.last_mark);
	run();
	assert_int_equal(told(&heard, sizeof heard), FROM_HEARD);
	assert_int_equal(heard.heard_ms, 100);
	assert_true(heard.confirmed);
}

static void without_echoes_an_item_counts_as_played_two_seconds_late_and_unconfirmed(void **state)
{
	struct heard heard;

	(void)state;
	send_item();
	now = playout_deadline_us(&playout);
	run();
	assert_int_equal(told(&heard, sizeof heard), FROM_HEARD);
	assert_false(heard.confirmed);
}

static void the_writer_is_asked_to_ring_once_the_ring_is_empty(void **state)
{
	(void)state;
	run();
	queue(1, 20);
	assert_true(ring_wanted(&line->to_caller));
	queue(1, 20);
	assert_false(ring_wanted(&line->to_caller));
}

static void without_marks_the_clock_alone_tells_what_was_heard(void **state)
{
	uint64_t unconfirmed = atomic_load(&stats.turns_marks_unconfirmed);
	struct heard heard;
	struct sent sent;

	(void)state;
	sent = send_item();
	assert_int_equal(sent.bytes[1], 800);
	assert_int_equal(sent.marks, 0);
	assert_int_equal(playout_deadline_us(&playout), now + 100 * US_PER_MS);
	now += 100 * US_PER_MS - 1;
	run();
	assert_int_equal(told(&heard, sizeof heard), 0);
	now++;
	run();
	assert_int_equal(told(&heard, sizeof heard), FROM_HEARD);
	assert_int_equal(heard.heard_ms, 100);
	assert_false(heard.confirmed);
	assert_int_equal(atomic_load(&stats.turns_marks_unconfirmed), unconfirmed);
}

static void a_cut_without_marks_tells_what_the_clock_says(void **state)
{
	(void)state;
	begin_item(1, 900);
	now += 130 * US_PER_MS;
	cut();
	assert_int_equal(run().clears, 1);
	expect_told(FROM_CUT);
	assert_int_equal(cut_told.items[0].heard_ms, 130);
	assert_false(cut_told.items[0].confirmed);
}

static void a_phone_that_stopped_by_itself_has_heard_no_more(void **state)
{
	struct sent sent;

	(void)state;
	begin_item(1, 900);
	echo("g0.1");
	now += 50 * US_PER_MS;
	playout_interrupted(&playout, NULL, 0, -1, now);
	expect_told(FROM_INTERRUPTED);
	assert_int_equal(cut_told.count, 1);
	assert_int_equal(cut_told.items[0].heard_ms, 70);
	/* No time that passes after it, and no mark of before, makes it more. */
	now += 50 * US_PER_MS;
	echo("g0.2");
	cut();
	queue(2, 50);
	sent = run();
	assert_int_equal(sent.bytes[1], 0);
	assert_int_equal(sent.bytes[2], 400);
	assert_int_equal(sent.clears, 0); /* it holds nothing */
	expect_told(FROM_CUT);
	assert_int_equal(cut_told.count, 0);
}

static void leaving_tells_what_was_heard(void **state)
{
	(void)state;
	begin_item(1, 900);
	echo("g0.1");
	playout_leave(&playout, now);
	expect_told(FROM_LEFT);
	assert_int_equal(cut_told.count, 1);
	assert_int_equal(cut_told.items[0].heard_ms, 20);
}

/* ----------------------------------------------------------------- on a channel of text */

static void say_as(enum to_caller_type type, uint32_t no, const char *text)
{
	struct to_audio head = { .no = no };

	assert_true(ring_put2(&line->to_caller, (uint8_t)type, &head, sizeof head, text, strlen(text)));
}

static void say(uint32_t no, const char *text)
{
	say_as(TO_AUDIO, no, text);
}

/* What goes to the phone now, message by message, with a bar behind each. */
static const char *texts(void)
{
	static char all[4000];
	struct ws_reader *reader;
	struct ws_message frame;
	size_t at = 0;

	all[0] = '\0';
	playout_run(&playout, now);
	assert_int_equal(ws_reader_open(&reader, false, 65536, read_out, &at), 0);
	while (ws_reader_next(reader, &frame) == 1) {
		assert_true(strlen(all) + frame.len + 2 < sizeof all);
		strcat(strcat(all, frame.data), "|");
	}
	ws_reader_close(reader);
	buf_reset(&out);
	return all;
}

static void interrupted(const char *text)
{
	playout_interrupted(&playout, text, text ? strlen(text) : 0, -1, now);
}

static void spoken(const char *text)
{
	playout_spoken(&playout, text, strlen(text), now);
}

/* The next record, which must be FROM_INTERRUPTED; its words, or "". What was heard is in cut_told. */
static const char *told_interrupted(void)
{
	static char text[2000];
	struct ring_message r;

	assert_true(ring_next(&line->from_caller, &r));
	assert_int_equal(r.type, FROM_INTERRUPTED);
	assert_true(r.len >= sizeof cut_told && r.len - sizeof cut_told < sizeof text);
	memcpy(&cut_told, r.body, sizeof cut_told);
	memcpy(text, (const char *)r.body + sizeof cut_told, r.len - sizeof cut_told);
	text[r.len - sizeof cut_told] = '\0';
	ring_pop(&line->from_caller);
	return text;
}

static void expect_item(size_t i, uint32_t no, size_t bytes, bool confirmed)
{
	assert_true(i < cut_told.count);
	assert_int_equal(cut_told.items[i].no, no);
	assert_int_equal(cut_told.items[i].heard_ms, bytes * SPOKEN_MS_PER_BYTE);
	assert_int_equal(cut_told.items[i].confirmed, confirmed);
}

static void expect_heard(uint32_t no, size_t bytes, bool confirmed)
{
	struct heard heard;

	assert_int_equal(told(&heard, sizeof heard), FROM_HEARD);
	assert_int_equal(heard.no, no);
	assert_int_equal(heard.heard_ms, bytes * SPOKEN_MS_PER_BYTE);
	assert_int_equal(heard.confirmed, confirmed);
}

/* "We open at nine." is sent, and told to have begun. */
static void say_we_open(void)
{
	struct from_first_audio first;

	say(1, "We open ");
	say(1, "at nine.");
	queue_end(1);
	assert_string_equal(texts(), "text MZ1 We open |text MZ1 at nine.|text MZ1 .|");
	assert_int_equal(told(&first, sizeof first), FROM_FIRST_AUDIO);
}

/* ------------------------------------------------------------------ the hold tone */

static void wait_from_now_on(void)
{
	cfg.hold_after_ms = 2500;
	atomic_store(&line->waits_since_us, now);
}

/* The caller waits, and a tone has just begun. */
static void begin_tone(void)
{
	wait_from_now_on();
	run();
	now += 2500 * US_PER_MS;
	assert_int_equal(run().tones, 1);
}

static void a_caller_who_waits_hears_a_tone_every_two_seconds(void **state)
{
	int64_t since = now;
	struct sent sent;

	(void)state;
	wait_from_now_on();
	assert_int_equal(run().tones, 0);
	for (int i = 0; i < 3; i++) {
		int64_t due = since + 2500 * US_PER_MS + i * HOLD_EVERY_US;

		assert_int_equal(playout_deadline_us(&playout), due);
		now = due - 1;
		assert_int_equal(run().tones, 0);
		now = due;
		sent = run();
		assert_int_equal(sent.tones, 1);
		assert_int_equal(sent.marks + sent.clears, 0);
		assert_int_equal(run().tones, 0);
	}
	assert_int_equal(told(&cut_told, sizeof cut_told), 0);
	assert_int_equal(playout.ledger.sent, 0);
	assert_false(playout.any_audio);
	assert_int_equal(stat_get(audio_hold_tones), 3);
	atomic_store(&line->waits_since_us, 0);
	now += 10 * (int64_t)US_PER_S;
	assert_int_equal(run().tones, 0);
	assert_int_equal(playout_deadline_us(&playout), INT64_MAX);
	atomic_store(&line->waits_since_us, now);
	cfg.hold_after_ms = 0; /* nobody wants it */
	now += 10 * (int64_t)US_PER_S;
	assert_int_equal(run().tones, 0);
}

static void a_tone_stops_for_what_is_said(void **state)
{
	struct heard heard;
	struct sent sent;

	(void)state;
	begin_tone();
	now += 100 * US_PER_MS;
	sent = send_item();
	assert_int_equal(sent.clears, 1);
	assert_true(sent.audio_after_clear);
	assert_int_equal(sent.bytes[1], 800);
	assert_int_equal(sent.tones, 0);
	now += 100 * US_PER_MS;
	echo(sent.last_mark); /* the generation is still the same */
	run();
	assert_int_equal(told(&heard, sizeof heard), FROM_HEARD);
	assert_true(heard.confirmed);
	assert_int_equal(heard.heard_ms, 100);
	/* One that is over need not be stopped. */
	now += 10 * (int64_t)US_PER_S;
	assert_int_equal(run().tones, 1);
	now += HOLD_TONE_MS * US_PER_MS;
	queue(2, 100);
	assert_int_equal(run().clears, 0);
}

static void a_tone_stops_at_a_cut_and_at_the_end(void **state)
{
	(void)state;
	begin_tone();
	cut_nothing(1);
	now += HOLD_EVERY_US;
	assert_int_equal(run().tones, 1);
	now += HOLD_TONE_MS * US_PER_MS;
	cut_nothing(0);
	now += HOLD_EVERY_US;
	assert_int_equal(run().tones, 1);
	playout_leave(&playout, now);
	assert_int_equal(look().clears, 1);
}

static void no_tone_sounds_while_there_is_something_to_hear(void **state)
{
	struct sent sent;

	(void)state;
	cfg.hold_after_ms = 100;
	atomic_store(&line->waits_since_us, now);
	queue(1, 1000);
	begin_item(1, 1000);
	for (int i = 0; i < 20; i++) {
		assert_int_equal((sent = run()).tones, 0);
		now += 100 * US_PER_MS;
	}
	/* All has been sent; the phone may have heard it. */
	assert_int_equal(run().tones, 0);
	echo(sent.last_mark);
	assert_int_equal(run().tones, 0);
	/* In the middle of an item, too, but only once the phone must have nothing left. */
	now += 300 * US_PER_MS + LEDGER_UNCONFIRMED_US;
	assert_int_equal(run().tones, 1);
}

static void a_phone_that_stopped_by_itself_hears_no_tone_before_its_cut(void **state)
{
	(void)state;
	begin_tone();
	playout_interrupted(&playout, NULL, 0, -1, now);
	expect_told(FROM_INTERRUPTED);
	assert_int_equal(look().clears, 1);
	now += 5 * (int64_t)US_PER_S;
	assert_int_equal(run().tones, 0);
	cut();
	assert_int_equal(run().tones, 1);
}

static int begin_said(void **state)
{
	if (begin(state))
		return -1;
	say_we_open();
	return 0;
}

static void text_goes_out_at_once_and_its_end_behind_it(void **state)
{
	(void)state;
	assert_true(playout.resting);
	/* However long it is, and in the order of all else. */
	say(2, "One");
	ring_put(&line->to_caller, TO_LANGUAGE, "es-ES", 5);
	ring_put(&line->to_caller, TO_PLAY, "https://a.example/x.mp3", 23);
	say(2, "dos");
	ring_put(&line->to_caller, TO_KEYS, "1w2#", 4);
	assert_string_equal(
	    texts(), "text MZ1 One|language MZ1 es-ES|play MZ1 https://a.example/x.mp3|text MZ1 dos|keys MZ1 1w2#|");
	queue_end(2);
	assert_string_equal(texts(), "text MZ1 .|");
}

static void an_item_without_text_has_no_end_on_the_wire(void **state)
{
	(void)state;
	queue_end(7);
	assert_string_equal(texts(), "");
}

static void a_greeting_is_the_phones_own_and_only_noted(void **state)
{
	struct from_first_audio first;

	(void)state;
	say_as(TO_GREETED, 1, "Hello, how can I help?");
	queue_end(1);
	assert_string_equal(texts(), "");
	assert_int_equal(told(&first, sizeof first), FROM_FIRST_AUDIO);
	interrupted("hello how");
	assert_string_equal(told_interrupted(), "");
	expect_item(0, 1, 10, true);
}

static void words_the_phone_has_spoken_are_proof(void **state)
{
	(void)state;
	spoken("we open");
	texts();
	assert_int_equal(told(&cut_told, sizeof cut_told), 0);
	now += 10 * US_PER_MS;
	spoken("at nine"); /* the rest … */
	texts();
	expect_heard(1, 16, true);
	say(2, "Come in now.");
	queue_end(2);
	texts();
	expect_told(FROM_FIRST_AUDIO);
	spoken("come in");
	spoken("come in now"); /* … or all so far */
	texts();
	expect_heard(2, 12, true);
	assert_int_equal(stat_get(relay_unmatched), 0);
}

static void without_an_account_text_counts_as_played_two_seconds_late(void **state)
{
	(void)state;
	assert_int_equal(
	    playout_deadline_us(&playout), now + 16 * SPOKEN_MS_PER_BYTE * US_PER_MS + LEDGER_UNCONFIRMED_US);
	now = playout_deadline_us(&playout) - 1;
	texts();
	assert_int_equal(told(&cut_told, sizeof cut_told), 0);
	now++;
	texts();
	expect_heard(1, 16, false);
	assert_int_equal(stat_get(turns_marks_unconfirmed), 0);
}

static void a_phone_that_is_silent_has_spoken_all_a_little_later(void **state)
{
	(void)state;
	now += 600 * US_PER_MS;
	playout_quiet(&playout, now);
	assert_int_equal(playout_deadline_us(&playout), now + SPEECH_QUIET_US);
	texts();
	assert_int_equal(told(&cut_told, sizeof cut_told), 0);
	now += SPEECH_QUIET_US;
	texts();
	expect_heard(1, 16, true);
}

/* It was silent because it was interrupted, and says so only now. */
static void silence_before_an_interruption_proves_nothing(void **state)
{
	(void)state;
	now += 400 * US_PER_MS;
	playout_quiet(&playout, now);
	now += 100 * US_PER_MS;
	interrupted("We open");
	assert_string_equal(told_interrupted(), "");
	expect_item(0, 1, 7, true);
	now += US_PER_S;
	texts();
	assert_int_equal(told(&cut_told, sizeof cut_told), 0);
}

static void silence_says_nothing_of_text_that_was_just_sent(void **state)
{
	(void)state;
	now += 100 * US_PER_MS;
	playout_quiet(&playout, now);
	now += SPEECH_QUIET_US;
	texts();
	assert_int_equal(told(&cut_told, sizeof cut_told), 0);
}

static void an_interruption_cuts_at_the_word_it_names(void **state)
{
	(void)state;
	now += 5 * US_PER_S / 10;
	interrupted("we OPEN at");
	assert_string_equal(told_interrupted(), "");
	assert_int_equal(cut_told.count, 1);
	expect_item(0, 1, 10, true);
	assert_int_equal(stat_get(relay_unmatched), 0);
}

/* After "We open at nine." another item, which has begun to be spoken. */
static void second_is_interrupted(const char *words, const char *heard)
{
	say(2, words);
	texts();
	expect_told(FROM_FIRST_AUDIO);
	interrupted(heard);
	told_interrupted();
}

static void an_interruption_in_the_second_item_leaves_the_first_whole(void **state)
{
	(void)state;
	second_is_interrupted("Come in now.", "We open at nine. Come in");
	assert_int_equal(cut_told.count, 2);
	expect_item(0, 1, 16, true);
	expect_item(1, 2, 7, true);
}

static void an_interruption_of_the_second_item_alone_leaves_the_first_whole(void **state)
{
	(void)state;
	second_is_interrupted("Come in now.", "Come");
	expect_item(0, 1, 16, true);
	expect_item(1, 2, 4, true);
}

static void an_interruption_before_a_word_was_heard_leaves_nothing(void **state)
{
	(void)state;
	now += US_PER_S;
	interrupted("");
	told_interrupted();
	expect_item(0, 1, 0, true);
}

static void words_never_sent_are_handed_on_bounded_and_counted(void **state)
{
	(void)state;
	now += 5 * SPOKEN_MS_PER_BYTE * US_PER_MS;
	interrupted("Nous ouvrons \xc3\xa0 neuf heures du matin, tous les jours");
	assert_string_equal(told_interrupted(), "Nous ouvrons \xc3\xa0 "); /* 16 bytes */
	expect_item(0, 1, 5, false);
	assert_int_equal(stat_get(relay_unmatched), 1);
}

static void an_interruption_without_an_account_goes_by_the_clock_and_its_duration(void **state)
{
	(void)state;
	now += 5 * SPOKEN_MS_PER_BYTE * US_PER_MS;
	playout_interrupted(&playout, NULL, 0, 3 * SPOKEN_MS_PER_BYTE, now);
	assert_string_equal(told_interrupted(), "");
	expect_item(0, 1, 3, false);
}

/* Nothing of the old answer may follow, nor of the next one before the agent loop knows of it. */
static void after_an_interruption_nothing_is_sent_before_its_cut(void **state)
{
	(void)state;
	second_is_interrupted("Come", "We open");
	say(2, " in now.");
	ring_put(&line->to_caller, TO_LANGUAGE, "es-ES", 5);
	ring_put(&line->to_caller, TO_KEYS, "1", 1);
	queue_end(2);
	assert_string_equal(texts(), "");
	assert_int_equal(playout_deadline_us(&playout), NEVER_US);
	cut();
	say(3, "Sorry?");
	queue_end(3);
	/* The language holds on; keys would be dialled into the caller's words. */
	assert_string_equal(texts(), "language MZ1 es-ES|text MZ1 Sorry?|text MZ1 .|");
	expect_told(FROM_CUT);
	assert_int_equal(cut_told.count, 0);
}

/* The agent loop counted a cut of its own before it could know of the interruption. */
static void a_cut_from_before_the_interruption_does_not_answer_it(void **state)
{
	(void)state;
	cut();
	interrupted("We open");
	told_interrupted();
	say(2, "Come in.");
	assert_string_equal(texts(), "");
	expect_told(FROM_CUT);
	cut();
	say(3, "Sorry?");
	assert_string_equal(texts(), "text MZ1 Sorry?|");
}

static void a_storm_of_interruptions_is_told_once_an_answer(void **state)
{
	size_t before;

	(void)state;
	interrupted("We");
	before = ring_used(&line->from_caller);
	for (int i = 0; i < 100000; i++)
		interrupted("We open at nine, and nobody ever sent this");
	assert_int_equal(ring_used(&line->from_caller), before);
	cut();
	texts();
	interrupted("");
	assert_true(ring_used(&line->from_caller) > before);
}

/* Text cannot be taken back: it is heard whole, and the next waits behind it. */
static void a_cut_alone_lets_the_phone_speak_on(void **state)
{
	(void)state;
	say(1, "We open at nine");
	texts();
	expect_told(FROM_FIRST_AUDIO);
	cut();
	say(2, "Wait.");
	assert_string_equal(texts(), "text MZ1 .|text MZ1 Wait.|");
	expect_told(FROM_CUT);
	assert_int_equal(cut_told.count, 1);
	expect_item(0, 1, 15, false);
	expect_told(FROM_FIRST_AUDIO);
	now += 16 * SPOKEN_MS_PER_BYTE * US_PER_MS;
	cut_told.count = 0;
	interrupted(NULL);
	told_interrupted();
	expect_item(0, 2, 1, false);
}

/* In the middle of an answer, too; and whatever it says next is said behind that. */
static void a_caller_who_waits_for_words_is_asked_for_a_moment(void **state)
{
	static const char moment[] = " One moment, please.";
	int64_t spoken_us = (int64_t)strlen(moment) * SPOKEN_MS_PER_BYTE * US_PER_MS;

	(void)state;
	say(1, "We open");
	texts();
	expect_told(FROM_FIRST_AUDIO);
	now += 7 * SPOKEN_MS_PER_BYTE * US_PER_MS;
	spoken("We open");
	wait_from_now_on();
	assert_string_equal(texts(), "");
	now += 2500 * US_PER_MS - 1;
	assert_string_equal(texts(), "");
	now++;
	assert_true(playout_deadline_us(&playout) <= now);
	assert_string_equal(texts(), "text MZ1  One moment, please..|");
	now += spoken_us;
	spoken("one moment please");
	assert_string_equal(texts(), "");
	now += 2500 * US_PER_MS;
	assert_string_equal(texts(), "text MZ1  One moment, please..|");
	assert_int_equal(stat_get(audio_hold_words), 2);
	assert_int_equal(stat_get(relay_unmatched), 0);
	atomic_store(&line->waits_since_us, 0);
	say(1, " at nine.");
	queue_end(1);
	assert_string_equal(texts(), "text MZ1  at nine.|text MZ1 .|");
}

static void a_phone_that_takes_no_more_has_the_rest_later(void **state)
{
	static char piece[60001];

	(void)state;
	memset(piece, 'a', sizeof piece - 1);
	for (int i = 0; i < 10; i++)
		say(1, piece);
	playout_run(&playout, now);
	assert_in_range(out.len, 256 * 1024, 330 * 1024);
	assert_false(playout.resting);
	buf_reset(&out);
	playout_run(&playout, now);
	assert_true(out.len > 256 * 1024);
	buf_reset(&out);
	playout_run(&playout, now);
	assert_true(playout.resting);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_OVER(name, channel) cmocka_unit_test_prestate_setup_teardown(name, begin, end, (void *)&channel)

const struct CMUnitTest unit_tests[] = {
	TEST(audio_goes_out_up_to_the_lead_and_no_further),
	TEST(a_long_answer_goes_out_in_few_messages),
	TEST(a_phone_that_has_nothing_to_play_in_the_middle_of_an_item_is_told_of),
	TEST(the_deadline_keeps_pace_when_frames_stop_coming),
	TEST(a_cut_skips_what_is_stale_sends_clear_and_tells_what_was_heard),
	TEST(a_cut_with_nothing_playing_sends_no_clear_and_says_so),
	TEST(two_cuts_before_one_look_are_served_as_two),
	TEST(echoes_of_marks_flushed_by_a_clear_prove_nothing),
	TEST(an_item_is_told_as_heard_when_its_last_mark_comes_back),
	TEST(without_echoes_an_item_counts_as_played_two_seconds_late_and_unconfirmed),
	TEST(the_writer_is_asked_to_ring_once_the_ring_is_empty),
	TEST_OVER(without_marks_the_clock_alone_tells_what_was_heard, silent_channel_without_marks),
	TEST_OVER(a_cut_without_marks_tells_what_the_clock_says, silent_channel_without_marks),
	TEST(a_phone_that_stopped_by_itself_has_heard_no_more),
	TEST(leaving_tells_what_was_heard),
	TEST(a_caller_who_waits_hears_a_tone_every_two_seconds),
	TEST(a_tone_stops_for_what_is_said),
	TEST(a_tone_stops_at_a_cut_and_at_the_end),
	TEST(no_tone_sounds_while_there_is_something_to_hear),
	TEST(a_phone_that_stopped_by_itself_hears_no_tone_before_its_cut),
#define TEST_OF_TEXT(name) TEST_OVER(name, silent_channel_of_text)
#define TEST_SAID(name) cmocka_unit_test_prestate_setup_teardown(name, begin_said, end, (void *)&silent_channel_of_text)
	TEST_SAID(text_goes_out_at_once_and_its_end_behind_it),
	TEST_OF_TEXT(an_item_without_text_has_no_end_on_the_wire),
	TEST_OF_TEXT(a_greeting_is_the_phones_own_and_only_noted),
	TEST_SAID(words_the_phone_has_spoken_are_proof),
	TEST_SAID(without_an_account_text_counts_as_played_two_seconds_late),
	TEST_SAID(a_phone_that_is_silent_has_spoken_all_a_little_later),
	TEST_SAID(silence_before_an_interruption_proves_nothing),
	TEST_SAID(silence_says_nothing_of_text_that_was_just_sent),
	TEST_SAID(an_interruption_cuts_at_the_word_it_names),
	TEST_SAID(an_interruption_in_the_second_item_leaves_the_first_whole),
	TEST_SAID(an_interruption_of_the_second_item_alone_leaves_the_first_whole),
	TEST_SAID(an_interruption_before_a_word_was_heard_leaves_nothing),
	TEST_SAID(words_never_sent_are_handed_on_bounded_and_counted),
	TEST_SAID(an_interruption_without_an_account_goes_by_the_clock_and_its_duration),
	TEST_SAID(after_an_interruption_nothing_is_sent_before_its_cut),
	TEST_SAID(a_cut_from_before_the_interruption_does_not_answer_it),
	TEST_SAID(a_storm_of_interruptions_is_told_once_an_answer),
	TEST_OF_TEXT(a_cut_alone_lets_the_phone_speak_on),
	TEST_OF_TEXT(a_caller_who_waits_for_words_is_asked_for_a_moment),
	TEST_OF_TEXT(a_phone_that_takes_no_more_has_the_rest_later),
	{ 0 },
};
