/* What the agent says: each row of the table of utterances in dialogue.h, and the
 * races between what we ask for and what the model does by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dialogue_kit.h"

/* --------------------------------------------------------------------- the plain way */

static void answer_is_asked_for_once_and_ends(void **state)
{
	(void)state;
	assert_idle();
	FOLLOW(&k, { "key 5", "" }, { "+1500", "KEYS 5, ASK 1" }, { "began r1", "" }, { "+1000", "" },
	    { "sign r1", "" }, { "+19000", "" }, { "over r1", "" });
	assert_idle();
}

TALK(answer_wanted_meanwhile_waits_for_the_end_of_the_active_one, { "began r1", "" }, { "told", "" }, { "+1000", "" },
    { "over r1", "ASK 1" });

static void answer_the_model_makes_by_itself_is_the_one_that_was_owed(void **state)
{
	(void)state;
	FOLLOW(&k, { "turn", "" });
	assert_due_in_ms(10000);
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
static void free_is_told_with_the_pause_before_it(void **state)
{
	(void)state;
	FOLLOW(&k, { "say x", "SPEAK x 1" }, { "began r1", "" }, { "over r1 failed", "RETRIED" });
	assert_due_in_ms(500);
	FOLLOW(&k, { "+499", "" }, { "+1", "SPEAK x 2" });
}

/* ----------------------------------------------------------------------- it goes wrong */

static void refused_as_busy_it_is_asked_for_again_after_a_pause(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "busy 1", "" });
	assert_due_in_ms(500);
	FOLLOW(&k, { "+499", "" }, { "+1", "ASK 2" });
}

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
	assert_in_range(asked, BUSY_MAX, BUSY_MAX + ANSWER_TRIES + 1);
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
	assert_due_in_ms(10000);
	FOLLOW(&k, { "+9999", "" }, { "+1", "NO_ANSWER, RETRIED" }, { "+500", "ASK 2" }, { "+9999", "" },
	    { "+1", "NO_ANSWER, END model_failed" });
}

TALK(
    turn_the_model_never_answers_is_asked_for, { "turn", "" }, { "+10000", "NO_ANSWER, RETRIED" }, { "+500", "ASK 1" });

/* An answer that failed once is still owed when its second request is lost. */
TALK(answer_that_failed_and_then_never_begins_is_not_forgotten, { "turn", "" }, { "began r1", "" },
    { "over r1 failed", "RETRIED" }, { "+500", "ASK 1" }, { "+10000", "NO_ANSWER, END model_failed" });

static void answer_that_goes_quiet_no_longer_blocks(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "+5000", "" }, { "sign r1", "" }, { "+1000", "" }, { "sign r0", "" });
	assert_due_in_ms(19000);
	FOLLOW(&k, { "+18999", "" }, { "+1", "STOPPED, CANCEL r1, RETRIED" }, { "+500", "ASK 1" });
}

static void what_is_told_without_a_name_is_of_the_one_being_made(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "+19999", "" }, { "sign -", "" }, { "+19999", "" }, { "over r1", "" });
	assert_idle();
}

/* It is told to stop, and says so; that must not count as a success. */
TALK(model_that_goes_quiet_every_time_is_given_up, { "told", "ASK 1" }, { "began r1", "" },
    { "+20000", "STOPPED, CANCEL r1, RETRIED" }, { "over r1", "" }, { "+500", "ASK 2" }, { "began r2", "" },
    { "+20000", "STOPPED, CANCEL r2, END model_failed" });

/* What is queued of it is played, and its end is marked; what comes late is not. */
static void audio_of_an_answer_that_went_quiet_ends(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "audio r1 i1 800", "PLAY 1" },
	    { "+20000", "STOPPED, CANCEL r1, MADE i1, RETRIED" }, { "audio r1 i1 800", "PASS_OVER" },
	    { "heard 1 100", "HEARD i1 100" });
	assert_false(dialogue_due_us(&k.d) > k.now + RETRY_US);
}

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
	char id[DIALOGUE_ID_SIZE], step[2][DIALOGUE_ID_SIZE + 16];

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

/* A doubled event is no second answer. */
static void beginning_that_is_told_twice_begins_nothing(void **state)
{
	(void)state;
	FOLLOW(&k, { "told", "ASK 1" }, { "began r1", "" }, { "began r1", "" }, { "over r1", "" }, { "began r1", "" },
	    { "told", "ASK 2" }, { "began r1", "" });
	assert_due_in_ms(10000);
}

/* Whatever closes a state may be lost; what comes next closes it too. */
static void response_whose_end_is_lost_gives_way_to_the_next(void **state)
{
	(void)state;
	FOLLOW(&k, { "began r1", "" }, { "began r2", "" }, { "told", "" }, { "over r2", "ASK 1" });
	assert_true(dialogue_due_us(&k.d) < NEVER_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		CASE(what_is_told_without_a_name_is_of_the_one_being_made),
		CASE(model_that_goes_quiet_every_time_is_given_up),
		CASE(audio_of_an_answer_that_went_quiet_ends),
		CASE(end_of_another_response_decides_nothing),
		CASE(ids_as_long_as_they_come_are_told_apart),
		CASE(beginning_that_is_told_twice_begins_nothing),
		CASE(response_whose_end_is_lost_gives_way_to_the_next),
	};

	return cmocka_run_group_tests_name("dialogue", tests, NULL, NULL);
}
