/* What the agent says: each row of the table of utterances in dialogue.h, and the
 * races between what we ask for and what the model does by itself. */
#include <stddef.h>

#include "dialogue_kit.h"
#include "tests/unit.h"

ONE_THREAD;

/* --------------------------------------------------------------------- the plain way */

static void answer_is_asked_for_once_and_ends(void **state)
{
	(void)state;
	assert_idle();
	FOLLOW(&k, { "key 5", "" }, { "+1500", "KEYS 5, ASK 1" }, { "began r1", "" }, { "+1000", "" },
	    { "sign r1", "" }, { "+3000", "ASIDE" }, { "+3999", "" }, { "over r1", "" });
	assert_idle();
}

TALK(answer_wanted_meanwhile_waits_for_the_end_of_the_active_one, { "began r1", "" }, { "told", "" }, { "+1000", "" },
    { "over r1", "ASK 1" });

static void answer_the_model_makes_by_itself_is_the_one_that_was_owed(void **state)
{
	(void)state;
	FOLLOW(&k, { "turn", "" });
	assert_due_in_ms(KIT_SILENCE_US / US_PER_MS);
	FOLLOW(&k, { "began r1", "" }, { "over r1", "" });
	assert_idle();
	/* Also where we were about to ask again after a failure. */
	FOLLOW(&k, { "told", "ASK 1" }, { "refused 1", "RETRIED" }, { "began r2", "" }, { "over r2", "" });
	assert_idle();
}

static void what_is_wanted_after_the_request_is_newer_than_its_answer(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "told", "" }, { "began r1", "" }, { "+1000", "" }, { "over r1", "ASK 2" },
	    { "began r2", "" }, { "over r2", "" });
	assert_idle();
}

/* What the agent is told to say asks when it may: a loop that sleeps must learn of the
 * pause after a failure, too. */
TALK(free_is_told_with_the_pause_before_it, { "say x", "SPEAK x 1" }, { "began r1", "" },
    { "over r1 failed", "RETRIED" }, { "due 500", "" }, { "+499", "" }, { "+1", "SPEAK x 2" });

/* ----------------------------------------------------------------------- it goes wrong */

TALK(refused_as_busy_it_is_asked_for_again_after_a_pause, { "told", "ASK 1" }, { "busy 1", "" }, { "due 500", "" },
    { "+499", "" }, { "+1", "ASK 2" });

/* Our request and the model's own answer cross: its created comes first, then the
 * refusal of ours. */
static void request_that_crossed_the_models_own_answer_is_not_forgotten(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "began own", "" }, { "busy 1", "" }, { "+1000", "" }, { "over own", "ASK 2" },
	    { "busy 1", "" } /* once */, { "began r2", "" }, { "over r2", "" });
	assert_idle();
}

/* The same, by a service that does not say which request it refuses. */
TALK(refusal_that_names_nothing_is_of_the_last_request, { "told", "ASK 1" }, { "busy 0", "" }, { "+500", "ASK 2" },
    { "began own", "" }, { "busy 0", "" }, { "over own", "" }, { "+500", "ASK 3" });

TALK(other_errors_of_an_answer_that_has_begun_leave_it_to_its_end, { "told", "ASK 1" }, { "began r1", "" },
    { "refused 1", "" }, { "over r1 failed", "RETRIED" });

static void busy_for_ever_is_a_failure_in_the_end(void **state)
{
	int asked = 1;
	char step[32];

	(void)state;
	FOLLOW(&k, { "told", "ASK 1" });
	for (; !k.d.over && asked < 1000; asked++) {
		snprintf(step, sizeof step, "busy %d", asked);
		kit_play(&k, step);
		kit_play(&k, "+500");
	}
	assert_string_equal(call_ending(END_MODEL_FAILED)->json, "model_failed");
	assert_true(k.d.over);
	/* The caller has been patient once, and hears no more of it. */
	assert_int_equal(asked - 1, ANSWER_TRIES + KIT_SILENCE_US / RETRY_US);
}

static void failed_answer_is_asked_for_again_after_a_pause_then_given_up(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "began r1", "" }, { "over r1 failed", "RETRIED" }, { "+499", "" },
	    { "+1", "ASK 2" }, { "began r2", "" }, { "over r2 failed", "END model_failed" }, { "told", "" });
	assert_int_equal(dialogue_due_us(&k.d), NEVER_US);
}

TALK(refused_request_is_sent_again_then_given_up, { "told", "ASK 1" }, { "refused 7", "" } /* not ours */,
    { "refused 1", "RETRIED" }, { "+500", "ASK 2" }, { "refused 2", "END model_failed" });

static void success_forgets_earlier_failures(void **state)
{
	char began[32], over[32];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(began, sizeof began, "began f%d", i);
		snprintf(over, sizeof over, "over f%d failed", i);
		FOLLOW(&k, { began, "" }, { over, "RETRIED" });
		snprintf(began, sizeof began, "began r%d", i);
		snprintf(over, sizeof over, "over r%d", i);
		FOLLOW(&k, { began, "" }, { over, "" });
	}
}

static void answer_that_never_begins_is_asked_for_again(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" });
	assert_due_in_ms(KIT_SILENCE_US / US_PER_MS);
	FOLLOW(&k, { "+3999", "" }, { "+1", "NO_ANSWER, RETRIED" }, { "+500", "ASK 2" }, { "+3999", "" },
	    { "+1", "NO_ANSWER, END model_failed" });
}

TALK(turn_the_model_never_answers_is_asked_for, { "turn", "" }, { "+4000", "NO_ANSWER, RETRIED" }, { "+500", "ASK 1" });

/* An answer that failed once is still owed when its second request is lost. */
TALK(answer_that_failed_and_then_never_begins_is_not_forgotten, { "turn", "" }, { "began r1", "" },
    { "over r1 failed", "RETRIED" }, { "+500", "ASK 1" }, { "+4000", "NO_ANSWER, END model_failed" });

static void answer_that_goes_quiet_no_longer_blocks(void **state)
{
	(void)state;
	/* A sign of life is nothing to the ear. */
	FOLLOW(&k, { "began r1", "" }, { "+5000", "ASIDE" }, { "sign r1", "" }, { "+1000", "" }, { "sign r0", "" },
	    { "due 2000", "" }, { "+1999", "" }, { "+1", "STOPPED, CANCEL r1, RETRIED" }, { "+500", "ASK 2" });
}

/* Some come before the first sound, and from a broken service for ever. */
TALK(deltas_without_sound_end_no_silence, { "told", "ASK 1" }, { "began r1", "" }, { "+3999", "" },
    { "audio r1 i1 0", "PLAY 1" }, { "+1", "ASIDE" }, { "began r2 aside", "" }, { "audio r1 i1 0", "PLAY 1" },
    { "+3999", "" }, { "audio r1 i1 0", "PLAY 1" }, { "+1", "STOPPED, CANCEL r1, MADE i1, ITEM_OVER i1, RETRIED" });

static void what_is_told_without_a_name_is_of_the_one_being_made(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "speaks & pauses", "CUT 1" }, { "+3999 & audio - i1 800", "PASS_OVER" },
	    { "key #", "CANCEL r1, CUT 2, KEYS #" }, { "over r1", "ASK 1" }, { "began r2", "" }, { "over r2", "" });
	assert_idle();
}

/* It is told to stop, and says so; that must not count as a success. */
TALK(model_that_goes_quiet_every_time_is_given_up, { "told", "ASK 1" }, { "began r1", "" }, { "+4000", "ASIDE" },
    { "+4000", "STOPPED, CANCEL r1, RETRIED" }, { "over r1", "" }, { "+500", "ASK 3" }, { "began r2", "ASIDE" },
    { "+7999", "" }, { "+1", "STOPPED, CANCEL r2, END model_failed" });

TALK(session_that_says_nothing_beside_an_answer_is_not_asked_to, { "away", "" }, { "ready alone", "" },
    { "told", "ASK 1" }, { "began r1", "" }, { "+7999", "" }, { "+1", "STOPPED, CANCEL r1, RETRIED" });

/* What is queued of it is played, and its end is marked; what comes late is not. */
static void audio_of_an_answer_that_went_quiet_ends(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 800", "PLAY 1" }, { "+4099", "" },
	    { "+1", "STOPPED, CANCEL r1, MADE i1, ITEM_OVER i1, RETRIED" }, { "audio r1 i1 800", "PASS_OVER" },
	    { "heard 1 100", "HEARD i1 100" });
	assert_false(dialogue_due_us(&k.d) > k.now + RETRY_US);
}

/* ------------------------------------------------------------------ the caller's ear */

TALK(silence_begins_when_the_queued_audio_is_played, { "began r1", "" }, { "audio r1 i1 80000", "PLAY 1" },
    { "over r1", "MADE i1, ITEM_OVER i1" }, { "told", "ASK 1" }, { "+13999", "" }, { "+1", "NO_ANSWER, RETRIED" });

/* A phone that plays late, and says so. */
TALK(silence_begins_when_the_phone_has_played, R1_SOUNDS, { "over r1", "MADE i1, ITEM_OVER i1" }, { "told", "ASK 1" },
    { "+2000 & heard 1 1000", "HEARD i1 1000" }, { "+3999", "" }, { "+1", "NO_ANSWER, RETRIED" });

TALK(phone_that_runs_dry_late_is_believed, R1_SOUNDS, { "+3000 & dry 1 8000", "" }, { "+3999", "" },
    { "+1", "STOPPED, CANCEL r1, MADE i1, ITEM_OVER i1, RETRIED" });

/* Its news and more audio may cross. */
TALK(phone_that_ran_dry_before_more_came_is_not, R1_SOUNDS, { "audio r1 i1 80000", "PLAY 1" },
    { "+1000 & dry 1 8000", "" }, { "+13999", "" }, { "+1", "STOPPED, CANCEL r1, MADE i1, ITEM_OVER i1, RETRIED" });

TALK(audio_that_was_cut_is_silence, { "began r1", "" }, { "audio r1 i1 80000", "PLAY 1" },
    { "key #", "CANCEL r1, CUT 1, KEYS #" }, { "over r1", "UNPLAYED i1, ITEM_OVER i1, ASK 1" }, { "+3999", "" },
    { "+1", "NO_ANSWER, RETRIED" });

TALK(answer_that_comes_slowly_is_heard_to_its_end, { "began r1", "" }, { "audio r1 i1 80", "PLAY 1" }, { "+4009", "" },
    { "audio r1 i1 80", "PLAY 1" }, { "+4009", "" }, { "audio r1 i1 80", "PLAY 1" }, { "+4009", "" }, { "sign r1", "" },
    { "+1", "STOPPED, CANCEL r1, MADE i1, ITEM_OVER i1, RETRIED" });

/* It may be thinking, or writing down what a tool is to do. */
TALK(pause_between_two_items_may_be_longer, R1_SOUNDS, { "ended r1 i1", "MADE i1" }, { "part r1", "" }, { "+8999", "" },
    { "+1", "STOPPED, CANCEL r1, ITEM_OVER i1, RETRIED" });

/* Whoever makes it, the caller has waited since his own words. */
TALK(silence_goes_on_where_one_response_gives_way_to_the_next, { "turn", "" }, { "+1000", "" }, { "began r1", "" },
    { "+5000", "ASIDE" }, { "refused 1", "" }, { "began r2", "UNTOLD r1" }, { "+1999", "" },
    { "+1", "STOPPED, CANCEL r2, RETRIED" });

/* It is no failure a second time, only because the first is long ago. */
TALK(response_that_is_taken_up_again_has_its_time, { "turn", "" }, { "began r1", "" }, { "+3500", "" },
    { "ended r1 t1", "" }, { "+3000", "ASIDE, RESTED r1, SILENT its end was not told, RETRIED" }, { "+400", "" },
    { "part r1", "" }, { "+3999", "" }, { "audio r1 i1 8", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1, ASK 2" });

static void end_of_another_response_decides_nothing(void **state)
{
	(void)state;
	FOLLOW(&k, { "over r0 failed", "" });
	assert_idle();
	FOLLOW(
	    &k, { "began r1", "" }, { "over r0 failed", "" }, { "over -", "" }, { "told", "" }, { "over r1", "ASK 1" });
}

static void ids_as_long_as_they_come_are_told_apart(void **state)
{
	char id[FOREIGN_ID_SIZE], step[2][FOREIGN_ID_SIZE + 16];

	(void)state;
	memset(id, 'x', sizeof id - 1);
	id[sizeof id - 1] = '\0';
	snprintf(step[0], sizeof step[0], "began %s", id);
	id[sizeof id - 2] = 'y';
	snprintf(step[1], sizeof step[1], "over %s", id);
	FOLLOW(&k, { step[0], "" }, { step[1], "" });
	assert_true(k.d.active);
	memcpy(step[1] + 5, step[0] + 6, sizeof id);
	FOLLOW(&k, { step[1], "" });
	assert_idle();
}

/* Of the response, and of its item. */
static void long_ids_come_back_whole(void **state)
{
	char id[FOREIGN_ID_SIZE], step[2][2 * FOREIGN_ID_SIZE + 16], orders[2][2 * FOREIGN_ID_SIZE + 32];

	(void)state;
	memset(id, 'x', sizeof id - 1);
	id[sizeof id - 1] = '\0';
	snprintf(step[0], sizeof step[0], "began %s", id);
	snprintf(step[1], sizeof step[1], "audio %s %s 800", id, id);
	snprintf(orders[0], sizeof orders[0], "CANCEL %s, CUT 1", id);
	snprintf(orders[1], sizeof orders[1], "CUT_SHORT %s 60, TRUNCATE %s 60", id, id);
	FOLLOW(&k, { step[0], "" }, { step[1], "PLAY 1" }, { "key 5", orders[0] }, { "cut 1 1:60", orders[1] });
}

/* A doubled event is no second answer. */
static void beginning_that_is_told_twice_begins_nothing(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "began r1", "" }, { "began r1", "" }, { "over r1", "" }, { "began r1", "" },
	    { "told", "ASK 2" }, { "began r1", "" });
	assert_due_in_ms(KIT_SILENCE_US / US_PER_MS);
}

/* ------------------------------------------------------------- nothing was to be heard */

/* Text only, words without sound, nothing at all, cut off before the first sound: the
 * model calls it answered, and the caller heard nothing. */
static void answer_without_sound_is_asked_for_once_more_then_given_up(void **state)
{
	(void)state;
	FOLLOW(&k, { "turn", "" }, { "began r1", "" }, { "sign r1", "" },
	    { "over r1 mute", "SILENT completed, RETRIED" }, { "+499", "" }, { "+1", "ASK 1" }, { "began r2", "" },
	    { "over r2 mute", "SILENT completed, END model_failed" });
	assert_int_equal(k.answers, 0);
}

static void a_single_byte_of_sound_makes_an_answer(void **state)
{
	(void)state;
	FOLLOW(&k, { "turn", "" }, { "began r1", "" }, { "audio r1 i1 0", "PLAY 1" },
	    { "over r1 mute", "MADE i1, ITEM_OVER i1, SILENT completed, RETRIED" }, { "+500", "ASK 1" },
	    { "began r2", "" }, { "audio r2 i2 1", "PLAY 2" }, { "over r2 mute", "MADE i2, ITEM_OVER i2" });
	assert_int_equal(k.answers, 1);
	assert_int_equal(k.d.failures, 0);
}

/* Its beginning was not told, or later than its sound. */
TALK(sound_that_came_before_its_beginning_counts, { "turn", "" }, { "audio r1 i1 8", "PLAY 1" }, { "began r1", "" },
    { "over r1 mute", "MADE i1, ITEM_OVER i1" });

static void answer_whose_beginning_is_lost_was_the_one_that_was_waited_for(void **state)
{
	(void)state;
	FOLLOW(&k, { "turn", "" }, { "audio r1 i1 8", "PLAY 1" }, { "over r1 mute", "MADE i1, ITEM_OVER i1" },
	    { "began r1", "" } /* told late */, { "heard 1 1", "HEARD i1 1" });
	assert_idle();
	FOLLOW(&k, { "told", "ASK 1" }, { "audio r2 i2 8", "PLAY 2" },
	    { "over r2 failed", "MADE i2, ITEM_OVER i2, RETRIED" }, { "+500", "ASK 2" });
	assert_int_equal(k.answers, 1);
}

/* Nor was its end: its sound alone says that the turn was answered. */
static void answer_of_which_only_the_sound_was_told_is_not_asked_for_again(void **state)
{
	(void)state;
	FOLLOW(&k, { "turn", "" }, { "audio r1 i1 8", "PLAY 1" }, { "ended r1 i1", "MADE i1" },
	    { "+400", "RESTED r1, ITEM_OVER i1" }, { "heard 1 1", "HEARD i1 1" }, { "+30000", "" });
	assert_idle();
	assert_int_equal(k.answers, 1);
	/* The same for what we asked for. */
	FOLLOW(&k, { "told", "ASK 1" }, { "audio r2 i2 8", "PLAY 2" }, { "ended r2 i2", "UNTOLD r1, MADE i2" },
	    { "+400", "RESTED r2, ITEM_OVER i2" }, { "heard 2 1", "HEARD i2 1" }, { "+30000", "" });
	assert_idle();
	assert_int_equal(k.answers, 2);
}

TALK(sound_that_comes_after_the_end_is_not_heard_and_does_not_count, { "turn", "" }, { "began r1", "" },
    { "over r1 mute", "SILENT completed, RETRIED" }, { "audio r1 i1 800", "PASS_OVER" }, { "+500", "ASK 1" });

/* Not ours to run, or unusable: the model acted all the same. */
static void call_of_a_tool_needs_no_sound_but_its_answer_does(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r0", "" }, { "ended r0 i0 acts", "" }, { "over r0 mute", "" });
	FOLLOW(&k, { "began r1", "" }, { "call 1 r1 -", "" }, { "answer 1", "" },
	    { "over r1 mute", "TOOL_RESULT 1, ASK 1" }, { "began r2", "" },
	    { "over r2 mute", "SILENT completed, RETRIED" }, { "+500", "ASK 2" });
	assert_int_equal(k.answers, 2);
}

static void answer_that_was_stopped_before_its_sound_is_not_asked_for_again(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "speaks & pauses", "CUT 1" }, { "over r1 mute", "" });
	FOLLOW(&k, { "began r2", "" }, { "over r2 turned", "" });
	FOLLOW(&k, { "began r3", "" }, { "key 1", "CANCEL r3, CUT 2" }, { "audio r3 i3 8", "PASS_OVER" },
	    { "over r3 mute", "" });
	assert_int_equal(k.answers, 0);
}

static void greeting_without_sound_is_none(void **state)
{
	(void)state;
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "over r1 mute", "SILENT completed, RETRIED, LISTEN" }, { "+500", "GREET 2" },
	    { "began r2", "" }, { "over r2 mute", "SILENT completed, END model_failed" });
	assert_int_equal(k.answers, 0);
}

/* The call goes on without what nobody waits for. */
static void cues_without_sound_are_tried_again_then_left_out(void **state)
{
	(void)state;
	FOLLOW(&k, { "say x", "SPEAK x 1" }, { "began r3", "" }, { "over r3 mute", "SILENT completed, RETRIED" },
	    { "+500", "SPEAK x 2" }, { "began r4", "" }, { "over r4 mute", "SILENT completed, RETRIED" },
	    { "+500", "SPEAK x 3" }, { "began r5", "" }, { "over r5 mute", "SILENT completed" });
	assert_idle();
	assert_int_equal(k.answers, 0);
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready & there", "" }, { "goodbye bye", "SPEAK bye 1" }, { "began r1", "" },
	    { "over r1 mute", "SILENT completed, RETRIED" }, { "+500", "SPEAK bye 2" }, { "began r2", "" },
	    { "audio r2 i1 8", "PLAY 1" }, { "over r2 mute", "MADE i1, ITEM_OVER i1" },
	    { "began r3", "" } /* of its own, and too late to be asked for again */,
	    { "over r3 mute", "SILENT completed" }, { "heard 1 1", "HEARD i1 1, END agent_ended, SAID" });
}

/* ---------------------------------------------------------------------- its end is lost */

/* Whatever closes a state may be lost; what comes next closes it too. */
static void response_whose_end_is_lost_gives_way_to_the_next(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 8", "PLAY 1" },
	    { "began r2", "MADE i1, ITEM_OVER i1, UNTOLD r1" }, { "told", "" }, { "over r2", "ASK 1" },
	    { "over r1 failed", "ITEM_OVER i1" } /* told late, for the record */);
	assert_int_equal(k.answers, 2);
	FOLLOW(&k, { "began r3", "" }, { "over r3", "" });
	assert_idle();
}

/* Its debt is paid by the next, its words are said again. */
static void what_a_lost_response_did_not_say_is_still_to_be_said(void **state)
{
	(void)state;
	FOLLOW(&k, { "turn", "" }, { "began r1", "" }, { "say x", "" }, { "began r2", "UNTOLD r1" },
	    { "over r2 mute", "SILENT completed, RETRIED" }, { "+500", "ASK 1" }, { "began r3", "" },
	    { "over r3", "SPEAK x 2" }, { "began r4", "" }, { "began r5", "UNTOLD r4" }, { "over r5", "SPEAK x 3" },
	    { "began r6", "" }, { "over r6", "" });
	assert_idle();
}

/* Orders do not wait for the end of a response whose parts are all over. */
static void response_is_over_when_its_parts_are_and_nothing_follows(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "part r1", "" }, { "audio r1 i1 800", "PLAY 1" }, { "say x", "" },
	    { "ended r1 i1", "MADE i1" }, { "sign r1", "" } /* its transcript */, { "due 400", "" }, { "+399", "" },
	    { "+1", "RESTED r1, ITEM_OVER i1, SPEAK x 1" }, { "over r1", "ITEM_OVER i1" }, { "began r2", "" },
	    { "over r2", "" }, { "heard 1 100", "HEARD i1 100" });
	assert_int_equal(k.answers, 2);
	assert_idle();
	/* The tools it called are told, and the farewell of its words goes on. */
	FOLLOW(&k, { "began r3", "" }, { "part r3", "" }, { "call 1 r3 -", "" }, { "ended r3 f1 acts", "" },
	    { "answer 1", "" }, { "+400", "RESTED r3, TOOL_RESULT 1, ASK 2" },
	    { "began r4", "UNTOLD r3" } /* so it is lost */, { "audio r4 i4 8", "PLAY 2" },
	    { "call 2 r4 & ends 2 r4", "" }, { "ended r4 i4", "MADE i4" }, { "heard 2 1", "HEARD i4 1" },
	    { "+400", "RESTED r4, ITEM_OVER i4, END agent_ended" });
}

static void response_whose_next_part_begins_goes_on(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 8", "PLAY 1" }, { "ended r1 i1", "MADE i1" }, { "part r1", "" },
	    { "+4999", "" }, { "ended r1 f1 acts", "" }, { "say x", "" });
	/* Even if it was thought to be over. */
	FOLLOW(&k, { "+400", "RESTED r1, ITEM_OVER i1, SPEAK x 1" }, { "part r1", "" }, { "audio r1 i2 8", "PLAY 2" },
	    { "busy 1", "" }, { "+3999", "" }, { "over r1", "ITEM_OVER i1, MADE i2, ITEM_OVER i2, SPEAK x 2" });
}

/* A part without sound may be a thought, and what follows takes time. */
TALK(response_of_which_nothing_was_heard_yet_rests_longer, { "turn", "" }, { "began r1", "" }, { "ended r1 t1", "" },
    { "+2999", "" }, { "+1", "RESTED r1, SILENT its end was not told, RETRIED" }, { "+500", "ASK 1" });

/* A part's own end may be lost, too. */
TALK(sound_ends_with_its_part, { "began r1", "" }, { "audio r1 i1 8", "PLAY 1" }, { "ended r1 i1", "MADE i1" },
    { "ended r1 i1", "" }, { "over r1", "ITEM_OVER i1" }, { "ended r1 i1", "" }, { "+60000", "" });

TALK(what_was_cut_and_has_no_end_is_no_answer, { "began r1", "" }, { "speaks & pauses", "CUT 1" },
    { "ended r1 i1", "" }, { "+3000", "RESTED r1" });

const struct CMUnitTest unit_tests[] = {
	CASE(answer_is_asked_for_once_and_ends),
	CASE(answer_wanted_meanwhile_waits_for_the_end_of_the_active_one),
	CASE(answer_the_model_makes_by_itself_is_the_one_that_was_owed),
	CASE(what_is_wanted_after_the_request_is_newer_than_its_answer),
	CASE(free_is_told_with_the_pause_before_it),
	CASE(refused_as_busy_it_is_asked_for_again_after_a_pause),
	CASE(request_that_crossed_the_models_own_answer_is_not_forgotten),
	CASE(refusal_that_names_nothing_is_of_the_last_request),
	CASE(other_errors_of_an_answer_that_has_begun_leave_it_to_its_end),
	CASE(busy_for_ever_is_a_failure_in_the_end),
	CASE(failed_answer_is_asked_for_again_after_a_pause_then_given_up),
	CASE(refused_request_is_sent_again_then_given_up),
	CASE(success_forgets_earlier_failures),
	CASE(answer_that_never_begins_is_asked_for_again),
	CASE(turn_the_model_never_answers_is_asked_for),
	CASE(answer_that_failed_and_then_never_begins_is_not_forgotten),
	CASE(answer_that_goes_quiet_no_longer_blocks),
	CASE(deltas_without_sound_end_no_silence),
	CASE(what_is_told_without_a_name_is_of_the_one_being_made),
	CASE(model_that_goes_quiet_every_time_is_given_up),
	CASE(session_that_says_nothing_beside_an_answer_is_not_asked_to),
	CASE(audio_of_an_answer_that_went_quiet_ends),
	CASE(silence_begins_when_the_queued_audio_is_played),
	CASE(silence_begins_when_the_phone_has_played),
	CASE(phone_that_runs_dry_late_is_believed),
	CASE(phone_that_ran_dry_before_more_came_is_not),
	CASE(audio_that_was_cut_is_silence),
	CASE(answer_that_comes_slowly_is_heard_to_its_end),
	CASE(pause_between_two_items_may_be_longer),
	CASE(silence_goes_on_where_one_response_gives_way_to_the_next),
	CASE(response_that_is_taken_up_again_has_its_time),
	CASE(end_of_another_response_decides_nothing),
	CASE(ids_as_long_as_they_come_are_told_apart),
	CASE(long_ids_come_back_whole),
	CASE(beginning_that_is_told_twice_begins_nothing),
	CASE(answer_without_sound_is_asked_for_once_more_then_given_up),
	CASE(a_single_byte_of_sound_makes_an_answer),
	CASE(sound_that_came_before_its_beginning_counts),
	CASE(answer_whose_beginning_is_lost_was_the_one_that_was_waited_for),
	CASE(answer_of_which_only_the_sound_was_told_is_not_asked_for_again),
	CASE(sound_that_comes_after_the_end_is_not_heard_and_does_not_count),
	CASE(call_of_a_tool_needs_no_sound_but_its_answer_does),
	CASE(answer_that_was_stopped_before_its_sound_is_not_asked_for_again),
	CASE(greeting_without_sound_is_none),
	CASE(cues_without_sound_are_tried_again_then_left_out),
	CASE(response_whose_end_is_lost_gives_way_to_the_next),
	CASE(what_a_lost_response_did_not_say_is_still_to_be_said),
	CASE(response_is_over_when_its_parts_are_and_nothing_follows),
	CASE(response_whose_next_part_begins_goes_on),
	CASE(response_of_which_nothing_was_heard_yet_rests_longer),
	CASE(sound_ends_with_its_part),
	CASE(what_was_cut_and_has_no_end_is_no_answer),
	{ 0 },
};
