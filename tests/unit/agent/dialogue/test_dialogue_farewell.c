/* The last words, an answering machine, idleness: how a call ends by the dialogue. */
#include <stddef.h>

#include "dialogue_kit.h"
#include "tests/unit.h"

ONE_THREAD;

/* ------------------------------------------------------------------------ the farewell */

static void call_ends_when_the_last_words_were_heard(void **state)
{
	(void)state;
	FOLLOW(&k, { "goodbye bye", "SPEAK bye 1" }, { "began r1", "" }, { "audio r1 i1 16000", "PLAY 1" },
	    { "over r1", "MADE i1, ITEM_OVER i1" });
	assert_due_in_ms(7000); /* their length, and a margin */
	FOLLOW(&k, { "+6999", "" }, { "heard 1 2000", "HEARD i1 2000, END agent_ended, SAID" });
}

static void each_wait_of_a_farewell_is_bounded(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r0", "" }, { "audio r0 i0 96000", "PLAY 1" }, { "goodbye bye", "" },
	    { "+12000 & audio r0 i0 104000", "PLAY 1" }, { "+12999", "" }, { "+1", "UNHEARD, END agent_ended" });
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready & there", "" }, { "goodbye bye", "SPEAK bye 1" }, { "began r1", "" },
	    { "audio r1 i1 16000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" },
	    { "+7000", "UNHEARD, END agent_ended" });
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready & there", "" }, { "goodbye bye", "SPEAK bye 1" }, { "began r1", "" },
	    { "audio r1 i1 28800000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" });
	assert_due_in_ms(30000);
}

static void goodbye_that_cannot_be_said_ends_the_call_without(void **state)
{
	(void)state;
	FOLLOW(&k, { "firm bye", "DEAF, SPEAK bye 1" }, { "+4000", "NO_ANSWER, RETRIED" }, { "+500", "SPEAK bye 2" },
	    { "+4000", "SPEAK bye 3" }, { "+3999", "" }, { "+1", "END agent_ended" });
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready", "" }, { "goodbye bye", "END agent_ended" }); /* nobody is there to hear it */
}

static void caller_who_speaks_up_calls_it_off_but_not_a_firm_one(void **state)
{
	(void)state;
	/* It was under way, and is not said again. */
	FOLLOW(&k, { "goodbye bye", "SPEAK bye 1" }, { "speaks", "CALLED_OFF 0, CUT 1" }, { "began r1", "CANCEL r1" },
	    { "over r1", "" }, { "pauses", "" }, { "+300", "" });
	FOLLOW(&k, { "goodbye bye", "SPEAK bye 2" }, { "key 1", "CALLED_OFF 0, CUT 2" }, { "+3999", "KEYS 1" },
	    { "busy 2", "ASK 3" }, { "began r3", "" }, { "over r3", "" });
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready & there", "" }, { "firm bye", "DEAF, SPEAK bye 1" }, { "speaks", "" }, { "began r1", "" },
	    { "key 1", "" }, { "pauses & turn", "" }, { "over r1", "END agent_ended" });
}

static void first_one_stands_except_against_a_firm_one(void **state)
{
	(void)state;
	assert_true(kit_play(&k, "goodbye one"));
	assert_false(kit_play(&k, "goodbye two"));
	assert_true(kit_play(&k, "firm three"));
	assert_false(kit_play(&k, "firm four"));
	FOLLOW(&k, { "began r1", "" }, { "over r1", "SPEAK three 2" }, { "began r2", "" },
	    { "over r2", "END agent_ended" });
}

/* A caller who was promised a person gets there, whatever the call has cost. */
static void limit_does_not_stop_a_transfer_but_comes_after_one_that_is_called_off(void **state)
{
	(void)state;
	assert_true(kit_play(&k, "began r1 & call 1 r1 & transfers 1 r1"));
	assert_false(kit_play(&k, "limit time"));
	FOLLOW(&k, { "over r1", "END transferred" });
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready & there", "" }, R1_SOUNDS, { "call 1 r1 & transfers 1 r1", "" }, { "limit time", "" },
	    { "speaks", "CALLED_OFF 1, CUT 1" }, { "cut 1 1:500", "CUT_SHORT i1 500, TRUNCATE i1 500" },
	    { "pauses & limit time", "DEAF" }, { "over r1", "UNPLAYED i1, ITEM_OVER i1, SPEAK time 1, TOOL_RESULT 1" },
	    { "began r2", "" }, { "audio r2 i2 800", "PLAY 2" }, { "over r2", "MADE i2, ITEM_OVER i2" },
	    { "heard 2 100", "HEARD i2 100, END time_limit, SAID" });
}

/* What an operator wanted said before has nobody to hear it. */
TALK(transfer_goes_before_what_waits_to_be_said, { "began r1", "" }, { "say one", "" }, { "say two", "" },
    { "hand-over bye", "UNSAID, UNSAID, DEAF" }, { "over r1", "SPEAK bye 1" }, { "began r2", "" },
    { "over r2", "END transferred" });

/* They were told of to nobody, and the call ends with them. */
TALK(firm_words_that_are_stopped_before_their_sound_are_said_again, { "firm bye", "DEAF, SPEAK bye 1" },
    { "began r1", "" }, { "over r1 turned", "SPEAK bye 2" }, { "began r2", "" }, { "audio r2 i2 8000", "PLAY 1" },
    { "over r2", "MADE i2, ITEM_OVER i2" }, { "heard 1 1000", "HEARD i2 1000, END agent_ended, SAID" });

/* The model goes on behind its goodbye, and fails: no apology is heard behind that. */
static void nothing_is_missed_after_the_farewell(void **state)
{
	const struct dialogue_rules rules = { .interruptible = true, .knows = { [KNOWN_SORRY] = true } };

	(void)state;
	open_as(&rules);
	FOLLOW(&k, { "ready & there", "" }, { "goodbye bye", "SPEAK bye 1" }, R1_SOUNDS,
	    { "over r1", "MADE i1, ITEM_OVER i1" }, { "began r2", "" }, { "over r2 failed", "" }, { "began r3", "" },
	    { "over r3 failed", "" }, { "heard 1 1000", "HEARD i1 1000, END agent_ended, SAID" });
}

/* The operator's word that comes too late is not said after the goodbye. */
static void nothing_is_said_after_the_farewell(void **state)
{
	(void)state;
	FOLLOW(&k, { "goodbye bye", "SPEAK bye 1" }, { "say x", "" }, R1_SOUNDS, { "over r1", "MADE i1, ITEM_OVER i1" },
	    { "say y & told", "" }, { "heard 1 1000", "HEARD i1 1000, END agent_ended, SAID" }, { "say z & told", "" });
	assert_int_equal(dialogue_due_us(&k.d), NEVER_US);
}

static void firm_last_words_before_the_model_is_there_make_it_deaf_then(void **state)
{
	(void)state;
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, { "there", "" }, { "firm bye", "" }, { "ready", "DEAF, GREET 1" }, { "began r1", "" },
	    { "audio r1 i1 80", "PLAY 1" }, { "first 1", "" }, { "over r1", "MADE i1, ITEM_OVER i1, SPEAK bye 2" });
	assert_int_equal(k.d.ears, EARS_DEAF);
}

static void machine_is_left_a_message_whatever_is_being_said(void **state)
{
	(void)state;
	open_as(&KIT_GREETING);
	FOLLOW(&k, { "machine", "" }, { "there", "" }, { "ready", "DEAF, SPEAK message 1" } /* and no greeting */,
	    R1_SOUNDS, { "over r1", "MADE i1, ITEM_OVER i1" },
	    { "heard 1 1000", "HEARD i1 1000, END message_left, SAID" });
	open_as(&KIT_GREETING);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "machine", "CANCEL r1, CUT 1, DEAF" },
	    { "over r1", "UNPLAYED i1, ITEM_OVER i1, SPEAK message 2" });
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready & there", "" }, { "firm bye", "DEAF, SPEAK bye 1" }, { "machine", "" });
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready & there", "" }, { "machine_exact", "DEAF, RECITE message 1" });
}

/* ---------------------------------------------------------------------------- idleness */

/* What the model still tells then is for the record only. */
static void call_ends_once(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 240000", "PLAY 1" }, { "goodbye bye", "" },
	    { "+25000", "UNHEARD, END agent_ended" }, { "over r1 failed", "MADE i1, ITEM_OVER i1" }, { "began r2", "" },
	    { "over r2 failed", "" }, { "say x", "" }, { "firm bye", "" });
	assert_int_equal(dialogue_due_us(&k.d), NEVER_US);
}

static void nobody_speaking_for_long_ends_the_call(void **state)
{
	const struct dialogue_rules rules = { .interruptible = true, .idle_us = 30 * US_PER_S };

	(void)state;
	open_as(&rules);
	FOLLOW(&k, { "ready & there", "" }, { "+29999", "" }, { "speaks", "" }, { "+60000", "" },
	    { "pauses & turn", "" }, R1_SOUNDS, { "+1000 & over r1", "MADE i1, ITEM_OVER i1" },
	    { "+60000", "" } /* it is still being played */, { "heard 1 1000", "HEARD i1 1000" }, { "+29999", "" },
	    { "key 1 & +1499", "" }, { "+1", "KEYS 1, ASK 1" }, { "began r2", "" }, { "over r2", "" }, { "+29999", "" },
	    { "+1", "END idle" });
}

const struct CMUnitTest unit_tests[] = {
	CASE(call_ends_when_the_last_words_were_heard),
	CASE(each_wait_of_a_farewell_is_bounded),
	CASE(goodbye_that_cannot_be_said_ends_the_call_without),
	CASE(caller_who_speaks_up_calls_it_off_but_not_a_firm_one),
	CASE(first_one_stands_except_against_a_firm_one),
	CASE(limit_does_not_stop_a_transfer_but_comes_after_one_that_is_called_off),
	CASE(transfer_goes_before_what_waits_to_be_said),
	CASE(firm_words_that_are_stopped_before_their_sound_are_said_again),
	CASE(nothing_is_missed_after_the_farewell),
	CASE(nothing_is_said_after_the_farewell),
	CASE(firm_last_words_before_the_model_is_there_make_it_deaf_then),
	CASE(machine_is_left_a_message_whatever_is_being_said),
	CASE(call_ends_once),
	CASE(nobody_speaking_for_long_ends_the_call),
	{ 0 },
};
