/* A caller of whom nothing is heard, or nothing is understood. */
#include <stddef.h>

#include "dialogue_kit.h"
#include "tests/unit.h"

ONE_THREAD;

static const struct dialogue_rules QUIET = { .interruptible = true,
	.reprompt_us = 10 * US_PER_S,
	.still_there = { .text = "there?" },
	.parting = { .text = "bye" } };
static const struct dialogue_rules QUIET_TEXT = { .interruptible = true,
	.asks = true,
	.reprompt_us = 10 * US_PER_S,
	.music_us = 120 * US_PER_S,
	.still_there = { .text = "there?", .exact = true },
	.parting = { .text = "bye", .exact = true } };
static const struct dialogue_rules MUSIC = { .interruptible = true,
	.music_us = 120 * US_PER_S,
	.still_there = { .text = "there?" },
	.parting = { .text = "bye" } };

/* A second of sound, which is heard. */
#define SAID(r, n) \
	{ "began " r, "" }, { "audio " r " i" #n " 8000", "PLAY " #n }, { "over " r, "MADE i" #n ", ITEM_OVER i" #n }, \
	{ \
		"+1000 & heard " #n " 1000", "HEARD i" #n " 1000" \
	}

/* ------------------------------------------------------------------- nothing is heard */

static void silence_is_asked_about_twice_and_ends_the_call(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "+9999", "" }, { "+1", "QUIET 1, SPEAK there? 1" }, SAID("r1", 1),
	    { "+9999", "" }, { "+1", "QUIET 2, SPEAK there? 2" }, SAID("r2", 2), { "+9999", "" },
	    { "+1", "QUIET 0, SPEAK bye 3" }, { "began r3", "" }, { "audio r3 i3 8000", "PLAY 3" },
	    { "over r3", "MADE i3, ITEM_OVER i3" }, { "heard 3 1000", "HEARD i3 1000, END idle, SAID" });
}

/* What was made long ago may still be playing. */
static void silence_begins_with_the_end_of_what_is_played(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "pauses & turn", "" }, { "began r1", "" },
	    { "audio r1 i1 240000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" }, { "+30000", "" },
	    { "+9000", "" } /* the phone has not said so far that all is played */,
	    { "heard 1 30000", "HEARD i1 30000" }, { "+9999", "" }, { "+1", "QUIET 1, SPEAK there? 1" });
}

/* Before its words are known, and though the model was asked already. */
static void caller_who_speaks_while_the_question_is_asked_is_not_asked_again(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "+10000", "QUIET 1, SPEAK there? 1" }, { "speaks", "CUT 1" },
	    { "began r1", "CANCEL r1" }, { "over r1 turned", "" }, { "pauses & turn", "" }, SAID("r2", 1),
	    { "written yes", "" }, { "+9999", "" }, { "+1", "QUIET 1, SPEAK there? 2" });
	open_as(&QUIET_TEXT);
	FOLLOW(&k, { "ready & there", "" }, { "+10000", "QUIET 1, RECITE there? 1" }, { "speaks", "" },
	    { "pauses & turn", "" } /* it is stopped as it begins */, { "began r1", "CANCEL r1" },
	    { "over r1 turned", "ASK 2" }, SAID("r2", 1), { "+10000", "QUIET 1, RECITE there? 3" });
}

static void turn_ends_a_speech_whose_end_was_not_told(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "turn", "" }, SAID("r1", 1), { "+9999", "" },
	    { "+1", "QUIET 1, SPEAK there? 1" });
}

static void question_counts_whatever_becomes_of_it(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "+10000", "QUIET 1, SPEAK there? 1" }, { "began r1", "" },
	    { "over r1 mute", "SILENT completed, RETRIED" }, { "+500", "SPEAK there? 2" }, { "began r2", "" },
	    { "over r2 mute", "SILENT completed, RETRIED" }, { "+500", "SPEAK there? 3" }, { "began r3", "" },
	    { "over r3 mute", "SILENT completed" }, { "+9999", "" }, { "+1", "QUIET 2, SPEAK there? 4" });
	/* Without an answer in time, too. */
	FOLLOW(&k, { "+4000", "NO_ANSWER, RETRIED" }, { "+500", "SPEAK there? 5" }, { "+4000", "SPEAK there? 6" },
	    { "+4000", "QUIET 0, SPEAK bye 7" });
}

/* Noise is no sign of life; a turn is one, until it is written down as nothing. */
static void only_a_sign_of_life_begins_the_count_anew(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "+10000", "QUIET 1, SPEAK there? 1" }, SAID("r1", 1), { "speaks", "" },
	    { "pauses & turn", "" }, SAID("r2", 2), { "written", "" }, { "+10000", "QUIET 2, SPEAK there? 2" },
	    SAID("r3", 3), { "speaks & pauses & turn", "" }, SAID("r4", 4) /* nobody writes it down */,
	    { "+10000", "QUIET 1, SPEAK there? 3" }, SAID("r5", 5), { "+10000", "QUIET 2, SPEAK there? 4" },
	    SAID("r6", 6), { "key 1 & +1500", "KEYS 1, ASK 5" }, SAID("r7", 7),
	    { "+10000", "QUIET 1, SPEAK there? 6" });
}

static void nobody_is_asked_while_a_tool_runs_or_its_answer_is_owed(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "pauses & turn", "" }, { "began r1", "" },
	    { "call 1 r1 -", "" }, { "over r1", "" }, { "+7999", "" }, { "answer 1", "TOOL_RESULT 1, ASK 1" },
	    { "+3999", "" } /* 12 s of silence, by now */, SAID("r2", 1), { "+9999", "" },
	    { "+1", "QUIET 1, SPEAK there? 2" }, { "told & began r3", "" }, { "over r3", "ASK 3" }, SAID("r4", 2),
	    { "+10000", "QUIET 2, SPEAK there? 4" });
}

/* The next session says it in its place, and nobody is asked without one. */
static void lost_session_is_no_silence_of_the_caller(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "+5000 & away", "" }, { "+60000", "" },
	    { "ready", "QUIET 1, SPEAK there? 1" }, { "away", "" }, { "+20000", "" }, { "ready", "SPEAK there? 2" },
	    SAID("r1", 1), { "+9999", "" }, { "+1", "QUIET 2, SPEAK there? 3" });
}

/* He is told meanwhile that it takes its time. */
static void question_that_is_known_needs_no_session(void **state)
{
	struct dialogue_rules rules = QUIET;

	(void)state;
	rules.knows[KNOWN_STILL_THERE] = rules.knows[KNOWN_IDLE] = rules.knows[KNOWN_HOLD] = true;
	open_as(&rules);
	FOLLOW(&k, { "ready & there", "" }, { "away", "" }, { "+2500 & waited", "KNOWN hold 1" },
	    { "heard 1 2000", "HEARD known_1 2000" }, { "+7500", "QUIET 1, KNOWN still_there 2" },
	    { "+2000 & heard 2 2000", "HEARD known_2 2000" }, { "+9999", "" }, { "+1", "QUIET 2, KNOWN still_there 3" },
	    { "+2000 & heard 3 2000", "HEARD known_3 2000" }, { "+10000", "QUIET 0, KNOWN idle 4" },
	    { "heard 4 2000", "HEARD known_4 2000, END idle, SAID" });
	/* A voice is an answer; and one that was not heard, as the stream was lost, is nothing that is owed. */
	open_as(&rules);
	FOLLOW(&k, { "ready & there", "" }, { "away", "" }, { "+10000", "QUIET 1, KNOWN still_there 1" },
	    { "speaks", "CUT 1" }, { "cut 1 1:900", "CUT_SHORT known_1 900, TRUNCATE known_1 900" }, { "pauses", "" },
	    { "+9999", "" }, { "+1", "QUIET 2, KNOWN still_there 2" },
	    { "lost 2:500", "CUT 2, CUT_SHORT known_2 500, TRUNCATE known_2 500" }, { "there & ready", "" },
	    { "+5000", "" });
}

static void farewell_and_transfer_are_not_asked_about(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "+9000 & began r1 & call 1 r1 & transfers 1 r1", "" },
	    { "audio r1 i1 160000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" }, { "+7000", "" },
	    { "heard 1 20000", "HEARD i1 20000, END transferred" });
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "+10000", "QUIET 1, SPEAK there? 1" },
	    { "machine", "CUT 1, DEAF" } /* nobody is there to be asked */);
}

/* A farewell that he calls off is no reason to ask him anew, unless it was by words. */
static void farewell_for_silence_is_called_off_by_a_voice(void **state)
{
	(void)state;
	open_as(&QUIET);
	FOLLOW(&k, { "ready & there", "" }, { "+10000", "QUIET 1, SPEAK there? 1" }, SAID("r1", 1),
	    { "+10000", "QUIET 2, SPEAK there? 2" }, SAID("r2", 2), { "+10000", "QUIET 0, SPEAK bye 3" },
	    { "speaks", "CALLED_OFF 0, CUT 1" }, { "began r3", "CANCEL r3" }, { "over r3 turned", "" },
	    { "pauses & turn", "" }, SAID("r4", 3), { "written", "" }, { "+10000", "QUIET 0, SPEAK bye 4" },
	    { "speaks", "CALLED_OFF 0, CUT 2" }, { "began r5", "CANCEL r5" }, { "over r5 turned", "" },
	    { "pauses & turn & written yes", "" }, SAID("r6", 4), { "+10000", "QUIET 1, SPEAK there? 5" });
}

static void idleness_is_the_last_bound(void **state)
{
	struct dialogue_rules rules = QUIET;

	(void)state;
	rules.idle_us = 12 * US_PER_S;
	open_as(&rules);
	FOLLOW(&k, { "ready & there", "" }, { "+10000", "QUIET 1, SPEAK there? 1" }, { "+2000", "END idle" });
	/* It begins anew with each question (config_warnings.c says how much longer it has to be). */
	open_as(&rules);
	FOLLOW(&k, { "ready & there", "" }, { "+10000", "QUIET 1, SPEAK there? 1" }, { "+1999", "" }, SAID("r1", 1),
	    { "+10000", "QUIET 2, SPEAK there? 2" }, { "+1999", "" }, SAID("r2", 2),
	    { "+10000", "QUIET 0, SPEAK bye 3" });
}

/* ------------------------------------------------------------- nothing is understood */

/* The model answers the music, and is talked over; the farewell is firm, or it would be called off. */
static void music_is_asked_about_twice_and_ends_the_call(void **state)
{
	(void)state;
	open_as(&MUSIC);
	FOLLOW(&k, { "ready & there", "" }, { "+50000 & speaks", "" });
	for (int i = 0; i < 11; i++)
		FOLLOW(&k, { "+9000 & pauses", "" }, { "+1000 & speaks", "" });
	FOLLOW(&k, { "+9999", "" }, { "+1", "QUIET 1" }, { "+9999", "" } /* "speech" of 20 s is noise */,
	    { "+1", "SPEAK there? 1" }, { "began r1", "" }, { "audio r1 i1 8000", "PLAY 1" },
	    { "over r1", "MADE i1, ITEM_OVER i1" }, { "+500 & speaks", "CUT 1" },
	    { "cut 1 1:500", "CUT_SHORT i1 500, TRUNCATE i1 500" }, { "+9999", "" }, { "+1", "QUIET 2" },
	    { "+10000", "SPEAK there? 2" }, SAID("r2", 2), { "+9999", "" }, { "+1", "QUIET 0, DEAF, SPEAK bye 3" },
	    { "pauses & turn & speaks", "" }, { "began r3", "" }, { "audio r3 i3 8000", "PLAY 3" },
	    { "over r3", "MADE i3, ITEM_OVER i3" }, { "heard 3 1000", "HEARD i3 1000, END idle, SAID" });
}

static void words_and_keys_are_no_music(void **state)
{
	static const char *const signs[] = { "written yes", "key 1" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		open_as(&MUSIC);
		FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "+100000", "" });
		kit_play(&k, signs[i]);
		FOLLOW(&k, { "+1500 & began r1 & over r1", i ? "KEYS 1, ASK 1" : "" });
		if (i)
			FOLLOW(&k, { "began r2 & over r2", "" });
		FOLLOW(&k, { "+118000", "" }, { "speaks", "" }, { "+119999", "" },
		    { "+1", i ? "QUIET 1, SPEAK there? 2" : "QUIET 1, SPEAK there? 1" });
	}
}

/* Nobody knows what was said in it. */
static void turn_that_is_not_written_down_is_no_music(void **state)
{
	(void)state;
	open_as(&MUSIC);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "pauses & turn", "" }, SAID("r1", 1), { "speaks", "" },
	    { "+300000", "" }, { "written", "QUIET 1, SPEAK there? 1" });
}

/* … nor is what was heard before it, where he is asked in the meantime. */
static void turn_that_is_not_written_down_ends_what_might_be_music(void **state)
{
	struct dialogue_rules rules = MUSIC;

	(void)state;
	rules.reprompt_us = 10 * US_PER_S;
	open_as(&rules);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "+100000 & pauses & turn", "" }, SAID("r1", 1),
	    { "+10000", "QUIET 1, SPEAK there? 1" }, { "speaks", "CUT 1" }, { "began r2", "CANCEL r2" },
	    { "over r2 turned", "" }, { "+119999", "" }, { "+1", "QUIET 2, SPEAK there? 2" });
}

static void one_cough_is_no_music(void **state)
{
	(void)state;
	open_as(&MUSIC);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "+1000 & pauses", "" }, { "+200000", "" },
	    { "speaks", "" }, { "+1000 & pauses", "" }, { "+200000", "" });
	open_as(&QUIET_TEXT);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "+119999", "" }, { "+1", "QUIET 1, RECITE there? 1" },
	    { "began r1", "" }, { "over r1", "" }, { "+10000", "QUIET 2, RECITE there? 2" }, { "turn", "" },
	    { "began r2", "CANCEL r2" }, { "over r2 turned", "ASK 3" });
}

static void music_is_not_asked_about_while_a_tool_runs(void **state)
{
	(void)state;
	open_as(&MUSIC);
	FOLLOW(&k, { "ready & there", "" }, { "speaks", "" }, { "+115000", "" }, { "began r1 & call 1 r1 -", "" },
	    { "over r1", "" }, { "+7999", "" }, { "answer 1", "QUIET 1, TOOL_RESULT 1, ASK 1" });
}

const struct CMUnitTest unit_tests[] = {
	CASE(silence_is_asked_about_twice_and_ends_the_call),
	CASE(silence_begins_with_the_end_of_what_is_played),
	CASE(caller_who_speaks_while_the_question_is_asked_is_not_asked_again),
	CASE(turn_ends_a_speech_whose_end_was_not_told),
	CASE(question_counts_whatever_becomes_of_it),
	CASE(only_a_sign_of_life_begins_the_count_anew),
	CASE(nobody_is_asked_while_a_tool_runs_or_its_answer_is_owed),
	CASE(lost_session_is_no_silence_of_the_caller),
	CASE(question_that_is_known_needs_no_session),
	CASE(farewell_and_transfer_are_not_asked_about),
	CASE(farewell_for_silence_is_called_off_by_a_voice),
	CASE(idleness_is_the_last_bound),
	CASE(music_is_asked_about_twice_and_ends_the_call),
	CASE(words_and_keys_are_no_music),
	CASE(turn_that_is_not_written_down_is_no_music),
	CASE(turn_that_is_not_written_down_ends_what_might_be_music),
	CASE(one_cough_is_no_music),
	CASE(music_is_not_asked_about_while_a_tool_runs),
	{ 0 },
};
