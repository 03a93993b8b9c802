#include "server/web/twilio/relay_end.h"
#include "tests/unit.h"

#include <stddef.h>

ONE_THREAD;

static void codes_fall_into_classes(void **state)
{
	static const struct {
		enum relay_fate fate;
		const char *codes[4];
	} failures[] = {
		{ RELAY_LOST, { "64105", "64102", "39001" } },
		{ RELAY_REFUSED, { "64101", "64109", "64111", "64112" } },
		{ RELAY_TIME_OVER, { "64104" } },
		{ RELAY_FAILED, { "64107", "641050", "" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
		for (size_t k = 0; k < 4 && failures[i].codes[k]; k++)
			assert_int_equal(relay_fate_of("failed", failures[i].codes[k]), failures[i].fate);
	assert_int_equal(relay_fate_of("ended", ""), RELAY_ENDED);
	assert_int_equal(relay_fate_of("completed", ""), RELAY_COMPLETED);
	assert_int_equal(relay_fate_of("whatever", "641050"), RELAY_FAILED);
	assert_int_equal(relay_end_of(RELAY_COMPLETED), END_CALLER_HUNG_UP);
	assert_int_equal(relay_end_of(RELAY_TIME_OVER), END_TIME_LIMIT);
	assert_int_equal(relay_end_of(RELAY_LOST), END_STREAM_LOST);
	assert_int_equal(relay_end_of(RELAY_ENDED), END_STREAM_LOST);
}

static void only_what_broke_off_is_opened_anew(void **state)
{
	(void)state;
	for (int end = 0; end < CALL_END_COUNT; end++) {
		bool lost = (end >= END_NEVER_STREAMED && end <= END_STREAM_INVALID) || end == END_INTERRUPTED ||
			    end == CALL_NOT_ENDED;

		assert_int_equal(relay_next_of(RELAY_LOST, (enum call_end)end) == RELAY_THEN_RECONNECT, lost);
		assert_int_not_equal(relay_next_of(RELAY_REFUSED, (enum call_end)end), RELAY_THEN_RECONNECT);
		assert_int_equal(relay_next_of(RELAY_COMPLETED, (enum call_end)end), RELAY_THEN_HANGUP);
	}
}

static void what_we_ended_goes_on_as_we_meant_it(void **state)
{
	static const enum relay_fate failed[] = { RELAY_ENDED, RELAY_LOST, RELAY_REFUSED, RELAY_TIME_OVER,
		RELAY_FAILED };

	(void)state;
	for (size_t i = 0; i < sizeof failed / sizeof *failed; i++) {
		assert_int_equal(relay_next_of(failed[i], END_TRANSFERRED), RELAY_THEN_AFTER);
		assert_int_equal(relay_next_of(failed[i], END_AGENT_ENDED), RELAY_THEN_AFTER);
		assert_int_equal(relay_next_of(failed[i], END_DRAINED), RELAY_THEN_AFTER);
	}
	assert_int_equal(relay_next_of(RELAY_ENDED, END_MODEL_LOST), RELAY_THEN_AFTER);
	assert_int_equal(relay_next_of(RELAY_ENDED, CALL_NOT_ENDED), RELAY_THEN_APOLOGY);
}

/* Twilio closes a session that has failed in the way it does when the caller hangs up. */
static void who_did_not_hang_up_hears_something(void **state)
{
	static const enum call_end ends[] = { END_CALLER_HUNG_UP, END_MODEL_LOST, CALL_NOT_ENDED };

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		assert_int_equal(relay_next_of(RELAY_LOST, ends[i]),
		    ends[i] == CALL_NOT_ENDED ? RELAY_THEN_RECONNECT : RELAY_THEN_APOLOGY);
		assert_int_equal(relay_next_of(RELAY_REFUSED, ends[i]), RELAY_THEN_APOLOGY);
		assert_int_equal(relay_next_of(RELAY_FAILED, ends[i]), RELAY_THEN_APOLOGY);
		assert_int_equal(relay_next_of(RELAY_TIME_OVER, ends[i]), RELAY_THEN_TIME_LIMIT);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(codes_fall_into_classes),
	cmocka_unit_test(only_what_broke_off_is_opened_anew),
	cmocka_unit_test(what_we_ended_goes_on_as_we_meant_it),
	cmocka_unit_test(who_did_not_hang_up_hears_something),
	{ 0 },
};
