#include "server/news/journal_json.h"
#include "tests/unit.h"

#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct buf out;

static int begin(void **state)
{
	(void)state;
	buf_init(&out, 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

static const char *call_json(const struct call_summary *call, const struct call_talk *talk, bool turns)
{
	struct json_out j = json_out_to(&out);

	buf_reset(&out);
	json_put_object(&j, NULL);
	journal_put_call(&j, call, talk, turns);
	json_put_end(&j);
	assert_int_equal(j.depth, 0);
	return buf_text(&out);
}

static const char *entry_json(const struct journal_entry *entry)
{
	struct json_out j = json_out_to(&out);

	buf_reset(&out);
	journal_put_entry(&j, NULL, entry);
	assert_int_equal(j.depth, 0);
	return buf_text(&out);
}

#define AUDIO \
	"\"audio\":{\"frames_in\":1,\"frames_out\":2,\"dropped_ms\":3,\"padded_ms\":4,\"underruns\":5,\"stale_ms\":6," \
	"\"late_delta_ms\":7,\"answer_dropped_ms\":8,\"late_ms\":-9,\"late_max_ms\":10,\"backlog_ms\":11," \
	"\"valve_open\":true},\"interruptions\":12,\"keys\":13,\"invalid_messages\":14"
#define COST \
	"\"cost\":{\"usd\":0.500000,\"estimate\":true,\"unpriced\":false,\"prices_of\":\"2026-10-03\",\"tokens\":{\"text_in\":1," \
	"\"text_cached\":2,\"audio_in\":3,\"audio_cached\":4,\"image_in\":5,\"image_cached\":6,\"text_out\":7," \
	"\"audio_out\":8},\"parts\":{\"model\":0.100000,\"transcription\":0.150000,\"twilio\":0.250000}}"

static struct call_summary a_call(void)
{
	return (struct call_summary){ .call_sid = "CA1",
		.stream_sid = "MZ1",
		.from = "+12025550123",
		.to = "+12025550100",
		.direction = "inbound",
		.channel = "relay",
		.stage = CALL_IS_OVER,
		.state = "ended",
		.agent = "reception",
		.metadata = "{\"a\":1}",
		.reserved_ms = 1800000000000,
		.started_ms = 1800000001000,
		.ended_ms = 1800000043500,
		.first_turn = 1000,
		.seconds = 42.5,
		.end = END_MODEL_LOST,
		.audio = { 1, 2, 3, 4, 5, 6, 7, 8, -9, 10, 11, true, 12, 13, 14 },
		.cost = { true, 0.1, 0.15, 0.25, 0.5, "2026-10-03", { 1, 2, 3, 4, 5, 6, 7, 8 } } };
}

#define FACTS \
	"{\"call_sid\":\"CA1\",\"stream_sid\":\"MZ1\",\"state\":\"ended\",\"direction\":\"inbound\",\"channel\":\"relay\",\"from\":" \
	"\"+12025550123\",\"to\":\"+12025550100\",\"agent\":\"reception\",\"variant\":null,\"metadata\":{\"a\":1}," \
	"\"reserved_at\":\"2027-01-15T08:00:00.000Z\",\"first_turn\":1000,\"started_at\":" \
	"\"2027-01-15T08:00:01.000Z\",\"ended_at\":\"2027-01-15T08:00:43.500Z\",\"seconds\":42.500,\"ending\":{" \
	"\"reason\":\"model_lost\",\"text\":\"connection to the model was lost\",\"fault\":true,\"said\":false}," AUDIO \
	",\"recording\":null," COST

static void a_call_has_all_its_facts_and_on_demand_what_was_said(void **state)
{
	struct call_summary call = a_call();
	struct call_talk talk = { .sessions_before = 2, .turns_before = 3, .turns_dropped = 4, .text_dropped = 5 };

	(void)state;
	assert_string_equal(call_json(&call, NULL, true), FACTS "}");
	assert_string_equal(call_json(&call, &talk, true), FACTS "}"); /* nothing was said yet */
	call_talk_begin(&talk);
	strcpy(talk.session_id, "sess_1");
	buf_puts(&talk.turns, "[{\"b\":2}]");
	buf_puts(&talk.tools, "[]");
	assert_string_equal(call_json(&call, &talk, true), FACTS
	    ",\"model_session_id\":\"sess_1\",\"sessions\":[],\"sessions_before\":2,\"turns\":[{\"b\":2}],\"turns_before\":3,\"tools\":[],"
	    "\"turns_dropped\":4,\"text_dropped\":5}");
	assert_string_equal(call_json(&call, &talk, false), FACTS
	    ",\"model_session_id\":\"sess_1\",\"sessions\":[],\"sessions_before\":2,\"turns_before\":3,\"tools\":[],\"turns_dropped\":4,"
	    "\"text_dropped\":5}");
	buf_init(&talk.earlier, 0);
	buf_puts(&talk.earlier, "[{\"b\":1}]");
	assert_non_null(strstr(call_json(&call, &talk, true), ",\"turns\":[{\"b\":1},{\"b\":2}],"));
	call_talk_free(&talk);
}

static void what_is_not_known_of_a_call_is_null_or_absent(void **state)
{
	struct call_summary call = { .state = "claimed", .reserved_ms = 1800000000000, .agent = "a", .variant = "b" };

	(void)state;
	assert_non_null(strstr(call_json(&call, NULL, false),
	    "{\"call_sid\":null,\"stream_sid\":null,\"state\":\"claimed\",\"direction\":\"\",\"from\":\"\",\"to\":\"\","
	    "\"agent\":\"a\",\"variant\":\"b\",\"reserved_at\":\"2027-01-15T08:00:00.000Z\",\"seconds\":0.000,"
	    "\"ending\":null,\"audio\":{"));
	assert_non_null(strstr(buf_text(&out), "\"cost\":{\"usd\":null,"));
}

static void a_call_that_was_kept_is_told_as_it_was(void **state)
{
	struct call_summary call = { .kept = "{\"call_sid\":\"CA1\",\"x\":[1]}" };
	struct call_talk talk = { 0 };

	(void)state;
	buf_init(&talk.turns, 0);
	buf_puts(&talk.turns, "[{},{}]");
	assert_string_equal(call_json(&call, &talk, true), "{\"call_sid\":\"CA1\",\"x\":[1],\"turns\":[{},{}]}");
	assert_string_equal(call_json(&call, &talk, false), call.kept);
	call_talk_free(&talk);
}

static void a_call_that_never_came_to_be_is_what_was_asked_for(void **state)
{
	struct call_summary call = { .state = "ended",
		.direction = "outbound",
		.agent = "sales",
		.reserved_ms = 1800000000000,
		.ended_ms = 1800000001000,
		.end = END_BUSY,
		.order = "{\"id\":\"out_1\"}" };

	(void)state;
	assert_string_equal(call_json(&call, NULL, true),
	    "{\"call_sid\":null,\"stream_sid\":null,\"state\":\"ended\",\"direction\":\"outbound\",\"from\":\"\",\"to\":"
	    "\"\",\"agent\":\"sales\",\"variant\":null,\"reserved_at\":\"2027-01-15T08:00:00.000Z\",\"ended_at\":"
	    "\"2027-01-15T08:00:01.000Z\",\"seconds\":0.000,\"ending\":{\"reason\":\"busy\",\"text\":"
	    "\"the number called was busy\",\"fault\":false,\"said\":false},\"metadata\":{},\"outbound\":{\"id\":\"out_1\"},\"turns\":[]}");
	assert_null(strstr(call_json(&call, NULL, false), "turns"));
}

static void an_answer_says_how_much_of_it_was_heard(void **state)
{
	struct call_turn turn = { .who = "agent",
		.item_id = "item_1",
		.text = "Good morning",
		.at_ms = 7,
		.spoken = true,
		.status = "completed",
		.generated_ms = 900,
		.after_event_ms = -1,
		.after_speech_ms = 350 };
	struct journal_entry entry = { .kind = JOURNAL_TURN, .turn = &turn };

	(void)state;
	assert_string_equal(entry_json(&entry),
	    "{\"who\":\"agent\",\"at_ms\":7,\"item_id\":\"item_1\",\"text\":\"Good morning\",\"generated_ms\":900,"
	    "\"status\":\"completed\",\"heard_ms\":null,\"heard_confirmed\":false,\"heard_text\":null,"
	    "\"heard_text_estimated\":true,\"interrupted\":false,\"answer_after_speech_ms\":350}");
	turn.heard_known = turn.heard_confirmed = turn.interrupted = true;
	turn.heard_ms = 300;
	turn.heard_text = turn.text;
	turn.heard_len = 4;
	turn.after_event_ms = 20;
	assert_non_null(strstr(entry_json(&entry),
	    "\"heard_ms\":300,\"heard_confirmed\":true,\"heard_text\":\"Good\",\"heard_text_estimated\":true,"
	    "\"interrupted\":true,\"answer_after_event_ms\":20,\"answer_after_speech_ms\":350}"));
	turn = (struct call_turn){ .who = "caller", .at_ms = -1, .transcript_failed = true };
	assert_string_equal(entry_json(&entry),
	    "{\"who\":\"caller\",\"at_ms\":-1,\"item_id\":null,\"text\":null,\"transcript_failed\":true}");
}

static void a_tool_is_told_before_and_after_its_answer(void **state)
{
	struct call_tool tool = { .call_id = "call_1", .name = "book", .arguments = "{}", .at_ms = 5, .took_ms = 9 };
	struct journal_entry entry = { .kind = JOURNAL_TOOL, .tool = &tool };

	(void)state;
	assert_string_equal(entry_json(&entry),
	    "{\"call_id\":\"call_1\",\"name\":\"book\",\"arguments\":\"{}\",\"at_ms\":5,\"ok\":null,\"took_ms\":null}");
	tool.answered = tool.ok = true;
	tool.answer = "\"done\"";
	assert_non_null(strstr(entry_json(&entry), ",\"ok\":true,\"took_ms\":9,\"answer\":\"\\\"done\\\"\"}"));
	tool.took_ms = -1;
	assert_non_null(strstr(entry_json(&entry), ",\"ok\":true,\"took_ms\":null,"));
}

static void recordings_say_who_makes_them(void **state)
{
	struct call_recording recording = { .by = CALL_RECORDED_HERE, .state = "failed", .error = "why" };
	struct journal_entry entry = { .kind = JOURNAL_RECORDING, .recording = &recording };

	(void)state;
	assert_string_equal(entry_json(&entry), "{\"mode\":\"local\",\"state\":\"failed\",\"error\":\"why\"}");
	recording = (struct call_recording){ .by = CALL_RECORDED_HERE,
		.state = "completed",
		.seconds = 1.5,
		.bytes = 24044,
		.lost_ms = 3,
		.channels = 2 };
	assert_string_equal(entry_json(&entry), "{\"mode\":\"local\",\"state\":\"completed\",\"seconds\":1.500,"
						"\"bytes\":24044,\"channels\":2,\"lost_ms\":3,\"error\":null}");
	recording = (struct call_recording){ .by = CALL_RECORDED_BY_TWILIO };
	assert_string_equal(entry_json(&entry), "{\"mode\":\"twilio\"}");
	recording.sid = "RE1";
	recording.status = "completed";
	recording.seconds = 4;
	recording.channels = 2;
	assert_string_equal(entry_json(&entry),
	    "{\"mode\":\"twilio\",\"sid\":\"RE1\",\"status\":\"completed\",\"url\":null,"
	    "\"seconds\":4,\"channels\":2}");
	recording.by = CALL_NOT_RECORDED;
	assert_string_equal(entry_json(&entry), "null");
}

static void notes_are_their_facts(void **state)
{
	struct journal_fact facts[] = { { "to", "a \"friend\"" }, { "why", NULL }, { 0 } };
	struct journal_entry entry = { .kind = JOURNAL_NOTE };

	(void)state;
	assert_string_equal(entry_json(&entry), "{}");
	entry.facts = facts;
	assert_string_equal(entry_json(&entry), "{\"to\":\"a \\\"friend\\\"\",\"why\":null}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

const struct CMUnitTest unit_tests[] = {
	TEST(a_call_has_all_its_facts_and_on_demand_what_was_said),
	TEST(what_is_not_known_of_a_call_is_null_or_absent),
	TEST(a_call_that_was_kept_is_told_as_it_was),
	TEST(a_call_that_never_came_to_be_is_what_was_asked_for),
	TEST(an_answer_says_how_much_of_it_was_heard),
	TEST(a_tool_is_told_before_and_after_its_answer),
	TEST(recordings_say_who_makes_them),
	TEST(notes_are_their_facts),
	{ 0 },
};
