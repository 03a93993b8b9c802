/* Whether the caller speaks, by level: what begins it, what does not, and who is told. */
#include "server/caller/gate.h"

#include "audio/g711.h"
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

ONE_THREAD;

enum { FRAME = 20 * G711_BYTES_PER_MS, TALK = 3000, ECHO = 200 };

/* A frame of about that level. */
static bool hear(struct gate *g, int level)
{
	uint8_t frame[FRAME];

	for (int i = 0; i < FRAME; i++)
		frame[i] = mulaw_encode((int16_t)(i % 2 ? level : -level));
	return gate_hear(g, frame, sizeof frame);
}

/* So many of them until it changes; 0: it does not. */
static int frames_until(struct gate *g, int level, int most)
{
	for (int i = 1; i <= most; i++)
		if (hear(g, level))
			return i;
	return 0;
}

static void three_tenths_of_a_second_of_speech_begin_it(void **state)
{
	struct gate g = { 0 };

	(void)state;
	assert_int_equal(frames_until(&g, TALK, 100), 15);
	assert_true(g.open);
	assert_int_equal(frames_until(&g, TALK, 1000), 0);
	assert_int_equal(frames_until(&g, ECHO, 100), 25);
	assert_false(g.open);
	assert_int_equal(frames_until(&g, TALK, 100), 15);
}

static void what_a_line_brings_back_does_not(void **state)
{
	struct gate g = { 0 };

	(void)state;
	assert_int_equal(frames_until(&g, ECHO, 1000), 0);
	/* Nor do clicks, however many. */
	for (int i = 0; i < 200; i++)
		assert_false(hear(&g, i % 4 < 2 ? TALK : 0));
	assert_false(gate_hear(&g, NULL, 0));
}

/* "Yes, hello": syllables with pauses between. */
static void pauses_between_syllables_do_not_end_it(void **state)
{
	struct gate g = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		hear(&g, i % 5 == 4 ? 0 : TALK);
	assert_false(g.open);
	for (int i = 20; i < 30; i++)
		hear(&g, i % 5 == 4 ? 0 : TALK);
	assert_true(g.open);
	for (int i = 0; i < 200; i++)
		assert_false(hear(&g, i % 24 ? 0 : TALK));
}

static int told(struct call *c)
{
	struct ring_message r;
	int said = -1;

	if (!ring_next(&c->from_caller, &r))
		return said;
	assert_int_equal(r.type, FROM_VOICE);
	said = *(const bool *)r.body;
	ring_pop(&c->from_caller);
	return said;
}

static void speak(struct gate *g, struct call *c, int level, int frames)
{
	uint8_t frame[FRAME];

	for (int i = 0; i < FRAME; i++)
		frame[i] = mulaw_encode((int16_t)(i % 2 ? level : -level));
	while (frames-- > 0)
		gate_frame(g, c, frame, sizeof frame);
}

static void agent_loop_is_told_while_no_model_hears_him(void **state)
{
	struct call *c = aligned_alloc(_Alignof(struct call), sizeof *c);
	struct gate g = { 0 };

	(void)state;
	memset(c, 0, sizeof *c);
	assert_int_equal(ring_open(&c->from_caller, FROM_CALLER_BYTES), 0);
	assert_int_equal(bell_open(&c->agent_bell), 0);
	atomic_store(&c->writer.holder, WRITER_AGENT);
	speak(&g, c, TALK, 20);
	assert_int_equal(told(c), true);
	assert_int_equal(told(c), -1);
	speak(&g, c, 0, 30);
	assert_int_equal(told(c), false);
	speak(&g, c, TALK, 14);
	atomic_store(&c->writer.holder, WRITER_CALLER);
	speak(&g, c, TALK, 20);
	atomic_store(&c->writer.holder, WRITER_AGENT);
	speak(&g, c, TALK, 14);
	assert_int_equal(told(c), -1);
	speak(&g, c, TALK, 1);
	assert_int_equal(told(c), true);
	bell_close(&c->agent_bell);
	ring_close(&c->from_caller);
	free(c);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(three_tenths_of_a_second_of_speech_begin_it),
	cmocka_unit_test(what_a_line_brings_back_does_not),
	cmocka_unit_test(pauses_between_syllables_do_not_end_it),
	cmocka_unit_test(agent_loop_is_told_while_no_model_hears_him),
	{ 0 },
};
