/* Where a call stands on its way down, and what it is tried next. */
#include "server/web/twilio/ladder.h"

#include "server/agents/agent.h"
#include "tests/unit.h"

#include <string.h>

ONE_THREAD;

static const char *const people[] = { "+12025550156", "+12025550157" };

static struct agent with(const enum rung_kind *kinds, size_t count)
{
	struct agent p = { .fallback_number = "", .fallback = { .count = count } };

	for (size_t i = 0; i < count; i++)
		p.fallback.rungs[i] = (struct agent_rung){ .kind = kinds[i] };
	return p;
}

/* The kinds in the order in which they are tried, an initial each, a dial once for each number. */
static const char *way(const struct agent *p, enum ladder_why why)
{
	static char out[20];
	struct ladder_at at = { .why = why };
	size_t n = 0;

	while (n < sizeof out - 1 && ladder_step(p, &at))
		out[n++] = *rung_name(at.rung);
	out[n] = '\0';
	return out;
}

static void each_reason_begins_where_something_can_help(void **state)
{
	static const enum rung_kind all[] = { RUNG_RECONNECT, RUNG_TEXT, RUNG_DIAL, RUNG_VOICEMAIL };
	struct agent p = with(all, 4);

	(void)state;
	assert_string_equal(way(&p, LADDER_STREAM), "rtdv");
	assert_string_equal(way(&p, LADDER_UNANSWERED), "rtdv");
	assert_string_equal(way(&p, LADDER_MODEL), "tdv");
	assert_string_equal(way(&p, LADDER_MODERATED), "dv");
	assert_string_equal(way(&p, LADDER_BUSY), "dv");
	assert_string_equal(way(&p, LADDER_DRAINING), "dv");
	assert_string_equal(way(&p, LADDER_DAY_COST), "dv");
}

static void the_agents_order_holds(void **state)
{
	static const enum rung_kind upwards[] = { RUNG_VOICEMAIL, RUNG_DIAL, RUNG_RECONNECT };
	struct agent p = with(upwards, 3);

	(void)state;
	assert_string_equal(way(&p, LADDER_STREAM), "vdr");
	assert_string_equal(way(&p, LADDER_MODEL), "vd");
	p.fallback.count = 0;
	assert_string_equal(way(&p, LADDER_STREAM), "");
}

static void people_are_dialled_one_after_the_other(void **state)
{
	static const enum rung_kind both[] = { RUNG_DIAL, RUNG_VOICEMAIL };
	struct agent p = with(both, 2);
	struct ladder_at at = { .why = LADDER_MODEL };

	(void)state;
	p.fallback.rungs[0].numbers = people;
	p.fallback.rungs[0].number_count = 2;
	assert_string_equal(way(&p, LADDER_MODEL), "ddv");
	ladder_step(&p, &at);
	assert_int_equal(at.number, 0);
	ladder_step(&p, &at);
	assert_int_equal(at.number, 1);
	/* A number that is no more leads on. */
	at.number = 70;
	assert_int_equal(ladder_step(&p, &at)->kind, RUNG_VOICEMAIL);
	assert_int_equal(at.number, 0);
}

/* The agents were read anew in between. */
static void rung_that_is_gone_is_the_last(void **state)
{
	static const enum rung_kind dial[] = { RUNG_DIAL };
	struct agent p = with(dial, 1);
	struct ladder_at at = { .why = LADDER_MODEL, .rung = RUNG_VOICEMAIL };

	(void)state;
	assert_null(ladder_step(&p, &at));
}

static void place_is_read_as_it_was_written(void **state)
{
	struct ladder_at at = { LADDER_DAY_COST, RUNG_DIAL, 3, true, "desk", "warm", 2, "VX1" }, read;
	struct form params;
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	ladder_put(&out, &at);
	assert_string_equal(buf_text(&out), "?rung=dial&number=3&why=day_cost&said=1&agent=desk&variant=warm&stream=2");
	assert_int_equal(form_parse(&params, buf_text(&out) + 1, out.len - 1), 0);
	assert_true(ladder_take(&(struct request){ .params = &params }, &read));
	assert_int_equal(read.why, LADDER_DAY_COST);
	assert_int_equal(read.rung, RUNG_DIAL);
	assert_int_equal(read.number, 3);
	assert_true(read.said);
	assert_string_equal(read.agent, "desk");
	assert_string_equal(read.variant, "warm");
	assert_int_equal(read.stream, 2);
	assert_string_equal(read.session, "");
	form_free(&params);
	buf_free(&out);
	assert_false(ladder_take(&(struct request){ 0 }, &read));
	assert_string_equal(read.agent, "");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(each_reason_begins_where_something_can_help),
	cmocka_unit_test(the_agents_order_holds),
	cmocka_unit_test(people_are_dialled_one_after_the_other),
	cmocka_unit_test(rung_that_is_gone_is_the_last),
	cmocka_unit_test(place_is_read_as_it_was_written),
	{ 0 },
};
