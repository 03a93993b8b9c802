#include "server/phone/media_stream.h"
#include "common/base64.h"

#include <ctype.h>
#include <stddef.h>

#include "tests/peers/fixture.h"
#include "tests/unit/phone/phone_kit.h"

ONE_THREAD;

static const char SID[] = "MZ00000000000000000000000000000001";

/* What comes over the wire of a stream that has started as SID or as MZ1. */
static struct phone_event parsed_by(const char *sid, const char *text, size_t len)
{
	struct phone_stream s = { .id = "" };
	struct phone_event e;

	snprintf(s.id, sizeof s.id, "%s", sid);
	media_stream_channel.parse(&s, text, len, &e);
	assert_string_equal(s.id, sid); /* and keeps its name */
	return e;
}

static struct phone_event parsed(const char *text)
{
	return parsed_by("MZ1", text, strlen(text));
}

static void expect(const char *text, enum phone_event_type type)
{
	phone_expect(text, parsed(text), type);
}

/* -------------------------------------------------------------------- from Twilio */

static void every_message_of_the_fixtures_is_what_it_is(void **state)
{
	static const struct {
		const char *name;
		enum phone_event_type type;
	} arriving[] = { { "twilio-stream-connected", PHONE_NOTHING }, { "twilio-stream-start", PHONE_STARTED },
		{ "twilio-stream-start-no-parameters", PHONE_STARTED }, { "twilio-stream-media", PHONE_AUDIO },
		{ "twilio-stream-media-speech", PHONE_AUDIO }, { "twilio-stream-mark", PHONE_MARK },
		{ "twilio-stream-dtmf", PHONE_KEY }, { "twilio-stream-stop", PHONE_STOPPED } };

	(void)state;
	for (size_t i = 0; i < sizeof arriving / sizeof arriving[0]; i++) {
		struct phone_event e;
		size_t len;
		char *text = fixture(arriving[i].name, &len);

		e = parsed_by(SID, text, len);
		if (e.type != arriving[i].type)
			fail_msg("%s gives %d", arriving[i].name, e.type);
		free(text);
	}
}

static void a_message_that_is_not_addressed_to_the_stream_is_invalid(void **state)
{
	static const char *const texts[] = { "\"media\",%s\"media\":{\"payload\":\"AAAA\"}",
		"\"mark\",%s\"mark\":{\"name\":\"g0.1\"}", "\"dtmf\",%s\"dtmf\":{\"digit\":\"1\"}",
		"\"stop\",%s\"stop\":{}" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char inner[200], ours[256], others[256], nobodys[256];
		enum phone_event_type unnamed;

		snprintf(inner, sizeof inner, texts[i], "\"streamSid\":\"MZ1\",");
		snprintf(ours, sizeof ours, "{\"event\":%s}", inner);
		snprintf(inner, sizeof inner, texts[i], "\"streamSid\":\"MZ11\",");
		snprintf(others, sizeof others, "{\"event\":%s}", inner);
		snprintf(inner, sizeof inner, texts[i], "");
		snprintf(nobodys, sizeof nobodys, "{\"event\":%s}", inner);
		assert_true(parsed(ours).type > PHONE_STARTED);
		assert_int_equal(parsed(others).type, PHONE_INVALID);
		assert_int_equal(parsed(nobodys).type, PHONE_INVALID);
		/* Nor does one of no name belong to a stream that has none yet, except its end. */
		unnamed = strstr(ours, "stop") ? PHONE_STOPPED : PHONE_INVALID;
		assert_int_equal(parsed_by("", ours, strlen(ours)).type, unnamed);
		assert_int_equal(parsed_by("", nobodys, strlen(nobodys)).type, unnamed);
	}
}

static void start_tells_who_called_whom_if_its_parameters_do(void **state)
{
	struct phone_event e =
	    parsed("{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\","
		   "\"customParameters\":{\"caller\":\"+12025550123\",\"called\":\"+12025550100\"}}}");

	(void)state;
	assert_string_equal(e.caller, "+12025550123");
	assert_string_equal(e.called, "+12025550100");
	e = parsed("{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\","
		   "\"customParameters\":{\"caller\":7}}}");
	assert_string_equal(e.caller, "");
	assert_string_equal(e.called, "");
}

static void start_names_the_call_and_its_format(void **state)
{
	char name[FOREIGN_ID_SIZE];
	struct phone_event e;
	size_t len;
	char *text = fixture("twilio-stream-start", &len);

	(void)state;
	e = phone_begins(&media_stream_channel, text, len, name);
	assert_int_equal(e.type, PHONE_STARTED);
	assert_string_equal(e.call_sid, "CA00000000000000000000000000000001");
	assert_null(e.unusable);
	free(text);
	assert_string_equal(name, SID);
}

static void other_formats_are_seen(void **state)
{
	static const struct {
		const char *format;
		bool mulaw;
	} formats[] = {
		{ "{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\"channels\":1}", true },
		{ "{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":16000,\"channels\":1}", false },
		{ "{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":8000,\"channels\":2}", false },
		{ "{\"encoding\":\"audio/x-alaw\",\"sampleRate\":8000,\"channels\":1}", false },
		{ "{\"sampleRate\":8000,\"channels\":1}", false },
		{ "{\"encoding\":\"audio/x-mulaw\",\"sampleRate\":1e300,\"channels\":-1e300}", false },
		{ "{}", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		struct phone_event e;
		char text[512];

		snprintf(text, sizeof text,
		    "{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\",\"mediaFormat\":%s}}",
		    formats[i].format);
		e = parsed(text);
		assert_int_equal(e.type, PHONE_STARTED);
		assert_int_equal(!e.unusable, formats[i].mulaw);
	}
	assert_null(parsed("{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\"}}").unusable);
}

static void media_carries_a_frame_and_its_time(void **state)
{
	struct phone_event e;
	uint8_t frame[160];
	size_t len;
	char *text = fixture("twilio-stream-media", &len);

	(void)state;
	e = parsed_by(SID, text, len);
	assert_true(e.has_timestamp);
	assert_int_equal(e.timestamp_ms, 5);
	assert_int_equal(base64_decode(frame, e.audio.p, e.audio.n), 160);
	for (size_t i = 0; i < sizeof frame; i++)
		assert_int_equal(frame[i], 0xff);
	free(text);
}

static void numbers_may_be_strings_numbers_or_absent(void **state)
{
	struct phone_event e;

	(void)state;
	e = parsed("{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"timestamp\":1234,\"payload\":\"AAAA\"}}");
	assert_true(e.has_timestamp);
	assert_int_equal(e.timestamp_ms, 1234);
	e = parsed("{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"AAAA\"}}");
	assert_int_equal(e.type, PHONE_AUDIO);
	assert_false(e.has_timestamp);
	e = parsed("{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"AAAA\",\"timestamp\":\"-5\"}}");
	assert_int_equal(e.type, PHONE_AUDIO);
	assert_false(e.has_timestamp);
	e = parsed(
	    "{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"\",\"timestamp\":\"99999999999999999999\"}}");
	assert_false(e.has_timestamp);
	assert_int_equal(e.audio.n, 0);
	assert_int_equal(e.type, PHONE_AUDIO);
}

static void mark_comes_back_with_our_name(void **state)
{
	struct phone_event e;
	size_t len;
	char *text = fixture("twilio-stream-mark", &len);

	(void)state;
	e = parsed_by(SID, text, len);
	assert_true(span_is(e.mark, "item_0001:400"));
	free(text);
}

static void every_key_of_the_telephone_is_taken_and_nothing_else(void **state)
{
	int taken = 0;

	(void)state;
	for (int c = 0; c < 256; c++) {
		struct phone_event e;
		char text[] = "{\"event\":\"dtmf\",\"streamSid\":\"MZ1\",\"dtmf\":{\"digit\":\"?\"}}";

		*strchr(text, '?') = (char)c;
		e = parsed(text);
		if (e.type == PHONE_KEY) {
			assert_int_equal((unsigned char)e.key, c);
			assert_true(isalnum(c) || c == '*' || c == '#');
			taken++;
		} else {
			assert_int_equal(e.type, PHONE_INVALID);
			assert_int_equal(e.key, 0);
		}
	}
	assert_int_equal(taken, 16);
	expect("{\"event\":\"dtmf\",\"streamSid\":\"MZ1\",\"dtmf\":{\"digit\":\"12\"}}", PHONE_INVALID);
	expect("{\"event\":\"dtmf\",\"streamSid\":\"MZ1\",\"dtmf\":{\"digit\":\"\"}}", PHONE_INVALID);
	expect("{\"event\":\"dtmf\",\"streamSid\":\"MZ1\",\"dtmf\":\"1\"}", PHONE_INVALID);
}

static void nonsense_is_invalid_and_news_is_unknown(void **state)
{
	static const char *const invalid[] = { "", " ", "x", "null", "[]", "{", "{}", "\"start\"", "{\"event\"}",
		"{\"event\":", "{\"event\":\"media\"", "{\"event\":\"media\"}", "{\"event\":\"media\",\"media\":null}",
		"{\"event\":\"media\",\"media\":{}}", "{\"event\":\"media\",\"media\":[\"payload\"]}",
		"{\"event\":\"mark\",\"mark\":{}}", "{\"event\":\"mark\"}", "{\"event\":\"start\"}",
		"{\"event\":\"start\",\"streamSid\":\"MZ1\"}",
		"{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":7}}",
		"{\"event\":\"start\",\"start\":{\"callSid\":\"CA1\"}}",
		"{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\"}", "{'event':'stop'}" };

	(void)state;
	for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
		expect(invalid[i], PHONE_INVALID);
	expect("{\"event\":\"confetti\"}", PHONE_UNKNOWN);
	expect("{\"event\":\"\"}", PHONE_UNKNOWN);
	expect("{\"event\":\"Media\"}", PHONE_UNKNOWN);
	expect("{\"event\":\"clear\",\"streamSid\":\"MZ1\"}", PHONE_UNKNOWN); /* it is we who say that */
}

static void what_belongs_to_a_relay_is_told_from_nonsense(void **state)
{
	struct phone_stream s = { .id = "MZ1" };
	struct phone_event e;

	(void)state;
	media_stream_channel.parse(&s, "{\"type\":\"setup\"}", 16, &e);
	assert_int_equal(e.type, PHONE_INVALID);
	assert_non_null(strstr(e.unusable, "/twilio/relay"));
	media_stream_channel.parse(&s, "{}", 2, &e);
	assert_null(e.unusable);
}

static void no_beginning_of_a_message_is_read_beyond_its_end(void **state)
{
	static const char *const names[] = { "twilio-stream-connected", "twilio-stream-start", "twilio-stream-media",
		"twilio-stream-mark", "twilio-stream-dtmf", "twilio-stream-stop" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t len;
		char *text = fixture(names[i], &len);

		for (size_t n = 0; n < len; n++) {
			struct phone_event e;
			char *part = malloc(n ? n : 1);

			assert_non_null(part);
			memcpy(part, text, n);
			e = parsed_by(SID, part, n);
			if (e.type == PHONE_STARTED && n + 2 < len)
				fail_msg("%zu bytes of a start are one", n);
			if (e.type == PHONE_AUDIO)
				assert_true(e.audio.p + e.audio.n <= part + n);
			free(part);
		}
		free(text);
	}
}

static void expect_call(const char *sid, const char *caller, bool usable)
{
	char text[2000];
	struct phone_event e;

	snprintf(text, sizeof text,
	    "{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"%s\",\"customParameters\":{\"caller\":\"%s\"}}}",
	    sid, caller);
	e = parsed(text);
	assert_int_equal(e.type, PHONE_STARTED);
	assert_int_equal(!e.unusable, usable);
	assert_string_equal(e.call_sid, strlen(sid) < FOREIGN_ID_SIZE && usable ? sid : e.call_sid);
	assert_string_equal(e.caller, strlen(caller) < FOREIGN_ID_SIZE ? caller : "");
}

static void names_are_taken_whole_or_not_at_all(void **state)
{
	static const size_t sizes[] = { 34, 63, 64, 65, 511, 512, 513, 600 };
	char name[601];

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		memset(name, 'C', sizes[i]);
		name[sizes[i]] = '\0';
		expect_call(name, "+12025550123", sizes[i] <= 512);
		expect_call("CA1", name, true);
	}
	expect_call("CA1\\u0000", "", false);
	expect_call("\xc3", "", false);
	expect_call("CA 1", "", false);
}

static void a_bad_character_loses_no_start(void **state)
{
	struct phone_event e = parsed("{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\","
				      "\"customParameters\":{\"caller\":\"Joe \\ud83d\"}}}");

	(void)state;
	assert_int_equal(e.type, PHONE_STARTED);
	assert_null(e.unusable);
	assert_string_equal(e.caller, "Joe \xef\xbf\xbd");
}

static bool names_the_stream(const char *sid, size_t len)
{
	char text[1000], name[FOREIGN_ID_SIZE];
	struct phone_event e;
	int n = snprintf(text, sizeof text, "{\"event\":\"start\",\"start\":{\"callSid\":\"CA1\"},\"streamSid\":\"");

	memcpy(text + n, sid, len);
	n += (int)len;
	memcpy(text + n, "\"}", 2);
	e = phone_begins(&media_stream_channel, text, (size_t)n + 2, name);
	if (e.type != PHONE_STARTED || e.unusable)
		assert_string_equal(name, "");
	else
		assert_true(strlen(name) == len && !memcmp(name, sid, len));
	return name[0];
}

static void stream_sid_that_could_break_our_json_is_not_taken(void **state)
{
	char longest[FOREIGN_ID_SIZE];

	(void)state;
	assert_true(names_the_stream(SID, strlen(SID)));
	assert_false(names_the_stream("", 0));
	for (int c = 0; c < 256; c++) {
		char sid[3] = { 'M', (char)c, 'Z' };

		assert_int_equal(names_the_stream(sid, 3), c > ' ' && c <= '~' && c != '"' && c != '\\');
	}
	/* Sound JSON, all of it; and none of it goes into ours. */
	assert_false(names_the_stream("M\\u0041Z", 8));
	assert_false(names_the_stream("M\\\"Z", 4));
	assert_false(names_the_stream("M\xc3\xa9Z", 4));
	memset(longest, 'M', sizeof longest);
	assert_true(names_the_stream(longest, sizeof longest - 1));
	assert_false(names_the_stream(longest, sizeof longest));
}

static void a_second_start_is_told_and_renames_nothing(void **state)
{
	(void)state;
	expect("{\"event\":\"start\",\"streamSid\":\"MZ2\",\"start\":{\"callSid\":\"CA1\"}}", PHONE_STARTED);
}

/* ----------------------------------------------------------------------- to Twilio */

static void it_says_what_it_can_do(void **state)
{
	(void)state;
	assert_true(media_stream_channel.audio && media_stream_channel.marks);
	assert_true(!media_stream_channel.text && !media_stream_channel.put_text);
}

/* Twilio drops what has a field more or less than it knows: equal, not similar. */
static void expect_fixture(struct buf *out, const char *name)
{
	size_t len;
	char *text = fixture(name, &len);
	cJSON *ours = json_parse(buf_text(out), out->len), *theirs = json_parse(text, len);

	assert_non_null(ours);
	assert_non_null(theirs);
	if (!cJSON_Compare(ours, theirs, true))
		fail_msg("%s is not as in %s", buf_text(out), name);
	cJSON_Delete(ours);
	cJSON_Delete(theirs);
	free(text);
	buf_free(out);
}

static void messages_of_ours_are_those_of_the_fixtures(void **state)
{
	struct phone_stream s = { .id = "" };
	struct buf out;
	struct span media, payload;
	uint8_t frame[160];
	size_t len;
	char *text = fixture("twilio-stream-out-media", &len);

	(void)state;
	assert_true(json_scan(text, len, "media", &media) && json_scan(media.p, media.n, "payload", &payload));
	assert_int_equal(base64_decode(frame, payload.p, payload.n), sizeof frame);
	strcpy(s.id, SID);
	buf_init(&out, 0);
	media_stream_channel.put_audio(&s, &out, frame, sizeof frame);
	expect_fixture(&out, "twilio-stream-out-media");
	buf_init(&out, 0);
	media_stream_channel.put_mark(&s, &out, "item_0001:400");
	expect_fixture(&out, "twilio-stream-out-mark");
	buf_init(&out, 0);
	media_stream_channel.put_clear(&s, &out);
	expect_fixture(&out, "twilio-stream-out-clear");
	free(text);
}

static void audio_of_any_length_is_a_message(void **state)
{
	struct phone_stream s = { .id = "MZ1" };
	uint8_t audio[801], back[801];

	(void)state;
	for (size_t i = 0; i < sizeof audio; i++)
		audio[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n < sizeof audio; n += n < 10 ? 1 : 79) {
		struct phone_event e;
		struct buf out;

		buf_init(&out, 0);
		media_stream_channel.put_audio(&s, &out, audio, n);
		assert_int_equal(buf_error(&out), 0);
		media_stream_channel.parse(&s, out.data, out.len, &e);
		assert_int_equal(e.type, PHONE_AUDIO);
		assert_int_equal(base64_decode(back, e.audio.p, e.audio.n), n);
		assert_memory_equal(back, audio, n);
		buf_free(&out);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(every_message_of_the_fixtures_is_what_it_is),
	cmocka_unit_test(a_message_that_is_not_addressed_to_the_stream_is_invalid),
	cmocka_unit_test(it_says_what_it_can_do),
	cmocka_unit_test(start_names_the_call_and_its_format),
	cmocka_unit_test(start_tells_who_called_whom_if_its_parameters_do),
	cmocka_unit_test(other_formats_are_seen),
	cmocka_unit_test(media_carries_a_frame_and_its_time),
	cmocka_unit_test(numbers_may_be_strings_numbers_or_absent),
	cmocka_unit_test(mark_comes_back_with_our_name),
	cmocka_unit_test(every_key_of_the_telephone_is_taken_and_nothing_else),
	cmocka_unit_test(nonsense_is_invalid_and_news_is_unknown),
	cmocka_unit_test(what_belongs_to_a_relay_is_told_from_nonsense),
	cmocka_unit_test(no_beginning_of_a_message_is_read_beyond_its_end),
	cmocka_unit_test(names_are_taken_whole_or_not_at_all),
	cmocka_unit_test(a_bad_character_loses_no_start),
	cmocka_unit_test(stream_sid_that_could_break_our_json_is_not_taken),
	cmocka_unit_test(a_second_start_is_told_and_renames_nothing),
	cmocka_unit_test(messages_of_ours_are_those_of_the_fixtures),
	cmocka_unit_test(audio_of_any_length_is_a_message),
	{ 0 },
};
