/* A session is lost under a conversation, and another goes on with it. */

#include "dialogue_kit.h"
#include "server/agent/dialogue/dialogue_state.h"
#include "tests/unit.h"

TALK(nothing_is_owed_while_nobody_waits, { "away", "" }, { "+60000", "" }, { "ready", "" }, { "ready", "" });

/* ------------------------------------------------------------------------- an answer */

TALK(answer_of_which_nothing_came_is_asked_for_again, { "turn", "" }, { "began r1", "" }, { "away", "" },
    { "+9000", "" }, { "ready", "ASK 1" }, { "began r2", "" }, { "over r2", "" });

TALK(request_that_was_not_answered_is_made_again, { "key #", "KEYS #, ASK 1" }, { "away", "" }, { "+9000", "" },
    { "ready", "ASK 2" }, { "refused 1", "" }, { "began r1", "" }, { "over r1", "" });

/* What came is complete, and is heard; the rest is asked for then. */
TALK(answer_that_broke_off_is_heard_and_then_goes_on, R1_SOUNDS, { "+100", "" }, { "away", "MADE i1, ITEM_OVER i1" },
    { "+200", "" }, { "ready", "" }, { "+699", "" }, { "+1", "ASK 1" }, { "heard 1 1000", "HEARD i1 1000" },
    { "began r2", "" }, { "over r2", "" });

TALK(who_interrupts_what_broke_off_is_owed_no_rest, R1_SOUNDS, { "away", "MADE i1, ITEM_OVER i1" }, { "ready", "" },
    { "speaks", "CUT 1" }, { "cut 1 1:300", "CUT_SHORT i1 300, TRUNCATE i1 300" }, { "pauses", "" }, { "turn", "" },
    { "began r2", "" }, { "over r2", "" }, { "+60000", "" });

TALK(answer_that_lacks_its_end_only_is_whole, R1_SOUNDS, { "ended r1 i1", "MADE i1" }, { "away", "ITEM_OVER i1" },
    { "ready", "" }, { "heard 1 1000", "HEARD i1 1000" }, { "+60000", "" });

TALK(late_news_of_the_lost_session_is_of_no_account, R1_SOUNDS, { "away", "MADE i1, ITEM_OVER i1" },
    { "audio r1 i1 8000", "PASS_OVER" }, { "over r1 failed", "ITEM_OVER i1" }, { "ready", "" });

TALK(answer_that_was_cut_is_not_missed, R1_SOUNDS, { "speaks", "CUT 1" }, { "away", "UNPLAYED i1, ITEM_OVER i1" },
    { "cut 1 1:300", "CUT_SHORT i1 300, TRUNCATE i1 300" }, { "ready", "" }, { "+60000", "" });

TALK(many_losses_are_no_failures, { "turn", "" }, { "began r1", "" }, { "away", "" }, { "ready", "ASK 1" },
    { "began r2", "" }, { "away", "" }, { "ready", "ASK 2" }, { "began r3", "" }, { "away", "" }, { "ready", "ASK 3" },
    { "began r4", "" }, { "over r4", "" });

/* ---------------------------------------------------------------------------- a turn */

TALK(turn_that_the_model_was_to_answer_is_asked_for, { "speaks", "" }, { "pauses & turn", "" }, { "away", "" },
    { "+9000", "" }, { "ready", "ASK 1" }, { "began r1", "" }, { "over r1", "" });

TALK(turn_that_is_heard_again_is_answered_by_itself, { "speaks", "" }, { "pauses & turn", "" }, { "away", "" },
    { "ready resent", "" }, { "speaks", "CUT 1" }, { "pauses", "" }, { "turn", "" }, { "began r1", "" },
    { "over r1", "" }, { "+60000", "" });

TALK(turn_that_was_to_be_heard_again_is_asked_for_if_it_is_not, { "pauses & turn", "" }, { "away", "" },
    { "ready resent", "" }, { "+3999", "" }, { "+1", "NO_ANSWER, RETRIED" }, { "+500", "ASK 1" },
    { "began r1", "ASIDE" }, { "over r1", "" });

/* It was being answered, but nobody has written it down: the session hears it, and goes on with the answer. */
TALK(turn_that_was_answered_is_only_heard_again, R1_SOUNDS, { "away", "MADE i1, ITEM_OVER i1" }, { "ready again", "" },
    { "speaks", "" }, { "pauses", "" }, { "+1000", "" }, { "turn", "LISTEN, ASK 1" }, { "began r2", "" },
    { "over r2", "" });

TALK(turn_that_is_not_heard_again_is_not_waited_for_long, R1_SOUNDS, { "away", "MADE i1, ITEM_OVER i1" },
    { "ready again", "" }, { "+1999", "" }, { "+1", "ASK 1, LISTEN" });

TALK(turn_that_is_heard_again_calls_off_no_farewell, R1_SOUNDS, { "call 1 r1 - & ends 1 r1", "" },
    { "away", "MADE i1, ITEM_OVER i1" }, { "ready again", "" }, { "speaks", "" }, { "pauses & turn", "LISTEN" },
    { "+1000", "ASK 1" });

TALK(speech_ends_with_its_session, { "speaks", "" }, { "away", "" }, { "say x", "" }, { "ready", "SPEAK x 1" });

/* ---------------------------------------------------------------------- other words */

TALK(words_that_broke_off_are_said_as_far_as_they_were_not_heard, { "say x", "SPEAK x 1" }, R1_SOUNDS,
    { "away", "MADE i1, ITEM_OVER i1" }, { "ready", "" }, { "+1000", "REST x 2" }, { "refused 2", "RETRIED" },
    { "+500", "REST x 3" }, { "began r2", "" }, { "over r2", "" }, { "+60000", "" });

TALK(words_of_which_nothing_was_heard_are_said_again, { "say x & say y", "SPEAK x 1" }, { "began r1", "" },
    { "away", "" }, { "ready", "SPEAK x 2" }, { "began r2", "" }, { "over r2", "SPEAK y 3" });

TALK(words_are_not_to_blame_for_lost_sessions, { "say x", "SPEAK x 1" }, { "away", "" }, { "ready", "SPEAK x 2" },
    { "away", "" }, { "ready", "SPEAK x 3" }, { "away", "" }, { "ready", "SPEAK x 4" }, { "began r1", "" },
    { "over r1", "" });

static void nobody_is_greeted_twice(void **state)
{
	(void)state;
	open_as(&KIT_GREETING);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "away", "MADE i1, ITEM_OVER i1" },
	    { "ready", "" }, { "+1000", "ASK 2" }, { "began r2", "" }, { "over r2", "" });
	/* Unless nothing was heard. */
	open_as(&KIT_GREETING);
	FOLLOW(&k, GREETING_BEGINS, { "away", "" }, { "ready", "GREET 2" }, { "away", "" }, { "ready", "GREET 3" });
}

static void protection_is_told_to_each_session(void **state)
{
	(void)state;
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "first 1", "" },
	    { "away", "MADE i1, ITEM_OVER i1" }, { "+3000", "" }, { "ready", "ASK 2, LISTEN" });
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" },
	    { "away", "" }, { "heard 1 1000", "HEARD i1 1000, LISTEN" }, { "ready", "LISTEN" }, { "configured", "" },
	    { "turn", "" }, { "began r2", "" });
}

/* ---------------------------------------------------------------------- tools, farewell */

TALK(tool_answers_whichever_session_there_is, { "began r1", "" }, { "call 1 r1 -", "" }, { "away", "" },
    { "answer 1", "" }, { "+3000", "" }, { "ready", "TOOL_RESULT 1, ASK 1" }, { "began r2", "" }, { "over r2", "" },
    { "+60000", "" });

TALK(tool_that_goes_on_is_waited_for, { "began r1", "" }, { "ended r1 i1 acts & call 1 r1 -", "" }, { "over r1", "" },
    { "away", "" }, { "ready", "" }, { "answer 1", "TOOL_RESULT 1, ASK 1" }, { "began r2", "" }, { "over r2", "" });

TALK(answer_to_results_is_asked_for_again, { "began r1", "" }, { "call 1 r1 -", "" },
    { "over r1 & answer 1", "TOOL_RESULT 1, ASK 1" }, { "began r2", "" }, { "away", "" }, { "ready", "ASK 2" });

TALK(tool_of_the_services_own_is_gone_with_it, { "began r1", "" }, { "ended r1 i1 acts & over r1", "" }, { "away", "" },
    { "ready", "ASK 1" });

TALK(farewell_is_heard_without_a_model, { "goodbye bye", "SPEAK bye 1" }, R1_SOUNDS,
    { "over r1", "MADE i1, ITEM_OVER i1" }, { "away", "" }, { "heard 1 1000", "HEARD i1 1000, END agent_ended, SAID" });

TALK(farewell_that_broke_off_is_said_to_its_end, { "goodbye bye", "SPEAK bye 1" }, R1_SOUNDS,
    { "away", "MADE i1, ITEM_OVER i1" }, { "heard 1 1000", "HEARD i1 1000" }, { "ready", "REST bye 2" },
    { "began r2", "" }, { "over r2", "END agent_ended" });

TALK(farewell_that_lacks_its_end_only_is_whole, R1_SOUNDS, { "ended r1 i1", "MADE i1" },
    { "ended r1 i2 acts & call 1 r1 - & ends 1 r1", "" }, { "away", "ITEM_OVER i1" }, { "ready", "" },
    { "heard 1 1000", "HEARD i1 1000, END agent_ended" });

TALK(firm_words_are_said_to_a_session_without_ears, { "firm bye", "DEAF, SPEAK bye 1" }, { "away", "" },
    { "ready", "DEAF, SPEAK bye 2" });

static void transfer_waits_for_words_that_broke_off(void **state)
{
	(void)state;
	FOLLOW(&k, R1_SOUNDS, { "call 1 r1 - & transfers 1 r1", "" }, { "away", "MADE i1, ITEM_OVER i1" },
	    { "heard 1 1000", "HEARD i1 1000" }, { "ready", "ASK 1" }, { "began r2", "" },
	    { "audio r2 i2 800", "PLAY 2" }, { "over r2", "MADE i2, ITEM_OVER i2" },
	    { "heard 2 100", "HEARD i2 100, END transferred" });
}

/* -------------------------------------------------------------------------- a renewal */

static const struct dialogue_rules renewing = { .interruptible = true, .renews = true };

static void session_of_which_no_answer_can_be_had_is_followed_by_another(void **state)
{
	(void)state;
	open_as(&renewing);
	FOLLOW(&k, { "ready & there & turn", "" }, { "+4000", "NO_ANSWER, RETRIED" }, { "+500", "ASK 1" },
	    { "+4000", "NO_ANSWER, RENEW, RETRIED" }, { "away", "" }, { "ready", "" }, { "+500", "ASK 2" },
	    { "+4000", "NO_ANSWER, RETRIED" }, { "+500", "ASK 3" }, { "+4000", "NO_ANSWER, END model_failed" });
	open_as(&renewing);
	FOLLOW(&k, { "ready & there & turn", "" }, { "began r1", "" }, { "over r1 failed", "RETRIED" },
	    { "+500", "ASK 1" }, { "began r2", "" }, { "over r2 failed", "RENEW, RETRIED" },
	    { "away & +500 & ready", "ASK 2" }, { "began r3", "" }, { "over r3", "" }, { "turn", "" },
	    { "began r4", "" }, { "over r4 failed", "RETRIED" }, { "+500", "ASK 3" }, { "began r5", "" },
	    { "over r5 failed", "RENEW, RETRIED" });
}

/* The caller has waited for that too long already. */
static void session_whose_answer_gets_stuck_is_followed_at_once(void **state)
{
	(void)state;
	open_as(&renewing);
	FOLLOW(&k, { "ready & there & turn", "" }, { "began r1", "" }, { "+4000", "ASIDE" },
	    { "+4000", "STOPPED, CANCEL r1, RENEW, RETRIED" }, { "away & ready & +500", "ASK 2" });
}

#define HOLDS(what, ...) \
	do { \
		static const struct { \
			const char *steps; \
			bool holds; \
		} rows[] = { __VA_ARGS__ }; \
\
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) { \
			kit_play(&k, rows[i].steps); \
			if ((what) != rows[i].holds) \
				fail_msg("after \"%s\": %s", rows[i].steps, #what); \
		} \
	} while (0)

static void quiet_is_when_nothing_is_said_or_owed(void **state)
{
	(void)state;
	HOLDS(dialogue_quiet(&k.d), { "+1", true }, { "speaks", false }, { "pauses & turn", false },
	    { "began r1", false }, { "audio r1 i1 8000", false }, { "first 1", false }, { "over r1", false },
	    { "heard 1 1000", true }, { "key 1", false }, { "+1500", false }, { "began r2 & call 1 r2 -", false },
	    { "over r2", false }, { "answer 1", false }, { "began r3", false }, { "over r3", true },
	    { "goodbye x", false });
}

static void caller_waits_while_something_is_owed_and_nothing_is_heard(void **state)
{
	(void)state;
	HOLDS(k.now >= dialogue_waits_us(&k.d), { "+1", false }, { "speaks", false }, { "pauses", false },
	    { "turn", true }, { "began r1", true }, { "audio r1 i1 8000", false }, { "call 1 r1 -", false },
	    { "over r1", false }, { "+1000", true }, { "away", true }, { "ready & answer 1", true }, { "+300", true },
	    { "began r2 & over r2", false });
}

const struct CMUnitTest unit_tests[] = {
	CASE(nothing_is_owed_while_nobody_waits),
	CASE(answer_of_which_nothing_came_is_asked_for_again),
	CASE(request_that_was_not_answered_is_made_again),
	CASE(answer_that_broke_off_is_heard_and_then_goes_on),
	CASE(who_interrupts_what_broke_off_is_owed_no_rest),
	CASE(answer_that_lacks_its_end_only_is_whole),
	CASE(late_news_of_the_lost_session_is_of_no_account),
	CASE(answer_that_was_cut_is_not_missed),
	CASE(many_losses_are_no_failures),
	CASE(turn_that_the_model_was_to_answer_is_asked_for),
	CASE(turn_that_is_heard_again_is_answered_by_itself),
	CASE(turn_that_was_to_be_heard_again_is_asked_for_if_it_is_not),
	CASE(turn_that_was_answered_is_only_heard_again),
	CASE(turn_that_is_not_heard_again_is_not_waited_for_long),
	CASE(turn_that_is_heard_again_calls_off_no_farewell),
	CASE(speech_ends_with_its_session),
	CASE(words_that_broke_off_are_said_as_far_as_they_were_not_heard),
	CASE(words_of_which_nothing_was_heard_are_said_again),
	CASE(words_are_not_to_blame_for_lost_sessions),
	CASE(nobody_is_greeted_twice),
	CASE(protection_is_told_to_each_session),
	CASE(tool_answers_whichever_session_there_is),
	CASE(tool_that_goes_on_is_waited_for),
	CASE(answer_to_results_is_asked_for_again),
	CASE(tool_of_the_services_own_is_gone_with_it),
	CASE(farewell_is_heard_without_a_model),
	CASE(farewell_that_broke_off_is_said_to_its_end),
	CASE(transfer_waits_for_words_that_broke_off),
	CASE(farewell_that_lacks_its_end_only_is_whole),
	CASE(firm_words_are_said_to_a_session_without_ears),
	CASE(session_of_which_no_answer_can_be_had_is_followed_by_another),
	CASE(session_whose_answer_gets_stuck_is_followed_at_once),
	CASE(caller_waits_while_something_is_owed_and_nothing_is_heard),
	CASE(quiet_is_when_nothing_is_said_or_owed),
	{ 0 },
};
