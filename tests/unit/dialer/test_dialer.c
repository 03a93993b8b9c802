/* What is decided about an outbound call, without threads and without Twilio. */
#include "server/dialer/dialer_rules.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stdint.h>

ONE_THREAD;

#define S INT64_C(1000000)

static struct out_try order;

static int begin(void **state)
{
	(void)state;
	order = (struct out_try){ .phase = PHASE_ASKING };
	return 0;
}

/* ------------------------------------------------------------------------ the rate */

static void calls_are_spaced_by_the_rate(void **state)
{
	struct out_bucket b = { .per_second = 4 };

	(void)state;
	assert_true(out_bucket_take(&b, 100 * S));
	assert_false(out_bucket_take(&b, 100 * S));
	assert_int_equal(out_bucket_due(&b), 100 * S + S / 4);
	assert_false(out_bucket_take(&b, 100 * S + S / 4 - 1));
	assert_true(out_bucket_take(&b, 100 * S + S / 4));
	/* What was not used is not saved up: Twilio's limit is by the second. */
	assert_true(out_bucket_take(&b, 200 * S));
	assert_false(out_bucket_take(&b, 200 * S));
}

static void in_any_second_no_more_than_the_rate(void **state)
{
	struct out_bucket b = { .per_second = 3 };
	int64_t taken[64];
	int n = 0;

	(void)state;
	for (int64_t now = 7 * S; now < 17 * S; now += 1000)
		if (out_bucket_take(&b, now))
			taken[n++] = now;
	assert_int_equal(n, 30);
	for (int i = 3; i < n; i++)
		assert_true(taken[i] - taken[i - 3] >= S - 3);
}

static void twilios_patience_holds_everybody(void **state)
{
	struct out_bucket b = { .per_second = 1 };

	(void)state;
	out_bucket_hold(&b, 50 * S);
	assert_false(out_bucket_take(&b, 50 * S - 1));
	out_bucket_hold(&b, 20 * S);
	assert_true(out_bucket_take(&b, 50 * S));
}

/* ---------------------------------------------------------------------- the status */

static void a_status_only_moves_forward(void **state)
{
	(void)state;
	assert_int_equal(out_status_after(OUT_QUEUED, OUT_RINGING), OUT_RINGING);
	assert_int_equal(out_status_after(OUT_RINGING, OUT_INITIATED), OUT_RINGING);
	assert_int_equal(out_status_after(OUT_IN_PROGRESS, OUT_RINGING), OUT_IN_PROGRESS);
	assert_int_equal(out_status_after(OUT_RINGING, OUT_BUSY), OUT_BUSY);
	for (int final = OUT_COMPLETED; final < OUT_STATUS_COUNT; final++)
		for (int news = 0; news < OUT_STATUS_COUNT; news++)
			assert_int_equal(out_status_after((enum out_status) final, (enum out_status)news), final);
}

/* However the four are shuffled, and doubled, the end is the same. */
static void news_in_any_order_come_to_the_same(void **state)
{
	static const enum out_status news[] = { OUT_INITIATED, OUT_RINGING, OUT_IN_PROGRESS, OUT_COMPLETED };

	(void)state;
	for (unsigned order_no = 0; order_no < 256 * 256; order_no++) {
		enum out_status now = OUT_QUEUED, before;
		unsigned seen = 0;

		for (unsigned i = 0; i < 8; i++) {
			unsigned pick = order_no >> (2 * i) & 3;

			before = now;
			now = out_status_after(now, news[pick]);
			assert_true(now >= before);
			seen |= 1u << pick;
		}
		if (seen & 8)
			assert_int_equal(now, OUT_COMPLETED);
	}
}

static void names_of_statuses_are_twilios(void **state)
{
	(void)state;
	for (int i = 0; i < OUT_STATUS_COUNT; i++)
		assert_int_equal(out_status_of(out_status_name((enum out_status)i)), i);
	assert_int_equal(out_status_of("no-answer"), OUT_NO_ANSWER);
	assert_int_equal(out_status_of("answered"), -1);
	assert_int_equal(out_status_of(""), -1);
}

/* ------------------------------------------------------------------------ the asking */

static void what_was_made_is_not_asked_for_again(void **state)
{
	(void)state;
	out_asked(&order, TWILIO_OK, -1, UINT32_MAX / 2, S);
	assert_int_equal(order.phase, PHASE_MADE);
}

static void what_was_refused_is_over(void **state)
{
	(void)state;
	out_asked(&order, TWILIO_REFUSED, -1, UINT32_MAX / 2, S);
	assert_int_equal(order.phase, PHASE_FAILED);
}

static void what_was_not_sent_is_tried_again_ever_later(void **state)
{
	int64_t now = S, before = 0;

	(void)state;
	for (int i = 0; i < 12; i++) {
		out_asked(&order, TWILIO_NOT_SENT, -1, UINT32_MAX, now);
		assert_int_equal(order.phase, PHASE_QUEUED);
		assert_true(order.due_us - now >= before);
		assert_true(order.due_us - now <= 30 * S);
		before = order.due_us - now;
		order.phase = PHASE_ASKING;
	}
	assert_int_equal(before, 30 * S);
}

static void retry_after_is_waited_for(void **state)
{
	(void)state;
	out_asked(&order, TWILIO_BUSY, 7, 0, 10 * S);
	assert_int_equal(order.phase, PHASE_QUEUED);
	assert_int_equal(order.due_us, 17 * S);
	/* Absent, or absurd: our own measure. */
	order.phase = PHASE_ASKING;
	out_asked(&order, TWILIO_BUSY, -1, 0, 10 * S);
	assert_true(order.due_us > 10 * S && order.due_us < 12 * S);
	out_asked(&order, TWILIO_BUSY, INT64_MAX, 0, 10 * S);
	assert_int_equal(order.due_us, 310 * S);
}

static void chance_spreads_over_half_the_pause(void **state)
{
	int64_t low;

	(void)state;
	out_asked(&order, TWILIO_NOT_SENT, -1, 0, 0);
	low = order.due_us;
	begin(NULL);
	out_asked(&order, TWILIO_NOT_SENT, -1, UINT32_MAX, 0);
	assert_true(low > 0);
	assert_int_equal(order.due_us, 2 * low);
}

static void an_unknown_outcome_is_searched_for_first(void **state)
{
	(void)state;
	out_asked(&order, TWILIO_UNKNOWN, -1, UINT32_MAX / 2, S);
	assert_int_equal(order.phase, PHASE_UNSURE);
	assert_true(order.due_us > S);
	out_searched(&order, true, true, UINT32_MAX / 2, 2 * S);
	assert_int_equal(order.phase, PHASE_MADE);
}

static void only_half_a_minute_of_absence_proves_it_was_not_made(void **state)
{
	int64_t now = 100 * S, began = now;

	(void)state;
	out_asked(&order, TWILIO_UNKNOWN, -1, UINT32_MAX / 2, now);
	for (int i = 0; i < OUT_LOOKUPS; i++) {
		assert_int_equal(order.phase, PHASE_UNSURE);
		now = order.due_us;
		out_searched(&order, true, false, UINT32_MAX / 2, now);
	}
	assert_int_equal(order.phase, PHASE_QUEUED);
	assert_true(order.repeated);
	assert_true(now - began >= 30 * S);
	/* The second time it is not repeated. */
	order.phase = PHASE_ASKING;
	out_asked(&order, TWILIO_UNKNOWN, -1, UINT32_MAX / 2, now);
	for (int i = 0; i < OUT_LOOKUPS; i++)
		out_searched(&order, true, false, UINT32_MAX / 2, order.due_us);
	assert_int_equal(order.phase, PHASE_FAILED);
}

static void a_search_that_failed_proves_nothing(void **state)
{
	int64_t now = S;

	(void)state;
	out_lost_sight(&order, now);
	for (int i = 0; i < 100; i++) {
		now = order.due_us;
		out_searched(&order, false, false, UINT32_MAX / 2, now);
		assert_int_equal(order.phase, PHASE_UNSURE);
		assert_true(order.due_us > now);
	}
	assert_int_equal(order.lookups, 0);
}

/* --------------------------------------------------------------------------- the day */

static void the_day_begins_anew_at_midnight_and_never_before(void **state)
{
	const int64_t day = INT64_C(86400000), noon = 20000 * day + day / 2;
	struct out_day d = { 0 };

	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	out_day_add(&d, 2, noon);
	out_day_add(&d, 1, noon + 1);
	assert_int_equal(out_day_count(&d, noon + day / 2 - 1), 3);
	assert_int_equal(out_day_count(&d, noon - day), 3); /* the clock was put back */
	assert_int_equal(out_day_count(&d, noon + day / 2), 0);
	out_day_add(&d, -1, noon + day / 2); /* taken yesterday */
	assert_int_equal(out_day_count(&d, noon + day / 2), 0);
	assert_int_equal(out_day_begin_ms(noon), noon - day / 2);
	assert_int_equal(out_day_left_s(noon), 43200);
	assert_int_equal(out_day_left_s(20000 * day), 86400);
	assert_int_equal(out_day_left_s(20000 * day - 1), 1);
	/* 2027-03-14 in New York begins at 05:00 UTC and has 23 hours. */
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
	assert_int_equal(out_day_begin_ms(INT64_C(1805050800000)), INT64_C(1805000400000));
	assert_int_equal(out_day_left_s(INT64_C(1805000400000)), 23 * 3600);
	setenv("TZ", "UTC0", 1);
	tzset();
}

/* ---------------------------------------------------------------------- the matching */

static bool matches(const char *json)
{
	cJSON *call = cJSON_Parse(json);
	bool does = out_matches(call, "+12025550123", "+12025550100", INT64_C(1795169728000));

	assert_non_null(call);
	cJSON_Delete(call);
	return does;
}

#define CALL(to, from, direction, created) \
	"{\"sid\":\"CA1\",\"to\":\"" to "\",\"from\":\"" from "\",\"direction\":\"" direction \
	"\",\"date_created\":" created "}"

static void our_call_is_known_by_its_numbers_and_its_time(void **state)
{
	(void)state;
	assert_true(
	    matches(CALL("+12025550123", "+12025550100", "outbound-api", "\"Fri, 20 Nov 2026 10:15:30 +0000\"")));
	/* The clocks may be apart, and one in Twilio's queue has no date. */
	assert_true(
	    matches(CALL("+12025550123", "+12025550100", "outbound-api", "\"Fri, 20 Nov 2026 10:14:50 +0000\"")));
	assert_true(matches(CALL("+12025550123", "+12025550100", "outbound-api", "null")));
	/* One too many found is a call that is not made; one too few is made twice. */
	assert_true(matches(CALL("+12025550123", "+12025550100", "outbound-api", "\"yesterday\"")));
	assert_false(
	    matches(CALL("+12025550123", "+12025550100", "outbound-api", "\"Fri, 20 Nov 2026 10:05:00 +0000\"")));
	assert_false(matches(CALL("+12025550199", "+12025550100", "outbound-api", "null")));
	assert_false(matches(CALL("+12025550123", "+12025550199", "outbound-api", "null")));
	assert_false(matches(CALL("+12025550123", "+12025550100", "inbound", "null")));
	assert_false(matches("{\"to\":\"+12025550123\",\"from\":\"+12025550100\",\"direction\":\"outbound-api\"}"));
	assert_false(matches("[]"));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

const struct CMUnitTest unit_tests[] = {
	TEST(calls_are_spaced_by_the_rate),
	TEST(in_any_second_no_more_than_the_rate),
	TEST(twilios_patience_holds_everybody),
	TEST(a_status_only_moves_forward),
	TEST(news_in_any_order_come_to_the_same),
	TEST(names_of_statuses_are_twilios),
	TEST(what_was_made_is_not_asked_for_again),
	TEST(what_was_refused_is_over),
	TEST(what_was_not_sent_is_tried_again_ever_later),
	TEST(retry_after_is_waited_for),
	TEST(chance_spreads_over_half_the_pause),
	TEST(an_unknown_outcome_is_searched_for_first),
	TEST(only_half_a_minute_of_absence_proves_it_was_not_made),
	TEST(a_search_that_failed_proves_nothing),
	TEST(the_day_begins_anew_at_midnight_and_never_before),
	TEST(our_call_is_known_by_its_numbers_and_its_time),
	{ 0 },
};
