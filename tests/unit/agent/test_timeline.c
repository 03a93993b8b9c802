#include "server/agent/timeline.h"
#include "common/json.h"
#include "server/news/journal_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The turns as they are read by who asks for them; the caller deletes it. */
static cJSON *shown(struct timeline *t)
{
	struct buf out;
	cJSON *tree;

	buf_init(&out, 0);
	timeline_put_json(t, &out);
	assert_int_equal(buf_error(&out), 0);
	tree = json_parse(buf_text(&out), out.len);
	if (!tree || !cJSON_IsArray(tree))
		fail_msg("not JSON: %s", buf_text(&out));
	assert_false(t->dirty);
	buf_free(&out);
	return tree;
}

static const cJSON *turn_no(const cJSON *turns, int no)
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

static void say(struct timeline *t, enum turn_kind kind, const char *item_id, const char *text)
{
	timeline_text(t, timeline_turn(t, kind, item_id, 0), text, true);
}

/* ------------------------------------------------------------------------- turns */

static void conversation_reads_in_its_order(void **state)
{
	struct timeline t;
	struct turn *turn;
	cJSON *turns;

	(void)state;
	timeline_init(&t);
	turn = timeline_turn(&t, TURN_AGENT, "item_1", 120);
	timeline_text(&t, turn, "Hello, ", false);
	timeline_text(&t, turn, "how can I help?", false);
	timeline_text(&t, turn, "Hello, how can I help?", true);
	turn->generated_ms = 2000;
	turn->heard_ms = 2000;
	turn->heard_known = turn->heard_confirmed = true;
	turn->status = "completed";
	turn->after_event_ms = 310;
	say(&t, TURN_CALLER, "item_2", "When do you open?");
	say(&t, TURN_KEYS, "", "12#");
	say(&t, TURN_KEYS, "", "3"); /* without an id each is one of its own */
	turns = shown(&t);
	assert_int_equal(cJSON_GetArraySize(turns), 4);

	assert_string_equal(json_str(turn_no(turns, 0), "who"), "agent");
	assert_string_equal(json_str(turn_no(turns, 0), "item_id"), "item_1");
	assert_string_equal(json_str(turn_no(turns, 0), "text"), "Hello, how can I help?");
	assert_string_equal(json_str(turn_no(turns, 0), "heard_text"), "Hello, how can I help?");
	assert_string_equal(json_str(turn_no(turns, 0), "status"), "completed");
	assert_true(json_bool(turn_no(turns, 0), "heard_text_estimated", false));
	assert_true(json_bool(turn_no(turns, 0), "heard_confirmed", false));
	assert_false(json_bool(turn_no(turns, 0), "interrupted", true));
	assert_true(num(turn_no(turns, 0), "at_ms") == 120);
	assert_true(num(turn_no(turns, 0), "heard_ms") == 2000);
	assert_true(num(turn_no(turns, 0), "answer_after_event_ms") == 310);
	assert_null(json_get(turn_no(turns, 0), "answer_after_speech_ms")); /* not known */

	assert_string_equal(json_str(turn_no(turns, 1), "who"), "caller");
	assert_null(json_get(turn_no(turns, 1), "heard_ms"));
	assert_string_equal(json_str(turn_no(turns, 2), "who"), "keys");
	assert_string_equal(json_str(turn_no(turns, 2), "text"), "12#");
	assert_true(cJSON_IsNull(json_get(turn_no(turns, 2), "item_id")));
	assert_string_equal(json_str(turn_no(turns, 3), "text"), "3");
	cJSON_Delete(turns);
	timeline_free(&t);
}

static void late_transcript_stands_where_it_was_said(void **state)
{
	struct timeline t;
	cJSON *turns;

	(void)state;
	timeline_init(&t);
	timeline_turn(&t, TURN_CALLER, "item_1", 100);
	say(&t, TURN_AGENT, "item_2", "At nine.");
	timeline_turn(&t, TURN_CALLER, "item_3", 5000);
	assert_int_equal(timeline_untranscribed(&t), 2);
	turns = shown(&t);
	assert_true(cJSON_IsNull(json_get(turn_no(turns, 0), "text")));
	cJSON_Delete(turns);

	say(&t, TURN_CALLER, "item_3", "Thanks.");
	assert_true(t.dirty);
	assert_int_equal(timeline_untranscribed(&t), 1);
	say(&t, TURN_CALLER, "item_1", "When do you open?");
	assert_int_equal(timeline_untranscribed(&t), 0);
	turns = shown(&t);
	assert_int_equal(cJSON_GetArraySize(turns), 3);
	assert_string_equal(json_str(turn_no(turns, 0), "text"), "When do you open?");
	assert_string_equal(json_str(turn_no(turns, 1), "text"), "At nine.");
	assert_string_equal(json_str(turn_no(turns, 2), "text"), "Thanks.");
	cJSON_Delete(turns);
	timeline_free(&t);
}

static void failed_transcript_is_waited_for_no_longer(void **state)
{
	struct timeline t;
	struct turn *turn;
	cJSON *turns;

	(void)state;
	timeline_init(&t);
	turn = timeline_turn(&t, TURN_CALLER, "item_1", 0);
	turn->transcript_failed = true;
	assert_int_equal(timeline_untranscribed(&t), 0);
	turns = shown(&t);
	assert_true(json_bool(turn_no(turns, 0), "transcript_failed", false));
	cJSON_Delete(turns);
	timeline_free(&t);
}

static void what_was_not_heard_yet_is_not_claimed(void **state)
{
	struct timeline t;
	struct turn *turn;
	cJSON *turns;

	(void)state;
	timeline_init(&t);
	say(&t, TURN_AGENT, "item_1", "On its way.");
	turn = timeline_find(&t, "item_1");
	turn->generated_ms = 900;
	turns = shown(&t);
	assert_true(cJSON_IsNull(json_get(turn_no(turns, 0), "heard_ms")));
	assert_true(cJSON_IsNull(json_get(turn_no(turns, 0), "heard_text")));
	assert_string_equal(json_str(turn_no(turns, 0), "status"), "in_progress");
	cJSON_Delete(turns);
	timeline_free(&t);
}

static void any_text_of_a_stranger_makes_valid_json(void **state)
{
	struct timeline t;
	cJSON *turns;

	(void)state;
	timeline_init(&t);
	say(&t, TURN_CALLER, "item\"\\1", "\"\\\n\t\x01</script>\xe2\x82\xac\xf0\x9f\x98\x80");
	say(&t, TURN_CALLER, "item_2", "broken \xff\xc3");
	turns = shown(&t);
	assert_string_equal(json_str(turn_no(turns, 0), "text"), "\"\\\n\t\x01</script>\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_string_equal(json_str(turn_no(turns, 0), "item_id"), "item\"\\1");
	assert_string_equal(json_str(turn_no(turns, 1), "text"), "broken \xef\xbf\xbd\xef\xbf\xbd");
	cJSON_Delete(turns);
	timeline_free(&t);
}

static void empty_timeline_is_an_empty_list(void **state)
{
	struct timeline t;
	cJSON *turns;

	(void)state;
	timeline_init(&t);
	turns = shown(&t);
	assert_int_equal(cJSON_GetArraySize(turns), 0);
	cJSON_Delete(turns);
	assert_null(timeline_find(&t, ""));
	assert_null(timeline_find(&t, "item_1"));
	timeline_text(&t, NULL, "nobody's", true);
	timeline_free(&t);
	timeline_free(&t);
}

/* ------------------------------------------------------------------------ bounds */

static void so_many_turns_are_kept_and_the_rest_counted(void **state)
{
	struct timeline t;
	cJSON *turns;

	(void)state;
	timeline_init(&t);
	for (int i = 0; i < TIMELINE_TURNS + 300; i++) {
		char id[24];
		struct turn *turn;

		snprintf(id, sizeof id, "item_%d", i);
		turn = timeline_turn(&t, i % 2 ? TURN_AGENT : TURN_CALLER, id, i);
		assert_int_equal(turn != NULL, i < TIMELINE_TURNS);
		timeline_text(&t, turn, id, true);
	}
	assert_int_equal(t.turns_dropped, 300);
	assert_non_null(timeline_turn(&t, TURN_CALLER, "item_0", 0)); /* those kept can be written on */
	turns = shown(&t);
	assert_int_equal(cJSON_GetArraySize(turns), TIMELINE_SHOWN_TURNS);
	assert_string_equal(json_str(turn_no(turns, 0), "text"), "item_800");
	assert_string_equal(json_str(turn_no(turns, TIMELINE_SHOWN_TURNS - 1), "text"), "item_999");
	cJSON_Delete(turns);
	timeline_free(&t);
}

static void a_turn_has_news_when_it_settles_and_only_once(void **state)
{
	struct timeline t;
	struct turn *turn;
	struct call_turn facts;
	struct json_out j;
	struct buf one;

	(void)state;
	timeline_init(&t);
	assert_int_equal(timeline_next_news(&t), -1);
	turn = timeline_turn(&t, TURN_CALLER, "item_1", 5);
	timeline_turn(&t, TURN_AGENT, "item_2", 6);
	assert_int_equal(timeline_next_news(&t), 0);
	assert_int_equal(timeline_next_news(&t), 1);
	assert_int_equal(timeline_next_news(&t), -1);
	turn = timeline_turn(&t, TURN_CALLER, "item_1", 9);
	assert_int_equal(timeline_next_news(&t), -1); /* known already */
	timeline_text(&t, turn, "Good", false);
	assert_int_equal(timeline_next_news(&t), -1); /* still growing */
	timeline_text(&t, turn, "Good morning.", true);
	assert_int_equal(timeline_next_news(&t), 0); /* its own place, however late */
	assert_int_equal(timeline_next_news(&t), -1);
	timeline_settled(&t, timeline_find(&t, "item_2"));
	assert_int_equal(timeline_next_news(&t), 1);
	buf_init(&one, 0);
	timeline_tell(&t.turns[0], &facts);
	j = json_out_to(&one);
	journal_put_turn(&j, NULL, &facts);
	assert_string_equal(
	    buf_text(&one), "{\"who\":\"caller\",\"at_ms\":5,\"item_id\":\"item_1\",\"text\":\"Good morning.\"}");
	buf_free(&one);
	timeline_free(&t);
}

static void text_is_bounded_over_all_turns_together(void **state)
{
	struct timeline t;
	char *text = malloc(10001);
	size_t sum = 0;
	cJSON *turns;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 10000);
	text[10000] = '\0';
	timeline_init(&t);
	for (int i = 0; i < 40; i++) {
		char id[24];

		snprintf(id, sizeof id, "item_%d", i);
		say(&t, TURN_CALLER, id, text);
	}
	for (size_t i = 0; i < t.count; i++)
		sum += t.turns[i].text.len;
	assert_int_equal(sum, TIMELINE_TEXT);
	assert_int_equal(t.text_len, sum);
	assert_int_equal(t.text_dropped, 40 * 10000 - TIMELINE_TEXT);
	/* Replaced by less, there is room again. */
	say(&t, TURN_CALLER, "item_0", "short");
	assert_int_equal(t.text_len, TIMELINE_TEXT - 10000 + 5);
	say(&t, TURN_CALLER, "item_99", "fits");
	assert_string_equal(buf_text(&timeline_find(&t, "item_99")->text), "fits");
	turns = shown(&t);
	cJSON_Delete(turns);
	timeline_free(&t);
	free(text);
}

static void text_is_never_cut_inside_a_character(void **state)
{
	(void)state;
	for (size_t before = 0; before < 8; before++) {
		struct timeline t;
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
		timeline_init(&t);
		turn = timeline_turn(&t, TURN_CALLER, "item_1", 0);
		timeline_text(&t, turn, text, false);
		assert_true(utf8_valid(turn->text.data, turn->text.len));
		assert_in_range(turn->text.len, TIMELINE_TEXT - 3, TIMELINE_TEXT);
		timeline_free(&t);
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
	struct timeline t;

	(void)state;
	timeline_init(&t);
	say(&t, TURN_CALLER, "a", "hello");
	assert_int_equal(timeline_next_forming(&t), -1);
	timeline_text(&t, timeline_turn(&t, TURN_AGENT, "b", 0), "Good ", false);
	timeline_text(&t, timeline_find(&t, "b"), "day", false);
	assert_int_equal(timeline_next_forming(&t), 1);
	assert_int_equal(timeline_next_forming(&t), -1);
	timeline_text(&t, timeline_find(&t, "b"), ", caller", false);
	timeline_text(&t, timeline_find(&t, "b"), "Good day, caller", true);
	assert_int_equal(timeline_next_forming(&t), -1);
	timeline_free(&t);
}

static void nothing_spoken_is_nothing_heard(void **state)
{
	(void)state;
	assert_int_equal(timeline_heard_bytes("written, never spoken", 0, 0), 0);
	assert_int_equal(timeline_heard_bytes("", 0, 0), 0);
	assert_int_equal(timeline_heard_bytes("", 500, 1000), 0);
	assert_int_equal(timeline_heard_bytes("x", UINT32_MAX - 1, UINT32_MAX), 0);
}

static void interrupted_answer_shows_what_was_heard_of_it(void **state)
{
	struct timeline t;
	struct turn *turn;
	cJSON *turns;

	(void)state;
	timeline_init(&t);
	say(&t, TURN_AGENT, "item_1", "We open at nine in the morning.");
	turn = timeline_find(&t, "item_1");
	turn->generated_ms = 3000;
	turn->heard_ms = 1240;
	turn->heard_known = turn->heard_confirmed = turn->interrupted = true;
	turn->status = "cancelled";
	turns = shown(&t);
	assert_string_equal(json_str(turn_no(turns, 0), "text"), "We open at nine in the morning.");
	assert_string_equal(json_str(turn_no(turns, 0), "heard_text"), "We open at");
	assert_true(num(turn_no(turns, 0), "heard_ms") == 1240);
	assert_true(num(turn_no(turns, 0), "generated_ms") == 3000);
	assert_true(json_bool(turn_no(turns, 0), "interrupted", false));
	cJSON_Delete(turns);
	timeline_free(&t);
}

/* A caller who comes back from a transfer is told to the model by this. */
static void newest_is_told_first_and_only_as_far_as_it_was_heard(void **state)
{
	struct timeline t;
	struct turn *turn;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	timeline_init(&t);
	timeline_put_said(&t, 10, 100, &out);
	assert_string_equal(buf_text(&out), "[]");
	say(&t, TURN_CALLER, "item_1", "0123456789");
	say(&t, TURN_AGENT, "item_2", "We open at nine in the morning.");
	turn = timeline_find(&t, "item_2");
	turn->generated_ms = 3000;
	turn->heard_ms = 1240;
	turn->heard_known = true;
	say(&t, TURN_CALLER, "item_3", "");
	say(&t, TURN_KEYS, "item_4", "12");
	buf_reset(&out);
	timeline_put_said(&t, 10, 100, &out);
	assert_string_equal(buf_text(&out),
	    "[{\"role\":\"user\",\"text\":\"0123456789\"},"
	    "{\"role\":\"assistant\",\"text\":\"We open at\"},{\"role\":\"user\",\"text\":\"12\"}]");
	buf_reset(&out);
	timeline_put_said(&t, 2, 100, &out);
	assert_string_equal(
	    buf_text(&out), "[{\"role\":\"assistant\",\"text\":\"We open at\"},{\"role\":\"user\",\"text\":\"12\"}]");
	/* What is too much is the oldest, and nothing before it is told either. */
	buf_reset(&out);
	timeline_put_said(&t, 10, 11, &out);
	assert_string_equal(buf_text(&out), "[{\"role\":\"user\",\"text\":\"12\"}]");
	timeline_free(&t);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversation_reads_in_its_order),
		cmocka_unit_test(newest_is_told_first_and_only_as_far_as_it_was_heard),
		cmocka_unit_test(late_transcript_stands_where_it_was_said),
		cmocka_unit_test(failed_transcript_is_waited_for_no_longer),
		cmocka_unit_test(what_was_not_heard_yet_is_not_claimed),
		cmocka_unit_test(any_text_of_a_stranger_makes_valid_json),
		cmocka_unit_test(empty_timeline_is_an_empty_list),
		cmocka_unit_test(so_many_turns_are_kept_and_the_rest_counted),
		cmocka_unit_test(a_turn_has_news_when_it_settles_and_only_once),
		cmocka_unit_test(text_is_bounded_over_all_turns_together),
		cmocka_unit_test(text_is_never_cut_inside_a_character),
		cmocka_unit_test(heard_text_ends_with_a_whole_word),
		cmocka_unit_test(heard_text_is_never_cut_inside_a_character),
		cmocka_unit_test(heard_text_of_a_script_without_spaces_is_cut_at_a_character),
		cmocka_unit_test(turn_is_forming_until_it_is_whole),
		cmocka_unit_test(nothing_spoken_is_nothing_heard),
		cmocka_unit_test(interrupted_answer_shows_what_was_heard_of_it),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
