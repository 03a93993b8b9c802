/* Who has the word: the greeting, keys, what was heard and cut, what the agent is
 * ordered to say. */
#include <stddef.h>

#include "dialogue_kit.h"
#include "tests/unit.h"

ONE_THREAD;

/* ------------------------------------------------------------------------ the greeting */

static void greeting_is_asked_for_once_both_sides_are_there(void **state)
{
	(void)state;
	open_as(&KIT_GREETING);
	FOLLOW(&k, { "ready", "" }, { "there", "GREET 1" }, { "began r1", "" }, { "over r1", "" });
	open_as(&KIT_GREETING);
	FOLLOW(&k, { "there", "" }, { "ready", "GREET 1" });
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "there", "" }, { "ready", "" });
}

static void greeting_that_never_begins_is_a_failure(void **state)
{
	(void)state;
	open_as(&KIT_GREETING);
	FOLLOW(&k, { "ready", "" }, { "+9000", "" } /* nobody waits yet */, { "there", "GREET 1" }, { "+3999", "" },
	    { "+1", "NO_ANSWER, RETRIED" }, { "+500", "GREET 2" }, { "+4000", "NO_ANSWER, END model_failed" });
	/* The same if it begins, and is not heard. */
	open_as(&KIT_GREETING);
	FOLLOW(&k, GREETING_BEGINS, { "+7999", "" }, { "+1", "STOPPED, CANCEL r1, RETRIED" }, { "+500", "GREET 2" },
	    { "+4000", "NO_ANSWER, END model_failed" });
}

/* By its own words: they may have to be said. */
static void greeting_that_fails_is_asked_for_again(void **state)
{
	(void)state;
	open_as(&KIT_GREETING);
	FOLLOW(&k, GREETING_BEGINS, { "over r1 failed", "RETRIED" }, { "+500", "GREET 2" }, { "busy 2", "" },
	    { "+500", "GREET 3" });
}

/* Ours was refused, since the model had begun by itself: that was the greeting. */
static void caller_who_was_greeted_is_not_greeted_again(void **state)
{
	(void)state;
	open_as(&KIT_GREETING);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" },
	    { "busy 1", "" }, { "+1000 & heard 1 1000", "HEARD i1 1000" });
	assert_idle();
}

static void caller_who_is_back_is_told_of_and_answered(void **state)
{
	const struct dialogue_rules rules = { .greets = true, .recalled = true, .interruptible = true };

	(void)state;
	open_as(&rules);
	FOLLOW(&k, { "ready & there", "ASK 1" });
}

static void keys_pressed_while_the_model_was_away_wait_behind_the_greeting(void **state)
{
	(void)state;
	open_as(&KIT_GREETING);
	FOLLOW(&k, { "there", "" }, { "key 1", "" }, { "+9000", "" }, { "key 2", "" }, { "+2000", "" },
	    { "ready", "GREET 1, KEYS 12" }, { "began r1", "" }, { "over r1", "ASK 2" });
}

static void protected_greeting_is_not_interrupted_until_its_time_is_over(void **state)
{
	(void)state;
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 80000", "PLAY 1" }, { "first 1", "" }, { "speaks", "" },
	    { "+100", "" }, { "pauses & turn", "" });
	assert_due_in_ms(2900);
	/* It is over: the turn that waited is answered, by our asking. */
	FOLLOW(&k, { "+2900", "LISTEN" }, { "over r1", "MADE i1, ITEM_OVER i1, ASK 2" });
	assert_int_equal(k.d.ears, EARS_RESTORING);
}

static void who_speaks_at_the_end_of_protection_interrupts(void **state)
{
	(void)state;
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 80000", "PLAY 1" }, { "first 1", "" }, { "speaks", "" },
	    { "+3000", "LISTEN, CANCEL r1, CUT 1" }, { "over r1", "UNPLAYED i1, ITEM_OVER i1" },
	    { "pauses & turn", "ASK 2" }, { "configured", "" }, { "began r2", "" }, { "over r2", "" });
	/* Turn detection is as it was: the model answers by itself. */
	FOLLOW(&k, { "speaks", "CUT 2" }, { "cut 2 1:3000", "CUT_SHORT i1 3000, TRUNCATE i1 3000" },
	    { "pauses & turn", "" }, { "+1000", "" }, { "began r3", "" });
}

static void protection_ends_with_the_greeting_or_its_failure_or_a_key(void **state)
{
	(void)state;
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" },
	    { "heard 1 1000", "HEARD i1 1000, LISTEN" });
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "over r1 failed", "RETRIED, LISTEN" });
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "key 1", "LISTEN, CANCEL r1, CUT 1" });
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, { "ready & there", "GREET 1" }, { "+4000", "NO_ANSWER, RETRIED" }, { "+500", "GREET 2" },
	    { "+3499", "" }, { "+1", "LISTEN" }); /* a greeting that never begins protects no longer */
}

TALK(nothing_is_asked_for_while_the_model_is_away, { "away", "" }, { "say x & key #", "" }, { "+60000", "" },
    { "ready", "SPEAK x 1, KEYS #" });

/* --------------------------------------------------------------------------------- keys */

static void keys_are_collected_until_the_hash_or_a_pause(void **state)
{
	(void)state;
	FOLLOW(&k, { "key 1 & key 2", "" }, { "+1499", "" }, { "key 3", "" }, { "+1499", "" },
	    { "+1", "KEYS 123, ASK 1" }, { "began r1", "" }, { "over r1", "" });
	FOLLOW(&k, { "key 4 & key #", "KEYS 4, ASK 2" }, { "began r2", "" }, { "over r2", "" });
	FOLLOW(&k, { "key #", "KEYS #, ASK 3" }, { "began r3", "" }, { "over r3", "" }); /* alone it is a key */
	for (int i = 0; i < DIGITS_MAX - 1; i++)
		FOLLOW(&k, { "key 7", "" });
	kit_play(&k, "key 7");
	assert_int_equal(strlen(k.line), 5 + DIGITS_MAX + 7);
}

TALK(each_key_interrupts, R1_SOUNDS, { "key 1", "CANCEL r1, CUT 1" }, { "key 2", "CANCEL r1, CUT 2" },
    { "over r1", "UNPLAYED i1, ITEM_OVER i1" }, { "key 3", "CUT 3" });

/* --------------------------------------------------------------------- what was heard */

static void items_are_numbered_in_the_order_they_come(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 8", "PLAY 1" }, { "audio r1 i2 8", "PLAY 2" },
	    { "audio r1 i1 8", "PLAY 1" }, { "ended r1 i1", "MADE i1" }, { "ended r1 i1", "" }, { "ended r1 i9", "" },
	    { "audio r1 i1 8", "PASS_OVER" }, { "over r1", "ITEM_OVER i1, MADE i2, ITEM_OVER i2" },
	    { "audio r1 i3 8", "PASS_OVER" } /* nobody would tell its end */);
	assert_int_equal(dialogue_made_ms(&k.d, 1), 2);
	assert_int_equal(dialogue_made_ms(&k.d, 3), 0);
}

static void oldest_is_forgotten_when_there_are_too_many(void **state)
{
	char step[64], line[64];

	(void)state;
	FOLLOW(&k, { "began r1", "" });
	for (int i = 1; i <= 3 * ITEMS_MAX; i++) {
		snprintf(step, sizeof step, "audio r1 i%d 8000", i);
		snprintf(line, sizeof line, "PLAY %d", i);
		FOLLOW(&k, { step, line });
		assert_int_equal(dialogue_made_ms(&k.d, (uint32_t)i), 1000); /* nothing of the one before */
		snprintf(step, sizeof step, "heard %d 1000", i);
		snprintf(line, sizeof line, "HEARD i%d 1000", i);
		FOLLOW(&k, { step, line });
	}
	assert_int_equal(dialogue_made_ms(&k.d, 2 * ITEMS_MAX), 0);
	assert_int_equal(dialogue_made_ms(&k.d, 2 * ITEMS_MAX + 1), 1000);
}

/* Late audio of what was cut is recognised, however much has been said since. */
static void responses_that_were_cut_are_remembered(void **state)
{
	char began[64], over[64];

	(void)state;
	FOLLOW(&k, { "began r0", "" }, { "speaks & pauses", "CUT 1" }, { "over r0", "" });
	for (int i = 1; i < 16; i++) {
		snprintf(began, sizeof began, "began r%d", i);
		snprintf(over, sizeof over, "over r%d", i);
		FOLLOW(&k, { began, "" }, { over, "" });
	}
	FOLLOW(&k, { "audio r0 i1 8", "PASS_OVER" });
}

/* Deltas of a response whose beginning was lost are heard all the same. */
static void audio_of_an_unknown_response_is_played(void **state)
{
	(void)state;
	FOLLOW(&k, { "audio r1 i1 8000", "PLAY 1" }, R1_SOUNDS, { "speaks", "CUT 1" },
	    { "audio r1 i1 80", "PASS_OVER" }, { "over r1", "UNPLAYED i1, ITEM_OVER i1" });
	FOLLOW(&k, { "audio r2 i2 8000", "PLAY 2" }, { "over r2", "MADE i2, ITEM_OVER i2" });
	FOLLOW(&k, { "audio - i3 8000", "PLAY 3" }, { "audio - i3 8000", "PLAY 3" },
	    { "+20000", "MADE i3, ITEM_OVER i3" });
}

static void truncation_never_passes_what_was_received(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 9607", "PLAY 1" }, { "audio r1 i2 9607", "PLAY 2" },
	    { "audio r1 i3 7", "PLAY 3" }, { "speaks", "CUT 1" },
	    { "cut 1 1:340 2:1340",
		"CUT_SHORT i1 340, TRUNCATE i1 340, CUT_SHORT i2 1340, TRUNCATE i2 1200, HEARD i3 0" },
	    { "cut 1 1:340", "" },
	    { "over r1", "UNPLAYED i1, ITEM_OVER i1, UNPLAYED i2, ITEM_OVER i2, UNPLAYED i3, ITEM_OVER i3" },
	    { "pauses", "" });
	/* Whole and heard whole: the model believes the right thing already. */
	FOLLOW(&k, { "began r2", "" }, { "audio r2 i4 8000", "PLAY 4" }, { "ended r2 i4", "MADE i4" },
	    { "audio r2 i5 8000", "PLAY 5" }, { "speaks", "CUT 2" },
	    { "cut 2 4:1000 5:1000", "HEARD i4 1000, CUT_SHORT i5 1000, TRUNCATE i5 1000" });
}

/* A cut is a number: what is behind it is told with the last of them. */
TALK(second_cut_on_its_way_tells_of_what_is_behind, { "began r1", "" },
    { "audio r1 i1 8000 & audio r1 i2 8000", "PLAY 1, PLAY 2" }, { "key 1", "CANCEL r1, CUT 1" },
    { "key 2", "CANCEL r1, CUT 2" }, { "cut 1 1:10", "CUT_SHORT i1 10, TRUNCATE i1 10" },
    { "cut 2", "CUT_SHORT i2 0, TRUNCATE i2 0" });

/* Another audio took the place of ours, far away. */
TALK(phone_that_stops_by_itself_interrupts, { "began r1", "" },
    { "audio r1 i1 8000 & audio r1 i2 8000", "PLAY 1, PLAY 2" },
    { "interrupted 0 1:300", "CANCEL r1, CUT 1, CUT_SHORT i1 300, TRUNCATE i1 300" },
    { "cut 1", "CUT_SHORT i2 0, TRUNCATE i2 0" });

TALK(what_came_after_the_cut_is_not_cut_with_it, R1_SOUNDS, { "key 1", "CANCEL r1, CUT 1" },
    { "over r1", "UNPLAYED i1, ITEM_OVER i1" }, { "+1500", "KEYS 1, ASK 1" }, { "began r2", "" },
    { "audio r2 i2 8000", "PLAY 2" }, { "cut 1", "CUT_SHORT i1 0, TRUNCATE i1 0" },
    { "heard 2 1000", "HEARD i2 1000" });

TALK(who_hangs_up_leaves_what_was_heard, { "began r1", "" },
    { "audio r1 i1 8000 & audio r1 i2 8000", "PLAY 1, PLAY 2" }, { "left 1:300", "HEARD i1 300, HEARD i2 0" });

TALK(latency_is_told_of_the_first_audio_of_an_answer, { "speaks", "" }, { "pauses & turn", "" }, { "+200", "" },
    { "began r1", "" }, { "audio r1 i1 80", "PLAY 1" }, { "first 1", "LATENCY i1 200" }, { "first 1", "" });

/* --------------------------------------------------------------------------------- cues */

static void cues_are_said_one_after_the_other(void **state)
{
	(void)state;
	FOLLOW(&k, { "exact one & say two", "RECITE one 1" }, { "began r1", "" }, { "over r0", "" },
	    { "over r1", "SPEAK two 2" }, { "began r2", "" }, { "over r2", "" });
	assert_int_equal(dialogue_due_us(&k.d), NEVER_US);
}

static void cue_waits_while_the_caller_has_the_word(void **state)
{
	(void)state;
	FOLLOW(&k, { "speaks", "" }, { "say x", "" });
	assert_due_in_ms(20000); /* a caller who speaks for longer is noise */
	FOLLOW(&k, { "pauses", "" }, { "due 300", "" }, { "+300", "SPEAK x 1" });
}

TALK(answer_that_is_owed_comes_before_a_cue, { "key # & say x", "KEYS #, ASK 1" }, { "began r1", "" },
    { "over r1", "SPEAK x 2" });

TALK(response_of_somebody_else_is_no_cues, { "began r1", "" }, { "say one", "" }, { "refused 9", "" },
    { "over r1", "SPEAK one 1" });

static void what_was_never_heard_is_tried_again_but_not_for_ever(void **state)
{
	(void)state;
	FOLLOW(&k, { "say one", "SPEAK one 1" }, { "speaks & pauses", "CUT 1" }, { "began r1", "CANCEL r1" },
	    { "over r1", "" }, { "+300", "SPEAK one 2" }, { "began own", "" }, { "busy 2", "" }, { "over own", "" },
	    { "+500", "SPEAK one 3" }, { "+4000", "NO_ANSWER, RETRIED" }, { "+500", "" });
	assert_int_equal(dialogue_due_us(&k.d), NEVER_US);
}

static void who_is_talked_over_has_said_it_unless_it_is_firm(void **state)
{
	(void)state;
	FOLLOW(&k, { "say one", "SPEAK one 1" }, { "began r1", "" }, { "key #", "CANCEL r1, CUT 1, KEYS #" },
	    { "over r1", "ASK 2" }, { "began r2", "" }, { "over r2", "" });
	FOLLOW(&k, { "firm bye", "DEAF, SPEAK bye 3" }, { "began r3", "" }, { "audio r3 i1 800", "PLAY 1" },
	    { "over r3 turned", "CUT 2, UNPLAYED i1, ITEM_OVER i1, SPEAK bye 4" });
}

TALK(failed_cue_is_said_again_by_its_own_words, { "say one", "SPEAK one 1" }, { "began r1", "" },
    { "over r1 failed", "RETRIED" }, { "+500", "SPEAK one 2" }, { "began r2", "" },
    { "+8000", "STOPPED, CANCEL r2, END model_failed" });

static void too_many_are_refused(void **state)
{
	(void)state;
	kit_play(&k, "began r1");
	for (int i = 0; i < CUES_MAX; i++)
		assert_true(kit_play(&k, "say x"));
	assert_false(kit_play(&k, "say x"));
}

static void last_words_find_room_however_much_is_to_be_said(void **state)
{
	(void)state;
	for (int i = 0; i < CUES_MAX; i++)
		kit_play(&k, "say x");
	assert_true(kit_play(&k, "firm bye"));
	FOLLOW(&k, { "began r1", "" }, { "over r1", "SPEAK x 2" } /* what was under way still is */);
}

const struct CMUnitTest unit_tests[] = {
	CASE(greeting_is_asked_for_once_both_sides_are_there),
	CASE(greeting_that_never_begins_is_a_failure),
	CASE(greeting_that_fails_is_asked_for_again),
	CASE(caller_who_was_greeted_is_not_greeted_again),
	CASE(caller_who_is_back_is_told_of_and_answered),
	CASE(keys_pressed_while_the_model_was_away_wait_behind_the_greeting),
	CASE(protected_greeting_is_not_interrupted_until_its_time_is_over),
	CASE(who_speaks_at_the_end_of_protection_interrupts),
	CASE(protection_ends_with_the_greeting_or_its_failure_or_a_key),
	CASE(keys_are_collected_until_the_hash_or_a_pause),
	CASE(each_key_interrupts),
	CASE(items_are_numbered_in_the_order_they_come),
	CASE(oldest_is_forgotten_when_there_are_too_many),
	CASE(responses_that_were_cut_are_remembered),
	CASE(audio_of_an_unknown_response_is_played),
	CASE(truncation_never_passes_what_was_received),
	CASE(second_cut_on_its_way_tells_of_what_is_behind),
	CASE(phone_that_stops_by_itself_interrupts),
	CASE(nothing_is_asked_for_while_the_model_is_away),
	CASE(what_came_after_the_cut_is_not_cut_with_it),
	CASE(who_hangs_up_leaves_what_was_heard),
	CASE(latency_is_told_of_the_first_audio_of_an_answer),
	CASE(cues_are_said_one_after_the_other),
	CASE(cue_waits_while_the_caller_has_the_word),
	CASE(answer_that_is_owed_comes_before_a_cue),
	CASE(response_of_somebody_else_is_no_cues),
	CASE(what_was_never_heard_is_tried_again_but_not_for_ever),
	CASE(who_is_talked_over_has_said_it_unless_it_is_firm),
	CASE(failed_cue_is_said_again_by_its_own_words),
	CASE(too_many_are_refused),
	CASE(last_words_find_room_however_much_is_to_be_said),
	{ 0 },
};
