/* A session is lost under a conversation, and another goes on with it. */

#include "dialogue_kit.h"
#include "server/agent/dialogue/dialogue_state.h"
#include "tests/unit.h"

ONE_THREAD;

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

/* It was being answered, but nobody has written it down: the session hears it, and goes on with the answer once the
 * turn stands before that. */
TALK(turn_that_was_answered_is_only_heard_again, R1_SOUNDS, { "away", "MADE i1, ITEM_OVER i1" },
    { "ready deaf again", "" }, { "speaks", "" }, { "pauses", "" }, { "+1000", "" }, { "turn", "LISTEN" },
    { "+900", "" }, { "placed", "ASK 1" }, { "began r2", "" }, { "over r2", "" });

/* One that was dialled before anybody knew that it would hear it. */
TALK(session_that_was_opened_with_ears_is_deaf_while_it_hears_again, R1_SOUNDS, { "away", "MADE i1, ITEM_OVER i1" },
    { "ready again", "DEAF" }, { "speaks", "" }, { "pauses", "" }, { "+1000", "" },
    { "turn & placed", "LISTEN, ASK 1" });

/* Nobody knows whether it was a question: if nothing of it comes, the caller is asked. */
TALK(what_was_lost_meanwhile_is_asked_for, { "away", "" }, { "+9000", "" }, { "ready lost", "" }, { "+999", "" },
    { "+1", "ASK 1" }, { "began r1", "" }, { "over r1", "" });

TALK(rest_of_what_was_lost_is_answered_by_itself, { "away", "" }, { "ready lost", "" }, { "+100", "" },
    { "speaks", "" }, { "+2000", "" }, { "pauses", "" }, { "turn", "" }, { "began r1", "" }, { "over r1", "" },
    { "+60000", "" });

TALK(turn_that_is_not_heard_again_is_not_waited_for_long, R1_SOUNDS, { "away", "MADE i1, ITEM_OVER i1" },
    { "ready deaf again", "" }, { "+1999", "" }, { "+1", "ASK 1, LISTEN" });

TALK(words_of_a_turn_that_was_heard_again_are_not_waited_for_long, R1_SOUNDS, { "away", "MADE i1, ITEM_OVER i1" },
    { "ready deaf again", "" }, { "+1500", "" }, { "turn", "LISTEN" }, { "+999", "" }, { "+1", "ASK 1" });

TALK(turn_that_is_heard_again_calls_off_no_farewell, R1_SOUNDS, { "call 1 r1 - & ends 1 r1", "" },
    { "away", "MADE i1, ITEM_OVER i1" }, { "ready deaf again", "" }, { "speaks", "" }, { "pauses & turn", "LISTEN" },
    { "+1999", "" }, { "+1", "ASK 1" });

TALK(session_that_was_opened_deaf_and_is_to_listen_is_told_so, { "away", "" }, { "ready deaf", "LISTEN" },
    { "turn", "ASK 1" }, { "configured", "" }, { "began r1", "" }, { "over r1", "" });

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
	    { "away", "MADE i1, ITEM_OVER i1" }, { "+3000", "LISTEN" }, { "ready deaf", "LISTEN, ASK 2" });
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" },
	    { "away", "" }, { "heard 1 1000", "HEARD i1 1000, LISTEN" }, { "ready deaf", "LISTEN" },
	    { "configured", "" }, { "turn", "" }, { "began r2", "" });
	/* It was dialled before the greeting began, or after it was over. */
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "first 1", "" },
	    { "away", "MADE i1, ITEM_OVER i1" }, { "ready open", "DEAF" });
	open_as(&KIT_PROTECTED);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" },
	    { "away", "" }, { "heard 1 1000", "HEARD i1 1000, LISTEN" }, { "ready", "" }, { "turn", "" },
	    { "began r2", "" });
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

/* ----------------------------------------------------------------- the phone is lost */

/* clang-format off */
#define CUT_AT_300 "CUT_SHORT i1 300, TRUNCATE i1 300"
/* clang-format on */

TALK(caller_who_missed_nothing_is_owed_nothing, R1_SOUNDS, { "over r1", "MADE i1, ITEM_OVER i1" },
    { "heard 1 1000", "HEARD i1 1000" }, { "lost", "CUT 1" }, { "+9000", "" }, { "there", "" }, { "+60000", "" });

TALK(answer_in_the_making_is_stopped_and_goes_on_when_the_caller_is_back, R1_SOUNDS,
    { "lost 1:300", "CANCEL r1, CUT 1, " CUT_AT_300 }, { "audio r1 i1 8000", "PASS_OVER" },
    { "over r1 turned", "UNPLAYED i1, ITEM_OVER i1" }, { "+3000", "" }, { "there", "ASK 1" }, { "cut 1", "" },
    { "began r2", "" }, { "over r2", "" }, { "+60000", "" });

TALK(answer_that_was_not_heard_to_its_end_goes_on, R1_SOUNDS, { "over r1", "MADE i1, ITEM_OVER i1" },
    { "lost 1:300", "CUT 1, " CUT_AT_300 }, { "+3000", "" }, { "there", "ASK 1" }, { "began r2", "" },
    { "over r2", "" }, { "+60000", "" });

/* Nothing of it was. */
TALK(second_stream_that_is_lost_before_it_began_changes_nothing, R1_SOUNDS, { "over r1", "MADE i1, ITEM_OVER i1" },
    { "lost 1:0", "CUT 1, CUT_SHORT i1 0, TRUNCATE i1 0" }, { "lost", "CUT 2" }, { "there", "ASK 1" });

TALK(answer_that_is_to_come_waits_for_the_caller, { "pauses & turn", "" }, { "lost", "CUT 1" }, { "began r1", "" },
    { "audio r1 i1 8000", "PLAY 1" }, { "over r1", "MADE i1, ITEM_OVER i1" }, { "there", "" },
    { "heard 1 1000", "HEARD i1 1000" }, { "+60000", "" });

TALK(words_that_the_caller_missed_are_said, { "say x", "SPEAK x 1" }, R1_SOUNDS,
    { "lost 1:300", "CANCEL r1, CUT 1, " CUT_AT_300 }, { "over r1", "UNPLAYED i1, ITEM_OVER i1" },
    { "there", "REST x 2" }, { "began r2", "" }, { "over r2", "" }, { "+60000", "" });

TALK(nothing_is_asked_for_while_nobody_is_there, { "lost", "CUT 1" }, { "say x & turn", "" }, { "+3000", "" });

TALK(tool_runs_on_without_a_caller, { "began r1", "" }, { "call 1 r1 -", "" }, { "over r1", "" }, { "lost", "CUT 1" },
    { "answer 1", "TOOL_RESULT 1" }, { "+2000", "" }, { "there", "ASK 1" }, { "began r2", "" }, { "over r2", "" },
    { "+60000", "" });

TALK(answer_that_calls_tools_is_not_asked_for_beside_them, R1_SOUNDS, { "call 1 r1 -", "" },
    { "lost 1:300", "CANCEL r1, CUT 1, " CUT_AT_300 }, { "over r1", "UNPLAYED i1, ITEM_OVER i1" }, { "there", "" },
    { "answer 1", "TOOL_RESULT 1, ASK 1" }, { "began r2", "" }, { "over r2", "" }, { "+60000", "" });

TALK(farewell_that_is_being_made_is_said_to_its_end, { "goodbye bye", "SPEAK bye 1" }, R1_SOUNDS,
    { "lost 1:300", "CANCEL r1, CUT 1, " CUT_AT_300 }, { "over r1", "UNPLAYED i1, ITEM_OVER i1" },
    { "there", "REST bye 2" }, { "began r2", "" }, { "over r2", "END agent_ended" });

TALK(farewell_that_was_being_heard_is_over, { "goodbye bye", "SPEAK bye 1" }, R1_SOUNDS,
    { "audio r1 i1 8 & over r1", "PLAY 1, MADE i1, ITEM_OVER i1" },
    { "lost 1:300", "CUT 1, " CUT_AT_300 ", END agent_ended, SAID" });

static void greeting_is_not_begun_anew_for_a_caller_who_is_back(void **state)
{
	(void)state;
	open_as(&KIT_GREETING);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" }, { "lost 1:300", "CANCEL r1, CUT 1, " CUT_AT_300 },
	    { "over r1", "UNPLAYED i1, ITEM_OVER i1" }, { "there", "ASK 2" });
	/* Unless nothing was heard. */
	open_as(&KIT_GREETING);
	FOLLOW(&k, GREETING_BEGINS, { "audio r1 i1 8000", "PLAY 1" },
	    { "lost 1:0", "CANCEL r1, CUT 1, CUT_SHORT i1 0, TRUNCATE i1 0" },
	    { "over r1", "UNPLAYED i1, ITEM_OVER i1" }, { "there", "GREET 2" });
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

/* The model, that is: another session has the same conversation before it. */
static void model_that_calls_tools_time_after_time_is_given_up_by_all_its_sessions(void **state)
{
	(void)state;
	open_as(&renewing);
	k.d.mute_acts = MUTE_ACTS_MAX;
	FOLLOW(&k, { "ready & there & turn", "" }, { "began r1", "" }, { "ended r1 i1 acts & told", "" },
	    { "over r1 mute", "SILENT tools are called, time after time, RETRIED" }, { "+500", "ASK 1" },
	    { "began r2", "" }, { "ended r2 i2 acts & told", "" },
	    { "over r2 mute", "SILENT tools are called, time after time, RENEW, RETRIED" },
	    { "away & ready & +500", "ASK 2" }, { "began r3", "" }, { "ended r3 i3 acts & told", "" },
	    { "over r3 mute", "SILENT tools are called, time after time, RETRIED" }, { "+500", "ASK 3" },
	    { "began r4", "" }, { "ended r4 i4 acts", "" },
	    { "over r4 mute", "SILENT tools are called, time after time, END model_failed" });
}

/* The caller has waited for that too long already. */
static void session_whose_answer_gets_stuck_is_followed_at_once(void **state)
{
	(void)state;
	open_as(&renewing);
	FOLLOW(&k, { "ready & there & turn", "" }, { "began r1", "" }, { "+4000", "ASIDE" },
	    { "+4000", "STOPPED, CANCEL r1, RENEW, RETRIED" }, { "away & ready & +500", "ASK 2" });
}

/* What the caller has heard of it is not said anew, in this session or the next. */
static void greeting_that_stops_half_way_is_not_begun_anew(void **state)
{
	(void)state;
	open_as(&(struct dialogue_rules){ .greets = true, .renews = true });
	FOLLOW(&k, { "ready & there", "GREET 1" }, { "began r1", "" }, { "audio r1 i1 800", "PLAY 1" },
	    { "heard 1 100", "HEARD i1 100" },
	    { "+4000", "STOPPED, CANCEL r1, UNPLAYED i1, ITEM_OVER i1, RENEW, RETRIED" },
	    { "away & ready & +500", "ASK 2" });
	assert_true(utterance_in(&k.d, UTTERANCE_ASKED)->rest);
	open_as(&(struct dialogue_rules){ .greets = true });
	FOLLOW(&k, { "ready & there", "GREET 1" }, { "began r1", "" }, { "audio r1 i1 8000", "PLAY 1" },
	    { "over r1 failed", "MADE i1, ITEM_OVER i1, RETRIED" }, { "+999", "" }, { "+1", "ASK 2" },
	    { "began r2", "" }, { "over r2 failed", "END model_failed" });
	open_as(&(struct dialogue_rules){ .greets = true });
	FOLLOW(&k, { "ready & there", "GREET 1" }, { "began r1", "" }, { "over r1 failed", "RETRIED" },
	    { "+500", "GREET 2" });
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

/* What was queued may still be on its way to the ear. */
static void listens_is_when_nothing_is_made_or_owed(void **state)
{
	(void)state;
	HOLDS(dialogue_listens(&k.d), { "+1", true }, { "speaks", true }, { "pauses & turn", false },
	    { "began r1", false }, { "audio r1 i1 8000", false }, { "over r1", true }, { "first 1", true },
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
	    { "began r2 & over r2", false }, { "away", true } /* nobody would hear him */, { "ready", false });
	k.d.rules.asks = true; /* what is said is known then */
	HOLDS(k.now >= dialogue_waits_us(&k.d), { "away", false }, { "turn", true });
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
	CASE(what_was_lost_meanwhile_is_asked_for),
	CASE(rest_of_what_was_lost_is_answered_by_itself),
	CASE(session_that_was_opened_with_ears_is_deaf_while_it_hears_again),
	CASE(turn_that_is_not_heard_again_is_not_waited_for_long),
	CASE(words_of_a_turn_that_was_heard_again_are_not_waited_for_long),
	CASE(session_that_was_opened_deaf_and_is_to_listen_is_told_so),
	CASE(turn_that_is_heard_again_calls_off_no_farewell),
	CASE(speech_ends_with_its_session),
	CASE(words_that_broke_off_are_said_as_far_as_they_were_not_heard),
	CASE(words_of_which_nothing_was_heard_are_said_again),
	CASE(words_are_not_to_blame_for_lost_sessions),
	CASE(nobody_is_greeted_twice),
	CASE(greeting_that_stops_half_way_is_not_begun_anew),
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
	CASE(model_that_calls_tools_time_after_time_is_given_up_by_all_its_sessions),
	CASE(session_whose_answer_gets_stuck_is_followed_at_once),
	CASE(caller_waits_while_something_is_owed_and_nothing_is_heard),
	CASE(quiet_is_when_nothing_is_said_or_owed),
	CASE(listens_is_when_nothing_is_made_or_owed),
	CASE(caller_who_missed_nothing_is_owed_nothing),
	CASE(answer_in_the_making_is_stopped_and_goes_on_when_the_caller_is_back),
	CASE(answer_that_was_not_heard_to_its_end_goes_on),
	CASE(second_stream_that_is_lost_before_it_began_changes_nothing),
	CASE(answer_that_is_to_come_waits_for_the_caller),
	CASE(words_that_the_caller_missed_are_said),
	CASE(nothing_is_asked_for_while_nobody_is_there),
	CASE(tool_runs_on_without_a_caller),
	CASE(answer_that_calls_tools_is_not_asked_for_beside_them),
	CASE(farewell_that_is_being_made_is_said_to_its_end),
	CASE(farewell_that_was_being_heard_is_over),
	CASE(greeting_is_not_begun_anew_for_a_caller_who_is_back),
	{ 0 },
};
