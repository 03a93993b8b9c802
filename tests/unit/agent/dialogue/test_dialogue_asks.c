/* A dialogue whose model is asked for each answer, and whose phone speaks by itself. */
#include <stddef.h>

#include "dialogue_kit.h"
#include "tests/unit.h"

ONE_THREAD;

static int asking(void **state)
{
	(void)state;
	kit_open(&k, &KIT_ASKING);
	kit_play(&k, "ready & there");
	return 0;
}

TALK(turn_is_answered_because_we_ask, { "speaks", "" }, { "pauses & turn", "ASK 1" }, R1_SOUNDS,
    { "ended r1 i1 & over r1", "MADE i1, ITEM_OVER i1" }, { "heard 1 1000", "HEARD i1 1000" });

/* A cough is not a turn. */
TALK(voice_alone_interrupts_nothing, { "turn", "ASK 1" }, R1_SOUNDS, { "speaks", "" }, { "audio r1 i1 800", "PLAY 1" },
    { "pauses", "" }, { "over r1", "MADE i1, ITEM_OVER i1" });

TALK(turn_before_anything_of_the_answer_came_is_answered_together_with_the_last, { "turn", "ASK 1" },
    { "began r1", "" }, { "turn", "CANCEL r1" }, { "audio r1 i1 800", "PASS_OVER" }, { "over r1 mute", "ASK 2" },
    { "began r2", "" });

TALK(turn_before_the_answer_began_is_answered_together_with_the_last, { "turn", "ASK 1" }, { "turn", "" },
    { "began r1", "CANCEL r1" }, { "over r1 mute", "ASK 2" }, { "began r2", "" }, { "audio r2 i2 80", "PLAY 1" });

TALK(turn_into_an_answer_is_answered_behind_it, { "turn", "ASK 1" }, R1_SOUNDS, { "turn", "" },
    { "audio r1 i1 800", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1, ASK 2" });

TALK(turns_into_an_answer_are_answered_together, { "turn", "ASK 1" }, R1_SOUNDS, { "turn & turn", "" },
    { "over r1", "MADE i1, ITEM_OVER i1, ASK 2" }, { "began r2 & audio r2 i2 80", "PLAY 2" },
    { "over r2", "MADE i2, ITEM_OVER i2" });

TALK(turn_while_words_from_outside_are_made_waits_for_them, { "say x", "SPEAK x 1" }, { "began r1", "" },
    { "turn", "" }, { "over r1", "ASK 2" });

TALK(phone_that_was_interrupted_waits_for_a_cut, { "turn", "ASK 1" }, R1_SOUNDS,
    { "interrupted 0 1:300", "CANCEL r1, CUT 1, CUT_SHORT i1 300, TRUNCATE i1 300" }, { "audio r1 i1 80", "PASS_OVER" },
    { "turn", "" }, { "over r1 mute", "UNPLAYED i1, ITEM_OVER i1, ASK 2" });

TALK(phone_that_was_interrupted_waits_for_a_cut_also_when_there_is_nothing_to_cut, { "interrupted 0", "CUT 1" },
    { "turn", "ASK 1" }, R1_SOUNDS, { "over r1 & heard 1 1000", "MADE i1, ITEM_OVER i1, HEARD i1 1000" },
    { "interrupted 1", "CUT 2" });

TALK(key_cuts_nothing_by_itself_and_is_answered, { "turn", "ASK 1" }, R1_SOUNDS, { "key 1", "" }, { "+1500", "KEYS 1" },
    { "over r1", "MADE i1, ITEM_OVER i1, ASK 2" });

TALK(keys_before_anything_of_the_answer_came_are_answered_together_with_the_turn, { "turn", "ASK 1" },
    { "began r1", "" }, { "key #", "KEYS #, CANCEL r1" }, { "over r1 mute", "ASK 2" });

TALK(turn_after_firm_last_words_is_not_answered, { "firm bye", "SPEAK bye 1" }, { "turn", "" },
    { "began r1 & audio r1 i1 800 & over r1", "PLAY 1, MADE i1, ITEM_OVER i1" }, { "turn", "" },
    { "heard 1 100", "HEARD i1 100, END agent_ended, SAID" });

TALK(turn_calls_a_goodbye_off_that_is_not_firm, { "goodbye bye", "SPEAK bye 1" },
    { "began r1 & audio r1 i1 800 & over r1", "PLAY 1, MADE i1, ITEM_OVER i1" }, { "turn", "CALLED_OFF 0, ASK 2" });

/* Without this the call would be over before his words come. */
TALK(interruption_calls_a_goodbye_off_that_is_not_firm, { "turn", "ASK 1" },
    { "began r1 & audio r1 i1 8000", "PLAY 1" }, { "call 1 r1 - & ends 1 r1", "" },
    { "over r1", "MADE i1, ITEM_OVER i1" },
    { "interrupted 0 1:300", "CALLED_OFF 1, CUT 1, CUT_SHORT i1 300, TRUNCATE i1 300, TOOL_RESULT 1, ASK 2" },
    { "turn", "" }, { "began r2", "CANCEL r2" }, { "over r2 mute", "ASK 3" });

TALK(answer_knows_the_results_that_there_are, { "turn", "ASK 1" }, { "began r1 & call 1 r1 -", "" },
    { "answer 1 & turn", "" }, { "over r1", "TOOL_RESULT 1, ASK 2" }, { "began r2", "" },
    { "audio r2 i2 80 & over r2", "PLAY 1, MADE i2, ITEM_OVER i2" }, { "+1000", "" });

TALK(message_for_a_machine_comes_behind_what_the_phone_was_given, { "turn", "ASK 1" }, R1_SOUNDS,
    { "machine", "CANCEL r1, MADE i1" }, { "audio r1 i1 80", "PASS_OVER" },
    { "over r1 mute", "ITEM_OVER i1, SPEAK message 2" });

static void model_is_told_nothing_about_turns(void **state)
{
	(void)state;
	open_as(&(struct dialogue_rules){ .greets = true, .asks = true, .protect_us = 3 * US_PER_S });
	FOLLOW(&k, { "ready & there", "GREET 1" }, R1_SOUNDS, { "first 1", "" }, { "speaks", "" }, { "+4000", "" },
	    { "limit bye", "" }, { "over r1", "MADE i1, ITEM_OVER i1, SPEAK bye 2" }, { "turn", "" },
	    { "configured", "" });
	assert_int_equal(k.d.ears, EARS_DEAF);
}

#define ASKS(name) cmocka_unit_test_setup_teardown(name, asking, kit_teardown)

const struct CMUnitTest unit_tests[] = {
	ASKS(turn_is_answered_because_we_ask),
	ASKS(voice_alone_interrupts_nothing),
	ASKS(turn_before_anything_of_the_answer_came_is_answered_together_with_the_last),
	ASKS(turn_before_the_answer_began_is_answered_together_with_the_last),
	ASKS(turn_into_an_answer_is_answered_behind_it),
	ASKS(turns_into_an_answer_are_answered_together),
	ASKS(turn_while_words_from_outside_are_made_waits_for_them),
	ASKS(phone_that_was_interrupted_waits_for_a_cut),
	ASKS(phone_that_was_interrupted_waits_for_a_cut_also_when_there_is_nothing_to_cut),
	ASKS(key_cuts_nothing_by_itself_and_is_answered),
	ASKS(keys_before_anything_of_the_answer_came_are_answered_together_with_the_turn),
	ASKS(turn_after_firm_last_words_is_not_answered),
	ASKS(turn_calls_a_goodbye_off_that_is_not_firm),
	ASKS(interruption_calls_a_goodbye_off_that_is_not_firm),
	ASKS(answer_knows_the_results_that_there_are),
	ASKS(message_for_a_machine_comes_behind_what_the_phone_was_given),
	ASKS(model_is_told_nothing_about_turns),
	{ 0 },
};
