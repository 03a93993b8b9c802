#include "server/money/cost.h"

#include "server/model/realtime.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/peers/fixture.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

ONE_THREAD;

static struct model_usage usage_of(const char *name, enum model_event_type type)
{
	struct model_event e;
	struct model_usage usage;
	size_t len;
	char *text = fixture(name, &len);

	realtime_protocol.parse(text, len, AUDIO_PCMU, &e);
	assert_int_equal(e.type, type);
	usage = e.usage;
	realtime_protocol.release(&e);
	free(text);
	return usage;
}

static struct model_usage usage_in(const char *text)
{
	char message[1024];
	struct model_event e;
	struct model_usage usage;

	snprintf(message, sizeof message,
	    "{\"type\":\"response.done\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"usage\":%s}}",
	    text);
	realtime_protocol.parse(message, strlen(message), AUDIO_PCMU, &e);
	assert_int_equal(e.type, MODEL_RESPONSE_DONE);
	usage = e.usage;
	realtime_protocol.release(&e);
	return usage;
}

static void is(const struct model_usage *u, const int64_t expected[USAGE_COUNT])
{
	for (int i = 0; i < USAGE_COUNT; i++)
		if (u->n[i] != expected[i])
			fail_msg("%s is %lld, not %lld", usage_name((enum usage_kind)i), (long long)u->n[i],
			    (long long)expected[i]);
}

#define assert_usage(u, ...) is(&(u), (const int64_t[USAGE_COUNT]){ __VA_ARGS__ })

static void assert_near(double got, double wanted)
{
	if (fabs(got - wanted) > 1e-9)
		fail_msg("%.12f, not %.12f", got, wanted);
}

static struct call_cost cost_at_list_prices(const struct cost_use *use)
{
	struct call_cost cost;

	cost_of(use, prices_builtin(), &cost);
	return cost;
}

static double transcription_of(const struct cost_use *use)
{
	return cost_at_list_prices(use).transcription;
}

/* -------------------------------------------------------------------------- usage */

static void the_usage_of_an_answer_is_read(void **state)
{
	struct model_usage u = usage_of("openai-response-done", MODEL_RESPONSE_DONE);

	(void)state;
	assert_usage(u, 190, 128, 128, 64, 0, 0, 18, 56, 0);
	u = usage_of("openai-response-done-wire", MODEL_RESPONSE_DONE);
	assert_usage(u, 190, 128, 128, 64, 0, 0, 18, 56, 0);
	u = usage_of("openai-response-done-failed", MODEL_RESPONSE_DONE);
	assert_usage(u, 0);
}

static void the_usage_of_a_transcript_is_read(void **state)
{
	struct model_usage u =
	    usage_of("openai-conversation-item-input_audio_transcription-completed", MODEL_TRANSCRIPT);

	(void)state;
	assert_usage(u, 0, 0, 22, 0, 0, 0, 9, 0, 0);
	u = usage_of("openai-conversation-item-input_audio_transcription-completed-duration", MODEL_TRANSCRIPT);
	assert_usage(u, 0, 0, 0, 0, 0, 0, 0, 0, 2400);
}

static void what_is_missing_null_or_absurd_counts_as_nothing(void **state)
{
	struct model_usage u;

	(void)state;
	u = usage_in("null");
	assert_usage(u, 0);
	u = usage_in("{}");
	assert_usage(u, 0);
	u = usage_in("\"much\"");
	assert_usage(u, 0);
	u = usage_in(
	    "{\"input_tokens\":null,\"input_token_details\":null,\"output_token_details\":{\"audio_tokens\":null}}");
	assert_usage(u, 0);
	u = usage_in("{\"input_token_details\":{\"audio_tokens\":-5,\"text_tokens\":1e300,\"image_tokens\":\"7\"}}");
	assert_usage(u, 0);
}

static void what_is_not_told_apart_is_text(void **state)
{
	struct model_usage u = usage_in("{\"input_tokens\":100,\"output_tokens\":30}");

	(void)state;
	assert_usage(u, 100, 0, 0, 0, 0, 0, 30, 0, 0);
	u = usage_in("{\"input_tokens\":100,\"input_token_details\":{\"audio_tokens\":60,\"cached_tokens\":500}}");
	assert_usage(u, 40, 40, 60, 0, 0, 0, 0, 0, 0);
}

static void more_cached_than_there_was_is_not_believed(void **state)
{
	struct model_usage u = usage_in("{\"input_token_details\":{\"audio_tokens\":10,\"text_tokens\":5,"
					"\"cached_tokens_details\":{\"audio_tokens\":99,\"text_tokens\":99}}}");

	(void)state;
	assert_usage(u, 5, 5, 10, 10, 0, 0, 0, 0, 0);
}

/* --------------------------------------------------------------------------- cost */

static void an_answer_costs_what_the_table_says(void **state)
{
	struct cost_use use = { .model = "gpt-realtime-2.1",
		.transcription_model = "",
		.model_used = usage_of("openai-response-done", MODEL_RESPONSE_DONE) };
	struct call_cost cost;

	(void)state;
	cost_of(&use, prices_builtin(), &cost);
	/* 62 text, 128 of it cached before; 64 audio, 64 cached; 18 text and 56 audio out. */
	assert_near(cost.model, (62 * 4 + 128 * 0.4 + 64 * 32 + 64 * 0.4 + 18 * 24 + 56 * 64) / 1e6);
	assert_near(cost.total, cost.model);
	assert_true(cost.known);
}

static void transcription_is_billed_by_time_or_by_token_whatever_was_told(void **state)
{
	struct cost_use use = { .model = "gpt-realtime-2", .transcription_model = "gpt-realtime-whisper" };

	(void)state;
	use.transcription_used.n[USAGE_MS] = 90000;
	assert_near(transcription_of(&use), 1.5 * 0.017);
	use.transcription_used = (struct model_usage){ .n = { [USAGE_AUDIO_IN] = 900, [USAGE_TEXT_OUT] = 40 } };
	assert_near(transcription_of(&use), 1.5 * 0.017);
	use.transcription_model = "gpt-4o-mini-transcribe";
	assert_near(transcription_of(&use), (900 * 1.25 + 40 * 5) / 1e6);
	use.transcription_used = (struct model_usage){ .n = { [USAGE_MS] = 90000 } };
	assert_near(transcription_of(&use), 900 * 1.25 / 1e6);
}

static void minutes_are_billed_as_they_begin(void **state)
{
	struct cost_use use = { .model = "", .transcription_model = "" };
	struct call_cost cost;

	(void)state;
	cost_of(&use, prices_builtin(), &cost);
	assert_near(cost.total, 0);
	use.stream_ms = 1;
	cost_of(&use, prices_builtin(), &cost);
	assert_near(cost.twilio, 0.0044);
	use.stream_ms = 60000;
	cost_of(&use, prices_builtin(), &cost);
	assert_near(cost.twilio, 0.0044);
	use.stream_ms = 60001;
	use.dialer = use.twilio_records = use.machine_detection = true;
	cost_of(&use, prices_builtin(), &cost);
	assert_near(cost.twilio, 2 * (0.0044 + 0.014 + 0.0025) + 0.0075);
}

static void the_minute_of_a_relay_is_the_owners_to_say(void **state)
{
	struct cost_use use = { .model = "", .transcription_model = "", .stream_ms = 60001, .relay = true };
	struct call_cost cost;

	(void)state;
	cost_of(&use, prices_builtin(), &cost);
	assert_false(cost.known);
	assert_near(cost.twilio, 0);
	use.relay_minute = 0.07;
	cost_of(&use, prices_builtin(), &cost);
	assert_true(cost.known);
	assert_near(cost.twilio, 2 * 0.07);
}

static void a_model_without_a_price_costs_as_much_as_the_dearest(void **state)
{
	struct cost_use use = { .model = "my-deployment", .transcription_model = "gpt-transcribe", .stream_ms = 5000 };
	struct call_cost cost;
	struct json_out writer;
	struct buf json;

	(void)state;
	cost_of(&use, prices_builtin(), &cost);
	assert_true(cost.known); /* nothing was used yet */
	use.model_used.n[USAGE_AUDIO_OUT] = 1;
	cost_of(&use, prices_builtin(), &cost);
	assert_false(cost.known);
	assert_near(cost.total, 0.0044 + 64 / 1e6);
	buf_init(&json, 0);
	writer = json_out_to(&json);
	cost_put_json(&cost, NULL, &writer);
	assert_non_null(strstr(
	    buf_text(&json), "{\"usd\":0.004464,\"estimate\":true,\"unpriced\":true,\"prices_of\":\"2026-10-03\","));
	assert_non_null(strstr(buf_text(&json), "\"audio_out\":1}"));
	assert_non_null(strstr(buf_text(&json), "\"twilio\":0.004400}}"));
	buf_free(&json);
}

static void a_kind_without_a_price_costs_as_much_as_the_dearest(void **state)
{
	static const char text[] = "{\"date\":\"2027-01-02\",\"models\":{"
				   "\"talker\":{\"text_in\":2,\"text_out\":3,\"image_in\":0},"
				   "\"other\":{\"text_in\":50,\"text_cached\":9,\"audio_out\":7}}}";
	struct cost_use use = { .model = "talker", .transcription_model = "" };
	static struct prices table;
	struct call_cost cost;
	struct buf problem;

	(void)state;
	buf_init(&problem, 0);
	assert_int_equal(prices_parse(&table, text, sizeof text - 1, &problem), 0);
	use.model_used.n[USAGE_TEXT_IN] = use.model_used.n[USAGE_TEXT_OUT] = use.model_used.n[USAGE_IMAGE_IN] = 100;
	cost_of(&use, &table, &cost);
	assert_true(cost.known); /* what the table says is free is free */
	assert_near(cost.total, 500 / 1e6);
	use.model_used.n[USAGE_AUDIO_OUT] = 10; /* the other model's */
	cost_of(&use, &table, &cost);
	assert_false(cost.known);
	assert_near(cost.total, 570 / 1e6);
	use.model_used.n[USAGE_AUDIO_OUT] = 0;
	use.model_used.n[USAGE_AUDIO_IN] = 10; /* no model's of this table */
	cost_of(&use, &table, &cost);
	assert_false(cost.known);
	assert_near(cost.total, (500 + 320) / 1e6);
	use.model_used.n[USAGE_AUDIO_IN] = 0;
	use.model_used.n[USAGE_TEXT_CACHED] = 100; /* no more than its own uncached ones */
	cost_of(&use, &table, &cost);
	assert_false(cost.known);
	assert_near(cost.total, 500 / 1e6);
	buf_free(&problem);
}

static void each_model_of_a_call_has_its_own_price(void **state)
{
	static const char text[] =
	    "{\"date\":\"2027-01-02\",\"models\":{"
	    "\"dear\":{\"text_in\":50,\"text_out\":90},\"cheap\":{\"text_in\":2,\"text_out\":3}}}";
	struct cost_use use = { .model = "cheap", .transcription_model = "", .others = { [1] = { .model = "dear" } } };
	static struct prices table;
	struct call_cost cost;
	struct buf problem;

	(void)state;
	buf_init(&problem, 0);
	assert_int_equal(prices_parse(&table, text, sizeof text - 1, &problem), 0);
	use.model_used.n[USAGE_TEXT_IN] = 100;
	use.others[1].used.n[USAGE_TEXT_IN] = 10;
	use.others[1].used.n[USAGE_TEXT_OUT] = 1;
	cost_of(&use, &table, &cost);
	assert_true(cost.known);
	assert_near(cost.model, (200 + 500 + 90) / 1e6);
	assert_near(cost.total, cost.model);
	assert_int_equal(cost.tokens[USAGE_TEXT_IN], 110);
	/* One without a price makes the sum a guess. */
	use.others[0].model = "nobody's";
	cost_of(&use, &table, &cost);
	assert_true(cost.known);
	use.others[0].used.n[USAGE_AUDIO_IN] = 1;
	cost_of(&use, &table, &cost);
	assert_false(cost.known);
	buf_free(&problem);
}

static void a_transcriber_without_a_price_costs_by_time_or_token_what_is_more(void **state)
{
	struct cost_use use = { .model = "", .transcription_model = "my-ears" };

	(void)state;
	use.transcription_used.n[USAGE_MS] = 60000;
	assert_false(cost_at_list_prices(&use).known);
	assert_near(transcription_of(&use), 600 * 32 / 1e6);
	use.transcription_used = (struct model_usage){ .n = { [USAGE_TEXT_OUT] = 1000 } };
	assert_near(transcription_of(&use), 1000 * 24 / 1e6);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(the_usage_of_an_answer_is_read),
	cmocka_unit_test(the_usage_of_a_transcript_is_read),
	cmocka_unit_test(what_is_missing_null_or_absurd_counts_as_nothing),
	cmocka_unit_test(what_is_not_told_apart_is_text),
	cmocka_unit_test(more_cached_than_there_was_is_not_believed),
	cmocka_unit_test(an_answer_costs_what_the_table_says),
	cmocka_unit_test(transcription_is_billed_by_time_or_by_token_whatever_was_told),
	cmocka_unit_test(minutes_are_billed_as_they_begin),
	cmocka_unit_test(the_minute_of_a_relay_is_the_owners_to_say),
	cmocka_unit_test(a_model_without_a_price_costs_as_much_as_the_dearest),
	cmocka_unit_test(a_kind_without_a_price_costs_as_much_as_the_dearest),
	cmocka_unit_test(each_model_of_a_call_has_its_own_price),
	cmocka_unit_test(a_transcriber_without_a_price_costs_by_time_or_token_what_is_more),
	{ 0 },
};
