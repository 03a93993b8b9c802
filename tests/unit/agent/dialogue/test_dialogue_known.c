/* Lines that have their sound: they need no session, and whatever comes of it. */
#include <stddef.h>

#include "dialogue_kit.h"
#include "tests/unit.h"

ONE_THREAD;

static const struct dialogue_rules GREETS = {
	.greets = true, .interruptible = true, .knows = { [KNOWN_GREETING] = true }
};

static const struct dialogue_rules PROTECTED = {
	.greets = true, .interruptible = true, .protect_us = 1000 * US_PER_MS, .knows = { [KNOWN_GREETING] = true }
};

/* ------------------------------------------------------------------------ the greeting */

static void greeting_begins_with_the_stream_and_is_the_only_one(void **state)
{
	(void)state;
	open_as(&GREETS);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "+1500", "" }, { "ready", "" },
	    { "heard 1 2000", "HEARD known_1 2000" }, { "+60000", "" }, { "turn", "" }, { "began r1", "" },
	    { "over r1", "" });
	/* A session that is ready has nothing to say before. */
	open_as(&GREETS);
	FOLLOW(&k, { "ready", "" }, { "there", "KNOWN greeting 1" }, { "first 1", "" },
	    { "heard 1 2000", "HEARD known_1 2000" }, { "+60000", "" });
	assert_idle();
}

static void greeting_outlives_sessions(void **state)
{
	(void)state;
	open_as(&GREETS);
	FOLLOW(&k, { "ready & there", "KNOWN greeting 1" }, { "away", "" }, { "ready", "" }, { "away", "" },
	    { "heard 1 2000", "HEARD known_1 2000" }, { "ready", "" }, { "+60000", "" });
}

static void caller_who_is_back_hears_no_greeting(void **state)
{
	struct dialogue_rules rules = GREETS;

	(void)state;
	rules.recalled = true;
	open_as(&rules);
	FOLLOW(&k, { "there", "" }, { "ready", "ASK 1" });
	rules.recalled = rules.greets = false;
	open_as(&rules);
	FOLLOW(&k, { "there", "" }, { "ready", "" });
}

/* By its level: nobody else hears him yet. */
static void caller_interrupts_the_greeting_before_there_is_a_model(void **state)
{
	(void)state;
	open_as(&GREETS);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "first 1", "" }, { "+500", "" }, { "speaks", "CUT 1" },
	    { "cut 1 1:400", "CUT_SHORT known_1 400, TRUNCATE known_1 400" }, { "pauses", "" }, { "+500", "" },
	    /* It hears what he said, and answers that. */
	    { "ready", "" }, { "speaks", "" }, { "pauses", "" }, { "turn", "" }, { "began r1", "" }, { "over r1", "" },
	    { "+60000", "" });
	assert_idle();
}

static void answer_waits_at_the_phone_for_the_greeting(void **state)
{
	(void)state;
	open_as(&GREETS);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "+100", "" }, { "ready", "" }, { "say x", "SPEAK x 1" },
	    { "began r1", "" }, { "audio r1 i1 8000", "PLAY 2" }, { "over r1", "MADE i1, ITEM_OVER i1" });
	/* The silence that the caller hears begins behind both. */
	assert_int_equal((k.d.silent_from_us - k.now) / US_PER_MS, 2900);
	FOLLOW(&k, { "heard 1 2000", "HEARD known_1 2000" }, { "heard 2 1000", "HEARD i1 1000" });
}

static void caller_interrupts_greeting_and_answer_together(void **state)
{
	(void)state;
	open_as(&GREETS);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "ready & say x", "SPEAK x 1" }, { "began r1", "" },
	    { "audio r1 i1 8000", "PLAY 2" }, { "speaks", "CUT 1" },
	    { "cut 1 1:700", "CUT_SHORT known_1 700, TRUNCATE known_1 700, CUT_SHORT i1 0, TRUNCATE i1 0" });
}

static void greeting_that_may_not_be_interrupted_is_heard(void **state)
{
	struct dialogue_rules rules = GREETS;

	(void)state;
	rules.interruptible = false;
	open_as(&rules);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "speaks", "" }, { "ready", "" },
	    { "heard 1 2000", "HEARD known_1 2000" });
}

/* The time of protection runs, with a session or without; a later one is opened as it is then. */
static void greeting_is_protected_before_there_is_a_model(void **state)
{
	(void)state;
	open_as(&PROTECTED);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "first 1", "" }, { "+500", "" }, { "speaks", "" }, { "+499", "" },
	    { "+1", "LISTEN, CUT 1" }, { "cut 1 1:900", "CUT_SHORT known_1 900, TRUNCATE known_1 900" },
	    { "ready open", "" });
	open_as(&PROTECTED);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "first 1", "" }, { "+1000", "LISTEN" }, { "speaks", "CUT 1" });
	open_as(&PROTECTED);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "first 1", "" }, { "key 1", "LISTEN, CUT 1" });
	open_as(&PROTECTED);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "first 1", "" }, { "+200", "" }, { "ready deaf", "" },
	    { "speaks", "" }, { "pauses & turn", "" }, { "+800", "LISTEN, ASK 1" }, { "configured", "" });
}

static void stream_that_is_lost_has_heard_so_much_of_the_greeting(void **state)
{
	(void)state;
	open_as(&GREETS);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "+700", "" }, { "left 1:600", "HEARD known_1 600" },
	    { "ready", "" });
}

static void machine_hears_its_message_and_no_greeting(void **state)
{
	(void)state;
	open_as(&GREETS);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "machine x", "" }, { "ready", "CUT 1, DEAF, SPEAK message 1" });
}

/* --------------------------------------------------------------- for a caller who waits */

static const struct dialogue_rules HOLDS = { .interruptible = true, .knows = { [KNOWN_HOLD] = true } };

static void caller_who_waits_is_told_so_and_the_answer_comes_behind(void **state)
{
	(void)state;
	open_as(&HOLDS);
	FOLLOW(&k, { "ready & there", "" }, { "turn", "" }, { "began r1", "" }, { "+2500 & waited", "KNOWN hold 1" },
	    { "first 1", "" }, { "+500", "" }, { "audio r1 i1 8000", "PLAY 2" },
	    { "over r1", "MADE i1, ITEM_OVER i1" });
	assert_int_equal((k.d.silent_from_us - k.now) / US_PER_MS, 2500);
	FOLLOW(&k, { "heard 1 2000", "HEARD known_1 2000" });
	assert_int_equal((k.d.silent_from_us - k.now) / US_PER_MS, 2500);
	FOLLOW(&k, { "heard 2 1000", "HEARD i1 1000" }, { "+60000", "" });
	assert_idle();
}

/* It is no sound of an answer: the model is asked again when it would have been. */
static void line_does_not_make_anybody_more_patient(void **state)
{
	(void)state;
	open_as(&HOLDS);
	FOLLOW(&k, { "ready & there", "" }, { "turn", "" }, { "+2500 & waited", "KNOWN hold 1" }, { "+1499", "" },
	    { "+1", "NO_ANSWER, RETRIED" }, { "+500", "ASK 1" }, { "heard 1 2000", "HEARD known_1 2000" },
	    { "due 4000", "" });
	open_as(&HOLDS);
	FOLLOW(&k, { "ready & there", "" }, { "pauses & turn", "" }, { "began r1", "" },
	    { "+2500 & waited", "KNOWN hold 1" }, { "first 1", "" }, { "audio r1 i1 800", "PLAY 2" },
	    { "first 2", "LATENCY i1 2500" });
}

/* The model does not know that it was said. */
static void caller_interrupts_the_line_and_whatever_he_waited_for(void **state)
{
	(void)state;
	open_as(&HOLDS);
	FOLLOW(&k, { "ready & there", "" }, { "turn", "" }, { "began r1", "" }, { "+2500 & waited", "KNOWN hold 1" },
	    { "+700", "" }, { "speaks", "CUT 1" }, { "cut 1 1:600", "CUT_SHORT known_1 600" }, { "over r1 turned", "" },
	    { "+60000", "" });
}

static void line_waits_for_what_is_queued_and_for_the_last_words(void **state)
{
	(void)state;
	open_as(&HOLDS);
	FOLLOW(&k, { "ready & there", "" }, R1_SOUNDS, { "+2000 & waited", "" }, { "dry 1 8000 & waited", "" },
	    { "over r1", "MADE i1, ITEM_OVER i1" }, { "waited", "" }, { "heard 1 1000", "HEARD i1 1000" },
	    { "speaks & waited", "" }, { "pauses & waited", "KNOWN hold 2" }, { "waited", "" },
	    { "heard 2 2000", "HEARD known_2 2000" }, { "goodbye x", "" }, { "+300", "SPEAK x 1" }, { "began r2", "" },
	    { "audio r2 i2 800", "PLAY 3" }, { "over r2", "MADE i2, ITEM_OVER i2" }, { "waited", "" },
	    { "heard 3 100", "HEARD i2 100, END agent_ended, SAID" });
}

/* Its end is not that of a greeting, nor a voice. */
static void line_before_the_greeting_protects_it_not(void **state)
{
	struct dialogue_rules rules = KIT_PROTECTED;

	(void)state;
	rules.knows[KNOWN_HOLD] = true;
	rules.idle_us = 60 * US_PER_S;
	open_as(&rules);
	FOLLOW(&k, { "there", "" }, { "+2500 & waited", "KNOWN hold 1" }, { "first 1", "" }, { "ready", "GREET 1" },
	    { "+2000", "" }, { "heard 1 2000", "HEARD known_1 2000" }, { "began r1", "" },
	    { "audio r1 i1 8000", "PLAY 2" }, { "first 2", "" }, { "speaks", "" }, { "+2999", "" },
	    { "+1", "LISTEN, CANCEL r1, CUT 1" });
}

/* ------------------------------------------------------------------ the model is gone */

static const struct dialogue_rules SORRY = { .greets = true,
	.interruptible = true,
	.knows = { [KNOWN_GREETING] = true, [KNOWN_HOLD] = true, [KNOWN_SORRY] = true } };

static void model_that_is_gone_for_good_is_told_of_before_the_end(void **state)
{
	(void)state;
	open_as(&SORRY);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "heard 1 2000", "HEARD known_1 2000" },
	    { "gone", "KNOWN sorry 2" }, { "gone", "" }, { "speaks", "" }, { "pauses", "" }, { "key 1", "" },
	    { "waited", "" }, { "heard 2 2000", "HEARD known_2 2000, END model_lost, SAID" });
	/* The line for those who wait has begun, and is heard. */
	open_as(&SORRY);
	FOLLOW(&k, { "there", "KNOWN greeting 1" }, { "heard 1 2000", "HEARD known_1 2000" },
	    { "+2500 & waited", "KNOWN hold 2" }, { "gone", "KNOWN sorry 3" }, { "heard 2 2000", "HEARD known_2 2000" },
	    { "heard 3 2000", "HEARD known_3 2000, END model_lost, SAID" });
}

static void model_that_is_gone_before_the_stream_greets_nobody(void **state)
{
	(void)state;
	open_as(&SORRY);
	assert_false(kit_play(&k, "gone"));
	FOLLOW(&k, { "there & gone", "KNOWN sorry 1" }, { "heard 1 2000", "HEARD known_1 2000, END model_lost, SAID" });
}

static void without_the_line_the_call_ends_at_once(void **state)
{
	(void)state;
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready & there", "" }, { "away", "" });
	assert_false(kit_play(&k, "gone"));
	assert_string_equal(k.line, "");
}

/* The words of another farewell cannot be said any more, and no tool is waited for. */
static void it_takes_the_place_of_what_was_to_be_said(void **state)
{
	(void)state;
	open_as(&SORRY);
	FOLLOW(&k, { "ready & there", "KNOWN greeting 1" }, { "heard 1 2000", "HEARD known_1 2000" },
	    { "began r1", "" }, { "call 1 r1 -", "" }, { "hand-over x", "DEAF" }, { "away", "" },
	    { "gone", "KNOWN sorry 2" }, { "heard 2 2000", "HEARD known_2 2000, END model_lost, SAID" });
	/* But not of what is being heard. */
	open_as(&SORRY);
	FOLLOW(&k, { "ready & there", "KNOWN greeting 1" }, { "heard 1 2000", "HEARD known_1 2000" },
	    { "goodbye x", "SPEAK x 1" }, { "began r1", "" }, { "audio r1 i1 800", "PLAY 2" },
	    { "over r1", "MADE i1, ITEM_OVER i1" }, { "away", "" });
	assert_false(kit_play(&k, "gone"));
	FOLLOW(&k, { "heard 2 100", "HEARD i1 100, END agent_ended, SAID" });
}

static void model_that_cannot_answer_is_told_of_too(void **state)
{
	(void)state;
	open_as(&SORRY);
	FOLLOW(&k, { "ready & there", "KNOWN greeting 1" }, { "heard 1 2000", "HEARD known_1 2000" },
	    { "key #", "KEYS #, ASK 1" }, { "refused 1", "RETRIED" }, { "+500", "ASK 2" },
	    { "refused 2", "KNOWN sorry 2, DEAF" }, { "began r1", "" }, { "over r1 failed", "" }, { "+2000", "" },
	    { "heard 2 2000", "HEARD known_2 2000, END model_failed, SAID" });
}

/* Its marks do not come back: the call ends all the same, and the next rung says that we are sorry. */
static void line_that_is_not_heard_ends_in_time(void **state)
{
	(void)state;
	open_as(&SORRY);
	FOLLOW(&k, { "there & gone", "KNOWN sorry 1" }, { "+29999", "" }, { "+1", "UNHEARD, END model_lost" });
	open_as(&SORRY);
	FOLLOW(&k, { "there & gone", "KNOWN sorry 1" }, { "left 1:600", "HEARD known_1 600, END model_lost, SAID" });
}

/* ------------------------------------------------------------------------ other goodbyes */

static const struct dialogue_rules PARTS = {
	.interruptible = true, .idle_us = 10 * US_PER_S, .knows = { [KNOWN_IDLE] = true, [KNOWN_TIME_LIMIT] = true }
};

static void goodbye_is_said_without_a_session_if_it_is_known(void **state)
{
	(void)state;
	open_as(&PARTS);
	FOLLOW(&k, { "ready & there", "" }, { "limit x", "DEAF, SPEAK x 1" }, { "away", "" }, { "+3000", "" },
	    { "ready", "DEAF, SPEAK x 2" });
	open_as(&PARTS);
	FOLLOW(&k, { "ready & there", "" }, { "away", "" }, { "limit x", "KNOWN time_limit 1" }, { "+500", "" },
	    { "ready", "DEAF" }, { "speaks", "" }, { "turn", "" },
	    { "heard 1 2000", "HEARD known_1 2000, END time_limit, SAID" });
	open_as(&KIT_SILENT);
	FOLLOW(&k, { "ready & there", "" }, { "away", "" }, { "limit x", "" }, { "ready", "DEAF, SPEAK x 1" });
}

static void who_is_silent_without_a_session_hears_why_the_call_ends(void **state)
{
	(void)state;
	open_as(&PARTS);
	FOLLOW(&k, { "ready & there", "" }, { "+10000", "END idle" });
	open_as(&PARTS);
	FOLLOW(&k, { "ready & there", "" }, { "away", "" }, { "+10000", "KNOWN idle 1" }, { "+1000", "" },
	    { "heard 1 2000", "HEARD known_1 2000, END idle, SAID" });
	/* And may say that he is there. */
	open_as(&PARTS);
	FOLLOW(&k, { "ready & there", "" }, { "away", "" }, { "+10000", "KNOWN idle 1" },
	    { "speaks", "CALLED_OFF 0, CUT 1" }, { "cut 1 1:300", "CUT_SHORT known_1 300, TRUNCATE known_1 300" },
	    { "pauses", "" }, { "ready", "" }, { "+9999", "" }, { "+1", "END idle" });
}

/* ------------------------------------------------------------- answers that are known */

static const struct dialogue_rules INSTANT = {
	.interruptible = true, .instant = true, .knows = { [KNOWN_INSTANT] = true }
};

static void known_answer_takes_the_place_of_the_models(void **state)
{
	(void)state;
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "pauses & turn", "" }, { "+120", "" },
	    { "matched hours", "KNOWN instant 1" }, { "first 1", "LATENCY known_1 120" },
	    { "heard 1 2000", "HEARD known_1 2000" }, { "+60000", "" });
	assert_idle();
}

/* Its words come, and nobody has such an answer; or they do not come in time. */
static void model_is_asked_when_the_words_are_known_or_late(void **state)
{
	(void)state;
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "pauses & turn", "" }, { "due 300", "" },
	    { "+100", "" }, { "written other", "ASK 1" }, { "began r1", "" }, { "over r1", "" });
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "pauses & turn", "" }, { "+299", "" },
	    { "+1", "ASK 1" }, { "matched hours", "" }, { "began r1", "" }, { "over r1", "" }, { "+60000", "" });
	assert_idle();
	/* The words of a turn before are not those that are waited for. */
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "turn", "" }, { "former hours", "" }, { "+300", "ASK 1" });
	/* Without the sound of any there is nothing to wait for. */
	open_as(&(struct dialogue_rules){ .interruptible = true, .instant = true });
	FOLLOW(&k, { "ready & there", "" }, { "turn", "ASK 1" });
}

/* Whatever else is owed gets one answer together with it, by the model. */
static void known_answer_does_not_stand_for_what_else_is_owed(void **state)
{
	(void)state;
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "turn", "" }, { "key #", "KEYS #, ASK 1" }, { "matched hours", "" });
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "key 1 & turn", "ASK 1" }, { "matched hours", "" });
	/* Who goes on speaking is answered for all of it. */
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "turn", "" }, { "speaks", "" }, { "matched hours", "" },
	    { "pauses & turn", "" }, { "+300", "ASK 1" });
	/* A farewell is not answered. */
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "turn", "" }, { "goodbye x", "" }, { "matched hours", "ASK 1" });
}

static void known_answer_is_cut_like_any_other(void **state)
{
	(void)state;
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "turn", "" }, { "matched hours", "KNOWN instant 1" }, { "+500", "" },
	    { "speaks", "CUT 1" }, { "cut 1 1:400", "CUT_SHORT known_1 400, TRUNCATE known_1 400" },
	    { "pauses & turn", "" }, { "written other", "ASK 1" });
}

/* The session hears what was said, and does not answer by itself. */
static void turn_that_is_heard_again_is_asked_for(void **state)
{
	(void)state;
	open_as(&INSTANT);
	FOLLOW(&k, { "ready & there", "" }, { "turn", "" }, { "away", "" }, { "ready resent", "" },
	    { "+500 & turn", "ASK 1" });
}

const struct CMUnitTest unit_tests[] = {
	CASE(known_answer_takes_the_place_of_the_models),
	CASE(model_is_asked_when_the_words_are_known_or_late),
	CASE(known_answer_does_not_stand_for_what_else_is_owed),
	CASE(known_answer_is_cut_like_any_other),
	CASE(turn_that_is_heard_again_is_asked_for),
	CASE(greeting_begins_with_the_stream_and_is_the_only_one),
	CASE(greeting_outlives_sessions),
	CASE(caller_who_is_back_hears_no_greeting),
	CASE(caller_interrupts_the_greeting_before_there_is_a_model),
	CASE(answer_waits_at_the_phone_for_the_greeting),
	CASE(caller_interrupts_greeting_and_answer_together),
	CASE(greeting_that_may_not_be_interrupted_is_heard),
	CASE(greeting_is_protected_before_there_is_a_model),
	CASE(stream_that_is_lost_has_heard_so_much_of_the_greeting),
	CASE(machine_hears_its_message_and_no_greeting),
	CASE(caller_who_waits_is_told_so_and_the_answer_comes_behind),
	CASE(line_does_not_make_anybody_more_patient),
	CASE(caller_interrupts_the_line_and_whatever_he_waited_for),
	CASE(line_waits_for_what_is_queued_and_for_the_last_words),
	CASE(line_before_the_greeting_protects_it_not),
	CASE(model_that_is_gone_for_good_is_told_of_before_the_end),
	CASE(model_that_is_gone_before_the_stream_greets_nobody),
	CASE(without_the_line_the_call_ends_at_once),
	CASE(it_takes_the_place_of_what_was_to_be_said),
	CASE(model_that_cannot_answer_is_told_of_too),
	CASE(line_that_is_not_heard_ends_in_time),
	CASE(goodbye_is_said_without_a_session_if_it_is_known),
	CASE(who_is_silent_without_a_session_hears_why_the_call_ends),
	{ 0 },
};
