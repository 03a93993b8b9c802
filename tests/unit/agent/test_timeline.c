#include "server/agent/timeline.h"

#include "server/line/heard.h"
#include "common/json.h"
#include "server/news/journal_json.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct timeline timeline;
static cJSON *turns; /* as they were last shown */

/* The turns as they are read by who asks for them. */
static void show(void)
{
	struct buf out;

	cJSON_Delete(turns);
	buf_init(&out, 0);
	timeline_put_json(&timeline, &out);
	assert_int_equal(buf_error(&out), 0);
	turns = json_parse(buf_text(&out), out.len);
	if (!turns || !cJSON_IsArray(turns))
		fail_msg("not JSON: %s", buf_text(&out));
	assert_false(timeline.dirty);
	buf_free(&out);
}

static const cJSON *turn_no(int no)
{
	const cJSON *turn = cJSON_GetArrayItem(turns, no);

	assert_non_null(turn);
	return turn;
}

static double num(const cJSON *turn, const char *key)
{
	double value = -1e9;

	if (!json_num(turn, key, &value))
		fail_msg("no number %s", key);
	return value;
}

static void say(enum turn_kind kind, const char *item_id, const char *text)
{
	timeline_text(&timeline, timeline_turn(&timeline, kind, item_id, 0), text, true);
}

/* What the agent said, of so much audio. */
static struct turn *say_aloud(const char *item_id, const char *text, uint32_t generated_ms)
{
	struct turn *turn;

	say(TURN_AGENT, item_id, text);
	turn = timeline_find(&timeline, item_id);
	turn->generated_ms = generated_ms;
	return turn;
}

/* Before each test, and after it. */
static int begin_anew(void **state)
{
	(void)state;
	cJSON_Delete(turns);
	turns = NULL;
	timeline_free(&timeline);
	timeline_init(&timeline);
	return 0;
}

/* ------------------------------------------------------------------------- turns */

static void conversation_reads_in_its_order(void **state)
{
	struct turn *turn;

	(void)state;
	turn = timeline_turn(&timeline, TURN_AGENT, "item_1", 120);
	timeline_text(&timeline, turn, "Hello, ", false);
	timeline_text(&timeline, turn, "how can I help?", false);
	timeline_text(&timeline, turn, "Hello, how can I help?", true);
	turn->generated_ms = 2000;
	turn->heard_ms = 2000;
	turn->heard_known = turn->heard_confirmed = true;
	turn->status = "completed";
	turn->after_event_ms = 310;
	say(TURN_CALLER, "item_2", "When do you open?");
	say(TURN_KEYS, "", "12#");
	say(TURN_KEYS, "", "3"); /* without an id each is one of its own */
	show();
	assert_int_equal(cJSON_GetArraySize(turns), 4);

	assert_string_equal(json_str(turn_no(0), "who"), "agent");
	assert_string_equal(json_str(turn_no(0), "item_id"), "item_1");
	assert_string_equal(json_str(turn_no(0), "text"), "Hello, how can I help?");
	assert_string_equal(json_str(turn_no(0), "heard_text"), "Hello, how can I help?");
	assert_string_equal(json_str(turn_no(0), "status"), "completed");
	assert_true(json_bool(turn_no(0), "heard_text_estimated", false));
	assert_true(json_bool(turn_no(0), "heard_confirmed", false));
	assert_false(json_bool(turn_no(0), "interrupted", true));
	assert_true(num(turn_no(0), "at_ms") == 120);
	assert_true(num(turn_no(0), "heard_ms") == 2000);
	assert_true(num(turn_no(0), "answer_after_event_ms") == 310);
	assert_null(json_get(turn_no(0), "answer_after_speech_ms")); /* not known */

	assert_string_equal(json_str(turn_no(1), "who"), "caller");
	assert_null(json_get(turn_no(1), "heard_ms"));
	assert_string_equal(json_str(turn_no(2), "who"), "keys");
	assert_string_equal(json_str(turn_no(2), "text"), "12#");
	assert_true(cJSON_IsNull(json_get(turn_no(2), "item_id")));
	assert_string_equal(json_str(turn_no(3), "text"), "3");
}

static void late_transcript_stands_where_it_was_said(void **state)
{
	(void)state;
	timeline_turn(&timeline, TURN_CALLER, "item_1", 100);
	say(TURN_AGENT, "item_2", "At nine.");
	timeline_turn(&timeline, TURN_CALLER, "item_3", 5000);
	assert_int_equal(timeline_untranscribed(&timeline), 2);
	show();
	assert_true(cJSON_IsNull(json_get(turn_no(0), "text")));

	say(TURN_CALLER, "item_3", "Thanks.");
	assert_true(timeline.dirty);
	assert_int_equal(timeline_untranscribed(&timeline), 1);
	say(TURN_CALLER, "item_1", "When do you open?");
	assert_int_equal(timeline_untranscribed(&timeline), 0);
	show();
	assert_int_equal(cJSON_GetArraySize(turns), 3);
	assert_string_equal(json_str(turn_no(0), "text"), "When do you open?");
	assert_string_equal(json_str(turn_no(1), "text"), "At nine.");
	assert_string_equal(json_str(turn_no(2), "text"), "Thanks.");
}

static void failed_transcript_is_waited_for_no_longer(void **state)
{
	struct turn *turn;

	(void)state;
	turn = timeline_turn(&timeline, TURN_CALLER, "item_1", 0);
	turn->transcript_failed = true;
	assert_int_equal(timeline_untranscribed(&timeline), 0);
	show();
	assert_true(json_bool(turn_no(0), "transcript_failed", false));
}

static void what_was_not_heard_yet_is_not_claimed(void **state)
{
	(void)state;
	say_aloud("item_1", "On its way.", 900);
	show();
	assert_true(cJSON_IsNull(json_get(turn_no(0), "heard_ms")));
	assert_true(cJSON_IsNull(json_get(turn_no(0), "heard_text")));
	assert_string_equal(json_str(turn_no(0), "status"), "in_progress");
}

static void any_text_of_a_stranger_makes_valid_json(void **state)
{
	(void)state;
	say(TURN_CALLER, "item\"\\1", "\"\\\n\t\x01</script>\xe2\x82\xac\xf0\x9f\x98\x80");
	say(TURN_CALLER, "item_2", "broken \xff\xc3");
	show();
	assert_string_equal(json_str(turn_no(0), "text"), "\"\\\n\t\x01</script>\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_string_equal(json_str(turn_no(0), "item_id"), "item\"\\1");
	assert_string_equal(json_str(turn_no(1), "text"), "broken \xef\xbf\xbd\xef\xbf\xbd");
}

static void empty_timeline_is_an_empty_list(void **state)
{
	(void)state;
	show();
	assert_int_equal(cJSON_GetArraySize(turns), 0);
	assert_null(timeline_find(&timeline, ""));
	assert_null(timeline_find(&timeline, "item_1"));
	timeline_text(&timeline, NULL, "nobody's", true);
	timeline_free(&timeline); /* and by begin_anew() once more */
}

/* ------------------------------------------------------------------------ bounds */

static void so_many_turns_are_kept_and_the_rest_counted(void **state)
{
	char first[24], last[24];

	(void)state;
	for (int i = 0; i < TIMELINE_TURNS + 300; i++) {
		char id[24];
		struct turn *turn;

		snprintf(id, sizeof id, "item_%d", i);
		turn = timeline_turn(&timeline, i % 2 ? TURN_AGENT : TURN_CALLER, id, i);
		assert_int_equal(turn != NULL, i < TIMELINE_TURNS);
		timeline_text(&timeline, turn, id, true);
	}
	assert_int_equal(timeline.turns_dropped, 300);
	assert_non_null(timeline_turn(&timeline, TURN_CALLER, "item_0", 0)); /* those kept can be written on */
	show();
	assert_int_equal(cJSON_GetArraySize(turns), TIMELINE_SHOWN_TURNS);
	snprintf(first, sizeof first, "item_%d", TIMELINE_TURNS - TIMELINE_SHOWN_TURNS);
	snprintf(last, sizeof last, "item_%d", TIMELINE_TURNS - 1);
	assert_string_equal(json_str(turn_no(0), "text"), first);
	assert_string_equal(json_str(turn_no(TIMELINE_SHOWN_TURNS - 1), "text"), last);
}

static void a_turn_has_news_when_it_settles_and_only_once(void **state)
{
	struct turn *turn;
	struct call_turn facts;
	struct json_out j;
	struct buf one;

	(void)state;
	assert_int_equal(timeline_next_news(&timeline), -1);
	turn = timeline_turn(&timeline, TURN_CALLER, "item_1", 5);
	timeline_turn(&timeline, TURN_AGENT, "item_2", 6);
	assert_int_equal(timeline_next_news(&timeline), 0);
	assert_int_equal(timeline_next_news(&timeline), 1);
	assert_int_equal(timeline_next_news(&timeline), -1);
	turn = timeline_turn(&timeline, TURN_CALLER, "item_1", 9);
	assert_int_equal(timeline_next_news(&timeline), -1); /* known already */
	timeline_text(&timeline, turn, "Good", false);
	assert_int_equal(timeline_next_news(&timeline), -1); /* still growing */
	timeline_text(&timeline, turn, "Good morning.", true);
	assert_int_equal(timeline_next_news(&timeline), 0); /* its own place, however late */
	assert_int_equal(timeline_next_news(&timeline), -1);
	timeline_settled(&timeline, timeline_find(&timeline, "item_2"));
	assert_int_equal(timeline_next_news(&timeline), 1);
	buf_init(&one, 0);
	timeline_tell(&timeline.turns[0], &facts);
	j = json_out_to(&one);
	journal_put_turn(&j, NULL, &facts);
	assert_string_equal(
	    buf_text(&one), "{\"who\":\"caller\",\"at_ms\":5,\"item_id\":\"item_1\",\"text\":\"Good morning.\"}");
	buf_free(&one);
}

static void text_is_bounded_over_all_turns_together(void **state)
{
	char *text = malloc(10001);
	size_t sum = 0;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 10000);
	text[10000] = '\0';
	for (int i = 0; i < 40; i++) {
		char id[24];

		snprintf(id, sizeof id, "item_%d", i);
		say(TURN_CALLER, id, text);
	}
	for (size_t i = 0; i < timeline.count; i++)
		sum += timeline.turns[i].text.len;
	assert_int_equal(sum, TIMELINE_TEXT);
	assert_int_equal(timeline.text_len, sum);
	assert_int_equal(timeline.text_dropped, 40 * 10000 - TIMELINE_TEXT);
	/* Replaced by less, there is room again. */
	say(TURN_CALLER, "item_0", "short");
	assert_int_equal(timeline.text_len, TIMELINE_TEXT - 10000 + 5);
	say(TURN_CALLER, "item_99", "fits");
	assert_string_equal(buf_text(&timeline_find(&timeline, "item_99")->text), "fits");
	show();
	free(text);
}

static void text_is_never_cut_inside_a_character(void **state)
{
	(void)state;
	for (size_t before = 0; before < 8; before++) {
		char *text = malloc(TIMELINE_TEXT + 64);
		size_t len = before;
		struct turn *turn;

		assert_non_null(text);
		memset(text, 'a', before);
		while (len <= TIMELINE_TEXT) {
			memcpy(text + len, "\xf0\x9f\x98\x80", 4);
			len += 4;
		}
		text[len] = '\0';
		timeline_init(&timeline);
		turn = timeline_turn(&timeline, TURN_CALLER, "item_1", 0);
		timeline_text(&timeline, turn, text, false);
		assert_true(utf8_valid(turn->text.data, turn->text.len));
		assert_in_range(turn->text.len, TIMELINE_TEXT - 3, TIMELINE_TEXT);
		timeline_free(&timeline);
		free(text);
	}
}

/* ------------------------------------------------------------------ heard, as text */

static void heard_text_ends_with_a_whole_word(void **state)
{
	static const char text[] = "We open at nine in the morning.";
	size_t len = sizeof text - 1, last = 0;

	(void)state;
	for (uint32_t ms = 0; ms <= 3000; ms++) {
		size_t heard = timeline_heard_bytes(text, ms, 3000);

		assert_true(heard <= len && heard >= last);
		assert_true(heard == 0 || text[heard] == ' ' || text[heard] == '\0');
		assert_true(heard * 3000 <= len * ms); /* rounded down */
		last = heard;
	}
	assert_int_equal(last, len);
	assert_int_equal(timeline_heard_bytes(text, 0, 3000), 0);
	assert_int_equal(timeline_heard_bytes(text, 700, 3000), 7); /* "We open" */
	assert_int_equal(timeline_heard_bytes(text, 9999, 3000), len);
}

static void heard_text_is_never_cut_inside_a_character(void **state)
{
	static const char *const texts[] = { "\xc3\x9c"
					     "ber \xc3\xa4\xc3\xb6\xc3\xbc \xe2\x82\xac 5",
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "\xf0\x9f\x98\x80 \xf0\x9f\x98\x80\xf0\x9f\x98\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		for (uint32_t ms = 0; ms <= 100; ms++)
			assert_true(utf8_valid(texts[i], timeline_heard_bytes(texts[i], ms, 100)));
}

static void heard_text_of_a_script_without_spaces_is_cut_at_a_character(void **state)
{
	static const char *const texts[] = {
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xa7", /* Japanese, 4 characters */
		"\xe0\xb8\xaa\xe0\xb8\xa7\xe0\xb8\xb1\xe0\xb8\xaa", /* Thai, 4 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_int_equal(timeline_heard_bytes(texts[i], 24, 100), 0);
		assert_int_equal(timeline_heard_bytes(texts[i], 25, 100), 3);
		assert_int_equal(timeline_heard_bytes(texts[i], 60, 100), 6);
		assert_int_equal(timeline_heard_bytes(texts[i], 99, 100), 9);
	}
}

static void turn_is_forming_until_it_is_whole(void **state)
{
	(void)state;
	say(TURN_CALLER, "a", "hello");
	assert_int_equal(timeline_next_forming(&timeline), -1);
	timeline_text(&timeline, timeline_turn(&timeline, TURN_AGENT, "b", 0), "Good ", false);
	timeline_text(&timeline, timeline_find(&timeline, "b"), "day", false);
	assert_int_equal(timeline_next_forming(&timeline), 1);
	assert_int_equal(timeline_next_forming(&timeline), -1);
	timeline_text(&timeline, timeline_find(&timeline, "b"), ", caller", false);
	timeline_text(&timeline, timeline_find(&timeline, "b"), "Good day, caller", true);
	assert_int_equal(timeline_next_forming(&timeline), -1);
}

static void nothing_spoken_is_nothing_heard(void **state)
{
	(void)state;
	assert_int_equal(timeline_heard_bytes("written, never spoken", 0, 0), 0);
	assert_int_equal(timeline_heard_bytes("", 0, 0), 0);
	assert_int_equal(timeline_heard_bytes("", 500, 1000), 0);
	assert_int_equal(timeline_heard_bytes("x", UINT32_MAX - 1, UINT32_MAX), 0);
}

/* "u text|a text|": what timeline_said gives, u the caller's. */
static const char *said(size_t most, size_t bytes)
{
	static char text[256];
	struct fleet_said *said = timeline_said(&timeline, most, bytes);
	size_t len = 0;

	assert_non_null(said);
	text[0] = '\0';
	for (size_t i = 0; i < said->count; i++)
		len += (size_t)snprintf(
		    text + len, sizeof text - len, "%s %s|", said->turns[i].agents ? "a" : "u", said->turns[i].text);
	fleet_said_free(said);
	return text;
}

/* It has no sound, so its response's end is its own; and nobody was told those words. */
static void words_without_sound_end_with_their_response_unheard(void **state)
{
	(void)state;
	say(TURN_AGENT, "item_1", "We are open from nine to five.");
	timeline_turn(&timeline, TURN_AGENT, "item_2", 0)->sound = true;
	say(TURN_CALLER, "item_3", "Hello?");
	assert_ptr_equal(timeline_end_silent(&timeline, "incomplete"), timeline_find(&timeline, "item_1"));
	assert_null(timeline_end_silent(&timeline, "completed"));
	show();
	assert_string_equal(json_str(turn_no(0), "status"), "incomplete");
	assert_string_equal(json_str(turn_no(0), "heard_text"), "");
	assert_true(num(turn_no(0), "heard_ms") == 0);
	assert_string_equal(json_str(turn_no(1), "status"), "in_progress");
	assert_true(cJSON_IsNull(json_get(turn_no(1), "heard_ms")));
	assert_string_equal(timeline_find(&timeline, "item_1")->status, "incomplete");
	assert_string_equal(said(10, 100), "u Hello?|");
}

static void interrupted_answer_shows_what_was_heard_of_it(void **state)
{
	struct turn *turn = say_aloud("item_1", "We open at nine in the morning.", 3000);

	(void)state;
	turn->heard_ms = 1240;
	turn->heard_known = turn->heard_confirmed = turn->interrupted = true;
	turn->status = "cancelled";
	show();
	assert_string_equal(json_str(turn_no(0), "text"), "We open at nine in the morning.");
	assert_string_equal(json_str(turn_no(0), "heard_text"), "We open at");
	assert_true(num(turn_no(0), "heard_ms") == 1240);
	assert_true(num(turn_no(0), "generated_ms") == 3000);
	assert_true(json_bool(turn_no(0), "interrupted", false));
}

/* On a channel of text a time is a place in the text. */
static void heard_text_on_a_channel_of_text_is_exact_or_the_phones_own(void **state)
{
	struct turn *turn = say_aloud("item_1", "W\xc3\xb6 open at nine.", 17 * SPOKEN_MS_PER_BYTE);

	(void)state;
	turn->by_bytes = true;
	turn->heard_known = turn->interrupted = true;
	turn->heard_ms = 10 * SPOKEN_MS_PER_BYTE;
	show();
	assert_string_equal(json_str(turn_no(0), "heard_text"), "W\xc3\xb6 open"); /* by the clock: whole words */
	assert_true(json_bool(turn_no(0), "heard_text_estimated", false));
	turn->heard_confirmed = true;
	show();
	assert_string_equal(json_str(turn_no(0), "heard_text"), "W\xc3\xb6 open a");
	assert_false(json_bool(turn_no(0), "heard_text_estimated", true));
	turn->heard_ms = 2 * SPOKEN_MS_PER_BYTE;
	show();
	assert_string_equal(json_str(turn_no(0), "heard_text"), "W");
	timeline_heard_as(&timeline, turn, "We open at 9, of all", 13);
	show();
	assert_string_equal(json_str(turn_no(0), "heard_text"), "We open at 9,");
	assert_string_equal(said(10, 100), "a We open at 9,|");
}

static void turn_that_forms_is_replaced_and_is_not_whole(void **state)
{
	struct turn *turn = timeline_turn(&timeline, TURN_CALLER, "item_1", 0);

	(void)state;
	timeline_forming(&timeline, turn, "when do");
	timeline_forming(&timeline, turn, "When did you");
	assert_string_equal(buf_text(&turn->text), "When did you");
	assert_int_equal(timeline.text_len, strlen("When did you"));
	assert_false(turn->text_final);
	assert_int_equal(timeline_next_forming(&timeline), 0);
	timeline_text(&timeline, turn, "When do you open?", true);
	assert_int_equal(timeline_next_forming(&timeline), -1);
	assert_int_equal(timeline.text_len, strlen("When do you open?"));
}

/* A caller who comes back from a transfer is told to the model by this. */
static void newest_is_told_first_and_only_as_far_as_it_was_heard(void **state)
{
	struct fleet_said *before;
	struct turn *turn;

	(void)state;
	assert_string_equal(said(10, 100), "");
	say(TURN_CALLER, "item_1", "0123456789");
	turn = say_aloud("item_2", "We open at nine in the morning.", 3000);
	turn->heard_ms = 1240;
	turn->heard_known = true;
	say(TURN_CALLER, "item_3", "");
	say(TURN_KEYS, "item_4", "12");
	assert_string_equal(said(10, 100), "u 0123456789|a We open at|u 12|");
	assert_string_equal(said(2, 100), "a We open at|u 12|");
	/* What is too much is the oldest, and nothing before it is told either. */
	assert_string_equal(said(10, 11), "u 12|");
	/* A call that was away more than once: what was said before this stream as well. */
	timeline.before = before = fleet_said_new(2);
	assert_true(fleet_said_add(before, true, "Hello.", 6) && fleet_said_add(before, false, "Hi", 2));
	assert_string_equal(said(10, 100), "a Hello.|u Hi|u 0123456789|a We open at|u 12|");
	assert_string_equal(said(4, 100), "u Hi|u 0123456789|a We open at|u 12|");
	assert_string_equal(said(10, 24 + 5), "u Hi|u 0123456789|a We open at|u 12|");
	assert_string_equal(said(2, 100), "a We open at|u 12|");
	timeline.before = NULL;
	fleet_said_free(before);
}

/* Its sound broke off, and its text came ahead of it: the model and the record are told no more than came as sound. */
static void words_that_came_ahead_of_their_sound_are_not_said(void **state)
{
	struct turn *turn;

	(void)state;
	turn = say_aloud("item_1", "We open at nine in the morning.", 3100); /* 100 ms a byte */
	turn->status = "completed";
	turn->sound = true;
	turn->heard_ms = 3100;
	turn->heard_known = true;
	turn = say_aloud("item_2", "And on Sundays we are closed.", 1000);
	timeline_broke_off(&timeline, turn);
	assert_string_equal(said(10, 100), "a We open at nine in the morning.|a And on|");
	turn->heard_ms = 1000;
	turn->heard_known = true;
	assert_string_equal(said(10, 100), "a We open at nine in the morning.|a And on|");
	turn->heard_ms = 500;
	assert_string_equal(said(1, 100), "a And|");
	/* With words that came with the sound nothing is lost … */
	turn = say_aloud("item_3", "Yes, nine.", 1000);
	timeline_broke_off(&timeline, turn);
	assert_string_equal(said(1, 100), "a Yes, nine.|");
	/* … nor by a pace of which hardly anything is known. */
	timeline.turns[0].generated_ms = 1900;
	turn = say_aloud("item_4", "On Sundays we are closed, as everybody is.", 1000);
	timeline_broke_off(&timeline, turn);
	assert_string_equal(said(1, 100), "a On Sundays we are closed, as everybody is.|");
}

static void change_something(int step)
{
	char id[24];
	struct turn *turn;

	snprintf(id, sizeof id, "item_%d", step % 7 ? step / 11 : step * 5 % (step / 11 + 1));
	turn = timeline_turn(&timeline, step % 3 ? TURN_AGENT : TURN_CALLER, id, step);
	assert_non_null(turn);
	timeline_text(&timeline, turn, step % 5 ? "a little more of it " : "\"All\" of it.", step % 5 == 0);
	if (step % 13 == 0 && turn->kind == TURN_AGENT) {
		turn->heard_known = true;
		timeline_settled(&timeline, turn);
	}
}

/* Until there are so many that the oldest are not shown, and some of them become long. */
static void what_stays_of_the_list_is_as_if_put_anew(void **state)
{
	struct buf kept, anew;

	(void)state;
	buf_init(&kept, 0);
	buf_init(&anew, 0);
	for (int step = 0; step < 2600; step++) {
		size_t before;

		if (step % 4)
			change_something(step);
		before = timeline_put_json(&timeline, &kept);
		if (step % 50 && step > 60)
			continue;
		buf_reset(&anew);
		assert_int_equal(timeline_put_json(&timeline, &anew), before);
		assert_string_equal(buf_text(&kept), buf_text(&anew));
		assert_int_equal(kept.len, anew.len);
	}
	assert_true(timeline.count > TIMELINE_SHOWN_TURNS);
	buf_free(&kept);
	buf_free(&anew);
}

static void a_turn_that_stays_is_not_put_again(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	say(TURN_CALLER, "item_1", "When do you open?");
	say(TURN_AGENT, "item_2", "At nine.");
	timeline_put_json(&timeline, &out);
	memcpy(strstr(out.data, "When"), "Then", 4);
	timeline_text(&timeline, timeline_find(&timeline, "item_2"), "At ten.", true);
	timeline_put_json(&timeline, &out);
	assert_non_null(strstr(out.data, "Then do you open?"));
	assert_non_null(strstr(out.data, "At ten."));
	buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_anew, begin_anew)

const struct CMUnitTest unit_tests[] = {
	TEST(conversation_reads_in_its_order),
	TEST(newest_is_told_first_and_only_as_far_as_it_was_heard),
	TEST(words_that_came_ahead_of_their_sound_are_not_said),
	TEST(late_transcript_stands_where_it_was_said),
	TEST(failed_transcript_is_waited_for_no_longer),
	TEST(what_was_not_heard_yet_is_not_claimed),
	TEST(any_text_of_a_stranger_makes_valid_json),
	TEST(empty_timeline_is_an_empty_list),
	TEST(what_stays_of_the_list_is_as_if_put_anew),
	TEST(a_turn_that_stays_is_not_put_again),
	TEST(so_many_turns_are_kept_and_the_rest_counted),
	TEST(a_turn_has_news_when_it_settles_and_only_once),
	TEST(text_is_bounded_over_all_turns_together),
	TEST(text_is_never_cut_inside_a_character),
	TEST(heard_text_ends_with_a_whole_word),
	TEST(heard_text_is_never_cut_inside_a_character),
	TEST(heard_text_of_a_script_without_spaces_is_cut_at_a_character),
	TEST(turn_is_forming_until_it_is_whole),
	TEST(nothing_spoken_is_nothing_heard),
	TEST(words_without_sound_end_with_their_response_unheard),
	TEST(interrupted_answer_shows_what_was_heard_of_it),
	TEST(heard_text_on_a_channel_of_text_is_exact_or_the_phones_own),
	TEST(turn_that_forms_is_replaced_and_is_not_whole),
	{ 0 },
};
