/* The caller talks over what the agent says, or is about to: who is owed what then. */
#include <stddef.h>

#include "dialogue_kit.h"
#include "tests/unit.h"

ONE_THREAD;

/* ------------------------------------------------------------------- the caller cuts in */

static void cut_names_the_active_response(void **state)
{
	(void)state;
	FOLLOW(&k, { "key 1", "" }, { "+1500", "KEYS 1, ASK 1" }, { "began r1", "" },
	    { "speaks", "CUT 1" } /* the model cancels by itself */, { "over r1", "" });
	FOLLOW(&k, { "began r2", "" }, { "key 2", "CANCEL r2, CUT 2" }, { "over r2", "" });
}

/* Nothing is queued yet, but the model's audio is on its way. */
TALK(speech_before_the_first_delta_leaves_nothing_to_be_played, { "began r1", "" }, { "speaks", "CUT 1" },
    { "audio r1 i1 800", "PASS_OVER" }, { "cut 1", "" }, { "over r1 turned", "" });

static void cut_takes_back_what_was_wanted(void **state)
{
	(void)state;
	FOLLOW(&k, { "told & +0", "ASK 1" }, { "refused 1", "RETRIED" }, { "speaks & pauses", "" });
	assert_idle();
	/* And what was expected: the caller goes on speaking, for long perhaps. */
	FOLLOW(&k, { "turn", "" }, { "speaks & pauses", "CUT 1" }, { "due 2000", "" }, { "+2000", "" });
	assert_idle();
	/* And what is to be asked for again after a failure. */
	FOLLOW(&k, { "began r1", "" }, { "over r1 failed", "RETRIED" }, { "speaks & pauses", "" });
	assert_idle();
}

static void answer_cut_before_it_began_is_dropped_when_it_shows(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "speaks & pauses", "CUT 1" }, { "began r1", "CANCEL r1" },
	    { "audio r1 i1 800", "PASS_OVER" }, { "over r1", "" });
	assert_idle();
	/* It only, not the next one. */
	FOLLOW(&k, { "began r2", "" }, { "audio r2 i2 800", "PLAY 1" });
}

/* The end of a turn, and the caller speaks again before the model has begun. */
static void answer_to_a_turn_that_went_on_is_unheard_when_it_shows(void **state)
{
	(void)state;
	FOLLOW(&k, { "turn", "" }, { "speaks & pauses", "CUT 1" }, { "began r1", "" },
	    { "audio r1 i1 800", "PASS_OVER" }, { "over r1", "" });
	assert_idle();
	/* By a key, of which the model knows nothing, it is to be cancelled. */
	FOLLOW(&k, { "turn", "" }, { "key 1", "CUT 2" }, { "began r2", "CANCEL r2" }, { "over r2", "" },
	    { "+1500", "KEYS 1, ASK 1" }, { "began r3", "" }, { "over r3", "" });
	/* The end of the next turn comes first: the answer is to that one. */
	FOLLOW(&k, { "turn", "" }, { "speaks & pauses", "CUT 3" }, { "turn", "" }, { "began r4", "" },
	    { "audio r4 i4 800", "PLAY 1" });
}

TALK(nothing_is_asked_for_while_the_model_is_about_to_answer, { "turn & told", "" }, { "+1000", "" },
    { "+3000", "NO_ANSWER, RETRIED" }, { "+500", "ASK 1" });

static void refusal_of_what_was_cut_lets_the_next_answer_through(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "speaks & pauses", "CUT 1" }, { "refused 1", "" });
	assert_idle(); /* nobody waits for it */
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 8", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" },
	    { "heard 1 1", "HEARD i1 1" });
	FOLLOW(&k, { "+300 & told", "ASK 2" }, { "speaks & pauses", "CUT 2" }, { "busy 2", "" });
	assert_idle();
	FOLLOW(&k, { "began r2", "" }, { "audio r2 i2 8", "PLAY 2" });
}

static void what_was_cut_and_never_came_lets_the_next_answer_through(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "speaks & pauses", "CUT 1" }, { "+4000", "" });
	assert_idle();
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 8", "PLAY 1" });
}

/* Keys pressed during the greeting's first moments: they cut it, and are to be
 * answered. */
TALK(what_is_wanted_after_a_cut_survives_the_answer_that_was_cut, { "told", "ASK 1" }, { "key 1", "CUT 1" },
    { "began r1", "CANCEL r1" }, { "+1500", "KEYS 1" }, { "over r1", "ASK 2" });

static void request_that_crossed_and_was_cut_is_not_sent_again(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "began own", "" }, { "speaks & pauses", "CUT 1" }, { "busy 1", "" },
	    { "over own", "" });
	assert_idle();
	FOLLOW(&k, { "+300 & told", "ASK 2" }, { "speaks & pauses", "CUT 2" }, { "began own2", "CANCEL own2" },
	    { "busy 2", "" }, { "over own2", "" });
	assert_idle();
}

static void answer_that_was_cut_is_owed_to_nobody(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "speaks & pauses", "CUT 1" }, { "over r1 failed", "" });
	assert_idle();
	FOLLOW(&k, { "began r2", "" }, { "speaks & pauses", "CUT 2" }, { "+20000", "" });
	assert_idle();
}

/* The service was asked to answer a message behind a tool of its own. */
static void what_was_to_follow_a_tool_is_superseded(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "ended r1 i1 acts", "" }, { "told", "" }, { "+400", "RESTED r1, ASK 1" },
	    { "speaks & pauses", "CUT 1" }, { "began r2", "UNTOLD r1, CANCEL r2" }, { "over r2", "" });
	assert_idle();
}

/* The service is told to stop it only then, however long another one was waited for. */
TALK(answer_that_was_cut_before_it_began_has_its_time_to_stop, { "began r1", "" },
    { "ended r1 i1 & +3000", "RESTED r1, SILENT its end was not told, RETRIED" }, { "+500", "ASK 1" },
    { "speaks & pauses", "CUT 1" }, { "part r1 & +2000", "" }, { "began r2", "UNTOLD r1, CANCEL r2" },
    { "due 4000", "" });

/* Our request was cut, the caller's turn ended, and which of the two answers begins is
 * not told: the turn stays owed. */
TALK(turn_behind_a_request_that_was_cut_is_not_forgotten, { "told", "ASK 1" }, { "speaks", "CUT 1" },
    { "pauses & turn", "" }, { "began r1", "CANCEL r1" }, { "over r1", "" }, { "due 4000", "" }, { "began r2", "" },
    { "audio r2 i1 8", "PLAY 1" });

/* The end of what the caller cut is lost, then the answer to the turn as well. */
TALK(turn_behind_an_answer_that_never_ends_is_not_forgotten, { "began r1", "" }, { "speaks", "CUT 1" },
    { "pauses & turn", "" }, { "+3999", "" }, { "+1", "NO_ANSWER, RETRIED" }, { "+500", "ASK 1" });

/* … nor if the model goes on with it, which nobody hears. */
TALK(answer_that_was_cut_and_goes_on_is_not_waited_for, { "began r1", "" }, { "audio r1 i1 800", "PLAY 1" },
    { "key 1", "CANCEL r1, CUT 1" }, { "+2000", "KEYS 1" }, { "audio r1 i1 800", "PASS_OVER" }, { "+1999", "" },
    { "+1", "UNPLAYED i1, ITEM_OVER i1, ASK 1" }, { "audio r1 i1 800", "PASS_OVER" });

/* A cue is on its way while a turn ends; both are lost. */
TALK(turn_behind_a_cue_that_is_lost_is_not_forgotten, { "say x", "SPEAK x 1" }, { "turn", "" },
    { "+4000", "NO_ANSWER, RETRIED" }, { "+500", "ASK 2" }, { "began r1", "ASIDE" }, { "over r1", "SPEAK x 4" });

/* Without interruption a turn that ends while the model speaks may be passed over. */
static void turn_during_an_answer_that_is_not_interrupted_is_answered_after_it(void **state)
{
	const struct dialogue_rules rules = { 0 };

	(void)state;
	kit_open(&k, &rules);
	kit_play(&k, "ready & there");
	FOLLOW(&k, { "began r1", "" }, { "speaks", "" }, { "pauses & turn", "" }, { "over r1", "ASK 1" });
}

/* The model stopped by itself because the caller spoke, too late for us to know which. */
static void answer_the_model_stopped_for_the_caller_is_cut(void **state)
{
	(void)state;
	FOLLOW(&k, { "speaks", "" }, R1_SOUNDS, { "over r1 turned", "CUT 1, UNPLAYED i1, ITEM_OVER i1" },
	    { "audio r1 i1 80", "PASS_OVER" }, { "cut 1 1:20", "CUT_SHORT i1 20, TRUNCATE i1 20" });
	FOLLOW(&k, { "began r2", "" }, { "over r2 turned", "" }); /* nothing is queued of that one */
}

const struct CMUnitTest unit_tests[] = {
	CASE(cut_names_the_active_response),
	CASE(speech_before_the_first_delta_leaves_nothing_to_be_played),
	CASE(cut_takes_back_what_was_wanted),
	CASE(answer_cut_before_it_began_is_dropped_when_it_shows),
	CASE(answer_to_a_turn_that_went_on_is_unheard_when_it_shows),
	CASE(nothing_is_asked_for_while_the_model_is_about_to_answer),
	CASE(refusal_of_what_was_cut_lets_the_next_answer_through),
	CASE(what_was_cut_and_never_came_lets_the_next_answer_through),
	CASE(what_is_wanted_after_a_cut_survives_the_answer_that_was_cut),
	CASE(request_that_crossed_and_was_cut_is_not_sent_again),
	CASE(answer_that_was_cut_is_owed_to_nobody),
	CASE(what_was_to_follow_a_tool_is_superseded),
	CASE(answer_that_was_cut_before_it_began_has_its_time_to_stop),
	CASE(turn_behind_a_request_that_was_cut_is_not_forgotten),
	CASE(turn_behind_an_answer_that_never_ends_is_not_forgotten),
	CASE(answer_that_was_cut_and_goes_on_is_not_waited_for),
	CASE(turn_behind_a_cue_that_is_lost_is_not_forgotten),
	CASE(turn_during_an_answer_that_is_not_interrupted_is_answered_after_it),
	CASE(answer_the_model_stopped_for_the_caller_is_cut),
	{ 0 },
};
