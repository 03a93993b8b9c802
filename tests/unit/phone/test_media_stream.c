#include "server/phone/media_stream.h"
#include "common/base64.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/peers/fixture.h"

static const char SID[] = "MZ00000000000000000000000000000001";

static struct stream_message parsed(const char *text)
{
	struct stream_message m;

	stream_parse(text, strlen(text), &m);
	return m;
}

static void expect(const char *text, enum stream_event event)
{
	struct stream_message m = parsed(text);

	if (m.event != event)
		fail_msg("%s gives %d, not %d", text, m.event, event);
}

/* -------------------------------------------------------------------- from Twilio */

static void every_message_of_the_fixtures_is_what_it_is(void **state)
{
	static const struct {
		const char *name;
		enum stream_event event;
	} arriving[] = {
		{ "twilio-stream-connected", STREAM_CONNECTED },
		{ "twilio-stream-start", STREAM_START },
		{ "twilio-stream-start-no-parameters", STREAM_START },
		{ "twilio-stream-media", STREAM_MEDIA },
		{ "twilio-stream-media-speech", STREAM_MEDIA },
		{ "twilio-stream-mark", STREAM_MARK },
		{ "twilio-stream-dtmf", STREAM_DTMF },
		{ "twilio-stream-stop", STREAM_STOP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof arriving / sizeof arriving[0]; i++) {
		struct stream_message m;
		size_t len;
		char *text = fixture(arriving[i].name, &len);

		stream_parse(text, len, &m);
		if (m.event != arriving[i].event)
			fail_msg("%s gives %d", arriving[i].name, m.event);
		if (m.event != STREAM_CONNECTED)
			assert_true(span_is(m.stream_sid, SID));
		free(text);
	}
}

static void start_tells_who_called_whom_if_its_parameters_do(void **state)
{
	struct stream_message m =
	    parsed("{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\","
		   "\"customParameters\":{\"caller\":\"+12025550123\",\"called\":\"+12025550100\"}}}");

	(void)state;
	assert_string_equal(m.caller, "+12025550123");
	assert_string_equal(m.called, "+12025550100");
	m = parsed("{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\","
		   "\"customParameters\":{\"caller\":7}}}");
	assert_string_equal(m.caller, "");
	assert_string_equal(m.called, "");
}

static void start_names_the_call_and_its_format(void **state)
{
	struct stream_message m;
	size_t len;
	char *text = fixture("twilio-stream-start", &len);

	(void)state;
	stream_parse(text, len, &m);
	assert_string_equal(m.call_sid, "CA00000000000000000000000000000001");
	assert_string_equal(m.account_sid, "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_true(m.mulaw);
	free(text);
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
		struct stream_message m;
		char text[512];

		snprintf(text, sizeof text,
		    "{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\",\"mediaFormat\":%s}}",
		    formats[i].format);
		m = parsed(text);
		assert_int_equal(m.event, STREAM_START);
		assert_int_equal(m.mulaw, formats[i].mulaw);
	}
	assert_true(parsed("{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\"}}").mulaw);
}

static void media_carries_a_frame_and_its_time(void **state)
{
	struct stream_message m;
	uint8_t frame[160];
	size_t len;
	char *text = fixture("twilio-stream-media", &len);

	(void)state;
	stream_parse(text, len, &m);
	assert_true(m.has_timestamp);
	assert_int_equal(m.timestamp_ms, 5);
	assert_int_equal(base64_decode(frame, m.payload.p, m.payload.n), 160);
	for (size_t i = 0; i < sizeof frame; i++)
		assert_int_equal(frame[i], 0xff);
	free(text);
}

static void numbers_may_be_strings_numbers_or_absent(void **state)
{
	struct stream_message m;

	(void)state;
	m = parsed("{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"timestamp\":1234,\"payload\":\"AAAA\"}}");
	assert_true(m.has_timestamp);
	assert_int_equal(m.timestamp_ms, 1234);
	m = parsed("{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"AAAA\"}}");
	assert_int_equal(m.event, STREAM_MEDIA);
	assert_false(m.has_timestamp);
	m = parsed("{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"AAAA\",\"timestamp\":\"-5\"}}");
	assert_int_equal(m.event, STREAM_MEDIA);
	assert_false(m.has_timestamp);
	m = parsed("{\"event\":\"media\",\"media\":{\"payload\":\"\",\"timestamp\":\"99999999999999999999\"}}");
	assert_false(m.has_timestamp);
	assert_int_equal(m.payload.n, 0);
	assert_int_equal(m.stream_sid.n, 0);
}

static void mark_comes_back_with_our_name(void **state)
{
	struct stream_message m;
	size_t len;
	char *text = fixture("twilio-stream-mark", &len);

	(void)state;
	stream_parse(text, len, &m);
	assert_true(span_is(m.mark, "item_0001:400"));
	free(text);
}

static void every_key_of_the_telephone_is_taken_and_nothing_else(void **state)
{
	int taken = 0;

	(void)state;
	for (int c = 0; c < 256; c++) {
		struct stream_message m;
		char text[] = "{\"event\":\"dtmf\",\"streamSid\":\"MZ1\",\"dtmf\":{\"digit\":\"?\"}}";

		*strchr(text, '?') = (char)c;
		stream_parse(text, sizeof text - 1, &m);
		if (m.event == STREAM_DTMF) {
			assert_int_equal((unsigned char)m.digit, c);
			assert_true(isalnum(c) || c == '*' || c == '#');
			taken++;
		} else {
			assert_int_equal(m.event, STREAM_INVALID);
			assert_int_equal(m.digit, 0);
		}
	}
	assert_int_equal(taken, 16);
	expect("{\"event\":\"dtmf\",\"streamSid\":\"MZ1\",\"dtmf\":{\"digit\":\"12\"}}", STREAM_INVALID);
	expect("{\"event\":\"dtmf\",\"streamSid\":\"MZ1\",\"dtmf\":{\"digit\":\"\"}}", STREAM_INVALID);
	expect("{\"event\":\"dtmf\",\"streamSid\":\"MZ1\",\"dtmf\":\"1\"}", STREAM_INVALID);
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
		"{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\"}",
		"{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"CA1\\u0000\"}}",
		"{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"\xc3\"}}", "{'event':'stop'}" };

	(void)state;
	for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
		expect(invalid[i], STREAM_INVALID);
	expect("{\"event\":\"confetti\"}", STREAM_UNKNOWN);
	expect("{\"event\":\"\"}", STREAM_UNKNOWN);
	expect("{\"event\":\"Media\"}", STREAM_UNKNOWN);
	expect("{\"event\":\"clear\",\"streamSid\":\"MZ1\"}", STREAM_UNKNOWN); /* it is we who say that */
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
			struct stream_message m;
			char *part = malloc(n ? n : 1);

			assert_non_null(part);
			memcpy(part, text, n);
			stream_parse(part, n, &m);
			if (m.event == STREAM_START && n + 2 < len)
				fail_msg("%zu bytes of a start are one", n);
			if (m.event == STREAM_MEDIA)
				assert_true(m.payload.p + m.payload.n <= part + n);
			free(part);
		}
		free(text);
	}
}

static void texts_too_long_are_cut_to_their_place(void **state)
{
	struct stream_message m;
	char sid[200], text[512];

	(void)state;
	memset(sid, 'C', sizeof sid - 1);
	sid[sizeof sid - 1] = '\0';
	snprintf(text, sizeof text, "{\"event\":\"start\",\"streamSid\":\"MZ1\",\"start\":{\"callSid\":\"%s\"}}", sid);
	m = parsed(text);
	assert_int_equal(strlen(m.call_sid), sizeof m.call_sid - 1);
}

static void stream_sid_that_could_break_our_json_is_not_plain(void **state)
{
	char longest[STREAM_SID_SIZE];

	(void)state;
	assert_true(stream_sid_plain((struct span){ SID, strlen(SID) }));
	assert_false(stream_sid_plain((struct span){ "", 0 }));
	for (int c = 0; c < 256; c++) {
		char text[3] = { 'M', (char)c, 'Z' };

		assert_int_equal(
		    stream_sid_plain((struct span){ text, 3 }), c > ' ' && c <= '~' && c != '"' && c != '\\');
	}
	memset(longest, 'M', sizeof longest);
	assert_true(stream_sid_plain((struct span){ longest, sizeof longest - 1 }));
	assert_false(stream_sid_plain((struct span){ longest, sizeof longest }));
}

/* ----------------------------------------------------------------------- to Twilio */

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
	struct buf out;
	struct span media, payload;
	uint8_t frame[160];
	size_t len;
	char *text = fixture("twilio-stream-out-media", &len);

	(void)state;
	assert_true(json_scan(text, len, "media", &media) && json_scan(media.p, media.n, "payload", &payload));
	assert_int_equal(base64_decode(frame, payload.p, payload.n), sizeof frame);
	buf_init(&out, 0);
	stream_put_media(&out, SID, frame, sizeof frame);
	expect_fixture(&out, "twilio-stream-out-media");
	buf_init(&out, 0);
	stream_put_mark(&out, SID, "item_0001:400");
	expect_fixture(&out, "twilio-stream-out-mark");
	buf_init(&out, 0);
	stream_put_clear(&out, SID);
	expect_fixture(&out, "twilio-stream-out-clear");
	free(text);
}

static void audio_of_any_length_is_a_message(void **state)
{
	uint8_t audio[801], back[801];

	(void)state;
	for (size_t i = 0; i < sizeof audio; i++)
		audio[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n < sizeof audio; n += n < 10 ? 1 : 79) {
		struct stream_message m;
		struct buf out;

		buf_init(&out, 0);
		stream_put_media(&out, SID, audio, n);
		assert_int_equal(buf_error(&out), 0);
		stream_parse(out.data, out.len, &m);
		assert_int_equal(m.event, STREAM_MEDIA);
		assert_int_equal(base64_decode(back, m.payload.p, m.payload.n), n);
		assert_memory_equal(back, audio, n);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_of_the_fixtures_is_what_it_is),
		cmocka_unit_test(start_names_the_call_and_its_format),
		cmocka_unit_test(start_tells_who_called_whom_if_its_parameters_do),
		cmocka_unit_test(other_formats_are_seen),
		cmocka_unit_test(media_carries_a_frame_and_its_time),
		cmocka_unit_test(numbers_may_be_strings_numbers_or_absent),
		cmocka_unit_test(mark_comes_back_with_our_name),
		cmocka_unit_test(every_key_of_the_telephone_is_taken_and_nothing_else),
		cmocka_unit_test(nonsense_is_invalid_and_news_is_unknown),
		cmocka_unit_test(no_beginning_of_a_message_is_read_beyond_its_end),
		cmocka_unit_test(texts_too_long_are_cut_to_their_place),
		cmocka_unit_test(stream_sid_that_could_break_our_json_is_not_plain),
		cmocka_unit_test(messages_of_ours_are_those_of_the_fixtures),
		cmocka_unit_test(audio_of_any_length_is_a_message),
	};

	return cmocka_run_group_tests_name("media_stream", tests, NULL, NULL);
}
