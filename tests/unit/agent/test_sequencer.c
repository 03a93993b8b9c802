#include "server/agent/sequencer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1000000 };

static const int64_t T0 = 100 * (int64_t)SECOND;

/* An answer is owed and asked for, as the agent loop does it. */
static void ask(struct sequencer *s, const char *event_id, int64_t now)
{
	seq_want(s, true, now);
	assert_true(seq_ready(s, now));
	seq_sent(s, event_id, now);
	assert_false(seq_ready(s, now));
}

static void assert_idle(const struct sequencer *s)
{
	assert_string_equal(s->active, "");
	assert_string_equal(s->sent, "");
	assert_int_equal(seq_deadline_us(s), INT64_MAX);
	assert_false(seq_ready(s, INT64_MAX));
}

/* --------------------------------------------------------------------- the plain way */

static void answer_is_asked_for_once_and_ends(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	assert_idle(&s);
	ask(&s, "say_1", T0);
	assert_false(seq_created(&s, "resp_1", T0));
	assert_false(seq_ready(&s, T0));
	seq_alive(&s, "resp_1", T0 + SECOND);
	assert_int_equal(seq_done(&s, "resp_1", false, T0 + 2 * SECOND), SEQ_FINE);
	assert_idle(&s);
}

/* What the agent is told to say asks when it may: a loop that sleeps must learn
 * of the pause after a failure, too. */
static void free_is_told_with_the_pause_before_it(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	assert_true(seq_free_us(&s) <= T0);
	seq_sent(&s, "say_1", T0);
	assert_int_equal(seq_free_us(&s), INT64_MAX);
	seq_created(&s, "resp_1", T0);
	assert_int_equal(seq_free_us(&s), INT64_MAX);
	assert_int_equal(seq_done(&s, "resp_1", true, T0), SEQ_RETRIED);
	assert_int_equal(seq_free_us(&s), INT64_MAX); /* an answer is owed */
	seq_unwant(&s);
	assert_int_equal(seq_free_us(&s), T0 + SEQ_RETRY_US);
	seq_expect(&s, T0 + SECOND); /* the caller has spoken */
	assert_int_equal(seq_free_us(&s), INT64_MAX);
}

static void answer_wanted_meanwhile_waits_for_the_end_of_the_active_one(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	assert_false(seq_created(&s, "resp_1", T0)); /* the model's own */
	seq_want(&s, true, T0);
	assert_false(seq_ready(&s, T0 + SECOND));
	seq_done(&s, "resp_1", false, T0 + SECOND);
	assert_true(seq_ready(&s, T0 + SECOND));
}

static void answer_the_model_makes_by_itself_is_the_one_that_was_owed(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	seq_expect(&s, T0);
	assert_int_equal(seq_deadline_us(&s), T0 + SEQ_CREATED_US);
	assert_false(seq_created(&s, "resp_1", T0));
	seq_done(&s, "resp_1", false, T0);
	assert_idle(&s);

	/* Also where we were about to ask again after a failure. */
	ask(&s, "say_1", T0);
	assert_int_equal(seq_refused(&s, "say_1", false, T0), SEQ_RETRIED);
	assert_false(seq_created(&s, "resp_2", T0));
	seq_done(&s, "resp_2", false, T0);
	assert_idle(&s);
}

static void what_is_wanted_after_the_request_is_newer_than_its_answer(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	seq_want(&s, true, T0); /* keys were pressed while it was on its way */
	assert_false(seq_created(&s, "resp_1", T0));
	assert_false(seq_ready(&s, T0));
	seq_done(&s, "resp_1", false, T0);
	assert_true(seq_ready(&s, T0));
}

/* ----------------------------------------------------------------------- it goes wrong */

static void refused_as_busy_it_waits_for_the_end_of_the_other(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	assert_int_equal(seq_refused(&s, "say_1", true, T0), SEQ_FINE);
	assert_false(seq_ready(&s, T0)); /* in a circle, but a slow one */
	assert_true(seq_ready(&s, T0 + SEQ_RETRY_US));
	assert_int_equal(seq_deadline_us(&s), T0 + SEQ_RETRY_US);
}

/* Our request and the model's own answer cross: its created comes first, then
 * the refusal of ours. */
static void request_that_crossed_the_models_own_answer_is_not_forgotten(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	assert_false(seq_created(&s, "resp_own", T0));
	assert_int_equal(seq_refused(&s, "say_1", true, T0), SEQ_FINE);
	assert_string_equal(s.active, "resp_own");
	assert_false(seq_ready(&s, T0 + SECOND));
	seq_done(&s, "resp_own", false, T0 + SECOND);
	assert_true(seq_ready(&s, T0 + SECOND));
	/* Once. */
	assert_int_equal(seq_refused(&s, "say_1", true, T0 + SECOND), SEQ_FINE);
	seq_sent(&s, "say_2", T0 + SECOND);
	seq_created(&s, "resp_2", T0 + SECOND);
	seq_done(&s, "resp_2", false, T0 + SECOND);
	assert_idle(&s);
}

static void other_errors_of_an_answer_that_has_begun_leave_it_to_its_end(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	seq_created(&s, "resp_1", T0);
	assert_int_equal(seq_refused(&s, "say_1", false, T0), SEQ_FINE);
	assert_string_equal(s.active, "resp_1");
	assert_int_equal(seq_done(&s, "resp_1", true, T0), SEQ_RETRIED); /* counted once */
}

static void busy_for_ever_is_a_failure_in_the_end(void **state)
{
	struct sequencer s;
	enum seq_verdict verdict = SEQ_FINE;
	int64_t now = T0;
	int asked = 0;

	(void)state;
	seq_init(&s);
	seq_want(&s, true, now);
	for (; verdict != SEQ_GIVE_UP && asked < 1000; asked++) {
		char id[16];

		now += SEQ_RETRY_US;
		assert_true(seq_ready(&s, now));
		snprintf(id, sizeof id, "say_%d", asked);
		seq_sent(&s, id, now);
		verdict = seq_refused(&s, id, true, now);
	}
	assert_int_equal(verdict, SEQ_GIVE_UP);
	assert_in_range(asked, SEQ_BUSY_MAX, SEQ_BUSY_MAX + SEQ_TRIES);
}

static void failed_answer_is_asked_for_again_after_a_pause_then_given_up(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	seq_created(&s, "resp_1", T0);
	assert_int_equal(seq_done(&s, "resp_1", true, T0), SEQ_RETRIED);
	assert_false(seq_ready(&s, T0 + SEQ_RETRY_US - 1));
	assert_true(seq_ready(&s, T0 + SEQ_RETRY_US));
	seq_sent(&s, "say_2", T0 + SEQ_RETRY_US);
	seq_created(&s, "resp_2", T0 + SEQ_RETRY_US);
	assert_int_equal(seq_done(&s, "resp_2", true, T0 + SECOND), SEQ_GIVE_UP);
	assert_idle(&s);
}

static void refused_request_is_sent_again_then_given_up(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	assert_int_equal(seq_refused(&s, "say_0", false, T0), SEQ_FINE); /* not ours */
	assert_int_equal(seq_refused(&s, "say_1", false, T0), SEQ_RETRIED);
	seq_sent(&s, "say_2", T0 + SECOND);
	assert_int_equal(seq_refused(&s, "say_2", false, T0 + SECOND), SEQ_GIVE_UP);
	assert_idle(&s);
}

static void success_forgets_earlier_failures(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	for (int i = 0; i < 5; i++) {
		seq_created(&s, "resp_1", T0);
		assert_int_equal(seq_done(&s, "resp_1", true, T0), SEQ_RETRIED);
		seq_created(&s, "resp_2", T0);
		assert_int_equal(seq_done(&s, "resp_2", false, T0), SEQ_FINE);
	}
}

static void answer_that_never_begins_is_asked_for_again(void **state)
{
	struct sequencer s;
	int64_t due = T0 + SEQ_CREATED_US;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	assert_int_equal(seq_deadline_us(&s), due);
	assert_int_equal(seq_tick(&s, due - 1), SEQ_FINE);
	assert_int_equal(seq_tick(&s, due), SEQ_RETRIED);
	assert_true(seq_ready(&s, due + SEQ_RETRY_US));
	seq_sent(&s, "say_2", due + SEQ_RETRY_US);
	assert_int_equal(seq_tick(&s, due + SEQ_RETRY_US + SEQ_CREATED_US), SEQ_GIVE_UP);
	assert_idle(&s);
}

static void turn_the_model_never_answers_is_asked_for(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	seq_expect(&s, T0);
	assert_int_equal(seq_tick(&s, T0 + SEQ_CREATED_US), SEQ_RETRIED);
	assert_true(seq_ready(&s, T0 + SEQ_CREATED_US + SEQ_RETRY_US));
}

static void answer_that_goes_quiet_no_longer_blocks(void **state)
{
	struct sequencer s;
	int64_t alive = T0 + 5 * SECOND;

	(void)state;
	seq_init(&s);
	seq_created(&s, "resp_1", T0);
	seq_alive(&s, "resp_1", alive);
	seq_alive(&s, "resp_0", alive + SECOND); /* another's */
	assert_int_equal(seq_deadline_us(&s), alive + SEQ_QUIET_US);
	assert_int_equal(seq_tick(&s, alive + SEQ_QUIET_US - 1), SEQ_FINE);
	assert_int_equal(seq_tick(&s, alive + SEQ_QUIET_US), SEQ_RETRIED);
	assert_true(seq_ready(&s, alive + SEQ_QUIET_US + SEQ_RETRY_US));
}

/* It is told to stop, and says so; that must not count as a success. */
static void model_that_goes_quiet_every_time_is_given_up(void **state)
{
	struct sequencer s;
	int64_t now = T0;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", now);
	seq_created(&s, "resp_1", now);
	now += SEQ_QUIET_US;
	assert_int_equal(seq_tick(&s, now), SEQ_RETRIED);
	assert_int_equal(seq_done(&s, "resp_1", false, now), SEQ_FINE);
	now += SEQ_RETRY_US;
	seq_sent(&s, "say_2", now);
	seq_created(&s, "resp_2", now);
	assert_int_equal(seq_tick(&s, now + SEQ_QUIET_US), SEQ_GIVE_UP);
}

static void end_of_another_response_decides_nothing(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	assert_int_equal(seq_done(&s, "resp_0", true, T0), SEQ_FINE);
	assert_idle(&s);
	seq_created(&s, "resp_1", T0);
	assert_int_equal(seq_done(&s, "resp_0", true, T0), SEQ_FINE);
	assert_string_equal(s.active, "resp_1");
}

static void ids_as_long_as_they_come_are_told_apart(void **state)
{
	struct sequencer s;
	char id[SEQ_ID_SIZE], other[SEQ_ID_SIZE];

	(void)state;
	memset(id, 'x', sizeof id - 1);
	id[sizeof id - 1] = '\0';
	memcpy(other, id, sizeof id);
	other[sizeof other - 2] = 'y';
	seq_init(&s);
	seq_created(&s, id, T0);
	seq_done(&s, other, false, T0);
	assert_string_equal(s.active, id);
	seq_done(&s, id, false, T0);
	assert_idle(&s);
}

/* ------------------------------------------------------------------- the caller cuts in */

static void cut_names_the_active_response(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	assert_string_equal(seq_cut(&s, false, T0), "");
	seq_created(&s, "resp_1", T0);
	assert_string_equal(seq_cut(&s, false, T0), "resp_1");
	assert_int_equal(seq_done(&s, "resp_1", false, T0), SEQ_FINE);
	assert_idle(&s);
}

static void cut_takes_back_what_was_wanted(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	seq_want(&s, true, T0);
	seq_cut(&s, false, T0);
	assert_idle(&s);
	/* And what was expected: the caller goes on speaking, for long perhaps. */
	seq_expect(&s, T0);
	seq_cut(&s, false, T0);
	assert_false(seq_ready(&s, T0));
	assert_int_equal(seq_tick(&s, T0 + SEQ_DROP_US), SEQ_FINE);
	assert_idle(&s);
	/* And what is to be asked for again after a failure. */
	seq_created(&s, "resp_1", T0);
	seq_done(&s, "resp_1", true, T0);
	seq_cut(&s, false, T0);
	assert_idle(&s);
}

static void answer_cut_before_it_began_is_dropped_when_it_shows(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	assert_string_equal(seq_cut(&s, false, T0), "");
	assert_true(seq_created(&s, "resp_1", T0));
	seq_done(&s, "resp_1", false, T0);
	assert_idle(&s);
	/* It only, not the next one. */
	assert_false(seq_created(&s, "resp_2", T0));
}

/* The end of a turn, and the caller speaks again before the model has begun. */
static void answer_to_a_turn_that_went_on_is_unheard_when_it_shows(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	seq_expect(&s, T0);
	assert_true(seq_busy(&s));
	seq_cut(&s, false, T0);
	assert_int_equal(seq_created(&s, "resp_1", T0), SEQ_UNHEARD);
	seq_done(&s, "resp_1", false, T0);
	assert_idle(&s);
	/* By a key, of which the model knows nothing, it is to be cancelled. */
	seq_expect(&s, T0);
	seq_cut(&s, true, T0);
	assert_int_equal(seq_created(&s, "resp_2", T0), SEQ_CANCEL);
	seq_done(&s, "resp_2", false, T0);
	/* The end of the next turn comes first: the answer is to that one. */
	seq_expect(&s, T0);
	seq_cut(&s, false, T0);
	seq_expect(&s, T0);
	assert_int_equal(seq_created(&s, "resp_3", T0), SEQ_WELCOME);
}

static void nothing_is_asked_for_while_the_model_is_about_to_answer(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	seq_expect(&s, T0);
	seq_want(&s, true, T0);
	assert_false(seq_ready(&s, T0 + SECOND));
	seq_tick(&s, T0 + SEQ_CREATED_US);
	assert_true(seq_ready(&s, T0 + SEQ_CREATED_US + SEQ_RETRY_US));
}

static void greeting_that_never_begins_is_done_without(void **state)
{
	struct sequencer s;
	int64_t now = T0;

	(void)state;
	seq_init(&s);
	seq_want(&s, false, now);
	seq_sent(&s, "say_1", now);
	now += SEQ_CREATED_US;
	assert_int_equal(seq_tick(&s, now), SEQ_RETRIED);
	now += SEQ_RETRY_US;
	assert_true(seq_ready(&s, now));
	seq_sent(&s, "say_2", now);
	now += SEQ_CREATED_US;
	assert_int_equal(seq_tick(&s, now), SEQ_FINE);
	assert_idle(&s);
	/* But a turn that is never answered is one too many. */
	seq_expect(&s, now);
	assert_int_equal(seq_tick(&s, now + SEQ_CREATED_US), SEQ_GIVE_UP);
}

static void refusal_of_what_was_cut_lets_the_next_answer_through(void **state)
{
	struct sequencer s;

	(void)state;
	for (int busy = 0; busy < 2; busy++) {
		seq_init(&s);
		ask(&s, "say_1", T0);
		seq_cut(&s, false, T0);
		assert_int_equal(seq_refused(&s, "say_1", busy, T0), SEQ_FINE);
		assert_idle(&s); /* nobody waits for it */
		assert_false(seq_created(&s, "resp_1", T0));
	}
}

static void what_was_cut_and_never_came_lets_the_next_answer_through(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	seq_cut(&s, false, T0);
	assert_int_equal(seq_tick(&s, T0 + SEQ_CREATED_US), SEQ_FINE);
	assert_idle(&s);
	assert_false(seq_created(&s, "resp_1", T0));
}

/* Keys pressed during the greeting's first moments: they cut it, and are to be
 * answered. */
static void what_is_wanted_after_a_cut_survives_the_answer_that_was_cut(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	seq_cut(&s, false, T0);
	seq_want(&s, true, T0);
	assert_true(seq_created(&s, "resp_1", T0));
	assert_false(seq_ready(&s, T0));
	seq_done(&s, "resp_1", false, T0);
	assert_true(seq_ready(&s, T0));
}

static void request_that_crossed_and_was_cut_is_not_sent_again(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	ask(&s, "say_1", T0);
	seq_created(&s, "resp_own", T0);
	seq_cut(&s, false, T0);
	seq_refused(&s, "say_1", true, T0);
	seq_done(&s, "resp_own", false, T0);
	assert_idle(&s);

	ask(&s, "say_2", T0);
	seq_cut(&s, false, T0);
	assert_true(seq_created(&s, "resp_own2", T0));
	seq_refused(&s, "say_2", true, T0);
	seq_done(&s, "resp_own2", false, T0);
	assert_idle(&s);
}

static void answer_that_was_cut_is_owed_to_nobody(void **state)
{
	struct sequencer s;

	(void)state;
	seq_init(&s);
	seq_created(&s, "resp_1", T0);
	seq_cut(&s, false, T0);
	assert_int_equal(seq_done(&s, "resp_1", true, T0), SEQ_FINE);
	assert_idle(&s);
	seq_created(&s, "resp_2", T0);
	seq_cut(&s, false, T0);
	assert_int_equal(seq_tick(&s, T0 + SEQ_QUIET_US), SEQ_FINE);
	assert_idle(&s);
}

/* -------------------------------------------------------------------- whatever happens */

static uint32_t roll(uint32_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

static void anything(struct sequencer *s, uint32_t *seed, int *number, int64_t now)
{
	char id[SEQ_ID_SIZE];

	switch (roll(seed, 9)) {
	case 0:
		seq_want(s, true, now);
		break;
	case 1:
		seq_expect(s, now);
		break;
	case 2:
		snprintf(id, sizeof id, "resp_%d", ++*number);
		seq_created(s, id, now);
		break;
	case 3:
		snprintf(id, sizeof id, "resp_%d", *number);
		seq_alive(s, id, now);
		break;
	case 4:
		snprintf(id, sizeof id, "resp_%d", *number - (int)roll(seed, 3));
		seq_done(s, id, roll(seed, 2), now);
		break;
	case 5:
	case 6:
		if (s->sent[0])
			snprintf(id, sizeof id, "%s", s->sent);
		else
			snprintf(id, sizeof id, "say_%d", *number - (int)roll(seed, 3));
		seq_refused(s, id, roll(seed, 2), now);
		break;
	case 7:
		seq_cut(s, roll(seed, 2), now);
		break;
	default:
		if (seq_ready(s, now)) {
			snprintf(id, sizeof id, "say_%d", ++*number);
			seq_sent(s, id, now);
		}
	}
}

/* After any history, with no event ever again: the clock alone brings it back
 * to where an answer can be asked for, and never makes its user spin. */
static void no_history_leaves_it_locked_or_spinning(void **state)
{
	(void)state;
	for (uint32_t first = 1; first < 3000; first++) {
		uint32_t seed = first;
		struct sequencer s;
		int64_t now = T0, until;
		int number = 0, ticks = 0;

		seq_init(&s);
		for (int step = 0; step < 40; step++) {
			now += roll(&seed, 3) ? roll(&seed, 1000000) : roll(&seed, 30 * SECOND);
			seq_tick(&s, now);
			seq_tick(&s, now); /* two things may be due at once */
			assert_true(seq_deadline_us(&s) > now || seq_ready(&s, now));
			anything(&s, &seed, &number, now);
		}
		seq_want(&s, true, now);
		until = now + SEQ_QUIET_US + SEQ_CREATED_US + SEQ_RETRY_US;
		while (!seq_ready(&s, now)) {
			assert_true(++ticks < 6);
			now = seq_deadline_us(&s);
			assert_true(now <= until);
			seq_tick(&s, now);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_is_told_with_the_pause_before_it),
		cmocka_unit_test(answer_is_asked_for_once_and_ends),
		cmocka_unit_test(answer_wanted_meanwhile_waits_for_the_end_of_the_active_one),
		cmocka_unit_test(answer_the_model_makes_by_itself_is_the_one_that_was_owed),
		cmocka_unit_test(what_is_wanted_after_the_request_is_newer_than_its_answer),
		cmocka_unit_test(refused_as_busy_it_waits_for_the_end_of_the_other),
		cmocka_unit_test(request_that_crossed_the_models_own_answer_is_not_forgotten),
		cmocka_unit_test(other_errors_of_an_answer_that_has_begun_leave_it_to_its_end),
		cmocka_unit_test(busy_for_ever_is_a_failure_in_the_end),
		cmocka_unit_test(failed_answer_is_asked_for_again_after_a_pause_then_given_up),
		cmocka_unit_test(refused_request_is_sent_again_then_given_up),
		cmocka_unit_test(success_forgets_earlier_failures),
		cmocka_unit_test(answer_that_never_begins_is_asked_for_again),
		cmocka_unit_test(turn_the_model_never_answers_is_asked_for),
		cmocka_unit_test(answer_that_goes_quiet_no_longer_blocks),
		cmocka_unit_test(model_that_goes_quiet_every_time_is_given_up),
		cmocka_unit_test(end_of_another_response_decides_nothing),
		cmocka_unit_test(ids_as_long_as_they_come_are_told_apart),
		cmocka_unit_test(cut_names_the_active_response),
		cmocka_unit_test(cut_takes_back_what_was_wanted),
		cmocka_unit_test(answer_cut_before_it_began_is_dropped_when_it_shows),
		cmocka_unit_test(answer_to_a_turn_that_went_on_is_unheard_when_it_shows),
		cmocka_unit_test(nothing_is_asked_for_while_the_model_is_about_to_answer),
		cmocka_unit_test(greeting_that_never_begins_is_done_without),
		cmocka_unit_test(refusal_of_what_was_cut_lets_the_next_answer_through),
		cmocka_unit_test(what_was_cut_and_never_came_lets_the_next_answer_through),
		cmocka_unit_test(what_is_wanted_after_a_cut_survives_the_answer_that_was_cut),
		cmocka_unit_test(request_that_crossed_and_was_cut_is_not_sent_again),
		cmocka_unit_test(answer_that_was_cut_is_owed_to_nobody),
		cmocka_unit_test(no_history_leaves_it_locked_or_spinning),
	};

	return cmocka_run_group_tests_name("sequencer", tests, NULL, NULL);
}
