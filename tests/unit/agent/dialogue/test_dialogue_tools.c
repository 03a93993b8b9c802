/* Tools: batches, fillers, time limits, and the tools that end the call. */
#include <stddef.h>

#include "dialogue_kit.h"
#include "tests/unit.h"

ONE_THREAD;

static void tool_is_told_of_once_its_response_is_over(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "call 1 r1", "" }, { "answer 1", "" }, { "over r1", "TOOL_RESULT 1, ASK 1" },
	    { "began r2", "" }, { "over r2", "" });
	assert_false(kit_play(&k, "answer 1"));
	assert_false(kit_play(&k, "call 1 r3")); /* a number is used once */
	assert_int_equal(dialogue_due_us(&k.d), NEVER_US);
}

static void several_of_a_response_are_told_together(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "call 1 r1 - & call 2 r1 -", "" }, { "over r1", "" }, { "answer 2", "" },
	    { "answer 1", "TOOL_RESULT 1, TOOL_RESULT 2, ASK 1" } /* in the order of the calls */, { "began r2", "" },
	    { "call 3 r2 -", "" }, { "answer 3", "" }, { "over r2", "TOOL_RESULT 3, ASK 2" });
	assert_false(kit_play(&k, "answer 3"));
	assert_false(kit_play(&k, "answer 9"));
}

TALK(batches_are_told_of_the_oldest_first, { "began r1", "" }, { "call 1 r1 -", "" }, { "over r1", "" },
    { "began r2", "" }, { "call 2 r2 -", "" }, { "answer 2 & answer 1", "TOOL_RESULT 1" },
    { "over r2", "ASK 1, TOOL_RESULT 2" }, { "began r3", "" }, { "over r3", "ASK 2" });

/* An answer that the model began by itself, after it was told, knows of it. */
static void answer_that_began_after_the_telling_is_not_asked_for_again(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "call 1 r1 -", "" }, { "over r1", "" }, { "speaks", "" },
	    { "answer 1", "TOOL_RESULT 1" }, { "pauses & turn & +301", "" }, { "began r2", "" }, { "over r2", "" });
	assert_int_equal(dialogue_due_us(&k.d), NEVER_US);
	/* One that was on its way does not. */
	FOLLOW(&k, { "began r3", "" }, { "call 2 r3 -", "" }, { "over r3", "" }, { "speaks", "" },
	    { "pauses & turn", "" }, { "+100", "" }, { "answer 2", "TOOL_RESULT 2" }, { "+100", "" },
	    { "began r4", "" }, { "over r4", "" }, { "+100", "ASK 1" });
}

/* `count` answers that call an unknown tool, which is told at once. */
static void call_in_vain(int count)
{
	char steps[80], asks[16];

	for (int i = 1; i <= count; i++) {
		int asked = (int)k.d.last_request + 1;

		snprintf(
		    steps, sizeof steps, "began v%d & ended v%d i acts & told & over v%d mute", asked, asked, asked);
		snprintf(asks, sizeof asks, "ASK %d", asked);
		FOLLOW(&k, { steps, asks });
	}
}

/* Each has an answer of ours at once, and so the model may go on like that for ever. */
static void model_that_does_nothing_but_call_tools_is_given_up(void **state)
{
	(void)state;
	call_in_vain(MUTE_ACTS_MAX);
	FOLLOW(&k, { "began r1", "" }, { "ended r1 i acts", "" },
	    { "over r1 mute", "SILENT tools are called, time after time, RETRIED" }, { "told", "ASK 17" },
	    { "began r2", "" }, { "ended r2 i acts", "" },
	    { "over r2 mute", "SILENT tools are called, time after time, END model_failed" });
}

/* Words are made faster than they are heard: those of the first answer are still being spoken. */
static void model_that_calls_tools_with_words_is_given_up_too(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1 & audio r1 i1 8", "PLAY 1" }, { "ended r1 i0 acts & told", "" },
	    { "over r1", "MADE i1, ITEM_OVER i1, ASK 1" });
	call_in_vain(MUTE_ACTS_MAX - 1);
	FOLLOW(&k, { "began r2 & audio r2 i2 8", "PLAY 2" }, { "ended r2 i0 acts", "" },
	    { "over r2", "MADE i2, ITEM_OVER i2, SILENT tools are called, time after time, RETRIED" });
}

static void words_about_tools_that_are_not_run_any_more_are_no_progress(void **state)
{
	(void)state;
	k.d.last_run = RUNS_MAX;
	FOLLOW(&k, { "began r1 & audio r1 i1 8", "PLAY 1" }, { "ended r1 i0 acts & told", "" },
	    { "over r1", "MADE i1, ITEM_OVER i1, ASK 1" }, { "heard 1 1", "HEARD i1 1" });
	call_in_vain(MUTE_ACTS_MAX - 1);
	FOLLOW(&k, { "began r2", "" }, { "ended r2 i0 acts", "" },
	    { "over r2 mute", "SILENT tools are called, time after time, RETRIED" });
}

static void what_the_caller_hears_or_says_begins_the_count_of_tools_anew(void **state)
{
	(void)state;
	call_in_vain(MUTE_ACTS_MAX);
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 8", "PLAY 1" },
	    { "told & over r1 mute", "MADE i1, ITEM_OVER i1, ASK 17" }, { "heard 1 1", "HEARD i1 1" });
	call_in_vain(MUTE_ACTS_MAX);
	FOLLOW(&k, { "speaks & pauses & turn", "CUT 1" }, { "began r2", "CANCEL r2" }, { "over r2 turned", "" },
	    { "+301", "" });
	call_in_vain(MUTE_ACTS_MAX);
}

/* A tool of the service's, on an MCP server say: the caller is not forgotten with it. */
TALK(service_that_does_not_go_on_after_its_own_tool_is_asked, { "began r1", "" }, { "audio r1 i1 8", "PLAY 1" },
    { "ended r1 i2 acts", "" }, { "over r1 mute", "MADE i1, ITEM_OVER i1" }, { "heard 1 1", "HEARD i1 1" },
    { "+3999", "" }, { "+1", "NO_ANSWER, RETRIED" }, { "+500", "ASK 1" });

TALK(service_that_goes_on_after_its_own_tool_is_not_asked, { "began r1", "" }, { "ended r1 i1 acts", "" },
    { "over r1 mute", "" }, { "+1000", "" }, { "began r2", "" }, { "audio r2 i2 8", "PLAY 1" },
    { "over r2 mute", "MADE i2, ITEM_OVER i2" }, { "heard 1 1", "HEARD i2 1" }, { "+9000", "" });

TALK(nothing_more_comes_after_words_that_follow_the_tool, { "began r1", "" }, { "ended r1 i1 acts", "" },
    { "audio r1 i2 8", "PLAY 1" }, { "over r1 mute", "MADE i2, ITEM_OVER i2" }, { "heard 1 1", "HEARD i2 1" },
    { "+9000", "" });

TALK(model_that_was_told_while_the_caller_speaks_answers_then, { "speaks", "" }, { "told", "" }, { "due 20000", "" },
    { "pauses", "" }, { "due 300", "" }, { "+300", "ASK 1" });

/* ------------------------------------------------------------------------------ fillers */

TALK(filler_is_due_after_a_second_once, { "began r1", "" }, { "call 1 r1 & call 2 r1", "" },
    { "+3000", "" } /* it may still speak itself */, { "over r1", "FILL a moment 1" }, { "began r2", "" },
    { "over r2", "" }, { "+4000", "" } /* though two are running */);

static void filler_is_said_in_silence_only(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "call 1 r1", "" }, { "over r1", "" }, { "due 1000", "" }, { "+999", "" },
	    { "speaks", "" });
	assert_due_in_ms(KIT_TOOL_US / US_PER_MS - 999);
	FOLLOW(&k, { "pauses", "" }, { "due 300", "" }, { "+300", "FILL a moment 1" }, { "began r2", "" },
	    { "over r2", "" }, { "+4000", "" } /* once */);
}

TALK(filler_waits_longer_after_words_of_the_model, { "began r1", "" }, { "audio r1 i1 800", "PLAY 1" },
    { "call 1 r1 own", "" }, { "over r1", "MADE i1, ITEM_OVER i1" }, { "heard 1 100", "HEARD i1 100" }, { "+3999", "" },
    { "+1", "FILL 1" });

TALK(no_filler_while_something_is_heard, { "began r1", "" }, { "audio r1 i1 40000", "PLAY 1" }, { "call 1 r1", "" },
    { "over r1", "MADE i1, ITEM_OVER i1" }, { "+4999", "" }, { "heard 1 5000", "HEARD i1 5000, FILL a moment 1" });

TALK(no_filler_for_what_is_answered_or_talked_about_or_has_none, { "began r1", "" }, { "call 1 r1", "" },
    { "over r1", "" }, { "answer 1", "TOOL_RESULT 1, ASK 1" }, { "began r2", "" }, { "call 2 r2", "" },
    { "over r2", "" }, { "turn", "" }, { "began r3", "" }, { "call 3 r3 -", "" }, { "over r3", "" }, { "+5000", "" });

TALK(filler_that_waits_is_taken_back_with_the_last_answer, { "began r1", "" }, { "call 1 r1", "" }, { "over r1", "" },
    { "+999 & say x", "SPEAK x 1" }, { "began r2", "" }, { "over r2 failed", "RETRIED" },
    { "answer 1", "TOOL_RESULT 1, ASK 2" });

/* --------------------------------------------------------------------------- time limits */

static void what_never_answers_is_overdue(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "call 1 r1 -", "" }, { "over r1", "" });
	assert_due_in_ms(KIT_TOOL_US / US_PER_MS);
	FOLLOW(&k, { "+7999", "" }, { "+1", "TOOL_LATE 1, TOOL_RESULT 1, ASK 1" });
	assert_false(kit_play(&k, "answer 1")); /* too late */
}

/* The end of the response is lost: its tools are told of all the same. */
static void tools_of_a_response_that_never_ends_are_told_in_the_end(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "call 1 r1 -", "" }, { "answer 1", "" }, { "+4000", "ASIDE" }, { "+3999", "" },
	    { "+1", "STOPPED, CANCEL r1, RETRIED, TOOL_RESULT 1, ASK 2" });
	/* Also when the caller had cut it. */
	FOLLOW(&k, { "began r2", "ASIDE" }, { "call 2 r2 -", "" }, { "answer 2", "" }, { "speaks & pauses", "CUT 1" },
	    { "+3999", "" }, { "+1", "TOOL_RESULT 2, ASK 4" });
}

static void there_are_limits(void **state)
{
	char step[64];

	(void)state;
	for (int i = 1; i <= BATCHES_MAX; i++) {
		snprintf(step, sizeof step, "call %d r%d -", i, i);
		assert_true(kit_play(&k, step));
	}
	assert_false(kit_play(&k, "call 17 r17 -"));
	for (int i = BATCHES_MAX + 1; i <= RUNS_MAX; i++) {
		snprintf(step, sizeof step, "call %d r1 -", i);
		assert_true(kit_play(&k, step));
	}
	snprintf(step, sizeof step, "call %d r1 -", RUNS_MAX + 1);
	assert_false(kit_play(&k, step));
}

static void all_of_many_tools_are_told(void **state)
{
	char step[64];
	size_t count = 0;

	(void)state;
	kit_play(&k, "began r1");
	for (int i = 1; i <= RUNS_MAX; i++) {
		snprintf(step, sizeof step, "call %d r1 - & answer %d", i, i);
		kit_play(&k, step);
	}
	kit_play(&k, "over r1");
	for (const char *at = k.line; (at = strstr(at, "TOOL_RESULT")); at++)
		count++;
	assert_int_equal(count, RUNS_MAX);
	assert_non_null(strstr(k.line, "TOOL_RESULT 128, ASK 1"));
}

/* ------------------------------------------------------------------ the end, by a tool */

TALK(call_ends_with_the_words_of_the_response_that_ends_it, { "began r1", "" }, { "audio r1 i1 16000", "PLAY 1" },
    { "call 1 r1 & ends 1 r1", "" }, { "over r1", "MADE i1, ITEM_OVER i1" }, { "+5000", "" } /* and no filler */,
    { "heard 1 2000", "HEARD i1 2000, END agent_ended" });

TALK(silent_farewell_ends_at_once_but_not_before_other_tools_are_done, { "began r1", "" },
    { "call 1 r1 & ends 1 r1", "" }, { "call 2 r1", "" }, { "over r1", "" }, { "answer 2", "END agent_ended" });

static void second_farewell_is_not_taken(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "call 1 r1 & ends 1 r1", "" });
	kit_play(&k, "call 2 r1");
	assert_false(kit_play(&k, "ends 2 r1"));
	assert_true(kit_play(&k, "firm bye"));
}

/* The model is told, with the answer to its tool, and goes on. */
static void caller_who_speaks_up_is_told_to_the_model(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 16000", "PLAY 1" }, { "call 1 r1 & ends 1 r1", "" },
	    { "over r1", "MADE i1, ITEM_OVER i1" }, { "speaks", "CALLED_OFF 1, CUT 1, TOOL_RESULT 1" },
	    { "pauses & turn", "" }, { "+100", "" }, { "began r2", "" }, { "over r2", "" }, { "+200", "ASK 1" });
	/* Or it speaks already. */
	FOLLOW(&k, { "began r3", "" }, { "over r3", "" }, { "speaks", "CUT 2" }, { "began r4", "" },
	    { "call 2 r4 & ends 2 r4", "CALLED_OFF 2" });
}

TALK(farewell_whose_response_never_ends_is_over_with_it, { "began r1", "" }, { "+500 & call 1 r1 & ends 1 r1", "" },
    { "due 7500", "" }, { "+7500", "STOPPED, CANCEL r1, RETRIED, END agent_ended" });

TALK(what_was_told_during_a_farewell_is_not_answered, { "goodbye bye & told", "SPEAK bye 1" }, { "began r1", "" },
    { "over r1", "END agent_ended" });

/* ----------------------------------------------------------------------------- asides */

static void answer_that_is_slow_has_a_filler_beside_it(void **state)
{
	(void)state;
	FOLLOW(&k, { "turn", "" }, { "+500 & began r1", "" }, { "+3499", "" }, { "+1", "ASIDE" },
	    { "began r2 aside", "" }, { "audio r2 i1 800", "PLAY 1" }, { "over r2", "MADE i1, ITEM_OVER i1" },
	    { "+1000 & heard 1 100", "HEARD i1 100" }, { "audio r1 i2 800", "PLAY 2" },
	    { "over r1", "MADE i2, ITEM_OVER i2" }, { "heard 2 100", "HEARD i2 100" });
	assert_idle();
}

/* An answer that takes so long that a filler is asked for. */
/* clang-format off */
#define LONG_PAUSE { "turn", "" }, { "began r1", "" }, { "+4000", "ASIDE" }
/* clang-format on */

/* The words of it are not the answer, and buy no time. */
TALK(filler_does_not_stretch_patience, LONG_PAUSE, { "began r2 aside", "" }, { "audio r2 i1 16000", "PLAY 1" },
    { "+3999", "" }, { "+1", "STOPPED, CANCEL r1, RETRIED" });

TALK(filler_that_comes_after_the_answer_is_not_heard, LONG_PAUSE, { "audio r1 i1 800", "PLAY 1" },
    { "began r2 aside", "CANCEL r2" }, { "audio r2 i2 800", "PASS_OVER" }, { "over r2", "" },
    { "over r1", "MADE i1, ITEM_OVER i1" });

/* They are not mixed. */
TALK(filler_ends_when_the_answer_is_heard, LONG_PAUSE, { "began r2 aside", "" }, { "audio r2 i1 800", "PLAY 1" },
    { "audio r1 i2 800", "CANCEL r2, MADE i1, PLAY 2" }, { "audio r2 i1 800", "PASS_OVER" },
    { "over r2", "ITEM_OVER i1" });

/* Late audio of an item that is over is not heard, and begins no new pause. */
TALK(filler_is_said_once_in_a_pause, { "began r1", "" }, { "audio r1 i1 800", "PLAY 1" }, { "ended r1 i1", "MADE i1" },
    { "part r1", "" }, { "heard 1 100", "HEARD i1 100" }, { "+4000", "ASIDE" },
    { "+1000 & audio r1 i1 800", "PASS_OVER" }, { "+2999", "" }, { "+1", "STOPPED, CANCEL r1, ITEM_OVER i1, RETRIED" });

/* It counts as no answer, and what is lost of it is not the answer's. */
static void filler_is_no_answer(void **state)
{
	(void)state;
	FOLLOW(&k, LONG_PAUSE, { "began r2 aside", "" }, { "audio r2 i1 800", "PLAY 1" }, { "ended r2 i1", "MADE i1" },
	    { "+400", "ITEM_OVER i1" }, { "audio r2 i3 800", "PASS_OVER" }, { "audio r1 i2 8", "PLAY 2" },
	    { "told", "" });
	assert_int_equal(k.answers, 0);
	FOLLOW(&k, { "over r1", "MADE i2, ITEM_OVER i2, ASK 2" });
	assert_int_equal(k.answers, 1);
}

/* A service that does not say whose a response is. */
TALK(filler_is_known_by_the_answer_that_is_being_made, LONG_PAUSE, { "began r2", "" }, { "over r2", "" },
    { "told", "" }, { "over r1", "ASK 2" });

TALK(refused_filler_is_forgotten, LONG_PAUSE, { "refused 1", "" }, { "began r2", "UNTOLD r1" }, { "over r2", "" },
    { "told", "ASK 2" });

/* The model does not know it, so there is nothing to be cut short for it. */
TALK(filler_that_is_cut_is_no_part_of_the_conversation, LONG_PAUSE, { "began r2 aside", "" },
    { "audio r2 i1 8000", "PLAY 1" }, { "speaks", "CUT 1" }, { "cut 1 1:300", "CUT_SHORT i1 300" },
    { "audio r2 i1 800", "PASS_OVER" });

/* … and a tool that was called behind it has none of its own. */
TALK(filler_is_heard_once, LONG_PAUSE, { "began r2 aside", "" }, { "over r2", "" }, { "call 1 r1", "" },
    { "over r1", "" }, { "+7999", "" }, { "+1", "TOOL_LATE 1, TOOL_RESULT 1, ASK 2" });

static void greeting_and_farewell_have_no_filler(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "call 1 r1 & ends 1 r1", "" }, { "+7999", "" });
	open_as(&KIT_GREETING);
	FOLLOW(&k, GREETING_BEGINS, { "+7999", "" });
}

const struct CMUnitTest unit_tests[] = {
	CASE(tool_is_told_of_once_its_response_is_over),
	CASE(several_of_a_response_are_told_together),
	CASE(batches_are_told_of_the_oldest_first),
	CASE(answer_that_began_after_the_telling_is_not_asked_for_again),
	CASE(model_that_does_nothing_but_call_tools_is_given_up),
	CASE(model_that_calls_tools_with_words_is_given_up_too),
	CASE(words_about_tools_that_are_not_run_any_more_are_no_progress),
	CASE(what_the_caller_hears_or_says_begins_the_count_of_tools_anew),
	CASE(service_that_does_not_go_on_after_its_own_tool_is_asked),
	CASE(service_that_goes_on_after_its_own_tool_is_not_asked),
	CASE(nothing_more_comes_after_words_that_follow_the_tool),
	CASE(model_that_was_told_while_the_caller_speaks_answers_then),
	CASE(filler_is_due_after_a_second_once),
	CASE(filler_is_said_in_silence_only),
	CASE(filler_waits_longer_after_words_of_the_model),
	CASE(no_filler_while_something_is_heard),
	CASE(no_filler_for_what_is_answered_or_talked_about_or_has_none),
	CASE(filler_that_waits_is_taken_back_with_the_last_answer),
	CASE(what_never_answers_is_overdue),
	CASE(tools_of_a_response_that_never_ends_are_told_in_the_end),
	CASE(there_are_limits),
	CASE(all_of_many_tools_are_told),
	CASE(call_ends_with_the_words_of_the_response_that_ends_it),
	CASE(silent_farewell_ends_at_once_but_not_before_other_tools_are_done),
	CASE(second_farewell_is_not_taken),
	CASE(caller_who_speaks_up_is_told_to_the_model),
	CASE(farewell_whose_response_never_ends_is_over_with_it),
	CASE(what_was_told_during_a_farewell_is_not_answered),
	CASE(filler_is_due_after_a_second_once),
	CASE(filler_is_said_in_silence_only),
	CASE(answer_that_is_slow_has_a_filler_beside_it),
	CASE(filler_does_not_stretch_patience),
	CASE(filler_that_comes_after_the_answer_is_not_heard),
	CASE(filler_ends_when_the_answer_is_heard),
	CASE(filler_is_said_once_in_a_pause),
	CASE(filler_is_no_answer),
	CASE(filler_is_known_by_the_answer_that_is_being_made),
	CASE(refused_filler_is_forgotten),
	CASE(filler_that_is_cut_is_no_part_of_the_conversation),
	CASE(filler_is_heard_once),
	CASE(greeting_and_farewell_have_no_filler),
	{ 0 },
};
