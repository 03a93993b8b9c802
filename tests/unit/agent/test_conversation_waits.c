/* What a caller hears who waits in silence, and when: the line, the tone between, and neither over an answer. */
#include "server/agent/conversation_waits.h"

#include "server/agent/conversation_orders.h"
#include "server/phone/channel.h"
#include "server/voice/voice.h"
#include "tests/unit/agent/conversation_kit.h"

ONE_THREAD;

enum { LINE_BYTES = 16000 /* 2 s */ };

static const struct phone_channel sound = { .audio = true };
static const struct agent agent = { .name = "desk", .transcription_model = "t" };
static struct config cfg;
static unsigned char ulaw[LINE_BYTES];
static const struct voice_line line = { ulaw, sizeof ulaw };
static int64_t now;

static int begin(void **state)
{
	conversation_kit_begin(state);
	now = 10 * (int64_t)US_PER_S;
	cfg = (struct config){ .hold_after_ms = 2500, .give_up_seconds = 15 };
	call->cfg = &cfg;
	call->agent = &agent;
	call->channel = &sound;
	assert_int_equal(ring_open(&call->to_caller, 1 << 20), 0);
	con->known[KNOWN_HOLD] = &line;
	dialogue_init(&con->dialogue,
	    &(struct dialogue_rules){
		.silence_us = 60 * US_PER_S, .slow_us = 60 * US_PER_S, .knows = { [KNOWN_HOLD] = true } });
	TELL(con, now, .type = EVENT_MODEL_READY);
	TELL(con, now, .type = EVENT_CALLER_THERE);
	conversation_do_due(con, now);
	return 0;
}

static int end(void **state)
{
	ring_close(&call->to_caller);
	return conversation_kit_end(state);
}

static int64_t tone_from_ms(void)
{
	int64_t since = atomic_load(&call->waits_since_us);

	return since ? (since - 10 * (int64_t)US_PER_S) / US_PER_MS : -1;
}

/* So many lines were begun since the last time. */
static int lines(void)
{
	struct ring_message m;
	int count = 0;

	for (; ring_next(&call->to_caller, &m); ring_pop(&call->to_caller))
		count += m.type == TO_ITEM_END;
	return count;
}

/* To the next time at which there is something to do, as the loop goes. */
static int64_t next_ms(void)
{
	int64_t due = conversation_waits_us(con);

	assert_true(due > now || !con->waits.since_us);
	if (due < NEVER_US)
		now = later(now, due);
	conversation_do_due(con, now);
	conversation_mind_waiting(con, now);
	return due == NEVER_US ? -1 : (now - 10 * (int64_t)US_PER_S) / US_PER_MS;
}

static void heard(uint32_t no)
{
	struct heard h = { .no = no, .heard_ms = 2000, .confirmed = true };

	TELL(con, now, .type = EVENT_HEARD, .heard = &h);
}

static void line_is_said_every_eight_seconds_and_the_tone_between(void **state)
{
	(void)state;
	conversation_mind_waiting(con, now);
	assert_int_equal(con->waits.since_us, 0);
	TELL(con, now, .type = EVENT_TURN);
	conversation_mind_waiting(con, now);
	assert_int_equal(tone_from_ms(), -1);
	assert_int_equal(next_ms(), 2500);
	assert_int_equal(lines(), 1);
	assert_int_equal(tone_from_ms(), -1);
	assert_int_equal(next_ms(), 4500); /* it is over */
	heard(1);
	assert_int_equal(tone_from_ms(), 4500);
	assert_int_equal(lines(), 0);
	assert_int_equal(next_ms(), 10500);
	assert_int_equal(lines(), 1);
	assert_int_equal(tone_from_ms(), -1);
	assert_int_equal(next_ms(), 12500);
	assert_int_equal(tone_from_ms(), 12500);
	/* All of it is one wait. */
	assert_int_equal(con->waits.since_us, 10 * (int64_t)US_PER_S);
}

static void line_that_has_not_begun_is_dropped_for_the_answer(void **state)
{
	(void)state;
	TELL(con, now, .type = EVENT_TURN);
	conversation_mind_waiting(con, now);
	now += 2499 * US_PER_MS;
	TELL(con, now, .type = EVENT_BEGAN, .response = "r1");
	TELL(con, now, .type = EVENT_AUDIO, .response = "r1", .item = "i1", .count = 800);
	dialogue_received(&con->dialogue, 1, 800, now);
	conversation_mind_waiting(con, now + US_PER_MS);
	assert_int_equal(lines(), 0);
	assert_int_equal(con->waits.since_us, 0);
}

/* Between its parts there is the tone; what was not said takes no time of the next line's. */
static void line_comes_soon_after_an_answer_that_stopped_in_the_middle(void **state)
{
	(void)state;
	TELL(con, now, .type = EVENT_TURN);
	TELL(con, now, .type = EVENT_BEGAN, .response = "r1");
	TELL(con, now, .type = EVENT_AUDIO, .response = "r1", .item = "i1", .count = 800);
	dialogue_received(&con->dialogue, 1, 800, now);
	assert_int_equal(next_ms(), 100);
	assert_int_equal(next_ms(), 2600);
	assert_int_equal(lines(), 0);
	assert_int_equal(tone_from_ms(), 2600);
	TELL(con, now, .type = EVENT_PART_OVER, .response = "r1", .item = "i1");
	heard(1);
	TELL(con, now, .type = EVENT_PART, .response = "r1"); /* it goes on */
	lines();
	assert_int_equal(next_ms(), 3100);
	assert_int_equal(lines(), 1);
	assert_int_equal(tone_from_ms(), -1);
}

/* The next wait begins soon after the line. */
static void soon_again_there_is_only_the_tone(void **state)
{
	(void)state;
	TELL(con, now, .type = EVENT_TURN);
	conversation_mind_waiting(con, now);
	assert_int_equal(next_ms(), 2500);
	assert_int_equal(lines(), 1);
	heard(1);
	TELL(con, now, .type = EVENT_CALLER_BEGAN);
	conversation_mind_waiting(con, now);
	assert_int_equal(con->waits.since_us, 0);
	now += US_PER_S;
	TELL(con, now, .type = EVENT_CALLER_ENDED);
	TELL(con, now, .type = EVENT_TURN);
	conversation_mind_waiting(con, now);
	assert_int_equal(tone_from_ms(), 3500);
	assert_int_equal(next_ms(), 10500);
	assert_int_equal(lines(), 1);
}

static void without_the_line_there_is_the_tone(void **state)
{
	(void)state;
	con->known[KNOWN_HOLD] = NULL;
	TELL(con, now, .type = EVENT_TURN);
	conversation_mind_waiting(con, now);
	assert_int_equal(tone_from_ms(), 0);
	assert_int_equal(next_ms(), -1);
	/* Nobody wants either. */
	con->known[KNOWN_HOLD] = &line;
	cfg.hold_after_ms = 0;
	assert_int_equal(next_ms(), -1);
	assert_int_equal(lines(), 0);
}

/* Whatever he hears meanwhile; and not before there was a model. */
static void nobody_waits_for_ever_for_a_model_that_is_gone(void **state)
{
	(void)state;
	con->sessions.count = 1;
	con->link.state = LINK_LOST;
	TELL(con, now, .type = EVENT_MODEL_AWAY);
	con->sessions.away_us = now;
	conversation_mind_waiting(con, now);
	assert_int_equal(next_ms(), 2500);
	assert_int_equal(lines(), 1);
	assert_int_equal(conversation_give_up_us(con), 25 * (int64_t)US_PER_S);
	con->sessions.count = 0;
	assert_int_equal(conversation_give_up_us(con), NEVER_US);
}

/* A tool may take its time, and the answer to it has its own. */
static void nobody_waits_for_ever_for_a_model_that_is_mute(void **state)
{
	const int64_t second = US_PER_S, from = now;

	(void)state;
	con->sessions.count = 1;
	con->link.current.began_us = from;
	TELL(con, now, .type = EVENT_TURN);
	conversation_mind_waiting(con, now);
	assert_int_equal(conversation_give_up_us(con), from + 15 * second);
	assert_true(next_ms() >= 0);
	assert_int_equal(conversation_give_up_us(con), from + 15 * second); /* he has heard the line, and no answer */
	cfg.slow_answer_max_ms = 40000;
	assert_int_equal(conversation_give_up_us(con), from + 40 * second);
	cfg.slow_answer_max_ms = 8000;
	cfg.silence_max_ms = 4000;
	con->link.current.began_us = from + 14 * second; /* another session, that has hardly been asked */
	assert_int_equal(conversation_give_up_us(con), from + 18 * second);
	con->link.current.began_us = from;
	TELL(con, now, .type = EVENT_BEGAN, .response = "r1");
	TELL(con, now, .type = EVENT_TOOL_CALLED, .response = "r1", .run = 1, .at_us = NEVER_US);
	conversation_mind_waiting(con, now);
	assert_int_equal(con->waits.since_us, from);
	assert_int_equal(conversation_give_up_us(con), NEVER_US);
	now += 20 * second;
	TELL(con, now, .type = EVENT_TOOL_ANSWERED, .run = 1);
	conversation_mind_waiting(con, now);
	assert_int_equal(conversation_give_up_us(con), now + 15 * second);
	con->link.state = LINK_LOST; /* that is minded in the next turn of the loop */
	assert_int_equal(conversation_give_up_us(con), NEVER_US);
	con->link.state = LINK_TALKING;
	con->dialogue.farewell.state = FAREWELL_SAYING;
	conversation_mind_waiting(con, now);
	assert_int_equal(conversation_give_up_us(con), NEVER_US);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	CASE(line_is_said_every_eight_seconds_and_the_tone_between),
	CASE(line_that_has_not_begun_is_dropped_for_the_answer),
	CASE(line_comes_soon_after_an_answer_that_stopped_in_the_middle),
	CASE(soon_again_there_is_only_the_tone),
	CASE(without_the_line_there_is_the_tone),
	CASE(nobody_waits_for_ever_for_a_model_that_is_gone),
	CASE(nobody_waits_for_ever_for_a_model_that_is_mute),
	{ 0 },
};
